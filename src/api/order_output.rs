//! An order as every API answers it.

use serde_json::{Map, Value, json};

use crate::domain::ledger::StoredOrder;
use crate::domain::money::{Amount, Currency};
use crate::domain::order::{ClientDetails, OrderContent, OrderLine, StatedPayment, StatedRefund};

/// The order as JSON. Amounts are decimal strings with the currency's own number of places;
/// fields without a value are `null`, so that every order has the same fields.
pub fn order_json(order: &StoredOrder) -> Value {
    let StoredOrder { id, source, key_id, client_id, content, stated, created_at, updated_at } =
        order;
    let OrderContent {
        external_id,
        number,
        status,
        currency,
        placed_at,
        client,
        billing_address,
        shipping_address,
        lines,
        totals,
        note,
        metadata,
    } = content;
    let amount = |amount: Amount| amount.format(*currency);
    json!({
        "id": id,
        "external_id": external_id,
        "number": number,
        "status": status,
        "source": source,
        "key_id": key_id,
        "currency": currency,
        "placed_at": placed_at.unwrap_or(*created_at).to_rfc3339(),
        "client": client.as_ref().map(|client| client_json(client, client_id.map(|id| id.to_string()))),
        "billing_address": billing_address,
        "shipping_address": shipping_address,
        "lines": lines.iter().map(|line| line_json(line, *currency)).collect::<Vec<_>>(),
        "subtotal": amount(totals.subtotal),
        "discount_total": amount(totals.discount_total),
        "shipping_total": amount(totals.shipping_total),
        "fee_total": amount(totals.fee_total),
        "tax_total": amount(totals.tax_total),
        "total": amount(totals.total),
        "paid_total": amount(stated.paid_total()),
        "refunded_total": amount(stated.refunded_total()),
        "payments": stated.payments.iter().map(|payment| payment_json(payment, *currency)).collect::<Vec<_>>(),
        "refunds": stated.refunds.iter().map(|refund| refund_json(refund, *currency)).collect::<Vec<_>>(),
        "note": note,
        "metadata": metadata,
        "created_at": created_at.to_rfc3339(),
        "updated_at": updated_at.to_rfc3339(),
    })
}

fn client_json(client: &ClientDetails, id: Option<String>) -> Value {
    let ClientDetails { external_id, email, name, phone } = client;
    json!({ "id": id, "external_id": external_id, "email": email, "name": name, "phone": phone })
}

fn line_json(line: &OrderLine, currency: Currency) -> Value {
    let OrderLine { external_id, sku, name, quantity, unit_price, discount, tax, total } = line;
    let mut json = Map::new();
    json.insert("external_id".into(), json!(external_id));
    json.insert("sku".into(), json!(sku));
    json.insert("name".into(), json!(name));
    // A JSON number as the quantity's own digits, `2` or `0.5`.
    let number: Option<serde_json::Number> = quantity.to_string().parse().ok();
    json.insert("quantity".into(), json!(number));
    for (field, amount) in
        [("unit_price", unit_price), ("discount", discount), ("tax", tax), ("total", total)]
    {
        json.insert(field.into(), json!(amount.format(currency)));
    }
    Value::Object(json)
}

fn payment_json(payment: &StatedPayment, currency: Currency) -> Value {
    let StatedPayment { external_id, method, amount, paid_at } = payment;
    json!({
        "external_id": external_id,
        "method": method,
        "amount": amount.format(currency),
        "paid_at": paid_at.map(|at| at.to_rfc3339()),
    })
}

fn refund_json(refund: &StatedRefund, currency: Currency) -> Value {
    let StatedRefund { external_id, reason, amount } = refund;
    json!({ "external_id": external_id, "reason": reason, "amount": amount.format(currency) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::order_input::read_order;
    use crate::domain::credential::{GateName, KeyId, TagKeys};
    use crate::domain::id::{OrderId, Row, StoreId};
    use crate::domain::key::Source;
    use crate::domain::ledger::Stated;
    use crate::domain::time::Timestamp;

    #[test]
    fn an_order_is_answered_with_every_field() {
        let now = Timestamp::from_millis(1_795_000_000_000);
        let body = br#"{"external_id":"A-1","currency":"KWD","total":"1.5","client":{"email":"z@example.com"},
            "lines":[{"name":"Thing","quantity":0.5,"unit_price":3}]}"#;
        let order = StoredOrder {
            id: OrderId::new(StoreId::from_random([0; 10]), Row::at(now)),
            source: Source::Custom,
            key_id: KeyId::mint(
                GateName::from_bytes([0; 12]),
                &TagKeys::parse(&"00".repeat(32)).unwrap(),
            ),
            client_id: None,
            content: read_order(body, now).unwrap(),
            stated: Stated {
                payments: vec![],
                refunds: vec![StatedRefund {
                    external_id: Some("9".into()),
                    reason: None,
                    amount: Amount::from_minor(250).unwrap(),
                }],
            },
            created_at: now,
            updated_at: now,
        };
        let at = now.to_rfc3339();
        assert_eq!(
            order_json(&order),
            json!({
                "id": order.id, "external_id": "A-1", "number": null, "status": "pending",
                "source": "custom", "key_id": order.key_id, "currency": "KWD", "placed_at": at,
                "client": {"id": null, "external_id": null, "email": "z@example.com", "name": null, "phone": null},
                "billing_address": null, "shipping_address": null,
                "lines": [{"external_id": null, "sku": null, "name": "Thing", "quantity": 0.5,
                    "unit_price": "3.000", "discount": "0.000", "tax": "0.000", "total": "1.500"}],
                "subtotal": "1.500", "discount_total": "0.000", "shipping_total": "0.000",
                "fee_total": "0.000", "tax_total": "0.000", "total": "1.500",
                "paid_total": "0.000", "refunded_total": "0.250", "payments": [],
                "refunds": [{"external_id": "9", "reason": null, "amount": "0.250"}],
                "note": null, "metadata": {}, "created_at": at, "updated_at": at,
            })
        );
    }
}
