//! What an order is, however it came in.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::money::{Amount, Currency, Quantity};
use super::time::Timestamp;

/// Where an order stands. The names are WooCommerce's, which every sender can be mapped to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    Pending,
    OnHold,
    Processing,
    Completed,
    Cancelled,
    Refunded,
    Failed,
}

impl OrderStatus {
    pub const ALL: [Self; 7] = [
        Self::Pending,
        Self::Processing,
        Self::OnHold,
        Self::Completed,
        Self::Cancelled,
        Self::Refunded,
        Self::Failed,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::OnHold => "on_hold",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Refunded => "refunded",
            Self::Failed => "failed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// How far along its life an order with this status is; decides between two events of a
    /// sender that carry the same time (DESIGN §5: 'then the later status').
    pub const fn progress(self) -> u8 {
        match self {
            Self::Pending => 0,
            Self::OnHold => 1,
            Self::Failed => 2,
            Self::Processing => 3,
            Self::Completed => 4,
            Self::Cancelled => 5,
            Self::Refunded => 6,
        }
    }
}

/// A postal address. All parts are free text but the country.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Address {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line1: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line2: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// State, province or county.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// ISO 3166-1 alpha-2, e.g. `US`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

/// Who orders. Identified within a namespace by `external_id`, else by `email`.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClientDetails {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

impl ClientDetails {
    /// Whether anything in it tells one client from another.
    pub fn is_identified(&self) -> bool {
        self.external_id.is_some() || self.email.is_some()
    }
}

/// One line of an order. `total` is without tax.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    pub name: String,
    pub quantity: Quantity,
    pub unit_price: Amount,
    pub discount: Amount,
    pub tax: Amount,
    pub total: Amount,
}

/// The sums of an order.
///
/// Invariant for orders in the gateway's own JSON:
/// `total` = `subtotal` − `discount_total` + `shipping_total` + `fee_total` + `tax_total`, where
/// `subtotal` is the sum of quantity × unit price, and `discount_total` counts the lines' discounts
/// and the order's own. For native senders the sender's own totals stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OrderTotals {
    pub subtotal: Amount,
    pub discount_total: Amount,
    pub shipping_total: Amount,
    pub fee_total: Amount,
    pub tax_total: Amount,
    pub total: Amount,
}

/// The content of an order, as its sender states it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderContent {
    /// The sender's own id of the order; identity within its namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The number that people know the order by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    pub status: OrderStatus,
    pub currency: Currency,
    /// `None`: when it was received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placed_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientDetails>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billing_address: Option<Address>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipping_address: Option<Address>,
    pub lines: Vec<OrderLine>,
    pub totals: OrderTotals,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

/// A payment as a native sender states it within an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedPayment {
    /// The sender's own id of the payment, e.g. the payment provider's transaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    pub amount: Amount,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_at: Option<Timestamp>,
}

/// A refund as a native sender states it within an order. The amount is positive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedRefund {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub amount: Amount,
}

/// How a payment or a refund stands, as its sender states it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// Not decided yet.
    Pending,
    Failed,
    Cancelled,
    /// The money has moved. Only this counts towards what was paid or given back.
    #[default]
    Completed,
}

impl PaymentStatus {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Completed => "completed",
        }
    }

    /// How far along it is, as [`OrderStatus::progress`].
    pub const fn progress(self) -> u8 {
        self as u8
    }
}

/// A payment as a native sender's event of its own states it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentSnapshot {
    /// The sender's own id of the order, where the event names it. Else the order is the one that
    /// lists this payment's id in its [`payment_ids`](OrderSnapshot::payment_ids).
    pub order: Option<String>,
    pub payment: ReportedPayment,
    pub status: PaymentStatus,
    pub currency: Currency,
    /// All that has been given back of it so far, where the event says it.
    pub refunded: Option<Amount>,
    pub version: SourceVersion,
}

/// A refund as a native sender's event of its own states it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundSnapshot {
    /// The sender's own id of the order, where the event names it.
    pub order: Option<String>,
    /// The sender's own id of the payment, where the event names it.
    pub payment: Option<String>,
    pub refund: ReportedRefund,
    pub status: PaymentStatus,
    pub currency: Currency,
    pub version: SourceVersion,
}

/// Where an event of a native sender stands among the other events about the same thing.
///
/// The order of arrival means nothing: events are compared by the sender's own time of the last
/// change (after its count of them, where it keeps one), then by the number of refunds, then by the later status, then by the greater hash of
/// the body (field by field, in this order). Of two events about one thing the greater stands, so
/// that any order of arrival ends in the same state.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct SourceVersion {
    /// The sender's own count of the changes of this thing, where it keeps one; else 0.
    #[serde(default)]
    pub sequence: u64,
    pub modified_at: Timestamp,
    pub refunds: u32,
    pub progress: u8,
    /// What tells one event from another with all else equal, the same in each repetition of it:
    /// lower-case hex of the SHA-256 of the body, or the sender's own id of the event where a
    /// repetition's body may differ.
    pub body_hash: String,
}

/// An order as a native sender's event states it: the whole of it, every time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderSnapshot {
    pub content: OrderContent,
    pub payments: Vec<ReportedPayment>,
    pub refunds: Vec<ReportedRefund>,
    /// Ids by which later payment events name this order, where they do not name it by its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub payment_ids: Vec<String>,
    pub version: SourceVersion,
}

/// A client as a native sender's event states it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientSnapshot {
    pub details: ClientDetails,
    pub version: SourceVersion,
}
