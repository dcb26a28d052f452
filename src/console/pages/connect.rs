//! Connecting a storefront: the numbered steps at the sender, with what is pasted there. The reveal
//! and the settings of a key that awaits its secret show the same.

use maud::{Markup, html};

use super::senders::{Sender, Step};
use crate::console::components::{chips, code_block, copy_button, copy_value, mono};
use crate::console::icons::{Icon, icon};
use crate::console::links;

/// What the steps speak of.
#[derive(Debug)]
pub struct Connect<'a> {
    pub sender: &'a Sender,
    /// Where the sender posts to.
    pub url: &'a str,
    /// The secret and the key, at the one time that they are shown.
    pub secret: Option<&'a str>,
    pub key: Option<&'a str>,
    /// What stands in the last step, where something is pasted here.
    pub paste: Markup,
}

pub fn connect(page: &Connect<'_>) -> Markup {
    html! {
        ol.connect {
            @for shown in page.sender.steps { li { (step(page, *shown)) } }
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

/// What is pasted elsewhere, in a box of its own.
fn value(id: &str, text: &str, label: &str) -> Markup {
    html! {
        div.secret-value { code id=(id) { (text) } (copy_button(id, label)) }
    }
}

/// The sender's quickstart, in a tab of its own: what is shown beside it may be shown only once.
pub fn quickstart(sender: &Sender) -> Markup {
    outward(&format!("Quickstart for {}", sender.title), &links::quickstart(sender.source))
}

/// A link to the documentation, in a tab of its own.
pub fn outward(text: &str, href: &str) -> Markup {
    html! {
        a.outward href=(href) target="_blank" rel="noopener" { (text) (icon(Icon::ExternalLink)) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::senders::{CARDS, sender};
    use super::*;

    #[test]
    fn every_command_and_url_holds_the_keys_own_address() {
        let url = "https://api.test/integrations/v1/webhook/x/key_a?b=\"'";
        for source in CARDS {
            let sender = sender(source);
            let paste = html! { "HERE" };
            let page = Connect { sender: &sender, url, secret: None, key: None, paste };
            let markup = connect(&page).into_string();
            assert!(!markup.contains("{url}"), "{source}");
            let told = markup.matches("webhook/x/key_a?b=&quot;'").count();
            assert_eq!(told, usize::from(!sender.steps.is_empty()), "{source}: {markup}");
            assert!(markup.contains(&format!("href=\"/docs/quickstarts/{source}\"")), "{markup}");
        }
    }
}
