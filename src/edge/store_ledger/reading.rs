//! What the console reads of a store: an order with its history, and a summary.

use serde::{Deserialize, Serialize};

use super::listing::SCAN;
use super::orders::not_found;
use super::{StoreLedger, found, to_json};
use crate::api::order_output::OrderOut;
use crate::domain::id::{RequestId, SequenceId, StoreId};
use crate::domain::ledger::{HistoryEntry, StoredOrder};
use crate::domain::time::Timestamp;
use crate::edge::Result;
use crate::edge::sql::integer;
use crate::protocol::store_ledger::{LedgerReply, OrderFilter};

/// The newest orders that a summary shows.
const NEWEST_SHOWN: u32 = 5;

#[derive(Serialize)]
struct Description<'a> {
    order: OrderOut<'a>,
    history: Vec<HistoryOut>,
}

#[derive(Serialize)]
struct HistoryOut {
    at: String,
    request_id: RequestId,
    event: String,
    delivery: Option<String>,
}

#[derive(Serialize)]
struct Summary<'a> {
    /// Created since the time asked for.
    orders: u32,
    /// Whether there are more than were counted.
    more: bool,
    newest: Vec<OrderOut<'a>>,
}

impl StoreLedger {
    pub(super) fn get_order(&self, store: StoreId, row: i64) -> Result<(LedgerReply, String)> {
        let order = self.order(store, SequenceId::from_i64(row).ok_or_else(not_found)?)?.order;
        Ok((found(Some(&order)), to_json(&OrderOut::from(&order))?))
    }

    /// An order with all that happened to it, oldest first: `{"order": …, "history": […]}`.
    pub(super) fn describe_order(&self, store: StoreId, row: i64) -> Result<(LedgerReply, String)> {
        let kept = self.order(store, SequenceId::from_i64(row).ok_or_else(not_found)?)?;
        let history = kept.history.into_iter().map(|entry| {
            let HistoryEntry { at, request_id, event, delivery } = entry;
            HistoryOut { at: at.to_rfc3339(), request_id, event, delivery }
        });
        let description =
            Description { order: OrderOut::from(&kept.order), history: history.collect() };
        Ok((found(Some(&kept.order)), to_json(&description)?))
    }

    /// What an overview shows of the store: `{"orders": …, "more": …, "newest": […]}`.
    pub(super) fn summary(
        &self,
        store: StoreId,
        since: Timestamp,
    ) -> Result<(LedgerReply, String)> {
        #[derive(Deserialize)]
        struct Count {
            n: u32,
        }
        let count = self.sql.first::<Count>(
            "SELECT count(*) AS n FROM (SELECT 1 FROM orders WHERE id >= ?1 LIMIT ?2)",
            &[integer(SequenceId::at(since).as_i64()), integer(SCAN + 1)],
        )?;
        let count = count.map_or(0, |count| count.n);
        let (rows, _) = self.scan_orders(&OrderFilter::default(), None, NEWEST_SHOWN)?;
        let newest: Vec<StoredOrder> =
            rows.into_iter().map(|row| Ok(self.order(store, row)?.order)).collect::<Result<_>>()?;
        let summary = Summary {
            orders: count.min(SCAN),
            more: count > SCAN,
            newest: newest.iter().map(OrderOut::from).collect(),
        };
        Ok((found(None), to_json(&summary)?))
    }
}
