//! The request log: a table per day, so that a day expires by dropping its table. Rows are keyed by
//! time ([`SequenceId`]), so pages and windows need no index.

use std::ops::ControlFlow;

use serde::Deserialize;
use worker::js_sys::Uint8Array;
use worker::wasm_bindgen::JsValue;

use super::capture::{self, NewCapture};
use crate::Result;
use crate::platform::sql::{Sql, integer, optional_integer, text};
use tidegate_core::domain::credential::GateName;
use tidegate_core::domain::id::{RequestId, SequenceId};
use tidegate_core::domain::log::{About, BatchLine, LogEntry, Outcome};
use tidegate_core::domain::parked::ParkReason;
use tidegate_core::domain::rejection::Code;
use tidegate_core::domain::time::{DAY, Timestamp};
use tidegate_core::protocol::key_gate::{LoggedRequest, RequestFilter};

/// The most rows that one filtered page reads.
const MAX_SCANNED: u32 = 2_000;

/// The limits beyond which the oldest day is dropped: the age of captures in days, and the bytes of
/// captures and of log rows.
const CAPTURE_DAYS: i64 = 30;
const CAPTURE_BYTES: i64 = 512 << 20;
const LOG_BYTES: i64 = 2 << 30;

/// The approximate size of a log row in bytes without its texts.
const ROW_BYTES: usize = 96;

/// The day whose tables are known to exist.
#[derive(Debug, Default)]
pub struct OpenDay {
    day: Option<i64>,
    /// The bytes of its captures.
    captured: u64,
}

impl OpenDay {
    /// Makes the tables of the day of `at` unless they are known to exist, and drops the days
    /// beyond the limits. Returns the day.
    pub fn open(&mut self, sql: &Sql, at: Timestamp) -> Result<i64> {
        let day = at.period(DAY);
        if self.day != Some(day) {
            make_tables(sql, day)?;
            drop_old_days(sql, day)?;
            self.captured = capture::day_bytes(sql, day)?;
            self.day = Some(day);
        }
        Ok(day)
    }

    /// Reserves space for a capture of this day. Returns `false` if the day fills the limit by
    /// itself: there is no older day to drop.
    pub fn reserve_capture(&mut self, bytes: usize) -> bool {
        let captured = self.captured + bytes as u64;
        let fits = captured <= CAPTURE_BYTES as u64;
        if fits {
            self.captured = captured;
        }
        fits
    }
}

/// The columns of a day's log, in the order in which [`write()`] binds them. Days from before entries
/// had them lack the last four.
const COLUMNS: &str = "id, attempt, units, count, method, path, status, latency_ms, outcome, topic,
  idempotency_key, external_id, internal_id, error_code, detail, batch_id, batch_line, retry_of,
  park_reason";

/// Makes the tables of a day, and the view that writes to both. A day that older code began gets the
/// columns that its tables lack.
fn make_tables(sql: &Sql, day: i64) -> Result<()> {
    let mut steps = Vec::new();
    if capture::lacks_answers(sql, day)? {
        steps.push(format!("ALTER TABLE capture_{day} ADD COLUMN answer TEXT;"));
    }
    if tables(sql)?.iter().any(|table| table.day == day && !table.has_about) {
        for column in
            ["batch_id INTEGER", "batch_line INTEGER", "retry_of INTEGER", "park_reason TEXT"]
        {
            steps.push(format!("ALTER TABLE log_{day} ADD COLUMN {column};"));
        }
    }
    if !steps.is_empty() {
        // The view and its trigger name the columns.
        steps.insert(0, format!("DROP VIEW IF EXISTS entries_{day};"));
        sql.transaction(|| sql.run(&steps.concat(), &[]))?;
    }
    let new: Vec<_> = COLUMNS.split(',').map(|column| format!("NEW.{}", column.trim())).collect();
    sql.run(
        &format!(
            "CREATE TABLE IF NOT EXISTS log_{day} (id INTEGER PRIMARY KEY,
               attempt INTEGER NOT NULL, units INTEGER NOT NULL, count INTEGER NOT NULL,
               method TEXT NOT NULL, path TEXT NOT NULL, status INTEGER NOT NULL,
               latency_ms INTEGER NOT NULL, outcome TEXT NOT NULL, topic TEXT,
               idempotency_key TEXT, external_id TEXT, internal_id TEXT, error_code TEXT,
               detail TEXT, batch_id INTEGER, batch_line INTEGER, retry_of INTEGER,
               park_reason TEXT);
             CREATE TABLE IF NOT EXISTS capture_{day} (id INTEGER PRIMARY KEY,
               headers TEXT NOT NULL, body BLOB NOT NULL, answer TEXT);
             CREATE VIEW IF NOT EXISTS entries_{day} AS
               SELECT {COLUMNS}, headers, body, answer FROM log_{day} JOIN capture_{day} USING (id);
             CREATE TRIGGER IF NOT EXISTS entries_{day}_are_written
             INSTEAD OF INSERT ON entries_{day}
             BEGIN
               INSERT OR REPLACE INTO log_{day} ({COLUMNS}) VALUES ({});
               INSERT OR REPLACE INTO capture_{day} (id, headers, body, answer)
                 SELECT NEW.id, NEW.headers, NEW.body, NEW.answer WHERE NEW.body IS NOT NULL;
             END",
            new.join(", ")
        ),
        &[],
    )
}

