//! The page of the signed-in user's own account: e-mail and role, sessions, password.

use maud::{Markup, html};

use super::role_label;
use super::team::role_text;
use crate::components::{
    Attributes, Button, Column, Field, Status, TimeStyle, actions, cell, error_summary, form,
    head_cell, keyvalue, mono, muted, page_header, post_button, section, status_badge, table, time,
};
use crate::forms::FormErrors;
use crate::links;
use tidegate_core::domain::access::Role;
use tidegate_core::domain::time::Timestamp;

/// A session of the signed-in user.
#[derive(Clone, Debug)]
pub struct OwnSession {
    /// Whether this request belongs to it.
    pub current: bool,
    pub started_at: Timestamp,
    pub seen_at: Timestamp,
    pub address: Option<String>,
    pub user_agent: Option<String>,
}

/// The view model of the page.
#[derive(Debug)]
pub struct Account<'a> {
    pub csrf: &'a str,
    pub email: &'a str,
    pub role: Role,
    pub workspace: &'a str,
    pub sessions: &'a [OwnSession],
    pub errors: &'a FormErrors,
    pub now: Timestamp,
}

pub fn account(page: &Account<'_>) -> Markup {
    html! {
        (page_header("Your account", None, html! {}))
        (section("you", "You", html! {}, keyvalue(&[
            ("E-mail", html! { (page.email) }),
            ("Role", html! { (role_label(page.role)) " of " (page.workspace) " " (muted(role_text(page.role))) }),
        ])))
        (section("sessions", "Where you are signed in", html! {}, sessions(page)))
        (password_form(page))
    }
}

const BROWSER: Column<'_> = Column::new("Browser");
const ADDRESS: Column<'_> = Column::new("Address");
const STARTED: Column<'_> = Column::new("Started");
const SEEN: Column<'_> = Column::new("Last used");

fn sessions(page: &Account<'_>) -> Markup {
    let rows = html! {
        @for session in page.sessions {
            tr {
                (head_cell(html! {
                    (browser(session.user_agent.as_deref().unwrap_or_default()))
                    @if session.current { " " (status_badge(Status::Good, "This session")) }
                }))
                (cell(&ADDRESS, match &session.address {
                    Some(address) => mono(address),
                    None => muted("Unknown"),
                }))
                (cell(&STARTED, time(session.started_at, TimeStyle::Full)))
                (cell(&SEEN, time(session.seen_at, TimeStyle::Relative(page.now))))
            }
        }
    };
    html! {
        (table("Your sessions in this workspace", &[BROWSER, ADDRESS, STARTED, SEEN], &Attributes::new(), rows))
        (actions(post_button(page.csrf, links::END_SESSIONS,
            &Button::secondary("Sign out everywhere else").busy("Signing out…"))))
        p.hint { "Ends every session of yours but this one, in other workspaces too." }
    }
}

/// The section with the form that changes the password.
pub fn password_form(page: &Account<'_>) -> Markup {
    let errors = page.errors;
    let content = html! {
        (error_summary(&errors.summary()))
        // Lets password managers recognise the account.
        input type="text" name="username" value=(page.email) autocomplete="username" readonly hidden;
        (Field::new("current", "Current password").required().error(errors.of("current"))
            .password("current-password"))
        (Field::new("new", "New password").required().error(errors.of("new"))
            .hint("At least 15 characters. A sentence is easier to keep than a riddle.")
            .attr("minlength", "15").attr("maxlength", "200").password("new-password"))
        (actions(html! { (Button::primary("Change the password").busy("Changing…")) }))
        p.hint { "Every other session of yours ends with the old password. API keys go on." }
    };
    let attributes = Attributes::new().set("class", "stack");
    section(
        "password",
        "Password",
        html! {},
        html! { div.card { (form(page.csrf, links::PASSWORD, &attributes, content)) } },
    )
}

/// Browser and operating system from a `User-Agent`: `Firefox on Linux`. Of an unknown client it is
/// the first word: `curl/8.5.0`.
pub fn browser(user_agent: &str) -> String {
    let find = |known: &[(&str, &'static str)]| {
        known.iter().find(|(token, _)| user_agent.contains(token)).map(|(_, name)| *name)
    };
    // The `User-Agent` of a browser also contains the names of browsers further down in this list.
    let browser = find(&[
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser/", "Samsung Internet"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("CriOS/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = find(&[
        ("Windows", "Windows"),
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("CrOS", "ChromeOS"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, _) => match user_agent.split_whitespace().next() {
            Some(word) => word.chars().take(40).collect(),
            None => "Unknown".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_named_with_its_system() {
        for (user_agent, expected) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
                "Chrome on Windows",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
                "Safari on macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            ("curl/8.5.0", "curl/8.5.0"),
            ("", "Unknown"),
        ] {
            assert_eq!(browser(user_agent), expected);
        }
    }

    #[test]
    fn only_the_current_session_is_marked_and_texts_are_escaped() {
        let session = OwnSession {
            current: false,
            started_at: Timestamp::default(),
            seen_at: Timestamp::default(),
            address: None,
            user_agent: Some("<script>".to_owned()),
        };
        let page = Account {
            csrf: "tok",
            email: "<a>@b.test",
            role: Role::Member,
            workspace: "<Acme>",
            sessions: &[OwnSession { current: true, ..session.clone() }, session],
            errors: &FormErrors::one("new", "<too short>"),
            now: Timestamp::default(),
        };
        let markup = account(&page).into_string();
        assert_eq!(markup.matches("This session").count(), 1);
        assert!(!markup.contains("<script>") && !markup.contains("<Acme>"));
        assert!(!markup.contains("<too short>") && !markup.contains("<a>@b.test"));
    }
}
