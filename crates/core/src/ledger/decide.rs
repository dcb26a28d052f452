//! Finds the records that a command or an event concerns, and decides about it.

use super::{Decision, Identity, MoneyId, clients, no_order, no_payment, orders, payments};
use crate::domain::event::NativeEvent;
use crate::domain::id::{Namespace, PaymentId, RefundId, Sequence, SequenceId};
use crate::domain::order::ClientDetails;
use crate::domain::record::{ClientRecord, HistoryEntry, OrderRecord, Origin};
use crate::domain::rejection::Rejection;
use crate::domain::write::{Target, Write};

/// The stored records of a ledger.
pub trait Records {
    /// A rejection, or a failure to read.
    type Error: From<Rejection>;

    /// Loads an order with its payments and refunds. `None` if there is none with this row.
    fn order(&self, origin: &Origin, row: SequenceId) -> Result<Option<OrderRecord>, Self::Error>;
    fn client(&self, origin: &Origin, row: SequenceId) -> Result<ClientRecord, Self::Error>;
    /// The row of the order of a payment or a refund.
    fn order_of(&self, money: MoneyId) -> Result<Option<SequenceId>, Self::Error>;
    /// The row that a value identifies within a namespace.
    fn find_identity(
        &self,
        identity: Identity,
        value: &str,
        namespace: Namespace,
    ) -> Result<Option<SequenceId>, Self::Error>;
}

/// A ledger's records, and the command's origin.
#[derive(Debug)]
pub struct Ledger<'a, R> {
    pub records: &'a R,
    pub origin: &'a Origin,
}

/// The external id that a creating command gives its record.
pub fn created_identity(write: &Write) -> Option<(Identity, &str)> {
    let identity = match write {
        Write::CreateOrder { .. } => Identity::Order,
        Write::CreatePayment { .. } => Identity::Payment,
        Write::CreateRefund { .. } => Identity::Refund,
        Write::CancelOrder { .. } | Write::UpsertClient { .. } => return None,
    };
    write.external_id().map(|id| (identity, id))
}

