//! Tests the Stripe conversion on Stripe's own sample events and objects
//! (`tests/fixtures/SOURCES.md`).

mod payloads;
#[path = "payloads/standing.rs"]
mod standing;

use payloads::{any_changes, broken, check, describe, fixture, names, read_value, with};
use proptest::prelude::*;
use serde_json::{Value, json};
use standing::final_states;
use tidegate_core::domain::event::NativeEvent;
use tidegate_core::domain::key::PayloadFormat::StripeCheckout;

/// Every topic that has an effect, and the kind of object that its events contain.
const TOPICS: [(&str, &str); 18] = [
    ("checkout.session.completed", "checkout.session"),
    ("checkout.session.async_payment_succeeded", "checkout.session"),
    ("checkout.session.async_payment_failed", "checkout.session"),
    ("checkout.session.expired", "checkout.session"),
    ("payment_intent.succeeded", "payment_intent"),
    ("payment_intent.payment_failed", "payment_intent"),
    ("payment_intent.canceled", "payment_intent"),
    ("payment_intent.processing", "payment_intent"),
    ("charge.succeeded", "charge"),
    ("charge.captured", "charge"),
    ("charge.failed", "charge"),
    ("charge.refunded", "charge"),
    ("refund.created", "refund"),
    ("refund.updated", "refund"),
    ("refund.failed", "refund"),
    ("charge.refund.updated", "refund"),
    ("customer.created", "customer"),
    ("customer.updated", "customer"),
];

fn stripe(name: &str) -> Value {
    fixture("stripe_checkout", name)
}

fn meaning(event: &Value) -> NativeEvent {
    let delivery = read_value(StripeCheckout, event);
    delivery.event.unwrap_or_else(|refused| panic!("{refused:?}: {event}"))
}

fn described(event: &Value) -> String {
    describe(&read_value(StripeCheckout, event))
}

/// The lines of a description that begin with one of `beginnings`.
fn lines<'a>(described: &'a str, beginnings: &[&str]) -> Vec<&'a str> {
    let begins = |line: &&str| beginnings.iter().any(|beginning| line.starts_with(beginning));
    described.lines().filter(begins).collect()
}

fn refused_at(event: &Value) -> String {
    match read_value(StripeCheckout, event).event {
        Err(refused) => refused.pointer,
        Ok(event) => panic!("{event:?}"),
    }
}

/// An event around one of Stripe's sample objects.
fn wrapped(topic: &str, object: &Value) -> Value {
    json!({
        "id": "evt_1", "object": "event", "type": topic, "created": 1_700_000_000,
        "livemode": true, "data": {"object": object},
    })
}