/// Writes the log row of a request and its capture, replacing those of an earlier attempt of the
/// same request. One statement on the day's view writes both, because a call into the database
/// costs more than a row. Returns the approximate size of the log row in bytes.
pub fn write(
    sql: &Sql,
    day: i64,
    entry: &LogEntry,
    capture: Option<NewCapture<'_>>,
) -> Result<usize> {
    let LogEntry {
        row,
        attempt,
        units,
        count,
        method,
        path,
        status,
        latency_ms,
        outcome,
        topic,
        idempotency_key,
        external_id,
        internal_id,
        error_code,
        about: About { batch, retry_of, park_reason },
        detail,
    } = entry;
    let body = capture.map_or(JsValue::NULL, |capture| Uint8Array::from(capture.body).into());
    sql.run(
        &format!(
            "INSERT INTO entries_{day} ({COLUMNS}, headers, body, answer)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
               ?18, ?19, ?20, ?21, ?22)"
        ),
        &[
            integer(row.as_i64()),
            integer(*attempt),
            integer(*units),
            integer(*count),
            text(Some(method)),
            text(Some(path)),
            integer(*status),
            integer(*latency_ms),
            text(Some(outcome.as_str())),
            text(topic.as_deref()),
            text(idempotency_key.as_deref()),
            text(external_id.as_deref()),
            text(internal_id.as_deref()),
            text(error_code.map(Code::as_str)),
            text(detail.as_deref()),
            optional_integer(batch.map(|batch| batch.of.as_i64())),
            optional_integer(batch.map(|batch| batch.line.into())),
            optional_integer(retry_of.map(SequenceId::as_i64)),
            text(park_reason.map(ParkReason::as_str)),
            text(capture.map(|capture| capture.headers)),
            body,
            text(capture.map(|capture| capture.answer)),
        ],
    )?;
    let optional = [topic, idempotency_key, external_id, internal_id, detail];
    let texts: usize = optional.into_iter().flatten().map(String::len).sum();
    Ok(ROW_BYTES + path.len() + texts)
}

/// A row of the log, as read to rebuild an object's memory.
#[derive(Debug, Deserialize)]
pub struct RecentRow {
    pub id: SequenceId,
    pub attempt: i64,
    pub units: u32,
    pub count: u32,
    pub status: u16,
    pub outcome: Outcome,
    /// The approximate size of the row in bytes.
    pub bytes: usize,
}

/// The rows since `from`, oldest first.
pub fn recent_rows(sql: &Sql, from: Timestamp, now: Timestamp) -> Result<Vec<RecentRow>> {
    let mut rows = Vec::new();
    for day in days(sql, "log")?.into_iter().filter(|day| *day >= from.period(DAY)) {
        rows.extend(sql.rows::<RecentRow>(
            &format!(
                "SELECT id, attempt, units, count, status, outcome,
                   {ROW_BYTES} + length(path) + coalesce(length(topic), 0)
                     + coalesce(length(idempotency_key), 0) + coalesce(length(external_id), 0)
                     + coalesce(length(internal_id), 0) + coalesce(length(detail), 0) AS bytes
                 FROM log_{day} WHERE id >= ?1 ORDER BY id"
            ),
            &[integer(SequenceId::at(from).as_i64())],
        )?);
    }
    // Rows up to a day in the future still count for the rate limit, in case the clock stepped
    // back.
    rows.retain(|row| row.id.time() <= now.plus(DAY));
    Ok(rows)
}

