//! Deliveries of native senders. Once the signature is verified, the event is stored durably and
//! the response is 200, because most senders give up soon or never try again.

use serde_json::json;
use sha2::{Digest, Sha256};

use super::ingest::RequestResult;
use super::key_state::IncomingRequest;
use super::parked::Waiting;
use super::{KeyGate, parked};
use crate::platform::answer::Answer;
use crate::{Error, Result, internal};
use tidegate_core::domain::admission::{
    DeliveryDecision, admit_delivery, authenticate_delivery, check_delivery_key,
};
use tidegate_core::domain::encoding;
use tidegate_core::domain::event::{Ignored, NativeEvent};
use tidegate_core::domain::id::{RequestId, SequenceId};
use tidegate_core::domain::key::PayloadFormat;
use tidegate_core::domain::log::{About, Outcome};
use tidegate_core::domain::parked::ParkReason;
use tidegate_core::domain::rejection::{Code, Rejection};
use tidegate_core::domain::signature::{Diagnosis, diagnose_native, signature_of};
use tidegate_core::domain::time::Timestamp;
use tidegate_core::protocol::key_gate::{Fault, Ingest, RequestKind};
use tidegate_core::protocol::store_ledger::{LedgerCommand, LedgerReply};
use tidegate_core::storefront::{self, ParsedDelivery};

/// The result of applying an authentic event.
#[derive(Debug)]
pub(super) enum ApplyResult {
    /// Nothing remains to be done.
    Settled(Settled),
    /// The event has to be parked.
    Park(Waiting),
}

/// An event of which nothing remains to be done.
#[derive(Clone, Debug)]
pub(super) struct Settled {
    pub outcome: Outcome,
    pub internal_id: Option<String>,
    pub external_id: Option<String>,
    pub detail: Option<String>,
}

/// A delivery whose signature was verified, and the decision whether to apply or park it.
struct Authentic {
    delivery: ParsedDelivery,
    decision: DeliveryDecision,
    request_id: RequestId,
}

impl ApplyResult {
    pub(super) const fn park(reason: ParkReason) -> Self {
        Self::Park(Waiting { reason, detail: None, parent: None, token: None })
    }

    /// What the log says of it, and why the event is parked, if it is.
    pub(super) fn logged(&self) -> (Settled, Option<ParkReason>) {
        match self {
            Self::Settled(settled) => (settled.clone(), None),
            Self::Park(Waiting { reason, detail, .. }) => {
                let detail = detail.clone();
                let outcome = Outcome::Parked;
                (Settled { outcome, internal_id: None, external_id: None, detail }, Some(*reason))
            }
        }
    }
}

impl KeyGate {
    pub(super) async fn deliver(
        &self,
        ingest: &Ingest,
        body: &[u8],
        request: IncomingRequest,
        format: PayloadFormat,
        now: Timestamp,
    ) -> RequestResult {
        let refused = match self.authenticate_and_parse(ingest, body, request, format, now) {
            Ok(Ok(authentic)) => {
                return self.apply_or_park(ingest, body, request.row, authentic).await;
            }
            Ok(Err(result)) => *result,
            Err(error) => {
                let id = crate::platform::unlogged_request_id();
                RequestResult::rejected(&error.into_rejection(), &id, None)
            }
        };
        let webhooks = format.webhooks();
        let topic = webhooks.and_then(|webhooks| webhooks.announced_topic(&ingest.headers));
        RequestResult { topic: topic.map(str::to_owned), ..refused }
    }

    /// Applies an authentic delivery, or parks it.
    async fn apply_or_park(
        &self,
        ingest: &Ingest,
        body: &[u8],
        row: SequenceId,
        authentic: Authentic,
    ) -> RequestResult {
        let Authentic { delivery, decision, request_id } = authentic;
        let topic = delivery.topic.clone();
        let (applied, units) = match decision {
            DeliveryDecision::Park(reason) => (ApplyResult::park(reason), 0),
            DeliveryDecision::Apply => {
                (self.apply(delivery, ingest.fault, row, (row, body)).await, 1)
            }
        };
        let parked = match &applied {
            ApplyResult::Settled(_) => Ok(()),
            ApplyResult::Park(waiting) => self.park(ingest, body, &topic, row, waiting).await,
        };
        let mut result = match parked {
            Ok(()) => {
                let (settled, park_reason) = applied.logged();
                let Settled { outcome, internal_id, external_id, detail } = settled;
                let about = About { park_reason, ..About::NOTHING };
                RequestResult {
                    internal_id,
                    external_id,
                    about,
                    detail,
                    ..ok_result(outcome, request_id)
                }
            }
            Err(error) => RequestResult::rejected(&error.into_rejection(), &request_id, None),
        };
        result.units = units;
        result.topic = Some(topic).filter(|topic| !topic.is_empty());
        result
    }

