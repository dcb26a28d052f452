//! Tests the Wix conversion on the order of Wix's reference, wrapped in a webhook's token
//! (`tests/fixtures/SOURCES.md`).

#[path = "payloads/breaking.rs"]
mod breaking;
#[path = "payloads/orders.rs"]
mod orders;

use std::sync::LazyLock;

use breaking::{any_changes, broken};
use data_encoding::BASE64URL_NOPAD;
use orders::{check, describe, final_snapshot, fixture, order_of, summary};
use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate_core::domain::event::{Ignored, NativeEvent, Subject};
use tidegate_core::domain::headers::Headers;
use tidegate_core::domain::key::PayloadFormat;
use tidegate_core::domain::order::{OrderSnapshot, OrderStatus};
use tidegate_core::storefront::{self, ParsedDelivery};

const INSTANCE: &str = "c1b1e0a6-0000-4000-8000-000000000001";
const PREFIX: &str = "wix.ecom.v1.order_";

fn read(body: &[u8]) -> ParsedDelivery {
    storefront::read(PayloadFormat::Wix, &Headers::default(), body).unwrap()
}

fn generated() -> Vec<u8> {
    fixture("wix/order_approved.generated.jwt.txt")
}

/// The order of Wix's reference.
fn reference() -> Value {
    let body: Value = serde_json::from_slice(&fixture("wix/order_object.get_order.json")).unwrap();
    body["order"].clone()
}

/// The body that carries `claims`. Wix sends nested objects as JSON text; `claims` has them as
/// objects.
fn token(claims: &Value) -> Vec<u8> {
    let mut claims = claims.clone();
    for pointer in ["/data/data", "/data"] {
        if let Some(part) = claims.pointer_mut(pointer).filter(|part| part.is_object()) {
            *part = Value::String(part.to_string());
        }
    }
    let claims = BASE64URL_NOPAD.encode(claims.to_string().as_bytes());
    format!("{}.{claims}.c2lnbmF0dXJl", BASE64URL_NOPAD.encode(b"{\"alg\":\"RS256\"}")).into_bytes()
}

/// The claims of an event about `order`, with nested objects as objects.
fn event(action: &str, id: &str, sequence: u64, order: Value) -> Value {
    let mut event = json!({
        "id": id, "entityFqdn": "wix.ecom.v1.order", "slug": action, "entityId": order["id"],
        "eventTime": "2024-01-28T14:16:59.000Z", "entityEventSequence": sequence.to_string(),
    });
    let (name, body) = match action {
        "created" => ("createdEvent", json!({"entity": order})),
        "updated" => ("updatedEvent", json!({"currentEntity": order})),
        _ => ("actionEvent", json!({"body": {"order": order}})),
    };
    event[name] = body;
    let topic = format!("{PREFIX}{action}");
    json!({"data": {"eventType": topic, "instanceId": INSTANCE, "data": event}})
}

/// The order of the reference with these members replaced or added.
fn with(members: Value) -> Value {
    let mut order = reference();
    if let Value::Object(members) = members {
        order.as_object_mut().unwrap().extend(members);
    }
    order
}

fn snapshot_of(members: Value) -> OrderSnapshot {
    order_of(read(&token(&event("updated", "e", 3, with(members)))))
}

/// The pointer at which an order is refused, relative to the order.
fn refused_at(members: Value) -> String {
    let refused = read(&token(&event("approved", "e", 3, with(members)))).event.unwrap_err();
    let pointer = refused.pointer.strip_prefix("/data/data/actionEvent/body/order");
    pointer.unwrap_or_else(|| panic!("{refused:?}")).to_owned()
}

const ORDER: &str = "265c7d98-a7c3-48c4-89cd-bbdc00921eab (10108) completed 215.66 USD, \
    modified 2021-05-25T13:55:55.130Z #2, placed 2021-05-25T13:51:01.718Z\
    \nby f61f30cd-7474-47b7-95a2-339c0fcacbd3, Jane Doe, janedoe@gmail.com, +1234567890\
    \nbill Jane Doe, 235 West 23rd Street, 3rd floor, New York, US-NY, 10011, US, +1234567890\
    \nship Jane Doe, 235 West 23rd Street, 3rd floor, New York, US-NY, 10011, US, +1234567890\
    \nlines 216.25 - discount 10.81 + shipping 2.00 + fees 0.00 + tax 8.22\
    \n00000000-0000-0000-0000-000000000001 - \"Indonesian Blend\": \
    2 x 35.00 - 3.50 = 66.50 + 2.66\
    \n00000000-0000-0000-0000-000000000002 - \"Brazilian Arabica\": \
    3 x 48.75 - 7.31 = 138.94 + 5.56\
    \npaid - 215.66 by - at -";

