//! How orders and their history are shown, and the merging of several ledgers' pages into one list.

use maud::{Markup, html};

use crate::components::{Status, chip, money, mono, source_label, status_badge};
use tidegate_core::api::orders::output::OrderOut;
use tidegate_core::api::orders::replies::{HistoryOut, OrderCursor, OrderPage};
use tidegate_core::api::output::{CreatedBy, Money};
use tidegate_core::domain::id::SequenceId;
use tidegate_core::domain::money::Amount;
use tidegate_core::domain::order::{OrderStatus, PaymentStatus};
use tidegate_core::domain::search::OrderSearch;

/// An order as a ledger replied it.
pub type Order = OrderOut<'static>;

/// The kind of an author, in words.
pub fn author_label(author: &CreatedBy) -> &'static str {
    match &*author.kind {
        "integration_key" => "an integration key",
        "api_key" => "an API key",
        "flow" => "a flow",
        _ => "an operator",
    }
}

/// A description of an event of an order; `None` if it is unknown. A sender's topic is recognised by
/// its last word and by the resource that it mentions.
pub fn event_name(entry: &HistoryOut) -> Option<&'static str> {
    let event = entry.event.as_str();
    let last = event.rsplit(['.', '/']).next().unwrap_or_default();
    let mentions = |word| event.split(['.', '/', '_']).any(|part| part.starts_with(word));
    Some(match (event, last) {
        ("created", _) => "Created",
        ("updated", _) => "Changed",
        ("cancelled", _) => "Cancelled",
        _ if mentions("dispute") => "Disputed",
        _ if last == "refunded" => "Refunded",
        (_, "created" | "create") if mentions("refund") => "Refund recorded",
        _ if mentions("refund") => "Refund changed",
        (_, "created" | "create" | "succeeded") if mentions("payment") => "Payment recorded",
        _ if mentions("payment") => "Payment changed",
        (_, "created" | "create" | "order_created" | "ecomm_new_order") => "Created at the sender",
        (_, "completed") if event.starts_with("checkout.session") => "Checkout completed",
        (_, "updated" | "update" | "edited" | "order_updated" | "ecomm_order_changed") => {
            "Changed at the sender"
        }
        (_, "cancelled" | "canceled" | "order_canceled") => "Cancelled at the sender",
        (_, "order_approved") => "Approved at the sender",
        (_, "deleted" | "delete") => "Deleted at the sender",
        (_, "restored") => "Restored at the sender",
        (_, "paid") => "Paid at the sender",
        _ => return None,
    })
}

/// What pages show of an order.
pub trait ShownOrder {
    /// The order's number, else its external id, else its id.
    fn title(&self) -> String;
    fn amount(&self, amount: Money) -> Markup;
    /// The amount still to be paid. `None` if the order is closed or overpaid.
    fn outstanding(&self) -> Option<Amount>;
    fn status_badge(&self) -> Markup;
    /// `imported · WooCommerce`
    fn source_chip(&self) -> Markup;
    /// The client, in one or two lines.
    fn client_summary(&self) -> Markup;
    /// The external id, to show below the title, if the title is the order's number and differs
    /// from it.
    fn other_id(&self) -> Markup;
}

impl ShownOrder for OrderOut<'_> {
    fn title(&self) -> String {
        let name = self.number.as_deref().or(self.external_id.as_deref());
        name.map_or_else(|| self.id.to_string(), ToOwned::to_owned)
    }

    fn amount(&self, amount: Money) -> Markup {
        money(amount.amount, self.currency)
    }

    fn outstanding(&self) -> Option<Amount> {
        let closed = matches!(
            self.status,
            OrderStatus::Cancelled | OrderStatus::Refunded | OrderStatus::Failed
        );
        let left = self.total.amount.checked_sub(self.paid_total.amount)?;
        (!closed && !left.is_negative()).then_some(left)
    }

    fn status_badge(&self) -> Markup {
        let kind = match self.status {
            OrderStatus::Completed => Status::Good,
            OrderStatus::Pending | OrderStatus::OnHold => Status::Warn,
            OrderStatus::Processing | OrderStatus::Refunded => Status::Neutral,
            OrderStatus::Cancelled | OrderStatus::Failed => Status::Bad,
        };
        status_badge(kind, status_label(self.status))
    }

    fn source_chip(&self) -> Markup {
        chip(&format!("imported · {}", source_label(self.source)))
    }

    fn client_summary(&self) -> Markup {
        let client = self.client.as_ref();
        let parts = client
            .map(|client| [&client.name, &client.email, &client.external_id].into_iter().flatten());
        let mut parts = parts.into_iter().flatten();
        html! {
            @if let Some(first) = parts.next() { div { (first) } } @else { span.muted { "—" } }
            @if let Some(second) = parts.next() { div.sub { (second) } }
        }
    }

    fn other_id(&self) -> Markup {
        let other = self.external_id.as_deref().filter(|id| Some(*id) != self.number.as_deref());
        html! {
            @if let (Some(_), Some(other)) = (&self.number, other) { span.sub { (mono(other)) } }
        }
    }
}

