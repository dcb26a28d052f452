//! The table of parked events: authentic deliveries with their raw bodies. An event leaves it only
//! by being applied or discarded.

use serde::Deserialize;
use worker::js_sys::Uint8Array;

use super::bytes;
use crate::platform::sql::{Sql, integer, optional_integer, text};
use crate::{Result, internal};
use tidegate_core::delivery::Waiting;
use tidegate_core::domain::id::SequenceId;
use tidegate_core::domain::parked::{ParkReason, ParkedCount, RESERVE, Retry, backoff};
use tidegate_core::domain::rejection::{Code, Rejection};
use tidegate_core::domain::time::Timestamp;
use tidegate_core::protocol::key_gate::{Ingest, ParkedEvent};

/// A parked event with the fields that a retry needs.
#[derive(Debug)]
pub struct Parked {
    pub attempts: u32,
    pub ingest: Ingest,
    pub body: Vec<u8>,
}

/// Parks an event. Returns when its first retry is due, if its reason is retried by the alarm.
/// Fails if the parked bodies would exceed [`RESERVE`].
pub fn insert(
    sql: &Sql,
    row: SequenceId,
    topic: &str,
    ingest: &Ingest,
    body: &[u8],
    waiting: &Waiting,
) -> Result<Option<Timestamp>> {
    let Waiting { reason, detail, parent, token } = waiting;
    #[derive(Deserialize)]
    struct Used {
        bytes: i64,
    }
    let used = "SELECT bytes FROM parked_bytes";
    let used = sql.first::<Used>(used, &[])?.map_or(0, |used| used.bytes);
    if used + i64::try_from(body.len()).unwrap_or(i64::MAX) > RESERVE {
        return Err(Rejection::new(
            Code::ReserveFull,
            "The parked events of this key fill their reserve. Retry or discard some.",
        )
        .retry_after(60)
        .into());
    }
    let next_at = next_attempt(*reason, 0, row.time());
    let json = serde_json::to_string(ingest).map_err(|error| internal(error.to_string()))?;
    sql.run(
        "INSERT OR IGNORE INTO parked (id, reason, detail, topic, parent, attempts, next_at,
           retrying, ingest, body, token)
         VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, 0, ?7, ?8, ?9)",
        &[
            integer(row.as_i64()),
            text(Some(reason.as_str())),
            text(detail.as_deref()),
            text(Some(topic).filter(|topic| !topic.is_empty())),
            text(parent.as_deref()),
            optional_integer(next_at.map(Timestamp::millis)),
            text(Some(&json)),
            Uint8Array::from(body).into(),
            text(token.as_deref()),
        ],
    )?;
    Ok(next_at)
}

/// Whether an event other than that of `row` is parked with this token.
pub fn is_duplicate(sql: &Sql, row: SequenceId, token: &str) -> Result<bool> {
    let query = "SELECT id FROM parked WHERE token = ?1 AND id <> ?2";
    Ok(!ids(sql, query, &[text(Some(token)), integer(row.as_i64())])?.is_empty())
}

/// When the alarm next retries an event that was tried `attempts` times. `None` if only something
/// else retries it.
pub fn next_attempt(reason: ParkReason, attempts: u32, now: Timestamp) -> Option<Timestamp> {
    matches!(reason.retry(), Retry::Alarm).then(|| now.plus(backoff(attempts)))
}

/// The events that are due at `now`, oldest first, at most `limit` of them.
pub fn due(sql: &Sql, now: Timestamp, limit: u32) -> Result<Vec<SequenceId>> {
    ids(
        sql,
        "SELECT id FROM parked WHERE next_at <= ?1 AND retrying = 0 ORDER BY id LIMIT ?2",
        &[integer(now.millis()), integer(limit)],
    )
}

/// When the next event is due.
pub fn next_due(sql: &Sql) -> Result<Option<Timestamp>> {
    #[derive(Deserialize)]
    struct Next {
        at: Option<Timestamp>,
    }
    let next = "SELECT min(next_at) AS at FROM parked WHERE next_at IS NOT NULL AND retrying = 0";
    Ok(sql.first::<Next>(next, &[])?.and_then(|next| next.at))
}

