//! Code shared by the tests of those senders whose deliveries contain whole orders.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::Value;
use tidegate_core::domain::event::{NativeEvent, Subject};
use tidegate_core::domain::log::Outcome;
use tidegate_core::domain::money::Amount;
use tidegate_core::domain::order::{
    Address, ClientDetails, OrderContent, OrderSnapshot, SourceVersion,
};
use tidegate_core::domain::time::Timestamp;
use tidegate_core::ledger::judge_event;
use tidegate_core::storefront::ParsedDelivery;

pub fn fixture(path: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    fs::read(folder.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub fn time(time: Timestamp) -> String {
    time.to_rfc3339().replace(".000Z", "Z")
}

fn or_dash(text: Option<&String>) -> &str {
    text.map_or("-", String::as_str)
}

fn client(client: &ClientDetails) -> String {
    let parts = [&client.external_id, &client.name, &client.email, &client.phone];
    parts.map(|part| or_dash(part.as_ref())).join(", ")
}

fn address(address: &Address) -> String {
    let Address { name, company, line1, line2, city, region, postal_code, country, phone } =
        address;
    [name, company, line1, line2, city, region, postal_code, country, phone]
        .into_iter()
        .flatten()
        .cloned()
        .collect::<Vec<_>>()
        .join(", ")
}

/// A whole snapshot, except its body's hash, in a few lines of text: each amount with its currency's
/// decimal places.
pub fn summary(order: &OrderSnapshot) -> String {
    let OrderContent { status, currency, lines, totals, .. } = &order.content;
    let money = |amount: Amount| amount.format(*currency);
    let mut text = format!(
        "{} ({}) {} {} {}, modified {} #{}, placed {}",
        or_dash(order.content.external_id.as_ref()),
        or_dash(order.content.number.as_ref()),
        status.as_str(),
        money(totals.total),
        currency.as_str(),
        time(order.version.modified_at),
        order.version.sequence,
        order.content.placed_at.map_or("-".to_owned(), time),
    );
    let mut add = |line: String| write!(text, "\n{line}").unwrap();
    if let Some(buyer) = &order.content.client {
        add(format!("by {}", client(buyer)));
    }
    if let Some(billing) = &order.content.billing_address {
        add(format!("bill {}", address(billing)));
    }
    if let Some(shipping) = &order.content.shipping_address {
        add(format!("ship {}", address(shipping)));
    }
    add(format!(
        "lines {} - discount {} + shipping {} + fees {} + tax {}",
        money(totals.subtotal),
        money(totals.discount_total),
        money(totals.shipping_total),
        money(totals.fee_total),
        money(totals.tax_total),
    ));
    for line in lines {
        add(format!(
            "{} {} {:?}: {} x {} - {} = {} + {}",
            or_dash(line.external_id.as_ref()),
            or_dash(line.sku.as_ref()),
            line.name,
            line.quantity,
            money(line.unit_price),
            money(line.discount),
            money(line.total),
            money(line.tax),
        ));
    }
    for payment in &order.payments {
        add(format!(
            "paid {} {} by {} at {}",
            or_dash(payment.external_id.as_ref()),
            money(payment.amount),
            or_dash(payment.method.as_ref()),
            payment.paid_at.map_or("-".to_owned(), time),
        ));
    }
    for refund in &order.refunds {
        add(format!(
            "refunded {} {} for {}",
            or_dash(refund.external_id.as_ref()),
            money(refund.amount),
            or_dash(refund.reason.as_ref()),
        ));
    }
    if let Some(note) = &order.content.note {
        add(format!("note {note:?}"));
    }
    if !order.content.metadata.is_empty() {
        add(serde_json::to_string(&order.content.metadata).unwrap());
    }
    text
}

/// A delivery's event in a few lines of text.
pub fn describe(delivery: &ParsedDelivery) -> String {
    match &delivery.event {
        Ok(NativeEvent::Order { snapshot }) => summary(snapshot),
        Ok(NativeEvent::OrderDeleted { external_id }) => format!("order {external_id} deleted"),
        Ok(NativeEvent::Client { snapshot }) => format!(
            "client {}, modified {}",
            client(&snapshot.details),
            time(snapshot.version.modified_at),
        ),
        Ok(NativeEvent::ClientDeleted { external_id }) => format!("client {external_id} deleted"),
        Ok(NativeEvent::Refund { snapshot }) => format!(
            "refund {} of order {}: {} {} {} for {}, modified {}",
            or_dash(snapshot.refund.external_id.as_ref()),
            or_dash(snapshot.order.as_ref()),
            snapshot.status.as_str(),
            snapshot.refund.amount.format(snapshot.currency),
            snapshot.currency.as_str(),
            or_dash(snapshot.refund.reason.as_ref()),
            time(snapshot.version.modified_at),
        ),
        Ok(other) => format!("{other:?}"),
        Err(refused) => format!("{} {}", refused.pointer, refused.detail),
    }
}

/// The order of a delivery.
///
/// # Panics
/// If the delivery is about anything else.
pub fn order_of(delivery: ParsedDelivery) -> OrderSnapshot {
    match delivery.event {
        Ok(NativeEvent::Order { snapshot }) => *snapshot,
        other => panic!("{other:?}"),
    }
}

/// The snapshot that a ledger stores in the end, if it judges `arrivals` one after the other.
pub fn final_snapshot(arrivals: &[OrderSnapshot]) -> &OrderSnapshot {
    let accepts = |stored: Option<&SourceVersion>, incoming: &OrderSnapshot| {
        judge_event(stored, &incoming.version) == Outcome::Accepted
    };
    arrivals
        .iter()
        .fold(None::<&OrderSnapshot>, |stored, incoming| {
            if accepts(stored.map(|stored| &stored.version), incoming) {
                Some(incoming)
            } else {
                stored
            }
        })
        .unwrap()
}

/// Checks what must hold for every delivery: its subject is the kind of resource that its event
/// changes, the event survives serialisation, and a refusal points at a member of `body` or at one
/// that is missing there.
pub fn check(delivery: &ParsedDelivery, body: Option<&Value>) -> Result<(), TestCaseError> {
    match &delivery.event {
        Ok(meaning) => {
            let written = serde_json::to_string(meaning).unwrap();
            prop_assert_eq!(&serde_json::from_str::<NativeEvent>(&written).unwrap(), meaning);
            let subject = match meaning {
                NativeEvent::Order { .. } | NativeEvent::OrderDeleted { .. } => Subject::Order,
                NativeEvent::Client { .. } | NativeEvent::ClientDeleted { .. } => Subject::Client,
                NativeEvent::Refund { .. } => Subject::Refund,
                _ => delivery.subject,
            };
            prop_assert_eq!(delivery.subject, subject);
        }
        Err(refused) if !refused.pointer.is_empty() => {
            let parent = refused.pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
            let found = body.is_some_and(|body| body.pointer(parent).is_some());
            // A reader may point below a member that is missing.
            let absent = body.is_some_and(|body| is_absent(body, parent));
            prop_assert!(found || absent, "{refused:?}");
        }
        Err(refused) => prop_assert!(!refused.detail.is_empty()),
    }
    Ok(())
}

/// Whether a member on the way of `pointer` is missing in `body`. An index past the end of a list
/// does not count as missing.
fn is_absent(body: &Value, pointer: &str) -> bool {
    let mut value = body;
    for name in pointer.split('/').skip(1) {
        let member = match (value, name.parse::<usize>()) {
            (Value::Array(items), Ok(at)) if at >= items.len() => return false,
            (Value::Array(items), Ok(at)) => items.get(at),
            _ => value.get(name),
        };
        match member {
            Some(member) => value = member,
            None => return true,
        }
    }
    false
}
