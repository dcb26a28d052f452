//! Stripe: Checkout sessions as orders, and their payments and refunds (CONTRACTS.md, Stripe; the
//! vendor's API reference; fixtures of API versions 2020-08-27 to 2025-06-30.basil).
//!
//! An event contains the object at the time of the event, without line items. Events are ordered by
//! their own time, in whole seconds, because objects have no time of their last change.

mod payment;
mod people;
mod session;

use serde_json::Value;

use super::ELSEWHERE;
use super::ParsedDelivery;
use super::envelope::{Envelope, Meaning, unsupported};
use super::field::Field;
use crate::domain::event::{NativeEvent, Subject, Unmappable};
use crate::domain::headers::Headers;
use crate::domain::key::{PayloadFormat, Scope, Source};
use crate::domain::money::{Amount, Currency};
use crate::domain::order::SourceVersion;
use crate::domain::secret::SecretFormat;
use crate::domain::sender::{
    LEDGER_DEADLINE, SecretOrigin, SecretProfile, SenderKind, SenderProfile, Signing, Step,
    TopicPlace, Unsigned, Webhooks,
};
use crate::domain::signature::Scheme;
use crate::domain::time::Timestamp;

pub const PROFILE: SenderProfile = SenderProfile {
    source: Source::StripeCheckout,
    title: "Stripe Checkout",
    label: "Stripe Checkout",
    kind: SenderKind::Payments,
    summary: "Orders, payments, refunds",
    instructions: "Stripe makes a signing secret for each endpoint: create the key, register its URL, then paste the secret (whsec_…) here.",
    steps: STEPS,
    scopes: &[Scope::OrdersWrite, Scope::PaymentsWrite, Scope::PaymentsRefund, Scope::ClientsWrite],
    signing: Signing::Preferred,
    header_location: ELSEWHERE,
    webhooks: Some(Webhooks {
        format: PayloadFormat::StripeCheckout,
        label: "Stripe webhook",
        headers: HEADERS,
        topic: TopicPlace::Body(ENVELOPE.topic),
        topics: &[
            (
                Subject::Order,
                &[
                    "checkout.session.completed",
                    "checkout.session.async_payment_succeeded",
                    "checkout.session.async_payment_failed",
                    "checkout.session.expired",
                ],
            ),
            (
                Subject::Payment,
                &[
                    "payment_intent.succeeded",
                    "payment_intent.payment_failed",
                    "payment_intent.canceled",
                    "payment_intent.processing",
                    "charge.succeeded",
                    "charge.captured",
                    "charge.failed",
                ],
            ),
            (
                Subject::Refund,
                &[
                    "charge.refunded",
                    "refund.created",
                    "refund.updated",
                    "refund.failed",
                    "charge.refund.updated",
                ],
            ),
            (Subject::Client, &["customer.created", "customer.updated", "customer.deleted"]),
        ],
        scheme: Scheme::Stripe { header: "stripe-signature" },
        unsigned: Unsigned {
            place: "The header Stripe-Signature",
            remedy: "only Stripe's own webhooks come here.",
            step: None,
        },
        secret: SecretProfile {
            origin: SecretOrigin::Sender,
            format: SecretFormat::Prefixed {
                prefix: "whsec_",
                expected: "must be the endpoint's signing secret from Stripe (Developers → Webhooks → the endpoint), which begins with whsec_.",
            },
            screen: "In Stripe open Developers → Webhooks → the endpoint, and reveal its Signing secret (whsec_…).",
        },
        ledger_deadline: LEDGER_DEADLINE,
        failure_budget: None,
        is_ping: None,
    }),
};

/// The steps at the sender, with the labels of its own screens.
const STEPS: &[Step] = &[
    Step::Do("In the Stripe Dashboard open Developers → Webhooks → Add destination."),
    Step::Topics(
        "Select these events.",
        &[
            "checkout.session.completed",
            "checkout.session.async_payment_succeeded",
            "checkout.session.async_payment_failed",
            "charge.refunded",
            "customer.created",
            "customer.updated",
        ],
    ),
    Step::Url("Choose Webhook endpoint, paste this as Endpoint URL, and create it."),
    Step::Paste("Open the new endpoint, reveal its Signing secret (whsec_…), and paste it here."),
];

const HEADERS: &[&str] = &["content-type", "user-agent", "stripe-signature"];

const ENVELOPE: Envelope = Envelope { topic: "type", delivery_id: Some("id"), source, meaning };

pub(super) fn read(_: &Headers, body: &[u8]) -> ParsedDelivery {
    ENVELOPE.read(body)
}

/// `live` or `test`, preceded by the connected account if there is one. As a key is pinned to its
/// first source, it accepts either live or test events, never both.
fn source(event: &Field<'_>) -> Result<String, Unmappable> {
    let livemode = event.get("livemode");
    let mode = match livemode.value() {
        Value::Bool(true) => "live",
        Value::Bool(false) => "test",
        _ => return Err(livemode.refuse("is neither true nor false")),
    };
    Ok(match event.get("account").token()? {
        Some(account) => format!("{account}/{mode}"),
        None => mode.to_owned(),
    })
}

/// An event without its object.
struct Event<'a> {
    topic: &'a str,
    id: String,
    created: Timestamp,
}

impl Event<'_> {
    /// The event's id replaces the body's hash: when an event is sent again, `pending_webhooks` in
    /// its body may differ.
    fn version(&self, refunds: u32, progress: u8) -> SourceVersion {
        let body_hash = self.id.clone();
        SourceVersion { sequence: 0, modified_at: self.created, refunds, progress, body_hash }
    }
}

type Read = fn(&Event<'_>, &Field<'_>) -> Result<NativeEvent, Unmappable>;

