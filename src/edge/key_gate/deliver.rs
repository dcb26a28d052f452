//! Deliveries of native senders. Once the signature holds, the event is durable and the answer is
//! 200: the sender never tries again (DESIGN §5).

use serde_json::json;

use super::awake::Admitted;
use super::ingest::{Finished, signature_headers};
use super::{KeyGate, parked};
use crate::domain::admission::{
    Delivery, Presented, admit_delivery, authenticate_delivery, check_delivery_key,
};
use crate::domain::event::{Ignored, NativeEvent};
use crate::domain::id::Row;
use crate::domain::key::{PayloadFormat, Scope};
use crate::domain::log::Outcome;
use crate::domain::parked::ParkReason;
use crate::domain::rejection::{Code, Rejection};
use crate::domain::signature::diagnose;
use crate::domain::time::Timestamp;
use crate::edge::Result;
use crate::edge::answer::Answer;
use crate::protocol::key_gate::Ingest;
use crate::protocol::store_ledger::{LedgerCommand, LedgerReply};
use crate::storefront::woocommerce::{self, Subject};

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
    Park { reason: ParkReason, detail: Option<String>, parent: Option<String> },
}

impl Applied {
    const fn park(reason: ParkReason) -> Self {
        Self::Park { reason, detail: None, parent: None }
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
    ) -> Finished {
        let delivered = self.authenticated(ingest, body, admitted, format, now);
        let (delivery, request_id) = match delivered {
            Ok(Ok(delivery)) => delivery,
            Ok(Err(finished)) => return *finished,
            Err(rejection) => {
                let id = crate::edge::platform::unlogged_request_id();
                return Finished::rejected(&rejection, &id, None);
            }
        };
        let (applied, units) = match delivery {
            Delivery::Park(reason) => (Applied::park(reason), 0),
            Delivery::Apply => (self.apply(ingest, body, admitted.row).await, 1),
        };
        let mut finished = match applied {
            Applied::Settled { outcome, internal_id, external_id, detail } => {
                let mut finished = accepted(outcome, request_id);
                finished.internal_id = internal_id;
                finished.external_id = external_id;
                finished.detail = detail;
                finished
            }
            Applied::Park { reason, detail, parent } => {
                match self.park(ingest, body, admitted.row, reason, detail.as_deref(), parent).await
                {
                    Ok(()) => {
                        let mut finished = accepted(Outcome::Parked, request_id);
                        finished.detail = Some(reason.with(detail.as_deref()));
                        finished
                    }
                    Err(rejection) => Finished::rejected(&rejection, &request_id, None),
                }
            }
        };
        finished.units = units;
        finished
    }

    /// Tells whether a delivery is authentic, and what to do with it; else its end.
    fn authenticated(
        &self,
        ingest: &Ingest,
        body: &[u8],
        admitted: Admitted,
        format: PayloadFormat,
        now: Timestamp,
    ) -> Result<std::result::Result<(Delivery, crate::domain::id::RequestId), Box<Finished>>> {
        self.with(|awake| {
            let request_id = awake.request_id(admitted.row);
            let refused =
                |rejection: &Rejection| Box::new(Finished::rejected(rejection, &request_id, None));
            let content_type = ingest.headers.content_type.as_deref();
            let presented = Presented {
                key_hash: ingest.key_hash.as_ref(),
                signature: signature_headers(&ingest.headers),
                body,
            };
            if presented.signature.woocommerce.is_none() && woocommerce::is_ping(content_type, body)
            {
                check_delivery_key(&awake.held.record, presented.key_hash, format, now)
                    .map_err(|rejection| refused(&rejection))?;
                return Err(Box::new(ping()));
            }
            let secrets = awake.live_secrets(now);
            let authentic =
                authenticate_delivery(&awake.held.record, &secrets, presented, format, now);
            if let Err(mut rejection) = authentic {
                if rejection.code == Code::SignatureInvalid && awake.logs_refusal_singly(now) {
                    let header = presented.signature.woocommerce.unwrap_or_default();
                    let previous = awake.previous_secrets(now);
                    let cause = diagnose(header, &secrets, &previous, body);
                    rejection = rejection.diagnosed(cause.detail());
                }
                return Err(refused(&rejection));
            }
            if let Some(address) = ingest.headers.wc_source.as_deref() {
                match awake.held.source_address.as_deref() {
                    Some(pinned) if pinned != address => {
                        return Ok((Delivery::Park(ParkReason::SourceChanged), request_id));
                    }
                    Some(_) => {}
                    None => {
                        let mut held = awake.held.clone();
                        held.source_address = Some(address.to_owned());
                        super::storage::save(&self.sql, &held)
                            .map_err(|rejection| refused(&rejection))?;
                        awake.held = held;
                    }
                }
            }
            let scope = scope(ingest);
            // The same request once more has been charged for: it goes through a copy.
            let mut charged = admitted.repeated.then(|| awake.window.clone());
            let window = charged.as_mut().unwrap_or(&mut awake.window);
            Ok((admit_delivery(&awake.held.record, window, scope, now), request_id))
        })
    }