const SNAPSHOTS: [(&str, &str); 18] = [
    (
        "charge.dispute.created",
        "charge.dispute.created from test as evt_000000000000000000000000 needs -\n\
         ignored: UnsupportedTopic",
    ),
    (
        "charge.refund.updated",
        "charge.refund.updated from test as evt_000000000000000000000000 needs payments:refund\n\
         refund re_000000000000000000000000 1.00 USD for - completed, \
         payment ch_000000000000000000000000, order -\n\
         version 0 2022-03-26T18:39:05Z 0 3 evt_000000000000000000000000",
    ),
    (
        "charge.refunded",
        "charge.refunded from test as evt_000000000000000000000000 needs payments:refund\n\
         payment ch_000000000000000000000000 1.00 USD by card at 2022-03-26T18:39:07Z completed, \
         refunded 1.00, order -\n\
         version 0 2022-03-26T18:39:09Z 100 3 evt_000000000000000000000000",
    ),
    (
        "charge.succeeded",
        "charge.succeeded from test as evt_000000000000000000000000 needs payments:write\n\
         payment pi_000000000000000000000000 20.00 USD by card at 2022-03-26T18:40:32Z completed, \
         order -\n\
         version 0 2022-03-26T18:40:32Z 0 3 evt_000000000000000000000000",
    ),
    (
        "checkout.session.completed",
        "checkout.session.completed from test as evt_000000000000000000000000 needs orders:write\n\
         order cs_test_0000000000000000000000000000000000000000000000000000000000 processing\n\
         30.00 - 0.00 + 0.00 + 0.00 = 30.00 USD\n\
         client cus_00000000000000, stripe@example.com, -, -\n\
         paid pi_000000000000000000000000 30.00 USD by card at 2022-03-26T18:39:19Z\n\
         payments [\"pi_000000000000000000000000\"]\n\
         version 0 2022-03-26T18:39:19Z 0 3 evt_000000000000000000000000",
    ),
    (
        "checkout.session.completed.basil_jpy",
        "checkout.session.completed from test as evt_1Rp92IE2YllEOQrty5bxSwY3 needs orders:write\n\
         order cs_test_a1QFLXZqOWxmolFgTrTbRywllLMKKCXtFVqWqlmjYNvd5A3sF4UztRNdAA processing\n\
         800 - 0 + 0 + 0 = 800 JPY\n\
         placed 2025-07-26T14:24:48Z\n\
         client cus_SkQpGfARLDMyiS, customer@example.com, test, -\n\
         billing test, -, -, -, -, -, -, JP, -\n\
         paid pi_3Rp92HE2YllEOQrt10Khp5XV 800 JPY by card at 2025-07-26T14:25:18Z\n\
         payments [\"pi_3Rp92HE2YllEOQrt10Khp5XV\"]\n\
         version 0 2025-07-26T14:25:18Z 0 3 evt_1Rp92IE2YllEOQrty5bxSwY3",
    ),
    (
        "checkout.session.completed.payment_mode",
        "checkout.session.completed from test as evt_00000000000000 needs orders:write\n\
         order cs_00000000000000 processing\n\
         250.00 - 0.00 + 0.00 + 0.00 = 250.00 USD\n\
         client cus_00000000000000, example@example.com, -, -\n\
         paid pi_00000000000000 250.00 USD by card at 2012-01-18T02:24:38Z\n\
         payments [\"pi_00000000000000\"]\n\
         version 0 2012-01-18T02:24:38Z 0 3 evt_00000000000000",
    ),
    (
        "customer.created",
        "customer.created from test as evt_000000000000000000000000 needs clients:write\n\
         client cus_00000000000000, -, -, -\n\
         version 0 2022-03-26T18:41:47Z 0 0 evt_000000000000000000000000",
    ),
    (
        "customer.updated",
        "customer.updated from test as evt_000000000000000000000000 needs clients:write\n\
         client cus_00000000000000, -, -, -\n\
         version 0 2022-03-26T18:41:50Z 0 1 evt_000000000000000000000000",
    ),
    (
        "invoice.paid",
        "invoice.paid from test as evt_000000000000000000000000 needs -\n\
         ignored: UnsupportedTopic",
    ),
    (
        "payment_intent.payment_failed",
        "payment_intent.payment_failed from test as evt_000000000000000000000000 \
         needs payments:write\n\
         payment pi_000000000000000000000000 20.00 USD by card at - failed, order -\n\
         version 0 2022-03-26T18:40:29Z 0 1 evt_000000000000000000000000",
    ),
    (
        "payment_intent.succeeded",
        "payment_intent.succeeded from test as evt_000000000000000000000000 needs payments:write\n\
         payment pi_000000000000000000000000 20.00 USD by card at 2022-03-26T18:40:33Z completed, \
         order -\n\
         version 0 2022-03-26T18:40:33Z 0 3 evt_000000000000000000000000",
    ),
    ("resource.charge", " from - as - needs -\nrefused: /type is missing or empty"),
    ("resource.checkout.session", " from - as - needs -\nrefused: /type is missing or empty"),
    ("resource.customer", " from - as - needs -\nrefused: /type is missing or empty"),
    (
        "resource.event",
        "plan.created from test as evt_1Pgc76B7WZ01zgkWwyRHS12y needs -\n\
         ignored: UnsupportedTopic",
    ),
    ("resource.payment_intent", " from - as - needs -\nrefused: /type is missing or empty"),
    ("resource.refund", " from - as - needs -\nrefused: /type is missing or empty"),
];

