//! The schemas of the bodies of the integration API, from the readers that take them.

use serde_json::{Value, json};

use super::examples;
use super::schema::described;
use crate::api::order_input::read_order;
use crate::api::recording;
use crate::domain::headers::Headers;
use crate::domain::key::PayloadFormat;
use crate::storefront;

pub fn order_input() -> Value {
    let body = examples::full_order().to_string();
    let schema = recording::schema(|| read_order(body.as_bytes(), examples::now()));
    described(schema, order_field)
}

/// What each field of an order is.
fn order_field(pointer: &str) -> Option<&'static str> {
    if let Some(part) = pointer.strip_prefix("/billing_address/") {
        return address_field(part);
    }
    if let Some(part) = pointer.strip_prefix("/shipping_address/") {
        return address_field(part);
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

fn address_field(part: &str) -> Option<&'static str> {
    Some(match part {
        "name" | "company" | "line1" | "line2" | "city" | "phone" => "Free text.",
        "region" => "State, province or county.",
        "postal_code" => "Free text.",
        "country" => "ISO 3166-1 alpha-2.",
        _ => return None,
    })
}

/// The least that a WooCommerce order may say.
///
/// # Panics
/// If it is not read as an order.
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
    let reading = storefront::read(PayloadFormat::WooCommerce, &headers, body.as_bytes());
    assert!(
        matches!(reading.meaning, Ok(crate::domain::event::NativeEvent::Order { .. })),
        "{reading:?}"
    );
    example
}
