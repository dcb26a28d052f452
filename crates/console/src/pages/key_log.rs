//! The request log of a key: its chart, its filters, its rows.

use maud::{Markup, html};
use serde_json::Value;

use crate::components::{
    Attributes, BarChart, Bucket as Bar, Button, Column, Field, Kind, Live, Status, Tab, TimeStyle,
    bar_chart, cell, empty_state, filter_bar, head_cell, inline_note, live_tail, mono, muted,
    pagination, segmented, status_badge, table, time,
};
use crate::icons::Icon;
use crate::links;
use crate::pages::log_filters::{LogFilters, PAGE, window_name};
use tidegate_core::api::procedures::requests::RequestOut;
use tidegate_core::domain::id::SequenceId;
use tidegate_core::domain::log::{BatchLine, Bucket, Outcome, Tally, Window};
use tidegate_core::domain::rejection::Code;
use tidegate_core::domain::time::Timestamp;
use tidegate_core::protocol::key_gate::LoggedRequest;

/// The view model of the log in the drawer.
#[derive(Debug)]
pub struct KeyLog<'a> {
    pub key_id: &'a str,
    /// Says where to send requests; shown while the log is empty.
    pub hint: &'a str,
    pub requests: &'a [LoggedRequest],
    /// The row before which the next page continues; `None` on the last page.
    pub next: Option<SequenceId>,
    pub filters: &'a LogFilters,
    /// Names of the filters whose values could not be parsed.
    pub invalid: &'a [&'static str],
    pub window: Window,
    pub buckets: &'a [Bucket],
    pub total: Tally,
}

pub fn key_log(page: &KeyLog<'_>) -> Markup {
    let base = links::key(page.key_id);
    let layer = Attributes::new()
        .set("hx-target", "#layer")
        .set("hx-swap", "innerHTML")
        .set("hx-push-url", "true")
        .set("hx-boost", "true");
    let nothing_yet = page.requests.is_empty()
        && !page.filters.is_set()
        && page.filters.cursor.is_empty()
        && page.filters.chosen_window().is_none();
    html! {
        (chart(page, &base, &layer))
        @if !page.invalid.is_empty() {
            (inline_note(Kind::Warn, html! { "Not understood and left out: " (page.invalid.join(", ")) "." }))
        }
        (filters(page, &base, &layer))
        div.log-bar {
            @if page.filters.cursor.is_empty() { (live_tail(&tail_url(page), Live::Connect)) }
            span.spacer {}
            (export_link(page, "csv", "CSV"))
            (export_link(page, "ndjson", "NDJSON"))
        }
        (rows(page, nothing_yet))
        (pages(page, &base, &layer))
    }
}

fn tail_url(page: &KeyLog<'_>) -> String {
    links::with_query(&links::tail(page.key_id), &page.filters.pairs("", ""))
}

fn export_link(page: &KeyLog<'_>, format: &str, label: &str) -> Markup {
    let href = links::with_query(
        &links::export(page.key_id, format),
        &page.filters.pairs(&page.filters.window, ""),
    );
    html! { (Button::ghost(label).small().icon(Icon::Download).href(&href).attr("download", "")) }
}

fn chart(page: &KeyLog<'_>, base: &str, layer: &Attributes) -> Markup {
    let urls = Window::ALL
        .map(|window| links::with_query(base, &page.filters.pairs(window_name(window), "")));
    let tabs: Vec<_> = Window::ALL
        .iter()
        .zip(&urls)
        .map(|(window, href)| Tab {
            label: window_name(*window),
            href,
            current: *window == page.window,
        })
        .collect();
    let title = match page.window {
        Window::H24 => "Requests in the last 24 hours",
        Window::D7 => "Requests in the last 7 days",
        Window::D30 => "Requests in the last 30 days",
    };
    let labels: Vec<_> =
        page.buckets.iter().map(|bucket| bar_labels(bucket.start, page.window)).collect();
    let last = labels.len().saturating_sub(1);
    let bars: Vec<_> = page
        .buckets
        .iter()
        .zip(&labels)
        .enumerate()
        .map(|(index, (bucket, (label, tick)))| Bar {
            label,
            // Ticks at the first, middle and last bar are enough to read the axis.
            tick: if [0, last / 2, last].contains(&index) { tick } else { "" },
            requests: bucket.tally.requests,
            errors: bucket.tally.errors,
        })
        .collect();
    html! {
        div.chart-head {
            p { strong { (page.total.requests) } " requests"
                @if page.total.errors > 0 {
                    ", " span.errors { (page.total.errors) (plural(page.total.errors, " error")) }
                }
            }
            (segmented("Window", &tabs, layer))
        }
        (bar_chart(&BarChart { id: "requests-chart", title, buckets: &bars }))
    }
}

