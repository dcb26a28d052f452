//! Orders as the StoreLedgers return them in JSON (serialized by `api/orders/output.rs`), and the
//! merging of several ledgers' pages into one list.

use maud::{Markup, html};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Number, Value};

use crate::components::{Status, chip, money, mono, source_label, status_badge};
use tidegate_core::domain::credential::KeyId;
use tidegate_core::domain::id::{OrderId, RequestId, SequenceId};
use tidegate_core::domain::key::Source;
use tidegate_core::domain::money::{Amount, Currency};
use tidegate_core::domain::order::{Address, OrderStatus};
use tidegate_core::domain::search::OrderSearch;
use tidegate_core::domain::time::Timestamp;

/// An order. Amounts are decimal text with the number of places of the currency.
#[derive(Clone, Debug, Deserialize)]
pub struct OrderView {
    pub id: OrderId,
    pub external_id: Option<String>,
    pub number: Option<String>,
    pub status: OrderStatus,
    pub source: Source,
    pub key_id: KeyId,
    pub currency: Currency,
    #[serde(deserialize_with = "rfc3339")]
    pub placed_at: Timestamp,
    pub client: Option<ClientView>,
    pub billing_address: Option<Address>,
    pub shipping_address: Option<Address>,
    pub lines: Vec<LineView>,
    pub subtotal: String,
    pub discount_total: String,
    pub shipping_total: String,
    pub fee_total: String,
    pub tax_total: String,
    pub total: String,
    pub paid_total: String,
    pub refunded_total: String,
    pub payments: Vec<PaymentView>,
    pub refunds: Vec<RefundView>,
    #[serde(default, deserialize_with = "rfc3339_or_none")]
    pub cancelled_at: Option<Timestamp>,
    pub cancel_reason: Option<String>,
    pub note: Option<String>,
    pub metadata: Map<String, Value>,
    #[serde(deserialize_with = "rfc3339")]
    pub created_at: Timestamp,
    #[serde(deserialize_with = "rfc3339")]
    pub updated_at: Timestamp,
}

#[derive(Clone, Debug, Deserialize)]
pub struct ClientView {
    pub id: Option<String>,
    pub external_id: Option<String>,
    pub email: Option<String>,
    pub name: Option<String>,
    pub phone: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct LineView {
    pub external_id: Option<String>,
    pub sku: Option<String>,
    pub name: String,
    pub quantity: Number,
    pub unit_price: String,
    pub discount: String,
    pub tax: String,
    pub total: String,
}

#[derive(Clone, Debug, Deserialize)]
pub struct PaymentView {
    /// `None` if the sender reported the payment as part of the order.
    pub id: Option<String>,
    pub external_id: Option<String>,
    pub method: Option<String>,
    pub amount: String,
    pub status: Option<String>,
    #[serde(default, deserialize_with = "rfc3339_or_none")]
    pub paid_at: Option<Timestamp>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct RefundView {
    pub id: Option<String>,
    /// The refunded payment, if known.
    pub payment_id: Option<String>,
    pub external_id: Option<String>,
    pub status: Option<String>,
    pub reason: Option<String>,
    pub amount: String,
}

/// One entry of an order's history.
#[derive(Clone, Debug, Deserialize)]
pub struct HistoryView {
    #[serde(deserialize_with = "rfc3339")]
    pub at: Timestamp,
    pub request_id: RequestId,
    /// An event of Tidegate, such as `created` or `payment.created`, or the topic of a native
    /// event.
    pub event: String,
    /// `None` in entries that were written before authors were recorded.
    #[serde(default)]
    pub author: Option<AuthorView>,
    /// The names of the order's fields that the event changed.
    #[serde(default)]
    pub changes: Vec<String>,
}

/// Who made a change.
#[derive(Clone, Debug, Deserialize)]
pub struct AuthorView {
    pub kind: String,
    pub id: String,
}

impl AuthorView {
    pub fn label(&self) -> &'static str {
        match self.kind.as_str() {
            "integration_key" => "an integration key",
            "api_key" => "an API key",
            "flow" => "a flow",
            _ => "an operator",
        }
    }
}

impl HistoryView {
    /// A description of the event; `None` if it is unknown. A sender's topic is recognised by its
    /// last word and by the resource that it mentions.
    pub fn name(&self) -> Option<&'static str> {
        let event = self.event.as_str();
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
            (_, "created" | "create" | "order_created" | "ecomm_new_order") => {
                "Created at the sender"
            }
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
}

/// An order with its history, oldest first.
#[derive(Debug, Deserialize)]
pub struct OrderWithHistory {
    pub order: OrderView,
    pub history: Vec<HistoryView>,
}

/// A ledger's page of orders.
#[derive(Debug, Default, Deserialize)]
pub struct StorePage {
    pub orders: Vec<OrderView>,
    #[serde(deserialize_with = "row_or_none")]
    pub next_cursor: Option<SequenceId>,
}

fn rfc3339<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(from)?;
    Timestamp::parse_rfc3339(&text).ok_or_else(|| serde::de::Error::custom("not a time"))
}

