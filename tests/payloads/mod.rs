//! Code shared by the tests of those senders whose body itself names its topic.

mod breaking;

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::Value;
use tidegate_core::domain::event::{NativeEvent, Subject};
use tidegate_core::domain::headers::Headers;
use tidegate_core::domain::key::PayloadFormat;
use tidegate_core::domain::money::{Amount, Currency};
use tidegate_core::domain::order::{
    Address, ClientDetails, OrderContent, OrderSnapshot, OrderTotals, PaymentSnapshot,
    RefundSnapshot, ReportedPayment, SourceVersion,
};
use tidegate_core::domain::time::Timestamp;
use tidegate_core::storefront::{ParsedDelivery, read};

pub use breaking::{any_changes, broken};

fn folder(sender: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(sender)
}

pub fn fixture(sender: &str, name: &str) -> Value {
    let path = folder(sender).join(format!("{name}.json"));
    let body = fs::read(path).unwrap_or_else(|error| panic!("{name}: {error}"));
    serde_json::from_slice(&body).unwrap()
}

/// The names of a sender's fixtures, sorted, without their extension.
pub fn names(sender: &str) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder(sender))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|name| name.strip_suffix(".json").unwrap().to_owned())
        .collect();
    names.sort();
    names
}

pub fn read_value(format: PayloadFormat, body: &Value) -> ParsedDelivery {
    read(format, &Headers::default(), &serde_json::to_vec(body).unwrap()).unwrap()
}

/// `body` with the members at these pointers replaced.
pub fn with(body: &Value, changes: &[(&str, Value)]) -> Value {
    let mut body = body.clone();
    for (pointer, value) in changes {
        match body.pointer_mut(pointer) {
            Some(member) => *member = value.clone(),
            None => {
                let (parent, name) = pointer.rsplit_once('/').unwrap();
                body.pointer_mut(parent).unwrap()[name] = value.clone();
            }
        }
    }
    body
}

/// A whole delivery in a few lines of text, each amount with its currency's decimal places.
pub fn describe(delivery: &ParsedDelivery) -> String {
    let ParsedDelivery { topic, subject, delivery_id, source, event } = delivery;
    let scope = subject.scope().map_or("-", |scope| scope.as_str());
    let event = match event {
        Ok(event) => describe_event(event),
        Err(refused) => format!("refused: {} {}", refused.pointer, refused.detail),
    };
    format!("{topic} from {} as {} needs {scope}\n{event}", text(source), text(delivery_id))
}

/// The text, or a dash where there is none.
pub fn text(text: &Option<String>) -> &str {
    text.as_deref().unwrap_or("-")
}

fn time(time: Timestamp) -> String {
    time.to_rfc3339().replace(".000Z", "Z")
}

pub fn describe_event(event: &NativeEvent) -> String {
    match event {
        NativeEvent::Order { snapshot } => describe_order(snapshot),
        NativeEvent::Payment { snapshot } => {
            let PaymentSnapshot { order, payment, status, currency, refunded, version } =
                &**snapshot;
            let mut line =
                format!("payment {} {}", describe_payment(payment, *currency), status.as_str());
            if let Some(refunded) = refunded {
                write!(line, ", refunded {}", refunded.format(*currency)).unwrap();
            }
            format!("{line}, order {}\n{}", text(order), describe_version(version))
        }
        NativeEvent::Refund { snapshot } => {
            let RefundSnapshot { order, payment, refund, status, currency, version } = &**snapshot;
            format!(
                "refund {} {} {} for {} {}, payment {}, order {}\n{}",
                text(&refund.external_id),
                refund.amount.format(*currency),
                currency.as_str(),
                text(&refund.reason),
                status.as_str(),
                text(payment),
                text(order),
                describe_version(version),
            )
        }
        NativeEvent::Client { snapshot } => {
            let client = describe_client(&snapshot.details);
            format!("client {client}\n{}", describe_version(&snapshot.version))
        }
        NativeEvent::OrderDeleted { external_id } => format!("order {external_id} is gone"),
        NativeEvent::ClientDeleted { external_id } => format!("client {external_id} is gone"),
        NativeEvent::Notification { resource, external_id } => {
            format!("{} {external_id}, no details", resource.as_str())
        }
        NativeEvent::Ignored { reason } => format!("ignored: {reason:?}"),
    }
}

