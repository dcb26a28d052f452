//! Parked events: authentic deliveries that could not be applied when they arrived. They are stored
//! until they can be, because their senders may never send them again.

use serde::{Deserialize, Serialize};

use super::time::{HOUR, MINUTE, SECOND};

/// The most bytes of bodies that one key may have parked. Beyond that, deliveries are answered 503;
/// no parked event is dropped to make room.
pub const RESERVE: i64 = 1 << 30;

/// Why an event was parked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParkReason {
    RateLimited,
    KeyPaused,
    InsufficientScope,
    StoreUnavailable,
    Unmappable,
    /// The order, payment or client that the event refers to has not arrived yet.
    ParentUnknown,
    /// The event came from another shop address than the key's first delivery.
    SourceChanged,
    /// The event only names the resource that changed; its details have to be fetched from the
    /// sender.
    AwaitingDetails,
}

impl ParkReason {
    pub const ALL: [Self; 8] = [
        Self::RateLimited,
        Self::KeyPaused,
        Self::InsufficientScope,
        Self::StoreUnavailable,
        Self::Unmappable,
        Self::ParentUnknown,
        Self::SourceChanged,
        Self::AwaitingDetails,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RateLimited => "rate_limited",
            Self::KeyPaused => "key_paused",
            Self::InsufficientScope => "insufficient_scope",
            Self::StoreUnavailable => "store_unavailable",
            Self::Unmappable => "unmappable",
            Self::ParentUnknown => "parent_unknown",
            Self::SourceChanged => "source_changed",
            Self::AwaitingDetails => "awaiting_details",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }

    /// The reason and its detail, if any, for people to read.
    pub fn with(self, detail: Option<&str>) -> String {
        match detail {
            Some(detail) => format!("{}: {detail}", self.as_str()),
            None => self.as_str().to_owned(),
        }
    }

    /// What triggers a retry of an event with this reason.
    pub const fn retry(self) -> Retry {
        match self {
            Self::RateLimited | Self::StoreUnavailable => Retry::Alarm,
            Self::KeyPaused => Retry::OnResume,
            Self::ParentUnknown => Retry::OnParent,
            Self::InsufficientScope
            | Self::Unmappable
            | Self::SourceChanged
            | Self::AwaitingDetails => Retry::ByHand,
        }
    }
}

/// The number of parked events of a key; each count is capped at [`ParkedCount::COUNTED`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ParkedCount {
    /// Events parked for any other reason. What they report is missing in the store until something
    /// is done or arrives.
    pub attention: u32,
    /// Events that only name the resource that changed. They wait for its details; nobody has to
    /// act.
    #[serde(rename = "kept")]
    pub awaiting_details: u32,
}

impl ParkedCount {
    /// The cap of each count: this value means this many or more.
    pub const COUNTED: u32 = 1_000;
}

/// What triggers a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The KeyGate's alarm, after [`backoff`].
    Alarm,
    /// The key is resumed.
    OnResume,
    /// The order, payment or client that the event refers to arrives.
    OnParent,
    /// An operator retries the event.
    ByHand,
}

/// Milliseconds until the next automatic attempt, after `attempts` earlier ones: 2 s, doubling, at
/// most an hour.
pub fn backoff(attempts: u32) -> i64 {
    (2 * SECOND).saturating_mul(1 << attempts.min(20)).min(HOUR)
}

/// Milliseconds until the next retry when live traffic has used up the rate limit.
pub const NO_BUDGET_DELAY: i64 = MINUTE / 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_up_to_an_hour() {
        assert_eq!(backoff(0), 2_000);
        assert_eq!(backoff(3), 16_000);
        assert_eq!(backoff(11), HOUR);
        assert_eq!(backoff(u32::MAX), HOUR);
    }
}
