//! The procedures of a key's requests and parked events.

use super::arguments::{Arguments, key_id, limit};
use crate::api::fields::{Fields, MAX_TEXT, note};
use crate::api::output::{Rfc3339, output};
#[cfg(test)]
use crate::api::recording;
use crate::domain::credential::{GateName, KeyId, TagKeys};
use crate::domain::id::{RequestId, SequenceId};
use crate::domain::log::{Outcome, Tally};
use crate::domain::parked::ParkReason;
use crate::domain::rejection::{Code, Rejection};
use crate::protocol::key_gate::{LoggedRequest, ParkedEvent, RequestFilter};

/// `core.rpc_list_integration_requests`
#[derive(Debug)]
pub struct ListRequests {
    pub key_id: KeyId,
    pub filter: RequestFilter,
}

impl ListRequests {
    pub fn read(given: Arguments, tag_keys: &TagKeys) -> Result<Self, Rejection> {
        given.read(|fields| {
            let key_id = key_id(fields, tag_keys);
            let status = fields.integer("p_status");
            note!(fields, "p_status", serde_json::json!({ "minimum": 100, "maximum": 599 }));
            let status = status.and_then(|status| {
                let valid = (100..=599).contains(&status);
                if !valid {
                    fields.problem("p_status", "out_of_range", "must be an HTTP status.");
                }
                u16::try_from(status).ok().filter(|_| valid)
            });
            let outcomes = Outcome::ALL.map(Outcome::as_str).join(", ");
            let code = |text: &str| Code::ALL.iter().copied().find(|code| code.as_str() == text);
            let filter = RequestFilter {
                limit: limit(fields),
                before: row_cursor(fields),
                from: fields.timestamp("p_received_from"),
                to: fields.timestamp("p_received_to"),
                status,
                status_class: None,
                errors: false,
                outcome: fields.choice("p_outcome", Outcome::parse, &outcomes),
                error_code: fields.choice("p_error_code", code, "the documented error codes"),
                external_id: fields.text("p_external_id", MAX_TEXT),
                idempotency_key: fields.text("p_idempotency_key", MAX_TEXT),
            };
            note!(
                fields,
                "p_error_code",
                serde_json::json!({
                    "enum": recording::texts(Code::ALL, Code::as_str), "maxLength": null,
                })
            );
            Some(Self { key_id: key_id?, filter })
        })
    }
}

/// `core.rpc_list_parked_events`
#[derive(Debug)]
pub struct ListParked {
    pub key_id: KeyId,
    pub limit: u32,
    /// The row before which the page starts.
    pub before: Option<i64>,
}

impl ListParked {
    pub fn read(given: Arguments, tag_keys: &TagKeys) -> Result<Self, Rejection> {
        given.read(|fields| {
            let key_id = key_id(fields, tag_keys);
            let (limit, before) = (limit(fields), row_cursor(fields));
            Some(Self { key_id: key_id?, limit, before })
        })
    }
}

/// `core.rpc_retry_parked_event`, `core.rpc_discard_parked_event`: the key and the row of the
/// parked event, whose id is that of the request that delivered it.
#[derive(Debug)]
pub struct ParkedEventId {
    pub key_id: KeyId,
    pub row: SequenceId,
}

impl ParkedEventId {
    /// # Errors
    /// Besides those of any arguments, 404 if the id is that of another key's request.
    pub fn read(given: Arguments, tag_keys: &TagKeys) -> Result<Self, Rejection> {
        let (key_id, row) = given.read(|fields| {
            let key_id = key_id(fields, tag_keys);
            let text = fields.text("p_event_id", MAX_TEXT);
            note!(fields, "p_event_id", recording::id(RequestId::unlogged([0; 19])));
            let text = fields.required("p_event_id", text);
            let id = text.as_deref().and_then(RequestId::parse);
            let row = id.and_then(|id| id.row());
            if text.is_some() && row.is_none() {
                fields.problem("p_event_id", "invalid_id", "must be a parked event's id, req_….");
            }
            // Rows are times, so another key may have a parked event in the same row.
            let belongs_to_key = key_id
                .as_ref()
                .and_then(KeyId::gate)
                .zip(id)
                .is_some_and(|(gate, id)| id.is_of(gate));
            Some((key_id?, row.map(|row| belongs_to_key.then_some(row))?))
        })?;
        let row = row
            .ok_or_else(|| Rejection::new(Code::NotFound, "This key has no such parked event."))?;
        Ok(Self { key_id, row })
    }
}

