//! An order, with the payment and the refunds that it reports.
//!
//! Amounts are text with as many decimal places as the shop is set to, which may be more or fewer
//! than the currency has. `total` and the refunds are the amounts that the buyer paid and got back,
//! so they must be exact. The breakdown (lines, discount, shipping, fees, tax) is rounded to minor
//! units. A line's `price` is a float after the discount, and is not read.

use serde_json::{Map, Value};

use super::Field;
use super::{people, version};
use crate::domain::event::{Ignored, NativeEvent, Unmappable};
use crate::domain::metadata::check_metadata;
use crate::domain::money::{Amount, Currency};
use crate::domain::order::{
    OrderContent, OrderLine, OrderSnapshot, OrderStatus, OrderTotals, ReportedPayment,
    ReportedRefund,
};

/// Converts the body of an order topic.
pub(super) fn event(order: &Field<'_>, body: &[u8]) -> Result<NativeEvent, Unmappable> {
    order.require_members(&["id", "status", "currency", "line_items"], "an order")?;
    match status(&order.get("status"))? {
        None => Ok(NativeEvent::Ignored { reason: Ignored::Draft }),
        Some(status) => {
            snapshot(order, status, body).map(|snapshot| NativeEvent::Order { snapshot })
        }
    }
}

/// `None` for a cart that nobody has placed: the block checkout stores carts as draft orders and
/// sends `order.updated` for them. A status added by a plugin is refused, since we cannot know
/// whether such an order is to be shipped.
fn status(field: &Field<'_>) -> Result<Option<OrderStatus>, Unmappable> {
    let status = match field.required(Field::text)?.as_str() {
        "checkout-draft" | "auto-draft" | "draft" => return Ok(None),
        "pending" => OrderStatus::Pending,
        "processing" => OrderStatus::Processing,
        "on-hold" => OrderStatus::OnHold,
        "completed" => OrderStatus::Completed,
        "cancelled" => OrderStatus::Cancelled,
        "refunded" => OrderStatus::Refunded,
        "failed" => OrderStatus::Failed,
        other => {
            let other: String = other.chars().take(40).collect();
            return Err(field.refuse(format!("is {other:?}, not a status of WooCommerce itself")));
        }
    };
    Ok(Some(status))
}

fn snapshot(
    order: &Field<'_>,
    status: OrderStatus,
    body: &[u8],
) -> Result<Box<OrderSnapshot>, Unmappable> {
    let currency = order.get("currency").currency()?;
    let line_items = order.get("line_items");
    let lines = line_items
        .items()?
        .map(|item| line(&item, currency))
        .collect::<Result<Vec<ReportedLine>, _>>()?;
    let totals = totals(order, &lines, currency)?;
    let refunds = refunds(order, currency)?;
    let version =
        version(order, body, u32::try_from(refunds.len()).unwrap_or(u32::MAX), status.progress())?;
    Ok(Box::new(OrderSnapshot {
        content: OrderContent {
            external_id: Some(order.get("id").required(Field::id)?),
            number: order.get("number").text()?,
            status,
            currency,
            placed_at: order.get("date_created_gmt").gmt_time()?,
            client: people::buyer(order)?,
            billing_address: people::address(&order.object("billing")?)?,
            shipping_address: people::address(&order.object("shipping")?)?,
            lines: lines.into_iter().map(|reported| reported.line).collect(),
            totals,
            note: order.get("customer_note").text()?,
            metadata: metadata(&order.get("meta_data"))?,
        },
        payments: payment(order, totals.total)?.into_iter().collect(),
        refunds,
        payment_ids: Vec::new(),
        version,
    }))
}

/// A line, and its `subtotal` (before discounts, without tax) as the shop reports it.
struct ReportedLine {
    line: OrderLine,
    subtotal: Amount,
}

