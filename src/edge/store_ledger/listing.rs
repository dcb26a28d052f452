//! Lists of orders, newest first, by keyset. A page under a filter looks at no more than 2,000
//! rows, so it may hold less than its limit and still have a next one.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::{StoreLedger, found, to_json};
use crate::api::order_output::OrderOut;
use crate::domain::id::{SequenceId, StoreId};
use crate::domain::key::Source;
use crate::domain::ledger::StoredOrder;
use crate::domain::order::OrderStatus;
use crate::domain::search::{OrderSearch, Searched};
use crate::domain::time::Timestamp;
use crate::edge::Result;
use crate::edge::sql::integer;
use crate::protocol::store_ledger::{LedgerReply, OrderFilter};

/// Most rows that one page, or a count, looks at.
pub(super) const SCAN: u32 = 2_000;

/// Beyond every row: where a list begins.
const NEWEST: i64 = (1 << 53) - 1;

#[derive(Serialize)]
struct Page<'a> {
    orders: Vec<OrderOut<'a>>,
    next_cursor: Option<String>,
}

/// What a filter looks at.
#[derive(Deserialize)]
struct Scanned {
    id: SequenceId,
    source: Source,
    status: OrderStatus,
    placed_at: Timestamp,
    // Read only where somebody searches.
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

impl Scanned {
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

    fn is_found_by(&self, search: &OrderSearch) -> bool {
        search.finds(Searched {
            number: self.number.as_deref(),
            external_id: self.external_id.as_deref(),
            client_email: self.client_email.as_deref(),
            client_name: self.client_name.as_deref(),
            client_external_id: self.client_external_id.as_deref(),
        })
    }

    /// Whether a search has found it by an id, and so shown it on its first page.
    fn is_named_by(&self, search: &OrderSearch) -> bool {
        search.is_external_id(self.external_id.as_deref())
            || search.order_id().is_some_and(|id| id.row == self.id)
    }
}

impl StoreLedger {
    /// The body is `{"orders": […], "next_cursor": …}`; the cursor is the row to go on before.
    pub(super) fn list_orders(
        &self,
        store: StoreId,
        filter: &OrderFilter,
    ) -> Result<(LedgerReply, String)> {
        let search = filter.search.as_deref().and_then(OrderSearch::parse);
        let (rows, next) = match (filter.external_id.as_deref(), &search) {
            (Some(external_id), _) => (self.orders_identified(external_id)?, None),
            (None, Some(search)) => self.search_orders(store, filter, search)?,
            (None, None) => self.scan_orders(filter, None, filter.limit)?,
        };
        let mut orders = Vec::with_capacity(rows.len());
        for row in rows {
            let order = self.order(store, row)?.order;
            let scanned = Scanned::of(&order);
            let named = search.as_ref().is_none_or(|search| {
                scanned.is_found_by(search) || search.order_id() == Some(order.id)
            });
            if named && scanned.matches(filter) {
                orders.push(order);
            }
        }
        let page = Page {
            orders: orders.iter().map(OrderOut::from).collect(),
            next_cursor: next.map(|row| row.to_string()),
        };
        Ok((found(None), to_json(&page)?))
    }

    /// The first page begins with the orders that the text names by an id, however old they are. The
    /// scan leaves these out.
    fn search_orders(
        &self,
        store: StoreId,
        filter: &OrderFilter,
        search: &OrderSearch,
    ) -> Result<(Vec<SequenceId>, Option<i64>)> {
        let mut found = Vec::new();
        if filter.before.is_none() {
            found.extend(self.named_orders(store, search)?);
        }
        let left = filter.limit.saturating_sub(u32::try_from(found.len()).unwrap_or(u32::MAX));
        if left == 0 {
            return Ok((found, Some(NEWEST)));
        }
        let (scanned, next) = self.scan_orders(filter, Some(search), left)?;
        found.extend(scanned);
        Ok((found, next))
    }

    fn named_orders(&self, store: StoreId, search: &OrderSearch) -> Result<Vec<SequenceId>> {
        let mut rows = Vec::new();
        if let Some(id) = search.order_id().filter(|id| id.store == store) {
            rows.extend(self.row_of_order(id.row)?);
        }
        for external_id in search.external_ids() {
            rows.extend(self.orders_identified(external_id)?);
        }
        rows.sort_unstable_by(|a, b| b.cmp(a));
        rows.dedup();
        Ok(rows)
    }

    pub(super) fn scan_orders(
        &self,
        filter: &OrderFilter,
        search: Option<&OrderSearch>,
        limit: u32,
    ) -> Result<(Vec<SequenceId>, Option<i64>)> {
        let columns = if search.is_some() { Scanned::SEARCHED_COLUMNS } else { Scanned::COLUMNS };
        let mut found = Vec::new();
        let mut looked_at = 0;
        let mut stopped_at = None;
        self.sql.scan::<Scanned>(
            &format!("SELECT {columns} FROM orders WHERE id < ?1 ORDER BY id DESC LIMIT ?2"),
            &[integer(filter.before.unwrap_or(NEWEST)), integer(SCAN)],
            |row| {
                looked_at += 1;
                let searched =
                    search.is_none_or(|search| row.is_found_by(search) && !row.is_named_by(search));
                if searched && row.matches(filter) {
                    found.push(row.id);
                }
                if found.len() >= limit as usize || looked_at >= SCAN {
                    stopped_at = Some(row.id.as_i64());
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            },
        )?;
        Ok((found, stopped_at))
    }
}
