//! The request log of a key: every request ends in exactly one outcome and one entry.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::credential::GateName;
use super::id::{RequestId, SequenceId};
use super::parked::ParkReason;
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
    pub about: About<SequenceId>,
    /// What else there is to say, for people.
    pub detail: Option<String>,
}

/// What an entry is about besides its own request, which [`About::text`] puts before its detail.
/// The log has rows of requests as `I`, the messages have request ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About<I> {
    /// For a command of a batch: the batch and the command's line.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub batch: Option<BatchLine<I>>,
    /// For the gateway's own retry: the request that delivered the event.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<I>,
    /// For a parked event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub park_reason: Option<ParkReason>,
}

const fn none<T>() -> Option<T> {
    None
}

/// A line of a batch, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchLine<I> {
    pub of: I,
    pub line: u32,
}

impl fmt::Display for BatchLine<RequestId> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line {} of {}", self.line, self.of)
    }
}

impl<I> About<I> {
    /// An entry that is about its own request only.
    pub const NOTHING: Self = Self { batch: None, retry_of: None, park_reason: None };

    pub const fn is_nothing(&self) -> bool {
        matches!(self, Self { batch: None, retry_of: None, park_reason: None })
    }
}

impl<I> Default for About<I> {
    fn default() -> Self {
        Self::NOTHING
    }
}

impl About<SequenceId> {
    /// With the request ids of the key `gate`.
    pub fn of_gate(self, gate: GateName) -> About<RequestId> {
        let Self { batch, retry_of, park_reason } = self;
        About {
            batch: batch
                .map(|BatchLine { of, line }| BatchLine { of: RequestId::new(gate, of), line }),
            retry_of: retry_of.map(|row| RequestId::new(gate, row)),
            park_reason,
        }
    }
}

impl About<RequestId> {
    /// The text that people read: what the entry is about, then its detail.
    pub fn text(&self, detail: Option<String>) -> Option<String> {
        let subject = match self {
            Self { batch: Some(batch), .. } => Some(format!("{batch}.")),
            Self { retry_of: Some(id), .. } => Some(format!("Retry of {id}.")),
            _ => None,
        };
        let detail = match self.park_reason {
            Some(reason) => Some(reason.with(detail.as_deref())),
            None => detail,
        };
        match (subject, detail) {
            (Some(subject), Some(detail)) => Some(format!("{subject} {detail}")),
            (subject, detail) => subject.or(detail),
        }
    }

    /// Reads the text of an entry that was written before these fields had columns. It may be
    /// deleted when no log has such entries any more; a log drops its oldest days by size, not by
    /// age, so a key with little traffic has them for long. Without it, they are shown as plain
    /// text and explained by their outcome alone.
    pub fn from_old_text(outcome: Outcome, text: &str) -> Self {
        let mut about = Self::NOTHING;
        let mut rest = text;
        if let Some((line, of, _)) = numbered(text) {
            about.batch = Some(BatchLine { of, line });
        } else if let Some((id, detail)) =
            text.strip_prefix("Retry of ").and_then(|retry| retry.split_once('.'))
        {
            about.retry_of = RequestId::parse(id);
            rest = detail;
        }
        if outcome == Outcome::Parked {
            about.park_reason =
                rest.split(':').next().and_then(|name| ParkReason::parse(name.trim()));
        }
        about
    }
}

/// Splits `Line 3 of req_…. More.` into the line, the batch and the rest.
fn numbered(text: &str) -> Option<(u32, RequestId, &str)> {
    let (line, rest) = text.strip_prefix("Line ")?.split_once(" of ")?;
    let (id, rest) = rest.split_once('.')?;
    Some((line.parse().ok()?, RequestId::parse(id)?, rest))
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
    fn what_an_entry_is_about_stands_before_its_detail_and_is_read_from_old_entries() {
        let gate = GateName::from_bytes([1; 12]);
        let id = RequestId::new(gate, SequenceId::at(Timestamp::from_millis(1_795_000_000_000)));
        let batch = About { batch: Some(BatchLine { of: id, line: 3 }), ..About::NOTHING };
        let retry = About { retry_of: Some(id), ..About::NOTHING };
        let parked = About { park_reason: Some(ParkReason::ParentUnknown), ..About::NOTHING };
        let late = About { park_reason: parked.park_reason, ..retry };
        let waits = "order 15 has not arrived yet";
        for (about, detail, outcome, text) in [
            (batch, None, Outcome::Accepted, format!("Line 3 of {id}.")),
            (batch, Some("It is so."), Outcome::Rejected, format!("Line 3 of {id}. It is so.")),
            (retry, None, Outcome::Accepted, format!("Retry of {id}.")),
            (late, Some(waits), Outcome::Parked, format!("Retry of {id}. parent_unknown: {waits}")),
            (late, None, Outcome::Parked, format!("Retry of {id}. parent_unknown")),
            (parked, Some(waits), Outcome::Parked, format!("parent_unknown: {waits}")),
            (About::NOTHING, Some("Other."), Outcome::Rejected, "Other.".to_owned()),
        ] {
            assert_eq!(about.text(detail.map(str::to_owned)).as_ref(), Some(&text));
            assert_eq!(About::from_old_text(outcome, &text), about, "{text}");
        }
        assert_eq!(About::NOTHING.text(None), None);
        for text in ["Line x of req_a.", "Line 3 of é", "Retry of nothing", "other: x", ""] {
            assert_eq!(About::from_old_text(Outcome::Parked, text), About::NOTHING, "{text}");
        }
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
