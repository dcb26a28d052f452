//! Webflow: converts its webhook deliveries.
//!
//! A body is `{triggerType, payload}`; the examples in `tests/fixtures/webflow` are from Webflow's
//! reference (`tests/fixtures/SOURCES.md`). Amounts are whole minor units with their currency.
//!
//! A delivery has no id, and an order has no time of its last change. So an order's version is made
//! of the latest of its times and of its status. As a consequence, a fulfilment that is undone is
//! not noticed until something later happens to the order. The timestamp of the signature would not
//! help: it is new on every retry of a delivery.

use super::ELSEWHERE;
use super::ParsedDelivery;
use super::field::{Field, body_hash, parse};
use crate::domain::event::{Ignored, NativeEvent, Subject, Unmappable};
use crate::domain::headers::Headers;
use crate::domain::key::{PayloadFormat, Scope, Source};
use crate::domain::money::{Amount, Currency};
use crate::domain::order::{
    Address, ClientDetails, OrderContent, OrderLine, OrderSnapshot, OrderStatus, OrderTotals,
    ReportedPayment, ReportedRefund, SourceVersion,
};
use crate::domain::secret::SecretFormat;
use crate::domain::sender::{
    LEDGER_DEADLINE, SecretOrigin, SecretProfile, SenderKind, SenderProfile, Signing, Step,
    TopicPlace, Unsigned, Webhooks,
};
use crate::domain::signature::{Encoding, Prefix, Scheme};
use crate::domain::time::Timestamp;

pub const PROFILE: SenderProfile = SenderProfile {
    source: Source::Webflow,
    title: "Webflow",
    label: "Webflow",
    kind: SenderKind::Shop,
    summary: "Orders",
    instructions: "Webflow makes a secret when a webhook is registered through its API: create the key, register its URL, then paste the secret here.",
    steps: STEPS,
    scopes: &[Scope::OrdersWrite],
    signing: Signing::Preferred,
    header_location: ELSEWHERE,
    webhooks: Some(Webhooks {
        format: PayloadFormat::Webflow,
        label: "Webflow webhook",
        headers: HEADERS,
        topic: TopicPlace::Body(TOPIC),
        topics: &[(Subject::Order, &["ecomm_new_order", "ecomm_order_changed"])],
        scheme: Scheme::Digest {
            headers: &["x-webflow-signature"],
            encoding: Encoding::Hex,
            prefix: Prefix::Millis { header: "x-webflow-timestamp", separator: ":" },
        },
        unsigned: Unsigned {
            place: "The header x-webflow-signature",
            remedy: "webhooks made in the dashboard are not signed; make it through the API.",
            step: Some(
                "In Webflow, delete the webhook that was made in the dashboard and register it through the API: only such are signed.",
            ),
        },
        secret: SecretProfile {
            origin: SecretOrigin::Sender,
            format: SecretFormat::Text,
            screen: "Webflow answers it once, as secretKey, when the webhook is made with a site token; of an OAuth app it is the client secret. Webhooks made in the dashboard are not signed and are refused.",
        },
        ledger_deadline: LEDGER_DEADLINE,
        failure_budget: None,
        is_ping: None,
    }),
};

/// The steps at the sender, with the labels of its own screens.
const STEPS: &[Step] = &[
    Step::Do(
        "In Webflow open Site settings → Apps & integrations → API access, and make a token that may read Ecommerce and write Sites. Webhooks made in the dashboard are not signed, and would be refused.",
    ),
    Step::Command(
        "Register the webhook with that token. An OAuth app, whose client secret signs all its webhooks, can register ecomm_order_changed too; a site token cannot, as each of its webhooks has a secret of its own.",
        "curl -X POST 'https://api.webflow.com/v2/sites/SITE_ID/webhooks' \\\n  -H 'Authorization: Bearer SITE_TOKEN' \\\n  -H 'Content-Type: application/json' \\\n  --data '{\"triggerType\":\"ecomm_new_order\",\"url\":\"{url}\"}'",
    ),
    Step::Paste("The answer holds the webhook's secretKey, once. Paste it here."),
];

/// The member of the body with the topic.
const TOPIC: &str = "triggerType";

