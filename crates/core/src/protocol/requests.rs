//! The requests in a key's log, their captures, and parked events, as the KeyGate returns them.

use serde::{Deserialize, Serialize};

use crate::domain::credential::GateName;
use crate::domain::id::RequestId;
use crate::domain::log::{About, LogEntry, Outcome};
use crate::domain::parked::ParkReason;
use crate::domain::rejection::Code;
use crate::domain::time::Timestamp;

/// Selects the rows of the log to list, newest first, or to follow in a live tail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestFilter {
    /// At most [`RequestFilter::MAX_LIMIT`]; a greater number counts as the maximum.
    pub limit: u32,
    /// Only rows before this one.
    pub before: Option<i64>,
    /// Only rows received at or after this time.
    pub from: Option<Timestamp>,
    /// Only rows received before this time.
    pub to: Option<Timestamp>,
    pub status: Option<u16>,
    /// The first digit of the status: 2, 4 or 5.
    #[serde(default)]
    pub status_class: Option<u8>,
    /// Only rows with a status of 400 or more.
    #[serde(default)]
    pub errors: bool,
    pub outcome: Option<Outcome>,
    pub error_code: Option<Code>,
    pub external_id: Option<String>,
    pub idempotency_key: Option<String>,
}

impl RequestFilter {
    /// The most rows of a page; an export uses this.
    pub const MAX_LIMIT: u32 = 1_000;

    /// Whether a row matches. `limit` and `before` are ignored, since they only apply to pages.
    pub fn matches(&self, request: &LoggedRequest) -> bool {
        let Self {
            limit: _,
            before: _,
            from,
            to,
            status,
            status_class,
            errors,
            outcome,
            error_code,
            external_id,
            idempotency_key,
        } = self;
        from.is_none_or(|from| request.received_at >= from)
            && to.is_none_or(|to| request.received_at < to)
            && status.is_none_or(|status| status == request.status)
            && status_class.is_none_or(|class| u16::from(class) == request.status / 100)
            && (!errors || request.status >= 400)
            && outcome.is_none_or(|outcome| outcome == request.outcome)
            && error_code.is_none_or(|code| Some(code) == request.error_code)
            && (external_id.is_none() || *external_id == request.external_id)
            && (idempotency_key.is_none() || *idempotency_key == request.idempotency_key)
    }
}

/// A row of the log, as the APIs list it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedRequest {
    pub id: RequestId,
    pub received_at: Timestamp,
    pub method: String,
    pub path: String,
    pub status: u16,
    pub latency_ms: i64,
    pub outcome: Outcome,
    pub count: u32,
    pub topic: Option<String>,
    pub idempotency_key: Option<String>,
    pub external_id: Option<String>,
    pub internal_id: Option<String>,
    pub error_code: Option<Code>,
    /// The whole text for people, what the entry is about included.
    pub detail: Option<String>,
    /// What the text says first, as fields. Not in the APIs' responses.
    #[serde(default, skip_serializing_if = "About::is_nothing")]
    pub about: About<RequestId>,
}

impl LoggedRequest {
    /// The `method` of a row that records the gateway's own retry of a parked event.
    pub const RETRY: &'static str = "RETRY";

    /// Converts an entry of the log of the key `gate`.
    pub fn of(gate: GateName, entry: &LogEntry) -> Self {
        let LogEntry {
            row,
            attempt: _,
            units: _,
            count,
            method,
            path,
            status,
            latency_ms,
            outcome,
            topic,
            idempotency_key,
            external_id,
            internal_id,
            error_code,
            about,
            detail,
        } = entry.clone();
        let about = about.of_gate(gate);
        Self {
            id: RequestId::new(gate, row),
            received_at: row.time(),
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
            detail: about.text(detail),
            about,
        }
    }
}

/// One request with its capture and its parked event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestDetail {
    pub request: LoggedRequest,
    #[serde(rename = "kept")]
    pub capture: Result<Capture, NoCapture>,
    /// The event that the request delivered, while it is parked.
    pub parked: Option<ParkedEvent>,
}

/// The stored headers and bodies of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capture {
    /// Only headers of an allow-list, with names in lower case; never `Authorization`.
    pub headers: Vec<(String, String)>,
    /// The request body, byte for byte; base64 in the message.
    #[serde(with = "base64")]
    pub body: Vec<u8>,
    /// The response body; if it was longer than 64 KiB, it is truncated and marked as such. `None`
    /// for requests from before responses were stored.
    pub answer: Option<String>,
}

