//! `idempotency_<week>`: the first answers, one row each, kept for 30 days in the same transaction
//! as what they answer for. A table per week, so that their expiry is a dropped table.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::StoreLedger;
use crate::api::problem;
use crate::domain::id::Namespace;
use crate::domain::idempotency::{KEPT, WEEK, live_weeks};
use crate::domain::ledger::Origin;
use crate::domain::rejection::{Code, Rejection};
use crate::domain::time::Timestamp;
use crate::edge::Result;
use crate::edge::sql::{Sql, integer, text};
use crate::protocol::store_ledger::{Idempotency, LedgerReply};

/// The weeks that have a table; `None` until that has been looked up.
#[derive(Debug, Default)]
pub(super) struct Weeks(Option<BTreeSet<i64>>);

impl Weeks {
    fn known(&mut self, sql: &Sql) -> Result<&mut BTreeSet<i64>> {
        #[derive(Deserialize)]
        struct Table {
            name: String,
        }
        if self.0.is_none() {
            let tables = sql.rows::<Table>(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 'idempotency_*'",
                &[],
            )?;
            let weeks = tables
                .iter()
                .filter_map(|table| table.name.strip_prefix("idempotency_")?.parse().ok());
            self.0 = Some(weeks.collect());
        }
        Ok(self.0.get_or_insert_default())
    }
}

#[derive(Deserialize)]
struct Remembered {
    fingerprint: String,
    status: u16,
    internal_id: Option<String>,
    body: String,
}

impl StoreLedger {
    /// The first answer under this key: to be given again, or the rejection of another request.
    pub(super) fn recall(
        &self,
        namespace: Namespace,
        idempotency: &Idempotency,
        now: Timestamp,
    ) -> Result<Option<(LedgerReply, String)>> {
        let mut weeks = self.weeks.borrow_mut();
        let weeks = weeks.known(&self.sql)?;
        let parameters = [
            text(Some(&namespace.to_string())),
            text(Some(idempotency.key.as_str())),
            integer(now.plus(-KEPT).millis()),
        ];
        for week in live_weeks(now).rev().filter(|week| weeks.contains(week)) {
            let query = format!(
                "SELECT fingerprint, status, internal_id, body FROM idempotency_{week}
                 WHERE namespace = ?1 AND key = ?2 AND at > ?3"
            );
            let Some(found) = self.sql.first::<Remembered>(&query, &parameters)? else { continue };
            if found.fingerprint != idempotency.fingerprint.as_str() {
                return Err(Rejection::new(
                    Code::IdempotencyKeyReused,
                    "This Idempotency-Key was used within the last 30 days for a request with another method, path, query or body.",
                ));
            }
            let reply =
                LedgerReply::Replay { status: found.status, internal_id: found.internal_id };
            return Ok(Some((reply, found.body)));
        }
        Ok(None)
    }

    pub(super) fn remember(
        &self,
        namespace: Namespace,
        idempotency: &Idempotency,
        status: u16,
        internal_id: &str,
        body: &str,
        now: Timestamp,
    ) -> Result<()> {
        let week = now.period(WEEK);
        let mut weeks = self.weeks.borrow_mut();
        let weeks = weeks.known(&self.sql)?;
        if !weeks.contains(&week) {
            self.sql.run(
                &format!(
                    "CREATE TABLE IF NOT EXISTS idempotency_{week} (namespace TEXT NOT NULL, key TEXT NOT NULL,
                       fingerprint TEXT NOT NULL, status INTEGER NOT NULL, internal_id TEXT,
                       body TEXT NOT NULL, at INTEGER NOT NULL,
                       PRIMARY KEY (namespace, key)) WITHOUT ROWID"
                ),
                &[],
            )?;
            let oldest = *live_weeks(now).start();
            for old in weeks.iter().filter(|old| **old < oldest) {
                self.sql.run(&format!("DROP TABLE IF EXISTS idempotency_{old}"), &[])?;
            }
            weeks.retain(|known| *known >= oldest);
            weeks.insert(week);
        }
        self.sql.run(
            &format!(
                "INSERT OR REPLACE INTO idempotency_{week} VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
            ),
            &[
                text(Some(&namespace.to_string())),
                text(Some(idempotency.key.as_str())),
                text(Some(idempotency.fingerprint.as_str())),
                integer(status),
                text(Some(internal_id)),
                text(Some(body)),
                integer(now.millis()),
            ],
        )
    }

    /// A 409 is an answer too: the same request gets it again, as it was.
    pub(super) fn remember_conflict(
        &self,
        origin: &Origin,
        idempotency: Option<&Idempotency>,
        rejection: &Rejection,
        now: Timestamp,
    ) -> Result<()> {
        let Some(idempotency) = idempotency else { return Ok(()) };
        let id = rejection.conflict.clone().unwrap_or_default();
        let body = problem::body(rejection, &origin.request_id.to_string());
        self.remember(origin.namespace, idempotency, rejection.code.status(), &id, &body, now)
    }

    /// Forgets which weeks have tables: after a transaction that may have rolled one back.
    pub(super) fn forget_weeks(&self) {
        self.weeks.borrow_mut().0 = None;
    }
}
