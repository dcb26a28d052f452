//! The page of one order.

use maud::{Markup, html};

use super::order_view::{Order, ShownOrder, author_label, event_name, payment_status};
use crate::components::{
    Attributes, Column, Kind, TimeStyle, cell, copy_value, head_cell, inline_note, json_viewer,
    keyvalue, money, mono, muted, no_time, page_header, section, table, time,
};
use crate::icons::{Icon, icon};
use crate::links;
use tidegate_core::api::orders::replies::{HistoryOut, OrderWithHistory};
use tidegate_core::api::output::Rfc3339;
use tidegate_core::api::payments::output::RefundEntry;
use tidegate_core::domain::id::RequestId;
use tidegate_core::domain::order::Address;

/// The key of a request in an order's history. Only owners and admins see it.
#[derive(Clone, Debug)]
pub struct ThroughKey {
    pub key_id: String,
    pub name: String,
}

/// The view model of the page, which members see too.
pub struct OrderPage<'a> {
    pub described: &'a OrderWithHistory<'static>,
    pub store_name: &'a str,
    /// Returns the key of a request; `None` for members and for unknown requests.
    pub key_of: &'a dyn Fn(&RequestId) -> Option<&'a ThroughKey>,
    /// The key that created the order.
    pub first_key: Option<&'a ThroughKey>,
}

pub fn order_page(page: &OrderPage<'_>) -> Markup {
    let order = &page.described.order;
    let store = order.id.store.to_string();
    let id = order.id.to_string();
    html! {
        p.trail {
            a href=(links::with_query(links::ORDERS, &[("store", &store)])) {
                (icon(Icon::ChevronLeft)) (page.store_name)
            }
        }
        (page_header(&format!("Order {}", order.title()), None, html! {}))
        p.order-head {
            (order.status_badge())
            (order.source_chip())
            span { "Placed " (time(order.placed_at.0, TimeStyle::Full)) }
            strong { (order.amount(order.total)) }
        }
        (cancellation(page))
        div.order-columns {
            div {
                (section("lines", "Lines", muted(&format!("in {}", order.currency.as_str())), html! { div.order-lines { (lines(order)) } (totals(order)) }))
                (section("payments", "Payments", html! {}, payments(order)))
                @let unassigned = unassigned_refunds(order);
                @if !unassigned.is_empty() { (section("refunds", "Refunds", html! {}, refunds(order, &unassigned))) }
                (section("history", "History", muted("and the requests that made it"), history(page)))
            }
            div {
                (section("facts", "About", html! {}, facts(page, &id)))
                (section("client", "Client", html! {}, client(order)))
                @for (id, title, address) in [
                    ("billing", "Billing address", &order.billing_address),
                    ("shipping", "Shipping address", &order.shipping_address),
                ] {
                    @if let Some(address) = address { (section(id, title, html! {}, postal_address(address))) }
                }
                @if let Some(note) = &order.note {
                    (section("note", "Note", html! {}, html! { p.note-text { (note) } }))
                }
            }
        }
        @if !order.metadata.is_empty() {
            (section("metadata", "Metadata", html! {}, json_viewer("metadata-json", "As it was sent",
                &serde_json::to_string_pretty(&order.metadata).unwrap_or_default())))
        }
    }
}

fn with_copy(value: &str, label: &str) -> Markup {
    html! { span.with-copy { (mono(value)) (copy_value(value, label)) } }
}

fn facts(page: &OrderPage<'_>, id: &str) -> Markup {
    let order = &page.described.order;
    let mut facts = vec![("Id", with_copy(id, "Copy the order's id"))];
    if let Some(number) = &order.number {
        facts.push(("Number", html! { (number) }));
    }
    if let Some(external_id) = &order.external_id {
        facts.push(("External id", with_copy(external_id, "Copy the external id")));
    }
    facts.push(("Store", html! { (page.store_name) }));
    if let Some(key) = page.first_key {
        facts.push(("Connection", html! { a href=(links::key(&key.key_id)) { (key.name) } }));
    }
    facts.push(("Received", time(order.created_at.0, TimeStyle::Full)));
    facts.push(("Updated", time(order.updated_at.0, TimeStyle::Full)));
    keyvalue(&facts)
}

const ITEM: Column<'_> = Column::new("Item");
const QUANTITY: Column<'_> = Column::numeric("Quantity");
const PRICE: Column<'_> = Column::numeric("Unit price");
const TAX: Column<'_> = Column::numeric("Tax");
const TOTAL: Column<'_> = Column::numeric("Total");

