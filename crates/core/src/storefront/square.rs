//! Square: its events contain the whole payment, refund or client, but only the id of an order
//! (CONTRACTS.md, Square; the vendor's reference of `Payment`, `PaymentRefund` and `Customer`).
//!
//! Amounts are whole minor units. Every payment belongs to an order: Square creates one if the
//! seller gave none.

use super::ELSEWHERE;
use super::ParsedDelivery;
use super::envelope::{Envelope, Meaning, unsupported};
use super::field::Field;
use crate::domain::event::{NativeEvent, ResourceKind, Subject, Unmappable};
use crate::domain::headers::Headers;
use crate::domain::key::{PayloadFormat, Scope, Source};
use crate::domain::money::{Amount, Currency};
use crate::domain::order::{
    ClientDetails, ClientSnapshot, PaymentSnapshot, PaymentStatus, RefundSnapshot, ReportedPayment,
    ReportedRefund, SourceVersion,
};
use crate::domain::secret::SecretFormat;
use crate::domain::sender::{
    LEDGER_DEADLINE, SecretOrigin, SecretProfile, SenderKind, SenderProfile, Signing, Step,
    TopicPlace, Unsigned, Webhooks,
};
use crate::domain::signature::{Encoding, Prefix, Scheme};

pub const PROFILE: SenderProfile = SenderProfile {
    source: Source::Square,
    title: "Square",
    label: "Square",
    kind: SenderKind::Payments,
    summary: "Payments, customers",
    instructions: "Square makes its own signing key after you register the URL: create the key, register its URL, then paste the signature key here.",
    steps: STEPS,
    scopes: &[Scope::OrdersWrite, Scope::PaymentsWrite, Scope::PaymentsRefund, Scope::ClientsWrite],
    signing: Signing::Preferred,
    header_location: ELSEWHERE,
    webhooks: Some(Webhooks {
        format: PayloadFormat::Square,
        label: "Square webhook",
        headers: HEADERS,
        topic: TopicPlace::Body(ENVELOPE.topic),
        topics: &[
            (Subject::Order, &["order.created", "order.updated", "order.fulfillment.updated"]),
            (Subject::Payment, &["payment.created", "payment.updated"]),
            (Subject::Refund, &["refund.created", "refund.updated"]),
            (Subject::Client, &["customer.created", "customer.updated", "customer.deleted"]),
        ],
        scheme: Scheme::Digest {
            headers: &["x-square-hmacsha256-signature"],
            encoding: Encoding::Base64,
            prefix: Prefix::Address,
        },
        unsigned: Unsigned {
            place: "The header x-square-hmacsha256-signature",
            remedy: "only the webhook subscriptions of Square come here.",
            step: None,
        },
        secret: SecretProfile {
            origin: SecretOrigin::Sender,
            format: SecretFormat::Text,
            screen: "In Square's Developer Console open the application → Webhooks → Subscriptions → the subscription, and copy its Signature key.",
        },
        ledger_deadline: LEDGER_DEADLINE,
        failure_budget: None,
        is_ping: None,
    }),
};

/// The steps at the sender, with the labels of its own screens.
const STEPS: &[Step] = &[
    Step::Do(
        "In Square's Developer Console open the application → Webhooks → Subscriptions → Add subscription.",
    ),
    Step::Url("Paste this as Notification URL, exactly as it is: Square signs the URL too."),
    Step::Topics(
        "Select these events.",
        &[
            "order.created",
            "order.updated",
            "payment.created",
            "payment.updated",
            "refund.created",
            "refund.updated",
            "customer.created",
            "customer.updated",
        ],
    ),
    Step::Paste("Save, open the subscription, show its Signature key, and paste it here."),
];

const HEADERS: &[&str] = &["content-type", "user-agent", "x-square-hmacsha256-signature"];

const ENVELOPE: Envelope = Envelope {
    topic: "type",
    delivery_id: Some("event_id"),
    source: |root| root.get("merchant_id").required(Field::token),
    meaning,
};

pub(super) fn read(_: &Headers, body: &[u8]) -> ParsedDelivery {
    ENVELOPE.read(body)
}

fn meaning(topic: &str, event: &Field<'_>) -> Meaning {
    let data = event.get("data");
    let object = data.get("object");
    match topic {
        "order.created" => (Subject::Order, order(&object.get("order_created"))),
        "order.updated" => (Subject::Order, order(&object.get("order_updated"))),
        "order.fulfillment.updated" => {
            (Subject::Order, order(&object.get("order_fulfillment_updated")))
        }
        "payment.created" | "payment.updated" => {
            (Subject::Payment, payment(event, &object.get("payment")))
        }
        "refund.created" | "refund.updated" => {
            (Subject::Refund, refund(event, &object.get("refund")))
        }
        "customer.created" | "customer.updated" => {
            (Subject::Client, client(event, &object.get("customer")))
        }
        "customer.deleted" => {
            let id = object.get("customer").get("id").required(Field::token);
            (Subject::Client, id.map(|external_id| NativeEvent::ClientDeleted { external_id }))
        }
        _ => unsupported(),
    }
}

