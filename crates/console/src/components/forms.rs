//! Forms. Every form is a POST and carries the CSRF token.

use maud::{Markup, html};

use super::Attributes;
use crate::icons::{Icon, icon};

/// A form that posts to `action` and contains the CSRF token. `attributes` takes htmx's attributes
/// and `data-guard`, with which the script asks before typed text is lost.
pub fn form(csrf: &str, action: &str, attributes: &Attributes, content: Markup) -> Markup {
    let content = html! {
        input type="hidden" name="csrf" value=(csrf);
        (content)
    };
    Attributes::new()
        .set("method", "post")
        .set("action", action)
        .and(attributes)
        .element("form", content)
}

/// A hidden field.
pub fn hidden(name: &str, value: &str) -> Markup {
    html! { input type="hidden" name=(name) value=(value); }
}

/// The list of errors at the top of a form; each links to its field. Empty if there are none.
/// `problems` are pairs of a field's id (see [`super::field_id`]) and a message. The id is empty if
/// the problem concerns no field.
pub fn error_summary<S: AsRef<str>>(problems: &[(S, S)]) -> Markup {
    html! {
        @if !problems.is_empty() {
            div.error-summary role="alert" tabindex="-1" data-error-summary {
                (icon(Icon::Alert))
                div {
                    p {
                        @if problems.len() == 1 { "One thing needs another look." }
                        @else { (problems.len()) " things need another look." }
                    }
                    ul {
                        @for (id, message) in problems {
                            li {
                                @if id.as_ref().is_empty() { (message.as_ref()) }
                                @else { a href={ "#" (id.as_ref()) } { (message.as_ref()) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The buttons at the end of a form or dialog, the main one last.
pub fn actions(buttons: Markup) -> Markup {
    html! { div.actions { (buttons) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_posts_and_carries_the_csrf_token() {
        let markup = form("a\"b", "/x", &Attributes::new().flag("data-guard", true), html! {});
        assert_eq!(
            markup.into_string(),
            "<form method=\"post\" action=\"/x\" data-guard>\
             <input type=\"hidden\" name=\"csrf\" value=\"a&quot;b\"></form>"
        );
    }

    #[test]
    fn the_summary_links_to_the_fields_and_is_an_alert() {
        let markup = error_summary(&[("f-name", "Give the key a <name>")]).into_string();
        assert!(markup.contains("role=\"alert\""));
        assert!(markup.contains("<a href=\"#f-name\">Give the key a &lt;name&gt;</a>"), "{markup}");
        assert_eq!(error_summary::<&str>(&[]).into_string(), "");
    }
}