#[test]
fn the_example_order_means_exactly_what_wix_says() {
    let delivery = read(&generated());
    assert_eq!(describe(&delivery), ORDER);
    assert_eq!(delivery.topic, "wix.ecom.v1.order_approved");
    assert_eq!(delivery.subject, Subject::Order);
    assert_eq!(delivery.source.as_deref(), Some(INSTANCE));
    assert_eq!(delivery.delivery_id.as_deref(), Some("162075ea-7271-411b-b555-de545e8e6f38"));
    let version = order_of(delivery).version;
    assert_eq!(version.body_hash, "162075ea-7271-411b-b555-de545e8e6f38");
    assert_eq!((version.sequence, version.refunds), (2, 0));
}

/// A token's signature is verified before it is read, so reading ignores its header and signature.
#[test]
fn a_token_is_read_by_its_claims_alone() {
    for name in ["alg_none", "hs256_confusion"] {
        let forged = read(&fixture(&format!("wix/order_approved.generated.{name}.jwt.txt")));
        assert_eq!(describe(&forged), ORDER, "{name}");
    }
    let with_line_end = [generated(), b"\r\n".to_vec()].concat();
    assert_eq!(describe(&read(&with_line_end)), ORDER);
}

#[test]
fn each_action_has_the_order_in_its_own_place_and_in_no_other() {
    let actions = [
        "created",
        "updated",
        "approved",
        "canceled",
        "committed",
        "fulfilled",
        "payment_status_updated",
    ];
    for action in actions {
        let body = event(action, "e", 2, reference());
        let delivery = read(&token(&body));
        assert_eq!(describe(&delivery), ORDER, "{action}");
        assert_eq!(delivery.topic, format!("{PREFIX}{action}"));
        for other in actions {
            let mut replaced = body.clone();
            replaced["data"]["eventType"] = json!(format!("{PREFIX}{other}"));
            let place = |action: &str| ["created", "updated"].iter().position(|one| *one == action);
            let meaning = read(&token(&replaced)).event;
            assert_eq!(meaning.is_ok(), place(action) == place(other), "{action} {other}");
        }
    }
}

#[test]
fn an_event_that_is_not_about_an_order_is_ignored_and_needs_no_scope() {
    let template: Value =
        serde_json::from_slice(&fixture("wix/checkout_template_updated.inner_event.json")).unwrap();
    for (topic, data) in [
        ("wix.ecom.v1.checkout_template_updated", template),
        ("wix.ecom.v1.order_transactions_updated", json!({"id": "e"})),
        ("wix.ecom.v1.order_", json!({})),
        ("wix.ecom.v1.order", json!({})),
        ("AppInstalled", json!("no JSON")),
        ("AppRemoved", json!(null)),
    ] {
        let body = json!({"data": {"eventType": topic, "instanceId": INSTANCE, "data": data}});
        let delivery = read(&token(&body));
        let reason = Ignored::UnsupportedTopic;
        assert_eq!(delivery.event, Ok(NativeEvent::Ignored { reason }), "{topic}");
        assert_eq!((delivery.topic.as_str(), delivery.subject), (topic, Subject::Other));
        assert_eq!(delivery.source.as_deref(), Some(INSTANCE));
    }
}

#[test]
fn every_status_of_wix_is_known_and_any_other_is_refused() {
    let status = |status: &str, payment: &str, fulfillment: &str| {
        snapshot_of(json!({
            "status": status, "paymentStatus": payment, "fulfillmentStatus": fulfillment,
        }))
        .content
        .status
    };
    for (text, expected) in [
        ("INITIALIZED", OrderStatus::Pending),
        ("PENDING", OrderStatus::OnHold),
        ("CANCELED", OrderStatus::Cancelled),
        ("REJECTED", OrderStatus::Failed),
    ] {
        for payment in ["NOT_PAID", "PAID", "FULLY_REFUNDED"] {
            assert_eq!(status(text, payment, "FULFILLED"), expected, "{text}");
        }
    }
    for (payment, open, fulfilled) in [
        ("NOT_PAID", OrderStatus::OnHold, OrderStatus::OnHold),
        ("PENDING", OrderStatus::OnHold, OrderStatus::OnHold),
        ("PENDING_MERCHANT", OrderStatus::OnHold, OrderStatus::OnHold),
        ("PARTIALLY_PAID", OrderStatus::OnHold, OrderStatus::OnHold),
        ("AUTHORIZED", OrderStatus::OnHold, OrderStatus::OnHold),
        ("UNSPECIFIED", OrderStatus::OnHold, OrderStatus::OnHold),
        ("PAID", OrderStatus::Processing, OrderStatus::Completed),
        ("PARTIALLY_REFUNDED", OrderStatus::Processing, OrderStatus::Completed),
        ("FULLY_REFUNDED", OrderStatus::Refunded, OrderStatus::Refunded),
        ("DECLINED", OrderStatus::Failed, OrderStatus::Failed),
        ("CANCELED", OrderStatus::Failed, OrderStatus::Failed),
    ] {
        assert_eq!(status("APPROVED", payment, "NOT_FULFILLED"), open, "{payment}");
        assert_eq!(status("APPROVED", payment, "PARTIALLY_FULFILLED"), open, "{payment}");
        assert_eq!(status("APPROVED", payment, "FULFILLED"), fulfilled, "{payment}");
    }
    for unknown in [json!("approved"), json!(""), json!(null), json!(1), json!({})] {
        assert_eq!(refused_at(json!({"status": unknown})), "/status");
        assert_eq!(refused_at(json!({"paymentStatus": unknown})), "/paymentStatus");
    }
}