fn order(order: &Field<'_>) -> Result<NativeEvent, Unmappable> {
    let external_id = order.get("order_id").required(Field::token)?;
    Ok(NativeEvent::Notification { resource: ResourceKind::Order, external_id })
}

/// A payment without an `order_id` is not refused: it is parked until the order that lists it
/// arrives.
fn payment(event: &Field<'_>, payment: &Field<'_>) -> Result<NativeEvent, Unmappable> {
    let field = payment.get("status");
    let status = match field.required(Field::text)?.as_str() {
        "PENDING" | "APPROVED" => PaymentStatus::Pending,
        "COMPLETED" => PaymentStatus::Completed,
        "CANCELED" => PaymentStatus::Cancelled,
        "FAILED" => PaymentStatus::Failed,
        other => return Err(field.unknown(other)),
    };
    // `total_money` includes the tip.
    let (amount, currency) = payment.get("total_money").required(money)?;
    let refunded_money = payment.get("refunded_money");
    let refunded = match money(&refunded_money)? {
        Some((_, other)) if other != currency => {
            return Err(refunded_money.get("currency").refuse("is not the payment's currency"));
        }
        refunded => refunded.map(|(amount, _)| amount),
    };
    let details = payment.get("card_details");
    let paid_at = match details.get("card_payment_timeline").get("captured_at").instant()? {
        None => payment.get("created_at").instant()?,
        captured_at => captured_at,
    };
    // The refunded sum only grows: of two events with the same time, the one with more is later.
    let refunded_minor = refunded.unwrap_or_default().minor();
    let version = SourceVersion {
        refunds: u32::try_from(refunded_minor).unwrap_or(u32::MAX),
        progress: status.progress(),
        ..version(event, payment)?
    };
    Ok(NativeEvent::Payment {
        snapshot: Box::new(PaymentSnapshot {
            order: payment.get("order_id").token()?,
            payment: ReportedPayment {
                external_id: Some(payment.get("id").required(Field::token)?),
                method: payment.get("source_type").text()?.map(|kind| kind.to_ascii_lowercase()),
                amount,
                paid_at: paid_at.filter(|_| status == PaymentStatus::Completed),
            },
            status,
            currency,
            refunded,
            version,
        }),
    })
}

/// A refund is linked by its payment, not by its `order_id`: that is the id of the return's order,
/// and only that order's own content names the order that was paid.
fn refund(event: &Field<'_>, refund: &Field<'_>) -> Result<NativeEvent, Unmappable> {
    let field = refund.get("status");
    let status = match field.required(Field::text)?.as_str() {
        "PENDING" => PaymentStatus::Pending,
        "COMPLETED" => PaymentStatus::Completed,
        "REJECTED" | "FAILED" => PaymentStatus::Failed,
        other => return Err(field.unknown(other)),
    };
    let (amount, currency) = refund.get("amount_money").required(money)?;
    Ok(NativeEvent::Refund {
        snapshot: Box::new(RefundSnapshot {
            order: None,
            payment: Some(refund.get("payment_id").required(Field::token)?),
            refund: ReportedRefund {
                external_id: Some(refund.get("id").required(Field::token)?),
                reason: refund.get("reason").text()?,
                amount,
            },
            status,
            currency,
            version: SourceVersion { progress: status.progress(), ..version(event, refund)? },
        }),
    })
}

fn client(event: &Field<'_>, customer: &Field<'_>) -> Result<NativeEvent, Unmappable> {
    let name = match customer.full_name("given_name", "family_name")? {
        None => customer.get("company_name").text()?,
        name => name,
    };
    // Square increments the version with each change of the profile.
    let sequence = customer.get("version").id()?.and_then(|count| count.parse().ok());
    Ok(NativeEvent::Client {
        snapshot: ClientSnapshot {
            details: ClientDetails {
                external_id: Some(customer.get("id").required(Field::token)?),
                email: customer.get("email_address").text()?,
                name,
                phone: customer.get("phone_number").text()?,
            },
            version: SourceVersion {
                sequence: sequence.unwrap_or_default(),
                ..version(event, customer)?
            },
        },
    })
}

/// Reads `{"amount": 100, "currency": "USD"}`; `None` if empty.
fn money(money: &Field<'_>) -> Result<Option<(Amount, Currency)>, Unmappable> {
    if money.is_empty() {
        return Ok(None);
    }
    let amount = money.get("amount").required(Field::unsigned_minor_amount)?;
    Ok(Some((amount, money.get("currency").currency()?)))
}

/// The version of an event: the time of the object's last change, else the event's own time.
fn version(event: &Field<'_>, object: &Field<'_>) -> Result<SourceVersion, Unmappable> {
    let modified_at = match object.get("updated_at").instant()? {
        None => event.get("created_at").required(Field::instant)?,
        Some(updated_at) => updated_at,
    };
    let body_hash = event.get("event_id").required(Field::token)?;
    Ok(SourceVersion { modified_at, body_hash, ..SourceVersion::default() })
}