/// The `next_cursor` of an earlier page: the number of a row.
fn row_cursor(fields: &mut Fields<'_>) -> Option<i64> {
    let text = fields.text("p_cursor", MAX_TEXT)?;
    let row = text.parse().ok().and_then(SequenceId::from_i64).map(SequenceId::as_i64);
    if row.is_none() {
        fields.problem("p_cursor", "invalid_cursor", "must be the next_cursor of an earlier page.");
    }
    row
}

output! {
    /// The requests of a key, counted.
    pub struct StatsOut {
        /// Of the last 24 hours.
        pub h24: Tally,
        /// Of the last 7 days.
        pub d7: Tally,
        /// Of the last 30 days.
        pub d30: Tally,
        pub last_used_at: Option<Rfc3339>,
    }
}

output! {
    /// A row of a key's log.
    pub struct RequestOut as LoggedRequest {
        pub id: RequestId,
        pub received_at: Rfc3339,
        /// `RETRY` where Tidegate tried a parked event again.
        pub method: String,
        /// Without the query string.
        pub path: String,
        pub status: u16,
        pub latency_ms: i64,
        pub outcome: Outcome,
        /// How many requests the row stands for: refusals beyond 30 a minute.
        pub count: u32,
        pub topic: Option<String>,
        pub idempotency_key: Option<String>,
        pub external_id: Option<String>,
        pub internal_id: Option<String>,
        pub error_code: Option<Code>,
        /// For the operator: may say more than the answer did.
        pub detail: Option<String>,
    }
}

impl From<LoggedRequest> for RequestOut {
    fn from(request: LoggedRequest) -> Self {
        let LoggedRequest {
            id,
            received_at,
            method,
            path,
            status,
            latency_ms,
            outcome,
            count,
            topic,
            idempotency_key,
            external_id,
            internal_id,
            error_code,
            detail,
            // Its text stands in `detail` too.
            about: _,
        } = request;
        Self {
            id,
            received_at: Rfc3339(received_at),
            method,
            path,
            status,
            latency_ms,
            outcome,
            count,
            topic,
            idempotency_key,
            external_id,
            internal_id,
            error_code,
            detail,
        }
    }
}

output! {
    /// A page of a key's log.
    pub struct RequestPageOut {
        /// Newest first.
        pub requests: Vec<RequestOut>,
        /// Where the next page begins; `null` after the last.
        pub next_cursor: Option<String>,
    }
}

output! {
    /// A parked event.
    pub struct ParkedEventOut as ParkedEvent {
        /// The request that brought it.
        pub event_id: Option<RequestId>,
        pub received_at: Rfc3339,
        pub reason: ParkReason,
        pub detail: Option<String>,
        pub topic: Option<String>,
        pub attempts: u32,
        /// `null` where nothing tries it by itself.
        pub next_attempt_at: Option<Rfc3339>,
        pub bytes: u64,
    }
}

impl ParkedEventOut {
    /// A parked event of the key whose KeyGate is `gate`.
    pub fn new(gate: GateName, event: ParkedEvent) -> Self {
        let ParkedEvent {
            row,
            received_at,
            reason,
            detail,
            topic,
            attempts,
            next_attempt_at,
            bytes,
        } = event;
        Self {
            event_id: SequenceId::from_i64(row).map(|row| RequestId::new(gate, row)),
            received_at: Rfc3339(received_at),
            reason,
            detail,
            topic,
            attempts,
            next_attempt_at: next_attempt_at.map(Rfc3339),
            bytes,
        }
    }
}

output! {
    /// A page of a key's parked events.
    pub struct ParkedPageOut {
        /// Newest first.
        pub events: Vec<ParkedEventOut>,
        /// Where the next page begins; `null` after the last.
        pub next_cursor: Option<String>,
    }
}

