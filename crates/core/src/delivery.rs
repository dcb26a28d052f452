//! What becomes of an authentic delivery of a native sender: settled, parked, or applied by the
//! ledger. Nothing authentic is dropped.

use sha2::{Digest, Sha256};

use crate::domain::encoding;
use crate::domain::event::NativeEvent;
use crate::domain::log::Outcome;
use crate::domain::parked::ParkReason;
use crate::protocol::store_ledger::LedgerReply;
use crate::storefront::ParsedDelivery;

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing remains to be done.
    Settled(Settled),
    /// The event has to be parked.
    Parked(Waiting),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    pub outcome: Outcome,
    pub internal_id: Option<String>,
    pub external_id: Option<String>,
    /// For people, in the request log.
    pub detail: Option<String>,
}

/// Why an event is parked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub reason: ParkReason,
    /// For people, in the request log.
    pub detail: Option<String>,
    /// The parent whose arrival the event waits for, if it waits for one.
    pub parent: Option<String>,
    /// Identifies the event when it is sent again. Unique among the parked events of a key.
    pub token: Option<String>,
}

/// What to do with an authentic delivery whose key admits it.
#[derive(Debug)]
pub enum Step {
    Settle(Settled),
    Park(Waiting),
    /// Park it for its details, unless the same notification is parked already.
    ParkOnce(Notification),
    Apply(Application),
}

/// A delivery that only names a resource.
#[derive(Debug)]
pub struct Notification {
    pub external_id: String,
    pub waiting: Waiting,
    pub token: String,
}

/// An event for the ledger.
#[derive(Debug)]
pub struct Application {
    pub topic: String,
    pub delivery_id: Option<String>,
    pub event: NativeEvent,
    /// The resource that must have arrived before the event can be applied.
    pub parent: Option<String>,
    /// The resources that other events may be waiting for.
    pub satisfies: Vec<String>,
}

impl Waiting {
    pub const fn for_reason(reason: ParkReason) -> Self {
        Self { reason, detail: None, parent: None, token: None }
    }
}

impl Fate {
    pub const fn parked(reason: ParkReason) -> Self {
        Self::Parked(Waiting::for_reason(reason))
    }

    /// What the log says of it, and why the event is parked, if it is.
    pub fn logged(&self) -> (Settled, Option<ParkReason>) {
        match self {
            Self::Settled(settled) => (settled.clone(), None),
            Self::Parked(Waiting { reason, detail, .. }) => {
                let settled = Settled { detail: detail.clone(), ..settled(Outcome::Parked) };
                (settled, Some(*reason))
            }
        }
    }
}

impl Notification {
    /// `is_parked` is whether the same notification is parked already, if that could be looked up.
    /// If not, it is parked rather than dropped as a duplicate.
    pub fn fate(self, is_parked: Option<bool>) -> Fate {
        let Self { external_id, waiting, token } = self;
        match is_parked {
            Some(true) => Fate::Settled(Settled {
                external_id: Some(external_id),
                ..settled(Outcome::Duplicate)
            }),
            Some(false) => Fate::Parked(Waiting { token: Some(token), ..waiting }),
            None => Fate::Parked(waiting),
        }
    }
}

/// What to do with an authentic delivery and its raw body.
pub fn next_step(delivery: ParsedDelivery, body: &[u8]) -> Step {
    let ParsedDelivery { topic, delivery_id, event, .. } = delivery;
    match event {
        Ok(NativeEvent::Ignored { reason }) => {
            let detail = Some(reason.detail().to_owned());
            Step::Settle(Settled { detail, ..settled(Outcome::Ignored) })
        }
        Ok(NativeEvent::Notification { resource, external_id }) => {
            let token = delivery_id.unwrap_or_else(|| encoding::hex(Sha256::digest(body)));
            let detail = Some(format!("{} {external_id}", resource.as_str()));
            let waiting = Waiting { detail, ..Waiting::for_reason(ParkReason::AwaitingDetails) };
            Step::ParkOnce(Notification { external_id, waiting, token })
        }
        Ok(event) => {
            let (parent, satisfies) = (event.parent(), event.satisfies());
            Step::Apply(Application { topic, delivery_id, event, parent, satisfies })
        }
        Err(unmappable) => {
            let detail = format!("{} {}", unmappable.pointer, unmappable.detail);
            let detail = Some(detail.trim().to_owned());
            Step::Park(Waiting { detail, ..Waiting::for_reason(ParkReason::Unmappable) })
        }
    }
}

/// What became of an event that the ledger was to apply. `parent` is the event's; `reply` is `None`
/// if the ledger gave none.
pub fn applied(reply: Option<LedgerReply>, parent: Option<&str>) -> Fate {
    match reply {
        Some(LedgerReply::Done { outcome, internal_id, external_id, .. }) => {
            Fate::Settled(Settled { outcome, internal_id, external_id, detail: None })
        }
        Some(LedgerReply::ParentUnknown) => {
            let parent = parent.unwrap_or_default();
            Fate::Parked(Waiting {
                detail: Some(format!("{parent} has not arrived yet")),
                parent: Some(parent.to_owned()),
                ..Waiting::for_reason(ParkReason::ParentUnknown)
            })
        }
        Some(LedgerReply::Rejected { rejection }) => {
            let detail = Some(rejection.detail);
            Fate::Parked(Waiting { detail, ..Waiting::for_reason(ParkReason::Unmappable) })
        }
        Some(
            LedgerReply::Replay { .. }
            | LedgerReply::Batch { .. }
            | LedgerReply::NoStoredResponse
            | LedgerReply::Failed { .. },
        )
        | None => Fate::parked(ParkReason::StoreUnavailable),
    }
}

