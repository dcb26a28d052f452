//! The operations whose routes are decided and not yet here. Each moves to `integrations`, and its
//! schema to its reader, once `api::routes` knows it: the match in [`super::operation`] asks for it.

use serde_json::{Value, json};

use super::examples;
use super::integrations::{answered, write};
use super::operation::{Body, Operation, Success};
use super::outputs::batch_answer;
use super::schema::{described, reference};
use crate::domain::rejection::Code;

/// Method, path, operation.
pub fn operations() -> Vec<(&'static str, &'static str, Operation)> {
    vec![
        ("POST", "/integrations/v1/orders/{order}/cancel", cancel_order()),
        ("POST", "/integrations/v1/orders/{order}/payments", create_payment()),
        ("POST", "/integrations/v1/payments/{payment}/refunds", create_refund()),
        ("PUT", "/integrations/v1/clients", upsert_client()),
        ("POST", "/integrations/v1/batch", batch()),
    ]
}

fn input(schema: Value, example: Value) -> Body {
    let content = json!({ "schema": schema, "example": example });
    Body {
        content: vec![("application/json", content)],
        required: true,
        description: "At most 1 MiB.",
    }
}

fn text(max: u32) -> Value {
    json!({ "type": ["string", "null"], "maxLength": max })
}

fn identifier() -> Value {
    json!({ "type": ["string", "null"], "minLength": 1, "maxLength": 255, "pattern": "^\\S(.*\\S)?$" })
}

fn amount(required: bool) -> Value {
    let types =
        if required { json!(["string", "number"]) } else { json!(["string", "number", "null"]) };
    json!({ "type": types, "pattern": "^[0-9]+(\\.[0-9]+)?([eE][+-]?[0-9]+)?$", "exclusiveMinimum": 0 })
}

fn field(pointer: &str) -> Option<&'static str> {
    Some(match pointer {
        "/external_id" => "Your own id.",
        "/amount" => "In the order's currency.",
        "/currency" => "Must be the order's.",
        "/method" => "How it was paid.",
        "/paid_at" => "RFC 3339 with its offset; now, unless said otherwise.",
        "/reason" => "For people.",
        "/email" | "/name" | "/phone" => "As they gave it.",
        _ => return None,
    })
}

fn cancel_order() -> Operation {
    let schema = described(
        json!({
            "type": "object", "required": ["reason"], "additionalProperties": false,
            "properties": { "reason": { "type": "string", "minLength": 1, "maxLength": 500 } },
        }),
        field,
    );
    let mut cancelled = examples::order();
    cancelled["status"] = json!("cancelled");
    write(
        "cancelOrder",
        "Cancels an order",
        "Needs the scope `orders:cancel`. An order that is pending, on hold, processing or failed becomes cancelled; the same again is answered 200, with another reason 409.",
        (&["Order"], true),
        input(schema, json!({ "reason": "The client changed their mind." })),
        vec![answered(200, "Cancelled.", "Order", cancelled)],
        &[Code::NotFound, Code::InvalidState],
    )
}

fn create_payment() -> Operation {
    let schema = described(
        json!({
            "type": "object", "required": ["amount"], "additionalProperties": false,
            "properties": {
                "external_id": identifier(), "amount": amount(true),
                "currency": { "type": ["string", "null"], "pattern": "^[A-Z]{3}$" },
                "method": text(255), "paid_at": { "type": ["string", "null"], "format": "date-time" },
            },
        }),
        field,
    );
    let example = json!({
        "external_id": "P-1", "amount": "22.00", "currency": "GBP", "method": "card",
        "paid_at": examples::time(),
    });
    write(
        "createPayment",
        "Records a payment of an order",
        "Needs the scope `payments:write`, and an `external_id` or an `Idempotency-Key`. Not of an order that is cancelled or refunded, and not more than is outstanding.",
        (&["Order"], true),
        input(schema, example),
        vec![
            answered(200, "It was recorded before.", "Payment", payment()),
            answered(201, "Recorded.", "Payment", payment()),
        ],
        &[Code::NotFound, Code::InvalidState, Code::ExternalIdConflict],
    )
}

