//! Lists of orders, newest first, by keyset. A page under a filter looks at no more than 2,000
//! rows, so it may hold less than its limit and still have a next one.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::{StoreLedger, to_json};
use crate::api::order_output::OrderOut;
use crate::domain::id::{Row, StoreId};
use crate::domain::key::Source;
use crate::domain::log::Outcome;
use crate::domain::order::OrderStatus;
use crate::domain::time::Timestamp;
use crate::edge::Result;
use crate::edge::sql::integer;
use crate::protocol::store_ledger::{LedgerReply, OrderFilter};

/// Most rows that one page looks at.
const SCAN: u32 = 2_000;

#[derive(Serialize)]
struct Page<'a> {
    orders: Vec<OrderOut<'a>>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Scanned {
    id: Row,
    source: Source,
    status: OrderStatus,
    placed_at: Timestamp,
}

impl Scanned {
    fn matches(&self, filter: &OrderFilter) -> bool {
        filter.source.is_none_or(|source| source == self.source)
            && filter.status.is_none_or(|status| status == self.status)
            && filter.placed_from.is_none_or(|from| self.placed_at >= from)
            && filter.placed_to.is_none_or(|to| self.placed_at < to)
    }
}

impl StoreLedger {
    /// The body is `{"orders": […], "next_cursor": …}`; the cursor is the row to go on before.
    pub(super) fn list_orders(
        &self,
        store: StoreId,
        filter: &OrderFilter,
    ) -> Result<(LedgerReply, String)> {
        let (rows, next) = match filter.external_id.as_deref() {
            Some(external_id) => (self.orders_identified(external_id)?, None),
            None => self.scan_orders(filter)?,
        };
        let mut orders = Vec::with_capacity(rows.len());
        for row in rows {
            let order = self.order(store, row)?.order;
            let scanned = Scanned {
                id: row,
                source: order.source,
                status: order.content.status,
                placed_at: order.content.placed_at.unwrap_or(order.created_at),
            };
            if scanned.matches(filter) {
                orders.push(order);
            }
        }
        let page = Page {
            orders: orders.iter().map(OrderOut::from).collect(),
            next_cursor: next.map(|row| row.to_string()),
        };
        let reply = LedgerReply::Done {
            status: 200,
            outcome: Outcome::Accepted,
            internal_id: None,
            external_id: None,
        };
        Ok((reply, to_json(&page)?))
    }

    fn scan_orders(&self, filter: &OrderFilter) -> Result<(Vec<Row>, Option<i64>)> {
        let mut found = Vec::new();
        let mut looked_at = 0;
        let mut stopped_at = None;
        self.sql.scan::<Scanned>(
            "SELECT id, source, status, placed_at FROM orders WHERE id < ?1
             ORDER BY id DESC LIMIT ?2",
            &[integer(filter.before.unwrap_or((1 << 53) - 1)), integer(SCAN)],
            |row| {
                looked_at += 1;
                if row.matches(filter) {
                    found.push(row.id);
                }
                if found.len() >= filter.limit as usize || looked_at >= SCAN {
                    stopped_at = Some(row.id.as_i64());
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            },
        )?;
        Ok((found, stopped_at))
    }
}