fn bar_labels(start: Timestamp, window: Window) -> (String, String) {
    let text = start.to_rfc3339();
    let (day, hour) = (text.get(5..10).unwrap_or_default(), text.get(11..16).unwrap_or_default());
    match window {
        Window::H24 => (format!("{day} {hour} UTC"), hour.to_owned()),
        Window::D7 => (format!("{day} {hour} UTC"), day.to_owned()),
        Window::D30 => (day.to_owned(), day.to_owned()),
    }
}

fn plural(count: u64, noun: &str) -> String {
    if count == 1 { noun.to_owned() } else { format!("{noun}s") }
}

fn filters(page: &KeyLog<'_>, base: &str, layer: &Attributes) -> Markup {
    let chosen = page.filters;
    let statuses = [
        ("", "Any status"),
        ("2xx", "2xx"),
        ("errors", "4xx and 5xx"),
        ("4xx", "4xx"),
        ("5xx", "5xx"),
    ];
    let outcomes: Vec<_> = [("", "Any outcome")]
        .into_iter()
        .chain(Outcome::ALL.into_iter().map(|outcome| (outcome.as_str(), outcome.as_str())))
        .collect();
    let codes: Vec<_> = [("", "Any error code")]
        .into_iter()
        .chain(Code::ALL.iter().map(|code| (code.as_str(), code.as_str())))
        .collect();
    // The page behind the drawer has filters with the same names, so the ids get a prefix.
    let labelled = |name, label| Field::new(name, label).id(&format!("log-{name}"));
    let field = |name, label| labelled(name, label).label_hidden();
    let clear = links::with_query(base, &[("window", &chosen.window)]);
    let more = [&chosen.code, &chosen.from, &chosen.to].iter().any(|value| !value.is_empty());
    filter_bar(
        "Filter requests",
        base,
        layer,
        html! {
            @if !chosen.window.is_empty() { input type="hidden" name="window" value=(chosen.window); }
            (field("external_id", "External id").attr("placeholder", "External id").search(&chosen.external_id))
            (field("idempotency_key", "Idempotency key").attr("placeholder", "Idempotency key").search(&chosen.idempotency_key))
            (field("status", "Status").select(&statuses, &chosen.status))
            (field("outcome", "Outcome").select(&outcomes, &chosen.outcome))
            details.more-filters open[more] {
                summary { "More" }
                div.field-row {
                    (labelled("code", "Error code").select(&codes, &chosen.code))
                    (labelled("from", "From").hint_markup(html! { noscript { "In UTC" } }).datetime(&chosen.from))
                    (labelled("to", "To").hint_markup(html! { noscript { "In UTC" } }).datetime(&chosen.to))
                }
            }
        },
        chosen.is_set().then_some(clear.as_str()),
    )
}

