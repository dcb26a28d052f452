//! The page of one request: an explanation of its outcome, its log entry, and its capture.

use maud::{Markup, html};

use super::connect::docs_link;
use super::key_drawer::in_layer;
use super::key_log::{detail, internal_id, status_of};
use crate::components::{
    Button, Kind, TimeStyle, copy_value, inline_note, json_viewer, keyvalue, mono, post_button,
    time,
};
use crate::links;
use tidegate_core::domain::explain::{FinishedRequest, explain};
use tidegate_core::domain::key::KeyRecord;
use tidegate_core::domain::log::Outcome;
use tidegate_core::domain::parked::ParkReason;
use tidegate_core::domain::rejection::Code;
use tidegate_core::protocol::key_gate::{
    Capture, LoggedRequest, NoCapture, ParkedEvent, RequestDetail,
};

/// The view model of the page.
#[derive(Debug)]
pub struct KeyRequest<'a> {
    pub csrf: &'a str,
    pub record: &'a KeyRecord,
    pub detail: &'a RequestDetail,
    /// The absolute URL of this page.
    pub permalink: &'a str,
}

pub fn key_request(page: &KeyRequest<'_>) -> Markup {
    let RequestDetail { request, capture, parked } = page.detail;
    let key_id = page.record.key_id.as_str();
    let back = links::key(key_id);
    let event = request.id.to_string();
    let nav = in_layer();
    html! {
        (nav.element("p", html! { a.back href=(back) { "← All requests" } }))
        div.request-head {
            h3 { span.method { (request.method) } " " (mono(&request.path)) " " (status_of(request.status)) }
            (copy_value(page.permalink, "Copy a link to this request"))
        }
        (explanation(page))
        @if let Some(parked) = parked {
            @let awaiting = awaits_details(parked);
            (inline_note(if awaiting { Kind::Info } else { Kind::Warn }, html! {
                @if awaiting { "This event is kept, and awaits its details. " }
                @else { "This event is parked. "
                    (post_button(page.csrf, &links::retry(key_id, &event), &Button::secondary("Retry now").small().busy("Retrying…")))
                    " "
                }
                (Button::secondary("Discard…").small().opens_layer(&links::discard(key_id, &event)))
            }))
        }
        (facts(key_id, request))
        @match capture {
            Ok(capture) => { (captured(capture)) }
            Err(reason) => { (inline_note(Kind::Info, html! { (no_capture_text(*reason)) })) }
        }
    }
}

fn awaits_details(event: &ParkedEvent) -> bool {
    event.reason == ParkReason::AwaitingDetails
}

fn explanation(page: &KeyRequest<'_>) -> Markup {
    let request = &page.detail.request;
    let explained = explain(&FinishedRequest {
        outcome: request.outcome,
        error_code: request.error_code,
        park_reason: request.about.park_reason,
        detail: request.detail.as_deref(),
        source: page.record.source,
        format: page.record.payload_format,
    });
    let kind = match request.outcome {
        Outcome::Accepted | Outcome::Replayed | Outcome::Duplicate => Kind::Good,
        Outcome::Stale | Outcome::Ignored | Outcome::Ping | Outcome::DryRun => Kind::Info,
        Outcome::Parked if page.detail.parked.as_ref().is_some_and(awaits_details) => Kind::Info,
        Outcome::Parked => Kind::Warn,
        Outcome::Rejected | Outcome::Refused | Outcome::Failed => Kind::Bad,
    };
    inline_note(
        kind,
        html! {
            div.explain {
                p { strong { (explained.what) } }
                p { (explained.why) }
                p.explain-title { "What to do" }
                ol { @for step in &explained.todo { li { (step) } } }
            }
        },
    )
}

/// An error code, linked to its explanation in the documentation.
fn error_docs(code: Code) -> Markup {
    docs_link(code.as_str(), &links::error_docs(code))
}

fn facts(key_id: &str, request: &LoggedRequest) -> Markup {
    let optional = |value: &Option<String>| {
        html! {
            @if let Some(value) = value { (mono(value)) (copy_value(value, "Copy")) } @else { "—" }
        }
    };
    keyvalue(&[
        ("Received", time(request.received_at, TimeStyle::Full)),
        (
            "Outcome",
            html! { (request.outcome.as_str()) @if request.count > 1 { ", stands for " (request.count) " requests" } },
        ),
        ("Latency", html! { (request.latency_ms) " ms" }),
        (
            "Error code",
            html! { @match request.error_code { Some(code) => { (error_docs(code)) } None => { "—" } } },
        ),
        ("Detail", detail(key_id, request)),
        ("Topic", html! { (request.topic.as_deref().unwrap_or("—")) }),
        ("Idempotency key", optional(&request.idempotency_key)),
        ("External id", optional(&request.external_id)),
        (
            "Internal id",
            html! { @match &request.internal_id { Some(id) => { (internal_id(id)) (copy_value(id, "Copy the internal id")) } None => { "—" } } },
        ),
        (
            "Request id",
            html! { (mono(&request.id.to_string())) (copy_value(&request.id.to_string(), "Copy the request id")) },
        ),
    ])
}

fn captured(capture: &Capture) -> Markup {
    let headers = capture
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect::<Vec<_>>()
        .join("\n");
    html! {
        (json_viewer("kept-headers", "Headers", if headers.is_empty() { "None of those that are kept." } else { &headers }))
        (json_viewer("kept-body", &format!("Body, {} bytes", capture.body.len()), &readable(&capture.body)))
        @match &capture.answer {
            Some(answer) => { (json_viewer("kept-answer", "Answer", &readable(answer.as_bytes()))) }
            None => { (inline_note(Kind::Info, html! { "The answer to this request was not kept." })) }
        }
    }
}

/// Formats a body: JSON is indented, other text is unchanged, other bytes are shown as hex. At most
/// 256 KiB are shown.
fn readable(bytes: &[u8]) -> String {
    const MAX_SHOWN: usize = 256 * 1024;
    let beginning = bytes.get(..MAX_SHOWN).unwrap_or(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else {
        return format!("Not UTF-8. As hex: {}", tidegate_core::domain::encoding::hex(beginning));
    };
    if bytes.len() > MAX_SHOWN {
        return format!(
            "{}\n… cut here: it has {} bytes.",
            String::from_utf8_lossy(beginning),
            bytes.len()
        );
    }
    let json = serde_json::from_str::<serde_json::Value>(text);
    json.ok()
        .and_then(|json| serde_json::to_string_pretty(&json).ok())
        .unwrap_or_else(|| text.to_owned())
}

const fn no_capture_text(reason: NoCapture) -> &'static str {
    match reason {
        NoCapture::Refusal => "Its body was not kept: nobody could tell who sent it.",
        NoCapture::Retry => {
            "This is a retry by Tidegate itself: the request that brought the event holds its body."
        }
        NoCapture::CaptureOff => "Its body was not kept: the key was minted not to keep bodies.",
        NoCapture::TooOld => {
            "Its body is not kept any more: bodies stay for 30 days, or 512 MiB of them."
        }
        NoCapture::DayFull => {
            "Its body was not kept: the bodies of that day had filled their 512 MiB."
        }
        NoCapture::NoBody => "It had no body.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_shown_as_json_text_or_hex() {
        assert_eq!(readable(b"{\"a\":1.10}"), "{\n  \"a\": 1.10\n}");
        assert_eq!(readable(b"webhook_id=1"), "webhook_id=1");
        assert_eq!(readable(&[0xff, 0x00]), "Not UTF-8. As hex: ff00");
        assert!(readable(&vec![b'x'; 300 * 1024]).contains("307200 bytes"));
    }
}
