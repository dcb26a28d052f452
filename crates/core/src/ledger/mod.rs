//! The decisions of a store's ledger: what a command or a native event does to the store's records.
//!
//! [`Ledger`] reads the stored [`Records`] that a command concerns. The functions of the other modules
//! decide: each takes those records and the command, and returns a [`Decision`] or a [`Rejection`].
//! Nothing here writes: the StoreLedger commits a decision in one transaction.

mod clients;
mod decide;
mod orders;
mod payments;
#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::api::orders::output::OrderOut;
use crate::api::payments::output::{PaymentOut, RefundOut};
use crate::domain::id::{ClientId, OrderId, PaymentId, RefundId, SequenceId};
use crate::domain::log::Outcome;
use crate::domain::order::SourceVersion;
use crate::domain::record::{ClientRecord, HistoryEntry, OrderRecord};
use crate::domain::rejection::{Code, Rejection};
pub use decide::{Ledger, Records, created_identity};

/// What a command or an event does. The records are as they are after it.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    pub outcome: Outcome,
    pub subject: Subject,
    pub order: Option<(OrderRecord, State)>,
    pub client: Option<(ClientRecord, State)>,
    /// A payment or a refund of `order` that is new or changed.
    pub money: Option<(MoneyId, State)>,
    pub identities: Vec<NewIdentity>,
}

/// How a record differs from what is stored of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Unchanged,
    New,
    Changed,
    /// Only its history has a new entry.
    Noted,
}

/// The record that a command or an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Order(OrderId),
    Payment(PaymentId),
    Refund(RefundId),
    Client(ClientId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoneyId {
    Payment(PaymentId),
    Refund(RefundId),
}

impl MoneyId {
    pub const fn row(self) -> SequenceId {
        match self {
            Self::Payment(id) => id.row,
            Self::Refund(id) => id.row,
        }
    }
}

/// The kind of record that an external id or an e-mail address identifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    Order,
    /// An order, by the id of a payment: the sender's later events name the order by it.
    OrderOfPayment,
    Payment,
    Refund,
    Client,
    ClientEmail,
}

impl Identity {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::OrderOfPayment => "order_of_payment",
            Self::Payment => "payment",
            Self::Refund => "refund",
            Self::Client => "client",
            Self::ClientEmail => "client_email",
        }
    }

    /// Whether the value may identify another record already, and then goes on to.
    pub const fn may_be_taken(self) -> bool {
        matches!(self, Self::OrderOfPayment | Self::ClientEmail)
    }
}

/// A value that identifies a record from now on, within the namespace of the command. The external
/// id of a new order is not listed: it is written with the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewIdentity {
    pub identity: Identity,
    pub value: String,
    pub row: SequenceId,
}

impl Decision {
    /// A decision about an order and nothing else.
    fn of_order(record: OrderRecord, state: State, outcome: Outcome) -> Self {
        Self {
            outcome,
            subject: Subject::Order(record.order.id),
            order: Some((record, state)),
            client: None,
            money: None,
            identities: Vec::new(),
        }
    }

    /// Whether nothing is written.
    pub fn is_unchanged(&self) -> bool {
        let order = self.order.as_ref().is_none_or(|(_, state)| *state == State::Unchanged);
        let client = self.client.as_ref().is_none_or(|(_, state)| *state == State::Unchanged);
        order && client && self.money.is_none() && self.identities.is_empty()
    }

    /// The status of the response to the command: 201 if its subject is new.
    pub fn status(&self) -> u16 {
        let state = match self.subject {
            Subject::Order(_) => self.order.as_ref().map(|(_, state)| *state),
            Subject::Client(_) => self.client.as_ref().map(|(_, state)| *state),
            Subject::Payment(_) | Subject::Refund(_) => self.money.map(|(_, state)| state),
        };
        if state == Some(State::New) { 201 } else { 200 }
    }

    /// The subject's public id.
    pub fn id(&self) -> String {
        match self.subject {
            Subject::Order(id) => id.to_string(),
            Subject::Payment(id) => id.to_string(),
            Subject::Refund(id) => id.to_string(),
            Subject::Client(id) => id.to_string(),
        }
    }

    /// The subject's external id.
    pub fn external_id(&self) -> Option<&str> {
        let order = self.order.as_ref().map(|(record, _)| &record.order);
        match self.subject {
            Subject::Order(_) => order?.content.external_id.as_deref(),
            Subject::Payment(id) => order?.payment(id)?.detail.payment.external_id.as_deref(),
            Subject::Refund(id) => order?.refund(id)?.detail.refund.external_id.as_deref(),
            Subject::Client(_) => self.client.as_ref()?.0.details.external_id.as_deref(),
        }
    }

    /// The subject as JSON: the body of the response to the command. `None` only if the decision
    /// lacks its subject.
    pub fn body(&self) -> Option<String> {
        let order = self.order.as_ref().map(|(record, _)| &record.order);
        match self.subject {
            Subject::Order(_) => json(&OrderOut::from(order?)),
            Subject::Payment(id) => json(&PaymentOut::of(order?, order?.payment(id)?)),
            Subject::Refund(id) => json(&RefundOut::of(order?, order?.refund(id)?)),
            Subject::Client(_) => json(&self.client.as_ref()?.0.output()),
        }
    }
}

fn json(resource: &impl Serialize) -> Option<String> {
    serde_json::to_string(resource).ok()
}

/// The outcome of a native sender's event, given the version that is stored. The sender's own
/// version decides which event is newest, so any order of arrival ends in the same state.
pub fn judge_event(stored: Option<&SourceVersion>, incoming: &SourceVersion) -> Outcome {
    match stored {
        None => Outcome::Accepted,
        Some(stored) if incoming > stored => Outcome::Accepted,
        Some(stored) if incoming == stored => Outcome::Duplicate,
        Some(_) => Outcome::Stale,
    }
}

/// Whether a history already has the same delivery.
fn is_repeated(history: &[HistoryEntry], entry: &HistoryEntry) -> bool {
    entry.delivery.is_some()
        && history
            .iter()
            .any(|known| known.delivery == entry.delivery && known.event == entry.event)
}

/// 404 for an order.
pub fn no_order() -> Rejection {
    Rejection::new(Code::NotFound, "There is no such order.")
}

/// 404 for a payment.
fn no_payment() -> Rejection {
    Rejection::new(Code::NotFound, "There is no such payment.")
}

/// 409: the external id of a command belongs to a record with other content.
fn conflict(what: &str, id: &impl ToString) -> Rejection {
    Rejection::new(
        Code::ExternalIdConflict,
        format!("The {what} {} has this external_id and other content. Send the same content to get it again, or another external_id for another {what}.", id.to_string()),
    )
    .conflicting_with(id.to_string())
}

/// The rejection of a native snapshot without its sender's id. The readers make none.
fn without_id(what: &str) -> Rejection {
    Rejection::new(Code::ValidationFailed, format!("The {what} has no id of its sender."))
}
