//! What a storefront asks a store to write, once its request has been read.

use serde::{Deserialize, Serialize};

use super::id::{Kind, LedgerId, SequenceId, StoreId};
use super::key::Scope;
use super::money::Currency;
use super::order::{ClientDetails, OrderContent};
use super::time::Timestamp;

/// The commands of the integration API.
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

    /// Its name in the lines of a batch.
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

    /// What its target is called in the lines of a batch; `None` where it has none.
    pub const fn target(self) -> Option<&'static str> {
        match self {
            Self::CancelOrder | Self::CreatePayment => Some("order"),
            Self::CreateRefund => Some("payment"),
            Self::CreateOrder | Self::UpsertClient => None,
        }
    }

    /// Whether a repetition without an external id or an Idempotency-Key would do it twice.
    pub const fn creates(self) -> bool {
        matches!(self, Self::CreateOrder | Self::CreatePayment | Self::CreateRefund)
    }

    /// Whether its body may be a form or flat JSON, as Zapier and Make send them.
    pub const fn takes_flat_bodies(self) -> bool {
        matches!(self, Self::CreateOrder | Self::UpsertClient)
    }
}

/// How a request names an order or a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// By our id, from whichever connection it came.
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
    /// Must be the order's, where it is given.
    pub currency: Option<Currency>,
    pub method: Option<String>,
    /// `None`: when it was received.
    pub paid_at: Option<Timestamp>,
}

/// Money given back that is recorded here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewRefund {
    pub external_id: Option<String>,
    /// Decimal text, in the currency of the payment. `None`: all that is left of it.
    pub amount: Option<String>,
    /// Must be the payment's, where it is given.
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
    /// The sender's own id of what it writes, or of what it changes where it names that by it.
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
