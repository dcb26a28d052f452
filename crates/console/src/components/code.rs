//! Text that operators copy: keys, secrets, commands, bodies.

use maud::{Markup, html};

use crate::icons::{Icon, icon};

/// A button that copies the text of the element with the id `target`.
pub fn copy_button(target: &str, label: &str) -> Markup {
    html! {
        button.button.ghost.small.copy.needs-script type="button" data-copy={ "#" (target) } aria-label=(label) title=(label) {
            (icon(Icon::Copy)) (icon(Icon::Check))
        }
    }
}

/// A button that copies `value`; `label` names it.
pub fn copy_value(value: &str, label: &str) -> Markup {
    html! {
        button.button.ghost.small.copy.needs-script type="button" data-copy-value=(value) aria-label=(label) title=(label) {
            (icon(Icon::Copy)) (icon(Icon::Check))
        }
    }
}

/// A secret that is shown once: the full text, wrapped, with a copy button.
pub fn secret_field(label: &str, id: &str, value: &str) -> Markup {
    html! {
        div.secret {
            span.secret-label id={ (id) "-label" } { (label) }
            div.secret-value {
                code id=(id) aria-labelledby={ (id) "-label" } { (value) }
                (copy_button(id, &format!("Copy {label}")))
            }
        }
    }
}

/// A command or other preformatted text.
pub fn code_block(id: &str, text: &str, copy_label: Option<&str>) -> Markup {
    html! {
        div.code-block {
            pre tabindex="0" { code id=(id) { (text) } }
            @if let Some(label) = copy_label { (copy_button(id, label)) }
        }
    }
}

/// Captured headers, a body or an example, as preformatted text. Long lines wrap, and a long text
/// scrolls inside its box.
pub fn json_viewer(id: &str, label: &str, text: &str) -> Markup {
    html! {
        figure.viewer {
            figcaption {
                span id={ (id) "-label" } { (label) }
                (copy_button(id, &format!("Copy {label}")))
            }
            pre tabindex="0" role="group" aria-labelledby={ (id) "-label" } { code id=(id) { (text) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_button_says_what_it_copies() {
        let markup = secret_field("Signing secret", "secret", "a<b").into_string();
        assert!(markup.contains("data-copy=\"#secret\" aria-label=\"Copy Signing secret\""));
        assert!(markup.contains(">a&lt;b</code>"), "{markup}");
    }

    #[test]
    fn a_body_cannot_break_out_of_its_viewer() {
        let markup = json_viewer("body", "Body", "</pre><script>").into_string();
        assert!(markup.contains("&lt;/pre&gt;&lt;script&gt;"), "{markup}");
    }
}