/// The log table of one day.
struct Table {
    day: i64,
    /// Whether it has the columns of [`About`].
    has_about: bool,
}

impl Table {
    /// The columns of a [`ListedRow`].
    fn listed_columns(&self) -> String {
        let about = match self.has_about {
            true => "batch_id, batch_line, retry_of, park_reason",
            false => "NULL AS batch_id, NULL AS batch_line, NULL AS retry_of, NULL AS park_reason",
        };
        format!(
            "id, count, method, path, status, latency_ms, outcome, topic, idempotency_key,
             external_id, internal_id, error_code, detail, {about}"
        )
    }
}

/// The log tables, oldest first.
fn tables(sql: &Sql) -> Result<Vec<Table>> {
    #[derive(Deserialize)]
    struct TableRow {
        name: String,
        sql: String,
    }
    let rows = sql.rows::<TableRow>(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name GLOB 'log_[0-9]*'",
        &[],
    )?;
    let table = |row: TableRow| {
        let day = row.name.strip_prefix("log_")?.parse().ok()?;
        Some(Table { day, has_about: row.sql.contains(" park_reason ") })
    };
    let mut tables: Vec<_> = rows.into_iter().filter_map(table).collect();
    tables.sort_unstable_by_key(|table| table.day);
    Ok(tables)
}

/// The days that have a table of this kind, oldest first.
pub fn days(sql: &Sql, kind: &str) -> Result<Vec<i64>> {
    #[derive(Deserialize)]
    struct Table {
        name: String,
    }
    let tables = sql.rows::<Table>(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB ?1 || '_[0-9]*'",
        &[text(Some(kind))],
    )?;
    let mut days: Vec<i64> =
        tables.iter().filter_map(|table| table.name.rsplit_once('_')?.1.parse().ok()).collect();
    days.sort_unstable();
    Ok(days)
}

