//! Tests the conversion of BigCommerce's and Squarespace's events, which only name the resource that
//! changed, on the bodies in their documentation (`tests/fixtures/SOURCES.md`).

mod payloads;

use payloads::{any_changes, broken, check, describe, fixture, names, read_value, with};
use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate_core::domain::headers::Headers;
use tidegate_core::domain::key::PayloadFormat::{self, BigCommerce, Squarespace};
use tidegate_core::storefront::read;

fn described(format: PayloadFormat, event: &Value) -> String {
    describe(&read_value(format, event))
}

fn refused_at(format: PayloadFormat, event: &Value) -> String {
    match read_value(format, event).event {
        Err(refused) => refused.pointer,
        Ok(event) => panic!("{event:?}"),
    }
}

#[test]
fn each_payload_of_bigcommerce_means_exactly_what_it_says() {
    // The documentation has the same body for all three events of a client, whatever the file's name.
    const CLIENT: &str = "store/customer/created from stores/{store_hash} as - needs clients:write\n\
         client 32, no details";
    let order = |scope: &str| {
        format!(
            "store/order/{scope} from stores/{{store_hash}} as - needs orders:write\n\
             order 250, no details"
        )
    };
    let snapshots = [
        ("store_customer_created", CLIENT.to_owned()),
        ("store_customer_deleted", CLIENT.to_owned()),
        ("store_customer_updated", CLIENT.to_owned()),
        ("store_order_archived", order("archived")),
        ("store_order_created", order("created")),
        ("store_order_refund_created", order("refund/created")),
        ("store_order_statusUpdated", order("statusUpdated")),
        ("store_order_updated", order("updated")),
    ];
    assert_eq!(names("bigcommerce"), snapshots.clone().map(|(name, _)| name));
    for (name, expected) in snapshots {
        assert_eq!(described(BigCommerce, &fixture("bigcommerce", name)), expected, "{name}");
    }
}

#[test]
fn each_payload_of_squarespace_means_exactly_what_it_says() {
    assert_eq!(names("squarespace"), ["order.create", "order.update"]);
    for name in names("squarespace") {
        assert_eq!(
            described(Squarespace, &fixture("squarespace", &name)),
            format!(
                "{name} from 5f3c3d55ac435e1a051f77b3 as 5c2ba184b63ed3cb411ce2b1 \
                 needs orders:write\n\
                 order 5f3c39ce69e11e796f19990e, no details"
            )
        );
    }
}

/// The bodies are from bigcommerce/docs, 'Webhook events' and docs/webhooks/callbacks.
#[test]
fn each_scope_of_bigcommerce_is_read_as_its_order_or_client_or_is_ignored() {
    for (scope, data, expected) in [
        ("order/message/created", json!({"type": "order", "id": 250}), "order 250, no details"),
        (
            "order/transaction/created",
            json!({"type": "transaction", "order_id": 250, "transaction_id": "176342342"}),
            "order 250, no details",
        ),
        (
            "order/transaction/updated",
            json!({"type": "transaction", "order_id": "250", "transaction_id": "1"}),
            "order 250, no details",
        ),
        ("customer/updated", json!({"type": "customer", "id": 32}), "client 32, no details"),
        (
            "customer/payment/instrument/default/updated",
            json!({"type": "customer", "id": 32}),
            "client 32, no details",
        ),
        (
            "customer/address/deleted",
            json!({"type": "customer", "id": 60, "address": {"customer_id": 32}}),
            "client 32, no details",
        ),
        (
            "customer/channel/login/access/updated",
            json!({"customer_id": 32, "channel_ids": [1]}),
            "client 32, no details",
        ),
        ("customer/deleted", json!({"type": "customer", "id": 32}), "client 32 is gone"),
        (
            "order/metafield/created",
            json!({"type": "metafield", "metafield_id": 1, "resource_id": "250"}),
            "ignored: UnsupportedTopic",
        ),
        ("product/updated", json!({"type": "product", "id": 205}), "ignored: UnsupportedTopic"),
        ("app/uninstalled", json!({"type": "store"}), "ignored: UnsupportedTopic"),
    ] {
        let event = with(
            &fixture("bigcommerce", "store_order_created"),
            &[("/scope", json!(format!("store/{scope}"))), ("/data", data)],
        );
        let described = described(BigCommerce, &event);
        assert_eq!(described.split_once('\n').unwrap().1, expected, "{scope}");
    }
}

