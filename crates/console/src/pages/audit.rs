//! Settings → Audit log: who did what, when, and from where.

use maud::{Markup, html};
use serde_json::{Map, Value};

use super::audit_words::{GROUPS, action_text, nobody_text};
use crate::components::{
    Attributes, Button, Column, Field, Kind, TimeStyle, cell, empty_state, filter_bar, head_cell,
    inline_note, mono, muted, page_header, pagination, table, time,
};
use crate::forms::Form;
use crate::icons::Icon;
use crate::links;
use tidegate_core::domain::audit::{AuditCursor, AuditFilter};
use tidegate_core::domain::rejection::{Code, Rejection};
use tidegate_core::domain::time::Timestamp;

/// An audit entry as the list shows it.
#[derive(Clone, Debug)]
pub struct Entry {
    pub id: String,
    pub at: Timestamp,
    pub action: String,
    /// The e-mail address of the signed-in user; `None` if nobody was signed in.
    pub email: Option<String>,
    pub user_id: Option<String>,
    /// The API key that the user acted with.
    pub api_key_id: Option<String>,
    pub address: Option<String>,
    pub subject: String,
    pub detail: Map<String, Value>,
}

/// The filters of the list, as text from the URL. Times are UTC.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    pub action: String,
    pub who: String,
    pub subject: String,
    pub from: String,
    pub to: String,
}

impl Filters {
    pub fn from_query(query: &Form) -> Self {
        let field = |name| query.get(name).trim().to_owned();
        Self {
            action: field("action"),
            who: field("who").to_lowercase(),
            subject: field("subject"),
            from: field("from"),
            to: field("to"),
        }
    }

    pub fn pairs<'a>(&'a self, cursor: &'a str) -> [(&'a str, &'a str); 6] {
        [
            ("action", &self.action),
            ("who", &self.who),
            ("subject", &self.subject),
            ("from", &self.from),
            ("to", &self.to),
            ("cursor", cursor),
        ]
    }

    pub fn is_set(&self) -> bool {
        *self != Self::default()
    }

    /// Parses the filters. An invalid time is an error and not ignored, because an export would
    /// then contain entries that nobody asked for.
    pub fn read(&self) -> Result<AuditFilter, Rejection> {
        let filled = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        Ok(AuditFilter {
            action: filled(&self.action),
            email: filled(&self.who),
            subject: filled(&self.subject),
            from: read_time("from", &self.from)?,
            to: read_time("to", &self.to)?,
        })
    }
}

/// Parses a time as a `datetime-local` field sends it (`2026-11-22T11:48`, without seconds if they
/// are 0), which is taken as UTC, or a time with an offset of its own.
fn read_time(name: &str, text: &str) -> Result<Option<Timestamp>, Rejection> {
    if text.is_empty() {
        return Ok(None);
    }
    let parsed = Timestamp::parse_utc_without_zone(text)
        .or_else(|| Timestamp::parse_utc_without_zone(&format!("{text}:00")))
        .or_else(|| Timestamp::parse_rfc3339(text));
    if parsed.is_some() {
        return Ok(parsed);
    }
    let detail = format!("{name} must be a date and time, such as 2026-11-22T11:48.");
    Err(Rejection::new(Code::InvalidQuery, detail))
}

/// The view model of the page, for owners and admins.
#[derive(Debug)]
pub struct Audit<'a> {
    pub entries: &'a [Entry],
    pub filters: &'a Filters,
    /// Whether this is not the first page.
    pub later: bool,
    pub next: Option<AuditCursor>,
    /// Whether the page ends because the search reached its limit, not because the page is full.
    pub stopped: bool,
}

pub fn audit(page: &Audit<'_>) -> Markup {
    let export = |format| links::with_query(&links::audit_export(format), &page.filters.pairs(""));
    html! {
        (page_header("Audit log", Some("Every change in this workspace, and every sign-in: who, when and from where."), html! {
            (Button::secondary("CSV").icon(Icon::Download).href(&export("csv")).attr("aria-label", "CSV: export what the filter selects"))
            (Button::secondary("NDJSON").icon(Icon::Download).href(&export("ndjson")).attr("aria-label", "NDJSON: export what the filter selects"))
        }))
        (filters(page.filters))
        (list(page))
    }
}

