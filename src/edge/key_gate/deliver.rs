//! Deliveries of native senders. Once the signature holds, the event is durable and the answer is
//! 200: most senders give up soon or never try again (DESIGN §5).

use serde_json::json;
use sha2::{Digest, Sha256};

use super::ingest::RequestResult;
use super::key_state::Admitted;
use super::parked::Waiting;
use super::{KeyGate, parked};
use crate::domain::admission::{
    Delivery, admit_delivery, authenticate_delivery, check_delivery_key,
};
use crate::domain::encoding;
use crate::domain::event::{Ignored, NativeEvent};
use crate::domain::id::{RequestId, SequenceId};
use crate::domain::key::PayloadFormat;
use crate::domain::log::Outcome;
use crate::domain::parked::ParkReason;
use crate::domain::rejection::{Code, Rejection};
use crate::domain::signature::{Diagnosis, diagnose_native, signature_of};
use crate::domain::time::Timestamp;
use crate::edge::Result;
use crate::edge::answer::Answer;
use crate::protocol::key_gate::{Fault, Ingest, RequestKind};
use crate::protocol::store_ledger::{LedgerCommand, LedgerReply};
use crate::storefront::{self, ParsedDelivery, woocommerce};

/// What became of an authentic event.
#[derive(Debug)]
pub(super) enum Applied {
    /// Nothing remains to be done.
    Settled {
        outcome: Outcome,
        internal_id: Option<String>,
        external_id: Option<String>,
        detail: Option<String>,
    },
    /// It has to wait.
    Park {
        reason: ParkReason,
        detail: Option<String>,
        parent: Option<String>,
        /// What the same event has again when it is sent once more, where that is told.
        token: Option<String>,
    },
}

/// A delivery whose signature holds: what it says, and what is to be done with it.
struct Authentic {
    reading: ParsedDelivery,
    delivery: Delivery,
    request_id: RequestId,
}

impl Applied {
    pub(super) const fn park(reason: ParkReason) -> Self {
        Self::Park { reason, detail: None, parent: None, token: None }
    }
}

impl KeyGate {
    pub(super) async fn deliver(
        &self,
        ingest: &Ingest,
        body: &[u8],
        admitted: Admitted,
        format: PayloadFormat,
        now: Timestamp,
    ) -> RequestResult {
        let refused = match self.authenticated(ingest, body, admitted, format, now) {
            Ok(Ok(authentic)) => {
                return self.delivered(ingest, body, admitted.row, authentic).await;
            }
            Ok(Err(finished)) => *finished,
            Err(rejection) => {
                let id = crate::edge::platform::unlogged_request_id();
                RequestResult::rejected(&rejection, &id, None)
            }
        };
        let topic = storefront::announced_topic(format, &ingest.headers);
        RequestResult { topic: topic.map(str::to_owned), ..refused }
    }

    /// Applies an authentic delivery, or parks it.
    async fn delivered(
        &self,
        ingest: &Ingest,
        body: &[u8],
        row: SequenceId,
        authentic: Authentic,
    ) -> RequestResult {
        let Authentic { reading, delivery, request_id } = authentic;
        let topic = reading.topic.clone();
        let (applied, units) = match delivery {
            Delivery::Park(reason) => (Applied::park(reason), 0),
            Delivery::Apply => (self.apply(reading, ingest.fault, row, (row, body)).await, 1),
        };
        let mut finished = match applied {
            Applied::Settled { outcome, internal_id, external_id, detail } => {
                let mut finished = accepted(outcome, request_id);
                finished.internal_id = internal_id;
                finished.external_id = external_id;
                finished.detail = detail;
                finished
            }
            Applied::Park { reason, detail, parent, token } => {
                let detail = detail.as_deref();
                let waiting = Waiting { reason, detail, parent: parent.as_deref(), token };
                match self.park(ingest, body, &topic, row, &waiting).await {
                    Ok(()) => {
                        let mut finished = accepted(Outcome::Parked, request_id);
                        finished.detail = Some(reason.with(detail));
                        finished
                    }
                    Err(rejection) => RequestResult::rejected(&rejection, &request_id, None),
                }
            }
        };
        finished.units = units;
        finished.topic = Some(topic).filter(|topic| !topic.is_empty());
        finished
    }

