//! An order, with the payment and the refunds that it states.
//!
//! Money is read in the currency of the shop: the plain members, and `shop_money` where there is
//! only a set. What the buyer saw (`presentment_money`) is not kept. `total_price` and what was paid
//! and given back must be exact; the breakdown is rounded to minor units. `total_price` does not
//! fall by refunds, `current_total_price` does.
//!
//! A test notification carries an order that is cancelled and voided already. It is kept like any
//! other: its sender waits to see it arrive, and nobody can take it for one to be shipped. So is
//! one paid through a test gateway. Both have `shopify_test` in their metadata.

use serde_json::{Map, Value};

use super::Field;
use super::refund::transactions;
use super::{people, require_kind, version};
use crate::domain::event::{NativeEvent, Unmappable};
use crate::domain::money::{Amount, Currency};
use crate::domain::order::{
    OrderContent, OrderLine, OrderSnapshot, OrderStatus, OrderTotals, PaymentStatus,
    ReportedPayment, ReportedRefund,
};

/// What the body of a topic that promises an order means.
pub(super) fn event(order: &Field<'_>, body: &[u8]) -> Result<NativeEvent, Unmappable> {
    let names = ["id", "financial_status", "currency", "total_price", "updated_at", "line_items"];
    order.require_members(&names, "an order")?;
    require_kind(order, "gid://shopify/Order/")?;
    let status = status(order)?;
    let currency = order.get("currency").currency()?;
    let line_items = order.get("line_items");
    let lines = line_items
        .items()?
        .filter_map(|item| line(order, &item, currency).transpose())
        .collect::<Result<Vec<OrderLine>, _>>()?;
    let totals = totals(order, &lines, currency)?;
    let refunds = refunds(order, totals.total, currency)?;
    let version = version(
        order,
        &["updated_at"],
        body,
        u32::try_from(refunds.len()).unwrap_or(u32::MAX),
        status.progress(),
    )?;
    let snapshot = OrderSnapshot {
        content: OrderContent {
            external_id: Some(order.get("id").required(Field::id)?),
            number: order.first_text(&["name", "order_number"])?,
            status,
            currency,
            placed_at: order.first_instant(&["processed_at", "created_at"])?,
            client: people::buyer(order)?,
            billing_address: people::address(&order.object("billing_address")?)?,
            shipping_address: people::address(&order.object("shipping_address")?)?,
            lines,
            totals,
            note: order.get("note").text()?,
            metadata: metadata(order)?,
        },
        payments: payment(order, totals.total, &refunds, currency)?.into_iter().collect(),
        refunds,
        payment_ids: Vec::new(),
        version,
    };
    Ok(NativeEvent::Order { snapshot: Box::new(snapshot) })
}

/// A cancelled order stays that when its money is given back: the refunds say so beside it. What is
/// not paid in full is not to be shipped, whether or not Shopify already calls it fulfilled.
fn status(order: &Field<'_>) -> Result<OrderStatus, Unmappable> {
    if !order.get("cancelled_at").is_nothing() {
        return Ok(OrderStatus::Cancelled);
    }
    let financial = order.get("financial_status");
    Ok(match financial.required(Field::text)?.as_str() {
        "pending" => OrderStatus::Pending,
        "authorized" | "partially_paid" => OrderStatus::OnHold,
        "paid" | "partially_refunded" => match order.get("fulfillment_status").text()?.as_deref() {
            Some("fulfilled") => OrderStatus::Completed,
            _ => OrderStatus::Processing,
        },
        "refunded" => OrderStatus::Refunded,
        "voided" => OrderStatus::Cancelled,
        "expired" => OrderStatus::Failed,
        other => return Err(financial.unknown(other)),
    })
}

/// A line as it was ordered; `None` for one that an edit of the order has taken out. Where prices
/// include tax, its own tax is taken off.
fn line(
    order: &Field<'_>,
    item: &Field<'_>,
    currency: Currency,
) -> Result<Option<OrderLine>, Unmappable> {
    let quantity = item.get("quantity");
    if quantity.text()?.as_deref() == Some("0") {
        return Ok(None);
    }
    let quantity = quantity.required(Field::quantity)?;
    let price = item.get("price").required(|field| field.rounded_amount(currency))?;
    let allocations = item.get("discount_allocations");
    let discount = if allocations.is_nothing() {
        item.get("total_discount").rounded_amount(currency)?.unwrap_or_default()
    } else {
        allocations.sum(&|part| part.get("amount").rounded_amount(currency))?
    };
    let tax = tax(item, currency)?;
    let total = quantity.times(price).and_then(|gross| gross.checked_sub(discount));
    let (total, unit_price) = if order.get("taxes_included").is_true() {
        let total = total.and_then(|total| total.checked_sub(tax));
        let before_discount = total.and_then(|total| total.checked_add(discount));
        (total, before_discount.and_then(|amount| quantity.divide(amount)))
    } else {
        (total, Some(price))
    };
    let sku = item.get("sku").text()?;
    Ok(Some(OrderLine {
        external_id: item.get("id").id()?,
        name: item.first_text(&["name", "title"])?.or_else(|| sku.clone()).unwrap_or_default(),
        sku,
        quantity,
        unit_price: item.in_range(unit_price)?,
        discount,
        tax,
        total: item.in_range(total)?,
    }))
}

/// The tax of a line or of a way of shipping.
fn tax(part: &Field<'_>, currency: Currency) -> Result<Amount, Unmappable> {
    part.get("tax_lines").sum(&|tax| tax.get("price").rounded_amount(currency))
}

