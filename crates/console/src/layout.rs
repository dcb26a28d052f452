//! The frame around every page: navigation, toasts and the document's head.

use maud::{DOCTYPE, Markup, html};

use super::assets::Asset;
use super::components::{Attributes, Button};
use super::components::{Flash, form, kbd, toasts};
use super::icons::{Icon, icon, mark};
use super::links;

/// htmx's configuration: it evaluates no code and caches no page in the browser's storage. Of the
/// error responses it swaps in only those that carry a form or a page.
const HTMX_CONFIG: &str = r#"{"includeIndicatorStyles":false,"allowEval":false,"historyCacheSize":0,"refreshOnHistoryMiss":true,"selfRequestsOnly":true,"responseHandling":[{"code":"204","swap":false},{"code":"[23]..","swap":true},{"code":"4(09|22|03|04|29)","swap":true,"error":false},{"code":"[45]..","swap":false,"error":true}]}"#;

/// The header in which htmx sends the CSRF token.
pub const CSRF_HEADER: &str = "X-CSRF-Token";

/// Which entry of the navigation is the current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Overview,
    Orders,
    Connectors,
    Stores,
    Team,
    Audit,
    Account,
    /// No entry, for example on an error page.
    Elsewhere,
}

/// A theme that the operator chose instead of the system's setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    Light,
    Dark,
}

impl Theme {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// Parses a cookie or form value. `None` (also for `system`) means: follow the system.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "light" => Some(Self::Light),
            "dark" => Some(Self::Dark),
            _ => None,
        }
    }
}

/// The view model of the frame.
#[derive(Clone, Debug)]
pub struct Shell<'a> {
    pub title: &'a str,
    pub workspace_name: &'a str,
    pub user_email: &'a str,
    /// `Owner`, `Admin` or `Member`.
    pub role_label: &'a str,
    pub active: Section,
    pub theme: Option<Theme>,
    pub csrf: &'a str,
    pub flash: Option<Flash>,
    /// The deployment's own name (`COMPANY_SHORT_NAME`).
    pub company: &'a str,
    /// A modal or drawer over the page.
    pub layer: Option<Markup>,
}

/// A whole page for a signed-in operator.
pub fn page(shell: &Shell<'_>, main: Markup) -> Markup {
    let body = html! {
        a.skip href="#main" { "Skip to content" }
        div.shell {
            (top_bar(shell))
            nav.side aria-label="Console" { (navigation(shell, "side")) }
            main id="main" tabindex="-1" {
                (main)
            }
        }
        div id="layer" { @if let Some(layer) = &shell.layer { (layer) } }
        (toasts(shell.flash.as_ref()))
        (shortcuts())
        (session_ended())
    };
    document(shell.title, shell.company, shell.theme, Some(shell.csrf), "app", body)
}

/// A page without navigation: sign-in, setup, an invite, an error.
pub fn bare(title: &str, company: &str, theme: Option<Theme>, main: Markup) -> Markup {
    let body = html! {
        main.bare id="main" {
            div.bare-brand { (mark()) span { (company) } }
            (main)
        }
        (toasts(None))
    };
    document(title, company, theme, None, "bare-page", body)
}

fn document(
    title: &str,
    company: &str,
    theme: Option<Theme>,
    csrf: Option<&str>,
    class: &str,
    body: Markup,
) -> Markup {
    let headers = csrf.map(|csrf| serde_json::json!({ CSRF_HEADER: csrf }).to_string());
    html! {
        (DOCTYPE)
        html lang="en" data-theme=[theme.map(Theme::as_str)] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content=(theme.map_or("light dark", Theme::as_str));
                meta name="robots" content="noindex";
                title { (title) " · " (company) }
                link rel="icon" type="image/svg+xml" href=(Asset::Favicon.path());
                link rel="stylesheet" href=(Asset::Stylesheet.path());
                meta name="htmx-config" content=(HTMX_CONFIG);
                script src=(Asset::Htmx.path()) defer {}
                script src=(Asset::Script.path()) defer {}
            }
            body class=(class) hx-headers=[headers] { (body) }
        }
    }
}

