//! Tests the Square conversion on Square's own sample events (`tests/fixtures/SOURCES.md`).

mod payloads;
#[path = "payloads/standing.rs"]
mod standing;

use payloads::{any_changes, broken, check, describe, fixture, names, read_value, with};
use proptest::prelude::*;
use serde_json::{Value, json};
use standing::final_states;
use tidegate_core::domain::event::NativeEvent;
use tidegate_core::domain::key::PayloadFormat::Square;

fn square(name: &str) -> Value {
    fixture("square", name)
}

fn described(event: &Value) -> String {
    describe(&read_value(Square, event))
}

fn refused_at(event: &Value) -> String {
    match read_value(Square, event).event {
        Err(refused) => refused.pointer,
        Ok(event) => panic!("{event:?}"),
    }
}

const SNAPSHOTS: [(&str, &str); 10] = [
    (
        "customer.created",
        "customer.created from G7MMEBVW021Q4 as e12b5591-e0b6-4967-810a-307c7efcb1a7 \
         needs clients:write\n\
         client QPTXM8PQNX3Q726ZYHPMNP46XC, jenkins+smorly@squareup.com, Jenkins Smorly, \
         +12126668929\n\
         version 0 2022-11-09T21:23:25Z 0 0 e12b5591-e0b6-4967-810a-307c7efcb1a7",
    ),
    (
        "customer.deleted",
        "customer.deleted from G7MMEBVW021Q4 as 8e84fec8-f04b-46f0-b66d-dbb8b59590fa \
         needs clients:write\n\
         client QPTXM8PQNX3Q726ZYHPMNP46XC is gone",
    ),
    (
        "customer.updated",
        "customer.updated from G7MMEBVW021Q4 as b4ce4698-00de-4b5d-a771-4941b3913b34 \
         needs clients:write\n\
         client A0AP25A6SCVTH8JES9BX01GXM4, jenkins+smorly@squareup.com, Jenkins Smorly, \
         +13477947111\n\
         version 1 2022-11-09T21:38:30Z 0 0 b4ce4698-00de-4b5d-a771-4941b3913b34",
    ),
    (
        "order.created",
        "order.created from 5S9MXCS9Y99KK as 116038d3-2948-439f-8679-fc86dbf80f69 \
         needs orders:write\n\
         order eA3vssLHKJrv9H0IdJCM3gNqfdcZY, no details",
    ),
    (
        "order.fulfillment.updated",
        "order.fulfillment.updated from 5S9MXCS9Y99KK as b3adf364-4937-436e-a833-49c72b4baee8 \
         needs orders:write\n\
         order eA3vssLHKJrv9H0IdJCM3gNqfdcZY, no details",
    ),
    (
        "order.updated",
        "order.updated from 5S9MXCS9Y99KK as 4b8e5c91-9f17-4cf1-900a-4a0629f81add \
         needs orders:write\n\
         order eA3vssLHKJrv9H0IdJCM3gNqfdcZY, no details",
    ),
    (
        "payment.created",
        "payment.created from 6SSW7HV8K2ST5 as 13b867cf-db3d-4b1c-90b6-2f32a9d78124 \
         needs payments:write\n\
         payment hYy9pRFVxpDsO1FB05SunFWUe9JZY 1.00 USD by card at - pending, \
         order 03O3USaPaAaFnI6kkwB1JxGgBsUZY\n\
         version 0 2020-11-22T21:16:51.198Z 0 0 13b867cf-db3d-4b1c-90b6-2f32a9d78124",
    ),
    (
        "payment.updated",
        "payment.updated from 6SSW7HV8K2ST5 as 6a8f5f28-54a1-4eb0-a98a-3111513fd4fc \
         needs payments:write\n\
         payment hYy9pRFVxpDsO1FB05SunFWUe9JZY 1.00 USD by card at 2020-11-22T21:19:00.832Z \
         completed, order 03O3USaPaAaFnI6kkwB1JxGgBsUZY\n\
         version 0 2020-11-22T21:19:00.831Z 0 3 6a8f5f28-54a1-4eb0-a98a-3111513fd4fc",
    ),
    (
        "refund.created",
        "refund.created from 6SSW7HV8K2ST5 as bc316346-6691-4243-88ed-6d651a0d0c47 \
         needs payments:refund\n\
         refund KkAkhdMsgzn59SM8A89WgKwekxLZY_ptNBVqHYxt5gAdfcobBe4u1AZsXhoz06KTtuq9Ls24P \
         10.00 USD for - pending, payment KkAkhdMsgzn59SM8A89WgKwekxLZY, order -\n\
         version 0 2020-02-06T21:27:41.846Z 0 0 bc316346-6691-4243-88ed-6d651a0d0c47",
    ),
    (
        "refund.updated",
        "refund.updated from 6SSW7HV8K2ST5 as bc316346-6691-4243-88ed-6d651a0d0c47 \
         needs payments:refund\n\
         refund KkAkhdMsgzn59SM8A89WgKwekxLZY_ptNBVqHYxt5gAdfcobBe4u1AZsXhoz06KTtuq9Ls24P \
         10.00 USD for - completed, payment KkAkhdMsgzn59SM8A89WgKwekxLZY, order -\n\
         version 0 2020-02-06T22:14:16.381Z 0 3 bc316346-6691-4243-88ed-6d651a0d0c47",
    ),
];

