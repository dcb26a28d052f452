//! Tests the Shopify conversion on Shopify's own examples (`tests/fixtures/SOURCES.md`).

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

const ORDER_TOPICS: [&str; 6] = [
    "orders/create",
    "orders/updated",
    "orders/paid",
    "orders/cancelled",
    "orders/fulfilled",
    "orders/partially_fulfilled",
];
const CLIENT_TOPICS: [&str; 4] =
    ["customers/create", "customers/update", "customers/enable", "customers/disable"];
const OTHER_TOPICS: [&str; 3] = ["orders/delete", "customers/delete", "refunds/create"];

const ORDERS: [&str; 8] = [
    "orders_cancelled.partially_refunded",
    "orders_cancelled.refunded",
    "orders_create.paid",
    "orders_create.paid_discount",
    "orders_create.paid_tax",
    "orders_create.partially_paid",
    "orders_create.pending",
    "orders_updated.partially_refunded",
];

fn read(topic: &str, body: &[u8]) -> ParsedDelivery {
    let headers = Headers::from([("x-shopify-topic", topic)]);
    storefront::read(PayloadFormat::Shopify, &headers, body).unwrap()
}

fn json_of(name: &str) -> Value {
    serde_json::from_slice(&fixture(&format!("shopify/{name}.json"))).unwrap()
}

fn read_json(topic: &str, body: &Value) -> ParsedDelivery {
    read(topic, &serde_json::to_vec(body).unwrap())
}

/// `orders_create.paid_tax`, the simplest example, with these members replaced or added.
fn with(members: Value) -> Value {
    let mut order = json_of("orders_create.paid_tax");
    if let (Value::Object(order), Value::Object(members)) = (&mut order, members) {
        order.extend(members);
    }
    order
}

fn snapshot_of(members: Value) -> OrderSnapshot {
    order_of(read_json("orders/updated", &with(members)))
}

fn refused_at(topic: &str, body: &Value) -> String {
    read_json(topic, body).event.unwrap_err().pointer
}

