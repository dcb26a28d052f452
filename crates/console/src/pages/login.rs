//! The login page.

use maud::{Markup, html};

use crate::components::{
    Attributes, Button, Field, Kind, error_summary, form, hidden, inline_note,
};
use crate::forms::FormErrors;
use crate::links;

/// The view model of the login page.
#[derive(Debug, Default)]
pub struct Login<'a> {
    pub csrf: &'a str,
    pub email: &'a str,
    /// The path to open after signing in.
    pub next: &'a str,
    /// Says why the visitor was sent to this page; `None` if they opened it themselves.
    pub note: Option<&'a str>,
    pub errors: FormErrors,
    /// The visitor's address according to Cloudflare Access, if that is configured.
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
    fn typed_values_are_shown_again_except_the_password() {
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