#[test]
fn each_payload_means_exactly_what_it_says() {
    assert_eq!(names("stripe_checkout"), SNAPSHOTS.map(|(name, _)| name));
    for (name, expected) in SNAPSHOTS {
        assert_eq!(described(&stripe(name)), expected, "{name}");
    }
}

#[test]
fn the_sample_objects_of_stripe_are_read_within_an_event() {
    for (topic, name, expected) in [
        (
            "charge.succeeded",
            "resource.charge",
            // The charge is authorised and not captured.
            "payment ch_1PgafuB7WZ01zgkWXYmPNZs8 1.00 USD by card at - pending, order -\n\
             version 0 2023-11-14T22:13:20Z 0 0 evt_1",
        ),
        (
            "charge.refunded",
            "resource.charge",
            "payment ch_1PgafuB7WZ01zgkWXYmPNZs8 1.00 USD by card at - cancelled, order -\n\
             version 0 2023-11-14T22:13:20Z 0 2 evt_1",
        ),
        (
            "checkout.session.completed",
            "resource.checkout.session",
            "refused: /data/object/currency is missing or empty",
        ),
        (
            "customer.updated",
            "resource.customer",
            "client cus_QXg1o8vcGmoR32, -, -, -\nversion 0 2023-11-14T22:13:20Z 0 1 evt_1",
        ),
        ("customer.deleted", "resource.customer", "client cus_QXg1o8vcGmoR32 is gone"),
        (
            "payment_intent.processing",
            "resource.payment_intent",
            "payment pi_1PgafyB7WZ01zgkWSjxsAJo3 10.99 USD by card at - pending, order -\n\
             version 0 2023-11-14T22:13:20Z 0 0 evt_1",
        ),
        (
            "payment_intent.canceled",
            "resource.payment_intent",
            "payment pi_1PgafyB7WZ01zgkWSjxsAJo3 10.99 USD by card at - cancelled, order -\n\
             version 0 2023-11-14T22:13:20Z 0 2 evt_1",
        ),
        (
            "payment_intent.succeeded",
            "resource.payment_intent",
            "refused: /data/object/status is not \"succeeded\"",
        ),
        (
            "refund.created",
            "resource.refund",
            "refund re_1Pgc72B7WZ01zgkWqPvrRrPE 1.00 USD for - completed, \
             payment ch_1PgafuB7WZ01zgkWXYmPNZs8, order -\n\
             version 0 2023-11-14T22:13:20Z 0 3 evt_1",
        ),
    ] {
        let described = described(&wrapped(topic, &stripe(name)));
        assert_eq!(described.split_once('\n').unwrap().1, expected, "{topic}");
    }
}

#[test]
fn an_object_of_another_kind_than_its_topics_is_refused() {
    for name in names("stripe_checkout") {
        let payload = stripe(&name);
        let object = payload.pointer("/data/object").unwrap_or(&payload);
        for (topic, kind) in TOPICS {
            let event = wrapped(topic, object);
            if object["object"] != kind {
                assert_eq!(refused_at(&event), "/data/object/object", "{name} as {topic}");
            }
        }
    }
}

/// A session of a connected account with every member that a shop can ask for.
fn full_session() -> Value {
    with(
        &stripe("checkout.session.completed.basil_jpy"),
        &[
            ("/account", json!("acct_1032D82eZvKYlo2C")),
            ("/livemode", json!(true)),
            ("/data/object/currency", json!("usd")),
            ("/data/object/amount_subtotal", json!(10_000)),
            ("/data/object/amount_total", json!(10_430)),
            (
                "/data/object/total_details",
                json!({"amount_discount": 1_000, "amount_shipping": 500, "amount_tax": 930}),
            ),
            ("/data/object/client_reference_id", json!("cart-7")),
            ("/data/object/metadata", json!({"gift": "yes", "$serde_json::private::Number": "1"})),
            ("/data/object/payment_method_types", json!(["card", "link"])),
            (
                "/data/object/customer_details",
                json!({
                    "name": "Zoë O'Brien", "email": "zoe@example.com", "phone": "+15555550100",
                    "business_name": "Acme & Söns",
                    "address": {
                        "line1": "969 Market", "line2": "2", "city": "New York", "state": "NY",
                        "postal_code": "10001", "country": "US",
                    },
                }),
            ),
            (
                "/data/object/collected_information",
                json!({"shipping_details": {
                    "name": "Ann Lee", "address": {"line1": "1 Elm", "country": "US"},
                }}),
            ),
        ],
    )
}