    /// Checks that a delivery is authentic, and only then parses it and decides whether to apply or
    /// park it. The inner error is the result of a refused delivery.
    fn authenticate_and_parse(
        &self,
        ingest: &Ingest,
        body: &[u8],
        request: IncomingRequest,
        format: PayloadFormat,
        now: Timestamp,
    ) -> Result<std::result::Result<Authentic, Box<RequestResult>>> {
        self.with(|key_state| {
            let request_id = key_state.request_id(request.row);
            let refused = |rejection: &Rejection| {
                Box::new(RequestResult::rejected(rejection, &request_id, None))
            };
            let presented = request.presented(ingest, body);
            let signature = signature_of(format, &ingest.headers);
            let is_ping = format.webhooks().and_then(|webhooks| webhooks.is_ping);
            if signature.is_none()
                && is_ping.is_some_and(|is| is(ingest.headers.get("content-type"), body))
            {
                check_delivery_key(&key_state.stored.record, presented.key_hash, format, now)
                    .map_err(|rejection| refused(&rejection))?;
                return Err(Box::new(ping_result()));
            }
            let secrets = key_state.live_secrets(now);
            let authentic =
                authenticate_delivery(&key_state.stored.record, &secrets, presented, format, now);
            if let Err(mut rejection) = authentic {
                if rejection.code == Code::SignatureInvalid
                    && key_state.logs_next_refusal_singly(now)
                {
                    let previous = key_state.previous_secrets(now);
                    let url = key_state.stored.record.notification_url.as_deref();
                    let headers = &ingest.headers;
                    let cause = diagnose_native(format, headers, url, &secrets, &previous, body);
                    rejection = rejection.with_diagnosis(match (cause, url) {
                        (Diagnosis::UnknownOrAddress, Some(url)) => {
                            format!("{} {url}.", cause.detail())
                        }
                        _ => cause.detail().to_owned(),
                    });
                }
                return Err(refused(&rejection));
            }
            let delivery = storefront::read(format, &ingest.headers, body)
                .ok_or_else(|| refused(&no_webhook().into_rejection()))?;
            if let Some(address) = delivery.source.as_deref() {
                match key_state.stored.source_address.as_deref() {
                    Some(pinned) if pinned != address => {
                        let decision = DeliveryDecision::Park(ParkReason::SourceChanged);
                        return Ok(Authentic { delivery, decision, request_id });
                    }
                    Some(_) => {}
                    None => {
                        let mut stored = key_state.stored.clone();
                        stored.source_address = Some(address.to_owned());
                        super::storage::save(&self.sql, &stored)
                            .map_err(|error| refused(&error.into_rejection()))?;
                        key_state.stored = stored;
                    }
                }
            }
            let scope = delivery.subject.scope();
            let decision = key_state
                .charge(request, |record, window| admit_delivery(record, window, scope, now));
            Ok(Authentic { delivery, decision, request_id })
        })
    }