/// The top bar of narrow screens. Its menu contains the navigation in a `details` element, so that
/// it opens without a script.
fn top_bar(shell: &Shell<'_>) -> Markup {
    html! {
        header.top-bar {
            a.brand href=(links::OVERVIEW) { (mark()) span { (shell.company) } }
            details.menu {
                summary.button.ghost.icon-only title="Menu" {
                    (icon(Icon::Menu)) span.visually-hidden { "Menu" }
                }
                nav.menu-panel aria-label="Console" { (navigation(shell, "menu")) }
            }
        }
    }
}

/// The navigation. A page has it twice; `place` makes the ids of the two distinct.
fn navigation(shell: &Shell<'_>, place: &str) -> Markup {
    html! {
        a.brand href=(links::OVERVIEW) { (mark()) span { (shell.company) } }
        form.global-search role="search" action=(links::ORDERS) method="get" {
            label.visually-hidden for={ "q-" (place) } { "Search orders" }
            (icon(Icon::Search))
            input.control id={ "q-" (place) } type="search" name="q" placeholder="Search orders"
                autocomplete="off" data-global-search;
            (kbd("/"))
        }
        (entry_list(shell.active, &DAILY))
        p.nav-title { "Settings" }
        (entry_list(shell.active, &SETTINGS))
        ul.nav.help {
            li { a href=(links::DOCS) target="_blank" rel="noopener" { (icon(Icon::Help)) "Documentation" } }
        }
        div.side-foot { (user_menu(shell)) }
    }
}

/// An entry of the navigation. `key` is the shortcut that opens it after `g`.
struct Entry {
    section: Section,
    href: &'static str,
    icon: Icon,
    label: &'static str,
    key: &'static str,
}

const DAILY: [Entry; 2] = [
    Entry {
        section: Section::Overview,
        href: links::OVERVIEW,
        icon: Icon::Overview,
        label: "Overview",
        key: "h",
    },
    Entry {
        section: Section::Orders,
        href: links::ORDERS,
        icon: Icon::Orders,
        label: "Orders",
        key: "o",
    },
];

const SETTINGS: [Entry; 4] = [
    Entry {
        section: Section::Connectors,
        href: links::CONNECTORS,
        icon: Icon::Connectors,
        label: "Connectors",
        key: "c",
    },
    Entry {
        section: Section::Stores,
        href: links::STORES,
        icon: Icon::Stores,
        label: "Stores",
        key: "s",
    },
    Entry { section: Section::Team, href: links::TEAM, icon: Icon::Team, label: "Team", key: "t" },
    Entry {
        section: Section::Audit,
        href: links::AUDIT,
        icon: Icon::Audit,
        label: "Audit log",
        key: "a",
    },
];

fn entry_list(active: Section, entries: &[Entry]) -> Markup {
    html! {
        ul.nav {
            @for entry in entries {
                li {
                    a href=(entry.href) data-shortcut={ "g " (entry.key) }
                        aria-current=[(active == entry.section).then_some("page")]
                    { (icon(entry.icon)) (entry.label) }
                }
            }
        }
    }
}

fn user_menu(shell: &Shell<'_>) -> Markup {
    html! {
        details.user-menu {
            summary {
                span.who {
                    span.workspace { (shell.workspace_name) }
                    span.email { (shell.user_email) }
                }
                (icon(Icon::ChevronDown))
            }
            div.user-panel {
                p.role { (shell.role_label) }
                a.menu-item href=(links::ACCOUNT)
                    aria-current=[(shell.active == Section::Account).then_some("page")]
                { (icon(Icon::Account)) "Your account" }
                button.menu-item.needs-script type="button" data-shortcuts {
                    (icon(Icon::Keyboard)) "Keyboard shortcuts"
                }
                (theme_buttons(shell))
                (form(shell.csrf, links::LOGOUT, &Attributes::new(), html! {
                    button.menu-item type="submit" { (icon(Icon::SignOut)) "Sign out" }
                }))
            }
        }
    }
}

fn theme_buttons(shell: &Shell<'_>) -> Markup {
    let button = |value: &str, shape, label: &str| {
        let pressed = shell.theme.map_or("system", Theme::as_str) == value;
        html! {
            button type="submit" name="theme" value=(value) title=(label) aria-pressed=(pressed.to_string()) {
                (icon(shape)) span.visually-hidden { (label) }
            }
        }
    };
    let attributes = Attributes::new().set("class", "themes").flag("data-themes", true);
    form(
        shell.csrf,
        links::THEME,
        &attributes,
        html! {
            (button("system", Icon::System, "Theme of the system"))
            (button("light", Icon::Sun, "Light theme"))
            (button("dark", Icon::Moon, "Dark theme"))
        },
    )
}

