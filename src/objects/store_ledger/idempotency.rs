//! `idempotency_<week>`: the first response under each Idempotency-Key, one row each, stored for 30
//! days. A row is written in the same transaction as the effect of its command. There is a table
//! per week, so that rows expire by dropping a table.
//!
//! The response to a creation is the created order, so its row only refers to the order: a kilobyte
//! in a row of a `WITHOUT ROWID` table would cost a page of its own.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::commit::INSERT_CREATION;
use super::{StoreLedger, to_json};
use crate::Result;
use crate::platform::sql::{Sql, integer, text};
use tidegate_core::api::orders::output::OrderOut;
use tidegate_core::api::problem;
use tidegate_core::domain::id::{Namespace, SequenceId, StoreId};
use tidegate_core::domain::idempotency::{RETENTION, WEEK, live_weeks};
use tidegate_core::domain::record::Origin;
use tidegate_core::domain::rejection::{Code, Rejection};
use tidegate_core::domain::time::Timestamp;
use tidegate_core::ledger::Identity;
use tidegate_core::protocol::store_ledger::{Idempotency, LedgerReply};

/// The tables of the weeks; `None` until they have been looked up.
#[derive(Debug, Default)]
pub(super) struct Weeks(Option<KnownWeeks>);

#[derive(Debug, Default)]
struct KnownWeeks {
    /// The weeks that have a table.
    tables: BTreeSet<i64>,
    /// The week whose table the trigger on `creations` writes to.
    open: Option<i64>,
}

impl Weeks {
    fn load(&mut self, sql: &Sql) -> Result<&mut KnownWeeks> {
        #[derive(Deserialize)]
        struct Named {
            name: String,
        }
        if self.0.is_none() {
            let named = sql.rows::<Named>(
                "SELECT name FROM sqlite_master
                 WHERE type = 'table' AND name GLOB 'idempotency_*'
                   OR type = 'trigger' AND name GLOB 'creations_*'",
                &[],
            )?;
            let week_of = |name: &str, prefix| name.strip_prefix(prefix)?.parse().ok();
            self.0 = Some(KnownWeeks {
                tables: named.iter().filter_map(|row| week_of(&row.name, "idempotency_")).collect(),
                open: named.iter().find_map(|row| week_of(&row.name, "creations_")),
            });
        }
        Ok(self.0.get_or_insert_default())
    }
}

/// What an earlier command with the same Idempotency-Key or external id left behind.
#[derive(Debug, Default)]
pub(super) struct Prior {
    /// The first response under the Idempotency-Key, as a reply with its body.
    pub reply: Option<(LedgerReply, String)>,
    /// The row that has the external id.
    pub row: Option<SequenceId>,
}

#[derive(Deserialize)]
struct PriorRow {
    /// In a row of `identities`, the row that has the external id. In an idempotency row, the order
    /// that the command created.
    id: Option<SequenceId>,
    fingerprint: Option<String>,
    status: Option<u16>,
    internal_id: Option<String>,
    body: Option<String>,
}

impl StoreLedger {
    /// Looks up the Idempotency-Key and the external id of a command, in one query. Fails if the
    /// key was used for another request.
    pub(super) fn find_prior(
        &self,
        store: StoreId,
        namespace: Namespace,
        idempotency: Option<&Idempotency>,
        identity: Option<(Identity, &str)>,
        now: Timestamp,
    ) -> Result<Prior> {
        let mut query = String::new();
        if idempotency.is_some() {
            let mut weeks = self.weeks.borrow_mut();
            let weeks = weeks.load(&self.sql)?;
            for week in live_weeks(now).rev().filter(|week| weeks.tables.contains(week)) {
                // The week is a number of ours, not input, so it is safe in the SQL text.
                query.push_str(&format!(
                    "SELECT created AS id, fingerprint, status, internal_id, body
                     FROM idempotency_{week} WHERE namespace = ?1 AND key = ?2 AND at > ?3
                     UNION ALL "
                ));
            }
        }
        query.push_str(
            "SELECT id, NULL AS fingerprint, NULL AS status, NULL AS internal_id, NULL AS body
             FROM identities WHERE kind = ?5 AND value = ?4 AND namespace = ?1",
        );
        let parameters = [
            text(Some(&namespace.to_string())),
            text(idempotency.map(|idempotency| idempotency.key.as_str())),
            integer(now.plus(-RETENTION).millis()),
            text(identity.map(|(_, value)| value)),
            text(identity.map(|(identity, _)| identity.as_str())),
        ];
        let mut prior = Prior::default();
        for row in self.sql.rows::<PriorRow>(&query, &parameters)? {
            let PriorRow { id, fingerprint, status, internal_id, body } = row;
            match (idempotency, fingerprint, status) {
                (Some(idempotency), Some(fingerprint), Some(status)) => {
                    if fingerprint != idempotency.fingerprint.as_str() {
                        return Err(key_reused().into());
                    }
                    let body = match (body, id) {
                        (Some(body), _) => body,
                        (None, Some(row)) => self.creation_body(store, row)?,
                        (None, None) => String::new(),
                    };
                    prior.reply = Some((LedgerReply::Replay { status, internal_id }, body));
                }
                _ => prior.row = id,
            }
        }
        Ok(prior)
    }

