//! Parked events: authentic deliveries of a sender that never retries, kept until they can be
//! applied (DESIGN §5).

use serde::{Deserialize, Serialize};

use super::time::{HOUR, MINUTE, SECOND};

/// Bytes of bodies that one key may have parked. Beyond that it answers 503; nothing is dropped.
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
    /// What it changes has not arrived yet.
    ParentUnknown,
    /// It came from another shop address than the first one.
    SourceChanged,
    /// It only names what changed: that has to be fetched from the sender.
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

    /// The reason and what is known beyond it, for people.
    pub fn with(self, detail: Option<&str>) -> String {
        match detail {
            Some(detail) => format!("{}: {detail}", self.as_str()),
            None => self.as_str().to_owned(),
        }
    }

    /// When it is retried without anybody's doing.
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

/// How many events a key has parked, each kind counted up to [`ParkedCount::COUNTED`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ParkedCount {
    /// Those whose orders are missing until something is done or arrives.
    pub attention: u32,
    /// Those that only name what changed: they await details, and nobody has to do anything.
    #[serde(rename = "kept")]
    pub awaiting_details: u32,
}

impl ParkedCount {
    /// As many stand for that many or more.
    pub const COUNTED: u32 = 1_000;
}

/// What sets off a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The KeyGate's alarm, after [`backoff`].
    Alarm,
    /// The key is resumed.
    OnResume,
    /// The order or client that it changes arrives.
    OnParent,
    /// An operator.
    ByHand,
}

/// Milliseconds until the next automatic attempt after `attempts` of them: 2 s, doubling, at most
/// an hour.
pub fn backoff(attempts: u32) -> i64 {
    (2 * SECOND).saturating_mul(1 << attempts.min(20)).min(HOUR)
}

/// Milliseconds until a retry when live traffic has left no budget.
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