#[test]
fn a_body_that_does_not_name_the_resource_of_its_topic_is_refused() {
    let order = fixture("bigcommerce", "store_order_created");
    for (scope, data, pointer) in [
        ("store/order/created", json!({"type": "customer", "id": 32}), "/data/type"),
        ("store/order/created", json!({"type": "order"}), "/data/id"),
        ("store/order/created", json!({"type": "order", "id": 2.5}), "/data/id"),
        ("store/order/created", json!({"type": "order", "id": "x"}), "/data/id"),
        ("store/order/transaction/created", json!({"type": "transaction"}), "/data/order_id"),
        ("store/customer/deleted", json!({"type": "order", "id": 250}), "/data/type"),
        (
            "store/customer/address/created",
            json!({"type": "customer", "id": 60}),
            "/data/address/customer_id",
        ),
        ("store/order/created", json!([]), "/data/type"),
    ] {
        let event = with(&order, &[("/scope", json!(scope)), ("/data", data.clone())]);
        assert_eq!(refused_at(BigCommerce, &event), pointer, "{scope} {data}");
    }
    for pointer in ["/producer", "/scope"] {
        for value in [Value::Null, json!(""), json!("a b"), json!({})] {
            assert_eq!(refused_at(BigCommerce, &with(&order, &[(pointer, value)])), pointer);
        }
    }
    let order = fixture("squarespace", "order.update");
    for pointer in ["/id", "/websiteId", "/topic", "/data/orderId"] {
        for value in [Value::Null, json!(""), json!("a b"), json!({}), json!("x".repeat(256))] {
            assert_eq!(refused_at(Squarespace, &with(&order, &[(pointer, value)])), pointer);
        }
    }
}

#[test]
fn ids_too_large_for_a_float_are_read_exactly() {
    let order = fixture("bigcommerce", "store_order_created");
    for id in ["9007199254740993", "18446744073709551615"] {
        let body = serde_json::to_string(&order).unwrap().replace("250", id);
        let delivery = read(BigCommerce, &Headers::default(), body.as_bytes()).unwrap();
        assert!(describe(&delivery).ends_with(&format!("order {id}, no details")));
    }
}

#[test]
fn a_header_identifies_a_delivery_of_bigcommerce() {
    let body = serde_json::to_vec(&fixture("bigcommerce", "store_order_created")).unwrap();
    let headers = Headers::from([("webhook-id", "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W")]);
    let delivery = read(BigCommerce, &headers, &body).unwrap();
    assert_eq!(delivery.delivery_id.as_deref(), Some("msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"));
}

#[test]
fn unsupported_topics_of_squarespace_are_ignored() {
    let uninstalled = json!({
        "id": "5c2ba184b63ed3cb411ce2b1", "websiteId": "5f3c3d55ac435e1a051f77b3",
        "subscriptionId": "5f3c2155d947844beedda991", "topic": "extension.uninstall",
        "createdOn": "2020-04-22T22:18+00:00", "data": {},
    });
    assert_eq!(
        described(Squarespace, &uninstalled),
        "extension.uninstall from 5f3c3d55ac435e1a051f77b3 as 5c2ba184b63ed3cb411ce2b1 needs -\n\
         ignored: UnsupportedTopic"
    );
}

fn any_body() -> impl Strategy<Value = (PayloadFormat, Value)> {
    let bodies_of = |format, sender: &'static str| {
        names(sender).into_iter().map(move |name| (format, fixture(sender, &name)))
    };
    let bodies = bodies_of(BigCommerce, "bigcommerce").chain(bodies_of(Squarespace, "squarespace"));
    prop::sample::select(bodies.collect::<Vec<_>>())
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        check(BigCommerce, &body)?;
        check(Squarespace, &body)?;
    }

    #[test]
    fn a_truncated_body_is_refused_as_a_whole(
        (format, body) in any_body(),
        end in any::<prop::sample::Index>(),
    ) {
        let body = serde_json::to_vec(&body).unwrap();
        let body = &body[..end.index(body.len())];
        check(format, body)?;
        let delivery = read(format, &Headers::default(), body).unwrap();
        prop_assert_eq!(delivery.event.unwrap_err().pointer, "");
    }

    #[test]
    fn a_body_with_any_member_replaced_is_mapped_or_refused_with_a_pointer(
        (format, body) in any_body(),
        changes in any_changes(),
    ) {
        check(format, &broken(body, changes))?;
    }
}