#[test]
fn no_member_of_a_session_is_lost_or_invented() {
    assert_eq!(
        described(&full_session()),
        "checkout.session.completed from acct_1032D82eZvKYlo2C/live \
         as evt_1Rp92IE2YllEOQrty5bxSwY3 needs orders:write\n\
         order cs_test_a1QFLXZqOWxmolFgTrTbRywllLMKKCXtFVqWqlmjYNvd5A3sF4UztRNdAA processing\n\
         100.00 - 10.00 + 5.00 + 9.30 = 104.30 USD\n\
         placed 2025-07-26T14:24:48Z\n\
         client cus_SkQpGfARLDMyiS, zoe@example.com, Zoë O'Brien, +15555550100\n\
         billing Zoë O'Brien, Acme & Söns, 969 Market, 2, New York, NY, 10001, US, +15555550100\n\
         shipping Ann Lee, -, 1 Elm, -, -, -, -, US, -\n\
         {\"client_reference_id\":\"cart-7\",\"gift\":\"yes\"}\n\
         paid pi_3Rp92HE2YllEOQrt10Khp5XV 104.30 USD by - at 2025-07-26T14:25:18Z\n\
         payments [\"pi_3Rp92HE2YllEOQrt10Khp5XV\"]\n\
         version 0 2025-07-26T14:25:18Z 0 3 evt_1Rp92IE2YllEOQrty5bxSwY3"
    );
}

#[test]
fn a_shipping_address_is_found_wherever_the_api_version_has_it() {
    let details = json!({"name": "Ann Lee", "address": {"line1": "1 Elm", "country": "US"}});
    let session = stripe("checkout.session.completed.payment_mode");
    for (pointer, value) in [
        ("/data/object/shipping", details.clone()),
        ("/data/object/shipping_details", details.clone()),
        ("/data/object/collected_information", json!({"shipping_details": details})),
    ] {
        let described = described(&with(&session, &[(pointer, value)]));
        let shipping = lines(&described, &["shipping"]);
        assert_eq!(shipping, ["shipping Ann Lee, -, 1 Elm, -, -, -, -, US, -"], "{pointer}");
    }
}

#[test]
fn the_status_of_an_order_follows_from_its_event_and_its_payment_status() {
    for (topic, payment_status, status, expected) in [
        ("completed", "paid", json!("complete"), "processing"),
        ("completed", "paid", Value::Null, "processing"),
        ("completed", "no_payment_required", json!("complete"), "processing"),
        ("completed", "unpaid", json!("complete"), "on_hold"),
        ("async_payment_succeeded", "paid", json!("complete"), "processing"),
        ("async_payment_failed", "unpaid", json!("complete"), "failed"),
        ("expired", "unpaid", json!("expired"), "cancelled"),
        ("completed", "paid", json!("open"), "/data/object/status"),
        ("completed", "unpaid", json!("expired"), "/data/object/status"),
        ("expired", "unpaid", json!("complete"), "/data/object/status"),
        ("async_payment_succeeded", "unpaid", json!("complete"), "/data/object/payment_status"),
        ("async_payment_failed", "paid", json!("complete"), "/data/object/payment_status"),
        ("completed", "partial", json!("complete"), "/data/object/payment_status"),
        ("completed", "", json!("complete"), "/data/object/payment_status"),
    ] {
        let event = with(
            &stripe("checkout.session.completed.basil_jpy"),
            &[
                ("/type", json!(format!("checkout.session.{topic}"))),
                ("/data/object/payment_status", json!(payment_status)),
                ("/data/object/status", status.clone()),
            ],
        );
        let case = format!("{topic} {payment_status} {status}");
        if expected.starts_with('/') {
            assert_eq!(refused_at(&event), expected, "{case}");
            continue;
        }
        let described = described(&event);
        let order = lines(&described, &["order"]);
        assert!(order[0].ends_with(expected), "{case}: {described}");
        assert_eq!(lines(&described, &["paid"]).len(), usize::from(payment_status == "paid"));
    }
}