/// Makes the events due at `now` that are parked for this reason and, if `parent` is given, for
/// this parent. Returns whether there were any.
pub fn release(
    sql: &Sql,
    reason: ParkReason,
    parent: Option<&str>,
    now: Timestamp,
) -> Result<bool> {
    let released = sql.rows_written(
        "UPDATE parked SET next_at = ?1 WHERE reason = ?2 AND (?3 IS NULL OR parent = ?3)
           AND retrying = 0",
        &[integer(now.millis()), text(Some(reason.as_str())), text(parent)],
    )?;
    Ok(released > 0)
}

/// The parents that parked events wait for.
pub fn awaited_parents(sql: &Sql) -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Awaited {
        parent: String,
    }
    let rows = sql.rows::<Awaited>(
        "SELECT DISTINCT parent FROM parked WHERE reason = 'parent_unknown' AND parent IS NOT NULL",
        &[],
    )?;
    Ok(rows.into_iter().map(|row| row.parent).collect())
}

/// Clears the `retrying` marks that a crash left behind. No retry outlives the object that started
/// it.
pub fn clear_retrying(sql: &Sql) -> Result<()> {
    sql.run("UPDATE parked SET retrying = 0 WHERE retrying = 1", &[])
}

/// Marks an event as being retried, so that it cannot be discarded meanwhile, and returns it.
pub fn start_retry(sql: &Sql, row: SequenceId) -> Result<Parked> {
    #[derive(Deserialize)]
    struct Found {
        attempts: u32,
        retrying: u8,
        ingest: String,
        #[serde(with = "bytes")]
        body: Vec<u8>,
    }
    let query = "SELECT attempts, retrying, ingest, body FROM parked WHERE id = ?1";
    let found = sql.first::<Found>(query, &[integer(row.as_i64())])?.ok_or_else(not_found)?;
    if found.retrying != 0 {
        return Err(being_retried().into());
    }
    let ingest =
        serde_json::from_str(&found.ingest).map_err(|error| internal(error.to_string()))?;
    sql.run("UPDATE parked SET retrying = 1 WHERE id = ?1", &[integer(row.as_i64())])?;
    Ok(Parked { attempts: found.attempts, ingest, body: found.body })
}

/// Takes the mark away after an attempt that failed on our side. The event stays as it was.
pub fn abandon_retry(sql: &Sql, row: SequenceId) -> Result<()> {
    sql.run("UPDATE parked SET retrying = 0 WHERE id = ?1", &[integer(row.as_i64())])
}

/// Puts an event back after an attempt that did not settle it.
pub fn put_back(
    sql: &Sql,
    row: SequenceId,
    attempts: u32,
    waiting: &Waiting,
    next_at: Option<Timestamp>,
) -> Result<()> {
    let Waiting { reason, detail, parent, token } = waiting;
    sql.run(
        "UPDATE parked SET retrying = 0, attempts = ?2, reason = ?3, detail = ?4, next_at = ?5,
           parent = ?6, token = ?7 WHERE id = ?1",
        &[
            integer(row.as_i64()),
            integer(attempts),
            text(Some(reason.as_str())),
            text(detail.as_deref()),
            optional_integer(next_at.map(Timestamp::millis)),
            text(parent.as_deref()),
            text(token.as_deref()),
        ],
    )
}

/// Deletes an event that has been applied.
pub fn delete_applied(sql: &Sql, row: SequenceId) -> Result<()> {
    sql.run("DELETE FROM parked WHERE id = ?1", &[integer(row.as_i64())])
}

/// Deletes an event at an operator's request. Fails if the event is being retried at this moment.
pub fn discard(sql: &Sql, row: SequenceId) -> Result<()> {
    let deleted = "DELETE FROM parked WHERE id = ?1 AND retrying = 0 RETURNING id";
    if !ids(sql, deleted, &[integer(row.as_i64())])?.is_empty() {
        return Ok(());
    }
    let exists = ids(sql, "SELECT id FROM parked WHERE id = ?1", &[integer(row.as_i64())])?;
    Err(if exists.is_empty() { not_found().into() } else { being_retried().into() })
}

fn ids(
    sql: &Sql,
    query: &str,
    parameters: &[worker::wasm_bindgen::JsValue],
) -> Result<Vec<SequenceId>> {
    #[derive(Deserialize)]
    struct Id {
        id: SequenceId,
    }
    Ok(sql.rows::<Id>(query, parameters)?.into_iter().map(|row| row.id).collect())
}

