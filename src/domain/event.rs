//! What a native sender's webhook means, once its body has been read.

use serde::{Deserialize, Serialize};

use super::order::{ClientSnapshot, OrderSnapshot};

/// The meaning of one authentic delivery. Converting a payload into it is pure; applying it is the
/// StoreLedger's work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NativeEvent {
    /// The whole of an order as its sender states it now.
    Order { snapshot: Box<OrderSnapshot> },
    /// The sender trashed the order. Destroys nothing here: it adds history.
    OrderDeleted { external_id: String },
    /// The whole of a client as its sender states it now.
    Client { snapshot: ClientSnapshot },
    /// The sender deleted the client. Destroys nothing here: it adds history.
    ClientDeleted { external_id: String },
    /// Authentic, recorded, and without effect.
    Ignored { reason: Ignored },
}

/// Why an authentic event has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ignored {
    /// A topic that Tidegate does not keep (products, coupons, actions).
    UnsupportedTopic,
    /// A cart that nobody has placed yet.
    Draft,
    /// The sender could not build the body and sent its error instead.
    ErrorBody,
}

impl Ignored {
    /// For people, in the request log.
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

/// An authentic body that does not say what its topic promises. It is parked, never dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmappable {
    /// JSON Pointer (RFC 6901) into the body; empty for the whole of it.
    pub pointer: String,
    /// What is wrong there, for people.
    pub detail: String,
}