fn meaning(topic: &str, event: &Field<'_>) -> Meaning {
    if let Err(error) = event.get("object").require_text("event") {
        return (Subject::Other, Err(error));
    }
    let (subject, kind, read): (_, _, Read) = match topic {
        "checkout.session.completed"
        | "checkout.session.async_payment_succeeded"
        | "checkout.session.async_payment_failed"
        | "checkout.session.expired" => (Subject::Order, "checkout.session", session::order),
        "payment_intent.succeeded"
        | "payment_intent.payment_failed"
        | "payment_intent.canceled"
        | "payment_intent.processing" => (Subject::Payment, "payment_intent", payment::intent),
        "charge.succeeded" | "charge.captured" | "charge.failed" => {
            (Subject::Payment, "charge", payment::charge)
        }
        "charge.refunded" => (Subject::Refund, "charge", payment::charge),
        "refund.created" | "refund.updated" | "refund.failed" | "charge.refund.updated" => {
            (Subject::Refund, "refund", payment::refund)
        }
        "customer.created" | "customer.updated" => (Subject::Client, "customer", people::client),
        "customer.deleted" => (Subject::Client, "customer", people::deleted),
        _ => return unsupported(),
    };
    (subject, object(topic, event, kind, read))
}

/// Converts the object of an event with `read`, if it is of type `kind`.
fn object(
    topic: &str,
    event: &Field<'_>,
    kind: &'static str,
    read: Read,
) -> Result<NativeEvent, Unmappable> {
    let data = event.get("data");
    let object = data.get("object");
    object.get("object").require_text(kind)?;
    let id = event.get("id").required(Field::token)?;
    let created = event.get("created").required(Field::unix_seconds)?;
    read(&Event { topic, id, created }, &object)
}

/// Converts an amount from Stripe's minor units to those of ISO 4217. They differ for a few
/// currencies (docs.stripe.com/currencies, 'Zero-decimal currencies' and 'Special cases'): at
/// Stripe, ISK and UGX have two decimal places, always zero, and MGA has none. HUF and TWD are
/// special in payouts only. Stripe defines no unit for currencies that it does not charge in.
fn amount(field: &Field<'_>, currency: Currency) -> Result<Option<Amount>, Unmappable> {
    const HUNDRED: i64 = 100;
    let Some(amount) = field.unsigned_minor_amount()? else { return Ok(None) };
    let minor = amount.minor();
    let converted = match currency.as_str() {
        "ISK" | "UGX" if minor % HUNDRED != 0 => {
            return Err(field.refuse("is a fraction of a currency that has none"));
        }
        "ISK" | "UGX" => Amount::from_minor(minor / HUNDRED),
        "MGA" => minor.checked_mul(HUNDRED).and_then(Amount::from_minor),
        "CLF" | "IQD" | "LYD" | "UYI" | "UYW" => {
            return Err(field.refuse("is in a currency whose unit Stripe does not define"));
        }
        _ => Some(amount),
    };
    converted.map(Some).ok_or_else(|| field.refuse("is out of range"))
}

/// The payment method, if only one type was offered.
fn only_method(object: &Field<'_>) -> Result<Option<String>, Unmappable> {
    let kinds = object.get("payment_method_types");
    let mut kinds = kinds.items()?;
    match (kinds.next(), kinds.next()) {
        (Some(kind), None) => kind.text(),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read_amount(minor: i64, code: &str) -> Result<i64, String> {
        let value = json!(minor);
        let currency = Currency::parse(code).unwrap();
        match amount(&Field::root(&value), currency) {
            Ok(amount) => Ok(amount.unwrap().minor()),
            Err(error) => Err(error.detail),
        }
    }

    #[test]
    fn amounts_are_converted_from_stripes_minor_units_to_those_of_iso_4217() {
        for (minor, code, expected) in [
            (1_999, "USD", "19.99"),
            (1_045, "HUF", "10.45"),
            (1_045, "TWD", "10.45"),
            (500, "ISK", "5"),
            (500, "UGX", "5"),
            (500, "MGA", "500.00"),
            (5_120, "KWD", "5.120"),
            (0, "ISK", "0"),
        ] {
            let currency = Currency::parse(code).unwrap();
            let read = Amount::from_minor(read_amount(minor, code).unwrap()).unwrap();
            assert_eq!(read.format(currency), expected, "{code}");
        }
        // docs.stripe.com/currencies: 'the charge and the amount are the same'.
        for code in "BIF CLP DJF GNF JPY KMF KRW PYG RWF VND VUV XAF XOF XPF".split(' ') {
            let currency = Currency::parse(code).unwrap();
            let read = Amount::from_minor(read_amount(500, code).unwrap()).unwrap();
            assert_eq!(read.format(currency), "500", "{code}");
        }
    }

    #[test]
    fn an_amount_without_an_exact_meaning_is_refused() {
        for (minor, code) in [
            (501, "ISK"),
            (501, "UGX"),
            (Amount::MAX, "MGA"),
            (100, "IQD"),
            (100, "CLF"),
            (-1, "USD"),
        ] {
            assert!(read_amount(minor, code).is_err(), "{minor} {code}");
        }
        for text in [json!(1.5), json!("1e2"), json!({}), json!(true), json!(1e30)] {
            let usd = Currency::parse("USD").unwrap();
            assert!(amount(&Field::root(&text), usd).is_err(), "{text}");
        }
    }

    #[test]
    fn the_payment_method_is_known_only_if_a_single_type_was_offered() {
        for (kinds, method) in [
            (json!(["card"]), Some("card")),
            (json!(["card", "link"]), None),
            (json!([]), None),
            (json!(null), None),
        ] {
            let object = json!({"payment_method_types": kinds});
            assert_eq!(only_method(&Field::root(&object)).unwrap().as_deref(), method);
        }
    }
}
