//! Points in time: written in UTC by the server, and in the reader's zone by the script.

use chrono::DateTime;
use maud::{Markup, html};

use crate::domain::time::{DAY, HOUR, MINUTE, SECOND, Timestamp};

/// How a time is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeStyle {
    /// `22 Nov 2026, 11:48:07`
    Full,
    /// `22 Nov, 11:48:07`: where the year goes without saying, as in a log.
    Short,
    /// `22 Nov 2026`
    Date,
    /// `3 min ago`, `in 13 days`, seen from this time.
    Relative(Timestamp),
}

/// A time; the machine-readable form and the tooltip hold all of it. ` UTC` shows only where no
/// script will put the reader's own time in its place, so that nothing moves when one does.
pub fn time(at: Timestamp, style: TimeStyle) -> Markup {
    let (local, text) = match style {
        TimeStyle::Full => (Some("full"), written(at, "%-d %b %Y, %H:%M:%S")),
        TimeStyle::Short => (Some("short"), written(at, "%-d %b, %H:%M:%S")),
        TimeStyle::Date => (Some("date"), written(at, "%-d %b %Y")),
        TimeStyle::Relative(now) => (None, relative(at, now)),
    };
    html! {
        time datetime=(at.to_rfc3339()) data-local=[local] data-relative[local.is_none()]
            title=(written(at, "%-d %b %Y, %H:%M:%S UTC"))
        { (text) @if local.is_some() { span.utc { " UTC" } } }
    }
}

/// What stands where there is no time: `Never`, `None`.
pub fn no_time(text: &str) -> Markup {
    html! { span.muted { (text) } }
}

fn written(at: Timestamp, format: &str) -> String {
    DateTime::from_timestamp_millis(at.millis()).unwrap_or_default().format(format).to_string()
}

/// The same words as the script's `relative`.
fn relative(at: Timestamp, now: Timestamp) -> String {
    let distance = now.since(at);
    let size = distance.saturating_abs();
    if size < 10 * SECOND {
        return "just now".to_owned();
    }
    let amount = match size {
        _ if size < MINUTE => format!("{} s", size / SECOND),
        _ if size < HOUR => format!("{} min", size / MINUTE),
        _ if size < DAY => format!("{} h", size / HOUR),
        _ if size < 2 * DAY => "1 day".to_owned(),
        _ => format!("{} days", size / DAY),
    };
    if distance < 0 { format!("in {amount}") } else { format!("{amount} ago") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_795_348_087);

    #[test]
    fn an_absolute_time_is_utc_until_it_is_localised() {
        let markup = time(NOW, TimeStyle::Full).into_string();
        assert_eq!(
            markup,
            "<time datetime=\"2026-11-22T11:48:07.000Z\" data-local=\"full\" \
             title=\"22 Nov 2026, 11:48:07 UTC\">22 Nov 2026, 11:48:07<span class=\"utc\"> UTC</span></time>"
        );
    }

    #[test]
    fn distances_are_rounded_down_to_their_unit() {
        for (seconds, expected) in [
            (0, "just now"),
            (-59, "59 s ago"),
            (-60, "1 min ago"),
            (-3_599, "59 min ago"),
            (-86_399, "23 h ago"),
            (-86_400, "1 day ago"),
            (13 * 86_400 + 5, "in 13 days"),
        ] {
            assert_eq!(relative(NOW.plus(seconds * SECOND), NOW), expected);
        }
    }
}
