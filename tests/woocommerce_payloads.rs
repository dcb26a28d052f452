//! Tests the WooCommerce conversion on bodies that a real shop sent (`tests/fixtures/SOURCES.md`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use data_encoding::BASE64;
use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate_core::domain::event::{Ignored, NativeEvent, Subject};
use tidegate_core::domain::money::{Amount, Currency, Quantity};
use tidegate_core::domain::order::{
    Address, ClientDetails, ClientSnapshot, OrderContent, OrderLine, OrderSnapshot, OrderStatus,
    OrderTotals, ReportedPayment, ReportedRefund, SourceVersion,
};
use tidegate_core::domain::time::Timestamp;
use tidegate_core::storefront::woocommerce::{event, is_ping, subject};

const ORDER_TOPICS: [&str; 3] = ["order.created", "order.updated", "order.restored"];
const CLIENT_TOPICS: [&str; 2] = ["customer.created", "customer.updated"];
const DELETED_TOPICS: [&str; 2] = ["order.deleted", "customer.deleted"];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/woocommerce")
}

fn fixture(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn order(topic: &str, name: &str) -> OrderSnapshot {
    match event(topic, &fixture(name)) {
        Ok(NativeEvent::Order { snapshot }) => *snapshot,
        other => panic!("{name}: {other:?}"),
    }
}

/// An order in a few lines of text, each amount with its currency's decimal places.
fn summary(order: &OrderSnapshot) -> String {
    let OrderContent { external_id, status, currency, placed_at, lines, totals, .. } =
        &order.content;
    let money = |amount: Amount| amount.format(*currency);
    let time = |time: Timestamp| time.to_rfc3339().replace(".000Z", "Z");
    let mut text = format!(
        "{} {} {} {}, modified {}",
        external_id.as_deref().unwrap_or("-"),
        status.as_str(),
        money(totals.total),
        currency.as_str(),
        time(order.version.modified_at),
    );
    if let Some(placed_at) = placed_at {
        write!(text, ", placed {}", time(*placed_at)).unwrap();
    }
    write!(
        text,
        "\nlines {} - discount {} + shipping {} + fees {} + tax {}",
        money(totals.subtotal),
        money(totals.discount_total),
        money(totals.shipping_total),
        money(totals.fee_total),
        money(totals.tax_total),
    )
    .unwrap();
    for line in lines.iter().take(3) {
        write!(
            text,
            "\n{} x {} - {} = {} + {}",
            line.quantity,
            money(line.unit_price),
            money(line.discount),
            money(line.total),
            money(line.tax),
        )
        .unwrap();
    }
    if lines.len() > 3 {
        write!(text, "\n{} lines", lines.len()).unwrap();
    }
    for payment in &order.payments {
        write!(text, "\npaid {} by {:?}", money(payment.amount), payment.method).unwrap();
    }
    for refund in &order.refunds {
        write!(text, "\nrefunded {} for {:?}", money(refund.amount), refund.reason).unwrap();
    }
    text
}

#[test]
fn each_captured_order_means_exactly_what_its_shop_showed() {
    const ORDER_15: &str = "\nlines 194.66 - discount 19.47 + shipping 9.95 + fees 2.50 + tax 16.65\
        \n3 x 49.99 - 15.01 = 134.96 + 11.98\
        \n2 x 12.35 - 2.47 = 22.23 + 1.97\
        \n1 x 19.99 - 1.99 = 18.00 + 1.60\
        \npaid 204.29 by Some(\"bacs\")";
    const BLOCK_CHECKOUT: &str = "31 processing 228.54 USD, modified 2026-11-22T11:52:31Z, \
        placed 2026-11-22T11:52:28Z\
        \nlines 199.96 - discount 0.00 + shipping 9.95 + fees 0.00 + tax 18.63\
        \n4 x 49.99 - 0.00 = 199.96 + 17.75";
    let order_15 = |status: &str, modified: &str, refunds: &str| {
        format!(
            "15 {status} 204.29 USD, modified 2026-11-22T{modified}Z, placed 2026-11-22T11:48:05Z\
             {ORDER_15}{refunds}"
        )
    };
    let partial = "\nrefunded 54.43 for Some(\"Damaged vial\")";
    let full = format!("\nrefunded 149.86 for None{partial}");

    for (name, expected) in [
        ("order.created", order_15("processing", "11:48:07", "")),
        ("order.updated.same_body_as_created", order_15("processing", "11:48:07", "")),
        ("order.updated.partial_refund", order_15("processing", "11:49:08", partial)),
        ("order.updated.completed", order_15("completed", "11:49:12", partial)),
        ("order.updated.full_refund", order_15("refunded", "11:49:18", &full)),
        ("order.restored", order_15("refunded", "11:49:34", &full)),
        ("order.created.block_checkout", BLOCK_CHECKOUT.to_owned()),
        ("order.updated.block_checkout", BLOCK_CHECKOUT.to_owned()),
        (
            "order.created.zero_total",
            "26 pending 0.00 USD, modified 2026-11-22T11:50:17Z, placed 2026-11-22T11:50:17Z\
             \nlines 0.00 - discount 0.00 + shipping 0.00 + fees 0.00 + tax 0.00\
             \n1 x 0.00 - 0.00 = 0.00 + 0.00"
                .to_owned(),
        ),
        (
            "order.created.150_line_items",
            "33 pending 4246.00 USD, modified 2026-11-22T12:04:30Z, placed 2026-11-22T12:04:28Z\
             \nlines 3900.00 - discount 0.00 + shipping 0.00 + fees 0.00 + tax 346.00\
             \n1 x 13.00 - 0.00 = 13.00 + 1.15\
             \n2 x 13.00 - 0.00 = 26.00 + 2.31\
             \n3 x 13.00 - 0.00 = 39.00 + 3.46\
             \n150 lines"
                .to_owned(),
        ),
        (
            "rest_docs.order",
            "727 processing 29.35 USD, modified 2017-03-22T19:28:08Z, placed 2017-03-22T19:28:02Z\
             \nlines 18.00 - discount 0.00 + shipping 10.00 + fees 0.00 + tax 1.35\
             \n2 x 3.00 - 0.00 = 6.00 + 0.45\
             \n1 x 12.00 - 0.00 = 12.00 + 0.90\
             \npaid 29.35 by Some(\"bacs\")"
                .to_owned(),
        ),
    ] {
        for topic in ORDER_TOPICS {
            assert_eq!(summary(&order(topic, &format!("{name}.json"))), expected, "{name}");
        }
    }
}

#[test]
fn no_member_of_an_order_is_lost_or_invented() {
    let usd = Currency::parse("USD").unwrap();
    let amount = |text: &str| Amount::parse(text, usd).unwrap();
    let time = |text: &str| Timestamp::parse_rfc3339(text).unwrap();
    let text = |text: &str| Some(text.to_owned());
    let line =
        |id, sku, name: &str, quantity, [unit_price, discount, tax, total]: [&str; 4]| OrderLine {
            external_id: text(id),
            sku: text(sku),
            name: name.to_owned(),
            quantity: Quantity::parse(quantity).unwrap(),
            unit_price: amount(unit_price),
            discount: amount(discount),
            tax: amount(tax),
            total: amount(total),
        };
    let address = Address {
        name: text("Zoë O'Brien"),
        company: None,
        line1: text("969 Market"),
        line2: None,
        city: text("New York"),
        region: text("NY"),
        postal_code: text("10001"),
        country: text("US"),
        phone: None,
    };
    let expected = OrderSnapshot {
        content: OrderContent {
            external_id: text("15"),
            number: text("15"),
            status: OrderStatus::Refunded,
            currency: usd,
            placed_at: Some(time("2026-11-22T11:48:05Z")),
            client: Some(ClientDetails {
                external_id: None,
                email: text("zoe@example.com"),
                name: text("Zoë O'Brien"),
                phone: text("(555) 555-5555"),
            }),
            billing_address: Some(Address {
                company: text("Acme & Söns"),
                phone: text("(555) 555-5555"),
                ..address.clone()
            }),
            shipping_address: Some(address),
            lines: vec![
                line(
                    "1",
                    "BPC157-5",
                    "Research Peptide BPC-157 5mg",
                    "3",
                    ["49.99", "15.01", "11.98", "134.96"],
                ),
                line(
                    "2",
                    "BAC-30",
                    "Bacteriostatic Water 30ml – sterile",
                    "2",
                    ["12.35", "2.47", "1.97", "22.23"],
                ),
                line("3", "TEE-M", "Sample Tee - M", "1", ["19.99", "1.99", "1.60", "18.00"]),
            ],
            totals: OrderTotals {
                subtotal: amount("194.66"),
                discount_total: amount("19.47"),
                shipping_total: amount("9.95"),
                fee_total: amount("2.50"),
                tax_total: amount("16.65"),
                total: amount("204.29"),
            },
            note: text("Leave at door 🚪\n\"ring\" twice / back"),
            metadata: [("gift".to_owned(), json!({"wrap": true, "msg": "Hi"}))]
                .into_iter()
                .collect(),
        },
        payments: vec![ReportedPayment {
            external_id: text("ch_3OexampleTxn"),
            method: text("bacs"),
            amount: amount("204.29"),
            paid_at: Some(time("2026-11-22T11:48:06Z")),
        }],
        refunds: vec![
            ReportedRefund { external_id: text("17"), reason: None, amount: amount("149.86") },
            ReportedRefund {
                external_id: text("16"),
                reason: text("Damaged vial"),
                amount: amount("54.43"),
            },
        ],
        payment_ids: Vec::new(),
        version: SourceVersion {
            sequence: 0,
            modified_at: time("2026-11-22T11:49:18Z"),
            refunds: 2,
            progress: OrderStatus::Refunded.progress(),
            // sha256sum tests/fixtures/woocommerce/order.updated.full_refund.json
            body_hash: "29bd1d2fbec27540d261e8b5d7b301db9f41599510ef0b86c8a25779858f926f"
                .to_owned(),
        },
    };
    assert_eq!(order("order.updated", "order.updated.full_refund.json"), expected);
}

#[test]
fn an_empty_shipping_address_as_downloads_have_it_is_none() {
    let content = order("order.created", "order.created.zero_total.json").content;
    assert_eq!(content.shipping_address, None);
    let billing = content.billing_address.unwrap();
    assert_eq!((billing.region.as_deref(), billing.line1), (Some("NY"), None));
}

#[test]
fn each_captured_client_has_the_details_that_were_registered() {
    for (name, external_id, expected_name, modified_at) in [
        ("customer.created.json", "2", "John Doe", "2026-11-22T11:49:37Z"),
        ("customer.updated.json", "2", "Johnny Doe", "2026-11-22T11:49:42Z"),
        ("rest_docs.customer.json", "25", "John Doe", "2017-03-21T19:09:30Z"),
    ] {
        for topic in CLIENT_TOPICS {
            let Ok(NativeEvent::Client { snapshot: ClientSnapshot { details, version } }) =
                event(topic, &fixture(name))
            else {
                panic!("{name}")
            };
            assert_eq!(
                details,
                ClientDetails {
                    external_id: Some(external_id.to_owned()),
                    email: Some("john.doe@example.com".to_owned()),
                    name: Some(expected_name.to_owned()),
                    phone: Some("(555) 555-5555".to_owned()),
                }
            );
            assert_eq!(Some(version.modified_at), Timestamp::parse_rfc3339(modified_at), "{name}");
            assert_eq!((version.refunds, version.progress), (0, 0));
        }
    }
}

#[test]
fn each_delivery_without_an_effect_is_ignored_with_its_reason() {
    for (topic, name, reason) in [
        ("order.updated", "order.updated.checkout_draft_before_created", Ignored::Draft),
        ("order.created", "order.created.gone_before_delivery", Ignored::ErrorBody),
        ("product.created", "product.created", Ignored::UnsupportedTopic),
        ("product.updated", "product.updated", Ignored::UnsupportedTopic),
        ("product.updated", "product.updated.variation", Ignored::UnsupportedTopic),
        ("product.deleted", "product.deleted", Ignored::UnsupportedTopic),
        ("coupon.created", "coupon.created", Ignored::UnsupportedTopic),
        (
            "action.woocommerce_order_refunded",
            "action.woocommerce_order_refunded",
            Ignored::UnsupportedTopic,
        ),
    ] {
        let event = event(topic, &fixture(&format!("{name}.json")));
        assert_eq!(event, Ok(NativeEvent::Ignored { reason }), "{name}");
    }
}

/// WooCommerce does not sign the topic, so a delivery can be replayed under any other.
#[test]
fn a_body_that_is_not_the_resource_of_its_topic_is_refused() {
    let topics = || ORDER_TOPICS.into_iter().chain(CLIENT_TOPICS).chain(DELETED_TOPICS);
    let mut count = 0;
    for entry in fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(stem) = name.strip_suffix(".json") else { continue };
        count += 1;
        let body = fixture(&name);
        for topic in topics() {
            let meaning = event(topic, &body);
            let expected = match stem {
                "order.created.gone_before_delivery" => true,
                "order.deleted" | "customer.deleted" | "product.deleted" => {
                    DELETED_TOPICS.contains(&topic)
                }
                "customer.created" | "customer.updated" | "rest_docs.customer" => {
                    CLIENT_TOPICS.contains(&topic)
                }
                "rest_docs.order" => ORDER_TOPICS.contains(&topic),
                order if order.starts_with("order.") => ORDER_TOPICS.contains(&topic),
                _ => false,
            };
            assert_eq!(meaning.is_ok(), expected, "{name} as {topic}: {meaning:?}");
        }
    }
    assert_eq!(count, 27);
}

