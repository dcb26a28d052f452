//! The schemas of the integration API's request bodies, recorded from the readers that parse them.

use serde_json::{Map, Value, json};

use super::examples;
use super::schema::described;
use crate::api::batch::read_line;
use crate::api::fields::parse_object;
use crate::api::recording;
use crate::api::write_input::{Context, read_write};
use crate::domain::headers::Headers;
use crate::domain::key::PayloadFormat;
use crate::domain::rejection::Rejection;
use crate::domain::write::{Command, Write};
use crate::storefront;

/// The schemas of all request bodies, by name.
pub fn components() -> Vec<(&'static str, Value)> {
    vec![
        ("OrderInput", input_schema(Command::CreateOrder)),
        ("OrderInputForm", form_schema(&input_schema(Command::CreateOrder))),
        ("CancellationInput", input_schema(Command::CancelOrder)),
        ("PaymentInput", input_schema(Command::CreatePayment)),
        ("RefundInput", input_schema(Command::CreateRefund)),
        ("ClientInput", input_schema(Command::UpsertClient)),
        ("ClientInputForm", form_schema(&input_schema(Command::UpsertClient))),
        ("BatchLine", json!({ "anyOf": (Command::ALL.map(line_schema)) })),
    ]
}

/// The name of the schema for a command's body.
pub const fn input_name(command: Command) -> &'static str {
    match command {
        Command::CreateOrder => "OrderInput",
        Command::CancelOrder => "CancellationInput",
        Command::CreatePayment => "PaymentInput",
        Command::CreateRefund => "RefundInput",
        Command::UpsertClient => "ClientInput",
    }
}

/// A body of the command with every field.
pub fn command_example(command: Command) -> Value {
    match command {
        Command::CreateOrder => examples::full_order(),
        Command::CancelOrder => json!({ "reason": "The client changed their mind." }),
        Command::CreatePayment => json!({
            "external_id": "P-1", "amount": "22.00", "currency": "GBP", "method": "card",
            "paid_at": examples::time(),
        }),
        Command::CreateRefund => json!({
            "external_id": "R-1", "amount": "10.00", "currency": "GBP", "reason": "Damaged.",
        }),
        Command::UpsertClient => examples::full_order()["client"].clone(),
    }
}

/// Reads a body as the integration API does.
pub fn read(command: Command, body: &Value) -> Result<Write, Rejection> {
    let context = Context {
        target: Some("external:A-1"),
        store: examples::store_id(),
        has_idempotency_key: true,
        now: examples::now(),
    };
    read_write(command, parse_object(body.to_string().as_bytes())?, context)
}

/// The schema of a command's body, recorded from its reader.
fn input_schema(command: Command) -> Value {
    let mut schema = recording::schema(|| read(command, &command_example(command)));
    if command == Command::UpsertClient {
        // The recording notes single fields, not that one of two is required.
        schema["anyOf"] = json!([{ "required": ["external_id"] }, { "required": ["email"] }]);
    }
    described(schema, |pointer| field_description(command, pointer))
}

/// The schema of a batch line with this command, recorded from its reader.
fn line_schema(command: Command) -> Value {
    let text = line_example(command).to_string();
    let mut schema = recording::schema(|| read_line(text.as_bytes()));
    schema["properties"]["command"]["enum"] = json!([command.as_str()]);
    schema["properties"]["body"] = json!({
        "$ref": format!("#/components/schemas/{}", input_name(command)),
    });
    described(schema, |pointer| {
        Some(match pointer {
            "/command" => "What to do.",
            "/order" => "The order, as a path names it but without percent-encoding.",
            "/payment" => "The payment, as a path names it but without percent-encoding.",
            "/idempotency_key" => "As in the header.",
            "/body" => "As the command's own path takes it.",
            _ => return None,
        })
    })
}

pub fn line_example(command: Command) -> Value {
    let mut line = json!({ "command": command.as_str() });
    match command.target() {
        Some("order") => line["order"] = json!("external:A-1"),
        Some(_) => line["payment"] = json!("external:P-1"),
        None => {}
    }
    line["idempotency_key"] = json!("line-1");
    line["body"] = match command {
        Command::CreateOrder => examples::minimal_order(),
        command => command_example(command),
    };
    line
}

/// The schema of the same body sent as a form: names are paths (`client[email]`), values are text.
fn form_schema(input: &Value) -> Value {
    let (mut properties, mut patterns) = (Map::new(), Map::new());
    flatten(input, "", &mut properties, &mut patterns);
    let required = input["required"].as_array().into_iter().flatten();
    let required: Vec<&Value> = required
        .filter(|name| name.as_str().is_some_and(|name| properties.contains_key(name)))
        .collect();
    json!({
        "type": "object", "properties": properties, "patternProperties": patterns,
        "required": required, "additionalProperties": false,
    })
}

/// Adds the fields of an object schema to a form's schema. Fields with an index or a free name
/// (`lines[0][sku]`, `metadata[campaign]`) go to `patterns`.
fn flatten(
    schema: &Value,
    path: &str,
    properties: &mut Map<String, Value>,
    patterns: &mut Map<String, Value>,
) {
    let full_path =
        |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}[{name}]") };
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let text = json!({ "type": "string", "description": property["description"] });
        if let Some(items) = property.get("items") {
            for (part, property) in items["properties"].as_object().into_iter().flatten() {
                let text = json!({ "type": "string", "description": property["description"] });
                patterns
                    .insert(format!("^{}\\[[0-9]{{1,4}}\\]\\[{part}\\]$", full_path(name)), text);
            }
        } else if property.get("properties").is_some() {
            flatten(property, &full_path(name), properties, patterns);
        } else if property.get("additionalProperties").is_some() {
            patterns.insert(format!("^{}\\[[^\\[\\]/~]+\\]$", full_path(name)), text);
        } else {
            properties.insert(full_path(name), text);
        }
    }
}

