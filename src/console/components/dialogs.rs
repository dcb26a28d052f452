//! Dialogs that ask before something is destroyed.

use maud::{Markup, html};

use super::layers::{Layer, small_modal};
use super::{Attributes, Button, actions, form};

/// What is asked before something is destroyed.
#[derive(Clone, Debug)]
pub struct Confirm<'a> {
    pub id: &'a str,
    /// A question that quotes the name: `Revoke “Main shop”?`
    pub title: &'a str,
    /// What stops or is lost.
    pub body: Markup,
    /// Where the form posts to.
    pub action: &'a str,
    pub csrf: &'a str,
    /// Names what is destroyed: `Revoke Main shop`.
    pub button: &'a str,
    pub busy: &'a str,
    pub close_href: &'a str,
    /// htmx's attributes of the form; none makes it an ordinary one.
    pub attributes: Attributes,
}

/// The dialog. Its destructive button is not the one that has focus first.
pub fn confirm(asked: Confirm<'_>) -> Markup {
    let layer = Layer::new(asked.id, asked.title, asked.close_href);
    let buttons = html! {
        (Button::secondary("Cancel").href(asked.close_href).attr("data-close", "").attr("autofocus", ""))
        (Button::danger(asked.button).busy(asked.busy))
    };
    let content = html! { (asked.body) (actions(buttons)) };
    small_modal(&layer, form(asked.csrf, asked.action, &asked.attributes, content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialog_quotes_the_name_and_focuses_the_harmless_button() {
        let markup = confirm(Confirm {
            id: "revoke",
            title: "Revoke “<Main>”?",
            body: html! { p { "Requests are refused at once." } },
            action: "/x/revoke",
            csrf: "tok",
            button: "Revoke <Main>",
            busy: "Revoking…",
            close_href: "/x",
            attributes: Attributes::new(),
        })
        .into_string();
        assert!(markup.contains("Revoke “&lt;Main&gt;”?"));
        assert!(markup.contains("name=\"csrf\" value=\"tok\""));
        assert!(markup.find("autofocus") < markup.find("Revoke &lt;Main&gt;<"), "{markup}");
    }
}
