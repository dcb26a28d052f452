//! Deliveries of native senders. Once the signature is verified, the event is stored durably and
//! the response is 200, because most senders give up soon or never try again.

use serde_json::json;

use super::ingest::RequestResult;
use super::key_state::IncomingRequest;
use super::{KeyGate, parked};
use crate::platform::answer::Answer;
use crate::{Error, Result, internal};
use tidegate_core::delivery::{
    Application, Fate, Settled, SourceAddress, Step, Waiting, applied, next_step,
};
use tidegate_core::domain::admission::{
    DeliveryDecision, admit_delivery, authenticate_delivery, check_delivery_key,
};
use tidegate_core::domain::id::{RequestId, SequenceId};
use tidegate_core::domain::key::PayloadFormat;
use tidegate_core::domain::log::{About, Outcome};
use tidegate_core::domain::parked::ParkReason;
use tidegate_core::domain::rejection::{Code, Rejection};
use tidegate_core::domain::signature::{Diagnosis, diagnose_native, signature_of};
use tidegate_core::domain::time::Timestamp;
use tidegate_core::protocol::key_gate::{Fault, Ingest, RequestKind};
use tidegate_core::protocol::store_ledger::LedgerCommand;
use tidegate_core::storefront::{self, ParsedDelivery};

/// A delivery whose signature was verified, and the decision whether to apply or park it.
struct Authentic {
    delivery: ParsedDelivery,
    decision: DeliveryDecision,
    request_id: RequestId,
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
        let (fate, units) = match decision {
            DeliveryDecision::Park(reason) => (Fate::parked(reason), 0),
            DeliveryDecision::Apply => {
                (self.apply(delivery, ingest.fault, row, (row, body)).await, 1)
            }
        };
        let parked = match &fate {
            Fate::Settled(_) => Ok(()),
            Fate::Parked(waiting) => self.park(ingest, body, &topic, row, waiting).await,
        };
        let mut result = match parked {
            Ok(()) => {
                let (settled, park_reason) = fate.logged();
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
            let pinned = key_state.stored.source_address.as_deref();
            match SourceAddress::compare(pinned, delivery.source.as_deref()) {
                SourceAddress::Same => {}
                SourceAddress::First => {
                    let mut stored = key_state.stored.clone();
                    stored.source_address.clone_from(&delivery.source);
                    super::storage::save(&self.sql, &stored)
                        .map_err(|error| refused(&error.into_rejection()))?;
                    key_state.stored = stored;
                }
                SourceAddress::Changed => {
                    let decision = DeliveryDecision::Park(ParkReason::SourceChanged);
                    return Ok(Authentic { delivery, decision, request_id });
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
    ) -> Fate {
        let (parked_row, body) = parked_as;
        let application = match next_step(delivery, body) {
            Step::Settle(settled) => return Fate::Settled(settled),
            Step::Park(waiting) => return Fate::Parked(waiting),
            Step::ParkOnce(notification) => {
                let parked = parked::is_duplicate(&self.sql, parked_row, &notification.token);
                return notification.fate(parked.ok());
            }
            Step::Apply(application) => application,
        };
        let Application { topic, delivery_id: delivery, event, parent, satisfies } = application;
        // Before the call: a request that delivers the parent meanwhile must see that an event
        // waits for it.
        if let Some(parent) = &parent {
            let _ = self.with(|key_state| key_state.awaited_parents.insert(parent.clone()));
        }
        let Ok((origin, _)) = self.origin(row) else {
            return Fate::parked(ParkReason::StoreUnavailable);
        };
        let command = LedgerCommand::Apply { origin, topic, delivery, event, fault };
        let reply = self.call_ledger(command).await.ok().map(|(reply, _)| reply);
        let fate = applied(reply, parent.as_deref());
        if let Fate::Settled(_) = fate {
            if let Some(parent) = &parent {
                let _ = self.with(|key_state| key_state.awaited_parents.remove(parent));
            }
            for arrived in &satisfies {
                self.release_children(arrived).await;
            }
        }
        fate
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