fn create_refund() -> Operation {
    let schema = described(
        json!({
            "type": "object", "additionalProperties": false,
            "properties": {
                "external_id": identifier(), "amount": amount(false),
                "currency": { "type": ["string", "null"], "pattern": "^[A-Z]{3}$" },
                "reason": text(500),
            },
        }),
        field,
    );
    let example = json!({
        "external_id": "R-1", "amount": "10.00", "currency": "GBP", "reason": "Damaged.",
    });
    write(
        "createRefund",
        "Refunds a payment, or part of it",
        "Needs the scope `payments:refund`, and an `external_id` or an `Idempotency-Key`. Without an `amount`, what is left of the payment; never more.",
        (&["Payment"], true),
        input(schema, example),
        vec![
            answered(200, "It was refunded before.", "Refund", refund()),
            answered(201, "Refunded.", "Refund", refund()),
        ],
        &[Code::NotFound, Code::InvalidState, Code::ExternalIdConflict],
    )
}

fn upsert_client() -> Operation {
    let schema = described(
        json!({
            "type": "object", "additionalProperties": false,
            "anyOf": [{ "required": ["external_id"] }, { "required": ["email"] }],
            "properties": {
                "external_id": identifier(),
                "email": { "type": ["string", "null"], "format": "email", "maxLength": 254 },
                "name": text(255), "phone": text(255),
            },
        }),
        field,
    );
    let example = json!({
        "external_id": "C-7", "email": "zoe@example.com", "name": "Zoë Example",
        "phone": "+44 20 7946 0000",
    });
    let mut answer = example.clone();
    answer["id"] = json!(examples::client_id());
    answer["created_at"] = json!(examples::time());
    answer["updated_at"] = json!(examples::time());
    write(
        "upsertClient",
        "Creates or updates a client",
        "Needs the scope `clients:write`. Known again by `external_id`, else by `email`; one of them is required.",
        (&[], true),
        input(schema, example),
        vec![
            answered(200, "Updated.", "Client", answer.clone()),
            answered(201, "Created.", "Client", answer),
        ],
        &[],
    )
}

fn batch() -> Operation {
    let example = json!({
        "command": "orders.create", "idempotency_key": "order-A-1", "body": examples::least_order(),
    });
    let answer = json!({
        "line": 1, "status": 201, "request_id": examples::request_id(), "replayed": false,
        "body": examples::order(),
    });
    let body = Body {
        content: vec![(
            "application/x-ndjson",
            json!({
                "schema": { "type": "string", "x-line": batch_line() },
                "example": format!("{example}\n"),
            }),
        )],
        required: true,
        description: "1 to 100 commands, one a line; at most 1 MiB, signed as a whole.",
    };
    let success = Success {
        media_type: "application/x-ndjson",
        schema: json!({ "type": "string", "x-line": batch_answer() }),
        example: json!(format!("{answer}\n")),
        ..answered(200, "An answer for each line, in their order.", "Order", Value::Null)
    };
    write(
        "batch",
        "Takes up to 100 commands",
        "Each command needs its own scope, takes one unit of the limit, and has its own outcome: a line over the limit has status 429.",
        (&[], false),
        body,
        vec![success],
        &[],
    )
}

/// A line of a batch.
fn batch_line() -> Value {
    let commands =
        ["orders.create", "orders.cancel", "payments.create", "refunds.create", "clients.upsert"];
    json!({
        "type": "object", "required": ["command", "body"], "additionalProperties": false,
        "properties": {
            "command": { "type": "string", "enum": commands },
            "order": { "type": ["string", "null"], "description": "As in the path; of `orders.cancel` and `payments.create`." },
            "payment": { "type": ["string", "null"], "description": "As in the path; of `refunds.create`." },
            "idempotency_key": { "type": ["string", "null"] },
            "body": { "anyOf": [reference("OrderInput"), { "type": "object" }], "description": "As the command's own path takes it." },
        },
    })
}

fn payment() -> Value {
    json!({
        "id": examples::row_id("pay"), "order_id": examples::order_id(), "external_id": "P-1",
        "method": "card", "amount": "22.00", "currency": "GBP", "status": "completed",
        "paid_at": examples::time(), "refunded_total": "0.00", "refunds": [], "source": "custom",
        "key_id": examples::key_id(), "created_at": examples::time(),
    })
}

fn refund() -> Value {
    json!({
        "id": examples::row_id("ref"), "payment_id": examples::row_id("pay"),
        "order_id": examples::order_id(), "external_id": "R-1", "amount": "10.00",
        "currency": "GBP", "reason": "Damaged.", "status": "completed",
        "created_at": examples::time(),
    })
}