fn not_found() -> Rejection {
    Rejection::new(Code::NotFound, "This key has no such parked event.")
}

fn being_retried() -> Rejection {
    Rejection::new(Code::InvalidState, "The event is being retried at this moment.")
}

#[derive(Deserialize)]
struct ListedRow {
    id: SequenceId,
    reason: ParkReason,
    detail: Option<String>,
    topic: Option<String>,
    attempts: u32,
    next_at: Option<Timestamp>,
    bytes: u64,
}

impl ListedRow {
    const COLUMNS: &'static str =
        "id, reason, detail, topic, attempts, next_at, length(body) AS bytes";

    fn into_event(self) -> ParkedEvent {
        ParkedEvent {
            row: self.id.as_i64(),
            received_at: self.id.time(),
            reason: self.reason,
            detail: self.detail,
            topic: self.topic,
            attempts: self.attempts,
            next_attempt_at: self.next_at,
            bytes: self.bytes,
        }
    }
}

/// The most rows that one filtered page reads.
const MAX_SCANNED: u32 = 2_000;

/// A page of parked events, newest first, and the row before which the next page starts.
/// `awaiting_details` selects only the events that await details, or only the others.
pub fn list(
    sql: &Sql,
    limit: u32,
    before: Option<i64>,
    awaiting_details: Option<bool>,
) -> Result<(Vec<ParkedEvent>, Option<i64>)> {
    let before = integer(before.unwrap_or((1 << 53) - 1));
    let page = format!(
        "SELECT * FROM (SELECT {} FROM parked WHERE id < ?1 ORDER BY id DESC LIMIT ?2)
         WHERE ?3 IS NULL OR (reason = 'awaiting_details') = ?3 LIMIT ?4",
        ListedRow::COLUMNS
    );
    let scan_limit = integer(if awaiting_details.is_some() { MAX_SCANNED } else { limit });
    let wanted = optional_integer(awaiting_details.map(i64::from));
    let rows =
        sql.rows::<ListedRow>(&page, &[before.clone(), scan_limit, wanted, integer(limit)])?;
    let mut next = rows.last().filter(|_| rows.len() == limit as usize).map(|row| row.id);
    if next.is_none() && awaiting_details.is_some() {
        let last = "SELECT min(id) AS id FROM
                      (SELECT id FROM parked WHERE id < ?1 ORDER BY id DESC LIMIT ?2)
                    HAVING count(*) = ?2";
        next = ids(sql, last, &[before, integer(MAX_SCANNED)])?.pop();
    }
    Ok((rows.into_iter().map(ListedRow::into_event).collect(), next.map(SequenceId::as_i64)))
}

/// How many events are parked.
pub fn count(sql: &Sql) -> Result<ParkedCount> {
    let others = ParkReason::ALL.iter().filter(|reason| **reason != ParkReason::AwaitingDetails);
    Ok(ParkedCount {
        attention: count_of(sql, others)?,
        awaiting_details: count_of(sql, [&ParkReason::AwaitingDetails])?,
    })
}

/// How many events are parked for one of these reasons, counted up to [`ParkedCount::COUNTED`].
fn count_of<'a>(sql: &Sql, reasons: impl IntoIterator<Item = &'a ParkReason>) -> Result<u32> {
    #[derive(Deserialize)]
    struct Count {
        n: u32,
    }
    // The reasons are constants, not input, so they are safe in the SQL text.
    let reasons: Vec<String> =
        reasons.into_iter().map(|reason| format!("'{}'", reason.as_str())).collect();
    let query = format!(
        "SELECT count(*) AS n FROM (SELECT 1 FROM parked WHERE reason IN ({}) LIMIT ?1)",
        reasons.join(", ")
    );
    let count = sql.first::<Count>(&query, &[integer(ParkedCount::COUNTED)])?;
    Ok(count.map_or(0, |count| count.n))
}

/// The event that a request delivered, if it is parked.
pub fn find(sql: &Sql, row: SequenceId) -> Result<Option<ParkedEvent>> {
    let query = format!("SELECT {} FROM parked WHERE id = ?1", ListedRow::COLUMNS);
    let found = sql.first::<ListedRow>(&query, &[integer(row.as_i64())])?;
    Ok(found.map(ListedRow::into_event))
}
