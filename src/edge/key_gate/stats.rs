//! Roll-ups of the log: by minute, folded into hours and days. A minute is written by the first
//! request after it, so that counting costs no write per request; after a crash it is counted from
//! the log.

use serde::Deserialize;

use crate::domain::log::Tally;
use crate::domain::time::{DAY, HOUR, MINUTE, Timestamp};
use crate::edge::Result;
use crate::edge::sql::{Sql, integer};

/// How long minutes and hours are kept: what the windows of 24 hours and 30 days look at, and a
/// little more.
const MINUTES_KEPT: i64 = 25 * HOUR;
const HOURS_KEPT: i64 = 31 * DAY;

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

/// Writes a minute and adds it to its hour and day; forgets minutes and hours that nothing looks
/// at any more. A minute that is written already is not added again.
pub fn write(sql: &Sql, minute: &OpenMinute) -> Result<()> {
    if minute.tally == Tally::default() {
        return Ok(());
    }
    let hour = minute.start.div_euclid(HOUR) * HOUR;
    let day = minute.start.div_euclid(DAY) * DAY;
    let count = |value: u64| integer(i64::try_from(value).unwrap_or(i64::MAX));
    let counts = [
        count(minute.tally.requests),
        count(minute.tally.errors),
        count(minute.log_bytes),
        count(minute.capture_bytes),
    ];
    let [requests, errors, log_bytes, capture_bytes] = counts;
    sql.transaction(|| {
        let written = sql.written(
            "INSERT OR IGNORE INTO stats_minute VALUES (?1, ?2, ?3, ?4, ?5)",
            &[
                integer(minute.start),
                requests.clone(),
                errors.clone(),
                log_bytes.clone(),
                capture_bytes.clone(),
            ],
        )?;
        if written == 0 {
            return Ok(());
        }
        sql.run(
            "INSERT INTO stats_hour VALUES (?1, ?2, ?3) ON CONFLICT (start) DO UPDATE SET
               requests = requests + excluded.requests, errors = errors + excluded.errors",
            &[integer(hour), requests.clone(), errors.clone()],
        )?;
        sql.run(
            "INSERT INTO stats_day VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (start) DO UPDATE SET
               requests = requests + excluded.requests, errors = errors + excluded.errors,
               log_bytes = log_bytes + excluded.log_bytes,
               capture_bytes = capture_bytes + excluded.capture_bytes",
            &[integer(day), requests, errors, log_bytes, capture_bytes],
        )?;
        sql.run(
            "DELETE FROM stats_minute WHERE start < ?1",
            &[integer(minute.start - MINUTES_KEPT)],
        )?;
        sql.run("DELETE FROM stats_hour WHERE start < ?1", &[integer(hour - HOURS_KEPT)])
    })
}

/// The end of the last minute that was written.
pub fn written_until(sql: &Sql) -> Result<Option<Timestamp>> {
    #[derive(Deserialize)]
    struct Last {
        start: i64,
    }
    let last =
        sql.first::<Last>("SELECT start FROM stats_minute ORDER BY start DESC LIMIT 1", &[])?;
    Ok(last.map(|last| Timestamp::from_millis(last.start + MINUTE)))
}

/// The tallies of the last 24 hours, 7 and 30 days before `now`, with the open minute. The first is
/// exact to the minute, the others to the hour. Rows read do not grow with the log.
pub fn windows(sql: &Sql, open: &OpenMinute, now: Timestamp) -> Result<[Tally; 3]> {
    #[derive(Deserialize)]
    struct Sums {
        requests: u64,
        errors: u64,
    }
    let sum = |query: &str, from: i64| -> Result<Tally> {
        let sums = sql.first::<Sums>(query, &[integer(now.millis() - from)])?;
        let tally = sums.map_or(Tally::default(), |sums| Tally {
            requests: sums.requests,
            errors: sums.errors,
        });
        Ok(tally.plus(open.tally))
    };
    let minutes =
        "SELECT coalesce(sum(requests), 0) AS requests, coalesce(sum(errors), 0) AS errors
                   FROM stats_minute WHERE start > ?1";
    let hours = "SELECT coalesce(sum(requests), 0) AS requests, coalesce(sum(errors), 0) AS errors
                 FROM stats_hour WHERE start > ?1";
    Ok([sum(minutes, DAY)?, sum(hours, 7 * DAY)?, sum(hours, 30 * DAY)?])
}
