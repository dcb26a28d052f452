//! The commands that a storefront sends to a store through the integration API, as parsed.

use serde::{Deserialize, Serialize};

use super::id::{Kind, LedgerId, SequenceId, StoreId};
use super::key::Scope;
use super::money::Currency;
use super::order::{ClientDetails, OrderContent};
use super::time::Timestamp;

/// A kind of command of the integration API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    #[serde(rename = "orders.create")]
    CreateOrder,
    #[serde(rename = "orders.cancel")]
    CancelOrder,
    #[serde(rename = "payments.create")]
    CreatePayment,
    #[serde(rename = "refunds.create")]
    CreateRefund,
    #[serde(rename = "clients.upsert")]
    UpsertClient,
}

impl Command {
    pub const ALL: [Self; 5] = [
        Self::CreateOrder,
        Self::CancelOrder,
        Self::CreatePayment,
        Self::CreateRefund,
        Self::UpsertClient,
    ];

    /// The command's name in the lines of a batch.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CreateOrder => "orders.create",
            Self::CancelOrder => "orders.cancel",
            Self::CreatePayment => "payments.create",
            Self::CreateRefund => "refunds.create",
            Self::UpsertClient => "clients.upsert",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|command| command.as_str() == text)
    }

    pub const fn scope(self) -> Scope {
        match self {
            Self::CreateOrder => Scope::OrdersWrite,
            Self::CancelOrder => Scope::OrdersCancel,
            Self::CreatePayment => Scope::PaymentsWrite,
            Self::CreateRefund => Scope::PaymentsRefund,
            Self::UpsertClient => Scope::ClientsWrite,
        }
    }

    /// The name of the command's target in the lines of a batch; `None` for a command without one.
    pub const fn target(self) -> Option<&'static str> {
        match self {
            Self::CancelOrder | Self::CreatePayment => Some("order"),
            Self::CreateRefund => Some("payment"),
            Self::CreateOrder | Self::UpsertClient => None,
        }
    }

    /// Whether repeating the command without an external id or an Idempotency-Key would write
    /// twice.
    pub const fn creates(self) -> bool {
        matches!(self, Self::CreateOrder | Self::CreatePayment | Self::CreateRefund)
    }

    /// Whether the command's body may be a form or flat JSON, as Zapier and Make send them.
    pub const fn takes_flat_bodies(self) -> bool {
        matches!(self, Self::CreateOrder | Self::UpsertClient)
    }
}

/// A request's reference to an order or a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// By our id, whichever connection the order or payment came from.
    #[serde(rename = "row")]
    Id(SequenceId),
    /// By its sender's own id, within the namespace of the key.
    External(String),
}

impl Target {
    /// Reads `external:<id>` or an id of `store`. `None` for anything else, ids of other stores
    /// included.
    pub fn parse<K: Kind>(text: &str, store: StoreId) -> Option<Self> {
        match text.strip_prefix("external:") {
            Some("") => None,
            Some(id) => Some(Self::External(id.to_owned())),
            None => {
                LedgerId::<K>::parse(text).filter(|id| id.store == store).map(|id| Self::Id(id.row))
            }
        }
    }
}

/// A payment that was received somewhere else and is recorded here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPayment {
    pub external_id: Option<String>,
    /// Decimal text, in the currency of the order.
    pub amount: String,
    /// If given, must be the order's.
    pub currency: Option<Currency>,
    pub method: Option<String>,
    /// `None` means the time when the request was received.
    pub paid_at: Option<Timestamp>,
}

/// A refund that was made somewhere else and is recorded here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewRefund {
    pub external_id: Option<String>,
    /// Decimal text, in the currency of the payment. `None` means all of it that is not refunded
    /// yet.
    pub amount: Option<String>,
    /// If given, must be the payment's.
    pub currency: Option<Currency>,
    pub reason: Option<String>,
}

/// A command with its target and its body.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Write {
    CreateOrder { order: Box<OrderContent> },
    CancelOrder { order: Target, reason: String },
    CreatePayment { order: Target, payment: NewPayment },
    CreateRefund { payment: Target, refund: NewRefund },
    UpsertClient { client: ClientDetails },
}

impl Write {
    /// The sender's own id of the resource that the command writes. For a cancellation: of the
    /// order, if the command names it by that id.
    pub fn external_id(&self) -> Option<&str> {
        match self {
            Self::CreateOrder { order } => order.external_id.as_deref(),
            Self::CancelOrder { order: Target::External(id), .. } => Some(id),
            Self::CancelOrder { order: Target::Id(_), .. } => None,
            Self::CreatePayment { payment, .. } => payment.external_id.as_deref(),
            Self::CreateRefund { refund, .. } => refund.external_id.as_deref(),
            Self::UpsertClient { client } => client.external_id.as_deref(),
        }
    }
}