fn describe_order(order: &OrderSnapshot) -> String {
    let OrderSnapshot { content, payments, refunds, payment_ids, version } = order;
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
    assert!(lines.is_empty() && refunds.is_empty() && number.is_none() && note.is_none());
    let OrderTotals { subtotal, discount_total, shipping_total, fee_total, tax_total, total } =
        totals;
    assert_eq!(*fee_total, Amount::ZERO);
    let money = |amount: &Amount| amount.format(*currency);
    let mut lines = vec![
        format!("order {} {}", text(external_id), status.as_str()),
        format!(
            "{} - {} + {} + {} = {} {}",
            money(subtotal),
            money(discount_total),
            money(shipping_total),
            money(tax_total),
            money(total),
            currency.as_str(),
        ),
    ];
    lines.extend(placed_at.map(|at| format!("placed {}", time(at))));
    lines.extend(client.iter().map(|client| format!("client {}", describe_client(client))));
    lines.extend(billing_address.iter().map(|at| format!("billing {}", describe_address(at))));
    lines.extend(shipping_address.iter().map(|at| format!("shipping {}", describe_address(at))));
    if !metadata.is_empty() {
        lines.push(serde_json::to_string(metadata).unwrap());
    }
    let describe_paid = |payment| format!("paid {}", describe_payment(payment, *currency));
    lines.extend(payments.iter().map(describe_paid));
    lines.push(format!("payments {payment_ids:?}"));
    lines.push(describe_version(version));
    lines.join("\n")
}

fn describe_payment(payment: &ReportedPayment, currency: Currency) -> String {
    let ReportedPayment { external_id, method, amount, paid_at } = payment;
    format!(
        "{} {} {} by {} at {}",
        text(external_id),
        amount.format(currency),
        currency.as_str(),
        text(method),
        paid_at.map_or_else(|| "-".to_owned(), time),
    )
}

fn describe_client(client: &ClientDetails) -> String {
    let ClientDetails { external_id, email, name, phone } = client;
    [external_id, email, name, phone].map(text).join(", ")
}

fn describe_address(address: &Address) -> String {
    let Address { name, company, line1, line2, city, region, postal_code, country, phone } =
        address;
    [name, company, line1, line2, city, region, postal_code, country, phone].map(text).join(", ")
}

fn describe_version(version: &SourceVersion) -> String {
    let SourceVersion { sequence, modified_at, refunds, progress, body_hash } = version;
    format!("version {sequence} {} {refunds} {progress} {body_hash}", time(*modified_at))
}

/// Checks what must hold for every body: it is read without a panic, amounts that moved are never
/// negative, an event survives serialisation, only an ignored event may lack a subject, a source and
/// a delivery id, and a refusal names a place and a reason. BigCommerce sends the delivery id in a
/// header, which is absent here.
pub fn check(format: PayloadFormat, body: &[u8]) -> Result<(), TestCaseError> {
    let ParsedDelivery { topic, subject, delivery_id, source, event } =
        read(format, &Headers::default(), body).unwrap();
    prop_assert!(topic.len() <= 255);
    match event {
        Ok(NativeEvent::Ignored { .. }) => {}
        Ok(event) => {
            prop_assert!(subject != Subject::Other && source.is_some(), "{event:?}");
            prop_assert!(delivery_id.is_some() || format == PayloadFormat::BigCommerce);
            let moved = match &event {
                NativeEvent::Order { snapshot } => vec![snapshot.content.totals.total],
                NativeEvent::Payment { snapshot } => {
                    vec![snapshot.payment.amount, snapshot.refunded.unwrap_or_default()]
                }
                NativeEvent::Refund { snapshot } => vec![snapshot.refund.amount],
                _ => Vec::new(),
            };
            prop_assert!(moved.iter().all(|amount| !amount.is_negative()), "{event:?}");
            let written = serde_json::to_string(&event).unwrap();
            let read: NativeEvent = serde_json::from_str(&written).unwrap();
            prop_assert_eq!(read, event);
        }
        Err(refused) => {
            let pointer = refused.pointer;
            prop_assert!(pointer.is_empty() || pointer.starts_with('/'), "{pointer:?}");
            prop_assert!(!refused.detail.is_empty());
        }
    }
    Ok(())
}
