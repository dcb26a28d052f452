//! Idempotency keys: one effect and one response, however often a request is sent.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::encoding;

use super::time::{DAY, Timestamp};

/// How long a response is stored, in milliseconds.
pub const RETENTION: i64 = 30 * DAY;

/// One week in milliseconds. Responses are stored in one table per week, so that expired ones are
/// removed by dropping a table.
pub const WEEK: i64 = 7 * DAY;

/// The value of an `Idempotency-Key` header: 1–255 visible ASCII characters, bare or as a quoted
/// string (IETF httpapi draft). Bare and quoted spellings are the same key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    pub const MAX: usize = 255;

    pub fn parse(header: &str) -> Option<Self> {
        let key = match header.strip_prefix('"') {
            Some(rest) => rest.strip_suffix('"').filter(|key| !key.contains(['"', '\\']))?,
            None => header,
        };
        let valid =
            (1..=Self::MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        valid.then(|| Self(key.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The content of a request as one hash: SHA-256 of method, path, query and body, in lower-case
/// hex. Requests with equal fingerprints are the same request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    pub fn of(method: &str, path: &str, query: &str, body: &[u8]) -> Self {
        let mut hash = Sha256::new();
        for part in [method.as_bytes(), path.as_bytes(), query.as_bytes(), body] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(encoding::hex(hash.finalize()))
    }

    pub const fn from_text(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The weeks whose tables may contain a response that has not expired at `now`, oldest first.
pub fn live_weeks(now: Timestamp) -> std::ops::RangeInclusive<i64> {
    now.plus(-RETENTION).period(WEEK)..=now.period(WEEK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_and_quoted_are_the_same_key() {
        assert_eq!(IdempotencyKey::parse("abc-1"), IdempotencyKey::parse("\"abc-1\""));
    }

    #[test]
    fn malformed_idempotency_keys_are_refused() {
        let long = "a".repeat(256);
        for header in ["", "\"\"", "\"a", "a b", "a, b", "é", "\u{7f}", "\"a\"b\"", &long] {
            assert!(IdempotencyKey::parse(header).is_none(), "{header:?}");
        }
        assert!(IdempotencyKey::parse(&"a".repeat(255)).is_some());
    }

    #[test]
    fn the_same_bytes_split_into_other_parts_have_another_fingerprint() {
        assert_ne!(
            Fingerprint::of("POST", "/a", "b", b""),
            Fingerprint::of("POST", "/ab", "", b"")
        );
    }

    #[test]
    fn a_response_is_stored_for_30_days() {
        let now = Timestamp::from_millis(1_795_000_000_000);
        let weeks = live_weeks(now);
        assert!(weeks.contains(&now.plus(-RETENTION).period(WEEK)));
        assert!(!weeks.contains(&(now.plus(-RETENTION).period(WEEK) - 1)));
        assert!(weeks.count() <= 6);
    }
}