#[test]
fn each_example_order_means_exactly_what_shopify_says() {
    const ORDER_1001: &str = "placed 2008-01-10T16:00:00Z\
        \nby 207119551, Bob Norman, bob.norman@mail.example.com, +557734881234\
        \nbill Bob Norman, Chestnut Street 92, Louisville, KY, 40202, US, +1(502)-459-2181\
        \nship Bob Norman, Chestnut Street 92, Louisville, KY, 40202, US, +1(502)-459-2181\
        \nlines 597.00 - discount 10.00 + shipping 0.00 + fees 0.00 + tax 11.94\
        \n466157049 IPOD2008GREEN \"IPod Nano - 8gb - green\": 1 x 199.00 - 3.34 = 195.66 + 3.98\
        \n518995019 IPOD2008RED \"IPod Nano - 8gb - red\": 1 x 199.00 - 3.33 = 195.67 + 3.98\
        \n703073504 IPOD2008BLACK \"IPod Nano - 8gb - black\": 1 x 199.00 - 3.33 = 195.67 + 3.98";
    const METADATA: &str = "{\"custom engraving\":\"Happy Birthday\",\"colour\":\"green\"}";
    const JANE: &str = "\
        \nbill John Smith, 123 Fake Street, Fakecity, ON, K2P 1L4, CA, 555-555-5555\
        \nship Jane Smith, 123 Fake Street, Fakecity, ON, K2P 1L4, CA, 777-777-7777";
    const PLAIN: &str = "\nlines 199.00 - discount 0.00 + shipping 0.00 + fees 0.00 + tax 0.00";
    const TOUCH: &str =
        "IPOD2009BLACK \"IPod Touch 8GB - Black\": 1 x 199.00 - 0.00 = 199.00 + 0.00";
    let order_1001 = |status: &str, modified: &str, paid: &str, refund: &str| {
        format!(
            "450789469 (#1001) {status} 598.94 USD, modified {modified} #0, {ORDER_1001}\
             \npaid - {paid} by bogus at -\nrefunded {refund}\n{METADATA}"
        )
    };
    let partial_refund = "509562969 209.00 for it broke during shipping";
    for (name, expected) in [
        (
            "orders_cancelled.partially_refunded",
            order_1001("cancelled", "2025-04-02T16:31:25Z", "408.65", partial_refund),
        ),
        (
            "orders_updated.partially_refunded",
            order_1001("processing", "2008-01-10T16:00:00Z", "408.65", partial_refund),
        ),
        (
            "orders_cancelled.refunded",
            order_1001(
                "cancelled",
                "2025-04-02T16:31:21Z",
                "598.94",
                "929361465 10.00 for Order canceled",
            ),
        ),
        (
            "orders_create.paid",
            format!(
                "1073459972 (#1002) completed 199.00 USD, modified 2025-04-02T16:31:05Z #0, \
                 placed 2025-04-02T16:31:05Z\nby 1073339470, -, foo@example.com, -{PLAIN}\
                 \n1071823184 {TOUCH}\npaid - 199.00 by - at -"
            ),
        ),
        (
            "orders_create.paid_discount",
            format!(
                "1073459981 (#1002) processing 181.09 USD, modified 2025-04-02T16:31:38Z #0, \
                 placed 2025-04-02T16:31:38Z\
                 \nby 1073339475, John Smith, jane@example.com, +18885551234{JANE}\
                 \nlines 199.00 - discount 17.91 + shipping 0.00 + fees 0.00 + tax 0.00\
                 \n1071823193 IPOD2009BLACK \"IPod Touch 8GB - Black\": \
                 1 x 199.00 - 17.91 = 181.09 + 0.00\npaid - 181.09 by - at -"
            ),
        ),
        (
            "orders_create.paid_tax",
            "1073459976 (#1002) processing 238.47 EUR, modified 2025-04-02T16:31:26Z #0, \
             placed 2025-04-02T16:31:26Z\
             \nlines 224.97 - discount 0.00 + shipping 0.00 + fees 0.00 + tax 13.50\
             \n1071823188 - \"Big Brown Bear Boots\": 3 x 74.99 - 0.00 = 224.97 + 13.50\
             \npaid - 238.47 by - at -"
                .to_owned(),
        ),
        (
            "orders_create.partially_paid",
            format!(
                "1073459980 (#1002) on_hold 199.00 USD, modified 2025-04-02T16:31:36Z #0, \
                 placed 2025-04-02T16:31:36Z\
                 \nby 1073339474, John Smith, jane@example.com, 555-555-5555{JANE}{PLAIN}\
                 \n1071823192 {TOUCH}\npaid - 50.00 by - at -"
            ),
        ),
        (
            "orders_create.pending",
            format!(
                "1073459983 (#1002) pending 199.00 USD, modified 2025-04-02T16:31:40Z #0, \
                 placed 2025-04-02T16:31:40Z\
                 \nby 207119551, Bob Norman, bob.norman@mail.example.com, +16136120707{PLAIN}\
                 \n1071823195 {TOUCH}"
            ),
        ),
    ] {
        for topic in ORDER_TOPICS {
            let delivery = read(topic, &fixture(&format!("shopify/{name}.json")));
            assert_eq!(describe(&delivery), expected, "{name}");
            assert_eq!(delivery.subject, Subject::Order);
        }
    }
}

#[test]
fn an_order_of_an_old_api_version_is_read_although_it_lacks_members() {
    let old = &json_of("rest_order.wrapped")["order"];
    assert_eq!(
        describe(&read_json("orders/create", old)),
        "450789469 (#1001) on_hold 409.94 USD, modified 2008-01-10T16:00:00Z #0, \
         placed 2008-01-10T16:00:00Z\
         \nby 207119551, Bob Norman, bob.norman@hostmail.com, 555-625-1199\
         \nbill Bob Norman, Chestnut Street 92, Louisville, KY, 40202, US, 555-625-1199\
         \nship Bob Norman, Chestnut Street 92, Louisville, KY, 40202, US, 555-625-1199\
         \nlines 398.00 - discount 0.00 + shipping 0.00 + fees 0.00 + tax 11.94\
         \n466157049 IPOD2008GREEN \"IPod Nano - 8gb - green\": 1 x 199.00 - 0.00 = 199.00 + 0.00\
         \n518995019 IPOD2008RED \"IPod Nano - 8gb - red\": 1 x 199.00 - 0.00 = 199.00 + 0.00\
         \n703073504 IPOD2008BLACK \"IPod Nano - 8gb - black\": 1 x 199.00 - 0.00 = 199.00 + 0.00\
         \n{\"custom engraving\":\"Happy Birthday\",\"colour\":\"green\"}"
    );
}