/// The badge for the status of a payment or refund.
pub fn payment_status(status: PaymentStatus) -> Markup {
    let (kind, label) = match status {
        PaymentStatus::Completed => (Status::Good, "Completed"),
        PaymentStatus::Failed => (Status::Bad, "Failed"),
        PaymentStatus::Cancelled => (Status::Bad, "Cancelled"),
        PaymentStatus::Pending => (Status::Warn, "Pending"),
    };
    status_badge(kind, label)
}

/// The display name of an order status.
pub const fn status_label(status: OrderStatus) -> &'static str {
    match status {
        OrderStatus::Pending => "Pending",
        OrderStatus::OnHold => "On hold",
        OrderStatus::Processing => "Processing",
        OrderStatus::Completed => "Completed",
        OrderStatus::Cancelled => "Cancelled",
        OrderStatus::Refunded => "Refunded",
        OrderStatus::Failed => "Failed",
    }
}

/// Merges the pages of several stores into one, newest first. Also returns the row before which the
/// next page continues. Rows are derived from time, so one cursor serves every store. The merged
/// page ends where the first of the ledgers stopped; older orders of the other ledgers come with
/// the next page.
///
/// Orders whose id or external id is the search text come first on the first page, however old they
/// are. Ledgers leave them out of all later pages.
pub fn merge_pages(
    pages: Vec<OrderPage<'static>>,
    search: Option<&OrderSearch>,
    limit: usize,
) -> (Vec<Order>, Option<SequenceId>) {
    let cursors = pages.iter().filter_map(|page| page.next_cursor);
    let mut end = cursors.map(|OrderCursor(row)| row).max();
    let is_named = |order: &Order| {
        search.is_some_and(|search| {
            search.order_id() == Some(order.id)
                || search.is_external_id(order.external_id.as_deref())
        })
    };
    let orders = pages.into_iter().flat_map(|page| page.orders);
    let (mut named, mut rest): (Vec<_>, Vec<_>) = orders.partition(is_named);
    let newest_first = |a: &Order, b: &Order| b.id.row.cmp(&a.id.row);
    named.sort_by(newest_first);
    rest.sort_by(newest_first);
    // Two stores can have an order with the same row. Both are shown, so that neither is lost
    // between two pages.
    if let Some(last) = rest.get(limit.saturating_sub(1)).map(|order| order.id.row)
        && rest.get(limit).is_some()
    {
        end = end.max(Some(last));
    }
    rest.retain(|order| end.is_none_or(|end| order.id.row >= end));
    named.append(&mut rest);
    (named, end)
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use serde_json::json;
    use tidegate_core::api::output::Rfc3339;
    use tidegate_core::domain::id::{OrderId, PaymentId, RefundId, RequestId, StoreId};
    use tidegate_core::domain::time::Timestamp;

    /// An order as a ledger returns it, with hostile text wherever a sender can supply text.
    pub fn order(store: u8, millis: i64) -> Order {
        let row = SequenceId::at(Timestamp::from_millis(millis));
        let store = StoreId::from_random([store; 10]);
        let id = OrderId::new(store, row);
        let (payment, refund) = (PaymentId::new(store, row), RefundId::new(store, row));
        let hostile = "<script>\"'";
        serde_json::from_value(json!({
            "id": id, "external_id": format!("ext-{millis}{hostile}"), "number": format!("N{hostile}"),
            "status": "on_hold", "source": "woocommerce", "key_id": format!("key_{}", "a".repeat(26)),
            "currency": "KWD", "placed_at": "2026-11-22T11:48:07.000Z",
            "client": {"id": null, "external_id": hostile, "email": hostile, "name": hostile, "phone": hostile},
            "billing_address": {"line1": hostile, "city": hostile, "country": "US"},
            "shipping_address": {"name": hostile},
            "lines": [{"external_id": null, "sku": hostile, "name": hostile, "quantity": 0.5,
                "unit_price": "3.000", "discount": "0.000", "tax": "0.100", "total": "1234.500"}],
            "subtotal": "1234.500", "discount_total": "0.000", "shipping_total": "2.000",
            "fee_total": "0.000", "tax_total": "0.100", "total": "1236.600",
            "paid_total": "1236.600", "refunded_total": "0.250",
            "payments": [{"id": payment, "external_id": hostile, "method": hostile, "amount": "1236.600",
                "status": "pending", "paid_at": "2026-11-22T11:50:00.000Z", "refunded_total": "0.150"}],
            "refunds": [
                {"id": null, "payment_id": null, "external_id": hostile, "reason": hostile,
                    "amount": "0.100", "status": "completed"},
                {"id": refund, "payment_id": payment, "external_id": hostile, "reason": hostile,
                    "amount": "0.150", "status": "completed"},
            ],
            "cancelled_at": "2026-11-22T12:00:00.000Z", "cancel_reason": hostile,
            "note": hostile, "metadata": {hostile: hostile},
            "created_at": "2026-11-22T11:48:09.000Z", "updated_at": "2026-11-22T12:00:00.000Z",
        }))
        .unwrap()
    }

    fn page(orders: Vec<Order>, next: Option<i64>) -> OrderPage<'static> {
        let row = |millis| SequenceId::at(Timestamp::from_millis(millis));
        OrderPage { orders, next_cursor: next.map(|millis| OrderCursor(row(millis))) }
    }

    fn times(orders: &[Order]) -> Vec<i64> {
        orders.iter().map(|order| order.id.row.time().millis()).collect()
    }

    #[test]
    fn pages_of_several_stores_are_merged_newest_first() {
        let a = page(vec![order(1, 50), order(1, 20)], None);
        let b = page(vec![order(2, 40), order(2, 30)], None);
        let (orders, next) = merge_pages(vec![a, b], None, 10);
        assert_eq!(times(&orders), [50, 40, 30, 20]);
        assert_eq!(next, None);
    }

    #[test]
    fn the_merged_page_ends_where_the_first_ledger_stopped() {
        let a = page(vec![order(1, 50)], Some(40));
        let b = page(vec![order(2, 45), order(2, 30)], None);
        let (orders, next) = merge_pages(vec![a, b], None, 10);
        assert_eq!(times(&orders), [50, 45]);
        assert_eq!(next.map(|row| row.time().millis()), Some(40));
    }

    #[test]
    fn no_order_is_lost_between_two_pages() {
        let a = page(vec![order(1, 50), order(1, 40)], None);
        let b = page(vec![order(2, 40), order(2, 30)], None);
        let (orders, next) = merge_pages(vec![a, b], None, 2);
        assert_eq!(times(&orders), [50, 40, 40], "both of the same row");
        assert_eq!(next.map(|row| row.time().millis()), Some(40));
    }

    #[test]
    fn an_order_that_the_search_names_by_id_comes_first_however_old() {
        let named = order(2, 1);
        let search = OrderSearch::parse(named.external_id.as_deref().unwrap()).unwrap();
        let a = page(vec![order(1, 50)], Some(40));
        let b = page(vec![named], None);
        let (orders, next) = merge_pages(vec![a, b], Some(&search), 10);
        assert_eq!(times(&orders), [1, 50]);
        assert_eq!(next.map(|row| row.time().millis()), Some(40));
    }

    #[test]
    fn a_closed_order_has_nothing_outstanding() {
        let full = order(1, 1);
        assert_eq!(full.outstanding(), Some(Amount::ZERO));
        let closed = Order { status: OrderStatus::Cancelled, ..full };
        assert_eq!(closed.outstanding(), None);
    }

    #[test]
    fn a_known_event_has_a_description_and_an_unknown_topic_has_none() {
        for (event, name) in [
            ("created", Some("Created")),
            ("cancelled", Some("Cancelled")),
            ("payment.created", Some("Payment recorded")),
            ("refund.created", Some("Refund recorded")),
            ("order.updated", Some("Changed at the sender")),
            ("orders/create", Some("Created at the sender")),
            ("orders/cancelled", Some("Cancelled at the sender")),
            ("refunds/create", Some("Refund recorded")),
            ("checkout.session.completed", Some("Checkout completed")),
            ("charge.refunded", Some("Refunded")),
            ("payment.updated", Some("Payment changed")),
            ("wix.ecom.v1.order_approved", Some("Approved at the sender")),
            ("ecomm_order_changed", Some("Changed at the sender")),
            ("order.<unheard>", None),
        ] {
            let request_id = RequestId::new(
                tidegate_core::domain::credential::GateName::from_bytes([1; 12]),
                SequenceId::at(Timestamp::from_millis(1)),
            );
            let entry = HistoryOut {
                at: Rfc3339(Timestamp::from_millis(1)),
                request_id,
                event: event.to_owned(),
                delivery: None,
                author: None,
                changes: Vec::new(),
            };
            assert_eq!(event_name(&entry), name, "{event}");
        }
    }

    #[test]
    fn amounts_are_shown_with_the_places_of_their_currency() {
        let order = order(1, 1);
        assert!(order.amount(order.total).into_string().contains(">1,236.600 <"));
        assert_eq!(order.lines[0].quantity.0.to_string(), "0.5");
    }
}