/// Why a request has no capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoCapture {
    /// The request was refused and its sender is unknown.
    Refusal,
    /// The gateway's own retry: the capture belongs to the request that delivered the event.
    Retry,
    /// The key was minted with capturing of bodies turned off.
    CaptureOff,
    /// The captures of that day were dropped: a key stores at most 30 days and 512 MiB of them.
    TooOld,
    /// The captures of that day had reached 512 MiB.
    DayFull,
    /// A `whoami` request, which has no body.
    NoBody,
}

/// A parked event, as the APIs list it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParkedEvent {
    pub row: i64,
    pub received_at: Timestamp,
    pub reason: ParkReason,
    pub detail: Option<String>,
    pub topic: Option<String>,
    pub attempts: u32,
    pub next_attempt_at: Option<Timestamp>,
    pub bytes: u64,
}

/// Serialises bytes as base64 (RFC 4648 §4).
mod base64 {
    use data_encoding::BASE64;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        BASE64.decode(text.as_bytes()).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::SequenceId;

    fn entry() -> LogEntry {
        LogEntry {
            row: SequenceId::at(Timestamp::from_millis(1_795_000_000_000)),
            attempt: 1,
            units: 1,
            count: 1,
            method: "POST".into(),
            path: "/integrations/v1/orders".into(),
            status: 422,
            latency_ms: 3,
            outcome: Outcome::Rejected,
            topic: None,
            idempotency_key: Some("k".into()),
            external_id: Some("A-1".into()),
            internal_id: None,
            error_code: Some(Code::ValidationFailed),
            about: About::NOTHING,
            detail: None,
        }
    }

    #[test]
    fn every_part_of_a_filter_is_checked() {
        let request = LoggedRequest::of(GateName::from_bytes([1; 12]), &entry());
        let at = request.received_at;
        let any = RequestFilter::default;
        for (filter, matches) in [
            (any(), true),
            (RequestFilter { limit: 1, before: Some(0), ..any() }, true),
            (RequestFilter { from: Some(at), to: Some(at.plus(1)), ..any() }, true),
            (RequestFilter { from: Some(at.plus(1)), ..any() }, false),
            (RequestFilter { to: Some(at), ..any() }, false),
            (RequestFilter { status: Some(422), ..any() }, true),
            (RequestFilter { status: Some(201), ..any() }, false),
            (RequestFilter { status_class: Some(4), ..any() }, true),
            (RequestFilter { status_class: Some(5), ..any() }, false),
            (RequestFilter { outcome: Some(Outcome::Rejected), ..any() }, true),
            (RequestFilter { outcome: Some(Outcome::Refused), ..any() }, false),
            (RequestFilter { error_code: Some(Code::ValidationFailed), ..any() }, true),
            (RequestFilter { error_code: Some(Code::InvalidJson), ..any() }, false),
            (RequestFilter { external_id: Some("A-1".into()), ..any() }, true),
            (RequestFilter { external_id: Some("A-2".into()), ..any() }, false),
            (RequestFilter { idempotency_key: Some("k".into()), ..any() }, true),
            (RequestFilter { idempotency_key: Some("l".into()), ..any() }, false),
        ] {
            assert_eq!(filter.matches(&request), matches, "{filter:?}");
        }
    }

    #[test]
    fn a_filter_of_the_previous_version_can_be_read() {
        let before = r#"{"limit":50,"before":null,"from":null,"to":null,"status":null,
            "outcome":null,"error_code":null,"external_id":null,"idempotency_key":null}"#;
        let filter: RequestFilter = serde_json::from_str(before).unwrap();
        assert_eq!(filter, RequestFilter { limit: 50, ..RequestFilter::default() });
    }

    #[test]
    fn a_captured_body_is_transferred_byte_for_byte() {
        let capture = Capture {
            headers: vec![("content-type".into(), "application/json".into())],
            body: (0..=255).collect(),
            answer: Some("{}".into()),
        };
        let json = serde_json::to_string(&capture).unwrap();
        assert_eq!(serde_json::from_str::<Capture>(&json).unwrap(), capture);
    }
}