const HEADERS: &[&str] =
    &["content-type", "user-agent", "x-webflow-timestamp", "x-webflow-signature"];

pub(super) fn read(_: &Headers, body: &[u8]) -> ParsedDelivery {
    let (topic, snapshot) = match parse(body) {
        Ok(value) => {
            let root = Field::root(&value);
            match root.get(TOPIC).required(Field::token) {
                Ok(topic) if is_order(&topic) => {
                    (topic, order(&root.get("payload"), body).map(Box::new))
                }
                Ok(topic) => return delivery(topic, Ok(None)),
                Err(error) => (String::new(), Err(error)),
            }
        }
        Err(error) => (String::new(), Err(error)),
    };
    delivery(topic, snapshot.map(Some))
}

fn is_order(topic: &str) -> bool {
    matches!(topic, "ecomm_new_order" | "ecomm_order_changed")
}

/// `order` is `Ok(None)` for a topic that is not processed.
fn delivery(
    topic: String,
    order: Result<Option<Box<OrderSnapshot>>, Unmappable>,
) -> ParsedDelivery {
    ParsedDelivery {
        subject: if is_order(&topic) { Subject::Order } else { Subject::Other },
        topic,
        delivery_id: None,
        source: None,
        event: order.map(|order| match order {
            Some(snapshot) => NativeEvent::Order { snapshot },
            None => NativeEvent::Ignored { reason: Ignored::UnsupportedTopic },
        }),
    }
}

fn order(order: &Field<'_>, body: &[u8]) -> Result<OrderSnapshot, Unmappable> {
    let names = ["orderId", "status", "customerPaid", "purchasedItems", "totals"];
    order.require_members(&names, "an order")?;
    let status = order.get("status");
    let text = status.required(Field::text)?;
    let status = match text.as_str() {
        "pending" => OrderStatus::Pending,
        "unfulfilled" => OrderStatus::Processing,
        "fulfilled" => OrderStatus::Completed,
        "disputed" => OrderStatus::OnHold,
        // After a lost dispute, the bank has returned the money to the buyer.
        "refunded" | "dispute-lost" => OrderStatus::Refunded,
        other => return Err(status.unknown(other)),
    };
    let reported_totals = order.get("totals");
    let currency = reported_totals.get("total").get("unit").currency()?;
    let payment = payment(order, status, currency)?;
    let refund = match (&payment, status) {
        (Some(paid), OrderStatus::Refunded) => Some(refund(order, &text, paid.amount)?),
        _ => None,
    };
    let purchased = order.get("purchasedItems");
    let customer = order.object("customerInfo")?;
    let client = ClientDetails {
        email: customer.get("email").text()?,
        name: customer.get("fullName").text()?,
        ..ClientDetails::default()
    };
    Ok(OrderSnapshot {
        version: SourceVersion {
            sequence: 0,
            modified_at: latest_time(order)?,
            refunds: refund.is_some().into(),
            progress: status.progress(),
            body_hash: body_hash(body),
        },
        content: OrderContent {
            external_id: Some(order.get("orderId").required(Field::token)?),
            number: None,
            status,
            currency,
            placed_at: order.get("acceptedOn").instant()?,
            client: (client != ClientDetails::default()).then_some(client),
            billing_address: address(&order.object("billingAddress")?)?,
            shipping_address: address(&order.object("shippingAddress")?)?,
            lines: purchased
                .items()?
                .map(|item| line(&item, currency))
                .collect::<Result<Vec<OrderLine>, _>>()?,
            totals: totals(&reported_totals, currency)?,
            note: order.get("orderComment").text()?,
            metadata: order
                .get("customData")
                .custom_fields("name", &["textInput", "textArea", "checkbox"])?,
        },
        payments: payment.into_iter().collect(),
        refunds: refund.into_iter().collect(),
        payment_ids: Vec::new(),
    })
}

/// The latest of the times in an order.
fn latest_time(order: &Field<'_>) -> Result<Timestamp, Unmappable> {
    ["acceptedOn", "fulfilledOn", "disputedOn", "disputeUpdatedOn", "refundedOn"]
        .iter()
        .try_fold(Timestamp::default(), |latest, name| {
            Ok(order.get(name).instant()?.unwrap_or_default().max(latest))
        })
}