#[test]
fn paid_and_refunded_amounts_come_from_the_balance_or_else_from_the_status() {
    let money = |members: Value| {
        let snapshot = snapshot_of(members);
        let paid = snapshot.payments.first().map(|payment| payment.amount.minor());
        (paid, snapshot.refunds.first().map(|refund| refund.amount.minor()))
    };
    for (status, expected) in [
        ("NOT_PAID", (None, None)),
        ("PARTIALLY_PAID", (None, None)),
        ("PAID", (Some(21_566), None)),
        ("PARTIALLY_REFUNDED", (Some(21_566), None)),
        ("FULLY_REFUNDED", (Some(21_566), Some(21_566))),
    ] {
        assert_eq!(money(json!({"paymentStatus": status})), expected, "{status}");
        let balance = json!({
            "paymentStatus": status,
            "balanceSummary": {"paid": {"amount": "100.5"}, "refunded": {"amount": "0.25"}},
        });
        assert_eq!(money(balance), (Some(10_050), Some(25)));
        let nothing = json!({
            "paymentStatus": status,
            "balanceSummary": {"paid": {"amount": "0"}, "refunded": {"amount": "0.00"}},
        });
        assert_eq!(money(nothing), (None, None));
    }
}

#[test]
fn the_member_names_that_wix_uses_today_are_read_too() {
    let text = summary(&snapshot_of(json!({
        "purchasedDate": "2024-01-28T14:00:00Z",
        "priceSummary": {
            "subtotal": {"amount": "20"}, "shipping": {"amount": "0"}, "tax": {"amount": "1"},
            "discount": {"amount": "0"}, "total": {"amount": "24"},
            "totalAdditionalFees": {"amount": "3"},
        },
        "lineItems": [{
            "id": "1", "productName": {"original": "Blend"}, "quantity": 2,
            "price": {"amount": "10"}, "taxInfo": {"taxAmount": {"amount": "1"}},
            "physicalProperties": {"sku": "B-1"},
        }],
        "buyerInfo": {"memberId": "m"},
        "billingInfo": null,
        "recipientInfo": {
            "contactDetails": {"firstName": "Ann", "company": "Acme"},
            "address": {"streetAddress": {"number": "9", "name": "Main St"}, "city": "Cork"},
        },
        "buyerNote": "Ring twice",
        "customFields": [{"title": "Gift", "value": "yes"}, {"title": "Odd", "value": [1]}],
    })));
    assert_eq!(
        text.lines().collect::<Vec<_>>(),
        [
            "265c7d98-a7c3-48c4-89cd-bbdc00921eab (10108) completed 24.00 USD, \
             modified 2021-05-25T13:55:55.130Z #3, placed 2024-01-28T14:00:00Z",
            "by m, Ann, -, -",
            "ship Ann, Acme, 9 Main St, Cork",
            "lines 20.00 - discount 0.00 + shipping 0.00 + fees 3.00 + tax 1.00",
            "1 B-1 \"Blend\": 2 x 10.00 - 0.00 = 20.00 + 1.00",
            "paid - 24.00 by - at -",
            "note \"Ring twice\"",
            "{\"Gift\":\"yes\"}",
        ]
    );
}

