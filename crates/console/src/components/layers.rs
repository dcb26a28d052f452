//! Layers over a page: modals and drawers. Each is a `dialog` that the server renders open, so that
//! it works without JavaScript. The script makes it modal and handles focus, Escape and Back.

use maud::{Markup, html};

use crate::icons::{Icon, icon};

/// How closing a layer shows the page behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum CloseBy {
    /// The page behind is still current: the layer is removed and uncovers it.
    #[default]
    Uncovering,
    /// The page behind is out of date: it is loaded again.
    Reloading,
}

/// A modal or drawer, which is rendered inside `#layer`.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a> {
    /// The dialog's id; its title gets `{id}-title`.
    pub id: &'a str,
    pub title: &'a str,
    /// The URL of the page behind, to which closing returns.
    pub close_href: &'a str,
    pub close_by: CloseBy,
    /// The question to confirm before the layer is closed, as for secrets that are shown once.
    pub guard: Option<&'a str>,
}

impl<'a> Layer<'a> {
    pub fn new(id: &'a str, title: &'a str, close_href: &'a str) -> Self {
        Self { id, title, close_href, close_by: CloseBy::default(), guard: None }
    }
}

/// A dialog in the middle of the screen, for a form.
pub fn modal(layer: &Layer<'_>, body: Markup) -> Markup {
    dialog(layer, "modal", html! {}, body)
}

/// A narrow dialog in the middle of the screen, for a question.
pub fn small_modal(layer: &Layer<'_>, body: Markup) -> Markup {
    dialog(layer, "modal small", html! {}, body)
}

/// A panel at the right edge, for details beside a list. `header` is shown to the right of the
/// title, for example a status badge.
pub fn drawer(layer: &Layer<'_>, header: Markup, body: Markup) -> Markup {
    dialog(layer, "drawer", header, body)
}

fn dialog(layer: &Layer<'_>, class: &str, header: Markup, body: Markup) -> Markup {
    let title = format!("{}-title", layer.id);
    html! {
        dialog class=(class) id=(layer.id) open data-layer data-close-href=(layer.close_href)
            data-close-by=[(layer.close_by == CloseBy::Reloading).then_some("loading")]
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
    fn a_layer_is_open_labelled_and_closable_without_a_script() {
        let layer = Layer::new("new-key", "New <key>", "/settings/connectors?status=active&q=a");
        let markup = modal(&layer, html! { "body" }).into_string();
        assert!(markup.contains("open data-layer"), "{markup}");
        assert!(markup.contains("aria-labelledby=\"new-key-title\""));
        assert!(markup.contains("id=\"new-key-title\" tabindex=\"-1\">New &lt;key&gt;<"));
        assert!(markup.contains(" href=\"/settings/connectors?status=active&amp;q=a\" data-close"));
    }
}