/// An order is paid in full when it is placed, except that a PayPal payment can be pending.
/// `customerPaid` is the amount charged.
fn payment(
    order: &Field<'_>,
    status: OrderStatus,
    currency: Currency,
) -> Result<Option<ReportedPayment>, Unmappable> {
    let amount = money(&order.get("customerPaid"), currency)?;
    if status == OrderStatus::Pending || amount <= Amount::ZERO {
        return Ok(None);
    }
    let stripe = order.get("stripeDetails").get("chargeId").text()?;
    let paypal = order.get("paypalDetails").first_text(&["captureId", "orderId"])?;
    let method = match (&stripe, &paypal) {
        (Some(_), _) => Some("stripe".to_owned()),
        (_, Some(_)) => Some("paypal".to_owned()),
        _ => None,
    };
    Ok(Some(ReportedPayment {
        external_id: stripe.or(paypal),
        method,
        amount,
        paid_at: order.get("acceptedOn").instant()?,
    }))
}

/// Webflow refunds an order in full or not at all.
fn refund(order: &Field<'_>, status: &str, amount: Amount) -> Result<ReportedRefund, Unmappable> {
    let first = |names: &[&'static str]| match order.get("stripeDetails").first_text(names)? {
        None => order.get("paypalDetails").first_text(names),
        found => Ok(found),
    };
    let lost = status == "dispute-lost";
    Ok(ReportedRefund {
        external_id: first(if lost { &["disputeId"] } else { &["refundId"] })?,
        reason: if lost { Some(status.to_owned()) } else { first(&["refundReason"])? },
        amount,
    })
}

fn line(item: &Field<'_>, currency: Currency) -> Result<OrderLine, Unmappable> {
    let quantity = item.get("count").required(Field::quantity)?;
    let total = money(&item.get("rowTotal"), currency)?;
    let sku = item.get("variantSKU").text()?;
    Ok(OrderLine {
        external_id: None,
        name: item
            .first_text(&["productName", "variantName"])?
            .or_else(|| sku.clone())
            .unwrap_or_default(),
        sku,
        quantity,
        unit_price: item.in_range(quantity.divide(total))?,
        discount: Amount::ZERO,
        tax: Amount::ZERO,
        total,
    })
}

/// The `extras` of an order are its taxes, its shipping costs, and its discounts as negative
/// amounts.
fn totals(reported: &Field<'_>, currency: Currency) -> Result<OrderTotals, Unmappable> {
    let mut totals = OrderTotals {
        subtotal: money(&reported.get("subtotal"), currency)?,
        total: money(&reported.get("total"), currency)?,
        ..OrderTotals::default()
    };
    for extra in reported.get("extras").items()? {
        let price = extra.get("price");
        let amount = money(&price, currency)?;
        let kind = extra.get("type").text()?.unwrap_or_default();
        let (sum, amount) = match kind.as_str() {
            "tax" => (&mut totals.tax_total, Some(amount)),
            "shipping" => (&mut totals.shipping_total, Some(amount)),
            "discount" | "discount-shipping" => {
                (&mut totals.discount_total, Amount::ZERO.checked_sub(amount))
            }
            _ => (&mut totals.fee_total, Some(amount)),
        };
        *sum = price.in_range(amount.and_then(|amount| sum.checked_add(amount)))?;
    }
    Ok(totals)
}

/// Reads `{"unit": "USD", "value": 5500}`; the value may be text.
fn money(field: &Field<'_>, currency: Currency) -> Result<Amount, Unmappable> {
    let unit = field.get("unit");
    if unit.currency()? != currency {
        return Err(unit.refuse("is not the currency of the order's total"));
    }
    field.get("value").required(Field::minor_amount)
}

fn address(part: &Field<'_>) -> Result<Option<Address>, Unmappable> {
    let address = Address {
        name: part.get("addressee").text()?,
        company: None,
        line1: part.get("line1").text()?,
        line2: part.get("line2").text()?,
        city: part.get("city").text()?,
        region: part.get("state").text()?,
        postal_code: part.get("postalCode").text()?,
        country: part.get("country").text()?,
        phone: None,
    };
    Ok((address != Address::default()).then_some(address))
}