impl<R: Records> Ledger<'_, R> {
    /// Decides about a write. `existing` is the row that has its external id.
    pub fn write(
        &self,
        write: Write,
        existing: Option<SequenceId>,
        sequence: &mut Sequence,
    ) -> Result<Decision, R::Error> {
        Ok(match write {
            Write::CreateOrder { order } => {
                let existing = match existing {
                    Some(row) => Some(self.order(row)?),
                    None => None,
                };
                let client = match &existing {
                    Some(_) => None,
                    None => self.client_of(order.client.as_ref())?,
                };
                orders::create(self.origin, existing, client, *order, sequence)?
            }
            Write::CancelOrder { order, reason } => {
                orders::cancel(self.origin, self.target_order(&order)?, reason, sequence.now)?
            }
            Write::CreatePayment { order, payment } => {
                let order = self.target_order(&order)?;
                payments::pay(self.origin, order, payment, existing, sequence)?
            }
            Write::CreateRefund { payment, refund } => {
                let row = self.target_row(&payment, Identity::Payment)?;
                let row = row.ok_or_else(no_payment)?;
                let payment = PaymentId::new(self.origin.store_id, row);
                let order = self.records.order_of(MoneyId::Payment(payment))?;
                let order = self.order(order.ok_or_else(no_payment)?)?;
                payments::refund(self.origin, order, payment, refund, existing, sequence)?
            }
            Write::UpsertClient { client } => {
                let found = self.find_client(&client)?;
                clients::upsert(self.origin, found, client, sequence)
            }
        })
    }

    /// Decides about a native event. `None` if what it refers to has not arrived yet.
    pub fn event(
        &self,
        event: NativeEvent,
        entry: HistoryEntry,
        sequence: &mut Sequence,
    ) -> Result<Option<Decision>, R::Error> {
        Ok(Some(match event {
            NativeEvent::Order { snapshot } => {
                let id = snapshot.content.external_id.as_deref();
                let existing = self.order_by_external_id(id)?;
                let client = self.client_of(snapshot.content.client.as_ref())?;
                orders::apply_snapshot(self.origin, existing, client, *snapshot, entry, sequence)?
            }
            NativeEvent::OrderDeleted { external_id } => {
                match self.order_by_external_id(Some(&external_id))? {
                    Some(order) => orders::note_deletion(order, entry),
                    None => return Ok(None),
                }
            }
            NativeEvent::Client { snapshot } => {
                let details = &snapshot.details;
                let found = self.find_client(details)?;
                clients::apply_snapshot(self.origin, found, snapshot, entry, sequence)
            }
            NativeEvent::ClientDeleted { external_id } => {
                match self.find(Identity::Client, &external_id)? {
                    Some(row) => clients::note_deletion(self.client(row)?, entry),
                    None => return Ok(None),
                }
            }
            NativeEvent::Payment { snapshot } => {
                let id = snapshot.payment.external_id.as_deref();
                let Some(order) = self.order_of_event(snapshot.order.as_deref(), id)? else {
                    return Ok(None);
                };
                let existing = self.find_optional(Identity::Payment, id)?;
                let existing = existing.map(|row| PaymentId::new(self.origin.store_id, row));
                let order = self.order_of_money(existing.map(MoneyId::Payment), order)?;
                payments::apply_payment(self.origin, order, existing, *snapshot, entry, sequence)?
            }
            NativeEvent::Refund { snapshot } => {
                let (order, payment) = (snapshot.order.as_deref(), snapshot.payment.as_deref());
                let Some(order) = self.order_of_event(order, payment)? else { return Ok(None) };
                let id = snapshot.refund.external_id.as_deref();
                let existing = self.find_optional(Identity::Refund, id)?;
                let existing = existing.map(|row| RefundId::new(self.origin.store_id, row));
                let order = self.order_of_money(existing.map(MoneyId::Refund), order)?;
                payments::apply_refund(self.origin, order, existing, *snapshot, entry, sequence)?
            }
            NativeEvent::Notification { .. } | NativeEvent::Ignored { .. } => return Ok(None),
        }))
    }

    /// The stored client of an order, if the order's details identify one.
    fn client_of(&self, details: Option<&ClientDetails>) -> Result<Option<ClientRecord>, R::Error> {
        match details {
            Some(details) => self.find_client(details),
            None => Ok(None),
        }
    }

    fn order_by_external_id(
        &self,
        external_id: Option<&str>,
    ) -> Result<Option<OrderRecord>, R::Error> {
        match self.find_optional(Identity::Order, external_id)? {
            Some(row) => self.order(row).map(Some),
            None => Ok(None),
        }
    }

    /// The row of the order that a native event is about, found by its own id or by that of a
    /// payment.
    fn order_of_event(
        &self,
        order: Option<&str>,
        payment: Option<&str>,
    ) -> Result<Option<SequenceId>, R::Error> {
        if let Some(order) = order {
            return self.find(Identity::Order, order);
        }
        let Some(payment) = payment else { return Ok(None) };
        let order = self.find(Identity::OrderOfPayment, payment)?;
        if order.is_some() {
            return Ok(order);
        }
        match self.find(Identity::Payment, payment)? {
            Some(row) => {
                let payment = PaymentId::new(self.origin.store_id, row);
                self.records.order_of(MoneyId::Payment(payment))
            }
            None => Ok(None),
        }
    }

    /// Loads the order of a payment or refund that exists, or else the order with this row.
    fn order_of_money(
        &self,
        existing: Option<MoneyId>,
        order: SequenceId,
    ) -> Result<OrderRecord, R::Error> {
        let its_own = match existing {
            Some(money) => self.records.order_of(money)?,
            None => None,
        };
        self.order(its_own.unwrap_or(order))
    }

    /// Loads the order that a request names.
    fn target_order(&self, order: &Target) -> Result<OrderRecord, R::Error> {
        let row = self.target_row(order, Identity::Order)?.ok_or_else(no_order)?;
        self.order(row)
    }

    /// The row that a request names, by our id or by an external id in the key's namespace.
    fn target_row(
        &self,
        target: &Target,
        identity: Identity,
    ) -> Result<Option<SequenceId>, R::Error> {
        match target {
            Target::Id(row) => Ok(Some(*row)),
            Target::External(id) => self.find(identity, id),
        }
    }

    /// The client that details identify: by the external id, or else by the e-mail address.
    fn find_client(&self, details: &ClientDetails) -> Result<Option<ClientRecord>, R::Error> {
        if let Some(id) = details.external_id.as_deref()
            && let Some(row) = self.find(Identity::Client, id)?
        {
            return self.client(row).map(Some);
        }
        let Some(email) = details.email.as_deref() else { return Ok(None) };
        let Some(row) = self.find(Identity::ClientEmail, &email.to_lowercase())? else {
            return Ok(None);
        };
        let client = self.client(row)?;
        Ok(clients::may_be_same(&client.details, details).then_some(client))
    }

    fn order(&self, row: SequenceId) -> Result<OrderRecord, R::Error> {
        self.records.order(self.origin, row)?.ok_or_else(|| no_order().into())
    }

    fn client(&self, row: SequenceId) -> Result<ClientRecord, R::Error> {
        self.records.client(self.origin, row)
    }

    fn find_optional(
        &self,
        identity: Identity,
        value: Option<&str>,
    ) -> Result<Option<SequenceId>, R::Error> {
        value.map_or(Ok(None), |value| self.find(identity, value))
    }

    fn find(&self, identity: Identity, value: &str) -> Result<Option<SequenceId>, R::Error> {
        self.records.find_identity(identity, value, self.origin.namespace)
    }
}
