//! An order, with the payment and the refund that it reports.
//!
//! Each amount comes as decimal text and as formatted text for display; only the decimal is read.
//! Lines and shipping are without tax. The total and the paid and refunded amounts must be exact;
//! the breakdown is rounded to minor units.

use super::Field;
use crate::domain::event::Unmappable;
use crate::domain::money::{Amount, Currency};
use crate::domain::order::{
    Address, ClientDetails, OrderContent, OrderLine, OrderSnapshot, OrderStatus, OrderTotals,
    ReportedPayment, ReportedRefund, SourceVersion,
};

/// Converts the order of an event. `event_id` takes the place of the body's hash: it stays the same
/// when the event is sent again, whereas the token around the event is new each time.
pub(super) fn snapshot(
    order: &Field<'_>,
    event: &Field<'_>,
    event_id: String,
) -> Result<Box<OrderSnapshot>, Unmappable> {
    let names = ["id", "status", "paymentStatus", "currency", "lineItems", "priceSummary"];
    order.require_members(&names, "an order")?;
    let status = status(order)?;
    let currency = order.get("currency").currency()?;
    let totals = totals(order, currency)?;
    let line_items = order.get("lineItems");
    let lines = line_items
        .items()?
        .map(|item| line(&item, currency))
        .collect::<Result<Vec<OrderLine>, _>>()?;
    let payments = payment(order, totals.total, currency)?;
    let refunds = refund(order, totals.total, currency)?;
    let sequence = event.get("entityEventSequence");
    let info = order.object("shippingInfo")?;
    let logistics = info.get("logistics");
    let recipient = match order.object("recipientInfo")? {
        recipient if recipient.is_empty() => logistics.get("shippingDestination"),
        recipient => recipient,
    };
    let billing = order.object("billingInfo")?;
    Ok(Box::new(OrderSnapshot {
        version: SourceVersion {
            sequence: match sequence.text()? {
                None => 0,
                Some(text) => {
                    text.parse().map_err(|_| sequence.refuse("is not a sequence number"))?
                }
            },
            modified_at: match order.get("updatedDate").instant()? {
                Some(updated) => updated,
                None => event.get("eventTime").instant()?.unwrap_or_default(),
            },
            refunds: refunds.is_some().into(),
            progress: status.progress(),
            body_hash: event_id,
        },
        content: OrderContent {
            external_id: Some(order.get("id").required(Field::token)?),
            number: order.get("number").text()?,
            status,
            currency,
            placed_at: order.first_instant(&["purchasedDate", "createdDate"])?,
            client: buyer(order, &billing, &recipient)?,
            billing_address: address(&billing)?,
            shipping_address: address(&recipient)?,
            lines,
            totals,
            note: order.get("buyerNote").text()?,
            metadata: order.get("customFields").custom_fields("title", &["value"])?,
        },
        payments: payments.into_iter().collect(),
        refunds: refunds.into_iter().collect(),
        payment_ids: Vec::new(),
    }))
}

/// Wix approves an order when it is paid, or immediately if it will be paid offline. A cancelled
/// order stays cancelled when it is refunded: its refund shows that.
fn status(order: &Field<'_>) -> Result<OrderStatus, Unmappable> {
    let status = order.get("status");
    match status.required(Field::text)?.as_str() {
        "INITIALIZED" => return Ok(OrderStatus::Pending),
        "PENDING" => return Ok(OrderStatus::OnHold),
        "CANCELED" => return Ok(OrderStatus::Cancelled),
        "REJECTED" => return Ok(OrderStatus::Failed),
        "APPROVED" => {}
        other => return Err(status.unknown(other)),
    }
    let payment = order.get("paymentStatus");
    Ok(match payment.required(Field::text)?.as_str() {
        "PAID" | "PARTIALLY_REFUNDED" => match order.get("fulfillmentStatus").text()?.as_deref() {
            Some("FULFILLED") => OrderStatus::Completed,
            _ => OrderStatus::Processing,
        },
        "FULLY_REFUNDED" => OrderStatus::Refunded,
        "NOT_PAID" | "PENDING" | "PARTIALLY_PAID" | "PENDING_MERCHANT" | "AUTHORIZED"
        | "UNSPECIFIED" => OrderStatus::OnHold,
        "DECLINED" | "CANCELED" => OrderStatus::Failed,
        other => return Err(payment.unknown(other)),
    })
}

