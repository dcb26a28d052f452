//! The commands of the integration API, each by its own path and as a line of a batch.

use serde_json::{Value, json};

use super::examples;
use super::inputs::{command_example, form_example, input_name, line_example};
use super::integrations::{KEY, OF_A_KEY, SIGNATURE, codes, parameter};
use super::operation::{Body, Limit, Operation, Success};
use super::outputs::batch_answer;
use super::schema::reference;
use crate::api::batch;
use crate::domain::rejection::Code;
use crate::domain::write::Command;

/// What can become of every command besides what can become of every request.
const OF_A_WRITE: &[Code] = &[
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

/// What is said of a command besides what all have in common.
struct Described {
    id: &'static str,
    summary: &'static str,
    description: &'static str,
    /// What it answers: the name of a schema, an example, and what the statuses mean.
    answer: (&'static str, Value),
    statuses: &'static [(u16, &'static str)],
    codes: &'static [Code],
}

fn described(command: Command) -> Described {
    match command {
        Command::CreateOrder => Described {
            id: "createOrder",
            summary: "Creates an order",
            description: "Needs the scope `orders:write`, and an `external_id` or an `Idempotency-Key`. The same order again is answered 200 with the order as it is now; another order under the same `external_id` 409. Zapier and Make send forms or flat JSON (`lines[0][sku]`, all values text): both are taken.",
            answer: ("Order", examples::order()),
            statuses: &[(200, "It was created before."), (201, "Created.")],
            codes: &[Code::ExternalIdConflict],
        },
        Command::CancelOrder => Described {
            id: "cancelOrder",
            summary: "Cancels an order",
            description: "Needs the scope `orders:cancel`. An order that is pending, on hold, processing or failed becomes cancelled. The same again is answered 200, with another reason 409.",
            answer: ("Order", examples::cancelled_order()),
            statuses: &[(200, "It is cancelled.")],
            codes: &[Code::NotFound, Code::InvalidState],
        },
        Command::CreatePayment => Described {
            id: "createPayment",
            summary: "Records a payment of an order",
            description: "Needs the scope `payments:write`, and an `external_id` or an `Idempotency-Key`. Not of an order that is cancelled or refunded, and not more than is outstanding (422, `exceeds_outstanding`). An order that is paid in full becomes processing.",
            answer: ("Payment", examples::payment()),
            statuses: &[(200, "It was recorded before."), (201, "Recorded.")],
            codes: &[Code::NotFound, Code::InvalidState, Code::ExternalIdConflict],
        },
        Command::CreateRefund => Described {
            id: "createRefund",
            summary: "Records a refund of a payment, or of part of it",
            description: "Needs the scope `payments:refund`, and an `external_id` or an `Idempotency-Key`. Only of payments that were recorded here, and never more than is left of one (422, `exceeds_paid`). An order whose payments are given back in full becomes refunded.",
            answer: ("Refund", examples::refund()),
            statuses: &[(200, "It was recorded before."), (201, "Recorded.")],
            codes: &[Code::NotFound, Code::InvalidState, Code::ExternalIdConflict],
        },
        Command::UpsertClient => Described {
            id: "upsertClient",
            summary: "Creates or updates a client",
            description: "Needs the scope `clients:write`. Known again by `external_id`, else by `email`; one of them is required. What is left out stays as it is.",
            answer: ("Client", examples::client()),
            statuses: &[(200, "It was known; updated."), (201, "Created.")],
            codes: &[],
        },
    }
}

/// The operation of a command.
pub fn operation(command: Command) -> Operation {
    let Described { id, summary, description, answer, statuses, codes: own } = described(command);
    let path = command.target().map(|target| if target == "order" { "Order" } else { "Payment" });
    let names = path.into_iter().chain(["DryRun", "IdempotencyKey"]).chain(SIGNATURE);
    let (schema, example) = answer;
    // A repetition has it, or a dry run.
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
        security: KEY,
        parameters: names.map(parameter).collect(),
        body: Some(body(command)),
        successes: statuses.iter().map(success).collect(),
        codes: codes(&[OF_A_KEY, OF_A_WRITE, own]),
        limit: Limit::OfAWrite,
    }
}

fn body(command: Command) -> Body {
    let name = input_name(command);
    let json = match command {
        Command::CreateOrder => json!({
            "schema": reference(name),
            "examples": {
                "least": { "value": examples::least_order() },
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
    let answer = json!({
        "line": 1, "status": 201, "request_id": examples::request_id(), "replayed": false,
        "body": examples::order(),
    });
    let lines = json!({
        "schema": reference("BatchLine"), "example": line_example(Command::CreateOrder),
    });
    let success = Success {
        media_type: batch::CONTENT_TYPE,
        headers: &[("Dry-Run", "DryRun")],
        ..Success::json(200, "An answer for each line, in their order.", batch_answer(), answer)
    };
    let of_its_lines = [
        Code::InvalidJson,
        Code::InsufficientScope,
        Code::InvalidIdempotencyKey,
        Code::IdempotencyKeyReused,
    ];
    let codes = codes(&[OF_A_KEY, OF_A_WRITE]).into_iter();
    Operation {
        id: "batch",
        tag: "Integration API",
        summary: format!("Takes up to {} commands", batch::MAX),
        description: "A JSON object a line, each with its own outcome: a line over the limit has the status 429. Each needs the scope of its command and takes one unit of the limit; the whole body is signed once. The schemas are those of a line.".to_owned(),
        security: KEY,
        parameters: ["DryRun"].into_iter().chain(SIGNATURE).map(parameter).collect(),
        body: Some(Body {
            content: vec![(batch::CONTENT_TYPE, lines)],
            required: true,
            description: "At most 1 MiB.",
        }),
        successes: vec![success],
        codes: codes.filter(|code| !of_its_lines.contains(code)).collect(),
        limit: Limit::OfAWrite,
    }
}