#[test]
fn a_setup_session_is_ignored_and_the_payment_of_a_subscription_has_no_id() {
    let session = stripe("checkout.session.completed.basil_jpy");
    let setup = with(
        &session,
        &[
            ("/data/object/mode", json!("setup")),
            ("/data/object/currency", Value::Null),
            ("/data/object/amount_total", Value::Null),
        ],
    );
    assert!(described(&setup).ends_with("ignored: UnsupportedTopic"));
    let subscription = with(
        &session,
        &[
            ("/data/object/mode", json!("subscription")),
            ("/data/object/payment_intent", Value::Null),
            ("/data/object/subscription", json!("sub_1")),
        ],
    );
    assert_eq!(
        lines(&described(&subscription), &["paid", "payments"]),
        ["paid - 800 JPY by card at 2025-07-26T14:25:18Z", "payments []"]
    );
}

#[test]
fn money_is_exact_in_each_currency_or_refused() {
    let session = stripe("checkout.session.completed.basil_jpy");
    for (currency, minor, expected) in [
        ("jpy", json!(800), "800 - 0 + 0 + 0 = 800 JPY"),
        ("eur", json!(800), "8.00 - 0.00 + 0.00 + 0.00 = 8.00 EUR"),
        ("isk", json!(800), "8 - 0 + 0 + 0 = 8 ISK"),
        ("ugx", json!("800"), "8 - 0 + 0 + 0 = 8 UGX"),
        ("mga", json!(800), "800.00 - 0.00 + 0.00 + 0.00 = 800.00 MGA"),
        ("kwd", json!(800), "0.800 - 0.000 + 0.000 + 0.000 = 0.800 KWD"),
        ("isk", json!(801), "refused: /data/object/amount_total"),
        ("usd", json!(-1), "refused: /data/object/amount_total"),
        ("usd", json!(1.5), "refused: /data/object/amount_total"),
        ("usd", json!(9_007_199_254_740_992_i64), "refused: /data/object/amount_total"),
        ("usd", Value::Null, "refused: /data/object/amount_total"),
        ("xxx", json!(800), "refused: /data/object/currency"),
    ] {
        let described = described(&with(
            &session,
            &[
                ("/data/object/currency", json!(currency)),
                ("/data/object/amount_total", minor.clone()),
                ("/data/object/amount_subtotal", minor.clone()),
            ],
        ));
        assert!(described.contains(expected), "{currency} {minor}: {described}");
    }
}

#[test]
fn live_mode_test_mode_and_each_connected_account_are_separate_sources() {
    let event = stripe("payment_intent.succeeded");
    let source = |changes: &[(&str, Value)]| {
        let delivery = read_value(StripeCheckout, &with(&event, changes));
        delivery.source.ok_or_else(|| delivery.event.unwrap_err().pointer)
    };
    assert_eq!(source(&[]).as_deref(), Ok("test"));
    assert_eq!(source(&[("/livemode", json!(true))]).as_deref(), Ok("live"));
    let account = ("/account", json!("acct_1"));
    assert_eq!(source(&[account]).as_deref(), Ok("acct_1/test"));
    assert_eq!(source(&[("/livemode", Value::Null)]), Err("/livemode".to_owned()));
    assert_eq!(source(&[("/livemode", json!("true"))]), Err("/livemode".to_owned()));
}

