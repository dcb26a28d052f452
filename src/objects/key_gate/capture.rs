//! Captures: the stored headers, body and response of a request, beside its log row, in a table per
//! day.

use std::collections::HashMap;

use serde::Deserialize;

use super::bytes;
use crate::Result;
use crate::platform::sql::{Sql, integer};
use tidegate_core::domain::id::SequenceId;
use tidegate_core::domain::time::{DAY, Timestamp};
use tidegate_core::protocol::key_gate::Capture;

/// The capture of a request, to be stored.
#[derive(Clone, Copy, Debug)]
pub struct NewCapture<'a> {
    /// The allow-listed headers, as a JSON object.
    pub headers: &'a str,
    pub body: &'a [u8],
    /// The response body, cut to the length that is stored.
    pub answer: &'a str,
}

impl NewCapture<'_> {
    /// The size of the capture in bytes.
    pub const fn bytes(&self) -> usize {
        self.headers.len() + self.body.len() + self.answer.len()
    }
}

/// The capture table of one day.
struct Table {
    day: i64,
    /// Whether it has the column for responses. Tables made before responses were stored lack it.
    has_answers: bool,
}

/// The capture tables that exist.
fn tables(sql: &Sql) -> Result<Vec<Table>> {
    #[derive(Deserialize)]
    struct TableRow {
        name: String,
        sql: String,
    }
    let rows = sql.rows::<TableRow>(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name GLOB 'capture_[0-9]*'",
        &[],
    )?;
    let table = |row: TableRow| {
        let day = row.name.strip_prefix("capture_")?.parse().ok()?;
        Some(Table { day, has_answers: row.sql.contains(" answer ") })
    };
    Ok(rows.into_iter().filter_map(table).collect())
}

/// Whether the table of a day exists and has no column for responses.
pub fn lacks_answers(sql: &Sql, day: i64) -> Result<bool> {
    Ok(tables(sql)?.iter().any(|table| table.day == day && !table.has_answers))
}

/// The approximate size in bytes of each capture since `from`, by log row.
pub fn sizes(sql: &Sql, from: Timestamp) -> Result<HashMap<SequenceId, u64>> {
    #[derive(Deserialize)]
    struct Size {
        id: SequenceId,
        bytes: u64,
    }
    let mut sizes = HashMap::new();
    for Table { day, has_answers } in tables(sql)? {
        if day < from.period(DAY) {
            continue;
        }
        let answer = if has_answers { "coalesce(length(answer), 0)" } else { "0" };
        let query = format!(
            "SELECT id, length(headers) + length(body) + {answer} AS bytes
             FROM capture_{day} WHERE id >= ?1"
        );
        let rows = sql.rows::<Size>(&query, &[integer(SequenceId::at(from).as_i64())])?;
        sizes.extend(rows.into_iter().map(|row| (row.id, row.bytes)));
    }
    Ok(sizes)
}

/// The bytes of a day's captures, as far as the day's minutes have been written to the stats.
pub fn day_bytes(sql: &Sql, day: i64) -> Result<u64> {
    #[derive(Deserialize)]
    struct Bytes {
        bytes: u64,
    }
    let query = "SELECT capture_bytes AS bytes FROM stats_day WHERE start = ?1";
    Ok(sql.first::<Bytes>(query, &[integer(day * DAY)])?.map_or(0, |found| found.bytes))
}

/// The result of looking up the capture of a request.
#[derive(Debug)]
pub enum CaptureLookup {
    Found(Capture),
    /// The day's table exists and has no capture of this request.
    NotCaptured,
    /// The day's table was dropped.
    DayDropped,
}

/// Looks up the capture of a request.
pub fn find(sql: &Sql, row: SequenceId) -> Result<CaptureLookup> {
    #[derive(Deserialize)]
    struct CaptureRow {
        headers: String,
        #[serde(with = "bytes")]
        body: Vec<u8>,
        answer: Option<String>,
    }
    let day = row.time().period(DAY);
    let Some(Table { has_answers, .. }) = tables(sql)?.into_iter().find(|table| table.day == day)
    else {
        return Ok(CaptureLookup::DayDropped);
    };
    let answer = if has_answers { "answer" } else { "NULL AS answer" };
    let query = format!("SELECT headers, body, {answer} FROM capture_{day} WHERE id = ?1");
    let Some(found) = sql.first::<CaptureRow>(&query, &[integer(row.as_i64())])? else {
        return Ok(CaptureLookup::NotCaptured);
    };
    let CaptureRow { headers, body, answer } = found;
    let headers: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&headers).unwrap_or_default();
    let headers = headers.into_iter().filter_map(|(name, value)| match value {
        serde_json::Value::String(value) => Some((name, value)),
        _ => None,
    });
    Ok(CaptureLookup::Found(Capture { headers: headers.collect(), body, answer }))
}