fn filters(filters: &Filters) -> Markup {
    let field = |name, label| Field::new(name, label);
    filter_bar(
        "Filter the audit log",
        links::AUDIT,
        &Attributes::new(),
        html! {
            (field("action", "What").select(&actions(&filters.action), &filters.action))
            (field("who", "Who").attr("placeholder", "E-mail").attr("autocomplete", "off").text(&filters.who))
            (field("subject", "Subject").attr("placeholder", "key_…, sto_…, usr_…").attr("autocomplete", "off").text(&filters.subject))
            (field("from", "From").hint_markup(html! { noscript { "In UTC" } }).datetime(&filters.from))
            (field("to", "Before").hint_markup(html! { noscript { "In UTC" } }).datetime(&filters.to))
        },
        filters.is_set().then_some(links::AUDIT),
    )
}

/// The options of the action filter: everything, each group, each action. An unknown action from
/// the URL is added, so that it stays chosen.
fn actions(chosen: &str) -> Vec<(String, String)> {
    let mut options = vec![(String::new(), "Everything".to_owned())];
    for (group, label, actions) in GROUPS {
        options.push(((*group).to_owned(), format!("{label}: all")));
        for (action, text) in *actions {
            options.push((format!("{group}.{action}"), format!("{label}: {text}")));
        }
    }
    if !options.iter().any(|(value, _)| value == chosen) {
        options.push((chosen.to_owned(), chosen.to_owned()));
    }
    options
}

const TIME: Column<'_> = Column::new("Time");
const WHO: Column<'_> = Column::new("Who");
const WHAT: Column<'_> = Column::new("What");
const SUBJECT: Column<'_> = Column::new("Subject");
const FROM: Column<'_> = Column::new("From");
const DETAIL: Column<'_> = Column::new("Detail");

fn list(page: &Audit<'_>) -> Markup {
    let cursor = page.next.map(|next| next.to_string());
    let next_page =
        cursor.map(|cursor| links::with_query(links::AUDIT, &page.filters.pairs(&cursor)));
    let newest = links::with_query(links::AUDIT, &page.filters.pairs(""));
    let older = next_page.as_deref().filter(|_| !page.stopped);
    html! {
        @if page.entries.is_empty() && page.next.is_none() {
            (empty_state(Icon::Audit, "Nothing is noted here",
                if page.filters.is_set() || page.later { "No further entry matches what is asked for." }
                else { "What is changed in this workspace appears here." },
                html! {}))
        }
        @if !page.entries.is_empty() {
            (table("Audit log", &[TIME, WHO, WHAT, SUBJECT, FROM, DETAIL], &Attributes::new(),
                html! { @for entry in page.entries { (row(entry)) } }))
        }
        @if page.stopped && let (Some(next), Some(next_page)) = (page.next, &next_page) {
            (inline_note(Kind::Info, html! {
                "Searched back to " (time(next.at, TimeStyle::Full)) ". "
                a href=(next_page) rel="next" { "Continue the search" }
            }))
        }
        (pagination("Pages of the audit log", page.later.then_some(newest.as_str()), older, "", &Attributes::new()))
    }
}

fn row(entry: &Entry) -> Markup {
    html! {
        tr {
            (head_cell(time(entry.at, TimeStyle::Full)))
            (cell(&WHO, who(entry)))
            (cell(&WHAT, html! {
                @match action_text(&entry.action) {
                    Some(text) => { (text) }
                    None => { (mono(&entry.action)) }
                }
            }))
            (cell(&SUBJECT, subject(entry)))
            (cell(&FROM, html! { @if let Some(address) = &entry.address { span.address { (mono(address)) } } }))
            (cell(&DETAIL, detail(&entry.detail)))
        }
    }
}

fn who(entry: &Entry) -> Markup {
    html! {
        @match (&entry.email, &entry.user_id) {
            (Some(email), _) => { (email) }
            (None, Some(user)) => { (mono(user)) }
            (None, None) => { (muted(nobody_text(&entry.action))) }
        }
        @if let Some(key) = &entry.api_key_id { div.sub { "via API key " (mono(key)) } }
    }
}

/// The subject of an entry: its name if the entry contains one, linked if the subject has a page.
fn subject(entry: &Entry) -> Markup {
    let name = ["name", "email"].iter().find_map(|field| entry.detail.get(*field)?.as_str());
    let subject = entry.subject.as_str();
    let href = match subject.split_once('_').map(|(prefix, _)| prefix) {
        Some("key") => Some(links::key(subject)),
        Some("sto") => Some(links::STORES.to_owned()),
        Some("ord") => Some(links::order(subject)),
        Some("usr" | "inv") => Some(links::TEAM.to_owned()),
        _ => None,
    };
    let text = html! { @match name { Some(name) => { (name) }, None => { (mono(subject)) } } };
    html! {
        @match href {
            Some(href) => { a href=(href) { (text) } }
            None => { (text) }
        }
        @if name.is_some() { div.sub { (mono(subject)) } }
    }
}