    /// The response body of an order's creation: the order as it was then.
    fn creation_body(&self, store: StoreId, row: SequenceId) -> Result<String> {
        to_json(&OrderOut::from(&self.order(store, row)?.order.as_created()))
    }

    /// Makes the table of this week unless it exists, and the trigger that writes an order, its
    /// external id and its idempotency row in one statement. Drops the tables of expired weeks.
    /// Returns the week.
    pub(super) fn open_week(&self, now: Timestamp) -> Result<i64> {
        let week = now.period(WEEK);
        let mut weeks = self.weeks.borrow_mut();
        let weeks = weeks.load(&self.sql)?;
        if weeks.open == Some(week) {
            return Ok(week);
        }
        if let Some(open) = weeks.open {
            self.sql.run(&format!("DROP TRIGGER IF EXISTS creations_{open}"), &[])?;
        }
        self.sql.run(
            &format!(
                "CREATE TABLE IF NOT EXISTS idempotency_{week} (namespace TEXT NOT NULL,
                   key TEXT NOT NULL, fingerprint TEXT NOT NULL, status INTEGER NOT NULL,
                   internal_id TEXT, created INTEGER, body TEXT, at INTEGER NOT NULL,
                   PRIMARY KEY (namespace, key)) WITHOUT ROWID;
                 CREATE TRIGGER creations_{week} INSTEAD OF INSERT ON creations
                 BEGIN {INSERT_CREATION}
                   INSERT OR REPLACE INTO idempotency_{week} (namespace, key, fingerprint, status,
                       internal_id, created, body, at)
                     SELECT NEW.namespace, NEW.key, NEW.fingerprint, 201, NEW.internal_id,
                       NEW.id, NULL, NEW.created_at
                     WHERE NEW.key IS NOT NULL;
                 END"
            ),
            &[],
        )?;
        let oldest = *live_weeks(now).start();
        for old in weeks.tables.iter().filter(|old| **old < oldest) {
            self.sql.run(&format!("DROP TABLE IF EXISTS idempotency_{old}"), &[])?;
        }
        weeks.tables.retain(|known| *known >= oldest);
        weeks.tables.insert(week);
        weeks.open = Some(week);
        Ok(week)
    }

    /// Stores the response to a command under its Idempotency-Key.
    pub(super) fn remember(
        &self,
        namespace: Namespace,
        idempotency: &Idempotency,
        status: u16,
        internal_id: &str,
        body: &str,
        now: Timestamp,
    ) -> Result<()> {
        let week = self.open_week(now)?;
        self.sql.run(
            &format!(
                "INSERT OR REPLACE INTO idempotency_{week} (namespace, key, fingerprint, status,
                   internal_id, body, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
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

    /// Stores a 409 under the Idempotency-Key: the same request gets the same 409 again.
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

    /// Drops the cached list of weeks. Needed after a transaction that may have rolled back a new
    /// table.
    pub(super) fn forget_weeks(&self) {
        self.weeks.borrow_mut().0 = None;
    }
}

fn key_reused() -> Rejection {
    Rejection::new(
        Code::IdempotencyKeyReused,
        "This Idempotency-Key was used within the last 30 days for a request with another method, path, query or body.",
    )
}
