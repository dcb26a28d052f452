//! The request log of a key: every request ends in exactly one outcome and one entry.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::id::SequenceId;
use super::rejection::Code;
use super::time::{DAY, HOUR, Timestamp};

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The request took effect, or read what it asked for.
    Accepted,
    /// The first response under the same Idempotency-Key was returned again.
    Replayed,
    /// Its content is stored already; nothing was written.
    Duplicate,
    /// A native event older than the stored version; nothing was written.
    Stale,
    /// An authentic event without effect: an unsupported topic, a draft, an error body.
    Ignored,
    /// A native event that was stored with its body, to be applied later.
    Parked,
    /// A setup ping of a native sender.
    Ping,
    /// The request was checked and answered as if it had taken effect; nothing was written.
    DryRun,
    /// Turned down for its content, which the caller has to correct.
    Rejected,
    /// Turned down before its content was read: authentication, signature or rate.
    Refused,
    /// Our side failed.
    Failed,
}

impl Outcome {
    pub const ALL: [Self; 11] = [
        Self::Accepted,
        Self::Replayed,
        Self::Duplicate,
        Self::Stale,
        Self::Ignored,
        Self::Parked,
        Self::Ping,
        Self::DryRun,
        Self::Rejected,
        Self::Refused,
        Self::Failed,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Replayed => "replayed",
            Self::Duplicate => "duplicate",
            Self::Stale => "stale",
            Self::Ignored => "ignored",
            Self::Parked => "parked",
            Self::Ping => "ping",
            Self::DryRun => "dry_run",
            Self::Rejected => "rejected",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }

    /// Whether anybody can cause such entries without proving who they are, so that the number of
    /// entries is capped.
    pub const fn is_capped(self) -> bool {
        matches!(self, Self::Refused | Self::Ping)
    }

    /// The outcome of a request that was answered with `code`.
    pub const fn of(code: Code) -> Self {
        match code.status() {
            500.. => Self::Failed,
            _ if code.is_refusal() => Self::Refused,
            _ => Self::Rejected,
        }
    }
}

/// The number of refusals and pings per key and minute that are logged one by one. Further ones
/// become one row with a count.
pub const SINGLE_REFUSALS_PER_MINUTE: u32 = 30;

/// One row of a key's log. The row's id contains the time when the request came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    pub row: SequenceId,
    /// The same for every attempt of the Worker to send one request, different for different
    /// requests.
    pub attempt: i64,
    /// Units taken from the key's rate limit: 1, or 0 for a refused request.
    pub units: u32,
    /// The number of requests that this row counts.
    pub count: u32,
    pub method: String,
    /// Without the query string.
    pub path: String,
    pub status: u16,
    pub latency_ms: i64,
    pub outcome: Outcome,
    /// The topic of a native event.
    pub topic: Option<String>,
    pub idempotency_key: Option<String>,
    pub external_id: Option<String>,
    pub internal_id: Option<String>,
    pub error_code: Option<Code>,
    pub detail: Option<String>,
}

/// The most bytes of a response body that are stored.
pub const MAX_STORED_RESPONSE: usize = 64 << 10;

/// The part of a response body that is stored: all of it, or its beginning and a mark that says how
/// long the whole body is.
pub fn stored_response(body: &str) -> Cow<'_, str> {
    if body.len() <= MAX_STORED_RESPONSE {
        return Cow::Borrowed(body);
    }
    let beginning = body.get(..body.floor_char_boundary(MAX_STORED_RESPONSE)).unwrap_or_default();
    Cow::Owned(format!(
        "{beginning}\n… [cut: {} of {} bytes are kept]",
        beginning.len(),
        body.len()
    ))
}

/// The number of requests within a time span, and how many of them were answered 4xx or 5xx.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    pub requests: u64,
    pub errors: u64,
}

