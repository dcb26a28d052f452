//! Tests the Webflow conversion on the examples of Webflow's reference
//! (`tests/fixtures/SOURCES.md`).

#[path = "payloads/breaking.rs"]
mod breaking;
#[path = "payloads/orders.rs"]
mod orders;

use std::sync::LazyLock;

use breaking::{any_changes, broken};
use orders::{check, describe, final_snapshot, fixture, order_of, summary};
use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate_core::domain::event::{Ignored, NativeEvent, Subject};
use tidegate_core::domain::headers::Headers;
use tidegate_core::domain::key::PayloadFormat;
use tidegate_core::domain::order::{OrderSnapshot, OrderStatus};
use tidegate_core::storefront::{self, ParsedDelivery};

fn read(body: &[u8]) -> ParsedDelivery {
    storefront::read(PayloadFormat::Webflow, &Headers::default(), body).unwrap()
}

fn read_json(body: &Value) -> ParsedDelivery {
    read(&serde_json::to_vec(body).unwrap())
}

fn json_of(name: &str) -> Value {
    serde_json::from_slice(&fixture(&format!("webflow/{name}.json"))).unwrap()
}

/// The example order with these members of its payload replaced or added.
fn with(members: Value) -> Value {
    let mut body = json_of("ecomm_order_changed");
    if let Value::Object(members) = members {
        body["payload"].as_object_mut().unwrap().extend(members);
    }
    body
}

fn snapshot_of(members: Value) -> OrderSnapshot {
    order_of(read_json(&with(members)))
}

fn refused_at(members: Value) -> String {
    read_json(&with(members)).event.unwrap_err().pointer
}

#[test]
fn each_example_order_means_exactly_what_webflow_says() {
    for name in ["ecomm_new_order", "ecomm_order_changed"] {
        let delivery = read(&fixture(&format!("webflow/{name}.json")));
        assert_eq!(
            describe(&delivery),
            "dfa-3f1 (-) processing 61.22 USD, modified 2018-12-03T22:06:15.761Z #0, \
             placed 2018-12-03T22:06:15.761Z\
             \nby -, Customerio Namen, renning+customer@webflow.com, -\
             \nbill Customerio Namen, 123 Example Rd, Examplesville, CA, 90012, US\
             \nship Customerio Namen, 123 Example Rd, Examplesville, CA, 90012, US\
             \nlines 55.00 - discount 5.00 + shipping 5.99 + fees 0.00 + tax 5.23\
             \n- - \"White Cup\": 1 x 55.00 - 0.00 = 55.00 + 0.00\
             \npaid ch_1DdPYQKMjGA7k9mI2AKiBY6u 60.99 by stripe at 2018-12-03T22:06:15.761Z\
             \n{\"Telephone\":\"(415) 123-4567\",\"Gift note\":\"Happy birthday Mom!\",\
             \"Send as gift\":true}"
        );
        assert_eq!((delivery.topic.as_str(), delivery.subject), (name, Subject::Order));
        assert_eq!((delivery.source, delivery.delivery_id), (None, None));
    }
}

#[test]
fn an_event_that_is_not_about_an_order_is_ignored_and_needs_no_scope() {
    for (name, topic) in [
        // The typing error is in Webflow's reference.
        ("ecomm_inventory_changed", "ecomm_inventory_changedr"),
        ("form_submission", "form_submission"),
        ("user_account_added", "user_account_added"),
    ] {
        let delivery = read(&fixture(&format!("webflow/{name}.json")));
        let reason = Ignored::UnsupportedTopic;
        assert_eq!(delivery.event, Ok(NativeEvent::Ignored { reason }));
        assert_eq!((delivery.topic.as_str(), delivery.subject), (topic, Subject::Other));
    }
}

#[test]
fn every_status_of_webflow_is_known_and_any_other_is_refused() {
    for (text, status) in [
        ("pending", OrderStatus::Pending),
        ("unfulfilled", OrderStatus::Processing),
        ("fulfilled", OrderStatus::Completed),
        ("disputed", OrderStatus::OnHold),
        ("dispute-lost", OrderStatus::Refunded),
        ("refunded", OrderStatus::Refunded),
    ] {
        assert_eq!(snapshot_of(json!({"status": text})).content.status, status);
    }
    for status in [json!("Fulfilled"), json!("shipped"), json!(""), json!(1), json!([1])] {
        assert_eq!(refused_at(json!({"status": status})), "/payload/status");
    }
}