/// The discount is `subtotal` − `total`. Someone who edits an order can raise `total` above
/// `subtotal`. WooCommerce's own setter then raises `subtotal` to `total`
/// (`WC_Order_Item_Product::set_total`: 'Subtotal cannot be less than total'), and this function
/// does the same: a surcharge is a higher price, never a negative discount.
fn line(item: &Field<'_>, currency: Currency) -> Result<ReportedLine, Unmappable> {
    let out_of_range = || item.refuse("is out of range");
    let quantity = item.get("quantity").required(Field::quantity)?;
    let total = item.get("total").required(|field| field.rounded_amount(currency))?;
    let subtotal = item.get("subtotal").rounded_amount(currency)?.unwrap_or(total);
    let before_discount = subtotal.max(total);
    let sku = item.get("sku").text()?;
    let line = OrderLine {
        external_id: item.get("id").id()?,
        name: item.get("name").text()?.or_else(|| sku.clone()).unwrap_or_default(),
        sku,
        quantity,
        unit_price: quantity.divide(before_discount).ok_or_else(out_of_range)?,
        discount: before_discount.checked_sub(total).ok_or_else(out_of_range)?,
        tax: item.get("total_tax").rounded_amount(currency)?.unwrap_or_default(),
        total,
    };
    Ok(ReportedLine { line, subtotal })
}

/// The totals, as the shop calculated them. Its `discount_total` is the sum of `subtotal` − `total`
/// over the lines, so coupons are counted once. A negative fee stays a fee.
fn totals(
    order: &Field<'_>,
    lines: &[ReportedLine],
    currency: Currency,
) -> Result<OrderTotals, Unmappable> {
    let amount = |name: &'static str| order.get(name).rounded_amount(currency);
    let fee_lines = order.get("fee_lines");
    let fees = fee_lines
        .items()?
        .map(|fee| Ok(fee.get("total").rounded_amount(currency)?.unwrap_or_default()))
        .collect::<Result<Vec<Amount>, Unmappable>>()?;
    Ok(OrderTotals {
        subtotal: Amount::sum(lines.iter().map(|reported| reported.subtotal))
            .ok_or_else(|| order.get("line_items").refuse("adds up to an amount out of range"))?,
        discount_total: amount("discount_total")?.unwrap_or_default(),
        shipping_total: amount("shipping_total")?.unwrap_or_default(),
        fee_total: Amount::sum(fees)
            .ok_or_else(|| fee_lines.refuse("adds up to an amount out of range"))?,
        tax_total: amount("total_tax")?.unwrap_or_default(),
        total: order.get("total").required(|field| field.exact_amount(currency))?,
    })
}

/// WooCommerce has one payment per order: the whole total, once `date_paid_gmt` is set. Later
/// refunds change neither `total` nor `date_paid_gmt`.
fn payment(order: &Field<'_>, total: Amount) -> Result<Option<ReportedPayment>, Unmappable> {
    let Some(paid_at) = order.get("date_paid_gmt").gmt_time()? else { return Ok(None) };
    Ok(Some(ReportedPayment {
        external_id: order.get("transaction_id").text()?,
        method: order.get("payment_method").text()?,
        amount: total,
        paid_at: Some(paid_at),
    }))
}

/// The refunds of an order. They do not lower the order's `total`; their own `total` is negative.
fn refunds(order: &Field<'_>, currency: Currency) -> Result<Vec<ReportedRefund>, Unmappable> {
    order
        .get("refunds")
        .items()?
        .map(|refund| {
            let total = refund.get("total").required(|field| field.exact_amount(currency))?;
            Ok(ReportedRefund {
                external_id: Some(refund.get("id").required(Field::id)?),
                reason: refund.get("reason").text()?,
                amount: total.abs(),
            })
        })
        .collect()
}

