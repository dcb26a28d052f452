//! Dialogs that ask for confirmation of a destructive action.

use maud::{Markup, html};

use super::layers::{Layer, small_modal};
use super::{Attributes, Button, actions, form};

/// The view model of a confirmation dialog.
#[derive(Clone, Debug)]
pub struct Confirm<'a> {
    pub id: &'a str,
    /// A question with the name in quotes: `Revoke “Main shop”?`
    pub title: &'a str,
    /// Explains what stops working or is lost.
    pub body: Markup,
    /// The URL that the form posts to.
    pub action: &'a str,
    pub csrf: &'a str,
    /// The label of the destructive button, with the name: `Revoke Main shop`.
    pub button: &'a str,
    pub busy: &'a str,
    pub close_href: &'a str,
    /// htmx's attributes for the form. Without any, the browser submits the form itself.
    pub attributes: Attributes,
}

/// A confirmation dialog. Initially the harmless button has the focus, not the destructive one.
pub fn confirm(dialog: Confirm<'_>) -> Markup {
    let layer = Layer::new(dialog.id, dialog.title, dialog.close_href);
    let buttons = html! {
        (Button::secondary("Cancel").href(dialog.close_href).attr("data-close", "").attr("autofocus", ""))
        (Button::danger(dialog.button).busy(dialog.busy))
    };
    let content = html! { (dialog.body) (actions(buttons)) };
    small_modal(&layer, form(dialog.csrf, dialog.action, &dialog.attributes, content))
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