fn detail(detail: &Map<String, Value>) -> Markup {
    let text = serde_json::to_string_pretty(detail).unwrap_or_default();
    html! {
        @if !detail.is_empty() {
            details.more { summary { "Detail" } pre tabindex="0" { code { (text) } } }
        }
    }
}

/// The columns of an export.
pub const COLUMNS: &[&str] =
    &["id", "at", "action", "email", "user_id", "api_key_id", "address", "subject", "detail"];

/// The values of an entry for an export, in the order of [`COLUMNS`].
pub fn values(entry: &Entry) -> Vec<Value> {
    let Entry { id, at, action, email, user_id, api_key_id, address, subject, detail } = entry;
    let text = |value: &Option<String>| value.clone().map_or(Value::Null, Value::String);
    vec![
        Value::String(id.clone()),
        Value::String(at.to_rfc3339()),
        Value::String(action.clone()),
        text(email),
        text(user_id),
        text(api_key_id),
        text(address),
        Value::String(subject.clone()),
        Value::Object(detail.clone()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entry(action: &str) -> Entry {
        Entry {
            id: "aud_a".to_owned(),
            at: Timestamp::from_millis(1_795_348_087_000),
            action: action.to_owned(),
            email: Some("<o>@a.test".to_owned()),
            user_id: Some("usr_a".to_owned()),
            api_key_id: None,
            address: Some("192.0.2.1".to_owned()),
            subject: "key_a".to_owned(),
            detail: json!({"name": "<Shop>"}).as_object().cloned().unwrap(),
        }
    }

    fn render(entries: &[Entry], filters: &Filters, stopped: bool) -> String {
        let next = AuditCursor::parse("1795348087000.aud_aaaaaaaaaaaaaaaa");
        audit(&Audit { entries, filters, later: false, next, stopped }).into_string()
    }

    #[test]
    fn an_entry_shows_user_action_subject_and_address() {
        let markup = render(&[entry("integration_key.revoked")], &Filters::default(), false);
        for part in [
            "&lt;o&gt;@a.test",
            "Revoked a key",
            "192.0.2.1",
            "href=\"/settings/connectors/key_a\">&lt;Shop&gt;",
        ] {
            assert!(markup.contains(part), "{part}: {markup}");
        }
        assert!(!markup.contains("<Shop>"));
        let other = render(&[entry("tide.turned")], &Filters::default(), false);
        assert!(other.contains("<span class=\"mono\">tide.turned</span>"));
    }

    #[test]
    fn an_entry_without_a_user_says_that_nobody_signed_in_or_that_tidegate_acted() {
        let nobody = |action: &str| Entry { email: None, user_id: None, ..entry(action) };
        let entries = [nobody("session.refused"), nobody("integration_key.expired")];
        let markup = render(&entries, &Filters::default(), false);
        assert!(markup.contains(">Nobody signed in<") && markup.contains(">Tidegate<"));
    }

    #[test]
    fn a_search_that_reached_its_limit_says_how_far_it_got_and_can_be_continued() {
        let filters = Filters { who: "a@b.test".to_owned(), ..Filters::default() };
        let markup = render(&[], &filters, true);
        assert!(markup.contains("Searched back to") && markup.contains("Continue the search"));
        assert!(markup.contains("who=a%40b.test&amp;cursor=1795348087000.aud_aaaaaaaaaaaaaaaa"));
        assert!(!markup.contains("Nothing is noted") && !markup.contains(">Older<"));
        let page = render(&[entry("store.created")], &filters, false);
        assert!(page.contains(">Older<") && !page.contains("Searched back"));
    }

    #[test]
    fn times_are_parsed_as_form_fields_send_them() {
        let read = |from: &str| Filters { from: from.to_owned(), ..Filters::default() }.read();
        let at = Timestamp::parse_rfc3339("2026-11-22T11:48:00Z");
        for text in ["2026-11-22T11:48", "2026-11-22T11:48:00", "2026-11-22T12:48:00+01:00"] {
            assert_eq!(read(text).unwrap().from, at, "{text}");
        }
        assert_eq!(read("").unwrap().from, None);
        assert_eq!(read("yesterday").unwrap_err().code, Code::InvalidQuery);
    }

    #[test]
    fn an_unknown_action_from_the_url_stays_chosen() {
        let filters = Filters { action: "tide.turned".to_owned(), ..Filters::default() };
        let markup = render(&[], &filters, true);
        assert!(markup.contains("<option value=\"tide.turned\" selected>"), "{markup}");
    }

    #[test]
    fn a_record_has_a_value_for_each_column() {
        assert_eq!(values(&entry("store.created")).len(), COLUMNS.len());
    }
}
