//! `orders`: one row an order, its content as JSON beside the columns that lists filter by; and
//! `identities`, by which external ids are found.

use serde::Deserialize;

use super::{StoreLedger, from_json, to_json};
use crate::api::order_output::OrderOut;
use crate::domain::credential::KeyId;
use crate::domain::id::{ClientId, Namespace, OrderId, SequenceId, StoreId};
use crate::domain::key::Source;
use crate::domain::ledger::{HistoryEntry, Origin, SenderReported, StoredOrder, command_hash};
use crate::domain::log::Outcome;
use crate::domain::order::{OrderContent, SourceVersion};
use crate::domain::rejection::{Code, Rejection};
use crate::domain::time::Timestamp;
use crate::edge::Result;
use crate::edge::sql::{integer, optional_integer, text};
use crate::protocol::store_ledger::{Idempotency, LedgerReply};

/// What an external id or an e-mail address identifies.
#[derive(Clone, Copy, Debug)]
pub(super) enum Identity {
    Order,
    /// An order by a payment that its sender names it by.
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

const COLUMNS: &str = "id, source, key_id, created_at, updated_at, client_id, content, stated,
  command_hash, version, history";

#[derive(Deserialize)]
struct OrderRow {
    id: SequenceId,
    source: Source,
    key_id: KeyId,
    created_at: Timestamp,
    updated_at: Timestamp,
    client_id: Option<SequenceId>,
    content: String,
    stated: String,
    command_hash: Option<String>,
    version: Option<String>,
    history: String,
}

/// An order with what only the ledger needs of it.
pub(super) struct OrderRecord {
    pub order: StoredOrder,
    /// The hash of the command that made it; `None` for orders of native senders.
    pub command_hash: Option<String>,
    /// The version of the native sender's event that it stands at.
    pub version: Option<SourceVersion>,
    pub history: Vec<HistoryEntry>,
}

impl OrderRow {
    fn into_record(self, store: StoreId) -> Result<OrderRecord> {
        Ok(OrderRecord {
            order: StoredOrder {
                id: OrderId::new(store, self.id),
                source: self.source,
                key_id: self.key_id,
                client_id: self.client_id.map(|row| ClientId::new(store, row)),
                content: from_json(&self.content)?,
                stated: from_json(&self.stated)?,
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
    /// Creates an order, or finds that it was created: in one transaction with its idempotency.
    pub(super) fn create_order(
        &self,
        origin: &Origin,
        idempotency: Option<&Idempotency>,
        content: OrderContent,
        now: Timestamp,
    ) -> Result<(LedgerReply, String)> {
        let external_id = content.external_id.as_deref();
        let identity = external_id.map(|id| (Identity::Order, id));
        let known = self.known(origin.store_id, origin.namespace, idempotency, identity, now)?;
        if let Some(answer) = known.answer {
            return Ok(answer);
        }
        let hash = command_hash(&content);
        if let Some(row) = known.row {
            return self.found_order(origin, idempotency, row, &hash, now);
        }
        self.open_week(now)?;
        let identified = content.client.as_ref().filter(|client| client.is_identified());
        match identified.cloned() {
            // One statement, and so atomic by itself.
            None => self.insert_new(origin, idempotency, None, content, hash, now),
            Some(client) => self.transaction(|| {
                let client_id = self.upsert_client(origin, &client, now)?;
                self.insert_new(origin, idempotency, client_id, content, hash, now)
            }),
        }
    }

    /// Answers a command whose external id is taken: by itself, or by another.
    fn found_order(
        &self,
        origin: &Origin,
        idempotency: Option<&Idempotency>,
        row: SequenceId,
        hash: &str,
        now: Timestamp,
    ) -> Result<(LedgerReply, String)> {
        let kept = self.order(origin.store_id, row)?;
        if kept.command_hash.as_deref() != Some(hash) {
            let rejection = conflict("order", kept.order.id.to_string());
            self.remember_conflict(origin, idempotency, &rejection, now)?;
            return Ok((LedgerReply::Rejected { rejection }, String::new()));
        }
        let body = to_json(&OrderOut::from(&kept.order))?;
        let id = kept.order.id.to_string();
        if let Some(idempotency) = idempotency {
            self.remember(origin.namespace, idempotency, 200, &id, &body, now)?;
        }
        Ok((done(200, Outcome::Duplicate, id, kept.order.content.external_id), body))
    }

    fn insert_new(
        &self,
        origin: &Origin,
        idempotency: Option<&Idempotency>,
        client_id: Option<ClientId>,
        content: OrderContent,
        hash: String,
        now: Timestamp,
    ) -> Result<(LedgerReply, String)> {
        let order = StoredOrder {
            id: OrderId::new(origin.store_id, self.next_row(now)?),
            source: origin.source,
            key_id: origin.key_id.clone(),
            client_id,
            content,
            stated: SenderReported::default(),
            payments: Vec::new(),
            refunds: Vec::new(),
            created_at: now,
            updated_at: now,
        };
        let history = vec![HistoryEntry {
            at: now,
            request_id: origin.request_id,
            event: "created".to_owned(),
            delivery: None,
        }];
        let kept = OrderRecord { order, command_hash: Some(hash), version: None, history };
        let body = to_json(&OrderOut::from(&kept.order))?;
        self.insert_order(origin.namespace, &kept, idempotency)?;
        let id = kept.order.id.to_string();
        Ok((done(201, Outcome::Accepted, id, kept.order.content.external_id), body))
    }

    /// Writes an order, its external id and, where there is one, its answer: three rows by one
    /// statement on the view `creations`, because a call into the database costs more than a row.
    pub(super) fn insert_order(
        &self,
        namespace: Namespace,
        kept: &OrderRecord,
        idempotency: Option<&Idempotency>,
    ) -> Result<()> {
        let order = &kept.order;
        let placed_at = order.content.placed_at.unwrap_or(order.created_at);
        self.sql.run(
            "INSERT INTO creations VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,
               ?14, ?15, ?16, ?17, ?18)",
            &[
                integer(order.id.row.as_i64()),
                text(Some(order.source.as_str())),
                text(Some(order.key_id.as_str())),
                text(Some(order.status().as_str())),
                integer(placed_at.millis()),
                integer(order.created_at.millis()),
                integer(order.updated_at.millis()),
                optional_integer(order.client_id.map(|id| id.row.as_i64())),
                text(Some(&to_json(&order.content)?)),
                text(Some(&to_json(&order.stated)?)),
                text(kept.command_hash.as_deref()),
                text(kept.version.as_ref().map(to_json).transpose()?.as_deref()),
                text(Some(&to_json(&kept.history)?)),
                text(order.content.external_id.as_deref()),
                text(Some(&namespace.to_string())),
                text(idempotency.map(|idempotency| idempotency.key.as_str())),
                text(idempotency.map(|idempotency| idempotency.fingerprint.as_str())),
                text(Some(&order.id.to_string())),
            ],
        )
    }

    /// The answer that the creation of an order was given: the order as it was then.
    pub(super) fn creation_answer(&self, store: StoreId, row: SequenceId) -> Result<String> {
        to_json(&OrderOut::from(&self.order(store, row)?.order.as_created()))
    }

    /// Rewrites what may change of an order.
    pub(super) fn update_order(&self, kept: &OrderRecord) -> Result<()> {
        let order = &kept.order;
        let placed_at = order.content.placed_at.unwrap_or(order.created_at);
        self.sql.run(
            "UPDATE orders SET status = ?2, placed_at = ?3, updated_at = ?4, client_id = ?5,
               content = ?6, stated = ?7, version = ?8, history = ?9 WHERE id = ?1",
            &[
                integer(order.id.row.as_i64()),
                text(Some(order.status().as_str())),
                integer(placed_at.millis()),
                integer(order.updated_at.millis()),
                optional_integer(order.client_id.map(|id| id.row.as_i64())),
                text(Some(&to_json(&order.content)?)),
                text(Some(&to_json(&order.stated)?)),
                text(kept.version.as_ref().map(to_json).transpose()?.as_deref()),
                text(Some(&to_json(&kept.history)?)),
            ],
        )
    }

    /// The order of a row.
    pub(super) fn order(&self, store: StoreId, row: SequenceId) -> Result<OrderRecord> {
        let query = format!("SELECT {COLUMNS} FROM orders WHERE id = ?1");
        let found = self.sql.first::<OrderRow>(&query, &[integer(row.as_i64())])?;
        let mut kept = found.ok_or_else(not_found)?.into_record(store)?;
        self.load_money(&mut kept.order)?;
        Ok(kept)
    }

    /// What a value identifies within a namespace.
    pub(super) fn identified(
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

    /// The orders of the whole store that have this external id, one per namespace, newest first.
    pub(super) fn orders_identified(&self, external_id: &str) -> Result<Vec<SequenceId>> {
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

    pub(super) fn identify(
        &self,
        identity: Identity,
        value: &str,
        namespace: Namespace,
        row: SequenceId,
    ) -> Result<()> {
        self.sql.run(
            "INSERT INTO identities VALUES (?1, ?2, ?3, ?4)",
            &[
                text(Some(identity.as_str())),
                text(Some(value)),
                text(Some(&namespace.to_string())),
                integer(row.as_i64()),
            ],
        )
    }

    /// The row, if it is of an order.
    pub(super) fn row_of_order(&self, row: SequenceId) -> Result<Option<SequenceId>> {
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

/// 409: the external id of a command is that of something with other content.
pub(super) fn conflict(what: &str, id: String) -> Rejection {
    Rejection::new(
        Code::ExternalIdConflict,
        format!("The {what} {id} has this external_id and other content. Send the same content to get it again, or another external_id for another {what}."),
    )
    .conflicting_with(id)
}