/// The address of the shop, account or site that a delivery names, compared with the one that the
/// key is pinned to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceAddress {
    /// The delivery names none, or the pinned one.
    Same,
    /// The key is not pinned yet: it is pinned to this one.
    First,
    Changed,
}

impl SourceAddress {
    pub fn compare(pinned: Option<&str>, named: Option<&str>) -> Self {
        match (pinned, named) {
            (_, None) => Self::Same,
            (None, Some(_)) => Self::First,
            (Some(pinned), Some(named)) if pinned == named => Self::Same,
            (Some(_), Some(_)) => Self::Changed,
        }
    }
}

const fn settled(outcome: Outcome) -> Settled {
    Settled { outcome, internal_id: None, external_id: None, detail: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::{Ignored, ResourceKind, Subject, Unmappable};
    use crate::domain::rejection::{Code, Rejection};

    fn delivery(event: Result<NativeEvent, Unmappable>) -> ParsedDelivery {
        ParsedDelivery {
            topic: "order.updated".into(),
            subject: Subject::Order,
            delivery_id: None,
            source: None,
            event,
        }
    }

    fn reason(fate: &Fate) -> Option<ParkReason> {
        fate.logged().1
    }

    #[test]
    fn an_event_without_effect_is_settled_with_the_reason() {
        let ignored = Ok(NativeEvent::Ignored { reason: Ignored::Draft });
        let Step::Settle(settled) = next_step(delivery(ignored), b"{}") else { panic!() };
        assert_eq!(settled.outcome, Outcome::Ignored);
        assert_eq!(settled.detail.as_deref(), Some(Ignored::Draft.detail()));
    }

    #[test]
    fn a_body_that_cannot_be_read_is_parked_with_the_place() {
        let unreadable =
            Unmappable { pointer: "/lines/0/price".into(), detail: "must be a number".into() };
        let Step::Park(waiting) = next_step(delivery(Err(unreadable)), b"{}") else { panic!() };
        assert_eq!(waiting.reason, ParkReason::Unmappable);
        assert_eq!(waiting.detail.as_deref(), Some("/lines/0/price must be a number"));
        assert_eq!((waiting.parent, waiting.token), (None, None));
    }

    #[test]
    fn a_notification_is_parked_once_and_never_lost() {
        let notification = |delivery_id: Option<&str>, body: &[u8]| {
            let (resource, external_id) = (ResourceKind::Order, "A-1".to_owned());
            let event = Ok(NativeEvent::Notification { resource, external_id });
            let delivery_id = delivery_id.map(str::to_owned);
            match next_step(ParsedDelivery { delivery_id, ..delivery(event) }, body) {
                Step::ParkOnce(notification) => notification,
                other => panic!("{other:?}"),
            }
        };
        let token = |id, body| notification(id, body).token;
        assert_eq!(token(Some("d1"), b"a"), "d1");
        assert_eq!(token(None, b"a"), token(None, b"a"));
        assert_ne!(token(None, b"a"), token(None, b"b"));
        let new = notification(Some("d1"), b"a").fate(Some(false));
        let Fate::Parked(waiting) = &new else { panic!("{new:?}") };
        assert_eq!(waiting.token.as_deref(), Some("d1"));
        assert_eq!(waiting.detail.as_deref(), Some("order A-1"));
        let Fate::Settled(again) = notification(Some("d1"), b"a").fate(Some(true)) else {
            panic!()
        };
        assert_eq!(
            (again.outcome, again.external_id.as_deref()),
            (Outcome::Duplicate, Some("A-1"))
        );
        let unknown = notification(Some("d1"), b"a").fate(None);
        assert_eq!(reason(&unknown), Some(ParkReason::AwaitingDetails));
    }

    #[test]
    fn what_the_ledger_does_not_apply_is_parked() {
        let rejection = Rejection::new(Code::ValidationFailed, "is in EUR, but its order in USD");
        let status = 200;
        let outcome = Outcome::Stale;
        let (internal_id, external_id) = (Some("ord_a".to_owned()), Some("A-1".to_owned()));
        let done = LedgerReply::Done { status, outcome, internal_id, external_id };
        for (reply, expected) in [
            (Some(done), None),
            (Some(LedgerReply::ParentUnknown), Some(ParkReason::ParentUnknown)),
            (Some(LedgerReply::Rejected { rejection }), Some(ParkReason::Unmappable)),
            (Some(LedgerReply::Failed { temporary: true }), Some(ParkReason::StoreUnavailable)),
            (Some(LedgerReply::NoStoredResponse), Some(ParkReason::StoreUnavailable)),
            (None, Some(ParkReason::StoreUnavailable)),
        ] {
            assert_eq!(reason(&applied(reply.clone(), Some("order A-1"))), expected, "{reply:?}");
        }
        let Fate::Parked(waiting) = applied(Some(LedgerReply::ParentUnknown), Some("order A-1"))
        else {
            panic!()
        };
        assert_eq!(waiting.parent.as_deref(), Some("order A-1"));
        assert_eq!(waiting.detail.as_deref(), Some("order A-1 has not arrived yet"));
    }

    #[test]
    fn a_key_is_pinned_to_the_first_address() {
        use SourceAddress::{Changed, First, Same};
        for (pinned, named, expected) in [
            (None, None, Same),
            (None, Some("a"), First),
            (Some("a"), None, Same),
            (Some("a"), Some("a"), Same),
            (Some("a"), Some("b"), Changed),
        ] {
            assert_eq!(SourceAddress::compare(pinned, named), expected, "{pinned:?} {named:?}");
        }
    }
}
