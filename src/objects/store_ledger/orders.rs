//! The table `orders`, one row per order: its content as JSON, beside the columns that lists filter
//! by. And the table `identities`, which finds records by external id.

use serde::Deserialize;

use super::{StoreLedger, from_json, to_json};
use crate::Result;
use crate::platform::sql::{integer, optional_integer, text};
use tidegate_core::api::orders::output::{OrderOut, changed_fields};
use tidegate_core::domain::author::Author;
use tidegate_core::domain::command_hash::CreatingCommand;
use tidegate_core::domain::id::{ClientId, Namespace, OrderId, SequenceId, StoreId};
use tidegate_core::domain::key::Source;
use tidegate_core::domain::ledger::{HistoryEntry, Origin, StoredOrder, append_history};
use tidegate_core::domain::log::Outcome;
use tidegate_core::domain::order::{OrderContent, SourceVersion};
use tidegate_core::domain::rejection::{Code, Rejection};
use tidegate_core::domain::reported::SenderReported;
use tidegate_core::domain::time::Timestamp;
use tidegate_core::protocol::store_ledger::{Idempotency, LedgerReply};

/// The kind of record that an external id or an e-mail address identifies.
#[derive(Clone, Copy, Debug)]
pub(super) enum Identity {
    Order,
    /// An order, by the id of a payment: the sender's later events name the order by it.
    OrderOfPayment,
    Payment,
    Refund,
    Client,
    ClientEmail,
}

impl Identity {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::OrderOfPayment => "order_of_payment",
            Self::Payment => "payment",
            Self::Refund => "refund",
            Self::Client => "client",
            Self::ClientEmail => "client_email",
        }
    }
}

/// The columns of an [`OrderRow`].
const COLUMNS: &str =
    "id, source, created_by, created_at, updated_at, client_id, content, reported,
  command_hash, version, history, created";

/// What the trigger on the view `creations` does for the order itself.
pub(super) const INSERT_CREATION: &str = "
  INSERT INTO orders (id, change, source, created_by, status, placed_at, created_at, updated_at,
    client_id, content, reported, command_hash, version, history)
    VALUES (NEW.id, NEW.id, NEW.source, NEW.created_by, NEW.status, NEW.placed_at, NEW.created_at,
      NEW.updated_at, NEW.client_id, NEW.content, NEW.reported, NEW.command_hash, NEW.version,
      NEW.history);
  INSERT INTO identities (kind, value, namespace, id)
    SELECT 'order', NEW.external_id, NEW.namespace, NEW.id WHERE NEW.external_id IS NOT NULL;";

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

/// A row of the orders table: the order, and the columns that only the ledger needs.
pub(super) struct OrderRecord {
    pub order: StoredOrder,
    /// The hash of the command that created the order; `None` for orders of native senders.
    pub command_hash: Option<String>,
    /// The version of the native sender's event that was applied last.
    pub version: Option<SourceVersion>,
    pub history: Vec<HistoryEntry>,
}

impl OrderRow {
    fn into_record(self, store: StoreId) -> Result<OrderRecord> {
        Ok(OrderRecord {
            order: StoredOrder {
                id: OrderId::new(store, self.id),
                source: self.source,
                created_by: self.created_by,
                client_id: self.client_id.map(|row| ClientId::new(store, row)),
                content: from_json(&self.content)?,
                created: self.created.as_deref().map(from_json).transpose()?,
                reported: from_json(&self.reported)?,
                payments: Vec::new(),
                refunds: Vec::new(),
                created_at: self.created_at,
                updated_at: self.updated_at,
            },
            command_hash: self.command_hash,
            version: self.version.as_deref().map(from_json).transpose()?,
            history: from_json(&self.history)?,
        })
    }
}

impl StoreLedger {
    /// Creates an order and its idempotency row in one transaction, or returns the reply to the
    /// earlier creation.
    pub(super) fn create_order(
        &self,
        origin: &Origin,
        idempotency: Option<&Idempotency>,
        content: OrderContent,
        now: Timestamp,
    ) -> Result<(LedgerReply, String)> {
        let external_id = content.external_id.as_deref();
        let identity = external_id.map(|id| (Identity::Order, id));
        let prior =
            self.find_prior(origin.store_id, origin.namespace, idempotency, identity, now)?;
        if let Some(reply) = prior.reply {
            return Ok(reply);
        }
        if let Some(row) = prior.row {
            return self.reply_for_existing_order(origin, idempotency, row, &content, now);
        }
        let hash = CreatingCommand::Order(&content).hash();
        self.open_week(now)?;
        let identified_client = content.client.as_ref().filter(|client| client.is_identified());
        match identified_client.cloned() {
            // A single statement is atomic by itself.
            None => self.insert_new_order(origin, idempotency, None, content, hash, now),
            Some(client) => self.transaction(|| {
                let client_id = self.upsert_client(origin, &client, now)?;
                self.insert_new_order(origin, idempotency, client_id, content, hash, now)
            }),
        }
    }