/// The shop's own sums. Tips, duties and additional fees are fees. Where prices include tax, lines
/// and shipping are stated without it, as everywhere here.
fn totals(
    order: &Field<'_>,
    lines: &[OrderLine],
    currency: Currency,
) -> Result<OrderTotals, Unmappable> {
    let sum = |name: &'static str| order.get(name).rounded_amount(currency);
    let set = |name: &'static str| {
        order.get(name).get("shop_money").get("amount").rounded_amount(currency)
    };
    let shipping_lines = order.get("shipping_lines");
    let mut subtotal = sum("total_line_items_price")?;
    let mut shipping = match set("total_shipping_price_set")? {
        Some(shipping) => Some(shipping),
        None => Some(shipping_lines.sum(&|line| line.get("price").rounded_amount(currency))?),
    };
    if order.get("taxes_included").is_true() {
        subtotal = None;
        let tax = shipping_lines.sum(&|line| tax(line, currency).map(Some))?;
        shipping = shipping.and_then(|shipping| shipping.checked_sub(tax));
    }
    let before_discount = lines.iter().flat_map(|line| [line.total, line.discount]);
    let fees = [
        sum("total_tip_received")?,
        set("original_total_duties_set")?,
        set("original_total_additional_fees_set")?,
    ];
    Ok(OrderTotals {
        subtotal: order.in_range(subtotal.or_else(|| Amount::sum(before_discount)))?,
        discount_total: sum("total_discounts")?.unwrap_or_default(),
        shipping_total: order.in_range(shipping)?,
        fee_total: order.in_range(Amount::sum(fees.into_iter().flatten()))?,
        tax_total: sum("total_tax")?.unwrap_or_default(),
        total: order.get("total_price").required(|field| field.exact_amount(currency))?,
    })
}

/// The body says how the whole of an order stands, not by which transactions. What was paid is what
/// the order costs now, less what is outstanding, and what has been given back; and never more than
/// the order cost. An order that an app made as paid has all of it outstanding: the shop's word that
/// it is paid stands. A negative outstanding amount is owed to the buyer.
fn payment(
    order: &Field<'_>,
    total: Amount,
    refunds: &[ReportedRefund],
    currency: Currency,
) -> Result<Option<ReportedPayment>, Unmappable> {
    let outstanding = order.get("total_outstanding").exact_amount(currency)?.unwrap_or_default();
    let outstanding = match order.get("financial_status").text()?.as_deref() {
        Some("partially_paid") => outstanding,
        Some("paid" | "partially_refunded" | "refunded") => outstanding.min(Amount::ZERO),
        _ => return Ok(None),
    };
    let given_back = order.in_range(Amount::sum(refunds.iter().map(|refund| refund.amount)))?;
    let paid = match order.get("current_total_price").exact_amount(currency)? {
        Some(current) => current.checked_add(given_back),
        None => Some(total),
    };
    let paid = order.in_range(paid.and_then(|paid| paid.checked_sub(outstanding)))?.min(total);
    let gateways = order.get("payment_gateway_names");
    let mut method = order.get("gateway").text()?;
    for gateway in gateways.items()? {
        method = method.or(gateway.text()?);
    }
    Ok((paid > Amount::ZERO).then_some(ReportedPayment {
        external_id: None,
        method,
        amount: paid,
        paid_at: None,
    }))
}

/// The refunds by which money went back.
fn refunds(
    order: &Field<'_>,
    total: Amount,
    currency: Currency,
) -> Result<Vec<ReportedRefund>, Unmappable> {
    let mut refunds = Vec::new();
    for refund in order.get("refunds").items()? {
        let list = refund.get("transactions");
        let mut amount = Amount::ZERO;
        for given in transactions(&list, Some(currency))? {
            if given.status == PaymentStatus::Completed {
                let given = if given.currency == currency {
                    given.amount
                } else {
                    in_shop_currency(order, total, given.amount, given.currency)?
                };
                amount = list.in_range(amount.checked_add(given))?;
            }
        }
        if amount > Amount::ZERO {
            refunds.push(ReportedRefund {
                external_id: Some(refund.get("id").required(Field::id)?),
                reason: refund.get("note").text()?,
                amount,
            });
        }
    }
    Ok(refunds)
}

/// Transactions of an order in another currency than the shop's are stated in the buyer's, and in
/// that alone. The rate is the order's own: its total in both.
fn in_shop_currency(
    order: &Field<'_>,
    total: Amount,
    amount: Amount,
    currency: Currency,
) -> Result<Amount, Unmappable> {
    let set = order.get("total_price_set");
    let presentment = set.get("presentment_money");
    let code = presentment.get("currency_code");
    if code.currency()? != currency {
        return Err(code.refuse("is not the currency of the refunds"));
    }
    let seen = presentment.get("amount");
    let per = i128::from(seen.required(|field| field.exact_amount(currency))?.minor());
    if per <= 0 {
        return Err(seen.refuse("is not above 0"));
    }
    let minor = (i128::from(amount.minor()) * i128::from(total.minor()) + per / 2) / per;
    seen.in_range(i64::try_from(minor).ok().and_then(Amount::from_minor))
}

/// The order's additional details, as a buyer or an app wrote them.
fn metadata(order: &Field<'_>) -> Result<Map<String, Value>, Unmappable> {
    let mut metadata = order.get("note_attributes").custom_fields("name", &["value"])?;
    if order.get("test").is_true() {
        metadata.insert("shopify_test".to_owned(), Value::Bool(true));
    }
    Ok(metadata)
}
