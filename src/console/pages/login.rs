//! Signing in.

use maud::{Markup, html};

use crate::console::components::{
    Attributes, Button, Field, Kind, error_summary, form, hidden, inline_note,
};
use crate::console::forms::FormErrors;
use crate::console::links;

/// The login page.
#[derive(Debug, Default)]
pub struct Login<'a> {
    pub csrf: &'a str,
    pub email: &'a str,
    /// Where to go on to.
    pub next: &'a str,
    /// Why the page is shown, where it was not asked for.
    pub note: Option<&'a str>,
    pub errors: FormErrors,
    /// Whom Cloudflare Access says the visitor is, where that is set up.
    pub access_email: Option<&'a str>,
}

pub fn login(page: &Login<'_>) -> Markup {
    let fields = html! {
        (error_summary(&page.errors.summary()))
        (hidden("next", page.next))
        (Field::new("email", "E-mail").required().error(page.errors.of("email"))
            .attr("autocomplete", "username").flag("autofocus").email(page.email))
        (Field::new("password", "Password").required().error(page.errors.of("password"))
            .password("current-password"))
        (Button::primary("Sign in").busy("Signing in…"))
    };
    html! {
        h1 { "Sign in" }
        @if let Some(note) = page.note { (inline_note(Kind::Info, html! { (note) })) }
        @if let Some(email) = page.access_email {
            (form(page.csrf, links::ACCESS_LOGIN, &Attributes::new(), html! {
                (hidden("next", page.next))
                (Button::primary("Continue with Cloudflare Access").busy("Signing in…"))
                p.hint { "You are known there as " (email) "." }
            }))
            p.divider { "or" }
        }
        (form(page.csrf, links::LOGIN, &Attributes::new().set("class", "stack"), fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_comes_back_but_never_the_password() {
        let page = Login {
            csrf: "tok",
            email: "a\"b@c.d",
            next: "/orders",
            errors: FormErrors::one("", "No account has this e-mail address and password."),
            ..Login::default()
        };
        let markup = login(&page).into_string();
        assert!(markup.contains("value=\"a&quot;b@c.d\"") && markup.contains("value=\"/orders\""));
        assert!(markup.contains("No account has"));
        assert!(!markup.contains("Cloudflare"));
    }
}