#[test]
fn a_body_that_is_not_the_token_of_an_order_is_refused_at_the_wrong_member() {
    for body in ["", "a.b", "a.b.c.d", "{}", "..", "e30.e30=.x", "e30.!.x", "e30.bm8.x"] {
        assert_eq!(read(body.as_bytes()).event.unwrap_err().pointer, "", "{body:?}");
    }
    let order =
        |event: Value| json!({"data": {"eventType": "wix.ecom.v1.order_updated", "data": event}});
    for (claims, pointer) in [
        (json!(null), "/data"),
        (json!({"data": "no JSON"}), "/data"),
        (json!({"data": [1]}), "/data"),
        (json!({"data": "{}"}), "/data/eventType"),
        (json!({"data": "[]"}), "/data/eventType"),
        (order(json!("no JSON")), "/data/data"),
        (order(json!({})), "/data/data/id"),
        (order(json!({"id": "e"})), "/data/data/updatedEvent/currentEntity/id"),
        (
            order(json!({"id": "e", "updatedEvent": {"currentEntity": "order"}})),
            "/data/data/updatedEvent/currentEntity/id",
        ),
    ] {
        assert_eq!(read(&token(&claims)).event.unwrap_err().pointer, pointer, "{claims}");
    }
    for (members, pointer) in [
        (json!({"currency": "usd"}), "/currency"),
        (json!({"updatedDate": "yesterday"}), "/updatedDate"),
        (json!({"priceSummary": {}}), "/priceSummary/totalPrice"),
        (json!({"priceSummary": {"total": {"amount": "1.005"}}}), "/priceSummary/total/amount"),
        (json!({"lineItems": [{"quantity": 0}]}), "/lineItems/0/quantity"),
        (json!({"lineItems": [{"quantity": 1}]}), "/lineItems/0/price"),
        (json!({"buyerInfo": "Jane"}), "/buyerInfo"),
        (json!({"id": {}}), "/id"),
    ] {
        assert_eq!(refused_at(members), pointer);
    }
    let mut odd = event("updated", "e", 3, reference());
    odd["data"]["data"]["entityEventSequence"] = json!("-3");
    let refused = read(&token(&odd)).event.unwrap_err();
    assert_eq!(refused.pointer, "/data/data/entityEventSequence");
}

#[test]
fn an_event_sent_again_in_a_new_token_is_the_same_version() {
    let mut again = event("updated", "e", 3, reference());
    let first = order_of(read(&token(&again)));
    again["iat"] = json!(1_706_451_999);
    again["data"]["identity"] = json!("{}");
    assert_ne!(token(&again), token(&event("updated", "e", 3, reference())));
    assert_eq!(order_of(read(&token(&again))).version, first.version);
}

#[test]
fn a_sequence_number_has_64_bits() {
    let order = order_of(read(&token(&event("updated", "e", u64::MAX, reference()))));
    assert_eq!(order.version.sequence, u64::MAX);
}

/// Snapshots of one order, from the first to the last. Wix numbers its events; their times may be
/// equal.
static LIFE: LazyLock<Vec<OrderSnapshot>> = LazyLock::new(|| {
    [
        ("created", json!({"status": "INITIALIZED", "paymentStatus": "NOT_PAID"})),
        ("approved", json!({"status": "APPROVED", "paymentStatus": "PAID"})),
        ("updated", json!({"status": "APPROVED", "fulfillmentStatus": "NOT_FULFILLED"})),
        ("payment_status_updated", json!({"paymentStatus": "FULLY_REFUNDED"})),
        ("updated", json!({"status": "APPROVED", "paymentStatus": "PAID"})),
    ]
    .into_iter()
    .zip(9..)
    .map(|((action, members), sequence)| {
        order_of(read(&token(&event(action, &format!("e{sequence}"), sequence, with(members)))))
    })
    .collect()
});

proptest! {
    #[test]
    fn the_final_state_does_not_depend_on_the_order_of_arrival(
        arrivals in Just([&LIFE[..], &LIFE].concat()).prop_shuffle()
    ) {
        prop_assert_eq!(Some(final_snapshot(&arrivals)), LIFE.last());
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(
        body in prop::collection::vec(any::<u8>(), 0..200),
        claims in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        read(&body);
        let token = format!("e30.{}.x", BASE64URL_NOPAD.encode(&claims));
        read(token.as_bytes());
    }

    #[test]
    fn a_truncated_or_corrupted_token_is_read_without_a_panic(
        breaks in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        end in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let mut body = generated();
        for (index, byte) in breaks {
            let index = index.index(body.len());
            body[index] = byte;
        }
        if cut {
            body.truncate(end.index(body.len()));
        }
        read(&body);
    }

    #[test]
    fn an_event_with_any_member_replaced_is_mapped_or_refused_with_a_pointer(
        action in prop::sample::select(vec!["created", "updated", "approved"]),
        changes in any_changes(),
    ) {
        let claims = broken(event(action, "e", 3, reference()), changes);
        let claims = serde_json::from_slice(&claims).unwrap();
        check(&read(&token(&claims)), Some(&unfolded(&claims)))?;
    }
}

/// `claims` with every text that is read as JSON replaced by its value.
fn unfolded(claims: &Value) -> Value {
    let mut claims = claims.clone();
    for pointer in ["/data", "/data/data"] {
        let Some(part) = claims.pointer_mut(pointer) else { continue };
        if let Some(value) = part.as_str().and_then(|text| serde_json::from_str(text).ok()) {
            *part = value;
        }
    }
    claims
}
