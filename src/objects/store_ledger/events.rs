//! Events of native senders. The sender's own version decides which event is newest
//! ([`judge_event`]), so any order of arrival ends in the same state.

use super::StoreLedger;
use super::orders::{Identity, OrderRecord};
use crate::{Result, internal};
use tidegate_core::domain::event::NativeEvent;
use tidegate_core::domain::id::{ClientId, OrderId};
use tidegate_core::domain::ledger::{
    HistoryEntry, Origin, StoredOrder, append_history, judge_event,
};
use tidegate_core::domain::log::Outcome;
use tidegate_core::domain::order::{ClientSnapshot, OrderSnapshot};
use tidegate_core::domain::reported::SenderReported;
use tidegate_core::domain::time::Timestamp;
use tidegate_core::protocol::store_ledger::LedgerReply;

impl StoreLedger {
    /// Applies an event in one transaction.
    pub(super) fn apply(
        &self,
        origin: &Origin,
        topic: &str,
        delivery: Option<String>,
        event: NativeEvent,
        now: Timestamp,
    ) -> Result<LedgerReply> {
        let entry = HistoryEntry::new(origin, topic, delivery, now);
        self.transaction(|| match event {
            NativeEvent::Order { snapshot } => self.apply_order(origin, *snapshot, entry, now),
            NativeEvent::OrderDeleted { external_id } => {
                self.append_to_order_history(origin, &external_id, entry)
            }
            NativeEvent::Client { snapshot } => self.apply_client(origin, snapshot, entry, now),
            NativeEvent::ClientDeleted { external_id } => {
                self.append_to_client_history(origin, &external_id, entry, now)
            }
            NativeEvent::Payment { snapshot } => self.apply_payment(origin, *snapshot, entry, now),
            NativeEvent::Refund { snapshot } => self.apply_refund(origin, *snapshot, entry, now),
            NativeEvent::Notification { .. } | NativeEvent::Ignored { .. } => {
                Ok(done(Outcome::Ignored, None::<OrderId>, None))
            }
        })
    }

    fn apply_order(
        &self,
        origin: &Origin,
        snapshot: OrderSnapshot,
        entry: HistoryEntry,
        now: Timestamp,
    ) -> Result<LedgerReply> {
        let OrderSnapshot { content, payments, refunds, payment_ids, version } = snapshot;
        let external_id = content
            .external_id
            .clone()
            .ok_or_else(|| internal("a native order without its sender's id"))?;
        let existing = self.find_identity(Identity::Order, &external_id, origin.namespace)?;
        let Some(row) = existing else {
            let client_id = match &content.client {
                Some(client) => self.upsert_client(origin, client, now)?,
                None => None,
            };
            let order = StoredOrder {
                id: OrderId::new(origin.store_id, self.next_sequence_id(now)?),
                source: origin.source,
                created_by: origin.author.clone(),
                client_id,
                content,
                created: None,
                reported: SenderReported { payments, refunds, ..SenderReported::default() },
                payments: Vec::new(),
                refunds: Vec::new(),
                created_at: now,
                updated_at: now,
            };
            let id = order.id;
            let record = OrderRecord {
                order,
                command_hash: None,
                version: Some(version),
                history: vec![entry],
            };
            self.open_week(now)?;
            self.insert_order(origin.namespace, &record, None)?;
            self.link_payments(origin, &payment_ids, id.row)?;
            return Ok(done(Outcome::Accepted, Some(id), Some(external_id)));
        };
        let mut record = self.order(origin.store_id, row)?;
        let id = record.order.id;
        let outcome = judge_event(record.version.as_ref(), &version);
        if outcome == Outcome::Accepted {
            let before = record.order.clone();
            let client_id = match &content.client {
                Some(client) => self.upsert_client(origin, client, now)?,
                None => before.client_id,
            };
            let is_replayed = record.command_hash.is_some();
            record.order.change_content(content, client_id, is_replayed);
            record.order.reported =
                SenderReported { payments, refunds, local: record.order.reported.local };
            record.version = Some(version);
            self.change_order(&before, &mut record, entry, now)?;
            self.link_payments(origin, &payment_ids, id.row)?;
        }
        Ok(done(outcome, Some(id), Some(external_id)))
    }

    /// Appends an entry to the history of an order, unless the same delivery is already in it.
    fn append_to_order_history(
        &self,
        origin: &Origin,
        external_id: &str,
        entry: HistoryEntry,
    ) -> Result<LedgerReply> {
        let row = self.find_identity(Identity::Order, external_id, origin.namespace)?;
        let Some(row) = row else { return Ok(LedgerReply::ParentUnknown) };
        let mut record = self.order(origin.store_id, row)?;
        let id = Some(record.order.id);
        let external_id = Some(external_id.to_owned());
        if is_repeated(&record.history, &entry) {
            return Ok(done(Outcome::Duplicate, id, external_id));
        }
        self.append_to_history(&mut record, entry)?;
        Ok(done(Outcome::Accepted, id, external_id))
    }

    fn apply_client(
        &self,
        origin: &Origin,
        snapshot: ClientSnapshot,
        entry: HistoryEntry,
        now: Timestamp,
    ) -> Result<LedgerReply> {
        let ClientSnapshot { details, version } = snapshot;
        let external_id = details.external_id.clone();
        let (outcome, row) = match self.find_client(origin, &details)? {
            None => {
                let row = self.insert_client(origin, &details, Some(&version), entry, now)?;
                (Outcome::Accepted, row)
            }
            Some(mut client) => {
                let outcome = judge_event(client.version.as_ref(), &version);
                if outcome == Outcome::Accepted {
                    client.version = Some(version);
                    self.change_client(origin, &mut client, details, entry, now)?;
                }
                (outcome, client.row)
            }
        };
        let id = ClientId::new(origin.store_id, row);
        Ok(done(outcome, Some(id), external_id))
    }

    fn append_to_client_history(
        &self,
        origin: &Origin,
        external_id: &str,
        entry: HistoryEntry,
        now: Timestamp,
    ) -> Result<LedgerReply> {
        let row = self.find_identity(Identity::Client, external_id, origin.namespace)?;
        let Some(row) = row else { return Ok(LedgerReply::ParentUnknown) };
        let mut client = self.client(row)?;
        let id = Some(ClientId::new(origin.store_id, row));
        let external_id = Some(external_id.to_owned());
        if is_repeated(&client.history, &entry) {
            return Ok(done(Outcome::Duplicate, id, external_id));
        }
        append_history(&mut client.history, entry);
        self.update_client(&client, now)?;
        Ok(done(Outcome::Accepted, id, external_id))
    }
}

/// Whether a history already contains the same delivery.
fn is_repeated(history: &[HistoryEntry], entry: &HistoryEntry) -> bool {
    entry.delivery.is_some()
        && history
            .iter()
            .any(|known| known.delivery == entry.delivery && known.event == entry.event)
}

fn done(outcome: Outcome, id: Option<impl ToString>, external_id: Option<String>) -> LedgerReply {
    LedgerReply::Done {
        status: 200,
        outcome,
        internal_id: id.map(|id| id.to_string()),
        external_id,
    }
}
