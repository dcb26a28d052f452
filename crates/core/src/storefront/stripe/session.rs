//! Converts a completed or expired Checkout session to an order.

use serde_json::{Map, Value};

use super::{Event, amount, only_method, people};
use crate::domain::event::{Ignored, NativeEvent, Unmappable};
use crate::domain::metadata::check_metadata;
use crate::domain::money::Currency;
use crate::domain::order::{
    OrderContent, OrderSnapshot, OrderStatus, OrderTotals, ReportedPayment,
};
use crate::storefront::field::Field;

/// A session in `setup` mode only saves a payment method and is not an order.
pub(super) fn order(event: &Event<'_>, session: &Field<'_>) -> Result<NativeEvent, Unmappable> {
    if session.get("mode").require_text("setup").is_ok() {
        return Ok(NativeEvent::Ignored { reason: Ignored::UnsupportedTopic });
    }
    let currency = session.get("currency").lower_case_currency()?;
    let status = status(event, session)?;
    let totals = totals(session, currency)?;
    // `null` for a subscription: its payments come from its invoices.
    let payment_intent = session.get("payment_intent").token()?;
    let paid = session.get("payment_status").require_text("paid").is_ok();
    let payment = ReportedPayment {
        external_id: payment_intent.clone(),
        method: only_method(session)?,
        amount: totals.total,
        paid_at: Some(event.created),
    };
    let snapshot = OrderSnapshot {
        content: OrderContent {
            external_id: Some(session.get("id").required(Field::token)?),
            number: None,
            status,
            currency,
            placed_at: session.get("created").unix_seconds()?,
            client: people::buyer(session)?,
            billing_address: people::billing_address(session)?,
            shipping_address: people::shipping_address(session)?,
            lines: Vec::new(),
            totals,
            note: None,
            metadata: metadata(session)?,
        },
        payments: paid.then_some(payment).into_iter().collect(),
        refunds: Vec::new(),
        payment_ids: payment_intent.into_iter().collect(),
        version: event.version(0, status.progress()),
    };
    Ok(NativeEvent::Order { snapshot: Box::new(snapshot) })
}

/// A completed session is paid, or its payment takes days and a later event reports the result. A
/// session that contradicts its event's topic is an error.
fn status(event: &Event<'_>, session: &Field<'_>) -> Result<OrderStatus, Unmappable> {
    let payment_status = session.get("payment_status");
    let paid = match payment_status.required(Field::text)?.as_str() {
        "paid" | "no_payment_required" => true,
        "unpaid" => false,
        other => return Err(payment_status.unknown(other)),
    };
    let (session_status, order_status) = match (event.topic, paid) {
        ("checkout.session.expired", _) => ("expired", OrderStatus::Cancelled),
        ("checkout.session.async_payment_failed", false) => ("complete", OrderStatus::Failed),
        ("checkout.session.completed", false) => ("complete", OrderStatus::OnHold),
        ("checkout.session.completed" | "checkout.session.async_payment_succeeded", true) => {
            ("complete", OrderStatus::Processing)
        }
        _ => return Err(payment_status.refuse("is not what the event says")),
    };
    let status = session.get("status");
    // API versions before 2022 lack it.
    if !status.is_empty() {
        status.require_text(session_status)?;
    }
    Ok(order_status)
}

/// The totals, as Stripe calculated them; `amount_subtotal` is before discounts and taxes.
fn totals(session: &Field<'_>, currency: Currency) -> Result<OrderTotals, Unmappable> {
    let details = session.object("total_details")?;
    let part = |name| Ok(amount(&details.get(name), currency)?.unwrap_or_default());
    let total = session.get("amount_total").required(|field| amount(field, currency))?;
    Ok(OrderTotals {
        subtotal: amount(&session.get("amount_subtotal"), currency)?.unwrap_or(total),
        discount_total: part("amount_discount")?,
        shipping_total: part("amount_shipping")?,
        tax_total: part("amount_tax")?,
        total,
        ..OrderTotals::default()
    })
}

/// The texts in the session's metadata, which the shop wrote, and its `client_reference_id`.
fn metadata(session: &Field<'_>) -> Result<Map<String, Value>, Unmappable> {
    const REFERENCE: &str = "client_reference_id";
    let mut texts = Map::new();
    if let Some(reference) = session.get(REFERENCE).text()? {
        texts.insert(REFERENCE.to_owned(), Value::String(reference));
    }
    if let Value::Object(members) = session.object("metadata")?.value() {
        let usable = members
            .iter()
            .filter(|(key, value)| value.is_string() && check_metadata(key, value).is_ok());
        texts.extend(usable.map(|(key, value)| (key.clone(), value.clone())));
    }
    Ok(texts)
}