/// The order's lines. The SKU is shown below the name, and the discount below the total.
fn lines(order: &Order) -> Markup {
    if order.lines.is_empty() {
        return html! { div.table-frame { p.nothing { "This order has no lines." } } };
    }
    let rows = html! {
        @for line in &order.lines {
            tr {
                (head_cell(html! {
                    (line.name)
                    @if let Some(sku) = &line.sku { div.sub { (mono(sku)) } }
                }))
                (cell(&QUANTITY, html! { (line.quantity.0.to_string()) }))
                (cell(&PRICE, order.amount(line.unit_price)))
                (cell(&TAX, order.amount(line.tax)))
                (cell(&TOTAL, html! {
                    div {
                        (order.amount(line.total))
                        @if !line.discount.is_zero() {
                            div.sub { "less " (order.amount(line.discount)) }
                        }
                    }
                }))
            }
        }
    };
    table("Lines", &[ITEM, QUANTITY, PRICE, TAX, TOTAL], &Attributes::new(), rows)
}

fn totals(order: &Order) -> Markup {
    let rows = [
        ("Subtotal", order.subtotal, true),
        ("Discount", order.discount_total, false),
        ("Shipping", order.shipping_total, false),
        ("Fees", order.fee_total, false),
        ("Tax", order.tax_total, true),
    ];
    html! {
        dl.totals {
            @for (label, amount, always_shown) in rows {
                @if always_shown || !amount.is_zero() {
                    div { dt { (label) } dd { @if label == "Discount" { "−" } (order.amount(amount)) } }
                }
            }
            div.sum { dt { "Total" } dd { (order.amount(order.total)) } }
        }
    }
}

const WHEN: Column<'_> = Column::new("When");
const METHOD: Column<'_> = Column::new("Method");
const PAID_WHEN: Column<'_> = Column::new("Paid");
const REASON: Column<'_> = Column::new("Reason");
const STATUS: Column<'_> = Column::new("Status");
const EXTERNAL_ID: Column<'_> = Column::new("External id");
const AMOUNT: Column<'_> = Column::numeric("Amount");

/// The payments, each followed by its refunds, and the totals paid, refunded and outstanding.
fn payments(order: &Order) -> Markup {
    let rows = html! {
        @for payment in &order.payments {
            tr {
                (head_cell(html! { (payment.method.as_deref().unwrap_or("Payment")) }))
                (cell(&PAID_WHEN, payment.paid_at.map_or_else(|| no_time("—"), |Rfc3339(at)| time(at, TimeStyle::Full))))
                (cell(&STATUS, payment_status(payment.status)))
                (cell(&EXTERNAL_ID, mono(payment.external_id.as_deref().unwrap_or("—"))))
                (cell(&AMOUNT, order.amount(payment.amount)))
            }
            @if let Some(id) = &payment.id {
                @for refund in order.refunds.iter().filter(|refund| refund.payment_id.as_ref() == Some(id)) {
                    tr.of-payment {
                        (head_cell(html! { "Refund" @if let Some(reason) = &refund.reason { div.sub { (reason) } } }))
                        (cell(&PAID_WHEN, no_time("—")))
                        (cell(&STATUS, payment_status(refund.status)))
                        (cell(&EXTERNAL_ID, mono(refund.external_id.as_deref().unwrap_or("—"))))
                        (cell(&AMOUNT, html! { "−" (order.amount(refund.amount)) }))
                    }
                }
            }
        }
    };
    html! {
        @if order.payments.is_empty() {
            p.muted { "None stated." }
        } @else {
            (table("Payments", &[METHOD, PAID_WHEN, STATUS, EXTERNAL_ID, AMOUNT], &Attributes::new(), rows))
        }
        dl.totals {
            div { dt { "Paid" } dd { (order.amount(order.paid_total)) } }
            @if !order.refunded_total.is_zero() {
                div { dt { "Refunded" } dd { "−" (order.amount(order.refunded_total)) } }
            }
            @if let Some(outstanding) = order.outstanding() {
                div.sum { dt { "Outstanding" } dd { (money(outstanding, order.currency)) } }
            }
        }
    }
}

/// The refunds that belong to none of the shown payments.
fn unassigned_refunds(order: &Order) -> Vec<&RefundEntry<'static>> {
    let is_shown = |id| order.payments.iter().any(|payment| payment.id == Some(id));
    let unassigned = order.refunds.iter().filter(|refund| !refund.payment_id.is_some_and(is_shown));
    unassigned.collect()
}

