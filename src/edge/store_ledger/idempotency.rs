//! `idempotency_<week>`: the first answers, one row each, kept for 30 days in the same transaction
//! as what they answer for. A table per week, so that their expiry is a dropped table.
//!
//! The answer to a creation is the order that it created, so its row only names that: a kilobyte in
//! a row of a `WITHOUT ROWID` table would cost a page of its own.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::StoreLedger;
use super::orders::Identity;
use crate::api::problem;
use crate::domain::id::{Namespace, SequenceId, StoreId};
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

/// What is known already of a command that creates something.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The first answer under its Idempotency-Key.
    pub answer: Option<(LedgerReply, String)>,
    /// What has its external id.
    pub row: Option<SequenceId>,
}

#[derive(Deserialize)]
struct KnownRow {
    /// The row of what has the external id; of an answer, of the order it created.
    id: Option<SequenceId>,
    fingerprint: Option<String>,
    status: Option<u16>,
    internal_id: Option<String>,
    body: Option<String>,
}

impl StoreLedger {
    /// Looks up the Idempotency-Key and the external id of a command, in one query. Fails where
    /// the key was used for another request.
    pub(super) fn known(
        &self,
        store: StoreId,
        namespace: Namespace,
        idempotency: Option<&Idempotency>,
        identity: Option<(Identity, &str)>,
        now: Timestamp,
    ) -> Result<Known> {
        let mut query = String::new();
        if idempotency.is_some() {
            let mut weeks = self.weeks.borrow_mut();
            let weeks = weeks.known(&self.sql)?;
            for week in live_weeks(now).rev().filter(|week| weeks.contains(week)) {
                // Of the numbers of weeks, not of anything that a caller sends.
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
            integer(now.plus(-KEPT).millis()),
            text(identity.map(|(_, value)| value)),
            text(identity.map(|(identity, _)| identity.as_str())),
        ];
        let mut known = Known::default();
        for row in self.sql.rows::<KnownRow>(&query, &parameters)? {
            let KnownRow { id, fingerprint, status, internal_id, body } = row;
            match (idempotency, fingerprint, status) {
                (Some(idempotency), Some(fingerprint), Some(status)) => {
                    if fingerprint != idempotency.fingerprint.as_str() {
                        return Err(reused());
                    }
                    let body = match (body, id) {
                        (Some(body), _) => body,
                        (None, Some(row)) => self.creation_answer(store, row)?,
                        (None, None) => String::new(),
                    };
                    known.answer = Some((LedgerReply::Replay { status, internal_id }, body));
                }
                _ => known.row = id,
            }
        }
        Ok(known)
    }

    /// Makes the table of this week where there is none, and what writes an order, its external id
    /// and its answer in one statement; drops the tables of weeks that do not count any more.
    pub(super) fn open_week(&self, now: Timestamp) -> Result<i64> {
        let week = now.period(WEEK);
        let mut weeks = self.weeks.borrow_mut();
        let weeks = weeks.known(&self.sql)?;
        if weeks.contains(&week) {
            return Ok(week);
        }
        self.sql.run(
            &format!(
                "CREATE TABLE IF NOT EXISTS idempotency_{week} (namespace TEXT NOT NULL,
                   key TEXT NOT NULL, fingerprint TEXT NOT NULL, status INTEGER NOT NULL,
                   internal_id TEXT, created INTEGER, body TEXT, at INTEGER NOT NULL,
                   PRIMARY KEY (namespace, key)) WITHOUT ROWID;
                 DROP TRIGGER IF EXISTS creations_are_written;
                 CREATE TRIGGER creations_are_written INSTEAD OF INSERT ON creations
                 BEGIN
                   INSERT INTO orders VALUES (NEW.id, NEW.source, NEW.key_id, NEW.status,
                     NEW.placed_at, NEW.created_at, NEW.updated_at, NEW.client_id, NEW.content,
                     NEW.stated, NEW.command_hash, NEW.version, NEW.history);
                   INSERT INTO identities SELECT 'order', NEW.external_id, NEW.namespace, NEW.id
                     WHERE NEW.external_id IS NOT NULL;
                   INSERT OR REPLACE INTO idempotency_{week}
                     SELECT NEW.namespace, NEW.key, NEW.fingerprint, 201, NEW.internal_id,
                       NEW.id, NULL, NEW.created_at
                     WHERE NEW.key IS NOT NULL;
                 END"
            ),
            &[],
        )?;
        let oldest = *live_weeks(now).start();
        for old in weeks.iter().filter(|old| **old < oldest) {
            self.sql.run(&format!("DROP TABLE IF EXISTS idempotency_{old}"), &[])?;
        }
        weeks.retain(|known| *known >= oldest);
        weeks.insert(week);
        Ok(week)
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
        let week = self.open_week(now)?;
        self.sql.run(
            &format!(
                "INSERT OR REPLACE INTO idempotency_{week} VALUES (?1, ?2, ?3, ?4, ?5, NULL, ?6, ?7)"
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

fn reused() -> Rejection {
    Rejection::new(
        Code::IdempotencyKeyReused,
        "This Idempotency-Key was used within the last 30 days for a request with another method, path, query or body.",
    )
}
