//! Navigation within a page: tabs, filters, pagination.

use maud::{Markup, html};

use super::Attributes;
use crate::icons::{Icon, icon};

/// One tab; `href` is the URL that shows it.
#[derive(Clone, Copy, Debug)]
pub struct Tab<'a> {
    pub label: &'a str,
    pub href: &'a str,
    pub current: bool,
}

/// Links to the parts of a page. `attributes` (htmx's) are set on the `nav`, from which its links
/// inherit them.
pub fn tabs(label: &str, tabs: &[Tab<'_>], attributes: &Attributes) -> Markup {
    let attributes =
        Attributes::new().set("class", "tabs").set("aria-label", label).and(attributes);
    attributes.element("nav", links(tabs, "page"))
}

/// Links to a few views of the same content, such as 24h / 7d / 30d.
pub fn segmented(label: &str, tabs: &[Tab<'_>], attributes: &Attributes) -> Markup {
    Attributes::new()
        .set("class", "segmented")
        .set("role", "group")
        .set("aria-label", label)
        .and(attributes)
        .element("div", links(tabs, "true"))
}

fn links(tabs: &[Tab<'_>], current: &str) -> Markup {
    html! {
        @for tab in tabs {
            a href=(tab.href) aria-current=[tab.current.then_some(current)] { (tab.label) }
        }
    }
}

/// Links to the newer and older page of a list, with a note about the current one. A link without a
/// page is left out; the height does not change.
pub fn pagination(
    label: &str,
    newer: Option<&str>,
    older: Option<&str>,
    note: &str,
    attributes: &Attributes,
) -> Markup {
    let content = html! {
        span.pagination-note { (note) }
        @if let Some(href) = newer {
            a.button.small href=(href) rel="prev" { (icon(Icon::ChevronLeft)) span.label { "Newer" } }
        }
        @if let Some(href) = older {
            a.button.small href=(href) rel="next" { span.label { "Older" } (icon(Icon::ChevronRight)) }
        }
    };
    Attributes::new()
        .set("class", "pagination")
        .set("aria-label", label)
        .and(attributes)
        .element("nav", content)
}

/// A row of filters. It is a GET form, so the filters are part of the URL. `clear_href` is `Some`
/// if any filter is set.
pub fn filter_bar(
    label: &str,
    action: &str,
    attributes: &Attributes,
    fields: Markup,
    clear_href: Option<&str>,
) -> Markup {
    let content = html! {
        (fields)
        div.filter-actions {
            button.button.small type="submit" { (icon(Icon::Filter)) span.label { "Filter" } }
            @if let Some(href) = clear_href { a.button.ghost.small href=(href) { "Clear" } }
        }
    };
    Attributes::new()
        .set("class", "filter-bar")
        .set("role", "search")
        .set("aria-label", label)
        .set("method", "get")
        .set("action", action)
        .and(attributes)
        .element("form", content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_current_tab_is_marked_for_assistive_technology() {
        let tab = |label, current| Tab { label, href: "/x?a=1&b", current };
        let markup = tabs("Parts", &[tab("A", true), tab("B", false)], &Attributes::new());
        let markup = markup.into_string();
        assert_eq!(markup.matches("aria-current=\"page\"").count(), 1, "{markup}");
        assert!(markup.contains("href=\"/x?a=1&amp;b\""));
    }

    #[test]
    fn a_list_of_one_page_has_no_links_to_other_pages() {
        let markup = pagination("Pages", None, None, "3 keys", &Attributes::new()).into_string();
        assert!(!markup.contains("<a"), "{markup}");
    }
}