#[test]
fn an_event_is_refused_at_the_first_member_that_is_missing_or_wrong() {
    for (pointer, value) in [
        ("/id", Value::Null),
        ("/id", json!("a b")),
        ("/id", json!("x".repeat(256))),
        ("/type", json!(["charge.succeeded"])),
        ("/created", json!("2026-11-22")),
        ("/created", Value::Null),
        ("/object", json!("v2.core.event")),
        ("/data/object/id", json!({})),
        ("/data/object/status", json!("paid")),
        ("/data/object/currency", json!("btc")),
        ("/data/object/amount", json!("1.00")),
    ] {
        let charge =
            with(&stripe("charge.succeeded"), &[("/data/object/payment_intent", Value::Null)]);
        let charge = with(&charge, &[("/data/object/amount_captured", Value::Null)]);
        assert_eq!(refused_at(&with(&charge, &[(pointer, value.clone())])), pointer, "{value}");
    }
    for body in [json!([]), json!("x"), json!(1), Value::Null, json!({})] {
        assert_eq!(refused_at(&body), "/type");
    }
}

#[test]
fn only_a_captured_amount_counts_as_paid() {
    let partial_capture = [
        ("/data/object/amount_received", json!(1_500)),
        ("/data/object/amount_captured", json!(1_500)),
    ];
    let charge = with(&stripe("charge.succeeded"), &partial_capture);
    let intent = with(&stripe("payment_intent.succeeded"), &partial_capture);
    for (event, changes, expected) in [
        (&intent, vec![], "15.00 USD by card at 2022-03-26T18:40:33Z completed"),
        (&charge, vec![], "15.00 USD by card at 2022-03-26T18:40:32Z completed"),
        (
            &charge,
            vec![("/type", json!("charge.captured")), ("/created", json!(1_700_000_000))],
            "15.00 USD by card at 2023-11-14T22:13:20Z completed",
        ),
        (&charge, vec![("/data/object/captured", json!(false))], "20.00 USD by card at - pending"),
        (
            &charge,
            vec![("/data/object/status", json!("pending"))],
            "20.00 USD by card at - pending",
        ),
        (
            &charge,
            vec![("/type", json!("charge.failed")), ("/data/object/status", json!("failed"))],
            "20.00 USD by card at - failed",
        ),
    ] {
        let described = described(&with(event, &changes));
        let expected = format!("payment pi_000000000000000000000000 {expected}, order -");
        assert!(described.contains(&expected), "{described}");
    }
    let no_refunded_amount =
        [("/type", json!("charge.refunded")), ("/data/object/amount_refunded", Value::Null)];
    assert_eq!(refused_at(&with(&charge, &no_refunded_amount)), "/data/object/amount_refunded");
}

#[test]
fn each_status_of_a_refund_is_known_and_a_refund_without_a_payment_is_refused() {
    let refund = stripe("charge.refund.updated");
    for (status, expected) in [
        ("pending", "pending"),
        ("requires_action", "pending"),
        ("succeeded", "completed"),
        ("failed", "failed"),
        ("canceled", "cancelled"),
    ] {
        let changes = [
            ("/data/object/status", json!(status)),
            ("/data/object/payment_intent", json!("pi_1")),
            ("/data/object/reason", json!("duplicate")),
        ];
        let described = described(&with(&refund, &changes));
        let expected = format!("1.00 USD for duplicate {expected}, payment pi_1, order -");
        assert!(described.contains(&expected), "{described}");
    }
    assert_eq!(
        refused_at(&with(&refund, &[("/data/object/status", json!("done"))])),
        "/data/object/status"
    );
    assert_eq!(
        refused_at(&with(&refund, &[("/data/object/charge", Value::Null)])),
        "/data/object/charge"
    );
}