    /// The reply to a command whose external id exists: a duplicate of the same command, or a
    /// conflict with another one.
    fn reply_for_existing_order(
        &self,
        origin: &Origin,
        idempotency: Option<&Idempotency>,
        row: SequenceId,
        content: &OrderContent,
        now: Timestamp,
    ) -> Result<(LedgerReply, String)> {
        let record = self.order(origin.store_id, row)?;
        let stored = record.command_hash.as_deref();
        if !stored.is_some_and(|hash| CreatingCommand::Order(content).has_hash(hash)) {
            let rejection = conflict("order", record.order.id.to_string());
            self.remember_conflict(origin, idempotency, &rejection, now)?;
            return Ok((LedgerReply::Rejected { rejection }, String::new()));
        }
        let body = to_json(&OrderOut::from(&record.order))?;
        let id = record.order.id.to_string();
        if let Some(idempotency) = idempotency {
            self.remember(origin.namespace, idempotency, 200, &id, &body, now)?;
        }
        Ok((done(200, Outcome::Duplicate, id, record.order.content.external_id), body))
    }

    fn insert_new_order(
        &self,
        origin: &Origin,
        idempotency: Option<&Idempotency>,
        client_id: Option<ClientId>,
        content: OrderContent,
        hash: String,
        now: Timestamp,
    ) -> Result<(LedgerReply, String)> {
        let order = StoredOrder {
            id: OrderId::new(origin.store_id, self.next_sequence_id(now)?),
            source: origin.source,
            created_by: origin.author.clone(),
            client_id,
            content,
            created: None,
            reported: SenderReported::default(),
            payments: Vec::new(),
            refunds: Vec::new(),
            created_at: now,
            updated_at: now,
        };
        let history = vec![HistoryEntry::new(origin, "created", None, now)];
        let record = OrderRecord { order, command_hash: Some(hash), version: None, history };
        let body = to_json(&OrderOut::from(&record.order))?;
        self.insert_order(origin.namespace, &record, idempotency)?;
        let id = record.order.id.to_string();
        Ok((done(201, Outcome::Accepted, id, record.order.content.external_id), body))
    }

