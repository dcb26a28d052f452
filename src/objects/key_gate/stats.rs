//! Request counts: by minute, folded into hours and days. The first request of a later minute
//! writes the minute before it, so counting costs no write per request. After a crash the unwritten
//! minute is counted again from the log.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::platform::sql::{Sql, integer, text};
use crate::{Result, internal};
use tidegate_core::domain::log::{Bucket, Tally, Window};
use tidegate_core::domain::time::{DAY, HOUR, MINUTE, Timestamp};

/// How long the rows of hours are retained: a little longer than the 24-hour window.
const HOUR_RETENTION: i64 = 26 * HOUR;

/// The counts of a minute that has not been written yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct OpenMinute {
    /// The first millisecond of the minute.
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

    pub fn contains(&self, at: Timestamp) -> bool {
        at.period(MINUTE) * MINUTE == self.start
    }
}

/// Tallies by their index within a span: the minutes of an hour, or the hours of a day. They are
/// packed into one column, so that a window reads one row per hour or day.
type Packed = BTreeMap<i64, Tally>;

#[derive(Deserialize)]
struct PackedRow {
    start: i64,
    tallies: String,
}

/// Adds a minute to the rows of its hour and its day. A minute that is already written is not added
/// again.
pub fn write(sql: &Sql, minute: &OpenMinute) -> Result<()> {
    if minute.tally == Tally::default() {
        return Ok(());
    }
    let hour = minute.start.div_euclid(HOUR) * HOUR;
    let day = minute.start.div_euclid(DAY) * DAY;
    sql.transaction(|| {
        let mut minutes = load_packed(sql, "stats_hour", hour)?;
        let index = (minute.start - hour) / MINUTE;
        if minutes.contains_key(&index) {
            return Ok(());
        }
        minutes.insert(index, minute.tally);
        let hour_total = minutes.values().fold(Tally::default(), |sum, tally| sum.plus(*tally));
        sql.run(
            "INSERT OR REPLACE INTO stats_hour (start, tallies) VALUES (?1, ?2)",
            &[integer(hour), text(Some(&json(&minutes)?))],
        )?;
        let mut hours = load_packed(sql, "stats_day", day)?;
        hours.insert((hour - day) / HOUR, hour_total);
        let bytes = |value: u64| integer(i64::try_from(value).unwrap_or(i64::MAX));
        sql.run(
            "INSERT INTO stats_day (start, tallies, log_bytes, capture_bytes)
             VALUES (?1, ?2, ?3, ?4) ON CONFLICT (start) DO UPDATE SET
               tallies = excluded.tallies, log_bytes = log_bytes + excluded.log_bytes,
               capture_bytes = capture_bytes + excluded.capture_bytes",
            &[
                integer(day),
                text(Some(&json(&hours)?)),
                bytes(minute.log_bytes),
                bytes(minute.capture_bytes),
            ],
        )?;
        sql.run("DELETE FROM stats_hour WHERE start < ?1", &[integer(hour - HOUR_RETENTION)])
    })
}

fn load_packed(sql: &Sql, table: &'static str, start: i64) -> Result<Packed> {
    let query = format!("SELECT start, tallies FROM {table} WHERE start = ?1");
    match sql.first::<PackedRow>(&query, &[integer(start)])? {
        Some(row) => unpack(&row),
        None => Ok(Packed::new()),
    }
}

fn unpack(row: &PackedRow) -> Result<Packed> {
    serde_json::from_str(&row.tallies).map_err(|error| internal(error.to_string()))
}

fn json(packed: &Packed) -> Result<String> {
    serde_json::to_string(packed).map_err(|error| internal(error.to_string()))
}

/// The end of the last minute that was written; `None` if none was.
pub fn written_until(sql: &Sql) -> Result<Option<Timestamp>> {
    let last = "SELECT start, tallies FROM stats_hour ORDER BY start DESC LIMIT 1";
    let Some(row) = sql.first::<PackedRow>(last, &[])? else { return Ok(None) };
    let minute = unpack(&row)?.last_key_value().map_or(0, |(index, _)| *index);
    Ok(Some(Timestamp::from_millis(row.start + (minute + 1) * MINUTE)))
}

/// The tallies of the 24 hours, 7 days and 30 days before `now`, with the open minute. The first is
/// exact to the minute, the others to the hour. Reads one row for each of 25 hours and 31 days,
/// however long the log is.
pub fn windows(sql: &Sql, open: &OpenMinute, now: Timestamp) -> Result<[Tally; 3]> {
    let minutes = minutes(sql, open, now.plus(-DAY))?;
    let hours = hours(sql, open, now.plus(-30 * DAY))?;
    Ok([
        total(&minutes, Window::H24, now),
        total(&hours, Window::D7, now),
        total(&hours, Window::D30, now),
    ])
}

/// The buckets of a window, and its total, which equals that of [`windows`]. Reads 25 or 31 rows.
pub fn series(
    sql: &Sql,
    open: &OpenMinute,
    window: Window,
    now: Timestamp,
) -> Result<(Vec<Bucket>, Tally)> {
    let from = now.plus(-window.length());
    let intervals = match window {
        Window::H24 => minutes(sql, open, from)?,
        Window::D7 | Window::D30 => hours(sql, open, from)?,
    };
    let mut buckets = window.buckets(now);
    let first = buckets.first().map_or(0, |bucket| bucket.start.millis());
    for (at, tally) in &intervals {
        let index = usize::try_from((at - first).div_euclid(window.step())).ok();
        if let Some(bucket) = index.and_then(|index| buckets.get_mut(index)) {
            bucket.tally = bucket.tally.plus(*tally);
        }
    }
    let total = total(&intervals, window, now);
    Ok((buckets, total))
}

/// The sum of the intervals that begin within the window that ends at `now`.
fn total(intervals: &[(i64, Tally)], window: Window, now: Timestamp) -> Tally {
    let from = now.millis() - window.length();
    let within = intervals.iter().filter(|(at, _)| *at > from);
    within.fold(Tally::default(), |sum, (_, tally)| sum.plus(*tally))
}

/// The minutes since about `from`, each with its first millisecond, and the open minute.
fn minutes(sql: &Sql, open: &OpenMinute, from: Timestamp) -> Result<Vec<(i64, Tally)>> {
    let rows = sql.rows::<PackedRow>(
        "SELECT start, tallies FROM stats_hour WHERE start > ?1",
        &[integer(from.millis() - HOUR)],
    )?;
    unpack_intervals(&rows, MINUTE, open)
}

/// The hours since about `from`, each with its first millisecond, and the open minute.
fn hours(sql: &Sql, open: &OpenMinute, from: Timestamp) -> Result<Vec<(i64, Tally)>> {
    let rows = sql.rows::<PackedRow>(
        "SELECT start, tallies FROM stats_day WHERE start > ?1",
        &[integer(from.millis() - DAY)],
    )?;
    unpack_intervals(&rows, HOUR, open)
}

fn unpack_intervals(rows: &[PackedRow], unit: i64, open: &OpenMinute) -> Result<Vec<(i64, Tally)>> {
    let mut intervals = vec![(open.start, open.tally)];
    for row in rows {
        let tallies = unpack(row)?;
        intervals
            .extend(tallies.into_iter().map(|(index, tally)| (row.start + index * unit, tally)));
    }
    Ok(intervals)
}