fn line(item: &Field<'_>, currency: Currency) -> Result<OrderLine, Unmappable> {
    let quantity = item.get("quantity").required(Field::quantity)?;
    let discount = rounded(&item.get("totalDiscount"), currency)?.unwrap_or_default();
    let total = match rounded(&item.get("totalPriceBeforeTax"), currency)? {
        Some(total) => total,
        None => {
            let price = item.get("price").required(|price| rounded(price, currency))?;
            item.in_range(quantity.times(price).and_then(|gross| gross.checked_sub(discount)))?
        }
    };
    let before_discount = item.in_range(total.checked_add(discount))?;
    let tax = match rounded(&item.get("taxDetails").get("totalTax"), currency)? {
        Some(tax) => Some(tax),
        None => rounded(&item.get("taxInfo").get("taxAmount"), currency)?,
    };
    let sku = item.get("physicalProperties").get("sku").text()?;
    Ok(OrderLine {
        external_id: item.get("id").text()?,
        name: item
            .get("productName")
            .first_text(&["original", "translated"])?
            .or_else(|| sku.clone())
            .unwrap_or_default(),
        sku,
        quantity,
        unit_price: item.in_range(quantity.divide(before_discount))?,
        discount,
        tax: tax.unwrap_or_default(),
        total,
    })
}

fn totals(order: &Field<'_>, currency: Currency) -> Result<OrderTotals, Unmappable> {
    let summary = order.get("priceSummary");
    let amount =
        |name: &'static str| rounded(&summary.get(name), currency).map(Option::unwrap_or_default);
    Ok(OrderTotals {
        subtotal: amount("subtotal")?,
        discount_total: amount("discount")?,
        shipping_total: amount("shipping")?,
        fee_total: amount("totalAdditionalFees")?,
        tax_total: amount("tax")?,
        total: match exact(&summary.get("total"), currency)? {
            Some(total) => total,
            // The name before 2023.
            None => summary.get("totalPrice").required(|total| exact(total, currency))?,
        },
    })
}

/// The whole amount paid, including any part that was refunded. Without a balance summary, the
/// status says whether the order is paid in full.
fn payment(
    order: &Field<'_>,
    total: Amount,
    currency: Currency,
) -> Result<Option<ReportedPayment>, Unmappable> {
    let paid = match exact(&order.get("balanceSummary").get("paid"), currency)? {
        None => match order.get("paymentStatus").text()?.as_deref() {
            Some("PAID" | "PARTIALLY_REFUNDED" | "FULLY_REFUNDED") => total,
            _ => Amount::ZERO,
        },
        Some(paid) => paid,
    };
    Ok((paid > Amount::ZERO).then_some(ReportedPayment {
        external_id: None,
        method: None,
        amount: paid,
        paid_at: None,
    }))
}

fn refund(
    order: &Field<'_>,
    total: Amount,
    currency: Currency,
) -> Result<Option<ReportedRefund>, Unmappable> {
    let amount = match exact(&order.get("balanceSummary").get("refunded"), currency)? {
        None => match order.get("paymentStatus").text()?.as_deref() {
            Some("FULLY_REFUNDED") => total,
            _ => Amount::ZERO,
        },
        Some(refunded) => refunded,
    };
    Ok((amount > Amount::ZERO).then_some(ReportedRefund {
        external_id: None,
        reason: None,
        amount,
    }))
}

fn exact(price: &Field<'_>, currency: Currency) -> Result<Option<Amount>, Unmappable> {
    price.get("amount").exact_amount(currency)
}

fn rounded(price: &Field<'_>, currency: Currency) -> Result<Option<Amount>, Unmappable> {
    price.get("amount").rounded_amount(currency)
}

/// Wix creates a contact for every buyer; a member of the site also has a member id.
fn buyer(
    order: &Field<'_>,
    billing: &Field<'_>,
    recipient: &Field<'_>,
) -> Result<Option<ClientDetails>, Unmappable> {
    let buyer = order.object("buyerInfo")?;
    let (billing, recipient) = (billing.get("contactDetails"), recipient.get("contactDetails"));
    let name = |contact: &Field<'_>| contact.full_name("firstName", "lastName");
    let details = ClientDetails {
        external_id: buyer.first_text(&["contactId", "memberId"])?,
        email: buyer.get("email").text()?,
        name: name(&billing)?.or(name(&recipient)?),
        phone: billing.get("phone").text()?.or(recipient.get("phone").text()?),
    };
    Ok((details != ClientDetails::default()).then_some(details))
}

fn address(part: &Field<'_>) -> Result<Option<Address>, Unmappable> {
    let contact = part.object("contactDetails")?;
    let place = part.object("address")?;
    let street = place.get("streetAddress");
    let address = Address {
        name: contact.full_name("firstName", "lastName")?,
        company: contact.get("company").text()?,
        line1: match place.first_text(&["addressLine1", "addressLine"])? {
            Some(line) => Some(line),
            None => street.full_name("number", "name")?,
        },
        line2: place.get("addressLine2").text()?,
        city: place.get("city").text()?,
        region: place.get("subdivision").text()?,
        postal_code: place.get("postalCode").text()?,
        country: place.get("country").text()?,
        phone: contact.get("phone").text()?,
    };
    Ok((address != Address::default()).then_some(address))
}
