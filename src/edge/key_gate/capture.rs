//! What is kept of a request beside its row: headers, body and answer, in a table per day.

use serde::Deserialize;

use super::bytes;
use crate::domain::id::Row;
use crate::domain::time::DAY;
use crate::edge::Result;
use crate::edge::sql::{Sql, integer, text};
use crate::protocol::key_gate::Kept;

/// What is kept of a request beside its row.
#[derive(Clone, Copy, Debug)]
pub struct Capture<'a> {
    /// The allow-listed headers, as a JSON object.
    pub headers: &'a str,
    pub body: &'a [u8],
    /// The body of the answer, no longer than is kept of one.
    pub answer: &'a str,
}

impl Capture<'_> {
    /// How many bytes it takes.
    pub const fn bytes(&self) -> usize {
        self.headers.len() + self.body.len() + self.answer.len()
    }
}

/// Gives the table of a day that was made before answers were kept their column. Its view goes: it
/// names the columns of its table, and is made anew.
pub fn add_answers(sql: &Sql, day: i64) -> Result<()> {
    #[derive(Deserialize)]
    struct Table {
        sql: String,
    }
    let made_as = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?1";
    let table = sql.first::<Table>(made_as, &[text(Some(&format!("capture_{day}")))])?;
    if table.is_none_or(|table| table.sql.contains(" answer ")) {
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

/// What was kept of a request, of a day that has its table still.
#[derive(Debug)]
pub enum Found {
    Kept(Kept),
    /// The day is there and holds nothing of this request.
    Nothing,
    /// The day is gone.
    NoDay,
}

/// Looks up what was kept of a request.
pub fn find(sql: &Sql, row: Row) -> Result<Found> {
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
    if !super::log::days(sql, "capture")?.contains(&day) {
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
    Ok(Found::Kept(Kept { headers: headers.collect(), body, answer }))
}
