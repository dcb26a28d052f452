//! The meaning of a native sender's delivery, after its body has been parsed.

use serde::{Deserialize, Serialize};

use super::key::Scope;
use super::order::{ClientSnapshot, OrderSnapshot, PaymentSnapshot, RefundSnapshot};

/// The kind of resource that a topic is about. It decides which scope a delivery needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Needs `orders:write`, whatever payments or refunds the order carries.
    Order,
    Client,
    Payment,
    Refund,
    /// Anything else has no effect and needs no scope.
    Other,
}

impl Subject {
    pub const fn scope(self) -> Option<Scope> {
        match self {
            Self::Order => Some(Scope::OrdersWrite),
            Self::Client => Some(Scope::ClientsWrite),
            Self::Payment => Some(Scope::PaymentsWrite),
            Self::Refund => Some(Scope::PaymentsRefund),
            Self::Other => None,
        }
    }
}

/// The meaning of one authentic delivery. Converting a payload into it is pure; applying it is the
/// StoreLedger's work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NativeEvent {
    /// A whole order, as its sender reports it now.
    Order { snapshot: Box<OrderSnapshot> },
    /// The sender trashed the order. Destroys nothing here: it adds history.
    OrderDeleted { external_id: String },
    /// A whole client, as its sender reports it now.
    Client { snapshot: ClientSnapshot },
    /// The sender deleted the client. Destroys nothing here: it adds history.
    ClientDeleted { external_id: String },
    /// A payment, as its sender reports it now.
    Payment { snapshot: Box<PaymentSnapshot> },
    /// A refund, as its sender reports it now.
    Refund { snapshot: Box<RefundSnapshot> },
    /// Names a resource that changed, without its content, which has to be fetched.
    Notification { resource: ResourceKind, external_id: String },
    /// Authentic and recorded, but without effect.
    Ignored { reason: Ignored },
}

impl NativeEvent {
    /// The resource that must have arrived before this event can be applied; `None` if there is
    /// none.
    pub fn parent(&self) -> Option<String> {
        let (order, payment) = match self {
            Self::OrderDeleted { external_id } => (Some(external_id), None),
            Self::ClientDeleted { external_id } => return Some(format!("client {external_id}")),
            Self::Payment { snapshot } => {
                (snapshot.order.as_ref(), snapshot.payment.external_id.as_ref())
            }
            Self::Refund { snapshot } => (snapshot.order.as_ref(), snapshot.payment.as_ref()),
            Self::Order { .. }
            | Self::Client { .. }
            | Self::Notification { .. }
            | Self::Ignored { .. } => {
                return None;
            }
        };
        order
            .map(|order| format!("order {order}"))
            .or_else(|| payment.map(|payment| format!("payment {payment}")))
    }

    /// The resources that other events may be waiting for and that this event supplies, named as in
    /// [`Self::parent`].
    pub fn satisfies(&self) -> Vec<String> {
        match self {
            Self::Order { snapshot } => {
                let order = snapshot.content.external_id.iter().map(|id| format!("order {id}"));
                let payments = snapshot.payment_ids.iter().map(|id| format!("payment {id}"));
                order.chain(payments).collect()
            }
            Self::Client { snapshot } => {
                snapshot.details.external_id.iter().map(|id| format!("client {id}")).collect()
            }
            Self::Payment { snapshot } => {
                let id = snapshot.payment.external_id.iter();
                id.map(|id| format!("payment {id}")).collect()
            }
            Self::OrderDeleted { .. }
            | Self::ClientDeleted { .. }
            | Self::Refund { .. }
            | Self::Notification { .. }
            | Self::Ignored { .. } => Vec::new(),
        }
    }
}

/// The kind of resource that a notification names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResourceKind {
    Order,
    Client,
}

impl ResourceKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Client => "client",
        }
    }
}

/// Why an authentic event has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ignored {
    /// A topic that Tidegate does not process (products, coupons, actions).
    UnsupportedTopic,
    /// A cart that has not been placed as an order yet.
    Draft,
    /// The sender could not build the body and sent its error instead.
    ErrorBody,
}

impl Ignored {
    /// A text for people, in the request log.
    pub const fn detail(self) -> &'static str {
        match self {
            Self::UnsupportedTopic => "This topic is recorded and otherwise ignored.",
            Self::Draft => "The order is a draft that the buyer has not placed.",
            Self::ErrorBody => {
                "The shop could not read the object any more and sent its error instead."
            }
        }
    }
}

/// Why an authentic body cannot be converted: it lacks a field that its topic promises, or has it
/// in another form. Such a delivery is parked, never dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmappable {
    /// JSON Pointer (RFC 6901) into the body; empty for the whole body.
    pub pointer: String,
    /// What is wrong there, for people.
    pub detail: String,
}