#[test]
fn each_example_refund_and_client_means_exactly_what_shopify_says() {
    for (topic, body, expected) in [
        (
            "refunds/create",
            json_of("refunds_create"),
            "refund 929361472 of order 450789469: completed 41.94 USD for wrong size, \
             modified 2025-04-02T16:38:34Z",
        ),
        (
            "refunds/create",
            json_of("rest_refund.wrapped")["refund"].clone(),
            "refund 509562969 of order 450789469: completed 209.00 USD for it broke during \
             shipping, modified 2016-06-20T17:35:06Z",
        ),
        (
            "customers/create",
            json_of("customers_create"),
            "client 207119551, Bob Norman, bob.norman@mail.example.com, +16136120707, \
             modified 2025-04-02T16:25:58Z",
        ),
        (
            "customers/disable",
            json_of("rest_customer.wrapped")["customer"].clone(),
            "client 207119551, Bob Norman, bob.norman@hostmail.com, 555-625-1199, \
             modified 2015-05-27T22:11:24Z",
        ),
    ] {
        assert_eq!(describe(&read_json(topic, &body)), expected);
    }
}

#[test]
fn a_separate_transaction_is_ignored_because_it_would_count_the_same_money_twice() {
    let delivery =
        read_json("order_transactions/create", &json_of("rest_transaction.wrapped")["transaction"]);
    let reason = Ignored::UnsupportedTopic;
    assert_eq!(delivery.event, Ok(NativeEvent::Ignored { reason }));
    assert_eq!(delivery.subject, Subject::Other);
}

#[test]
fn every_status_of_shopify_is_known_and_any_other_is_refused() {
    let status = |members| snapshot_of(members).content.status;
    for (financial, open, fulfilled) in [
        ("pending", OrderStatus::Pending, OrderStatus::Pending),
        ("authorized", OrderStatus::OnHold, OrderStatus::OnHold),
        ("partially_paid", OrderStatus::OnHold, OrderStatus::OnHold),
        ("paid", OrderStatus::Processing, OrderStatus::Completed),
        ("partially_refunded", OrderStatus::Processing, OrderStatus::Completed),
        ("refunded", OrderStatus::Refunded, OrderStatus::Refunded),
        ("voided", OrderStatus::Cancelled, OrderStatus::Cancelled),
        ("expired", OrderStatus::Failed, OrderStatus::Failed),
    ] {
        for fulfillment in [json!(null), json!("partial"), json!("restocked")] {
            let members = json!({"financial_status": financial, "fulfillment_status": fulfillment});
            assert_eq!(status(members), open, "{financial}");
        }
        let members = json!({"financial_status": financial, "fulfillment_status": "fulfilled"});
        assert_eq!(status(members), fulfilled, "{financial}");
        let members =
            json!({"financial_status": financial, "cancelled_at": "2026-11-25T00:00:00Z"});
        assert_eq!(status(members), OrderStatus::Cancelled, "{financial}");
    }
    for financial in [json!("Paid"), json!("shipped"), json!(null), json!(7), json!({})] {
        let body = with(json!({"financial_status": financial}));
        assert_eq!(refused_at("orders/paid", &body), "/financial_status");
    }
}