    /// Writes an order, its external id and, if there is a key, its idempotency row. One statement
    /// on the view `creations` writes the three rows, because a call into the database costs more
    /// than a row.
    pub(super) fn insert_order(
        &self,
        namespace: Namespace,
        record: &OrderRecord,
        idempotency: Option<&Idempotency>,
    ) -> Result<()> {
        let order = &record.order;
        let placed_at = order.content.placed_at.unwrap_or(order.created_at);
        self.sql.run(
            "INSERT INTO creations (id, source, created_by, status, placed_at, created_at, updated_at,
               client_id, content, reported, command_hash, version, history, external_id,
               namespace, key, fingerprint, internal_id)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
               ?18)",
            &[
                integer(order.id.row.as_i64()),
                text(Some(order.source.as_str())),
                text(Some(&order.created_by.to_string())),
                text(Some(order.status().as_str())),
                integer(placed_at.millis()),
                integer(order.created_at.millis()),
                integer(order.updated_at.millis()),
                optional_integer(order.client_id.map(|id| id.row.as_i64())),
                text(Some(&to_json(&order.content)?)),
                text(Some(&to_json(&order.reported)?)),
                text(record.command_hash.as_deref()),
                text(record.version.as_ref().map(to_json).transpose()?.as_deref()),
                text(Some(&to_json(&record.history)?)),
                text(order.content.external_id.as_deref()),
                text(Some(&namespace.to_string())),
                text(idempotency.map(|idempotency| idempotency.key.as_str())),
                text(idempotency.map(|idempotency| idempotency.fingerprint.as_str())),
                text(Some(&order.id.to_string())),
            ],
        )
    }

    /// The response body of an order's creation: the order as it was then.
    pub(super) fn creation_body(&self, store: StoreId, row: SequenceId) -> Result<String> {
        to_json(&OrderOut::from(&self.order(store, row)?.order.as_created()))
    }

    /// Updates an order that changed to its present state from `before`: its time, its change
    /// number, and its history, by an entry with the names of the fields that changed.
    pub(super) fn change_order(
        &self,
        before: &StoredOrder,
        record: &mut OrderRecord,
        mut entry: HistoryEntry,
        now: Timestamp,
    ) -> Result<()> {
        entry.changes = changed_fields(&OrderOut::from(before), &OrderOut::from(&record.order));
        append_history(&mut record.history, entry);
        record.order.updated_at = now;
        let order = &record.order;
        let placed_at = order.content.placed_at.unwrap_or(order.created_at);
        self.sql.run(
            "UPDATE orders SET status = ?2, placed_at = ?3, updated_at = ?4, client_id = ?5,
               content = ?6, reported = ?7, version = ?8, history = ?9, change = ?10, created = ?11
             WHERE id = ?1",
            &[
                integer(order.id.row.as_i64()),
                text(Some(order.status().as_str())),
                integer(placed_at.millis()),
                integer(order.updated_at.millis()),
                optional_integer(order.client_id.map(|id| id.row.as_i64())),
                text(Some(&to_json(&order.content)?)),
                text(Some(&to_json(&order.reported)?)),
                text(record.version.as_ref().map(to_json).transpose()?.as_deref()),
                text(Some(&to_json(&record.history)?)),
                integer(self.next_sequence_id(now)?.as_i64()),
                text(order.created.as_ref().map(to_json).transpose()?.as_deref()),
            ],
        )
    }

    /// Appends to the history of an order that did not change.
    pub(super) fn append_to_history(
        &self,
        record: &mut OrderRecord,
        entry: HistoryEntry,
    ) -> Result<()> {
        append_history(&mut record.history, entry);
        self.sql.run(
            "UPDATE orders SET history = ?2 WHERE id = ?1",
            &[integer(record.order.id.row.as_i64()), text(Some(&to_json(&record.history)?))],
        )
    }

    /// Loads the order of a row, with its payments and refunds.
    pub(super) fn order(&self, store: StoreId, row: SequenceId) -> Result<OrderRecord> {
        let query = format!("SELECT {COLUMNS} FROM orders WHERE id = ?1");
        let found = self.sql.first::<OrderRow>(&query, &[integer(row.as_i64())])?;
        let mut record = found.ok_or_else(not_found)?.into_record(store)?;
        self.load_money(&mut record.order)?;
        Ok(record)
    }

    /// The row that a value identifies within a namespace.
    pub(super) fn find_identity(
        &self,
        identity: Identity,
        value: &str,
        namespace: Namespace,
    ) -> Result<Option<SequenceId>> {
        #[derive(Deserialize)]
        struct Found {
            id: SequenceId,
        }
        let found = self.sql.first::<Found>(
            "SELECT id FROM identities WHERE kind = ?1 AND value = ?2 AND namespace = ?3",
            &[text(Some(identity.as_str())), text(Some(value)), text(Some(&namespace.to_string()))],
        )?;
        Ok(found.map(|found| found.id))
    }

    /// The orders of the whole store with this external id, at most one per namespace, newest
    /// first.
    pub(super) fn orders_by_external_id(&self, external_id: &str) -> Result<Vec<SequenceId>> {
        #[derive(Deserialize)]
        struct Found {
            id: SequenceId,
        }
        let found = self.sql.rows::<Found>(
            "SELECT id FROM identities WHERE kind = 'order' AND value = ?1 ORDER BY id DESC",
            &[text(Some(external_id))],
        )?;
        Ok(found.into_iter().map(|found| found.id).collect())
    }

    pub(super) fn insert_identity(
        &self,
        identity: Identity,
        value: &str,
        namespace: Namespace,
        row: SequenceId,
    ) -> Result<()> {
        self.sql.run(
            "INSERT INTO identities (kind, value, namespace, id) VALUES (?1, ?2, ?3, ?4)",
            &[
                text(Some(identity.as_str())),
                text(Some(value)),
                text(Some(&namespace.to_string())),
                integer(row.as_i64()),
            ],
        )
    }

    /// The row, if an order with it exists.
    pub(super) fn existing_order_row(&self, row: SequenceId) -> Result<Option<SequenceId>> {
        #[derive(Deserialize)]
        struct Found {
            id: SequenceId,
        }
        let query = "SELECT id FROM orders WHERE id = ?1";
        Ok(self.sql.first::<Found>(query, &[integer(row.as_i64())])?.map(|found| found.id))
    }
}

pub(super) fn done(
    status: u16,
    outcome: Outcome,
    id: String,
    external_id: Option<String>,
) -> LedgerReply {
    LedgerReply::Done { status, outcome, internal_id: Some(id), external_id }
}

pub(super) fn not_found() -> Rejection {
    Rejection::new(Code::NotFound, "There is no such order.")
}

/// 409: the external id of a command belongs to a record with other content.
pub(super) fn conflict(what: &str, id: String) -> Rejection {
    Rejection::new(
        Code::ExternalIdConflict,
        format!("The {what} {id} has this external_id and other content. Send the same content to get it again, or another external_id for another {what}."),
    )
    .conflicting_with(id)
}
