//! What is kept of a request beside its row: headers, body and answer, in a table per day.

use std::collections::HashMap;

use serde::Deserialize;

use super::bytes;
use crate::domain::id::SequenceId;
use crate::domain::time::{DAY, Timestamp};
use crate::edge::Result;
use crate::edge::sql::{Sql, integer};
use crate::protocol::key_gate::Capture;

/// What is kept of a request beside its row.
#[derive(Clone, Copy, Debug)]
pub struct NewCapture<'a> {
    /// The allow-listed headers, as a JSON object.
    pub headers: &'a str,
    pub body: &'a [u8],
    /// The body of the answer, no longer than is kept of one.
    pub answer: &'a str,
}

impl NewCapture<'_> {
    /// How many bytes it takes.
    pub const fn bytes(&self) -> usize {
        self.headers.len() + self.body.len() + self.answer.len()
    }
}

/// The table of a day.
struct Table {
    day: i64,
    /// Whether it has a column for answers: not one that was made before they were kept.
    has_answers: bool,
}

/// The days that have a table.
fn tables(sql: &Sql) -> Result<Vec<Table>> {
    #[derive(Deserialize)]
    struct Made {
        name: String,
        sql: String,
    }
    let made = sql.rows::<Made>(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name GLOB 'capture_[0-9]*'",
        &[],
    )?;
    let table = |made: Made| {
        let day = made.name.strip_prefix("capture_")?.parse().ok()?;
        Some(Table { day, has_answers: made.sql.contains(" answer ") })
    };
    Ok(made.into_iter().filter_map(table).collect())
}

/// Gives the table of a day that was made before answers were kept their column. Its view goes: it
/// names the columns of its table, and is made anew.
pub fn add_answers(sql: &Sql, day: i64) -> Result<()> {
    if !tables(sql)?.iter().any(|table| table.day == day && !table.has_answers) {
        return Ok(());
    }
    sql.transaction(|| {
        sql.run(
            &format!(
                "DROP VIEW IF EXISTS entries_{day};
                 ALTER TABLE capture_{day} ADD COLUMN answer TEXT"
            ),
            &[],
        )
    })
}

/// About how many bytes were kept of each request since `from`, by row.
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

/// How many bytes were kept of a day, as far as its minutes have been written.
pub fn bytes_of(sql: &Sql, day: i64) -> Result<u64> {
    #[derive(Deserialize)]
    struct Bytes {
        bytes: u64,
    }
    let query = "SELECT capture_bytes AS bytes FROM stats_day WHERE start = ?1";
    Ok(sql.first::<Bytes>(query, &[integer(day * DAY)])?.map_or(0, |found| found.bytes))
}

/// What was kept of a request, of a day that has its table still.
#[derive(Debug)]
pub enum Found {
    Stored(Capture),
    /// The day is there and holds nothing of this request.
    Nothing,
    /// The day is gone.
    NoDay,
}

/// Looks up what was kept of a request.
pub fn find(sql: &Sql, row: SequenceId) -> Result<Found> {
    #[derive(Deserialize)]
    struct CaptureRow {
        headers: String,
        #[serde(with = "bytes")]
        body: Vec<u8>,
        /// A column that the tables of days before answers were kept do not have.
        #[serde(default)]
        answer: Option<String>,
    }
    let day = row.time().period(DAY);
    if !tables(sql)?.iter().any(|table| table.day == day) {
        return Ok(Found::NoDay);
    }
    // `*`, because which columns there are depends on the day.
    let query = format!("SELECT * FROM capture_{day} WHERE id = ?1");
    let Some(found) = sql.first::<CaptureRow>(&query, &[integer(row.as_i64())])? else {
        return Ok(Found::Nothing);
    };
    let CaptureRow { headers, body, answer } = found;
    let headers: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&headers).unwrap_or_default();
    let headers = headers.into_iter().filter_map(|(name, value)| match value {
        serde_json::Value::String(value) => Some((name, value)),
        _ => None,
    });
    Ok(Found::Stored(Capture { headers: headers.collect(), body, answer }))
}
