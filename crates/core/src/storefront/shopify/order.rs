//! An order, with the payment and the refunds that it reports.
//!
//! Amounts are read in the shop's currency: from the plain members, or from `shop_money` where
//! there is only a price set. The buyer's currency (`presentment_money`) is not stored.
//! `total_price` and the paid and refunded amounts must be exact; the breakdown is rounded to minor
//! units. A refund does not lower `total_price`, but it does lower `current_total_price`.
//!
//! A test notification contains an order that is already cancelled and voided. It is stored like
//! any other: whoever sent it expects to see it arrive, and nobody would ship a cancelled order. An
//! order paid through a test gateway is stored too. Both have `shopify_test` in their metadata.

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

/// Converts the body of an order topic.
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

/// A cancelled order stays cancelled when it is refunded: its refunds show that. An order that is
/// not paid in full is never `processing` or `completed`, even if Shopify calls it fulfilled, since
/// it must not be shipped.
fn status(order: &Field<'_>) -> Result<OrderStatus, Unmappable> {
    if !order.get("cancelled_at").is_empty() {
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

/// A line as it was ordered; `None` for one that an edit of the order removed. Where prices include
/// tax, the line's tax is subtracted.
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
    let discount = if allocations.is_empty() {
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

/// The tax of a line or of a shipping line.
fn tax(part: &Field<'_>, currency: Currency) -> Result<Amount, Unmappable> {
    part.get("tax_lines").sum(&|tax| tax.get("price").rounded_amount(currency))
}

/// The totals, as the shop calculated them. Tips, duties and additional fees count as fees. Where
/// prices include tax, it is subtracted from the subtotal and the shipping total, because Tidegate
/// stores both without tax.
fn totals(
    order: &Field<'_>,
    lines: &[OrderLine],
    currency: Currency,
) -> Result<OrderTotals, Unmappable> {
    let amount = |name: &'static str| order.get(name).rounded_amount(currency);
    let shop_money = |name: &'static str| {
        order.get(name).get("shop_money").get("amount").rounded_amount(currency)
    };
    let shipping_lines = order.get("shipping_lines");
    let mut subtotal = amount("total_line_items_price")?;
    let mut shipping = match shop_money("total_shipping_price_set")? {
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
        amount("total_tip_received")?,
        shop_money("original_total_duties_set")?,
        shop_money("original_total_additional_fees_set")?,
    ];
    Ok(OrderTotals {
        subtotal: order.in_range(subtotal.or_else(|| Amount::sum(before_discount)))?,
        discount_total: amount("total_discounts")?.unwrap_or_default(),
        shipping_total: order.in_range(shipping)?,
        fee_total: order.in_range(Amount::sum(fees.into_iter().flatten()))?,
        tax_total: amount("total_tax")?.unwrap_or_default(),
        total: order.get("total_price").required(|field| field.exact_amount(currency))?,
    })
}

/// The payment of an order, computed from its totals, since the body lists no transactions:
/// current total − outstanding + refunded, but at most the original total.
///
/// An order that an app created as paid has its whole total outstanding. There the shop's status
/// `paid` decides, and a positive outstanding amount counts as 0. A negative outstanding amount is
/// owed to the buyer.
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
    let refunded = order.in_range(Amount::sum(refunds.iter().map(|refund| refund.amount)))?;
    let paid = match order.get("current_total_price").exact_amount(currency)? {
        Some(current) => current.checked_add(refunded),
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

/// The refunds that paid money back.
fn refunds(
    order: &Field<'_>,
    total: Amount,
    currency: Currency,
) -> Result<Vec<ReportedRefund>, Unmappable> {
    let mut refunds = Vec::new();
    for refund in order.get("refunds").items()? {
        let list = refund.get("transactions");
        let mut amount = Amount::ZERO;
        for transaction in transactions(&list, Some(currency))? {
            if transaction.status == PaymentStatus::Completed {
                let refunded = if transaction.currency == currency {
                    transaction.amount
                } else {
                    in_shop_currency(order, total, transaction.amount, transaction.currency)?
                };
                amount = list.in_range(amount.checked_add(refunded))?;
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

/// Converts an amount from the buyer's currency to the shop's, rounded to the nearest minor unit.
/// If the two differ, transactions report their amounts in the buyer's currency only. The exchange
/// rate is that of the order: its total in both currencies.
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
    let field = presentment.get("amount");
    let buyers_total = i128::from(field.required(|field| field.exact_amount(currency))?.minor());
    if buyers_total <= 0 {
        return Err(field.refuse("is not above 0"));
    }
    let minor =
        (i128::from(amount.minor()) * i128::from(total.minor()) + buyers_total / 2) / buyers_total;
    field.in_range(i64::try_from(minor).ok().and_then(Amount::from_minor))
}

/// The order's `note_attributes`, which a buyer or an app wrote, and the mark of a test order.
fn metadata(order: &Field<'_>) -> Result<Map<String, Value>, Unmappable> {
    let mut metadata = order.get("note_attributes").custom_fields("name", &["value"])?;
    if order.get("test").is_true() {
        metadata.insert("shopify_test".to_owned(), Value::Bool(true));
    }
    Ok(metadata)
}
