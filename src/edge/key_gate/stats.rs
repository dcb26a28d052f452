//! Roll-ups of the log: by minute, folded into hours and days. A minute is written by the first
//! request after it, so that counting costs no write per request; after a crash it is counted from
//! the log.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::domain::log::Tally;
use crate::domain::time::{DAY, HOUR, MINUTE, Timestamp};
use crate::edge::sql::{Sql, integer, text};
use crate::edge::{Result, internal};

/// How long hours are kept: what the window of 24 hours looks at, and a little more.
const HOURS_KEPT: i64 = 26 * HOUR;

/// A minute that has not been written yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct OpenMinute {
    /// Its first millisecond.
    pub start: i64,
    pub tally: Tally,
    pub log_bytes: u64,
    pub capture_bytes: u64,
}

impl OpenMinute {
    /// The minute that `at` falls into, empty.
    pub fn of(at: Timestamp) -> Self {
        Self { start: at.period(MINUTE) * MINUTE, ..Self::default() }
    }

    pub fn holds(&self, at: Timestamp) -> bool {
        at.period(MINUTE) * MINUTE == self.start
    }
}

/// Tallies by place within their span: the minutes of an hour, the hours of a day. Packed into one
/// column, so that a window reads a row per hour or day.
type Packed = BTreeMap<i64, Tally>;

#[derive(Deserialize)]
struct PackedRow {
    start: i64,
    tallies: String,
}

/// Writes a minute into its hour and its day: two rows. A minute that is written already is not
/// added again.
pub fn write(sql: &Sql, minute: &OpenMinute) -> Result<()> {
    if minute.tally == Tally::default() {
        return Ok(());
    }
    let hour = minute.start.div_euclid(HOUR) * HOUR;
    let day = minute.start.div_euclid(DAY) * DAY;
    sql.transaction(|| {
        let mut minutes = packed(sql, "stats_hour", hour)?;
        let place = (minute.start - hour) / MINUTE;
        if minutes.contains_key(&place) {
            return Ok(());
        }
        minutes.insert(place, minute.tally);
        let of_hour = minutes.values().fold(Tally::default(), |sum, tally| sum.plus(*tally));
        sql.run(
            "INSERT OR REPLACE INTO stats_hour VALUES (?1, ?2)",
            &[integer(hour), text(Some(&json(&minutes)?))],
        )?;
        let mut hours = packed(sql, "stats_day", day)?;
        hours.insert((hour - day) / HOUR, of_hour);
        let bytes = |value: u64| integer(i64::try_from(value).unwrap_or(i64::MAX));
        sql.run(
            "INSERT INTO stats_day VALUES (?1, ?2, ?3, ?4) ON CONFLICT (start) DO UPDATE SET
               tallies = excluded.tallies, log_bytes = log_bytes + excluded.log_bytes,
               capture_bytes = capture_bytes + excluded.capture_bytes",
            &[
                integer(day),
                text(Some(&json(&hours)?)),
                bytes(minute.log_bytes),
                bytes(minute.capture_bytes),
            ],
        )?;
        sql.run("DELETE FROM stats_hour WHERE start < ?1", &[integer(hour - HOURS_KEPT)])
    })
}

fn packed(sql: &Sql, table: &'static str, start: i64) -> Result<Packed> {
    let query = format!("SELECT start, tallies FROM {table} WHERE start = ?1");
    match sql.first::<PackedRow>(&query, &[integer(start)])? {
        Some(row) => unpack(&row),
        None => Ok(Packed::new()),
    }
}

fn unpack(row: &PackedRow) -> Result<Packed> {
    serde_json::from_str(&row.tallies).map_err(|error| internal(&error.to_string()))
}

fn json(packed: &Packed) -> Result<String> {
    serde_json::to_string(packed).map_err(|error| internal(&error.to_string()))
}

/// The end of the last minute that was written.
pub fn written_until(sql: &Sql) -> Result<Option<Timestamp>> {
    let last = "SELECT start, tallies FROM stats_hour ORDER BY start DESC LIMIT 1";
    let Some(row) = sql.first::<PackedRow>(last, &[])? else { return Ok(None) };
    let minute = unpack(&row)?.last_key_value().map_or(0, |(place, _)| *place);
    Ok(Some(Timestamp::from_millis(row.start + (minute + 1) * MINUTE)))
}

/// The tallies of the last 24 hours, 7 and 30 days before `now`, with the open minute. The first is
/// exact to the minute, the others to the hour. Reads a row for each of 25 hours and 31 days, however
/// long the log is.
pub fn windows(sql: &Sql, open: &OpenMinute, now: Timestamp) -> Result<[Tally; 3]> {
    let sum = |rows: &[PackedRow], unit: i64, from: i64| -> Result<Tally> {
        let mut tally = open.tally;
        for row in rows {
            let tallies = unpack(row)?;
            let within = tallies.iter().filter(|(place, _)| row.start + **place * unit > from);
            tally = within.fold(tally, |sum, (_, tally)| sum.plus(*tally));
        }
        Ok(tally)
    };
    let now = now.millis();
    let hours = sql.rows::<PackedRow>(
        "SELECT start, tallies FROM stats_hour WHERE start > ?1",
        &[integer(now - DAY - HOUR)],
    )?;
    let days = sql.rows::<PackedRow>(
        "SELECT start, tallies FROM stats_day WHERE start > ?1",
        &[integer(now - 31 * DAY)],
    )?;
    Ok([
        sum(&hours, MINUTE, now - DAY)?,
        sum(&days, HOUR, now - 7 * DAY)?,
        sum(&days, HOUR, now - 30 * DAY)?,
    ])
}