#[test]
fn a_test_notification_becomes_a_cancelled_order_that_is_marked_as_a_test() {
    let delivery = read_json(
        "orders/create",
        &with(json!({
            "id": serde_json::from_str::<Value>("820982911946154508").unwrap(),
            "admin_graphql_api_id": "gid://shopify/Order/820982911946154508",
            "test": true, "cancelled_at": "2021-12-31T19:00:00-05:00",
            "financial_status": "voided", "fulfillment_status": null,
        })),
    );
    let snapshot = order_of(delivery);
    assert_eq!(snapshot.content.external_id.as_deref(), Some("820982911946154508"));
    assert_eq!(snapshot.content.status, OrderStatus::Cancelled);
    assert_eq!((snapshot.payments, snapshot.refunds), (vec![], vec![]));
    assert_eq!(Value::Object(snapshot.content.metadata), json!({"shopify_test": true}));
}

#[test]
fn ids_too_large_for_a_float_are_read_exactly() {
    let number = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let mut body = with(
        json!({"id": number("9007199254740993"), "customer": {"id": number("18446744073709551615")}}),
    );
    body["line_items"][0]["id"] = number("866550311766439021");
    let content = order_of(read_json("orders/create", &body)).content;
    assert_eq!(content.external_id.as_deref(), Some("9007199254740993"));
    assert_eq!(content.client.unwrap().external_id.as_deref(), Some("18446744073709551615"));
    assert_eq!(content.lines[0].external_id.as_deref(), Some("866550311766439021"));

    let mut refund = json_of("refunds_create");
    refund["id"] = number("890088186047892319");
    refund["order_id"] = number("820982911946154509");
    let text = describe(&read_json("refunds/create", &refund));
    assert!(text.starts_with("refund 890088186047892319 of order 820982911946154509: "), "{text}");

    let deleted = read("orders/delete", b"{\"id\":820982911946154509}");
    assert_eq!(describe(&deleted), "order 820982911946154509 deleted");
    for id in ["18446744073709551616", "8.2e17", "-1", "1.0", "\"gid://shopify/Order/1\""] {
        let refused = refused_at("orders/delete", &json!({"id": number(id)}));
        assert_eq!(refused, "/id", "{id}");
    }
}

#[test]
fn the_paid_amount_is_the_settled_total_plus_refunds_and_at_most_the_original_total() {
    // Cases of an order of 100.00: its status, current total, outstanding amount and refunds, and the
    // expected paid amount.
    for (financial, current, outstanding, refunds, paid) in [
        ("pending", "100.00", "100.00", vec![], None),
        ("authorized", "100.00", "100.00", vec![], None),
        ("voided", "100.00", "0.00", vec![], None),
        ("partially_paid", "100.00", "60.00", vec![], Some(4_000)),
        ("partially_paid", "100.00", "100.00", vec![], None),
        ("paid", "100.00", "0.00", vec![], Some(10_000)),
        // An app created it as paid.
        ("paid", "100.00", "100.00", vec![], Some(10_000)),
        // An item was removed from the order before it was paid.
        ("paid", "70.00", "0.00", vec![], Some(7_000)),
        // An item was returned, and its price is still owed to the buyer.
        ("paid", "70.00", "-30.00", vec![], Some(10_000)),
        ("partially_refunded", "70.00", "0.00", vec!["30.00"], Some(10_000)),
        // Money was given back without a return.
        ("partially_refunded", "100.00", "0.00", vec!["5.00", "2.50"], Some(10_000)),
        ("refunded", "0.00", "0.00", vec!["30.00", "70.00"], Some(10_000)),
        ("refunded", "100.00", "0.00", vec!["100.00"], Some(10_000)),
    ] {
        let refunds: Vec<_> = refunds
            .iter()
            .enumerate()
            .map(|(index, amount)| {
                json!({"id": index + 1, "transactions": [{
                    "kind": "refund", "status": "success", "amount": amount, "currency": "EUR",
                }]})
            })
            .collect();
        let snapshot = snapshot_of(json!({
            "financial_status": financial, "total_price": "100.00",
            "current_total_price": current, "total_outstanding": outstanding, "refunds": refunds,
        }));
        let actual = snapshot.payments.first().map(|payment| payment.amount.minor());
        assert_eq!(actual, paid, "{financial} {current} {outstanding}");
        assert_eq!(snapshot.version.refunds as usize, refunds.len());
    }
}