/// The order's public custom fields: WordPress hides those whose key starts with `_`. The last of
/// several with the same key wins. Plugins write values of any type; one that would not survive
/// serialisation ([`check_metadata`]) is left out, so that it does not make the order fail.
fn metadata(meta_data: &Field<'_>) -> Result<Map<String, Value>, Unmappable> {
    Ok(meta_data
        .items()?
        .filter_map(|entry| match entry.get("key").value() {
            Value::String(key) if !key.is_empty() && !key.starts_with('_') => {
                Some((key.clone(), entry.get("value").value().clone()))
            }
            _ => None,
        })
        .filter(|(key, value)| check_metadata(key, value).is_ok())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::metadata::MAX_METADATA_DEPTH;

    const NUMBER_KEY: &str = "$serde_json::private::Number";
    use serde_json::json;

    /// A minimal order, with `members` added or replaced.
    fn order(members: Value) -> Value {
        let mut order = json!({
            "id": 15, "status": "processing", "currency": "USD", "total": "20.00",
            "line_items": [{"id": 1, "name": "Thing", "quantity": 2, "total": "20.00"}],
        });
        if let (Value::Object(order), Value::Object(members)) = (&mut order, members) {
            order.extend(members);
        }
        order
    }

    fn read(members: Value) -> Result<NativeEvent, Unmappable> {
        event(&Field::root(&order(members)), b"")
    }

    fn snapshot_of(members: Value) -> OrderSnapshot {
        match read(members) {
            Ok(NativeEvent::Order { snapshot }) => *snapshot,
            other => panic!("{other:?}"),
        }
    }

    fn refused_at(members: Value) -> String {
        read(members).unwrap_err().pointer
    }

    fn line_of(currency: &str, item: Value) -> OrderLine {
        let body = json!({"currency": currency, "line_items": [item]});
        snapshot_of(body).content.lines.remove(0)
    }

    fn minor(amount: Amount) -> i64 {
        amount.minor()
    }

    #[test]
    fn every_status_of_woocommerce_is_mapped_and_a_plugins_own_is_refused() {
        for (text, status) in [
            ("pending", OrderStatus::Pending),
            ("processing", OrderStatus::Processing),
            ("on-hold", OrderStatus::OnHold),
            ("completed", OrderStatus::Completed),
            ("cancelled", OrderStatus::Cancelled),
            ("refunded", OrderStatus::Refunded),
            ("failed", OrderStatus::Failed),
        ] {
            assert_eq!(snapshot_of(json!({"status": text})).content.status, status);
        }
        for text in ["wc-shipped", "partially-paid", "on_hold", "trash", "Processing", ""] {
            assert_eq!(refused_at(json!({"status": text})), "/status", "{text:?}");
        }
    }

    #[test]
    fn a_draft_is_ignored_however_incomplete_it_is() {
        for status in ["checkout-draft", "auto-draft", "draft"] {
            let draft =
                read(json!({"status": status, "line_items": [], "total": "", "currency": ""}));
            assert_eq!(draft, Ok(NativeEvent::Ignored { reason: Ignored::Draft }));
        }
    }

    #[test]
    fn a_draft_of_an_object_that_is_not_an_order_is_refused() {
        let product = json!({"id": 15, "status": "draft", "sku": "A"});
        assert_eq!(event(&Field::root(&product), b"").unwrap_err().pointer, "/currency");
    }

    #[test]
    fn a_lines_discount_is_its_subtotal_minus_its_total_and_never_negative() {
        for (subtotal, total, unit_price, discount) in [
            ("149.97", "134.96", 4_999, 1_501),
            ("150.00", "150.00", 5_000, 0),
            ("149.97", "180.00", 6_000, 0),
            ("", "180.00", 6_000, 0),
            ("-30.00", "-33.00", -1_000, 300),
            ("100.00", "0.00", 3_333, 10_000),
        ] {
            let line = line_of("USD", json!({"quantity": 3, "subtotal": subtotal, "total": total}));
            assert_eq!(minor(line.unit_price), unit_price, "{subtotal} {total}");
            assert_eq!(minor(line.discount), discount, "{subtotal} {total}");
        }
    }

    #[test]
    fn the_breakdown_rounds_to_the_currency_but_charges_and_refunds_must_be_exact() {
        let line = line_of(
            "JPY",
            json!({"quantity": "3", "subtotal": "149.97", "total": 149.97, "total_tax": "13.309838"}),
        );
        assert_eq!((minor(line.unit_price), minor(line.tax), minor(line.total)), (50, 13, 150));

        let totals = snapshot_of(json!({"total": "20.0000", "total_tax": "1.7749"})).content.totals;
        assert_eq!((minor(totals.total), minor(totals.tax_total)), (2_000, 177));
        assert_eq!(minor(snapshot_of(json!({"total": 20})).content.totals.total), 2_000);
        let yen = json!({"currency": "JPY", "total": "150.00"});
        assert_eq!(minor(snapshot_of(yen).content.totals.total), 150);

        assert_eq!(refused_at(json!({"total": "20.0001"})), "/total");
        assert_eq!(refused_at(json!({"total": ""})), "/total");
        assert_eq!(refused_at(json!({"total": "20,00"})), "/total");
        let refund =
            |total: &str| json!({"refunds": [{"id": 1, "total": "-1"}, {"id": 2, "total": total}]});
        assert_eq!(refused_at(refund("-0.005")), "/refunds/1/total");
        assert_eq!(minor(snapshot_of(refund("-0.5")).refunds[1].amount), 50);
    }

    #[test]
    fn fees_may_be_negative_and_empty_totals_are_zero() {
        let totals = snapshot_of(json!({
            "fee_lines": [{"total": "2.50"}, {"total": "-10.00"}, {"total": ""}],
            "discount_total": "", "shipping_total": null,
        }))
        .content
        .totals;
        assert_eq!(minor(totals.fee_total), -750);
        assert_eq!((minor(totals.discount_total), minor(totals.shipping_total)), (0, 0));
        assert_eq!(minor(totals.subtotal), 2_000);
    }

    #[test]
    fn a_quantity_may_be_a_fraction_or_text_but_not_zero_or_empty() {
        let quantity =
            |quantity| line_of("USD", json!({"quantity": quantity, "total": "1"})).quantity;
        assert_eq!(quantity(json!(0.5)).to_string(), "0.5");
        assert_eq!(quantity(json!("2")).to_string(), "2");
        for bad in [json!(0), json!(-1), json!(""), json!("two"), json!({})] {
            let refused = refused_at(json!({"line_items": [{"quantity": bad, "total": "1"}]}));
            assert_eq!(refused, "/line_items/0/quantity");
        }
    }

    #[test]
    fn sums_out_of_range_are_refused() {
        let huge = json!({"quantity": 1, "total": "90000000000000.00"});
        assert_eq!(refused_at(json!({"line_items": [huge, huge]})), "/line_items");
        let small = json!({"quantity": "0.001", "total": "90000000000000.00"});
        assert_eq!(refused_at(json!({"line_items": [small]})), "/line_items/0");
        let fee = json!({"total": "90000000000000.00"});
        assert_eq!(refused_at(json!({"fee_lines": [fee, fee]})), "/fee_lines");
    }

    #[test]
    fn an_order_is_paid_in_full_once_it_has_a_time_of_payment() {
        assert_eq!(snapshot_of(json!({"date_paid_gmt": null})).payments, []);
        let paid = snapshot_of(json!({
            "date_paid_gmt": "2026-11-22T11:48:06", "transaction_id": "", "payment_method": "cod",
        }));
        assert_eq!(
            paid.payments,
            [ReportedPayment {
                external_id: None,
                method: Some("cod".to_owned()),
                amount: Amount::from_minor(2_000).unwrap(),
                paid_at: crate::domain::time::Timestamp::parse_rfc3339("2026-11-22T11:48:06Z"),
            }]
        );
        assert_eq!(refused_at(json!({"date_paid_gmt": "yesterday"})), "/date_paid_gmt");
    }

    #[test]
    fn metadata_has_the_public_custom_fields_and_the_last_of_several_with_one_key_wins() {
        let metadata = snapshot_of(json!({"meta_data": [
            {"id": 1, "key": "_external_ref", "value": "ABC-1"},
            {"id": 2, "key": "gift", "value": {"wrap": true}},
            {"id": 3, "key": "gift", "value": [1.50]},
            {"id": 4, "key": "__proto__", "value": "x"},
            {"id": 5, "key": "constructor", "value": ""},
            {"id": 6, "value": "no key"},
            {"id": 7, "key": 42, "value": "no text"},
            "no object",
        ]}))
        .content
        .metadata;
        assert_eq!(Value::Object(metadata), json!({"gift": [1.50], "constructor": ""}));
    }

    #[test]
    fn a_custom_field_that_would_not_survive_as_json_is_left_out_of_the_order() {
        let nested = (0..MAX_METADATA_DEPTH).fold(json!(1), |value, _| json!([value]));
        let not_a_number = json!({"a": {NUMBER_KEY: "x", "z": 1}});
        let snapshot = snapshot_of(json!({"meta_data": [
            {"key": "deep", "value": nested},
            {"key": "odd", "value": not_a_number},
            {"key": NUMBER_KEY, "value": "x"},
            {"key": "kept", "value": [[1e3]]},
        ]}));
        assert_eq!(snapshot.content.metadata.keys().collect::<Vec<_>>(), ["kept"]);
        let written = serde_json::to_string(&snapshot).unwrap();
        assert_eq!(serde_json::from_str::<OrderSnapshot>(&written).unwrap(), snapshot);
    }

    #[test]
    fn a_currency_that_iso_4217_does_not_know_is_refused() {
        for code in ["BTC", "usd", "XXX", ""] {
            assert_eq!(refused_at(json!({"currency": code})), "/currency", "{code:?}");
        }
    }
}