/// A request of `wire.jsonl`, as WooCommerce sent it.
struct Request {
    topic: Option<String>,
    content_type: Option<String>,
    body: Vec<u8>,
}

fn wire() -> Vec<Request> {
    let text = String::from_utf8(fixture("wire.jsonl")).unwrap();
    let parse = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        let header = |wanted: &str| {
            row["headers"].as_array().unwrap().iter().find_map(|header| {
                let name = header[0].as_str().unwrap();
                name.eq_ignore_ascii_case(wanted).then(|| header[1].as_str().unwrap().to_owned())
            })
        };
        Request {
            topic: header("X-WC-Webhook-Topic"),
            content_type: header("Content-Type"),
            body: BASE64.decode(row["body_b64"].as_str().unwrap().as_bytes()).unwrap(),
        }
    };
    text.lines().map(parse).collect()
}

#[test]
fn every_request_that_a_shop_sent_is_a_ping_or_has_a_meaning() {
    let mut tally = BTreeMap::new();
    for Request { topic, content_type, body } in wire() {
        let meaning = if is_ping(content_type.as_deref(), &body) {
            assert_eq!(topic, None);
            "ping"
        } else {
            match event(&topic.unwrap(), &body).unwrap() {
                NativeEvent::Order { .. } => "order",
                NativeEvent::OrderDeleted { .. } => "order deleted",
                NativeEvent::Client { .. } => "client",
                NativeEvent::ClientDeleted { .. } => "client deleted",
                NativeEvent::Ignored { reason: Ignored::Draft } => "draft",
                NativeEvent::Ignored { reason: Ignored::ErrorBody } => "error body",
                NativeEvent::Ignored { reason: Ignored::UnsupportedTopic } => "unsupported topic",
                other => panic!("WooCommerce sends no {other:?}"),
            }
        };
        *tally.entry(meaning).or_insert(0) += 1;
    }
    assert_eq!(
        tally.into_iter().collect::<Vec<_>>(),
        [
            ("client", 4),
            ("client deleted", 1),
            ("draft", 1),
            ("error body", 2),
            ("order", 40),
            ("order deleted", 1),
            ("ping", 22),
            ("unsupported topic", 10),
        ]
    );
}

