//! Points in time. The domain never reads a clock: `now` is an argument.

use chrono::{DateTime, NaiveDateTime, SecondsFormat};
use serde::{Deserialize, Serialize};

/// One second, minute, hour and day in milliseconds.
pub const SECOND: i64 = 1_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

/// Milliseconds since the Unix epoch, UTC.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// Later than any time that is stored, and below 2^53, so exact in JavaScript.
pub const LATEST: Timestamp = Timestamp(1 << 52);

impl Timestamp {
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(SECOND))
    }

    pub const fn millis(self) -> i64 {
        self.0
    }

    /// This time `millis` later (earlier, if negative).
    #[must_use]
    pub const fn plus(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Milliseconds from `earlier` to this time; negative if it is later.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The number of whole `period`s (in milliseconds) since the epoch.
    pub const fn period(self, period: i64) -> i64 {
        self.0.div_euclid(period)
    }

    /// Reads an RFC 3339 date-time with its offset, such as `2026-11-22T06:48:05-05:00`.
    /// Fractions below a millisecond are cut off.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let parsed = DateTime::parse_from_rfc3339(text).ok()?;
        Some(Self(parsed.timestamp_millis()))
    }

    /// Reads a date-time that names no zone and is known to be UTC, such as WooCommerce's
    /// `date_modified_gmt`: `2026-11-22T11:48:07`.
    pub fn parse_utc_without_zone(text: &str) -> Option<Self> {
        let parsed = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok()?;
        Some(Self(parsed.and_utc().timestamp_millis()))
    }

    /// `2026-11-22T11:48:07.000Z`
    pub fn to_rfc3339(self) -> String {
        DateTime::from_timestamp_millis(self.0)
            .unwrap_or_default()
            .to_rfc3339_opts(SecondsFormat::Millis, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_applied() {
        let local = Timestamp::parse_rfc3339("2026-11-22T06:48:05-05:00");
        assert_eq!(local, Timestamp::parse_rfc3339("2026-11-22T11:48:05Z"));
        assert_eq!(local.map(Timestamp::to_rfc3339).as_deref(), Some("2026-11-22T11:48:05.000Z"));
    }

    #[test]
    fn a_time_without_a_zone_is_not_rfc_3339() {
        assert_eq!(Timestamp::parse_rfc3339("2026-11-22T11:48:05"), None);
        assert_eq!(
            Timestamp::parse_utc_without_zone("2026-11-22T11:48:05"),
            Timestamp::parse_rfc3339("2026-11-22T11:48:05Z")
        );
    }

    #[test]
    fn periods_before_the_epoch_have_negative_numbers() {
        assert_eq!(Timestamp::from_millis(-1).period(DAY), -1);
        assert_eq!(Timestamp::from_millis(DAY).period(DAY), 1);
    }
}