/// The dialog that lists the keyboard shortcuts; `?` opens it. On a page without a button for a new
/// key, the shortcut `n` follows the link in this dialog.
fn shortcuts() -> Markup {
    let row = |action: Markup, keys: &[&str]| {
        html! { div { dt { (action) } dd { @for key in keys { (kbd(key)) } } } }
    };
    html! {
        dialog.modal.small id="shortcuts" aria-labelledby="shortcuts-title" {
            div.layer-head {
                h2 id="shortcuts-title" tabindex="-1" { "Keyboard shortcuts" }
                button.button.ghost.icon-only.close type="button" data-dismiss title="Close" {
                    (icon(Icon::Close)) span.visually-hidden { "Close" }
                }
            }
            dl.layer-body.shortcuts {
                (row(html! { "Search" }, &["/"]))
                (row(
                    html! { a href=(links::NEW_KEY) data-shortcut="n" { "New integration key" } },
                    &["n"],
                ))
                @for entry in DAILY.iter().chain(&SETTINGS) {
                    (row(html! { "Go to " (entry.label) }, &["g", entry.key]))
                }
                (row(html! { "Close a dialog or drawer" }, &["Esc"]))
                (row(html! { "Show this list" }, &["?"]))
            }
        }
    }
}

/// The dialog that the script opens when a response says that the session has ended.
fn session_ended() -> Markup {
    html! {
        dialog.modal.small id="session-ended" aria-labelledby="session-ended-title" {
            div.layer-head { h2 id="session-ended-title" tabindex="-1" { "Your session has ended" } }
            div.layer-body {
                p { "Sign in in a new tab, then come back and continue. What you typed is still here." }
                p.error role="status" data-resume-note {}
                div.actions {
                    button.button type="button" data-resume=(links::FORM_TOKEN) { span.label { "Continue" } }
                    (Button::primary("Sign in").icon(Icon::ExternalLink).href(links::LOGIN).attr("target", "_blank").attr("rel", "noopener"))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell() -> Shell<'static> {
        Shell {
            title: "<Connectors>",
            workspace_name: "<Acme>",
            user_email: "o@acme.test",
            role_label: "Owner",
            active: Section::Connectors,
            theme: Some(Theme::Dark),
            csrf: "tok\"en",
            flash: None,
            company: "Tidegate",
            layer: None,
        }
    }

    #[test]
    fn a_page_contains_nothing_that_the_content_security_policy_would_block() {
        let markup = page(&shell(), html! {}).into_string();
        assert!(!markup.contains("style=\"") && !markup.contains("<style"), "{markup}");
        assert!(!markup.contains(" onclick") && !markup.contains("hx-on"));
        assert_eq!(
            markup.matches("<script").count(),
            markup.matches("<script src=\"/assets/").count()
        );
    }

    #[test]
    fn the_current_section_is_marked_in_both_navigations_and_nowhere_else() {
        let markup = page(&shell(), html! {}).into_string();
        assert_eq!(markup.matches("aria-current=\"page\"").count(), 2);
    }

    #[test]
    fn a_chosen_theme_is_set_on_the_html_element_by_the_server() {
        let markup = page(&shell(), html! {}).into_string();
        assert!(markup.contains("<html lang=\"en\" data-theme=\"dark\">"));
        let system = page(&Shell { theme: None, ..shell() }, html! {}).into_string();
        assert!(system.contains("<html lang=\"en\">"));
    }

    #[test]
    fn texts_and_the_token_are_escaped() {
        let markup = page(&shell(), html! {}).into_string();
        assert!(!markup.contains("<Acme>") && !markup.contains("<Connectors>"));
        assert!(
            markup.contains("hx-headers=\"{&quot;X-CSRF-Token&quot;:&quot;tok\\&quot;en&quot;}\""),
            "{markup}"
        );
    }

    #[test]
    fn ids_are_unique() {
        let markup = page(&shell(), html! {}).into_string();
        let mut ids: Vec<_> =
            markup.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all);
    }
}