#[test]
fn every_topic_on_the_wire_has_the_subject_of_its_event() {
    for Request { topic, body, .. } in wire() {
        let Some(topic) = topic else { continue };
        let expected = match event(&topic, &body).unwrap() {
            NativeEvent::Order { .. } | NativeEvent::OrderDeleted { .. } => Subject::Order,
            NativeEvent::Client { .. } | NativeEvent::ClientDeleted { .. } => Subject::Client,
            NativeEvent::Ignored { reason: Ignored::UnsupportedTopic } => Subject::Other,
            NativeEvent::Ignored { .. } => Subject::Order,
            other => panic!("WooCommerce sends no {other:?}"),
        };
        assert_eq!(subject(&topic), expected, "{topic}");
    }
}

fn snapshots_on_the_wire() -> Vec<OrderSnapshot> {
    wire()
        .into_iter()
        .filter_map(|request| match event(&request.topic?, &request.body) {
            Ok(NativeEvent::Order { snapshot }) => Some(*snapshot),
            _ => None,
        })
        .collect()
}

/// Collects the JSON Pointers of a value and of everything in it.
fn pointers(value: &Value, pointer: &str, found: &mut Vec<String>) {
    found.push(pointer.to_owned());
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                pointers(member, &format!("{pointer}/{key}"), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointers(item, &format!("{pointer}/{index}"), found);
            }
        }
        _ => {}
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "-?[0-9]{1,30}(\\.[0-9]{1,30})?([eE]-?[0-9]{1,20})?".prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        "[a-z-]{1,10}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z_$]{0,8}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Checks what must hold for every delivery: it is read without a panic, its event survives
/// serialisation, and a refusal points at a member of the body or at one that is missing there.
fn check(topic: &str, body: &[u8]) -> Result<(), TestCaseError> {
    match event(topic, body) {
        Ok(meaning) => {
            let written = serde_json::to_string(&meaning).unwrap();
            let read: NativeEvent = serde_json::from_str(&written).unwrap();
            prop_assert_eq!(read, meaning);
        }
        Err(refused) if !refused.pointer.is_empty() => {
            let body: Value = serde_json::from_slice(body).unwrap();
            let parent = refused.pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
            prop_assert!(body.pointer(parent).is_some(), "{refused:?}");
        }
        Err(refused) => prop_assert!(!refused.detail.is_empty()),
    }
    Ok(())
}

