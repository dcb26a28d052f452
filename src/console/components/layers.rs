//! Modals and drawers: one `dialog` each, open from the server, so that they are seen and used
//! without JavaScript; the script makes them modal and gives them focus, Escape and Back.

use maud::{Markup, html};

use crate::console::icons::{Icon, icon};

/// How a layer leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum CloseBy {
    /// The page behind it is the one that closing leads to: it is only uncovered.
    #[default]
    Uncovering,
    /// The page behind it is out of date: it is loaded again.
    Loading,
}

/// A modal or drawer, as it stands in `#layer`.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a> {
    /// The dialog's id; its title gets `{id}-title`.
    pub id: &'a str,
    pub title: &'a str,
    /// Where closing leads: the URL of the page behind.
    pub close_href: &'a str,
    pub close_by: CloseBy,
    /// Asks with this text before it is closed, as the one-time reveal does.
    pub guard: Option<&'a str>,
}

impl<'a> Layer<'a> {
    pub fn new(id: &'a str, title: &'a str, close_href: &'a str) -> Self {
        Self { id, title, close_href, close_by: CloseBy::default(), guard: None }
    }
}

/// A dialog in the middle of the screen.
pub fn modal(layer: &Layer<'_>, body: Markup) -> Markup {
    dialog(layer, "modal", html! {}, body)
}

/// A narrower one, for a question.
pub fn small_modal(layer: &Layer<'_>, body: Markup) -> Markup {
    dialog(layer, "modal small", html! {}, body)
}

/// A panel at the right edge, for reading and working beside a list. `header` stands right of the
/// title, such as a status badge.
pub fn drawer(layer: &Layer<'_>, header: Markup, body: Markup) -> Markup {
    dialog(layer, "drawer", header, body)
}

fn dialog(layer: &Layer<'_>, class: &str, header: Markup, body: Markup) -> Markup {
    let title = format!("{}-title", layer.id);
    html! {
        dialog class=(class) id=(layer.id) open data-layer data-close-href=(layer.close_href)
            data-close-by=[(layer.close_by == CloseBy::Loading).then_some("loading")]
            data-reveal=[layer.guard] aria-labelledby=(title)
        {
            div.layer-head {
                h2 id=(title) tabindex="-1" { (layer.title) }
                (header)
                a.button.ghost.icon-only.close href=(layer.close_href) data-close title="Close" {
                    (icon(Icon::Close)) span.visually-hidden { "Close" }
                }
            }
            div.layer-body { (body) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_is_open_named_and_closable_without_a_script() {
        let layer = Layer::new("new-key", "New <key>", "/settings/connectors?status=active&q=a");
        let markup = modal(&layer, html! { "body" }).into_string();
        assert!(markup.contains("open data-layer"), "{markup}");
        assert!(markup.contains("aria-labelledby=\"new-key-title\""));
        assert!(markup.contains("id=\"new-key-title\" tabindex=\"-1\">New &lt;key&gt;<"));
        assert!(markup.contains(" href=\"/settings/connectors?status=active&amp;q=a\" data-close"));
    }
}