fn drop_old_days(sql: &Sql, today: i64) -> Result<()> {
    #[derive(Deserialize)]
    struct Bytes {
        start: i64,
        log_bytes: i64,
        capture_bytes: i64,
    }
    let day_sizes = sql.rows::<Bytes>(
        "SELECT start, log_bytes, capture_bytes FROM stats_day ORDER BY start DESC",
        &[],
    )?;
    let exceeds = |day: i64, cap: i64, bytes: fn(&Bytes) -> i64| {
        let newer = day_sizes.iter().filter(|entry| entry.start / DAY >= day);
        newer.map(bytes).sum::<i64>() > cap
    };
    for day in days(sql, "capture")? {
        let too_large = day < today && exceeds(day, CAPTURE_BYTES, |day| day.capture_bytes);
        if too_large || day < today - CAPTURE_DAYS {
            // The day's view is only for writing, and past days are not written.
            sql.run(&format!("DROP VIEW IF EXISTS entries_{day}; DROP TABLE capture_{day}"), &[])?;
        }
    }
    for day in days(sql, "log")? {
        if day < today && exceeds(day, LOG_BYTES, |day| day.log_bytes) {
            sql.run(&format!("DROP VIEW IF EXISTS entries_{day}; DROP TABLE log_{day}"), &[])?;
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct ListedRow {
    id: SequenceId,
    count: u32,
    method: String,
    path: String,
    status: u16,
    latency_ms: i64,
    outcome: Outcome,
    topic: Option<String>,
    idempotency_key: Option<String>,
    external_id: Option<String>,
    internal_id: Option<String>,
    error_code: Option<Code>,
    detail: Option<String>,
    batch_id: Option<SequenceId>,
    batch_line: Option<u32>,
    retry_of: Option<SequenceId>,
    park_reason: Option<ParkReason>,
}

impl ListedRow {
    fn into_request(self, gate: GateName) -> LoggedRequest {
        let batch = self.batch_id.zip(self.batch_line).map(|(of, line)| BatchLine { of, line });
        let about = About { batch, retry_of: self.retry_of, park_reason: self.park_reason };
        let about = about.of_gate(gate);
        let (about, detail) = match self.detail {
            Some(text) if about.is_nothing() => {
                (About::from_old_text(self.outcome, &text), Some(text))
            }
            detail => (about, about.text(detail)),
        };
        LoggedRequest {
            id: RequestId::new(gate, self.id),
            received_at: self.id.time(),
            method: self.method,
            path: self.path,
            status: self.status,
            latency_ms: self.latency_ms,
            outcome: self.outcome,
            count: self.count,
            topic: self.topic,
            idempotency_key: self.idempotency_key,
            external_id: self.external_id,
            internal_id: self.internal_id,
            error_code: self.error_code,
            detail,
            about,
        }
    }
}

/// A page of the log, newest first, and the row before which the next page starts. Reads at most
/// 2,000 rows, so a filtered page may be shorter than its limit and still have a next page.
pub fn list(
    sql: &Sql,
    gate: GateName,
    filter: &RequestFilter,
) -> Result<(Vec<LoggedRequest>, Option<i64>)> {
    let newest = filter.to.map_or(i64::MAX, |to| SequenceId::at(to).as_i64());
    let before = filter.before.unwrap_or(i64::MAX).min(newest).min((1 << 53) - 1);
    let from = filter.from.map_or(0, |from| SequenceId::at(from).as_i64());
    let limit = filter.limit.min(RequestFilter::MAX_LIMIT) as usize;
    let mut requests = Vec::new();
    let mut scanned = 0;
    let mut last = None;
    for table in tables(sql)?.into_iter().rev() {
        let day = table.day;
        // Skip the days that lie wholly outside the requested span.
        let start = SequenceId::at(Timestamp::from_millis(day * DAY)).as_i64();
        let end = SequenceId::at(Timestamp::from_millis((day + 1) * DAY)).as_i64();
        if start >= before || end <= from {
            continue;
        }
        let query = format!(
            "SELECT {} FROM log_{day} WHERE id < ?1 AND id >= ?2 ORDER BY id DESC LIMIT ?3",
            table.listed_columns()
        );
        let parameters = [integer(before), integer(from), integer(MAX_SCANNED - scanned)];
        let mut stopped = false;
        sql.scan::<ListedRow>(&query, &parameters, |row| {
            scanned += 1;
            last = Some(row.id.as_i64());
            let request = row.into_request(gate);
            if filter.matches(&request) {
                requests.push(request);
            }
            stopped = scanned >= MAX_SCANNED || requests.len() >= limit;
            if stopped { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        if stopped {
            return Ok((requests, last));
        }
    }
    Ok((requests, None))
}

/// One request of the log, if the log contains it.
pub fn find(sql: &Sql, gate: GateName, row: SequenceId) -> Result<Option<LoggedRequest>> {
    let day = row.time().period(DAY);
    let Some(table) = tables(sql)?.into_iter().find(|table| table.day == day) else {
        return Ok(None);
    };
    let query = format!("SELECT {} FROM log_{day} WHERE id = ?1", table.listed_columns());
    let found = sql.first::<ListedRow>(&query, &[integer(row.as_i64())])?;
    Ok(found.map(|found| found.into_request(gate)))
}

/// The response to one request, as the log records it.
#[derive(Debug, Deserialize)]
pub struct LoggedResponse {
    pub method: String,
    pub topic: Option<String>,
    pub status: u16,
    pub count: u32,
    pub outcome: Outcome,
}

/// The responses to the newest requests, newest first, at most `limit` of them.
pub fn newest_responses(sql: &Sql, limit: u32) -> Result<Vec<LoggedResponse>> {
    let mut responses = Vec::new();
    for day in days(sql, "log")?.into_iter().rev() {
        let remaining = i64::from(limit) - responses.len() as i64;
        if remaining <= 0 {
            break;
        }
        let query = format!(
            "SELECT method, topic, status, count, outcome FROM log_{day} ORDER BY id DESC LIMIT ?1"
        );
        responses.extend(sql.rows::<LoggedResponse>(&query, &[integer(remaining)])?);
    }
    Ok(responses)
}

/// When the key was last used: the time of the newest request that was admitted. Reads at most
/// 2,000 rows.
pub fn last_use(sql: &Sql) -> Result<Option<Timestamp>> {
    #[derive(Deserialize)]
    struct Newest {
        id: SequenceId,
        used: u8,
    }
    let mut scanned = 0;
    for day in days(sql, "log")?.into_iter().rev() {
        let query = format!(
            "SELECT id, units > 0 AND count > 0 AS used FROM log_{day} ORDER BY id DESC LIMIT ?1"
        );
        let mut last = None;
        sql.scan::<Newest>(&query, &[integer(MAX_SCANNED - scanned)], |row| {
            scanned += 1;
            last = (row.used != 0).then(|| row.id.time());
            if last.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        if last.is_some() || scanned >= MAX_SCANNED {
            return Ok(last);
        }
    }
    Ok(None)
}