fn refunds(order: &Order, refunds: &[&RefundEntry<'_>]) -> Markup {
    let rows = html! {
        @for refund in refunds {
            tr {
                (head_cell(html! { (refund.reason.as_deref().unwrap_or("Refund")) }))
                (cell(&EXTERNAL_ID, mono(refund.external_id.as_deref().unwrap_or("—"))))
                (cell(&AMOUNT, order.amount(refund.amount)))
            }
        }
    };
    table("Refunds", &[REASON, EXTERNAL_ID, AMOUNT], &Attributes::new(), rows)
}

/// The note on a cancelled order: when, by which key and why.
fn cancellation(page: &OrderPage<'_>) -> Markup {
    let order = &page.described.order;
    let Some(Rfc3339(at)) = order.cancelled_at else { return html! {} };
    let cancelling = page.described.history.iter().rev().find(|entry| entry.event == "cancelled");
    let key = cancelling.and_then(|entry| (page.key_of)(&entry.request_id));
    inline_note(
        Kind::Info,
        html! {
            "Cancelled " (time(at, TimeStyle::Full))
            @if let Some(key) = key { " by " a href=(links::key(&key.key_id)) { (key.name) } }
            @if let Some(reason) = &order.cancel_reason { ": " (reason) } @else { "." }
        },
    )
}

const EVENT: Column<'_> = Column::new("What");
const REQUEST: Column<'_> = Column::new("Request");

/// The history, newest entry first.
fn history(page: &OrderPage<'_>) -> Markup {
    let rows = html! {
        @for entry in page.described.history.iter().rev() {
            tr {
                (head_cell(html! {
                    (event(entry))
                    @if !entry.changes.is_empty() { div.sub { (entry.changes.join(", ")) } }
                }))
                (cell(&WHEN, time(entry.at.0, TimeStyle::Full)))
                (cell(&REQUEST, request(page, entry)))
            }
        }
    };
    table("History", &[EVENT, WHEN, REQUEST], &Attributes::new(), rows)
}

fn event(entry: &HistoryOut) -> Markup {
    match event_name(entry) {
        // An event of Tidegate's own needs no second name.
        Some(name) if !entry.event.contains(['.', '/', '_']) => html! { (name) },
        Some(name) => html! { (name) div.sub { (mono(&entry.event)) } },
        None => mono(&entry.event),
    }
}

/// The request of an entry, and who made it. Members do not see which key it was.
fn request(page: &OrderPage<'_>, entry: &HistoryOut) -> Markup {
    let key = (page.key_of)(&entry.request_id);
    let id = entry.request_id.to_string();
    html! {
        div {
            span.with-copy {
                @if let Some(key) = key {
                    a.mono href=(links::request(&key.key_id, &id)) { (id) }
                } @else { (mono(&id)) }
                (copy_value(&id, "Copy the request's id"))
            }
            @if let Some(key) = key {
                span.sub { "by " (key.name) }
            } @else if let Some(author) = &entry.author {
                span.sub { "by " (author_label(author)) @if author.kind != "integration_key" { " " (mono(&author.id)) } }
            }
        }
    }
}

fn client(order: &Order) -> Markup {
    let Some(client) = &order.client else { return muted("The sender names none.") };
    let mut facts = Vec::new();
    for (name, value) in [("Name", &client.name), ("Phone", &client.phone)] {
        if let Some(value) = value {
            facts.push((name, html! { (value) }));
        }
    }
    if let Some(email) = &client.email {
        facts.insert(facts.len().min(1), ("E-mail", html! { (email) }));
    }
    let external_id = client.external_id.as_deref().map(str::to_owned);
    let id = client.id.map(|id| id.to_string());
    for (name, value) in [("External id", external_id), ("Id", id)] {
        if let Some(value) = value {
            let copy = format!("Copy the client's {}", name.to_lowercase());
            facts.push((name, with_copy(&value, &copy)));
        }
    }
    keyvalue(&facts)
}

fn postal_address(address: &Address) -> Markup {
    let Address { name, company, line1, line2, city, region, postal_code, country, phone } =
        address;
    let locality = [city, region, postal_code].into_iter().flatten().cloned().collect::<Vec<_>>();
    let locality = (!locality.is_empty()).then(|| locality.join(", "));
    html! {
        address {
            @for line in [name, company, line1, line2, &locality, country, phone].into_iter().flatten() {
                span { (line) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::order_view::tests::order;
    use super::*;
    use tidegate_core::api::output::CreatedBy;
    use tidegate_core::domain::credential::GateName;
    use tidegate_core::domain::id::SequenceId;
    use tidegate_core::domain::time::Timestamp;

    fn described() -> OrderWithHistory<'static> {
        let at = Timestamp::from_millis(1_795_348_087_000);
        let request_id = RequestId::new(GateName::from_bytes([9; 12]), SequenceId::at(at));
        let author = CreatedBy { kind: "operator".into(), id: "usr_<script>".into() };
        let entry = |event: &str, at| HistoryOut {
            at: Rfc3339(at),
            request_id,
            event: event.to_owned(),
            delivery: None,
            author: Some(author.clone()),
            changes: vec!["status".into(), "<changed>".into()],
        };
        let history = vec![entry("created", at), entry("order.<updated>", at.plus(60_000))];
        OrderWithHistory { order: order(1, 5), history }
    }

    fn render(described: &OrderWithHistory<'static>, key: Option<&ThroughKey>) -> String {
        let key_of = |_: &RequestId| key;
        order_page(&OrderPage { described, store_name: "<Main>", key_of: &key_of, first_key: key })
            .into_string()
    }

    #[test]
    fn texts_of_senders_and_operators_are_escaped_everywhere() {
        let key = ThroughKey { key_id: "key_a".into(), name: "<key>".into() };
        let markup = render(&described(), Some(&key));
        for raw in ["<script>", "<Main>", "<key>", "<updated>", "<changed>"] {
            assert!(!markup.contains(raw), "{raw}: {markup}");
        }
        let hostile = "&lt;script&gt;&quot;'";
        assert!(markup.matches(hostile).count() > 15, "{}", markup.matches(hostile).count());
    }

    #[test]
    fn requests_link_to_the_log_only_for_those_who_may_see_it() {
        let described = described();
        let request = described.history[0].request_id.to_string();
        let key = ThroughKey { key_id: "key_a".into(), name: "Shop".into() };
        let link = format!("href=\"{}\"", links::request("key_a", &request));
        assert_eq!(render(&described, Some(&key)).matches(&link).count(), 2);
        let member = render(&described, None);
        assert!(member.contains(&request) && !member.contains(links::CONNECTORS), "{member}");
    }

    #[test]
    fn zero_totals_are_left_out_except_the_main_ones() {
        let markup = render(&described(), None);
        assert!(markup.contains("<dt>Shipping</dt>") && markup.contains("<dt>Tax</dt>"));
        assert!(!markup.contains("<dt>Fees</dt>") && !markup.contains("<dt>Discount</dt>"));
    }

    #[test]
    fn a_refund_is_shown_below_its_payment_and_one_without_a_payment_separately() {
        let markup = render(&described(), None);
        let (payments, rest) = markup.split_once("id=\"refunds\"").unwrap();
        assert_eq!(payments.matches("<tr class=\"of-payment\">").count(), 1, "{payments}");
        let history = rest.find("id=\"history\"").unwrap();
        assert_eq!(rest[..history].matches("<tr>").count(), 2, "its head and one row: {rest}");
        for part in ["<dt>Paid</dt>", "<dt>Refunded</dt>", "<dt>Outstanding</dt>"] {
            assert!(payments.contains(part), "{part}: {payments}");
        }
    }

    #[test]
    fn a_cancelled_order_shows_when_why_and_by_which_key() {
        let mut described = described();
        described.history[1].event = "cancelled".to_owned();
        let key = ThroughKey { key_id: "key_a".into(), name: "<key>".into() };
        let markup = render(&described, Some(&key));
        let note = markup.split("class=\"note info\"").nth(1).unwrap();
        let note = &note[..note.find("order-columns").unwrap()];
        assert!(
            note.contains("Cancelled <time") && note.contains("&lt;key&gt;</a>: &lt;script"),
            "{note}"
        );
    }

    #[test]
    fn each_entry_of_the_history_says_who_made_it_and_what_it_changed() {
        let key = ThroughKey { key_id: "key_a".into(), name: "Shop".into() };
        let admin = render(&described(), Some(&key));
        assert_eq!(admin.matches("by Shop").count(), 2, "{admin}");
        assert_eq!(admin.matches("status, &lt;changed&gt;").count(), 2, "{admin}");
        let member = render(&described(), None);
        assert_eq!(member.matches("by an operator").count(), 2, "{member}");
        assert!(member.contains("usr_&lt;script&gt;"), "{member}");
    }

    #[test]
    fn the_newest_entry_of_the_history_comes_first() {
        let markup = render(&described(), None);
        assert!(markup.find("order.&lt;updated") < markup.find(">Created<"), "{markup}");
    }
}
