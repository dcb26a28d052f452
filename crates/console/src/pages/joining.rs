//! The pages that set up the first workspace of a deployment and that accept an invite.

use maud::{Markup, html};

use crate::components::{
    Attributes, Button, Field, Kind, error_summary, form, hidden, inline_note,
};
use crate::forms::{Form, FormErrors};
use crate::links;
use tidegate_core::domain::access::Role;

/// The view model of the setup page.
#[derive(Debug)]
pub struct SetUpPage<'a> {
    pub csrf: &'a str,
    /// The single-use token from the link.
    pub token: &'a str,
    pub typed: &'a Form,
    pub errors: &'a FormErrors,
}

/// The label of a field of the setup form, with which its error messages begin.
pub fn setup_label(field: &str) -> &'static str {
    match field {
        "workspace_name" => "The workspace's name",
        "owner_email" => "Your e-mail address",
        "owner_password" => "The password",
        "store_name" => "The store's name",
        _ => "The form",
    }
}

pub fn set_up(page: &SetUpPage<'_>) -> Markup {
    let field = |name, label| {
        Field::new(name, label).required().error(page.errors.of(name)).attr("maxlength", "100")
    };
    let content = html! {
        (error_summary(&page.errors.summary()))
        (hidden("token", page.token))
        (field("workspace_name", "Workspace").hint("Your company or team.").flag("autofocus")
            .text(page.typed.get("workspace_name")))
        (field("store_name", "First store")
            .hint("What orders belong to. You can add more and rename them later.")
            .text(page.typed.get("store_name")))
        (field("owner_email", "Your e-mail").attr("autocomplete", "username")
            .email(page.typed.get("owner_email")))
        (field("owner_password", "Password").hint("At least 15 characters: a sentence works well.")
            .password("new-password"))
        (Button::primary("Create workspace").busy("Creating…"))
    };
    html! {
        h1 { "Set up " "this deployment" }
        p.muted { "This makes its first workspace, with you as its owner. The link works once." }
        (form(page.csrf, links::SETUP, &Attributes::new().set("class", "stack"), content))
    }
}

/// The page for a visitor who has no valid token (`done` is false), or who comes after the setup
/// (`done` is true).
pub fn set_up_closed(done: bool) -> Markup {
    html! {
        h1 { @if done { "This deployment has been set up" } @else { "The link is not complete" } }
        p {
            @if done { "It has a workspace. Ask its owner for an invite, or sign in." }
            @else {
                "Open the whole link that npm start printed, or add the deployment's SETUP_TOKEN: "
                code { "/setup?token=…" }
            }
        }
        (Button::primary("Sign in").href(links::LOGIN))
    }
}

/// The view model of the page that accepts an invite.
#[derive(Debug)]
pub struct InvitePage<'a> {
    pub csrf: &'a str,
    pub token: &'a str,
    pub workspace: &'a str,
    pub invited_by: &'a str,
    pub email: &'a str,
    pub role: Role,
    /// Whether the e-mail address has an account. If so, the page asks for its password, else for a
    /// new one.
    pub known: bool,
    pub errors: &'a FormErrors,
}

pub fn invite(page: &InvitePage<'_>) -> Markup {
    let password = Field::new("password", if page.known { "Your password" } else { "Password" })
        .required()
        .error(page.errors.of("password"))
        .flag("autofocus");
    let content = html! {
        (error_summary(&page.errors.summary()))
        (Field::new("email", "E-mail").attr("autocomplete", "username").flag("readonly")
            .email(page.email))
        @if page.known {
            (password.hint("You have an account here already.").password("current-password"))
        } @else {
            (password.hint("At least 15 characters: a sentence works well.")
                .password("new-password"))
        }
        (Button::primary("Join").busy("Joining…"))
    };
    let role = super::role_label(page.role);
    html! {
        h1 { "Join " (page.workspace) }
        p.muted { (page.invited_by) " invites you as " (role) "." }
        (form(page.csrf, &links::invite(page.token), &Attributes::new().set("class", "stack"),
            content))
    }
}

/// The page for an invite that is no longer valid.
pub fn invite_gone(detail: &str) -> Markup {
    html! {
        h1 { "This invite is not good any more" }
        (inline_note(Kind::Info, html! { (detail) }))
        (Button::secondary("Sign in").href(links::LOGIN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_password_is_not_filled_in_again() {
        let typed = Form::parse(b"owner_password=secret-of-mine&store_name=%3CShop%3E");
        let errors = FormErrors::one("owner_password", "The password is too short.");
        let page = SetUpPage { csrf: "c", token: "t", typed: &typed, errors: &errors };
        let markup = set_up(&page).into_string();
        assert!(markup.contains("&lt;Shop&gt;") && markup.contains("too short"));
        assert!(!markup.contains("secret-of-mine"));
    }

    #[test]
    fn an_invite_asks_for_the_password_of_an_existing_account_or_for_a_new_one() {
        let page = InvitePage {
            csrf: "c",
            token: "t",
            workspace: "<Acme>",
            invited_by: "o@acme.test",
            email: "new@acme.test",
            role: Role::Admin,
            known: false,
            errors: &FormErrors::default(),
        };
        let markup = invite(&page).into_string();
        assert!(markup.contains("new-password") && markup.contains("&lt;Acme&gt;"), "{markup}");
        let markup = invite(&InvitePage { known: true, ..page }).into_string();
        assert!(markup.contains("current-password"), "{markup}");
    }
}
