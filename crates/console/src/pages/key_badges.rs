//! What the list of keys and the drawer of a key both show: the badges of its status, and the count
//! of its parked events.

use maud::{Markup, html};

use crate::components::{Status, status_badge};
use tidegate_core::domain::expiry::{days_left, notice};
use tidegate_core::domain::key::{KeyRecord, ShownStatus};
use tidegate_core::domain::parked::ParkedCount;
use tidegate_core::domain::time::Timestamp;

/// The badges of a key: its status, whether it awaits its secret, whether it expires soon.
pub fn status(key: &KeyRecord, now: Timestamp) -> Markup {
    let shown_status = key.shown_status(now);
    let days_to_expiry = key
        .expires_at
        .filter(|at| shown_status == ShownStatus::Active && notice(*at, now).is_some())
        .map(|at| days_left(at, now));
    html! {
        span.badges {
            (status_badge(status_kind(shown_status), status_label(shown_status)))
            @if key.awaits_secret() { (status_badge(Status::Warn, "Awaiting secret")) }
            @if let Some(days) = days_to_expiry {
                (status_badge(Status::Warn, &if days == 1 { "1 day left".to_owned() } else { format!("{days} days left") }))
            }
        }
    }
}

const fn status_kind(status: ShownStatus) -> Status {
    match status {
        ShownStatus::Active => Status::Good,
        ShownStatus::Paused | ShownStatus::Expired | ShownStatus::Revoked => Status::Bad,
    }
}

pub const fn status_label(status: ShownStatus) -> &'static str {
    match status {
        ShownStatus::Active => "Active",
        ShownStatus::Paused => "Paused",
        ShownStatus::Expired => "Expired",
        ShownStatus::Revoked => "Revoked",
    }
}

/// A count of parked events. Counting stops at [`ParkedCount::COUNTED`], so from there on it is
/// `1,000+`.
pub fn capped_count(count: u32) -> String {
    if count >= ParkedCount::COUNTED { "1,000+".to_owned() } else { count.to_string() }
}