/// The events of one order that is paid by a slow method and then refunded in two parts, both in the
/// same second.
fn story() -> Vec<NativeEvent> {
    let session = with(
        &stripe("checkout.session.completed.basil_jpy"),
        &[("/created", json!(1_000)), ("/data/object/payment_status", json!("unpaid"))],
    );
    let event_of = |id: &str, topic: &str, created: u32, event: &Value| {
        let changes = [("/id", json!(id)), ("/type", json!(topic)), ("/created", json!(created))];
        meaning(&with(event, &changes))
    };
    let paid = with(&session, &[("/data/object/payment_status", json!("paid"))]);
    let intent = stripe("payment_intent.succeeded");
    let processing = with(&intent, &[("/data/object/status", json!("processing"))]);
    let charge = stripe("charge.succeeded");
    let part = with(&charge, &[("/data/object/amount_refunded", json!(500))]);
    let whole = with(&charge, &[("/data/object/amount_refunded", json!(2_000))]);
    let refund = stripe("charge.refund.updated");
    let pending = with(&refund, &[("/data/object/status", json!("pending"))]);
    let customer = stripe("customer.updated");
    let named = with(&customer, &[("/data/object/name", json!("Zoë"))]);
    vec![
        event_of("evt_z", "customer.created", 1_000, &customer),
        event_of("evt_a", "customer.updated", 1_000, &named),
        event_of("evt_y", "checkout.session.completed", 1_000, &session),
        event_of("evt_b", "checkout.session.async_payment_succeeded", 1_000, &paid),
        event_of("evt_x", "payment_intent.processing", 1_000, &processing),
        event_of("evt_d", "payment_intent.succeeded", 1_000, &intent),
        event_of("evt_c", "charge.succeeded", 1_000, &charge),
        event_of("evt_w", "charge.refunded", 2_000, &part),
        event_of("evt_e", "charge.refunded", 2_000, &whole),
        event_of("evt_v", "refund.created", 2_000, &pending),
        event_of("evt_f", "refund.updated", 2_000, &refund),
    ]
}

fn any_body() -> impl Strategy<Value = Value> {
    prop::sample::select(names("stripe_checkout")).prop_map(|name| stripe(&name))
}

proptest! {
    #[test]
    fn the_final_state_does_not_depend_on_the_order_of_arrival(
        arrivals in Just(story()).prop_shuffle(),
        again in any::<prop::sample::Index>(),
    ) {
        let mut arrivals = arrivals;
        arrivals.push(arrivals[again.index(arrivals.len())].clone());
        let states = final_states(&arrivals);
        let lines: Vec<&str> = states.values().flat_map(|state| state.lines()).collect();
        prop_assert_eq!(lines, [
            "client cus_00000000000000, -, Zoë, -",
            "version 0 1970-01-01T00:16:40Z 0 1 evt_a",
            "order cs_test_a1QFLXZqOWxmolFgTrTbRywllLMKKCXtFVqWqlmjYNvd5A3sF4UztRNdAA processing",
            "800 - 0 + 0 + 0 = 800 JPY",
            "placed 2025-07-26T14:24:48Z",
            "client cus_SkQpGfARLDMyiS, customer@example.com, test, -",
            "billing test, -, -, -, -, -, -, JP, -",
            "paid pi_3Rp92HE2YllEOQrt10Khp5XV 800 JPY by card at 1970-01-01T00:16:40Z",
            "payments [\"pi_3Rp92HE2YllEOQrt10Khp5XV\"]",
            "version 0 1970-01-01T00:16:40Z 0 3 evt_b",
            "payment pi_000000000000000000000000 20.00 USD by card at 2022-03-26T18:40:32Z \
             completed, refunded 20.00, order -",
            "version 0 1970-01-01T00:33:20Z 2000 3 evt_e",
            "refund re_000000000000000000000000 1.00 USD for - completed, \
             payment ch_000000000000000000000000, order -",
            "version 0 1970-01-01T00:33:20Z 0 3 evt_f",
        ]);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        check(StripeCheckout, &body)?;
    }

    #[test]
    fn a_truncated_body_is_refused_as_a_whole(body in any_body(), end in any::<prop::sample::Index>()) {
        let body = serde_json::to_vec(&body).unwrap();
        let body = &body[..end.index(body.len())];
        check(StripeCheckout, body)?;
        let delivery = tidegate_core::storefront::read(StripeCheckout, &[].into(), body).unwrap();
        prop_assert_eq!(delivery.event.unwrap_err().pointer, "");
    }

    #[test]
    fn a_body_with_any_member_replaced_is_mapped_or_refused_with_a_pointer(
        (topic, _) in prop::sample::select(TOPICS.to_vec()),
        body in any_body(),
        changes in any_changes(),
    ) {
        let object = body.pointer("/data/object").unwrap_or(&body).clone();
        check(StripeCheckout, &broken(body, changes.clone()))?;
        check(StripeCheckout, &broken(wrapped(topic, &object), changes))?;
    }
}