const RECEIVED: Column<'_> = Column::new("Received");
const REQUEST: Column<'_> = Column::new("Request");
const STATUS: Column<'_> = Column::new("Status");
const LATENCY: Column<'_> = Column::numeric("Latency");
const KEY: Column<'_> = Column::new("Idempotency key");
const EXTERNAL: Column<'_> = Column::new("External id");
const RESULT: Column<'_> = Column::new("Result");
const COLUMNS: [Column<'_>; 7] = [RECEIVED, REQUEST, STATUS, LATENCY, KEY, EXTERNAL, RESULT];

fn rows(page: &KeyLog<'_>, nothing_yet: bool) -> Markup {
    let url = links::with_query(
        &links::key(page.key_id),
        &page.filters.pairs(&page.filters.window, &page.filters.cursor),
    );
    let body = Attributes::new().set("id", ROWS).set("data-tail-rows", &url);
    let rows = html! {
        @if page.requests.is_empty() {
            tr data-tail-empty {
                td.whole colspan=(COLUMNS.len()) {
                    @if nothing_yet { (empty_state(Icon::Clock, "No request yet", page.hint, html! {})) }
                    @else { p.muted { "No request matches." } }
                }
            }
        }
        (log_rows(page.key_id, page.requests))
    };
    table("Requests, newest first", &COLUMNS, &body, rows)
}

/// The id of the element that contains the rows.
pub const ROWS: &str = "requests";

/// Only the rows, for a live tail that loads the rows it has missed.
pub fn log_rows(key_id: &str, requests: &[LoggedRequest]) -> Markup {
    html! { @for request in requests { (row(key_id, request)) } }
}

/// A row of the log. The live tail sends the same markup.
pub fn row(key_id: &str, request: &LoggedRequest) -> Markup {
    let id = request.id.to_string();
    let href = links::request(key_id, &id);
    html! {
        tr id=(id) {
            (head_cell(html! {
                a.row-link href=(href) hx-get=(href) hx-target="#layer" hx-swap="innerHTML" hx-push-url="true" {
                    (time(request.received_at, TimeStyle::Short))
                }
            }))
            (cell(&REQUEST, html! {
                span.method { (request.method) } " " (mono(short_path(&request.path)))
                @if let Some(topic) = &request.topic { div.sub { (muted(topic)) } }
            }))
            (cell(&STATUS, html! {
                (status_of(request.status))
                @if request.count > 1 { " " (muted(&format!("× {}", request.count))) }
            }))
            (cell(&LATENCY, html! { (request.latency_ms) " ms" }))
            (cell(&KEY, html! { @if let Some(key) = &request.idempotency_key { (mono(key)) } }))
            (cell(&EXTERNAL, html! { @if let Some(id) = &request.external_id { (mono(id)) } }))
            (cell(&RESULT, result(key_id, request)))
        }
    }
}

/// The path without its common prefix, and without the key id, which the drawer shows already.
fn short_path(path: &str) -> &str {
    let short = path.strip_prefix("/integrations/v1").unwrap_or(path);
    match short.rsplit_once('/') {
        Some((webhook, key)) if key.starts_with("key_") => webhook,
        _ => short,
    }
}

/// An HTTP status as a badge: good below 400, else bad.
pub fn status_of(status: u16) -> Markup {
    let kind = if status < 400 { Status::Good } else { Status::Bad };
    status_badge(kind, &status.to_string())
}

/// The result of a request: the error code, or the id of the order, or the outcome.
fn result(key_id: &str, request: &LoggedRequest) -> Markup {
    let batch = request.about.batch;
    html! {
        @if let Some(code) = request.error_code {
            span.errors { (code.as_str()) }
            @if let (None, Some(detail)) = (batch, &request.detail) { div.sub.clip title=(detail) { (detail) } }
        } @else if let Some(id) = &request.internal_id {
            (internal_id(id))
            @if request.outcome != Outcome::Accepted { div.sub { (muted(request.outcome.as_str())) } }
        } @else {
            @if request.outcome == Outcome::DryRun { (status_badge(Status::Neutral, "Dry run")) }
            @else { (muted(request.outcome.as_str())) }
            @if let (None, Some(detail)) = (batch, &request.detail) { div.sub.clip title=(detail) { (detail) } }
        }
        @if let Some(BatchLine { of, line }) = batch {
            div.sub { a href=(links::request(key_id, &of.to_string())) { "Line " (line) " of a batch" } }
        }
    }
}

/// The detail of a log entry. The detail of a command of a batch links to the batch's request.
pub fn detail(key_id: &str, request: &LoggedRequest) -> Markup {
    let text = request.detail.as_deref().unwrap_or("—");
    // The text begins with the line and the batch.
    let linked = request.about.batch.and_then(|batch| {
        Some((batch.line, batch.of.to_string(), text.strip_prefix(&batch.to_string())?))
    });
    html! {
        @match linked {
            Some((line, id, rest)) => {
                "Line " (line) " of " a href=(links::request(key_id, &id)) { (mono(&id)) } (rest)
            }
            None => { (text) }
        }
    }
}

/// The id of the resource that a request created or found. An order is linked to its page.
pub fn internal_id(id: &str) -> Markup {
    html! {
        @if id.starts_with("ord_") { a href=(links::order(id)) { (mono(short_id(id))) } }
        @else { (mono(short_id(id))) }
    }
}

/// The end of an id, which is enough to distinguish it in a list.
fn short_id(id: &str) -> &str {
    // The ids of one store have the same beginning.
    id.len().checked_sub(12).and_then(|from| id.get(from..)).unwrap_or(id)
}

fn pages(page: &KeyLog<'_>, base: &str, layer: &Attributes) -> Markup {
    let newest = links::with_query(base, &page.filters.pairs(&page.filters.window, ""));
    let newer = (!page.filters.cursor.is_empty()).then_some(newest.as_str());
    let cursor = page.next.map(|row| row.as_i64().to_string());
    let older = cursor
        .as_deref()
        .map(|cursor| links::with_query(base, &page.filters.pairs(&page.filters.window, cursor)));
    let stopped_at = page.next.filter(|_| page.requests.len() < PAGE as usize);
    html! {
        @if let Some(row) = stopped_at {
            p.muted { "Searched back to " (time(row.time(), TimeStyle::Full)) ". Continue with Older." }
        }
        (pagination("Pages of requests", newer, older.as_deref(), "", layer))
    }
}

/// The columns of an exported log.
pub const EXPORT_COLUMNS: &[&str] = &[
    "id",
    "received_at",
    "method",
    "path",
    "status",
    "latency_ms",
    "outcome",
    "count",
    "topic",
    "idempotency_key",
    "external_id",
    "internal_id",
    "error_code",
    "detail",
];

/// The values of a log entry, in the order of [`EXPORT_COLUMNS`].
pub fn export_values(request: &LoggedRequest) -> Vec<Value> {
    // Serialising strings and numbers cannot fail.
    let json = serde_json::to_value(RequestOut::from(request.clone())).unwrap_or_default();
    EXPORT_COLUMNS.iter().map(|column| json[*column].clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forms::Form;
    use tidegate_core::domain::credential::GateName;
    use tidegate_core::domain::id::RequestId;
    use tidegate_core::domain::log::About;

    fn logged(id: RequestId) -> LoggedRequest {
        LoggedRequest {
            id,
            received_at: Timestamp::default(),
            method: "POST".into(),
            path: "/integrations/v1/batch".into(),
            status: 201,
            latency_ms: 1,
            outcome: Outcome::Accepted,
            count: 1,
            topic: None,
            idempotency_key: None,
            external_id: None,
            internal_id: None,
            error_code: None,
            detail: None,
            about: About::NOTHING,
        }
    }

    #[test]
    fn the_rows_can_be_reloaded_with_the_same_filters() {
        let page = KeyLog {
            key_id: "key_a",
            hint: "",
            requests: &[],
            next: None,
            filters: &LogFilters::from_query(&Form::parse(b"status=errors&window=7d")),
            invalid: &[],
            window: Window::D7,
            buckets: &[],
            total: Tally::default(),
        };
        let markup = key_log(&page).into_string();
        let rows = "data-tail-rows=\"/settings/connectors/key_a?status=errors&amp;window=7d\"";
        assert!(markup.contains(rows), "{markup}");
    }

    #[test]
    fn a_command_of_a_batch_links_to_the_batch() {
        let id =
            RequestId::new(GateName::from_bytes([1; 12]), SequenceId::at(Timestamp::default()));
        let shown = |about: About<RequestId>, rest: Option<&str>| {
            let detail = about.text(rest.map(str::to_owned));
            super::detail("key_a", &LoggedRequest { about, detail, ..logged(id) }).into_string()
        };
        let batch = About { batch: Some(BatchLine { of: id, line: 3 }), ..About::NOTHING };
        let link = format!("Line 3 of <a href=\"{}\">", links::request("key_a", &id.to_string()));
        for rest in [None, Some("It is <known>.")] {
            assert!(shown(batch, rest).starts_with(&link), "{}", shown(batch, rest));
        }
        assert!(shown(batch, Some("It is <known>.")).ends_with("</a>. It is &lt;known&gt;."));
        let retry = About { retry_of: Some(id), ..About::NOTHING };
        assert_eq!(shown(retry, Some("late")), format!("Retry of {id}. late"));
        assert_eq!(shown(About::NOTHING, None), "—");
        let row = row("key_a", &LoggedRequest { about: batch, ..logged(id) }).into_string();
        assert!(row.contains(">Line 3 of a batch</a>"), "{row}");
    }

    #[test]
    fn a_path_is_shown_without_its_prefix_and_the_key_id() {
        assert_eq!(short_path("/integrations/v1/orders"), "/orders");
        assert_eq!(
            short_path("/integrations/v1/webhook/woocommerce/key_a"),
            "/webhook/woocommerce"
        );
        assert_eq!(short_path("/other"), "/other");
    }
}
