//! The console's queries: an order with its history, and a summary of the store.

use serde::Deserialize;

use super::listing::MAX_SCANNED;
use super::{StoreLedger, query_reply, to_json};
use crate::Result;
use crate::platform::sql::integer;
use tidegate_core::api::orders::output::OrderOut;
use tidegate_core::api::orders::replies::{HistoryOut, OrderWithHistory, StoreSummary};
use tidegate_core::domain::id::{SequenceId, StoreId};
use tidegate_core::domain::record::StoredOrder;
use tidegate_core::domain::time::Timestamp;
use tidegate_core::ledger::no_order;
use tidegate_core::protocol::store_ledger::{LedgerReply, OrderFilter};

/// How many of the newest orders a summary shows.
const NEWEST_SHOWN: u32 = 5;

impl StoreLedger {
    pub(super) fn get_order(&self, store: StoreId, row: i64) -> Result<(LedgerReply, String)> {
        let order = self.order(store, SequenceId::from_i64(row).ok_or_else(no_order)?)?.order;
        Ok((query_reply(Some(&order)), to_json(&OrderOut::from(&order))?))
    }

    /// An order with its history.
    pub(super) fn describe_order(&self, store: StoreId, row: i64) -> Result<(LedgerReply, String)> {
        let record = self.order(store, SequenceId::from_i64(row).ok_or_else(no_order)?)?;
        let history = record.history.into_iter().map(HistoryOut::from).collect();
        let described = OrderWithHistory { order: OrderOut::from(&record.order), history };
        Ok((query_reply(Some(&record.order)), to_json(&described)?))
    }

    /// The figures of the store for the overview.
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
            &[integer(SequenceId::at(since).as_i64()), integer(MAX_SCANNED + 1)],
        )?;
        let count = count.map_or(0, |count| count.n);
        let (rows, _) = self.scan_orders(&OrderFilter::default(), None, NEWEST_SHOWN)?;
        let newest: Vec<StoredOrder> =
            rows.into_iter().map(|row| Ok(self.order(store, row)?.order)).collect::<Result<_>>()?;
        let summary = StoreSummary {
            orders: count.min(MAX_SCANNED),
            more: count > MAX_SCANNED,
            newest: newest.iter().map(OrderOut::from).collect(),
        };
        Ok((query_reply(None), to_json(&summary)?))
    }
}
