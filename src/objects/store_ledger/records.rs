//! Reads the records of orders with their payments and refunds, of clients, and the identities by
//! which they are found.

use serde::Deserialize;

use super::{StoreLedger, from_json};
use crate::platform::sql::{integer, text};
use crate::{Error, Result};
use tidegate_core::domain::author::Author;
use tidegate_core::domain::id::{
    ClientId, Namespace, OrderId, PaymentId, RefundId, SequenceId, StoreId,
};
use tidegate_core::domain::key::Source;
use tidegate_core::domain::payment::{Payment, Refund};
use tidegate_core::domain::record::{ClientRecord, OrderRecord, Origin, StoredOrder};
use tidegate_core::domain::time::Timestamp;
use tidegate_core::ledger::{self, Identity, MoneyId, Records};

#[derive(Deserialize)]
struct OrderRow {
    id: SequenceId,
    source: Source,
    created_by: Author,
    created_at: Timestamp,
    updated_at: Timestamp,
    client_id: Option<SequenceId>,
    content: String,
    reported: String,
    command_hash: Option<String>,
    version: Option<String>,
    history: String,
    created: Option<String>,
}

#[derive(Deserialize)]
struct ClientRow {
    id: SequenceId,
    details: String,
    created_by: Option<Author>,
    version: Option<String>,
    history: String,
    created_at: Timestamp,
    updated_at: Timestamp,
}

#[derive(Deserialize)]
struct MoneyRow {
    id: SequenceId,
    order_id: SequenceId,
    detail: String,
    command_hash: Option<String>,
    version: Option<String>,
}

#[derive(Deserialize)]
struct FoundRow {
    id: SequenceId,
}

impl StoreLedger {
    /// Loads the order of a row, with its payments and refunds.
    pub(super) fn order(&self, store: StoreId, row: SequenceId) -> Result<OrderRecord> {
        Ok(self.find_order(store, row)?.ok_or_else(ledger::no_order)?)
    }

    fn find_order(&self, store: StoreId, row: SequenceId) -> Result<Option<OrderRecord>> {
        let query = "SELECT id, source, created_by, created_at, updated_at, client_id, content,
            reported, command_hash, version, history, created FROM orders WHERE id = ?1";
        let row = self.sql.first::<OrderRow>(query, &[integer(row.as_i64())])?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(OrderRecord {
            order: StoredOrder {
                id: OrderId::new(store, row.id),
                source: row.source,
                created_by: row.created_by,
                client_id: row.client_id.map(|row| ClientId::new(store, row)),
                content: from_json(&row.content)?,
                created: optional_json(row.created.as_deref())?,
                reported: from_json(&row.reported)?,
                payments: self.payments(store, row.id)?,
                refunds: self.refunds(store, row.id)?,
                created_at: row.created_at,
                updated_at: row.updated_at,
            },
            command_hash: row.command_hash,
            version: optional_json(row.version.as_deref())?,
            history: from_json(&row.history)?,
        }))
    }

    fn payments(&self, store: StoreId, order: SequenceId) -> Result<Vec<Payment>> {
        let rows = self.money("payments", order)?.into_iter().map(|row| {
            Ok(Payment {
                id: PaymentId::new(store, row.id),
                order_id: OrderId::new(store, row.order_id),
                detail: from_json(&row.detail)?,
                command_hash: row.command_hash,
                version: optional_json(row.version.as_deref())?,
            })
        });
        rows.collect()
    }

    fn refunds(&self, store: StoreId, order: SequenceId) -> Result<Vec<Refund>> {
        let rows = self.money("refunds", order)?.into_iter().map(|row| {
            Ok(Refund {
                id: RefundId::new(store, row.id),
                order_id: OrderId::new(store, row.order_id),
                detail: from_json(&row.detail)?,
                command_hash: row.command_hash,
                version: optional_json(row.version.as_deref())?,
            })
        });
        rows.collect()
    }

    fn money(&self, table: &str, order: SequenceId) -> Result<Vec<MoneyRow>> {
        let query = format!(
            "SELECT id, order_id, detail, command_hash, version FROM {table} WHERE order_id = ?1
             ORDER BY id"
        );
        self.sql.rows(&query, &[integer(order.as_i64())])
    }

    fn stored_client(&self, store: StoreId, row: SequenceId) -> Result<ClientRecord> {
        let query = "SELECT id, details, created_by, version, history, created_at, updated_at
          FROM clients WHERE id = ?1";
        let row = self.sql.first::<ClientRow>(query, &[integer(row.as_i64())])?;
        let row = row.ok_or_else(|| crate::internal("an identity without a client"))?;
        Ok(ClientRecord {
            id: ClientId::new(store, row.id),
            details: from_json(&row.details)?,
            created_by: row.created_by,
            version: optional_json(row.version.as_deref())?,
            history: from_json(&row.history)?,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }

    /// The orders of the whole store with this external id, at most one per namespace, newest
    /// first.
    pub(super) fn orders_by_external_id(&self, external_id: &str) -> Result<Vec<SequenceId>> {
        let found = self.sql.rows::<FoundRow>(
            "SELECT id FROM identities WHERE kind = 'order' AND value = ?1 ORDER BY id DESC",
            &[text(Some(external_id))],
        )?;
        Ok(found.into_iter().map(|found| found.id).collect())
    }

    /// The row, if an order with it exists.
    pub(super) fn existing_order_row(&self, row: SequenceId) -> Result<Option<SequenceId>> {
        let query = "SELECT id FROM orders WHERE id = ?1";
        Ok(self.sql.first::<FoundRow>(query, &[integer(row.as_i64())])?.map(|found| found.id))
    }
}

impl Records for StoreLedger {
    type Error = Error;

    fn order(&self, origin: &Origin, row: SequenceId) -> Result<Option<OrderRecord>> {
        self.find_order(origin.store_id, row)
    }

    fn client(&self, origin: &Origin, row: SequenceId) -> Result<ClientRecord> {
        self.stored_client(origin.store_id, row)
    }

    fn order_of(&self, money: MoneyId) -> Result<Option<SequenceId>> {
        let query = format!("SELECT order_id AS id FROM {} WHERE id = ?1", table_of(money));
        let found = self.sql.first::<FoundRow>(&query, &[integer(money.row().as_i64())])?;
        Ok(found.map(|found| found.id))
    }

    fn find_identity(
        &self,
        identity: Identity,
        value: &str,
        namespace: Namespace,
    ) -> Result<Option<SequenceId>> {
        let found = self.sql.first::<FoundRow>(
            "SELECT id FROM identities WHERE kind = ?1 AND value = ?2 AND namespace = ?3",
            &[text(Some(identity.as_str())), text(Some(value)), text(Some(&namespace.to_string()))],
        )?;
        Ok(found.map(|found| found.id))
    }
}

/// The table of a payment or a refund. Both tables have the same columns.
pub(super) const fn table_of(money: MoneyId) -> &'static str {
    match money {
        MoneyId::Payment(_) => "payments",
        MoneyId::Refund(_) => "refunds",
    }
}

fn optional_json<T: serde::de::DeserializeOwned>(text: Option<&str>) -> Result<Option<T>> {
    text.map(from_json).transpose()
}