pub fn form_example(command: Command) -> Value {
    match command {
        Command::CreateOrder => json!({
            "external_id": "A-3", "currency": "USD", "lines[0][name]": "Thing",
            "lines[0][quantity]": "2", "lines[0][unit_price]": "10.00", "total": "20.00",
            "metadata[campaign]": "autumn",
        }),
        command => command_example(command),
    }
}

/// The description of a field of a command's body.
fn field_description(command: Command, pointer: &str) -> Option<&'static str> {
    if command == Command::CreateOrder {
        return order_field_description(pointer);
    }
    Some(match pointer {
        "/external_id" => "Your own id.",
        "/amount" if command == Command::CreatePayment => "In the order's currency, above 0.",
        "/amount" => {
            "In the payment's currency, above 0; what is left of the payment unless given."
        }
        "/currency" => "ISO 4217; must be the order's.",
        "/method" => "How it was paid.",
        "/paid_at" => "RFC 3339 with its offset; when it came in, unless said otherwise.",
        "/reason" => "For people.",
        "/email" | "/name" | "/phone" => "As they gave it.",
        _ => return None,
    })
}

/// The description of a field of an order.
fn order_field_description(pointer: &str) -> Option<&'static str> {
    if let Some(part) = pointer.strip_prefix("/billing_address/") {
        return address_field_description(part);
    }
    if let Some(part) = pointer.strip_prefix("/shipping_address/") {
        return address_field_description(part);
    }
    Some(match pointer {
        "/external_id" => "Your own id of the order. Required, or an `Idempotency-Key`.",
        "/number" => "The number that people know the order by.",
        "/status" => "`pending` unless said otherwise.",
        "/currency" => "ISO 4217.",
        "/placed_at" => {
            "RFC 3339 with its offset; when it came in, unless said otherwise. Between 1970 and a day from now."
        }
        "/client" => "Who orders. Known again by `external_id`, else by `email`.",
        "/client/external_id" => "Your own id of the client.",
        "/client/email" | "/client/name" | "/client/phone" => "As they gave it.",
        "/billing_address" | "/shipping_address" => "A postal address.",
        "/lines" => "What was ordered.",
        "/lines/external_id" => "Your own id of the line.",
        "/lines/sku" => "Stock keeping unit.",
        "/lines/name" => "What it is.",
        "/lines/quantity" => "Above 0, at most 1000000, with at most 3 decimal places.",
        "/lines/unit_price" => {
            "In the order's currency, with at most its number of decimal places."
        }
        "/lines/discount" => "Of the whole line; 0 unless given.",
        "/lines/tax" => "Of the whole line; 0 unless given.",
        "/lines/total" => {
            "Quantity × unit price − discount, without tax. Computed unless given; what is given must be right."
        }
        "/note" => "For people.",
        "/metadata" => "At most 50 keys and 16 KiB, kept as it is.",
        "/subtotal" => "The sum of quantity × unit price. Computed unless given.",
        "/discount_total" => {
            "The discounts of the lines, and of the order besides. The former unless given."
        }
        "/shipping_total" | "/fee_total" => "0 unless given.",
        "/tax_total" => "The sum of the lines' taxes unless given; may be more.",
        "/total" => "Lines + shipping + fees + tax − the order's own discount. Must be right.",
        _ => return None,
    })
}

fn address_field_description(part: &str) -> Option<&'static str> {
    Some(match part {
        "name" | "company" | "line1" | "line2" | "city" | "phone" => "Free text.",
        "region" => "State, province or county.",
        "postal_code" => "Free text.",
        "country" => "ISO 3166-1 alpha-2.",
        _ => return None,
    })
}

/// A WooCommerce order with no more members than are needed.
///
/// # Panics
/// If the WooCommerce reader does not accept it as an order.
pub fn webhook_example() -> Value {
    let example = json!({
        "id": 15, "number": "15", "status": "processing", "currency": "USD", "version": "9.9.5",
        "prices_include_tax": false,
        "date_created_gmt": "2026-11-25T12:00:00", "date_modified_gmt": "2026-11-25T12:00:05",
        "date_paid_gmt": "2026-11-25T12:00:05", "payment_method": "stripe",
        "payment_method_title": "Card", "transaction_id": "pi_1", "customer_id": 7,
        "billing": { "first_name": "Zoë", "last_name": "Example", "email": "zoe@example.com" },
        "shipping": {},
        "line_items": [{
            "id": 1, "name": "Thing", "product_id": 3, "variation_id": 0, "sku": "T-1",
            "quantity": 2, "subtotal": "20.00", "subtotal_tax": "0.00", "total": "20.00",
            "total_tax": "0.00", "price": 10,
        }],
        "tax_lines": [], "shipping_lines": [], "fee_lines": [], "coupon_lines": [],
        "refunds": [], "meta_data": [], "customer_note": "", "discount_total": "0.00",
        "discount_tax": "0.00", "shipping_total": "0.00", "shipping_tax": "0.00",
        "cart_tax": "0.00", "total": "20.00", "total_tax": "0.00",
    });
    let headers = Headers::from([("x-wc-webhook-topic", "order.created")]);
    let body = example.to_string();
    let delivery = storefront::read(PayloadFormat::WooCommerce, &headers, body.as_bytes()).unwrap();
    assert!(
        matches!(delivery.event, Ok(crate::domain::event::NativeEvent::Order { .. })),
        "{delivery:?}"
    );
    example
}
