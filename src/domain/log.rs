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
    /// It did something, or read what it asked for.
    Accepted,
    /// The first answer of the same Idempotency-Key was given again.
    Replayed,
    /// What it carries is known already; nothing was done.
    Duplicate,
    /// A native event older than what is stored; nothing was done.
    Stale,
    /// An authentic event without effect: an unsupported topic, a draft, an error body.
    Ignored,
    /// A native event kept with its body, to be applied later.
    Parked,
    /// A setup ping of a native sender.
    Ping,
    /// It was checked and answered as if it had been done; nothing was.
    DryRun,
    /// Turned down for what it is: the caller's to mend.
    Rejected,
    /// Turned down before it was looked at: authentication, signature or rate.
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

    /// Whether it says nothing of who sent it, so that its entries are capped.
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

/// Refusals and pings that are logged one by one, per key and minute; more become one row with a count.
pub const SINGLE_REFUSALS_PER_MINUTE: u32 = 30;

/// One row of a key's log. When the request came in is told by its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    pub row: SequenceId,
    /// Tells a retry of the same request by the Worker from another request.
    pub attempt: i64,
    /// What it took from the key's limit: 1, or 0 for what was refused.
    pub units: u32,
    /// How many requests this row stands for.
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

/// Most bytes that are kept of an answer.
pub const KEPT_ANSWER: usize = 64 << 10;

/// What is kept of an answer's body: all of it, or its beginning and a mark that says how much of
/// it there is.
pub fn kept_answer(body: &str) -> Cow<'_, str> {
    if body.len() <= KEPT_ANSWER {
        return Cow::Borrowed(body);
    }
    let kept = body.get(..body.floor_char_boundary(KEPT_ANSWER)).unwrap_or_default();
    Cow::Owned(format!("{kept}\n… [cut: {} of {} bytes are kept]", kept.len(), body.len()))
}

/// Requests within a span of time, and how many of them were answered 4xx or 5xx.
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

/// A span of time that is shown as a row of buckets.
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

    /// Milliseconds of the whole of it.
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

    /// The buckets up to the running one, empty, oldest first. They begin at whole hours or days of
    /// UTC, so the last is not full yet, and together they may be up to one bucket shorter than the
    /// window.
    pub fn buckets(self, now: Timestamp) -> Vec<Bucket> {
        let count = self.length() / self.step();
        let running = now.period(self.step());
        let starts = (running - count + 1..=running).map(|period| period * self.step());
        starts
            .map(|start| Bucket { start: Timestamp::from_millis(start), tally: Tally::default() })
            .collect()
    }
}

/// The requests of one stretch of a [`Window`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    pub start: Timestamp,
    pub tally: Tally,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_kept_whole_up_to_its_cap_and_cut_with_a_mark_beyond() {
        let whole = "x".repeat(KEPT_ANSWER);
        assert_eq!(kept_answer(&whole), whole);
        // A character of two bytes across the cap goes as a whole.
        let longer = format!("{}é{}", "x".repeat(KEPT_ANSWER - 1), "y".repeat(9));
        let cut = kept_answer(&longer);
        let (kept, mark) = cut.split_once('\n').unwrap();
        assert_eq!(kept, "x".repeat(KEPT_ANSWER - 1));
        assert_eq!(mark, "… [cut: 65535 of 65546 bytes are kept]");
    }

    #[test]
    fn the_buckets_of_a_window_end_with_the_running_one() {
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