output! {
    /// The result of trying a parked event again.
    pub struct SettledOut {
        /// Whether nothing remains to be done.
        pub settled: bool,
        /// Where it was settled.
        pub outcome: Option<Outcome>,
        /// Where it waits on.
        pub reason: Option<ParkReason>,
    }
}

output! {
    /// A parked event that was discarded.
    pub struct DiscardedOut {
        pub discarded: bool,
    }
}

#[cfg(test)]
pub mod examples {
    use super::*;
    use crate::api::openapi::examples::{key_id, now, order_id, request_id, sequence_id, time};
    use serde_json::{Value, json};

    pub fn stats() -> (Value, StatsOut) {
        let tally = |requests, errors| Tally { requests, errors };
        let stats = StatsOut {
            h24: tally(20, 1),
            d7: tally(140, 4),
            d30: tally(600, 9),
            last_used_at: Some(Rfc3339(now())),
        };
        (json!({ "p_key_id": key_id() }), stats)
    }

    pub fn list_requests() -> (Value, RequestPageOut) {
        let arguments = json!({
            "p_key_id": key_id(), "p_limit": 50,
            "p_cursor": sequence_id().as_i64().to_string(), "p_received_from": time(),
            "p_received_to": time(), "p_status": 201, "p_outcome": "accepted",
            "p_error_code": null, "p_external_id": "A-1", "p_idempotency_key": "order-A-1",
        });
        let request = RequestOut {
            id: request_id(),
            received_at: Rfc3339(now()),
            method: "POST".to_owned(),
            path: "/integrations/v1/orders".to_owned(),
            status: 201,
            latency_ms: 9,
            outcome: Outcome::Accepted,
            count: 1,
            topic: None,
            idempotency_key: Some("order-A-1".to_owned()),
            external_id: Some("A-1".to_owned()),
            internal_id: Some(order_id().to_string()),
            error_code: None,
            detail: None,
        };
        (arguments, RequestPageOut { requests: vec![request], next_cursor: None })
    }

    pub fn list_parked() -> (Value, ParkedPageOut) {
        let arguments = json!({
            "p_key_id": key_id(), "p_limit": 50,
            "p_cursor": sequence_id().as_i64().to_string(),
        });
        let event = ParkedEventOut {
            event_id: Some(request_id()),
            received_at: Rfc3339(now()),
            reason: ParkReason::RateLimited,
            detail: None,
            topic: Some("order.created".to_owned()),
            attempts: 1,
            next_attempt_at: Some(Rfc3339(now())),
            bytes: 2480,
        };
        (arguments, ParkedPageOut { events: vec![event], next_cursor: None })
    }

    pub fn retry() -> (Value, SettledOut) {
        let outcome = Some(Outcome::Accepted);
        (event(), SettledOut { settled: true, outcome, reason: None })
    }

    pub fn discard() -> (Value, DiscardedOut) {
        (event(), DiscardedOut { discarded: true })
    }

    fn event() -> Value {
        json!({ "p_key_id": key_id(), "p_event_id": request_id() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::log::About;
    use crate::domain::time::Timestamp;

    #[test]
    fn the_apis_show_the_time_of_a_request_as_rfc_3339() {
        let request = LoggedRequest {
            id: RequestId::unlogged([0; 19]),
            received_at: Timestamp::from_millis(1_795_000_000_000),
            method: "POST".to_owned(),
            path: "/integrations/v1/orders".to_owned(),
            status: 422,
            latency_ms: 1,
            outcome: Outcome::Rejected,
            count: 1,
            topic: None,
            idempotency_key: None,
            external_id: None,
            internal_id: None,
            error_code: Some(Code::ValidationFailed),
            detail: None,
            about: About { retry_of: Some(RequestId::unlogged([1; 19])), ..About::NOTHING },
        };
        let json = serde_json::to_value(RequestOut::from(request)).unwrap();
        assert_eq!(json["received_at"], "2026-11-18T11:06:40.000Z");
        assert!(json.get("about").is_none());
        assert_eq!(
            (&json["status"], &json["error_code"]),
            (&422.into(), &"validation_failed".into())
        );
    }
}