    /// Tells whether a delivery is authentic, and only then reads it and tells what to do with it;
    /// else its end.
    fn authenticated(
        &self,
        ingest: &Ingest,
        body: &[u8],
        admitted: Admitted,
        format: PayloadFormat,
        now: Timestamp,
    ) -> Result<std::result::Result<Authentic, Box<RequestResult>>> {
        self.with(|key_state| {
            let request_id = key_state.request_id(admitted.row);
            let refused = |rejection: &Rejection| {
                Box::new(RequestResult::rejected(rejection, &request_id, None))
            };
            let presented = admitted.presents(ingest, body);
            let signature = signature_of(format, &ingest.headers);
            if format == PayloadFormat::WooCommerce
                && signature.is_none()
                && woocommerce::is_ping(ingest.headers.get("content-type"), body)
            {
                check_delivery_key(&key_state.stored.record, presented.key_hash, format, now)
                    .map_err(|rejection| refused(&rejection))?;
                return Err(Box::new(ping()));
            }
            let secrets = key_state.live_secrets(now);
            let authentic =
                authenticate_delivery(&key_state.stored.record, &secrets, presented, format, now);
            if let Err(mut rejection) = authentic {
                if rejection.code == Code::SignatureInvalid && key_state.logs_refusal_singly(now) {
                    let previous = key_state.previous_secrets(now);
                    let url = key_state.stored.record.notification_url.as_deref();
                    let headers = &ingest.headers;
                    let cause = diagnose_native(format, headers, url, &secrets, &previous, body);
                    rejection = rejection.diagnosed(match (cause, url) {
                        (Diagnosis::UnknownOrAddress, Some(url)) => {
                            format!("{} {url}.", cause.detail())
                        }
                        _ => cause.detail().to_owned(),
                    });
                }
                return Err(refused(&rejection));
            }
            let reading = storefront::read(format, &ingest.headers, body);
            if let Some(address) = reading.source.as_deref() {
                match key_state.stored.source_address.as_deref() {
                    Some(pinned) if pinned != address => {
                        let delivery = Delivery::Park(ParkReason::SourceChanged);
                        return Ok(Authentic { reading, delivery, request_id });
                    }
                    Some(_) => {}
                    None => {
                        let mut stored = key_state.stored.clone();
                        stored.source_address = Some(address.to_owned());
                        super::storage::save(&self.sql, &stored)
                            .map_err(|rejection| refused(&rejection))?;
                        key_state.stored = stored;
                    }
                }
            }
            let scope = reading.subject.scope();
            // The same request once more has been charged for: it goes through a copy.
            let mut charged = admitted.repeated.then(|| key_state.window.clone());
            let window = charged.as_mut().unwrap_or(&mut key_state.window);
            let delivery = admit_delivery(&key_state.stored.record, window, scope, now);
            Ok(Authentic { reading, delivery, request_id })
        })
    }