#[test]
fn tax_is_taken_out_of_prices_that_include_it() {
    let text = summary(&snapshot_of(json!({
        "taxes_included": true, "total_price": "126.00", "current_total_price": "126.00",
        "total_line_items_price": "120.00", "total_discounts": "6.00", "total_tax": "21.00",
        "total_shipping_price_set": {"shop_money": {"amount": "12.00", "currency_code": "EUR"}},
        "shipping_lines": [{"price": "12.00", "tax_lines": [{"price": "2.00"}]}],
        "line_items": [{
            "id": 1, "name": "Boots", "quantity": 2, "price": "60.00",
            "discount_allocations": [{"amount": "4.00"}, {"amount": "2.00"}],
            "tax_lines": [{"price": "12.00"}, {"price": "7.00"}],
        }],
    })));
    assert_eq!(
        text.lines().skip(1).collect::<Vec<_>>(),
        [
            "lines 101.00 - discount 6.00 + shipping 10.00 + fees 0.00 + tax 21.00",
            "1 - \"Boots\": 2 x 50.50 - 6.00 = 95.00 + 19.00",
            "paid - 126.00 by - at -",
        ]
    );
}

#[test]
fn tips_duties_and_additional_fees_are_fees() {
    let set = |amount: &str| json!({"shop_money": {"amount": amount, "currency_code": "EUR"}});
    let totals = snapshot_of(json!({
        "total_tip_received": "3.00", "original_total_duties_set": set("1.50"),
        "original_total_additional_fees_set": set("0.25"),
    }))
    .content
    .totals;
    assert_eq!(totals.fee_total.minor(), 475);
}

#[test]
fn a_line_that_an_edit_removed_is_left_out_and_any_other_invalid_quantity_is_refused() {
    let line =
        |quantity: Value| json!({"id": 1, "name": "Boots", "quantity": quantity, "price": "1.00"});
    let lines = json!({"line_items": [line(json!(0)), line(json!(2))]});
    assert_eq!(snapshot_of(lines).content.lines.len(), 1);
    for quantity in [json!(-1), json!(null), json!("two"), json!(0.0001), json!([1])] {
        let body = with(json!({"line_items": [line(json!(1)), line(quantity)]}));
        assert_eq!(refused_at("orders/create", &body), "/line_items/1/quantity");
    }
}

#[test]
fn charges_and_refunds_must_be_exact_and_sums_stay_in_range() {
    for (members, pointer) in [
        (json!({"total_price": "1.005"}), "/total_price"),
        (json!({"total_price": ""}), "/total_price"),
        (json!({"total_price": "90071992547409.92"}), "/total_price"),
        (json!({"currency": "XTS"}), "/currency"),
        (json!({"current_total_price": "1.005"}), "/current_total_price"),
        (json!({"updated_at": "2026-11-25T00:00:00"}), "/updated_at"),
        (
            json!({"line_items": [{"quantity": 1000000, "price": "90000000000000.00"}]}),
            "/line_items/0",
        ),
        (
            json!({"shipping_lines": [{"price": "9e13"}, {"price": "9e13"}],
                "total_shipping_price_set": null}),
            "/shipping_lines",
        ),
        (
            json!({"refunds": [{"id": 1, "transactions": [
                {"kind": "refund", "status": "success", "amount": "0.005", "currency": "EUR"}]}]}),
            "/refunds/0/transactions/0/amount",
        ),
        (
            json!({"refunds": [{"id": 1, "transactions": [
                {"kind": "refund", "status": "gone", "amount": "0.5", "currency": "EUR"}]}]}),
            "/refunds/0/transactions/0/status",
        ),
    ] {
        assert_eq!(refused_at("orders/updated", &with(members.clone())), pointer, "{members}");
    }
}