fn rfc3339_or_none<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    Ok(text.as_deref().and_then(Timestamp::parse_rfc3339))
}

fn row_or_none<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SequenceId>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    Ok(text.and_then(|text| text.parse().ok()).and_then(SequenceId::from_i64))
}

impl OrderView {
    /// The order's number, else its external id, else its id.
    pub fn title(&self) -> String {
        let name = self.number.as_deref().or(self.external_id.as_deref());
        name.map_or_else(|| self.id.to_string(), str::to_owned)
    }

    pub fn amount(&self, text: &str) -> Markup {
        amount(text, self.currency)
    }

    /// The amount still to be paid. `None` if the order is closed or overpaid.
    pub fn outstanding(&self) -> Option<String> {
        let parse = |text: &str| Amount::parse(text, self.currency).ok();
        let closed = matches!(
            self.status,
            OrderStatus::Cancelled | OrderStatus::Refunded | OrderStatus::Failed
        );
        let left = parse(&self.total)?.checked_sub(parse(&self.paid_total)?)?;
        (!closed && !left.is_negative()).then(|| left.format(self.currency))
    }

    pub fn status_badge(&self) -> Markup {
        let kind = match self.status {
            OrderStatus::Completed => Status::Good,
            OrderStatus::Pending | OrderStatus::OnHold => Status::Warn,
            OrderStatus::Processing | OrderStatus::Refunded => Status::Neutral,
            OrderStatus::Cancelled | OrderStatus::Failed => Status::Bad,
        };
        status_badge(kind, status_label(self.status))
    }

    /// `imported · WooCommerce`
    pub fn source_chip(&self) -> Markup {
        chip(&format!("imported · {}", source_label(self.source)))
    }

    /// The client, in one or two lines.
    pub fn client_summary(&self) -> Markup {
        let client = self.client.as_ref();
        let parts = client
            .map(|client| [&client.name, &client.email, &client.external_id].into_iter().flatten());
        let mut parts = parts.into_iter().flatten();
        html! {
            @if let Some(first) = parts.next() { div { (first) } } @else { span.muted { "—" } }
            @if let Some(second) = parts.next() { div.sub { (second) } }
        }
    }

    /// The external id, to show below the title, if the title is the order's number and differs
    /// from it.
    pub fn other_id(&self) -> Markup {
        let other = self.external_id.as_deref().filter(|id| Some(*id) != self.number.as_deref());
        html! {
            @if let (Some(_), Some(other)) = (&self.number, other) { span.sub { (mono(other)) } }
        }
    }
}

/// Decimal text as money. Text that is not an amount is shown unchanged.
fn amount(text: &str, currency: Currency) -> Markup {
    match Amount::parse(text, currency) {
        Ok(amount) => money(amount, currency),
        Err(_) => html! { span.money { (text) " " span.currency { (currency.as_str()) } } },
    }
}