    /// Applies an authentic event that has been charged for. `parked_as` is the row under which the
    /// event is parked, or would be, and its body.
    pub(super) async fn apply(
        &self,
        delivery: ParsedDelivery,
        fault: Option<Fault>,
        row: SequenceId,
        parked_as: (SequenceId, &[u8]),
    ) -> ApplyResult {
        let ParsedDelivery { topic, delivery_id, event, .. } = delivery;
        let event = match event {
            Ok(NativeEvent::Ignored { reason }) => return ignored_result(reason),
            Ok(NativeEvent::Notification { resource, external_id }) => {
                let (row, body) = parked_as;
                let token = delivery_id.unwrap_or_else(|| encoding::hex(Sha256::digest(body)));
                // If the lookup fails, the event is parked rather than dropped as a duplicate.
                return match parked::is_duplicate(&self.sql, row, &token) {
                    Ok(true) => ApplyResult::Settled(Settled {
                        outcome: Outcome::Duplicate,
                        internal_id: None,
                        external_id: Some(external_id),
                        detail: None,
                    }),
                    lookup => ApplyResult::Park(Waiting {
                        reason: ParkReason::AwaitingDetails,
                        detail: Some(format!("{} {external_id}", resource.as_str())),
                        parent: None,
                        token: lookup.is_ok().then_some(token),
                    }),
                };
            }
            Ok(event) => event,
            Err(unmappable) => {
                let detail = format!("{} {}", unmappable.pointer, unmappable.detail);
                return ApplyResult::Park(Waiting {
                    reason: ParkReason::Unmappable,
                    detail: Some(detail.trim().to_owned()),
                    parent: None,
                    token: None,
                });
            }
        };
        // Before the call: a request that delivers the parent meanwhile must see that an event
        // waits for it.
        let parent = event.parent();
        if let Some(parent) = &parent {
            let _ = self.with(|key_state| key_state.awaited_parents.insert(parent.clone()));
        }
        let satisfies = event.satisfies();
        let Ok((origin, _)) = self.origin(row) else {
            return ApplyResult::park(ParkReason::StoreUnavailable);
        };
        let command = LedgerCommand::Apply { origin, topic, delivery: delivery_id, event, fault };
        match self.call_ledger(command).await {
            Ok((LedgerReply::Done { outcome, internal_id, external_id, .. }, _)) => {
                if let Some(parent) = &parent {
                    let _ = self.with(|key_state| key_state.awaited_parents.remove(parent));
                }
                for arrived in &satisfies {
                    self.release_children(arrived).await;
                }
                ApplyResult::Settled(Settled { outcome, internal_id, external_id, detail: None })
            }
            Ok((LedgerReply::ParentUnknown, _)) => {
                let parent = parent.unwrap_or_default();
                ApplyResult::Park(Waiting {
                    reason: ParkReason::ParentUnknown,
                    detail: Some(format!("{parent} has not arrived yet")),
                    parent: Some(parent),
                    token: None,
                })
            }
            Ok((LedgerReply::Rejected { rejection }, _)) => ApplyResult::Park(Waiting {
                reason: ParkReason::Unmappable,
                detail: Some(rejection.detail),
                parent: None,
                token: None,
            }),
            Ok(_) | Err(_) => ApplyResult::park(ParkReason::StoreUnavailable),
        }
    }

    async fn park(
        &self,
        ingest: &Ingest,
        body: &[u8],
        topic: &str,
        row: SequenceId,
        waiting: &Waiting,
    ) -> Result<()> {
        // Shops put secrets into query strings, and a retry needs no query string.
        let ingest = Ingest { fault: None, query: String::new(), ..ingest.clone() };
        let due = parked::insert(&self.sql, row, topic, &ingest, body, waiting)?;
        if let Some(parent) = &waiting.parent {
            self.release_if_arrived(parent).await?;
        }
        if let Some(due) = due {
            self.arm(due).await;
        }
        Ok(())
    }

    /// Makes an event due that has just been parked for its parent, if the parent arrived
    /// meanwhile.
    pub(super) async fn release_if_arrived(&self, parent: &str) -> Result<()> {
        let waiting = self.with(|key_state| key_state.awaited_parents.contains(parent))?;
        let now = crate::platform::now();
        if !waiting && parked::release(&self.sql, ParkReason::ParentUnknown, Some(parent), now)? {
            self.arm(now).await;
        }
        Ok(())
    }

    /// Makes the events due that are parked for this parent.
    async fn release_children(&self, parent: &str) {
        let waited =
            self.with(|key_state| key_state.awaited_parents.remove(parent)).unwrap_or(false);
        if !waited {
            return;
        }
        let now = crate::platform::now();
        if let Ok(true) = parked::release(&self.sql, ParkReason::ParentUnknown, Some(parent), now) {
            self.arm(now).await;
        }
    }
}

fn ok_result(outcome: Outcome, request_id: RequestId) -> RequestResult {
    let body = json!({ "outcome": outcome.as_str(), "request_id": request_id });
    RequestResult::new(Answer::json(200, body.to_string()), outcome)
}

/// The result of a set-up ping. It changes nothing and is counted among the refusals, because it is
/// not authentic.
fn ping_result() -> RequestResult {
    let mut result = RequestResult::new(
        Answer::json(200, json!({ "outcome": "ping" }).to_string()),
        Outcome::Ping,
    );
    result.units = 0;
    result
}

fn ignored_result(reason: Ignored) -> ApplyResult {
    ApplyResult::Settled(Settled {
        outcome: Outcome::Ignored,
        internal_id: None,
        external_id: None,
        detail: Some(reason.detail().to_owned()),
    })
}

/// Parses a parked delivery again.
pub(super) fn parse_again(ingest: &Ingest, body: &[u8]) -> Result<ParsedDelivery> {
    let delivery = match ingest.kind {
        RequestKind::Deliver { format } => storefront::read(format, &ingest.headers, body),
        _ => None,
    };
    delivery.ok_or_else(no_webhook)
}

/// The error for a request that is no delivery of a sender's own webhook. The Worker sends none
/// here.
fn no_webhook() -> Error {
    internal("a delivery of no sender")
}
