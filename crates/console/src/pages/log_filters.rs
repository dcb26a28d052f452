//! The filters of a key's request log: parsed from the URL, and converted into the filter that is
//! sent to the KeyGate.

use crate::forms::Form;
use tidegate_core::domain::id::SequenceId;
use tidegate_core::domain::log::{Outcome, Window};
use tidegate_core::domain::rejection::Code;
use tidegate_core::domain::time::Timestamp;
use tidegate_core::protocol::key_gate::RequestFilter;

/// The number of requests on a full page.
pub const PAGE: u32 = 50;

/// The filters of the log, as text from the URL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogFilters {
    pub status: String,
    pub outcome: String,
    pub code: String,
    pub external_id: String,
    pub idempotency_key: String,
    pub from: String,
    pub to: String,
    pub window: String,
    pub cursor: String,
}

impl LogFilters {
    pub fn from_query(query: &Form) -> Self {
        let text = |name| query.get(name).trim().to_owned();
        Self {
            status: text("status"),
            outcome: text("outcome"),
            code: text("code"),
            external_id: text("external_id"),
            idempotency_key: text("idempotency_key"),
            from: text("from"),
            to: text("to"),
            window: text("window"),
            cursor: text("cursor"),
        }
    }

    /// The pairs of the query, with the given window and cursor in place of its own.
    pub fn pairs<'a>(&'a self, window: &'a str, cursor: &'a str) -> [(&'static str, &'a str); 9] {
        [
            ("status", &self.status),
            ("outcome", &self.outcome),
            ("code", &self.code),
            ("external_id", &self.external_id),
            ("idempotency_key", &self.idempotency_key),
            ("from", &self.from),
            ("to", &self.to),
            ("window", window),
            ("cursor", cursor),
        ]
    }

    /// Whether any filter other than window and cursor is set.
    pub fn is_set(&self) -> bool {
        self.pairs("", "").iter().any(|(_, value)| !value.is_empty())
    }

    /// The chosen window, if any. It limits the chart and the list.
    pub fn chosen_window(&self) -> Option<Window> {
        Window::ALL.into_iter().find(|window| window_name(*window) == self.window)
    }

    /// The filter for the KeyGate, and the names of the filters whose values could not be parsed.
    pub fn to_filter(&self, now: Timestamp) -> (RequestFilter, Vec<&'static str>) {
        let mut invalid = Vec::new();
        let mut check = |name: &'static str, given: &str, valid: bool| {
            if !given.is_empty() && !valid {
                invalid.push(name);
            }
        };
        let (status, class, errors) = match self.status.as_str() {
            "errors" => (None, None, true),
            "2xx" => (None, Some(2), false),
            "4xx" => (None, Some(4), false),
            "5xx" => (None, Some(5), false),
            exact => (exact.parse().ok().filter(|s| (100..=599).contains(s)), None, false),
        };
        check("status", &self.status, status.is_some() || class.is_some() || errors);
        let outcome = Outcome::parse(&self.outcome);
        check("outcome", &self.outcome, outcome.is_some());
        let code = Code::ALL.iter().copied().find(|code| code.as_str() == self.code);
        check("error code", &self.code, code.is_some());
        let (from, to) = (utc_time(&self.from), utc_time(&self.to));
        check("from", &self.from, from.is_some());
        check("to", &self.to, to.is_some());
        let before =
            self.cursor.parse().ok().and_then(SequenceId::from_i64).map(SequenceId::as_i64);
        check("page", &self.cursor, before.is_some());
        check("window", &self.window, self.chosen_window().is_some());
        let since = self.chosen_window().map(|window| now.plus(-window.length()));
        let text = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let filter = RequestFilter {
            limit: PAGE,
            before,
            from: from.max(since),
            to,
            status,
            status_class: class,
            errors,
            outcome,
            error_code: code,
            external_id: text(&self.external_id),
            idempotency_key: text(&self.idempotency_key),
        };
        (filter, invalid)
    }
}

/// Parses a time as a `datetime-local` field sends it, which is taken as UTC, or an RFC 3339 time.
fn utc_time(text: &str) -> Option<Timestamp> {
    let with_seconds = if text.len() == 16 { format!("{text}:00") } else { text.to_owned() };
    Timestamp::parse_rfc3339(text).or_else(|| Timestamp::parse_utc_without_zone(&with_seconds))
}

/// The name of a window in the URL.
pub const fn window_name(window: Window) -> &'static str {
    match window {
        Window::H24 => "24h",
        Window::D7 => "7d",
        Window::D30 => "30d",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);

    fn filters(query: &str) -> LogFilters {
        LogFilters::from_query(&Form::parse(query.as_bytes()))
    }

    #[test]
    fn filters_are_parsed_from_the_url() {
        let (filter, invalid) = filters(
            "status=errors&outcome=parked&code=rate_limited&external_id=A-1&from=2026-11-22T10:00&cursor=7",
        )
        .to_filter(NOW);
        assert!(invalid.is_empty(), "{invalid:?}");
        assert!(filter.errors);
        assert_eq!(filter.outcome, Some(Outcome::Parked));
        assert_eq!(filter.error_code, Some(Code::RateLimited));
        assert_eq!(filter.external_id.as_deref(), Some("A-1"));
        assert_eq!(filter.from, Timestamp::parse_rfc3339("2026-11-22T10:00:00Z"));
        assert_eq!(filter.before, Some(7));
        let (exact, _) = filters("status=422").to_filter(NOW);
        assert_eq!((exact.status, exact.errors), (Some(422), false));
    }

    #[test]
    fn invalid_values_are_reported_by_the_name_of_their_filter() {
        let (filter, invalid) =
            filters("status=many&outcome=x&code=y&from=z&to=z&cursor=-1&window=1y").to_filter(NOW);
        assert_eq!(filter, RequestFilter { limit: PAGE, ..RequestFilter::default() });
        assert_eq!(invalid.len(), 7, "{invalid:?}");
    }

    #[test]
    fn a_chosen_window_limits_the_list_too() {
        let (filter, _) = filters("window=7d").to_filter(NOW);
        assert_eq!(filter.from, Some(NOW.plus(-Window::D7.length())));
        assert_eq!(filters("").to_filter(NOW).0.from, None);
    }
}