#[test]
fn a_refund_in_the_buyers_currency_counts_at_the_rate_of_its_order() {
    let order = |amount: &str, currency: &str, presented_total: &str| {
        with(json!({
            "total_price": "238.47",
            "total_price_set": {
                "shop_money": {"amount": "238.47", "currency_code": "EUR"},
                "presentment_money": {"amount": presented_total, "currency_code": "JPY"},
            },
            "refunds": [{"id": 7, "transactions": [
                {"kind": "refund", "status": "success", "amount": amount, "currency": currency},
            ]}],
        }))
    };
    let refunded =
        |body: &Value| order_of(read_json("orders/updated", body)).refunds[0].amount.minor();
    assert_eq!(refunded(&order("40000", "JPY", "40000")), 23_847);
    assert_eq!(refunded(&order("10000", "JPY", "40000")), 5_962);
    assert_eq!(refunded(&order("1", "JPY", "40000")), 1);
    assert_eq!(refunded(&order("10.00", "EUR", "40000")), 1_000);
    let set = "/total_price_set/presentment_money";
    for (body, pointer) in [
        (order("10.00", "USD", "40000"), format!("{set}/currency_code")),
        (order("10000", "JPY", "0"), format!("{set}/amount")),
        (order("10000", "JPY", "-1"), format!("{set}/amount")),
    ] {
        assert_eq!(refused_at("orders/updated", &body), pointer);
    }
    // The refund's own event is ignored, so that the refund does not count twice.
    let mut refund = json_of("refunds_create");
    refund["transactions"][0]["amount"] = json!("4194");
    refund["transactions"][0]["currency"] = json!("JPY");
    assert!(describe(&read_json("refunds/create", &refund)).starts_with("Ignored"));
}

#[test]
fn a_refund_event_counts_what_succeeded_once_nothing_of_it_is_pending() {
    let refund = |transactions: &[(&str, &str, &str)]| {
        let mut body = json_of("refunds_create");
        let list = transactions.iter().map(|(kind, status, amount)| {
            json!({"kind": kind, "status": status, "amount": amount, "currency": "USD"})
        });
        body["transactions"] = list.collect();
        describe(&read_json("refunds/create", &body))
    };
    for (transactions, expected) in [
        (vec![("refund", "success", "1.00"), ("refund", "success", "2.00")], "completed 3.00 USD"),
        (vec![("refund", "failure", "1.00"), ("refund", "success", "2.00")], "completed 2.00 USD"),
        (vec![("void", "success", "9.00"), ("refund", "success", "-2.00")], "completed 2.00 USD"),
        (vec![("refund", "pending", "1.00"), ("refund", "success", "2.00")], "Ignored"),
        (vec![("refund", "pending", "1.00")], "Ignored"),
        (vec![("refund", "failure", "1.00"), ("refund", "error", "2.00")], "Ignored"),
        (vec![("void", "success", "9.00")], "Ignored"),
        (vec![], "Ignored"),
    ] {
        let text = refund(&transactions);
        assert!(text.contains(expected), "{text}");
    }
    let mut mixed = json_of("refunds_create");
    let mut other = mixed["transactions"][0].clone();
    other["currency"] = json!("CAD");
    other["total_unsettled_set"] = json!(null);
    mixed["transactions"].as_array_mut().unwrap().push(other);
    assert_eq!(refused_at("refunds/create", &mixed), "/transactions");
}

#[test]
fn note_attributes_that_are_not_a_name_and_a_simple_value_are_left_out() {
    let metadata = snapshot_of(json!({"note_attributes": [
        {"name": "gift", "value": "yes"},
        {"name": "gift", "value": "no"},
        {"name": "copies", "value": 2},
        {"name": "", "value": "x"},
        {"name": "none", "value": null},
        {"name": "deep", "value": {"a": 1}},
        {"name": "$serde_json::private::Number", "value": "x"},
        {"name": 7, "value": "x"},
        "no object",
    ]}))
    .content
    .metadata;
    assert_eq!(Value::Object(metadata), json!({"gift": "no", "copies": 2}));
    let body = with(json!({"note_attributes": {"gift": "yes"}}));
    assert_eq!(refused_at("orders/create", &body), "/note_attributes");
}