#[test]
fn each_payload_means_exactly_what_it_says() {
    assert_eq!(names("square"), SNAPSHOTS.map(|(name, _)| name));
    for (name, expected) in SNAPSHOTS {
        assert_eq!(described(&square(name)), expected, "{name}");
    }
}

#[test]
fn an_unsupported_topic_is_ignored() {
    // Square's own test event (square-nodejs-sdk, tests/integration/webhooks.test.ts).
    let test = json!({
        "merchant_id": "MLEFBHHSJGVHD", "type": "webhooks.test_notification",
        "event_id": "ac3ac95b-f97d-458c-a6e6-18981597e05f",
        "created_at": "2022-07-13T20:30:59.037339943Z",
        "data": {"type": "webhooks", "id": "bc368e64-01aa-407e-b46e-3231809b1129"},
    });
    assert_eq!(
        described(&test),
        "webhooks.test_notification from MLEFBHHSJGVHD \
         as ac3ac95b-f97d-458c-a6e6-18981597e05f needs -\nignored: UnsupportedTopic"
    );
    for topic in
        ["invoice.payment_made", "order.custom_attribute.updated", "catalog.version.updated"]
    {
        let event = with(&square("order.created"), &[("/type", json!(topic))]);
        assert!(described(&event).ends_with("ignored: UnsupportedTopic"), "{topic}");
    }
}

#[test]
fn a_body_that_is_not_the_resource_of_its_topic_is_refused() {
    let kind = |name: &str| name.split('.').next().unwrap().to_owned();
    for name in names("square") {
        for topic in names("square") {
            let meaning =
                read_value(Square, &with(&square(&name), &[("/type", json!(topic))])).event;
            // Each order topic has its data in a member of its own.
            let expected = kind(&name) == kind(&topic) && (kind(&name) != "order" || name == topic);
            assert_eq!(meaning.is_ok(), expected, "{name} as {topic}: {meaning:?}");
        }
    }
}

#[test]
fn each_status_of_a_payment_is_known_and_only_a_completed_one_has_a_time_of_payment() {
    for (status, expected) in [
        ("APPROVED", "at - pending"),
        ("PENDING", "at - pending"),
        ("COMPLETED", "at 2020-11-22T21:19:00.832Z completed"),
        ("CANCELED", "at - cancelled"),
        ("FAILED", "at - failed"),
    ] {
        let event =
            with(&square("payment.updated"), &[("/data/object/payment/status", json!(status))]);
        assert!(described(&event).contains(expected), "{status}");
    }
    for status in [json!("completed"), json!("VOIDED"), Value::Null, json!(1)] {
        let event = with(&square("payment.updated"), &[("/data/object/payment/status", status)]);
        assert_eq!(refused_at(&event), "/data/object/payment/status");
    }
}

