//! Parts of a page that update themselves: the live tail, and parts that are polled.

use maud::{Markup, html};

use super::Attributes;
use crate::icons::{Icon, icon};

/// The state in which the server renders a live tail. From then on the script sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Live {
    /// Connects as soon as the script runs.
    Connect,
    /// Waits until the operator resumes it.
    Paused,
}

/// The indicator of a live tail with its pause button. The script opens a WebSocket to `url` and
/// inserts each row it receives before the rows of the element `[data-tail-rows]` in the same layer
/// or page. The value of that attribute is the URL of the rows, from which the script loads those
/// that were logged before the socket was open.
pub fn live_tail(url: &str, live: Live) -> Markup {
    html! {
        div.live data-tail-url=(url) data-state="off"
            data-tail-paused[live == Live::Paused]
        {
            span.live-dot aria-hidden="true" {}
            span.live-text role="status" { "Live updates are off" }
            button.button.ghost.small.icon-only type="button" hidden data-tail-toggle title="Pause" {
                span.when-live { (icon(Icon::Pause)) }
                span.when-paused { (icon(Icon::Play)) }
                span.visually-hidden { "Pause live updates" }
            }
        }
    }
}

/// A part that loads its content at once and then every `seconds` seconds, but not while the page
/// is hidden. The response replaces `placeholder`, which should have the same size.
pub fn polled(url: &str, seconds: u32, placeholder: Markup) -> Markup {
    Attributes::new()
        .set("hx-get", url)
        .set("hx-trigger", &format!("load, every {seconds}s, tidegate:visible from:body"))
        .set("hx-target", "this")
        .set("hx-swap", "innerHTML")
        .set("hx-push-url", "false")
        .set("data-poll", "")
        .element("div", placeholder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_polled_part_is_marked_so_that_a_hidden_page_does_not_poll() {
        let markup = polled("/x?a=1&b=2", 30, html! {}).into_string();
        assert!(markup.contains("hx-get=\"/x?a=1&amp;b=2\"") && markup.contains("data-poll"));
        assert!(markup.contains("every 30s"));
    }

    #[test]
    fn a_tail_is_off_until_the_script_runs() {
        let markup = live_tail("/x/tail", Live::Connect).into_string();
        assert!(markup.contains("data-state=\"off\"") && markup.contains(" hidden "), "{markup}");
        assert!(live_tail("/x", Live::Paused).into_string().contains("data-tail-paused"));
    }
}