#[test]
fn a_deleted_client_is_not_mistaken_for_an_existing_client_or_an_order() {
    let gone = json!({
        "id": 706405506930370084_u64, "tax_exemptions": [],
        "admin_graphql_api_id": "gid://shopify/Customer/706405506930370084",
    });
    let delivery = read_json("customers/delete", &gone);
    assert_eq!(describe(&delivery), "client 706405506930370084 deleted");
    assert_eq!(delivery.subject, Subject::Client);
    assert_eq!(refused_at("orders/delete", &gone), "");
    assert_eq!(refused_at("customers/delete", &json_of("customers_create")), "/created_at");
    let bare = json!({"id": 820982911946154508_u64});
    assert_eq!(refused_at("customers/delete", &bare), "/admin_graphql_api_id");
    let order = json!({"id": 1, "admin_graphql_api_id": "gid://shopify/Order/1"});
    assert_eq!(refused_at("customers/delete", &order), "/admin_graphql_api_id");
}

/// Shopify does not sign the topic, so a delivery can be replayed under any other.
#[test]
fn a_body_that_is_not_the_resource_of_its_topic_is_refused() {
    let mut bodies: Vec<(Value, &[&str])> =
        ORDERS.iter().map(|name| (json_of(name), &ORDER_TOPICS[..])).collect();
    bodies.push((json_of("customers_create"), &CLIENT_TOPICS));
    bodies.push((json_of("refunds_create"), &["refunds/create"]));
    bodies.push((json!({"id": 1}), &["orders/delete"]));
    bodies.push((json_of("rest_transaction.wrapped")["transaction"].clone(), &[]));
    for wrapped in ["order", "customer", "refund", "transaction"] {
        bodies.push((json_of(&format!("rest_{wrapped}.wrapped")), &[]));
    }
    bodies.push((json!({"order_edit": {"id": 1, "order_id": 2}}), &[]));
    let mut draft = json_of("orders_create.pending");
    draft["admin_graphql_api_id"] = json!("gid://shopify/DraftOrder/1");
    bodies.push((draft, &[]));
    for not_an_object in [json!(null), json!([]), json!(15), json!("x")] {
        bodies.push((not_an_object, &[]));
    }
    for (body, accepted_topics) in &bodies {
        for topic in ORDER_TOPICS.iter().chain(&CLIENT_TOPICS).chain(&OTHER_TOPICS) {
            let meaning = read_json(topic, body).event;
            assert_eq!(meaning.is_ok(), accepted_topics.contains(topic), "{topic}: {meaning:?}");
        }
    }
}

#[test]
fn an_unsupported_topic_is_ignored_whatever_its_body_and_needs_no_scope() {
    for topic in [
        "",
        "orders/edited",
        "orders/risk_assessment_changed",
        "order_transactions/create",
        "customers/redact",
        "customers/data_request",
        "products/update",
        "Order",
        "orders",
        "ORDERS/CREATE",
    ] {
        for body in ["", "{}", "[1", "{\"id\":15}"] {
            let delivery = read(topic, body.as_bytes());
            let reason = Ignored::UnsupportedTopic;
            assert_eq!(delivery.event, Ok(NativeEvent::Ignored { reason }));
            assert_eq!((delivery.subject, delivery.topic.as_str()), (Subject::Other, topic));
        }
    }
}

#[test]
fn either_family_of_headers_identifies_a_delivery() {
    let body = fixture("shopify/orders_create.paid.json");
    let older = [
        ("x-shopify-topic", "orders/paid"),
        ("x-shopify-shop-domain", "johns-apparel.myshopify.com"),
        ("x-shopify-webhook-id", "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043"),
    ];
    let newer = older.map(|(name, value)| (name.strip_prefix("x-").unwrap(), value));
    let [topic, shop, id] = older;
    let both = [
        ("shopify-topic", "Order"),
        topic,
        ("shopify-shop-domain", "other.myshopify.com"),
        shop,
        ("shopify-webhook-id", "other"),
        id,
    ];
    for headers in [Headers::from(older), Headers::from(newer), Headers::from(both)] {
        assert!(headers.iter().all(|(name, _)| {
            PayloadFormat::Shopify.webhooks().unwrap().headers.contains(&name)
        }));
        let delivery = storefront::read(PayloadFormat::Shopify, &headers, &body).unwrap();
        assert_eq!(delivery.topic, topic.1);
        assert_eq!(delivery.source.as_deref(), Some(shop.1));
        assert_eq!(delivery.delivery_id.as_deref(), Some(id.1));
        assert!(matches!(delivery.event, Ok(NativeEvent::Order { .. })));
    }
    let bare = storefront::read(PayloadFormat::Shopify, &Headers::default(), &body).unwrap();
    assert_eq!((bare.source, bare.delivery_id, bare.topic.as_str()), (None, None, ""));
}

