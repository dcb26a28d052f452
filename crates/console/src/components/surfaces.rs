//! Containers for content: page headers, sections, cards, empty states, lists of names and values.

use maud::{Markup, html};

use crate::icons::{Icon, icon};

/// The head of a page: its title, one line of description, and its actions.
pub fn page_header(title: &str, text: Option<&str>, actions: Markup) -> Markup {
    html! {
        header.page-head {
            div {
                h1 { (title) }
                @if let Some(text) = text { p.lede { (text) } }
            }
            div.page-actions { (actions) }
        }
    }
}

/// A part of a page with a heading; `aside` is shown to the right of the heading.
pub fn section(id: &str, title: &str, aside: Markup, content: Markup) -> Markup {
    html! {
        section.section id=(id) aria-labelledby={ (id) "-heading" } {
            div.section-head { h2 id={ (id) "-heading" } { (title) } (aside) }
            (content)
        }
    }
}

pub fn card(content: Markup) -> Markup {
    html! { div.card { (content) } }
}

/// A row of [`link_card`]s.
pub fn link_cards(cards: Markup) -> Markup {
    html! { div.cards-row { (cards) } }
}

/// A card that links to a first step, such as connecting one kind of storefront. With JavaScript it
/// opens a layer.
pub fn link_card(shape: Icon, title: &str, text: &str, href: &str) -> Markup {
    html! {
        a.link-card href=(href) hx-get=(href) hx-target="#layer" hx-swap="innerHTML"
            hx-push-url="true"
        {
            (icon(shape))
            span.title { (title) }
            span.hint { (text) }
        }
    }
}

/// The message in place of an empty list: what will appear there, and how to start.
pub fn empty_state(shape: Icon, title: &str, text: &str, action: Markup) -> Markup {
    html! {
        div.empty {
            span.empty-icon { (icon(shape)) }
            p.empty-title { (title) }
            p.empty-text { (text) }
            div.empty-action { (action) }
        }
    }
}

/// The message that a member gets on a page for owners and admins only.
pub fn restricted_card(subject: &str) -> Markup {
    html! {
        div.empty.restricted {
            span.empty-icon { (icon(Icon::Lock)) }
            h1.empty-title { "Ask an owner or admin" }
            p.empty-text { (subject) " can be seen and changed by owners and admins of this workspace." }
        }
    }
}

/// A list of names and values.
pub fn keyvalue<T: AsRef<str>>(pairs: &[(T, Markup)]) -> Markup {
    html! {
        dl.keyvalue {
            @for (name, value) in pairs { div { dt { (name.as_ref()) } dd { (value) } } }
        }
    }
}

/// A row of [`stat`]s.
pub fn stats(content: Markup) -> Markup {
    html! { div.stats { (content) } }
}

/// One number of an overview; `note` is a comparison or a link below it.
pub fn stat(label: &str, value: Markup, note: Markup) -> Markup {
    html! {
        div.stat {
            p.stat-label { (label) }
            p.stat-value { (value) }
            p.stat-note { (note) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped() {
        let markup = empty_state(Icon::Key, "<t>", "<x>", html! {}).into_string();
        assert!(markup.contains("&lt;t&gt;") && markup.contains("&lt;x&gt;"), "{markup}");
        let markup = keyvalue(&[("<n>", html! { "v" })]).into_string();
        assert!(markup.contains("<dt>&lt;n&gt;</dt><dd>v</dd>"), "{markup}");
    }

    #[test]
    fn a_section_is_named_by_its_heading() {
        let markup = section("keys", "Keys", html! {}, html! {}).into_string();
        assert!(markup.contains("aria-labelledby=\"keys-heading\""));
        assert!(markup.contains("<h2 id=\"keys-heading\">Keys</h2>"), "{markup}");
    }
}