fn any_topic() -> impl Strategy<Value = &'static str> {
    let topics: Vec<_> = [&ORDER_TOPICS[..], &CLIENT_TOPICS, &DELETED_TOPICS].concat();
    prop::sample::select(topics)
}

fn any_body() -> impl Strategy<Value = Vec<u8>> {
    let names = vec![
        "order.updated.full_refund.json",
        "order.created.block_checkout.json",
        "customer.updated.json",
        "order.deleted.json",
        "order.created.gone_before_delivery.json",
    ];
    prop::sample::select(names).prop_map(fixture)
}

proptest! {
    #[test]
    fn the_final_state_does_not_depend_on_the_order_of_arrival(
        arrivals in Just(snapshots_on_the_wire()).prop_shuffle()
    ) {
        let mut stored: BTreeMap<_, OrderSnapshot> = BTreeMap::new();
        for snapshot in arrivals {
            let id = snapshot.content.external_id.clone().unwrap();
            match stored.get(&id) {
                Some(newest) if newest.version >= snapshot.version => {}
                _ => drop(stored.insert(id, snapshot)),
            }
        }
        let state: Vec<_> = stored
            .iter()
            .map(|(id, order)| (id.as_str(), order.content.status, order.version.modified_at.to_rfc3339()))
            .collect();
        let expected = [
            ("15", OrderStatus::Refunded, "2026-11-22T11:49:34.000Z".to_owned()),
            ("26", OrderStatus::Pending, "2026-11-22T11:50:17.000Z".to_owned()),
            ("31", OrderStatus::Processing, "2026-11-22T11:52:31.000Z".to_owned()),
            ("33", OrderStatus::Pending, "2026-11-22T12:04:30.000Z".to_owned()),
        ];
        prop_assert_eq!(state, expected);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(
        topic in any_topic(),
        body in prop::collection::vec(any::<u8>(), 0..200),
        content_type in prop::option::of("\\PC{0,40}"),
    ) {
        check(topic, &body)?;
        is_ping(content_type.as_deref(), &body);
    }

    #[test]
    fn a_body_with_broken_bytes_is_read_without_a_panic(
        topic in any_topic(),
        mut body in any_body(),
        breaks in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        for (index, byte) in breaks {
            let index = index.index(body.len());
            body[index] = byte;
        }
        check(topic, &body)?;
    }

    #[test]
    fn a_body_with_any_member_replaced_is_mapped_or_refused_with_a_pointer(
        topic in any_topic(),
        body in any_body(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any_json()), 1..4),
    ) {
        let mut body: Value = serde_json::from_slice(&body).unwrap();
        for (index, replacement) in changes {
            let mut found = Vec::new();
            pointers(&body, "", &mut found);
            if let Some(member) = body.pointer_mut(&found[index.index(found.len())]) {
                *member = replacement;
            }
        }
        check(topic, &serde_json::to_vec(&body).unwrap())?;
    }
}

#[test]
fn two_deliveries_of_one_body_are_one_version() {
    let created = order("order.created", "order.created.json");
    let updated = order("order.updated", "order.updated.same_body_as_created.json");
    assert_eq!(created, updated);
    let versions: BTreeSet<_> =
        snapshots_on_the_wire().into_iter().map(|snapshot| snapshot.version).collect();
    assert_eq!(versions.len(), 8);
}