/// The badge for the status of a payment or refund.
pub fn payment_status(status: Option<&str>) -> Markup {
    let kind = match status {
        Some("completed") => Status::Good,
        Some("failed" | "cancelled") => Status::Bad,
        Some("pending" | "authorized") => Status::Warn,
        Some(_) => Status::Neutral,
        None => return html! { span.muted { "—" } },
    };
    let text = status.unwrap_or_default();
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    status_badge(kind, &first.into_iter().chain(letters).collect::<String>())
}

/// Whether decimal text is zero.
pub fn is_zero(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0' | b'.' | b'-'))
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
    pages: Vec<StorePage>,
    search: Option<&OrderSearch>,
    limit: usize,
) -> (Vec<OrderView>, Option<SequenceId>) {
    let mut end = pages.iter().filter_map(|page| page.next_cursor).max();
    let is_named = |order: &OrderView| {
        search.is_some_and(|search| {
            search.order_id() == Some(order.id)
                || search.is_external_id(order.external_id.as_deref())
        })
    };
    let orders = pages.into_iter().flat_map(|page| page.orders);
    let (mut named, mut rest): (Vec<_>, Vec<_>) = orders.partition(is_named);
    let newest_first = |a: &OrderView, b: &OrderView| b.id.row.cmp(&a.id.row);
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
    use tidegate_core::domain::id::StoreId;

    /// An order as a ledger returns it, with hostile text wherever a sender can supply text.
    pub fn order(store: u8, millis: i64) -> OrderView {
        let row = SequenceId::at(Timestamp::from_millis(millis));
        let id = OrderId::new(StoreId::from_random([store; 10]), row);
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
            "payments": [{"id": "pay_a", "external_id": hostile, "method": hostile, "amount": "1236.600",
                "status": hostile, "paid_at": "2026-11-22T11:50:00.000Z", "refunded_total": "0.150"}],
            "refunds": [
                {"external_id": hostile, "reason": hostile, "amount": "0.100"},
                {"id": "ref_a", "payment_id": "pay_a", "external_id": hostile, "reason": hostile,
                    "amount": "0.150", "status": "completed"},
            ],
            "cancelled_at": "2026-11-22T12:00:00.000Z", "cancel_reason": hostile,
            "note": hostile, "metadata": {hostile: hostile},
            "created_at": "2026-11-22T11:48:09.000Z", "updated_at": "2026-11-22T12:00:00.000Z",
        }))
        .unwrap()
    }

    fn page(orders: Vec<OrderView>, next: Option<i64>) -> StorePage {
        let next_cursor = next.map(|millis| SequenceId::at(Timestamp::from_millis(millis)));
        StorePage { orders, next_cursor }
    }

    fn times(orders: &[OrderView]) -> Vec<i64> {
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
    fn missing_fields_of_a_payment_are_none_and_a_closed_order_has_nothing_outstanding() {
        let full = order(1, 1);
        let minimal =
            json!({"external_id": null, "method": null, "amount": "1.000", "paid_at": null});
        let payment: PaymentView = serde_json::from_value(minimal).unwrap();
        assert!(payment.id.is_none() && payment.status.is_none() && payment.paid_at.is_none());
        assert_eq!(full.outstanding().as_deref(), Some("0.000"));
        let closed = OrderView { status: OrderStatus::Cancelled, ..full };
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
            let entry = HistoryView {
                at: Timestamp::from_millis(1),
                request_id,
                event: event.to_owned(),
                author: None,
                changes: Vec::new(),
            };
            assert_eq!(entry.name(), name, "{event}");
        }
    }

    #[test]
    fn amounts_are_shown_with_the_places_of_their_currency() {
        let order = order(1, 1);
        assert!(order.amount(&order.total).into_string().contains(">1,236.600 <"));
        assert_eq!(order.lines[0].quantity.to_string(), "0.5");
        assert!(is_zero("0.000") && !is_zero("0.010"));
    }
}