impl Tally {
    pub fn add(&mut self, status: u16, count: u32) {
        self.requests += u64::from(count);
        if status >= 400 {
            self.errors += u64::from(count);
        }
    }

    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self { requests: self.requests + other.requests, errors: self.errors + other.errors }
    }
}

/// A time span that is shown as a series of buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// 24 hours, by the hour.
    H24,
    /// 7 days, by 6 hours.
    D7,
    /// 30 days, by the day.
    D30,
}

impl Window {
    pub const ALL: [Self; 3] = [Self::H24, Self::D7, Self::D30];

    /// Milliseconds of the whole window.
    pub const fn length(self) -> i64 {
        match self {
            Self::H24 => DAY,
            Self::D7 => 7 * DAY,
            Self::D30 => 30 * DAY,
        }
    }

    /// Milliseconds of one bucket.
    pub const fn step(self) -> i64 {
        match self {
            Self::H24 => HOUR,
            Self::D7 => 6 * HOUR,
            Self::D30 => DAY,
        }
    }

    /// Empty buckets up to the current one, oldest first. They begin at whole hours or days of UTC.
    /// So the last bucket is incomplete, and all buckets together may be up to one bucket shorter
    /// than the window.
    pub fn buckets(self, now: Timestamp) -> Vec<Bucket> {
        let count = self.length() / self.step();
        let current = now.period(self.step());
        let starts = (current - count + 1..=current).map(|period| period * self.step());
        starts
            .map(|start| Bucket { start: Timestamp::from_millis(start), tally: Tally::default() })
            .collect()
    }
}

/// The requests of one step of a [`Window`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    pub start: Timestamp,
    pub tally: Tally,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_stored_whole_up_to_the_cap_and_cut_with_a_mark_beyond_it() {
        let whole = "x".repeat(MAX_STORED_RESPONSE);
        assert_eq!(stored_response(&whole), whole);
        // A two-byte character that crosses the cap is left out as a whole.
        let longer = format!("{}é{}", "x".repeat(MAX_STORED_RESPONSE - 1), "y".repeat(9));
        let cut = stored_response(&longer);
        let (beginning, mark) = cut.split_once('\n').unwrap();
        assert_eq!(beginning, "x".repeat(MAX_STORED_RESPONSE - 1));
        assert_eq!(mark, "… [cut: 65535 of 65546 bytes are kept]");
    }

    #[test]
    fn the_buckets_of_a_window_end_with_the_current_one() {
        let now = Timestamp::parse_rfc3339("2026-11-22T17:48:05Z").unwrap();
        for (window, count, first, last) in [
            (Window::H24, 24, "2026-11-21T18:00:00.000Z", "2026-11-22T17:00:00.000Z"),
            (Window::D7, 28, "2026-11-15T18:00:00.000Z", "2026-11-22T12:00:00.000Z"),
            (Window::D30, 30, "2026-10-24T00:00:00.000Z", "2026-11-22T00:00:00.000Z"),
        ] {
            let buckets = window.buckets(now);
            assert_eq!(buckets.len(), count);
            assert_eq!(buckets.first().unwrap().start.to_rfc3339(), first);
            assert_eq!(buckets.last().unwrap().start.to_rfc3339(), last);
            assert!(
                buckets.windows(2).all(|two| two[1].start.since(two[0].start) == window.step())
            );
        }
    }

    #[test]
    fn every_code_has_its_outcome() {
        assert_eq!(Outcome::of(Code::RateLimited), Outcome::Refused);
        assert_eq!(Outcome::of(Code::SignatureInvalid), Outcome::Refused);
        assert_eq!(Outcome::of(Code::ValidationFailed), Outcome::Rejected);
        assert_eq!(Outcome::of(Code::InsufficientScope), Outcome::Rejected);
        assert_eq!(Outcome::of(Code::StoreUnavailable), Outcome::Failed);
        for outcome in Outcome::ALL {
            assert_eq!(Outcome::parse(outcome.as_str()), Some(outcome));
        }
    }
}
