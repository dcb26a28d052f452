//! The error page.

use maud::{Markup, html};

use crate::components::{Button, mono};
use crate::links;
use tidegate_core::domain::rejection::{Code, Rejection};

/// The view model of the error page.
#[derive(Debug)]
pub struct ErrorPage<'a> {
    pub rejection: &'a Rejection,
    pub request_id: &'a str,
    /// The operator's contact address (`CONTACT_EMAIL`), shown for server errors.
    pub contact: Option<&'a str>,
}

pub fn error_page(page: &ErrorPage<'_>) -> Markup {
    let code = page.rejection.code;
    html! {
        div.error-page role="alert" {
            h1 { (title(code)) }
            p { (page.rejection.detail) }
            p.muted { "Request " (mono(page.request_id)) " · " (mono(code.as_str())) }
            @if code.status() >= 500 && let Some(contact) = page.contact {
                p { "If it goes on, write to " a href={ "mailto:" (contact) } { (contact) } "." }
            }
            (Button::secondary("Back to the console").href(links::OVERVIEW))
        }
    }
}

const fn title(code: Code) -> &'static str {
    match code {
        Code::NotFound => "Nothing is here",
        Code::Forbidden => "This is not yours to do",
        Code::RateLimited => "Slow down a moment",
        _ => code.title(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_its_detail_and_request_id_and_the_contact_only_for_server_errors() {
        let rejection = Rejection::new(Code::NotFound, "There is no <key>.");
        let page = ErrorPage { rejection: &rejection, request_id: "req_x", contact: Some("a@b.c") };
        let markup = error_page(&page).into_string();
        assert!(markup.contains("There is no &lt;key&gt;.") && markup.contains("req_x"));
        assert!(!markup.contains("mailto:"), "nobody need be asked about a wrong address");
        let rejection = Rejection::new(Code::InternalError, "Ours.");
        let page = ErrorPage { rejection: &rejection, ..page };
        assert!(error_page(&page).into_string().contains("mailto:a@b.c"));
    }
}