#[test]
fn a_paid_amount_includes_the_tip_and_comes_with_the_refunded_amount() {
    let money = |amount, currency| json!({"amount": amount, "currency": currency});
    let paid = with(
        &square("payment.updated"),
        &[
            ("/data/object/payment/source_type", json!("CASH")),
            ("/data/object/payment/card_details", Value::Null),
            ("/data/object/payment/tip_money", money(20, "USD")),
            ("/data/object/payment/total_money", money(120, "USD")),
            ("/data/object/payment/refunded_money", money(50, "USD")),
        ],
    );
    assert!(described(&paid).ends_with(
        "1.20 USD by cash at 2020-11-22T21:16:51.086Z completed, refunded 0.50, \
         order 03O3USaPaAaFnI6kkwB1JxGgBsUZY\n\
         version 0 2020-11-22T21:19:00.831Z 50 3 6a8f5f28-54a1-4eb0-a98a-3111513fd4fc"
    ));
    let yen = with(
        &paid,
        &[
            ("/data/object/payment/total_money", money(800, "JPY")),
            ("/data/object/payment/refunded_money", Value::Null),
        ],
    );
    assert!(described(&yen).contains("800 JPY by cash"));
    for (pointer, value, refused) in [
        ("refunded_money", money(50, "CAD"), "refunded_money/currency"),
        ("refunded_money", money(-1, "USD"), "refunded_money/amount"),
        ("total_money", money(120, "usd"), "total_money/currency"),
        ("total_money", json!({"amount": 1.5, "currency": "USD"}), "total_money/amount"),
        ("total_money", json!({"currency": "USD"}), "total_money/amount"),
        ("total_money", Value::Null, "total_money"),
    ] {
        let pointer = format!("/data/object/payment/{pointer}");
        let event = with(&paid, &[(&pointer, value.clone())]);
        assert_eq!(refused_at(&event), format!("/data/object/payment/{refused}"), "{value}");
    }
}

#[test]
fn a_payment_without_an_order_waits_for_the_order_that_lists_it() {
    let event = with(&square("payment.updated"), &[("/data/object/payment/order_id", Value::Null)]);
    let meaning = read_value(Square, &event).event.unwrap();
    assert_eq!(meaning.parent().as_deref(), Some("payment hYy9pRFVxpDsO1FB05SunFWUe9JZY"));
}

/// The `order_id` of a refund names the order of the return, which is not the refund's parent.
#[test]
fn a_refund_belongs_to_its_payment() {
    let meaning = read_value(Square, &square("refund.created")).event.unwrap();
    assert_eq!(meaning.parent().as_deref(), Some("payment KkAkhdMsgzn59SM8A89WgKwekxLZY"));
    let unlinked =
        with(&square("refund.created"), &[("/data/object/refund/payment_id", Value::Null)]);
    assert_eq!(refused_at(&unlinked), "/data/object/refund/payment_id");
    for (status, expected) in [
        ("PENDING", "pending"),
        ("COMPLETED", "completed"),
        ("REJECTED", "failed"),
        ("FAILED", "failed"),
    ] {
        let event = with(
            &square("refund.updated"),
            &[
                ("/data/object/refund/status", json!(status)),
                ("/data/object/refund/reason", json!("Broken")),
            ],
        );
        let expected = format!("10.00 USD for Broken {expected}, ");
        assert!(described(&event).contains(&expected), "{status}");
    }
    let event = with(&square("refund.updated"), &[("/data/object/refund/status", json!("DONE"))]);
    assert_eq!(refused_at(&event), "/data/object/refund/status");
}

#[test]
fn an_event_without_a_valid_id_merchant_type_or_time_is_refused() {
    for pointer in ["/event_id", "/merchant_id", "/type"] {
        for name in names("square") {
            for value in [Value::Null, json!(""), json!("a b"), json!([1]), json!("x".repeat(256))]
            {
                assert_eq!(
                    refused_at(&with(&square(&name), &[(pointer, value)])),
                    pointer,
                    "{name}"
                );
            }
        }
    }
    let undated = with(
        &square("payment.updated"),
        &[("/data/object/payment/updated_at", Value::Null), ("/created_at", json!("yesterday"))],
    );
    assert_eq!(refused_at(&undated), "/created_at");
}

