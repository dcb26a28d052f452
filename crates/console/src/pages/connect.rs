//! The numbered steps that connect a storefront at the sender, with the values to paste there. The
//! modal that reveals a new key and the settings of a key that awaits its secret both show them.

use maud::{Markup, html};

use crate::components::{chips, code_block, copy_button, copy_value, mono};
use crate::icons::{Icon, icon};
use crate::links;
use tidegate_core::domain::sender::{SenderProfile, Step};

/// The values that the steps refer to.
#[derive(Debug)]
pub struct Connect<'a> {
    pub sender: &'static SenderProfile,
    /// The URL that the sender posts to.
    pub url: &'a str,
    /// The signing secret and the key; `Some` only when the new key is revealed.
    pub secret: Option<&'a str>,
    pub key: Option<&'a str>,
    /// The content of [`Step::Paste`], the step in which a secret is pasted into the console.
    pub paste: Markup,
}

pub fn connect(page: &Connect<'_>) -> Markup {
    html! {
        ol.connect {
            @for each in page.sender.steps { li { (step(page, *each)) } }
        }
        p { (quickstart(page.sender)) }
    }
}

fn step(page: &Connect<'_>, step: Step) -> Markup {
    let url = page.url;
    html! {
        @match step {
            Step::Do(text) => { p { (text) } }
            Step::Url(text) => {
                p { (text) }
                (value("connect-url", url, "Copy the URL"))
            }
            Step::Topics(text, topics) => {
                p { (text) }
                (chips(topics))
            }
            Step::Secret(text) => {
                p {
                    (text)
                    @if let Some(secret) = page.secret { (copy_value(secret, "Copy the signing secret")) }
                }
            }
            Step::Bearer(text) => {
                p { (text) }
                @match page.key {
                    Some(key) => { (value("connect-header", &format!("Bearer {key}"), "Copy the header's value")) }
                    None => { p { (mono("Bearer pck_int_…")) } }
                }
            }
            Step::Command(text, command) => {
                p { (text) }
                (code_block("connect-command", &command.replace("{url}", url), Some("Copy the command")))
            }
            Step::Paste(text) => {
                p { (text) }
                (page.paste)
            }
        }
    }
}

/// A value to paste elsewhere, in a box with a copy button.
fn value(id: &str, text: &str, label: &str) -> Markup {
    html! {
        div.secret-value { code id=(id) { (text) } (copy_button(id, label)) }
    }
}

/// A link to the sender's quickstart. It opens a new tab, because the page may show a key that
/// cannot be shown again.
pub fn quickstart(sender: &SenderProfile) -> Markup {
    docs_link(&format!("Quickstart for {}", sender.title), &links::quickstart(sender.source))
}

/// A link to the documentation, which opens a new tab.
pub fn docs_link(text: &str, href: &str) -> Markup {
    html! {
        a.outward href=(href) target="_blank" rel="noopener" { (text) (icon(Icon::ExternalLink)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_core::storefront::PROFILES;

    #[test]
    fn every_command_and_url_contains_the_keys_own_url() {
        let url = "https://api.test/integrations/v1/webhook/x/key_a?b=\"'";
        for sender in PROFILES {
            let source = sender.source;
            let paste = html! { "HERE" };
            let page = Connect { sender, url, secret: None, key: None, paste };
            let markup = connect(&page).into_string();
            assert!(!markup.contains("{url}"), "{source}");
            let count = markup.matches("webhook/x/key_a?b=&quot;'").count();
            assert_eq!(count, usize::from(!sender.steps.is_empty()), "{source}: {markup}");
            assert!(markup.contains(&format!("href=\"/docs/quickstarts/{source}\"")), "{markup}");
        }
    }
}
