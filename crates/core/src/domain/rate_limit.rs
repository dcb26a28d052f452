//! The exact sliding rate limit: in any 60 seconds at most N requests of a key are admitted.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::time::{MINUTE, SECOND, Timestamp};

/// The window over which requests are counted, in milliseconds.
pub const WINDOW: i64 = MINUTE;

/// The number of requests a minute that a key may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RateLimit(u32);

impl RateLimit {
    /// The highest value that may be entered. Values above [`RateLimit::MAX`] are stored as that.
    pub const MAX_ENTERED: u32 = 10_000;
    pub const MAX: u32 = 6_000;
    pub const DEFAULT: Self = Self(120);

    /// `None` unless it is between 1 and 10,000; over 6,000 becomes 6,000.
    pub fn entered(per_minute: i64) -> Option<Self> {
        let per_minute = u32::try_from(per_minute).ok()?;
        (1..=Self::MAX_ENTERED).contains(&per_minute).then(|| Self(per_minute.min(Self::MAX)))
    }

    pub const fn per_minute(self) -> u32 {
        self.0
    }
}

/// The times of the requests that were admitted within the window.
#[derive(Clone, Debug)]
pub struct SlidingWindow {
    limit: RateLimit,
    admitted: VecDeque<Timestamp>,
}

/// The remaining budget of a key, for the `RateLimit` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    pub limit: RateLimit,
    pub remaining: u32,
    /// Seconds, rounded up, until the oldest counted request leaves the window; 0 if no request is
    /// counted.
    pub reset: u32,
}

impl SlidingWindow {
    /// A window with the admissions at `times`, given in any order. Rebuilds the window from the
    /// log after an eviction.
    pub fn rebuilt(limit: RateLimit, times: impl IntoIterator<Item = Timestamp>) -> Self {
        let mut admitted: Vec<_> = times.into_iter().collect();
        admitted.sort_unstable();
        Self { limit, admitted: admitted.into() }
    }

    /// Admits one request at `now` and returns the quota after it. A clock that steps back counts
    /// as standing still.
    ///
    /// # Errors
    /// The used-up quota, if the limit has been reached.
    pub fn admit(&mut self, now: Timestamp) -> Result<Quota, Quota> {
        let now = self.admitted.back().map_or(now, |last| now.max(*last));
        let quota = self.quota(now);
        if quota.remaining == 0 {
            return Err(quota);
        }
        self.admitted.push_back(now);
        Ok(self.quota(now))
    }

    /// The quota at `now`.
    pub fn quota(&mut self, now: Timestamp) -> Quota {
        while self.admitted.front().is_some_and(|oldest| now.since(*oldest) >= WINDOW) {
            self.admitted.pop_front();
        }
        let used = u32::try_from(self.admitted.len()).unwrap_or(u32::MAX);
        let reset = self.admitted.front().map_or(0, |oldest| WINDOW - now.since(*oldest));
        Quota {
            limit: self.limit,
            remaining: self.limit.0.saturating_sub(used),
            reset: u32::try_from((reset + SECOND - 1) / SECOND).unwrap_or(0),
        }
    }
}

impl Quota {
    /// `RateLimit-Policy` of the IETF httpapi draft.
    pub fn policy_header(&self) -> String {
        format!("\"key\";q={};w=60", self.limit.0)
    }

    /// `RateLimit` of the IETF httpapi draft.
    pub fn header(&self) -> String {
        format!("\"key\";r={};t={}", self.remaining, self.reset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_795_000_000_000 + millis)
    }

    fn window(limit: i64) -> SlidingWindow {
        SlidingWindow::rebuilt(RateLimit::entered(limit).unwrap(), [])
    }

    #[test]
    fn an_entered_limit_is_between_1_and_10000_and_capped_at_6000() {
        assert_eq!(RateLimit::entered(0), None);
        assert_eq!(RateLimit::entered(-1), None);
        assert_eq!(RateLimit::entered(10_001), None);
        assert_eq!(RateLimit::entered(10_000).map(RateLimit::per_minute), Some(6_000));
        assert_eq!(RateLimit::entered(1).map(RateLimit::per_minute), Some(1));
    }

    #[test]
    fn a_unit_is_free_again_exactly_one_minute_after_it_was_taken() {
        let mut window = window(1);
        assert!(window.admit(at(0)).is_ok());
        assert_eq!(window.admit(at(59_999)).unwrap_err().reset, 1);
        assert!(window.admit(at(60_000)).is_ok());
    }

    #[test]
    fn a_clock_that_steps_back_frees_no_units() {
        let mut window = window(1);
        assert!(window.admit(at(50_000)).is_ok());
        assert!(window.admit(at(0)).is_err());
        assert!(window.admit(at(109_999)).is_err());
        assert!(window.admit(at(110_000)).is_ok());
    }

    #[test]
    fn the_headers_are_those_of_the_draft() {
        let mut window = window(120);
        let quota = window.admit(at(0)).unwrap();
        assert_eq!(quota.policy_header(), "\"key\";q=120;w=60");
        assert_eq!(quota.header(), "\"key\";r=119;t=60");
    }

    proptest! {
        #[test]
        fn no_60_seconds_admit_more_than_the_limit(limit in 1..20_i64, steps in prop::collection::vec(0..20_000_i64, 1..200), rebuild_at in 0..200_usize) {
            let mut window = window(limit);
            let mut now = 0;
            let mut admitted = Vec::new();
            let mut refused = Vec::new();
            for (turn, step) in steps.into_iter().enumerate() {
                now += step;
                if turn == rebuild_at {
                    window = SlidingWindow::rebuilt(RateLimit::entered(limit).unwrap(), admitted.iter().rev().map(|time| at(*time)));
                }
                match window.admit(at(now)) {
                    Ok(_) => admitted.push(now),
                    Err(_) => refused.push(now),
                }
            }
            let within = |end: i64| admitted.iter().filter(|time| (end - WINDOW + 1..=end).contains(*time)).count() as i64;
            prop_assert!(admitted.iter().all(|time| within(*time) <= limit));
            prop_assert!(refused.iter().all(|time| within(*time) == limit), "and nothing is refused below it");
        }
    }
}