/// Snapshots of one order, from the first to the last. The payment, the fulfilment and the refunds
/// fall in the same second.
static LIFE: LazyLock<Vec<OrderSnapshot>> = LazyLock::new(|| {
    let at = |time: &str, members: Value| {
        let mut order = json!({"updated_at": format!("2026-11-25T10:00:{time}+01:00")});
        order.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        snapshot_of(order)
    };
    let refund = |id: u32| {
        json!({"id": id, "transactions": [
            {"kind": "refund", "status": "success", "amount": "10.00", "currency": "EUR"}]})
    };
    vec![
        at("01", json!({"financial_status": "pending"})),
        at("02", json!({"financial_status": "authorized"})),
        at("05", json!({"financial_status": "paid"})),
        at("05", json!({"financial_status": "paid", "fulfillment_status": "fulfilled"})),
        at("05", json!({"financial_status": "partially_refunded", "refunds": [refund(1)]})),
        at(
            "05",
            json!({"financial_status": "partially_refunded", "refunds": [refund(1), refund(2)]}),
        ),
    ]
});

#[test]
fn two_deliveries_of_one_body_are_one_version() {
    let body = fixture("shopify/orders_create.paid.json");
    let [created, paid] =
        ["orders/create", "orders/paid"].map(|topic| order_of(read(topic, &body)));
    assert_eq!(created, paid);
}

proptest! {
    #[test]
    fn the_final_state_does_not_depend_on_the_order_of_arrival(
        arrivals in Just([&LIFE[..], &LIFE].concat()).prop_shuffle()
    ) {
        prop_assert_eq!(Some(final_snapshot(&arrivals)), LIFE.last());
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(
        topic in any_topic(),
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        check(&read(topic, &body), serde_json::from_slice(&body).ok().as_ref())?;
    }

    #[test]
    fn a_truncated_or_corrupted_body_is_read_without_a_panic(
        topic in any_topic(),
        mut body in any_body(),
        breaks in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        end in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        for (index, byte) in breaks {
            let index = index.index(body.len());
            body[index] = byte;
        }
        if cut {
            body.truncate(end.index(body.len()));
        }
        let value = serde_json::from_slice(&body).ok();
        check(&read(topic, &body), value.as_ref())?;
    }

    #[test]
    fn a_body_with_any_member_replaced_is_mapped_or_refused_with_a_pointer(
        (topic, body) in any_delivery(),
        changes in any_changes(),
    ) {
        let body = broken(serde_json::from_slice(&body).unwrap(), changes);
        check(&read(topic, &body), serde_json::from_slice(&body).ok().as_ref())?;
    }
}

fn any_topic() -> impl Strategy<Value = &'static str> {
    prop::sample::select([&ORDER_TOPICS[..], &CLIENT_TOPICS, &OTHER_TOPICS].concat())
}

fn any_body() -> impl Strategy<Value = Vec<u8>> {
    any_delivery().prop_map(|(_, body)| body)
}

fn any_delivery() -> impl Strategy<Value = (&'static str, Vec<u8>)> {
    let deliveries = vec![
        ("orders/cancelled", "orders_cancelled.refunded"),
        ("orders/updated", "orders_updated.partially_refunded"),
        ("orders/create", "orders_create.paid_discount"),
        ("refunds/create", "refunds_create"),
        ("customers/update", "customers_create"),
    ];
    prop::sample::select(deliveries)
        .prop_map(|(topic, name)| (topic, fixture(&format!("shopify/{name}.json"))))
}
