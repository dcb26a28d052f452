//! Orders and clients, and the payments and refunds reported with them, in one form for all
//! senders.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::money::{Amount, Currency, Quantity};
use super::time::Timestamp;

/// The status of an order. The names are WooCommerce's; the statuses of every sender can be mapped
/// to them.
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

    /// How far an order with this status has progressed. Of two events of a sender with the same
    /// time, the one with the later status wins.
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

/// A postal address. All parts are free text except the country.
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

/// The details of a client. Within a namespace a client is identified by `external_id`, else by
/// `email`.
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
    /// Whether the details identify the client.
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
/// Invariant for orders in the gateway's own JSON: `total` = `subtotal` − `discount_total` +
/// `shipping_total` + `fee_total` + `tax_total`, where `subtotal` is the sum of quantity × unit
/// price, and `discount_total` includes the discounts of the lines and of the order itself. Orders
/// of native senders have the sender's own totals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OrderTotals {
    pub subtotal: Amount,
    pub discount_total: Amount,
    pub shipping_total: Amount,
    pub fee_total: Amount,
    pub tax_total: Amount,
    pub total: Amount,
}

/// The content of an order, as its sender reports it.
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
    /// `None` means the time when the order was received.
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

/// The details of a payment, as its sender reports them.
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

/// The details of a refund, as its sender reports them. The amount is positive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedRefund {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub amount: Amount,
}

/// The status of a payment or a refund, as its sender reports it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// Not decided yet.
    Pending,
    Failed,
    Cancelled,
    /// The money has moved. Only this status counts towards the amounts paid and refunded.
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

    /// How far the payment or refund has progressed, as in [`OrderStatus::progress`].
    pub const fn progress(self) -> u8 {
        self as u8
    }
}

/// A payment, as a native sender reports it in an event about the payment alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentSnapshot {
    /// The sender's own id of the order, if the event names it. Otherwise the order is the one that
    /// lists this payment's id in its [`payment_ids`](OrderSnapshot::payment_ids).
    pub order: Option<String>,
    pub payment: ReportedPayment,
    pub status: PaymentStatus,
    pub currency: Currency,
    /// The total refunded so far, if the event reports it.
    pub refunded: Option<Amount>,
    pub version: SourceVersion,
}

/// A refund, as a native sender reports it in an event about the refund alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundSnapshot {
    /// The sender's own id of the order, if the event names it.
    pub order: Option<String>,
    /// The sender's own id of the payment, if the event names it.
    pub payment: Option<String>,
    pub refund: ReportedRefund,
    pub status: PaymentStatus,
    pub currency: Currency,
    pub version: SourceVersion,
}

/// The version of a resource that a native sender's event carries.
///
/// The order of arrival means nothing. Versions of one resource are compared field by field: the
/// sender's own count of changes (if it has one), then its time of the last change, the number of
/// refunds, the progress of the status, and the hash of the body. Of two events about one resource
/// the greater wins, so any order of arrival ends in the same state.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct SourceVersion {
    /// The sender's own count of the changes to this resource, or 0 if it has none.
    #[serde(default)]
    pub sequence: u64,
    pub modified_at: Timestamp,
    pub refunds: u32,
    pub progress: u8,
    /// Distinguishes events that are otherwise equal; the same in every repetition of an event. It
    /// is the lower-case hex SHA-256 of the body, or the sender's own event id where the body of a
    /// repetition may differ.
    pub body_hash: String,
}

/// An order, as a native sender's event reports it. Every event carries the whole order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderSnapshot {
    pub content: OrderContent,
    pub payments: Vec<ReportedPayment>,
    pub refunds: Vec<ReportedRefund>,
    /// The payment ids by which later payment events refer to this order, if those events do not
    /// carry the order's own id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub payment_ids: Vec<String>,
    pub version: SourceVersion,
}

/// A client, as a native sender's event reports it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientSnapshot {
    pub details: ClientDetails,
    pub version: SourceVersion,
}