    /// Applies an authentic event that has been charged for. `kept` is the row under which it is
    /// parked, or would be, and its body.
    pub(super) async fn apply(
        &self,
        reading: ParsedDelivery,
        fault: Option<Fault>,
        row: SequenceId,
        kept: (SequenceId, &[u8]),
    ) -> Applied {
        let ParsedDelivery { topic, delivery, meaning, .. } = reading;
        let event = match meaning {
            Ok(NativeEvent::Ignored { reason }) => return ignored(reason),
            Ok(NativeEvent::Notification { resource, external_id }) => {
                let (row, body) = kept;
                let token = delivery.unwrap_or_else(|| encoding::hex(Sha256::digest(body)));
                // What cannot be told is kept rather than dropped.
                return match parked::waits_already(&self.sql, row, &token) {
                    Ok(true) => Applied::Settled {
                        outcome: Outcome::Duplicate,
                        internal_id: None,
                        external_id: Some(external_id),
                        detail: None,
                    },
                    known => Applied::Park {
                        reason: ParkReason::AwaitingDetails,
                        detail: Some(format!("{} {external_id}", resource.as_str())),
                        parent: None,
                        token: known.is_ok().then_some(token),
                    },
                };
            }
            Ok(event) => event,
            Err(unmappable) => {
                let detail = format!("{} {}", unmappable.pointer, unmappable.detail);
                return Applied::Park {
                    reason: ParkReason::Unmappable,
                    detail: Some(detail.trim().to_owned()),
                    parent: None,
                    token: None,
                };
            }
        };
        // Before asking: whoever brings the parent meanwhile must find that it is waited for.
        let parent = event.parent();
        if let Some(parent) = &parent {
            let _ = self.with(|key_state| key_state.awaited.insert(parent.clone()));
        }
        let satisfies = event.satisfies();
        let Ok((origin, _)) = self.origin(row) else {
            return Applied::park(ParkReason::StoreUnavailable);
        };
        let command = LedgerCommand::Apply { origin, topic, delivery, event, fault };
        match self.to_ledger(command).await {
            Ok((LedgerReply::Done { outcome, internal_id, external_id, .. }, _)) => {
                if let Some(parent) = &parent {
                    let _ = self.with(|key_state| key_state.awaited.remove(parent));
                }
                for name in &satisfies {
                    self.parent_arrived(name).await;
                }
                Applied::Settled { outcome, internal_id, external_id, detail: None }
            }
            Ok((LedgerReply::ParentUnknown, _)) => {
                let name = parent.unwrap_or_default();
                Applied::Park {
                    reason: ParkReason::ParentUnknown,
                    detail: Some(format!("{name} has not arrived yet")),
                    parent: Some(name),
                    token: None,
                }
            }
            Ok((LedgerReply::Rejected { rejection }, _)) => Applied::Park {
                reason: ParkReason::Unmappable,
                detail: Some(rejection.detail),
                parent: None,
                token: None,
            },
            Ok(_) | Err(_) => Applied::park(ParkReason::StoreUnavailable),
        }
    }

    async fn park(
        &self,
        ingest: &Ingest,
        body: &[u8],
        topic: &str,
        row: SequenceId,
        waiting: &Waiting<'_>,
    ) -> Result<()> {
        // Shops put secrets into query strings, and a retry needs none.
        let kept = Ingest { fault: None, query: String::new(), ..ingest.clone() };
        let due = parked::insert(&self.sql, row, topic, &kept, body, waiting)?;
        if let Some(parent) = waiting.parent {
            self.release_if_arrived(parent).await?;
        }
        if let Some(due) = due {
            self.arm(due).await;
        }
        Ok(())
    }

    /// Lets go an event that has just been parked for its parent, where that came meanwhile.
    pub(super) async fn release_if_arrived(&self, parent: &str) -> Result<()> {
        let waiting = self.with(|key_state| key_state.awaited.contains(parent))?;
        let now = crate::edge::platform::now();
        if !waiting && parked::release(&self.sql, ParkReason::ParentUnknown, Some(parent), now)? {
            self.arm(now).await;
        }
        Ok(())
    }

    /// Lets go the events that waited for this one.
    async fn parent_arrived(&self, parent: &str) {
        let waited = self.with(|key_state| key_state.awaited.remove(parent)).unwrap_or(false);
        if !waited {
            return;
        }
        let now = crate::edge::platform::now();
        if let Ok(true) = parked::release(&self.sql, ParkReason::ParentUnknown, Some(parent), now) {
            self.arm(now).await;
        }
    }
}

fn accepted(outcome: Outcome, request_id: RequestId) -> RequestResult {
    let body = json!({ "outcome": outcome.as_str(), "request_id": request_id });
    RequestResult::with(Answer::json(200, body.to_string()), outcome)
}

/// The answer to a setup ping. It changes nothing and is counted among the refusals, as it is not
/// authentic.
fn ping() -> RequestResult {
    let mut finished = RequestResult::with(
        Answer::json(200, json!({ "outcome": "ping" }).to_string()),
        Outcome::Ping,
    );
    finished.units = 0;
    finished
}

fn ignored(reason: Ignored) -> Applied {
    Applied::Settled {
        outcome: Outcome::Ignored,
        internal_id: None,
        external_id: None,
        detail: Some(reason.detail().to_owned()),
    }
}

/// What a parked delivery says, read once more.
pub(super) fn reread(ingest: &Ingest, body: &[u8]) -> ParsedDelivery {
    let format = match ingest.operation {
        RequestKind::Deliver { format } => format,
        // Only deliveries are ever parked.
        _ => PayloadFormat::Gateway,
    };
    storefront::read(format, &ingest.headers, body)
}