    /// Applies an authentic event that has been charged for.
    pub(super) async fn apply(&self, ingest: &Ingest, body: &[u8], row: Row) -> Applied {
        let topic = ingest.headers.wc_topic.as_deref().unwrap_or_default();
        let event = match woocommerce::event(topic, body) {
            Ok(NativeEvent::Ignored { reason }) => return ignored(reason),
            Ok(event) => event,
            Err(unmappable) => {
                let detail = format!("{} {}", unmappable.pointer, unmappable.detail);
                return Applied::Park {
                    reason: ParkReason::Unmappable,
                    detail: Some(detail.trim().to_owned()),
                    parent: None,
                };
            }
        };
        let parent = parent(&event);
        // Before asking: whoever brings the parent meanwhile must find that it is waited for.
        let waits =
            matches!(event, NativeEvent::OrderDeleted { .. } | NativeEvent::ClientDeleted { .. });
        if waits {
            let _ = self.with(|awake| awake.awaited.insert(parent.clone()));
        }
        let Ok((origin, _)) = self.origin(row) else {
            return Applied::park(ParkReason::StoreUnavailable);
        };
        let command = LedgerCommand::Apply {
            origin,
            topic: topic.to_owned(),
            delivery: delivery_token(ingest),
            event,
            fault: ingest.fault,
        };
        match self.to_ledger(command).await {
            Ok((LedgerReply::Done { outcome, internal_id, external_id, .. }, _)) => {
                if waits {
                    let _ = self.with(|awake| awake.awaited.remove(&parent));
                } else {
                    self.parent_arrived(&parent).await;
                }
                Applied::Settled { outcome, internal_id, external_id, detail: None }
            }
            Ok((LedgerReply::ParentUnknown, _)) => Applied::Park {
                reason: ParkReason::ParentUnknown,
                detail: Some(format!("{parent} has not arrived yet")),
                parent: Some(parent),
            },
            Ok((LedgerReply::Rejected { rejection }, _)) => Applied::Park {
                reason: ParkReason::Unmappable,
                detail: Some(rejection.detail),
                parent: None,
            },
            Ok(_) | Err(_) => Applied::park(ParkReason::StoreUnavailable),
        }
    }

    async fn park(
        &self,
        ingest: &Ingest,
        body: &[u8],
        row: Row,
        reason: ParkReason,
        detail: Option<&str>,
        parent: Option<String>,
    ) -> Result<()> {
        // Shops put secrets into query strings, and a retry needs none.
        let kept = Ingest { fault: None, query: String::new(), ..ingest.clone() };
        let due = parked::insert(&self.sql, row, &kept, body, reason, detail, parent.as_deref())?;
        if let Some(parent) = parent {
            self.release_if_arrived(&parent).await?;
        }
        if let Some(due) = due {
            self.arm(due).await;
        }
        Ok(())
    }

    /// Lets go an event that has just been parked for its parent, where that came meanwhile.
    pub(super) async fn release_if_arrived(&self, parent: &str) -> Result<()> {
        let waiting = self.with(|awake| awake.awaited.contains(parent))?;
        let now = crate::edge::platform::now();
        if !waiting && parked::release(&self.sql, ParkReason::ParentUnknown, Some(parent), now)? {
            self.arm(now).await;
        }
        Ok(())
    }

    /// Lets go the events that waited for this one.
    async fn parent_arrived(&self, parent: &str) {
        let waited = self.with(|awake| awake.awaited.remove(parent)).unwrap_or(false);
        if !waited {
            return;
        }
        let now = crate::edge::platform::now();
        if let Ok(true) = parked::release(&self.sql, ParkReason::ParentUnknown, Some(parent), now) {
            self.arm(now).await;
        }
    }
}

fn accepted(outcome: Outcome, request_id: crate::domain::id::RequestId) -> Finished {
    let body = json!({ "outcome": outcome.as_str(), "request_id": request_id });
    Finished::with(Answer::json(200, body.to_string()), outcome)
}

/// The answer to a setup ping. It changes nothing and is counted among the refusals, as it is not
/// authentic.
fn ping() -> Finished {
    let mut finished =
        Finished::with(Answer::json(200, json!({ "outcome": "ping" }).to_string()), Outcome::Ping);
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

/// What an event is about, as those that wait for it name it.
fn parent(event: &NativeEvent) -> String {
    match event {
        NativeEvent::Order { snapshot } => {
            format!("order {}", snapshot.content.external_id.as_deref().unwrap_or_default())
        }
        NativeEvent::OrderDeleted { external_id } => format!("order {external_id}"),
        NativeEvent::Client { snapshot } => {
            format!("client {}", snapshot.details.external_id.as_deref().unwrap_or_default())
        }
        NativeEvent::ClientDeleted { external_id } => format!("client {external_id}"),
        NativeEvent::Ignored { .. } => String::new(),
    }
}

/// What tells one delivery from another with the same bytes: the delivery id alone does not, as all
/// deliveries of one webhook within a second share it.
fn delivery_token(ingest: &Ingest) -> Option<String> {
    let webhook = ingest.headers.wc_webhook_id.as_deref()?;
    let delivery = ingest.headers.wc_delivery_id.as_deref()?;
    Some(format!("{webhook}/{delivery}"))
}

/// The scope that a delivery needs.
pub(super) fn scope(ingest: &Ingest) -> Option<Scope> {
    match woocommerce::subject(ingest.headers.wc_topic.as_deref().unwrap_or_default()) {
        Subject::Order => Some(Scope::OrdersWrite),
        Subject::Client => Some(Scope::ClientsWrite),
        Subject::Other => None,
    }
}
