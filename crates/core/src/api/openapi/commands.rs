//! The operations of the integration API's commands: one for each command, and the batch.

use serde_json::{Value, json};

use super::components::batch_line_response;
use super::examples;
use super::inputs::{command_example, form_example, input_name, line_example};
use super::integrations::{KEY_CODES, KEY_SECURITY, SIGNATURE_PARAMETERS, codes, parameter};
use super::operation::{Body, Operation, RateLimit, Success};
use super::schema::reference;
use crate::api::batch;
use crate::domain::rejection::Code;
use crate::domain::write::Command;

/// The codes with which any command can be refused, besides [`KEY_CODES`].
const WRITE_CODES: &[Code] = &[
    Code::InvalidQuery,
    Code::InvalidJson,
    Code::InsufficientScope,
    Code::WrongPayloadFormat,
    Code::UnsupportedMediaType,
    Code::ValidationFailed,
    Code::InvalidIdempotencyKey,
    Code::IdempotencyKeyReused,
    Code::StoreUnavailable,
];

/// The parts of an operation that differ from command to command.
struct CommandDetails {
    id: &'static str,
    summary: &'static str,
    description: &'static str,
    /// The successful response: the name of its schema, and an example.
    response: (&'static str, Value),
    /// Its statuses, each with its meaning.
    statuses: &'static [(u16, &'static str)],
    /// Besides [`KEY_CODES`] and [`WRITE_CODES`].
    codes: &'static [Code],
}

fn details(command: Command) -> CommandDetails {
    match command {
        Command::CreateOrder => CommandDetails {
            id: "createOrder",
            summary: "Creates an order",
            description: "Needs the scope `orders:write`, and an `external_id` or an `Idempotency-Key`. The same order again is answered 200 with the order as it is now; another order under the same `external_id` 409. Zapier and Make send forms or flat JSON (`lines[0][sku]`, all values text): both are taken.",
            response: ("Order", examples::order()),
            statuses: &[(200, "It was created before."), (201, "Created.")],
            codes: &[Code::ExternalIdConflict],
        },
        Command::CancelOrder => CommandDetails {
            id: "cancelOrder",
            summary: "Cancels an order",
            description: "Needs the scope `orders:cancel`. An order that is pending, on hold, processing or failed becomes cancelled. The same again is answered 200, with another reason 409.",
            response: ("Order", examples::cancelled_order()),
            statuses: &[(200, "It is cancelled.")],
            codes: &[Code::NotFound, Code::InvalidState],
        },
        Command::CreatePayment => CommandDetails {
            id: "createPayment",
            summary: "Records a payment of an order",
            description: "Needs the scope `payments:write`, and an `external_id` or an `Idempotency-Key`. Not of an order that is cancelled or refunded, and not more than is outstanding (422, `exceeds_outstanding`). An order that is paid in full becomes processing.",
            response: ("Payment", examples::payment()),
            statuses: &[(200, "It was recorded before."), (201, "Recorded.")],
            codes: &[Code::NotFound, Code::InvalidState, Code::ExternalIdConflict],
        },
        Command::CreateRefund => CommandDetails {
            id: "createRefund",
            summary: "Records a refund of a payment, or of part of it",
            description: "Needs the scope `payments:refund`, and an `external_id` or an `Idempotency-Key`. Only of payments that were recorded here, and never more than is left of one (422, `exceeds_paid`). An order whose payments are given back in full becomes refunded.",
            response: ("Refund", examples::refund()),
            statuses: &[(200, "It was recorded before."), (201, "Recorded.")],
            codes: &[Code::NotFound, Code::InvalidState, Code::ExternalIdConflict],
        },
        Command::UpsertClient => CommandDetails {
            id: "upsertClient",
            summary: "Creates or updates a client",
            description: "Needs the scope `clients:write`. Known again by `external_id`, else by `email`; one of them is required. What is left out stays as it is.",
            response: ("Client", examples::client()),
            statuses: &[(200, "It was known; updated."), (201, "Created.")],
            codes: &[],
        },
    }
}

/// The operation of a command.
pub fn operation(command: Command) -> Operation {
    let CommandDetails { id, summary, description, response, statuses, codes: own_codes } =
        details(command);
    let target_parameter =
        command.target().map(|target| if target == "order" { "Order" } else { "Payment" });
    let parameters = target_parameter
        .into_iter()
        .chain(["DryRun", "IdempotencyKey"])
        .chain(SIGNATURE_PARAMETERS);
    let (schema, example) = response;
    // A replay has the first of these headers, a dry run the second.
    let headers = &[("Idempotency-Replayed", "IdempotencyReplayed"), ("Dry-Run", "DryRun")];
    let success = |(status, description): &(u16, &'static str)| Success {
        headers,
        ..Success::json(*status, description, reference(schema), example.clone())
    };
    Operation {
        id,
        tag: "Integration API",
        summary: summary.to_owned(),
        description: description.to_owned(),
        security: KEY_SECURITY,
        parameters: parameters.map(parameter).collect(),
        body: Some(body(command)),
        successes: statuses.iter().map(success).collect(),
        codes: codes(&[KEY_CODES, WRITE_CODES, own_codes]),
        rate_limit: RateLimit::KeyAndReplay,
    }
}

fn body(command: Command) -> Body {
    let name = input_name(command);
    let json = match command {
        Command::CreateOrder => json!({
            "schema": reference(name),
            "examples": {
                "least": { "value": examples::minimal_order() },
                "full": { "value": command_example(command) },
            },
        }),
        command => json!({ "schema": reference(name), "example": command_example(command) }),
    };
    let mut content = vec![("application/json", json)];
    if command.takes_flat_bodies() {
        let form = json!({
            "schema": reference(&format!("{name}Form")), "example": form_example(command),
        });
        content.push(("application/x-www-form-urlencoded", form));
    }
    Body { content, required: true, description: "At most 1 MiB." }
}

pub fn batch() -> Operation {
    let line_response = json!({
        "line": 1, "status": 201, "request_id": examples::request_id(), "replayed": false,
        "body": examples::order(),
    });
    let lines = json!({
        "schema": reference("BatchLine"), "example": line_example(Command::CreateOrder),
    });
    let success = Success {
        media_type: batch::CONTENT_TYPE,
        headers: &[("Dry-Run", "DryRun")],
        ..Success::json(
            200,
            "An answer for each line, in their order.",
            batch_line_response(),
            line_response,
        )
    };
    // The response's lines carry these codes; the batch itself is not refused with them.
    let line_codes = [
        Code::InvalidJson,
        Code::InsufficientScope,
        Code::InvalidIdempotencyKey,
        Code::IdempotencyKeyReused,
    ];
    let codes = codes(&[KEY_CODES, WRITE_CODES]).into_iter();
    Operation {
        id: "batch",
        tag: "Integration API",
        summary: format!("Takes up to {} commands", batch::MAX_LINES),
        description: "A JSON object a line, each with its own outcome: a line over the limit has the status 429. Each needs the scope of its command and takes one unit of the limit; the whole body is signed once. The schemas are those of a line.".to_owned(),
        security: KEY_SECURITY,
        parameters: ["DryRun"].into_iter().chain(SIGNATURE_PARAMETERS).map(parameter).collect(),
        body: Some(Body {
            content: vec![(batch::CONTENT_TYPE, lines)],
            required: true,
            description: "At most 1 MiB.",
        }),
        successes: vec![success],
        codes: codes.filter(|code| !line_codes.contains(code)).collect(),
        rate_limit: RateLimit::KeyAndReplay,
    }
}