#[test]
fn the_name_of_a_client_is_the_persons_or_else_the_companys() {
    let client = |given: Value, family: Value| {
        let event = with(
            &square("customer.updated"),
            &[
                ("/data/object/customer/given_name", given),
                ("/data/object/customer/family_name", family),
                ("/data/object/customer/company_name", json!("Acme")),
            ],
        );
        match read_value(Square, &event).event {
            Ok(NativeEvent::Client { snapshot }) => snapshot.details.name.unwrap(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(client(json!("Jo"), json!("Doe")), "Jo Doe");
    assert_eq!(client(Value::Null, json!("Doe")), "Doe");
    assert_eq!(client(Value::Null, Value::Null), "Acme");
}

/// The events of one payment, from its authorisation to two refunds, and of one client. Where times
/// are equal, the larger refunded amount or version is the later one.
fn story() -> Vec<NativeEvent> {
    let mut number = 0;
    let mut event_of = |name: &str, changes: &[(&str, Value)]| {
        number += 1;
        let event = with(&square(name), changes);
        // A later event has a smaller id, which shows that the ids do not decide.
        let event = with(&event, &[("/event_id", json!(format!("event-{}", 99 - number)))]);
        read_value(Square, &event).event.unwrap()
    };
    let refunded = |amount| {
        ("/data/object/payment/refunded_money", json!({"amount": amount, "currency": "USD"}))
    };
    let version = |count| ("/data/object/customer/version", json!(count));
    vec![
        event_of("payment.created", &[]),
        event_of("payment.updated", &[]),
        event_of("payment.updated", &[refunded(40)]),
        event_of("payment.updated", &[refunded(100)]),
        event_of("refund.created", &[]),
        event_of("refund.updated", &[]),
        event_of("customer.updated", &[version(1)]),
        event_of(
            "customer.updated",
            &[version(2), ("/data/object/customer/phone_number", json!("+1"))],
        ),
    ]
}

fn any_body() -> impl Strategy<Value = Value> {
    prop::sample::select(names("square")).prop_map(|name| square(&name))
}

proptest! {
    #[test]
    fn the_final_state_does_not_depend_on_the_order_of_arrival(
        arrivals in Just(story()).prop_shuffle()
    ) {
        let states = final_states(&arrivals);
        let states: Vec<&str> = states.values().map(String::as_str).collect();
        prop_assert_eq!(states, [
            "client A0AP25A6SCVTH8JES9BX01GXM4, jenkins+smorly@squareup.com, Jenkins Smorly, +1\n\
             version 2 2022-11-09T21:38:30Z 0 0 event-91",
            "payment hYy9pRFVxpDsO1FB05SunFWUe9JZY 1.00 USD by card at 2020-11-22T21:19:00.832Z \
             completed, refunded 1.00, order 03O3USaPaAaFnI6kkwB1JxGgBsUZY\n\
             version 0 2020-11-22T21:19:00.831Z 100 3 event-95",
            "refund KkAkhdMsgzn59SM8A89WgKwekxLZY_ptNBVqHYxt5gAdfcobBe4u1AZsXhoz06KTtuq9Ls24P \
             10.00 USD for - completed, payment KkAkhdMsgzn59SM8A89WgKwekxLZY, order -\n\
             version 0 2020-02-06T22:14:16.381Z 0 3 event-93",
        ]);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        check(Square, &body)?;
    }

    #[test]
    fn a_truncated_body_is_refused_as_a_whole(body in any_body(), end in any::<prop::sample::Index>()) {
        let body = serde_json::to_vec(&body).unwrap();
        let body = &body[..end.index(body.len())];
        check(Square, body)?;
        let delivery = tidegate_core::storefront::read(Square, &[].into(), body).unwrap();
        prop_assert_eq!(delivery.event.unwrap_err().pointer, "");
    }

    #[test]
    fn a_body_with_any_member_replaced_is_mapped_or_refused_with_a_pointer(
        topic in prop::sample::select(names("square")),
        body in any_body(),
        changes in any_changes(),
    ) {
        check(Square, &broken(body.clone(), changes.clone()))?;
        check(Square, &broken(with(&body, &[("/type", json!(topic))]), changes))?;
    }
}
