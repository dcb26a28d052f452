//! Lists of orders, newest first, with keyset pagination. A filtered page reads at most 2,000 rows,
//! so it may be shorter than its limit and still have a next page.

use std::ops::ControlFlow;

use serde::Deserialize;

use super::{StoreLedger, query_reply, to_json};
use crate::Result;
use crate::platform::sql::integer;
use tidegate_core::api::orders::output::OrderOut;
use tidegate_core::api::orders::replies::{OrderCursor, OrderPage};
use tidegate_core::domain::id::{SequenceId, StoreId};
use tidegate_core::domain::key::Source;
use tidegate_core::domain::order::OrderStatus;
use tidegate_core::domain::record::StoredOrder;
use tidegate_core::domain::search::{OrderSearch, SearchedFields};
use tidegate_core::domain::time::Timestamp;
use tidegate_core::protocol::store_ledger::{LedgerReply, OrderFilter};

/// The most rows that one page or one count reads.
pub(super) const MAX_SCANNED: u32 = 2_000;

/// Greater than every row: the first page of a list starts before it.
const MAX_ROW: i64 = (1 << 53) - 1;

/// The columns of an order that filters and searches read.
#[derive(Deserialize)]
struct ScannedOrder {
    id: SequenceId,
    source: Source,
    status: OrderStatus,
    placed_at: Timestamp,
    // Read only for a search.
    #[serde(default)]
    number: Option<String>,
    #[serde(default)]
    external_id: Option<String>,
    #[serde(default)]
    client_email: Option<String>,
    #[serde(default)]
    client_name: Option<String>,
    #[serde(default)]
    client_external_id: Option<String>,
}

impl ScannedOrder {
    const COLUMNS: &'static str = "id, source, status, placed_at";

    const SEARCHED_COLUMNS: &'static str = "id, source, status, placed_at,
      json_extract(content, '$.number') AS number,
      json_extract(content, '$.external_id') AS external_id,
      json_extract(content, '$.client.email') AS client_email,
      json_extract(content, '$.client.name') AS client_name,
      json_extract(content, '$.client.external_id') AS client_external_id";

    fn of(order: &StoredOrder) -> Self {
        let client = order.content.client.clone().unwrap_or_default();
        Self {
            id: order.id.row,
            source: order.source,
            status: order.status(),
            placed_at: order.content.placed_at.unwrap_or(order.created_at),
            number: order.content.number.clone(),
            external_id: order.content.external_id.clone(),
            client_email: client.email,
            client_name: client.name,
            client_external_id: client.external_id,
        }
    }

    fn matches(&self, filter: &OrderFilter) -> bool {
        filter.source.is_none_or(|source| source == self.source)
            && filter.status.is_none_or(|status| status == self.status)
            && filter.placed_from.is_none_or(|from| self.placed_at >= from)
            && filter.placed_to.is_none_or(|to| self.placed_at < to)
    }

    fn matches_search(&self, search: &OrderSearch) -> bool {
        search.matches(SearchedFields {
            number: self.number.as_deref(),
            external_id: self.external_id.as_deref(),
            client_email: self.client_email.as_deref(),
            client_name: self.client_name.as_deref(),
            client_external_id: self.client_external_id.as_deref(),
        })
    }

    /// Whether the search names this order by an id: then the first page has already shown it.
    fn is_named_by(&self, search: &OrderSearch) -> bool {
        search.is_external_id(self.external_id.as_deref())
            || search.order_id().is_some_and(|id| id.row == self.id)
    }
}

impl StoreLedger {
    /// Lists orders.
    pub(super) fn list_orders(
        &self,
        store: StoreId,
        filter: &OrderFilter,
    ) -> Result<(LedgerReply, String)> {
        let search = filter.search.as_deref().and_then(OrderSearch::parse);
        let (rows, next) = match (filter.external_id.as_deref(), &search) {
            (Some(external_id), _) => (self.orders_by_external_id(external_id)?, None),
            (None, Some(search)) => self.search_orders(store, filter, search)?,
            (None, None) => self.scan_orders(filter, None, filter.limit)?,
        };
        let mut orders = Vec::with_capacity(rows.len());
        for row in rows {
            let order = self.order(store, row)?.order;
            let scanned = ScannedOrder::of(&order);
            let found_by_search = search.as_ref().is_none_or(|search| {
                scanned.matches_search(search) || search.order_id() == Some(order.id)
            });
            if found_by_search && scanned.matches(filter) {
                orders.push(order);
            }
        }
        let page = OrderPage {
            orders: orders.iter().map(OrderOut::from).collect(),
            next_cursor: next.and_then(SequenceId::from_i64).map(OrderCursor),
        };
        Ok((query_reply(None), to_json(&page)?))
    }

    /// The rows of a page of a search. The first page begins with the orders that the text names by
    /// an id, however old they are; the scan skips those.
    fn search_orders(
        &self,
        store: StoreId,
        filter: &OrderFilter,
        search: &OrderSearch,
    ) -> Result<(Vec<SequenceId>, Option<i64>)> {
        let mut found = Vec::new();
        if filter.before.is_none() {
            found.extend(self.orders_named_by(store, search)?);
        }
        let remaining = filter.limit.saturating_sub(u32::try_from(found.len()).unwrap_or(u32::MAX));
        if remaining == 0 {
            return Ok((found, Some(MAX_ROW)));
        }
        let (scanned, next) = self.scan_orders(filter, Some(search), remaining)?;
        found.extend(scanned);
        Ok((found, next))
    }

    /// The rows of the orders that a search names by an id, newest first.
    fn orders_named_by(&self, store: StoreId, search: &OrderSearch) -> Result<Vec<SequenceId>> {
        let mut rows = Vec::new();
        if let Some(id) = search.order_id().filter(|id| id.store == store) {
            rows.extend(self.existing_order_row(id.row)?);
        }
        for external_id in search.external_ids() {
            rows.extend(self.orders_by_external_id(external_id)?);
        }
        rows.sort_unstable_by(|a, b| b.cmp(a));
        rows.dedup();
        Ok(rows)
    }

    /// The rows that match a filter and a search, newest first, and the row before which the next
    /// page starts.
    pub(super) fn scan_orders(
        &self,
        filter: &OrderFilter,
        search: Option<&OrderSearch>,
        limit: u32,
    ) -> Result<(Vec<SequenceId>, Option<i64>)> {
        let columns =
            if search.is_some() { ScannedOrder::SEARCHED_COLUMNS } else { ScannedOrder::COLUMNS };
        let mut found = Vec::new();
        let mut scanned = 0;
        let mut stopped_at = None;
        self.sql.scan::<ScannedOrder>(
            &format!("SELECT {columns} FROM orders WHERE id < ?1 ORDER BY id DESC LIMIT ?2"),
            &[integer(filter.before.unwrap_or(MAX_ROW)), integer(MAX_SCANNED)],
            |row| {
                scanned += 1;
                let found_by_search = search
                    .is_none_or(|search| row.matches_search(search) && !row.is_named_by(search));
                if found_by_search && row.matches(filter) {
                    found.push(row.id);
                }
                if found.len() >= limit as usize || scanned >= MAX_SCANNED {
                    stopped_at = Some(row.id.as_i64());
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            },
        )?;
        Ok((found, stopped_at))
    }
}
