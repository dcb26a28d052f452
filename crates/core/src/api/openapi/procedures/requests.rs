//! The procedures of a key's requests and parked events.

use serde_json::{Value, json};

use super::{NOT_FOUND, NOT_FOUND_OR_INVALID_STATE, ProcedureDetails, recorded};
use crate::api::openapi::examples::{self, tag_keys, time};
use crate::api::openapi::schema::{boolean, choice, nullable, object};
use crate::api::orders::schema::page;
use crate::api::procedures::requests::{read_list_parked, read_list_requests, read_parked_event};
use crate::domain::log::Outcome;
use crate::domain::parked::ParkReason;

/// A procedure whose arguments name one parked event.
fn event_procedure(summary: &'static str, response: Value, example: Value) -> ProcedureDetails {
    let arguments = json!({ "p_key_id": examples::key_id(), "p_event_id": examples::request_id() });
    let schema = recorded(&arguments, |body| read_parked_event(body, &tag_keys()));
    let codes = NOT_FOUND_OR_INVALID_STATE;
    ProcedureDetails { summary, arguments, schema, status: 200, response, example, codes }
}

pub fn list_integration_requests() -> ProcedureDetails {
    let arguments = json!({
        "p_key_id": examples::key_id(), "p_limit": 50,
        "p_cursor": examples::sequence_id().as_i64().to_string(), "p_received_from": time(),
        "p_received_to": time(), "p_status": 201, "p_outcome": "accepted",
        "p_error_code": null, "p_external_id": "A-1", "p_idempotency_key": "order-A-1",
    });
    ProcedureDetails {
        summary: "Lists the requests of a key, newest first",
        schema: recorded(&arguments, |body| read_list_requests(body, &tag_keys())),
        arguments,
        status: 200,
        response: page("requests", "LoggedRequest"),
        example: json!({ "requests": [request()], "next_cursor": null }),
        codes: NOT_FOUND,
    }
}

pub fn list_parked_events() -> ProcedureDetails {
    let arguments = json!({
        "p_key_id": examples::key_id(), "p_limit": 50,
        "p_cursor": examples::sequence_id().as_i64().to_string(),
    });
    ProcedureDetails {
        summary: "Lists the parked events of a key",
        schema: recorded(&arguments, |body| read_list_parked(body, &tag_keys())),
        arguments,
        status: 200,
        response: page("events", "ParkedEvent"),
        example: json!({ "events": [{
            "event_id": examples::request_id(), "received_at": time(),
            "reason": "rate_limited", "detail": null, "topic": "order.created",
            "attempts": 1, "next_attempt_at": time(), "bytes": 2480,
        }], "next_cursor": null }),
        codes: NOT_FOUND,
    }
}

pub fn retry_parked_event() -> ProcedureDetails {
    event_procedure(
        "Tries a parked event again now",
        object([
            ("settled", boolean(), "Whether nothing remains to be done."),
            ("outcome", nullable(choice(&Outcome::ALL, Outcome::as_str)), "Where it was settled."),
            (
                "reason",
                nullable(choice(&ParkReason::ALL, ParkReason::as_str)),
                "Where it waits on.",
            ),
        ]),
        json!({ "settled": true, "outcome": "accepted", "reason": null }),
    )
}

pub fn discard_parked_event() -> ProcedureDetails {
    event_procedure(
        "Forgets a parked event for good",
        object([("discarded", boolean(), "")]),
        json!({ "discarded": true }),
    )
}

fn request() -> Value {
    json!({
        "id": examples::request_id(), "received_at": time(), "method": "POST",
        "path": "/integrations/v1/orders", "status": 201, "latency_ms": 9, "outcome": "accepted",
        "count": 1, "topic": null, "idempotency_key": "order-A-1", "external_id": "A-1",
        "internal_id": examples::order_id(), "error_code": null, "detail": null,
    })
}