#[test]
fn an_order_is_paid_and_refunded_as_a_whole() {
    let money = |members: Value| {
        let text = summary(&snapshot_of(members));
        let lines =
            text.lines().filter(|line| line.starts_with("paid") || line.contains("refunded "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let paid = "paid ch_1DdPYQKMjGA7k9mI2AKiBY6u 60.99 by stripe at 2018-12-03T22:06:15.761Z";
    assert_eq!(money(json!({"status": "pending"})), [""; 0]);
    assert_eq!(money(json!({"status": "disputed"})), [paid]);
    let stripe = json!({
        "chargeId": "ch_1DdPYQKMjGA7k9mI2AKiBY6u", "refundId": "re_1", "disputeId": "dp_1",
        "refundReason": "requested_by_customer",
    });
    let [refunded, lost] = ["refunded", "dispute-lost"]
        .map(|status| money(json!({"status": status, "stripeDetails": stripe})).split_off(1));
    assert_eq!(refunded.last().unwrap(), "refunded re_1 60.99 for requested_by_customer");
    assert_eq!(lost.last().unwrap(), "refunded dp_1 60.99 for dispute-lost");

    let paypal = json!({
        "status": "refunded", "stripeDetails": {},
        "paypalDetails": {"orderId": "PAYID-1", "captureId": "2BR1", "refundId": "8RF2"},
    });
    assert_eq!(
        money(paypal)[1..],
        ["paid 2BR1 60.99 by paypal at 2018-12-03T22:06:15.761Z", "refunded 8RF2 60.99 for -"]
    );
    let free = json!({"unit": "USD", "value": 0});
    assert_eq!(snapshot_of(json!({"customerPaid": free, "stripeDetails": null})).payments, []);
}

#[test]
fn an_amount_is_whole_minor_units_as_a_number_or_as_text() {
    let total = |value: Value| {
        let totals = json!({
            "subtotal": {"unit": "JPY", "value": value}, "total": {"unit": "JPY", "value": value},
        });
        let members = json!({
            "totals": totals, "customerPaid": {"unit": "JPY", "value": value}, "purchasedItems": [],
        });
        read_json(&with(members)).event.map(|meaning| match meaning {
            NativeEvent::Order { snapshot } => snapshot.content.totals.total.minor(),
            other => panic!("{other:?}"),
        })
    };
    for value in [json!(800), json!("800")] {
        assert_eq!(total(value), Ok(800));
    }
    for value in [json!(8.5), json!("8.00"), json!("¥800"), json!(9007199254740992_u64), json!({})]
    {
        assert!(total(value.clone()).is_err(), "{value}");
    }
    let yen = json!({"unit": "JPY", "value": 1});
    assert_eq!(refused_at(json!({"customerPaid": yen})), "/payload/customerPaid/unit");
    assert_eq!(refused_at(json!({"customerPaid": null})), "/payload/customerPaid/unit");
}

#[test]
fn extras_are_summed_by_their_type() {
    let extra =
        |kind: &str, value: i64| json!({"type": kind, "price": {"unit": "USD", "value": value}});
    let mut body = with(json!({}));
    body["payload"]["totals"]["extras"] = json!([
        extra("tax", 100),
        extra("tax", 23),
        extra("shipping", 500),
        extra("discount", -250),
        extra("discount-shipping", -500),
        extra("handling", 75),
    ]);
    let totals = order_of(read_json(&body)).content.totals;
    assert_eq!(
        [totals.tax_total, totals.shipping_total, totals.discount_total, totals.fee_total]
            .map(|amount| amount.minor()),
        [123, 500, 750, 75]
    );
    body["payload"]["totals"]["extras"] = json!([extra("tax", 9007199254740991), extra("tax", 1)]);
    let refused = read_json(&body).event.unwrap_err();
    assert_eq!(refused.pointer, "/payload/totals/extras/1/price");
}

#[test]
fn an_order_id_is_read_as_text_even_where_it_is_a_number() {
    for (id, text) in [
        (json!("dfa-3f1"), "dfa-3f1"),
        (json!("123456"), "123456"),
        (json!("000000012"), "000000012"),
        (json!("1e5"), "1e5"),
        (serde_json::from_str("820982911946154508").unwrap(), "820982911946154508"),
    ] {
        assert_eq!(snapshot_of(json!({"orderId": id})).content.external_id.as_deref(), Some(text));
    }
    assert_eq!(refused_at(json!({"orderId": " "})), "/payload/orderId");
}

#[test]
fn a_body_that_does_not_match_its_trigger_is_refused() {
    for (body, pointer) in [
        (json!(null), "/triggerType"),
        (json!([]), "/triggerType"),
        (json!({"payload": {}}), "/triggerType"),
        (json!({"triggerType": {"a": 1}}), "/triggerType"),
        (json!({"triggerType": "ecomm_new_order"}), "/payload/orderId"),
        (json!({"triggerType": "ecomm_new_order", "payload": [1]}), "/payload/orderId"),
        (
            json!({"triggerType": "ecomm_new_order", "payload": json_of("form_submission")["payload"]}),
            "/payload/orderId",
        ),
    ] {
        assert_eq!(read_json(&body).event.unwrap_err().pointer, pointer, "{body}");
    }
    assert_eq!(read(b"").event.unwrap_err().pointer, "");
    for (members, pointer) in [
        (json!({"acceptedOn": "2018-12-03"}), "/payload/acceptedOn"),
        (json!({"purchasedItems": [{"count": 0}]}), "/payload/purchasedItems/0/count"),
        (json!({"purchasedItems": [{"count": 1}]}), "/payload/purchasedItems/0/rowTotal/unit"),
        (json!({"billingAddress": "here"}), "/payload/billingAddress"),
    ] {
        assert_eq!(refused_at(members), pointer);
    }
}

/// Snapshots of one order, from the first to the last. The latest of its times never goes back.
static LIFE: LazyLock<Vec<OrderSnapshot>> = LazyLock::new(|| {
    let placed = "2018-12-03T22:06:15.761Z";
    vec![
        snapshot_of(json!({"status": "pending", "acceptedOn": placed})),
        snapshot_of(json!({"status": "unfulfilled", "acceptedOn": placed})),
        snapshot_of(json!({"status": "fulfilled", "fulfilledOn": "2018-12-04T00:00:00.000Z"})),
        snapshot_of(json!({
            "status": "disputed", "fulfilledOn": "2018-12-04T00:00:00.000Z",
            "disputedOn": "2018-12-05T00:00:00.000Z",
        })),
        snapshot_of(json!({
            "status": "refunded", "fulfilledOn": "2018-12-04T00:00:00.000Z",
            "disputedOn": "2018-12-05T00:00:00.000Z", "refundedOn": "2018-12-05T00:00:00.000Z",
        })),
    ]
});

#[test]
fn two_deliveries_of_one_body_are_one_version() {
    assert_eq!(snapshot_of(json!({})), snapshot_of(json!({})));
}

proptest! {
    #[test]
    fn the_final_state_does_not_depend_on_the_order_of_arrival(
        arrivals in Just([&LIFE[..], &LIFE].concat()).prop_shuffle()
    ) {
        prop_assert_eq!(Some(final_snapshot(&arrivals)), LIFE.last());
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        check(&read(&body), serde_json::from_slice(&body).ok().as_ref())?;
    }

    #[test]
    fn a_truncated_or_corrupted_body_is_read_without_a_panic(
        breaks in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        end in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let mut body = fixture("webflow/ecomm_new_order.json");
        for (index, byte) in breaks {
            let index = index.index(body.len());
            body[index] = byte;
        }
        if cut {
            body.truncate(end.index(body.len()));
        }
        let value = serde_json::from_slice(&body).ok();
        check(&read(&body), value.as_ref())?;
    }

    #[test]
    fn a_body_with_any_member_replaced_is_mapped_or_refused_with_a_pointer(
        changes in any_changes(),
    ) {
        let body = broken(json_of("ecomm_new_order"), changes);
        check(&read(&body), serde_json::from_slice(&body).ok().as_ref())?;
    }
}
