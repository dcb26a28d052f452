//! Points in time. The server renders them in UTC, and the script converts them to the reader's
//! zone.

use chrono::DateTime;
use maud::{Markup, html};

use tidegate_core::domain::time::{DAY, HOUR, MINUTE, SECOND, Timestamp};

/// How a time is formatted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeStyle {
    /// `22 Nov 2026, 11:48:07`
    Full,
    /// `22 Nov, 11:48:07`, where the year is clear, as in a log.
    Short,
    /// `22 Nov 2026`
    Date,
    /// `3 min ago`, `in 13 days`, relative to the given time.
    Relative(Timestamp),
}

/// A time. Its machine-readable form and its tooltip are always complete. ` UTC` is visible only
/// without JavaScript, so that nothing moves when the script replaces the text by the local time.
pub fn time(at: Timestamp, style: TimeStyle) -> Markup {
    let (local, text) = match style {
        TimeStyle::Full => (Some("full"), format_utc(at, "%-d %b %Y, %H:%M:%S")),
        TimeStyle::Short => (Some("short"), format_utc(at, "%-d %b, %H:%M:%S")),
        TimeStyle::Date => (Some("date"), format_utc(at, "%-d %b %Y")),
        TimeStyle::Relative(now) => (None, relative(at, now)),
    };
    html! {
        time datetime=(at.to_rfc3339()) data-local=[local] data-relative[local.is_none()]
            title=(format_utc(at, "%-d %b %Y, %H:%M:%S UTC"))
        { (text) @if local.is_some() { span.utc { " UTC" } } }
    }
}

/// The text in place of a missing time: `Never`, `None`.
pub fn no_time(text: &str) -> Markup {
    html! { span.muted { (text) } }
}

fn format_utc(at: Timestamp, format: &str) -> String {
    DateTime::from_timestamp_millis(at.millis()).unwrap_or_default().format(format).to_string()
}

/// Uses the same words as `relative` in `assets/script/page.js`.
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
    fn relative_times_are_rounded_down_to_their_unit() {
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
