//! The console's responses: pages, parts of pages, redirects, errors and static files, with the
//! headers that protect them from other sites.

use maud::{Markup, PreEscaped};
use serde_json::Value;
use worker::js_sys::Uint8Array;
use worker::wasm_bindgen::JsCast;
use worker::worker_sys::web_sys::{ReadableStream, Response, ResponseInit};

use super::cookies::{COOKIE_FLASH, COOKIE_SESSION, COOKIE_VISITOR};
use super::request::{ConsoleRequest, Session};
use crate::Result;
use crate::platform::answer::Answer;
use crate::platform::unlogged_request_id;
use tidegate_console::assets::Asset;
use tidegate_console::components::{Flash, Kind, Layer, modal};
use tidegate_console::layout::{self, Section, Shell};
use tidegate_console::links;
use tidegate_console::pages::error::{ErrorPage, error_page};
use tidegate_core::domain::rejection::{Code, Rejection};
use tidegate_core::domain::time::SECOND;
use tidegate_core::domain::token::SESSION_ABSOLUTE;

/// A response of the console.
#[derive(Debug)]
pub struct Page {
    answer: Answer,
    /// Sent in place of the answer's body.
    stream: Option<ReadableStream>,
    cookies: Vec<String>,
}

impl Page {
    pub fn html(status: u16, markup: Markup) -> Self {
        let PreEscaped(body) = markup;
        Self::from_answer(Answer {
            content_type: "text/html; charset=utf-8",
            ..Answer::json(status, body)
        })
    }

    pub fn json(value: &Value) -> Self {
        Self::from_answer(Answer::json(200, value.to_string()))
    }

    const fn from_answer(answer: Answer) -> Self {
        Self { answer, stream: None, cookies: Vec::new() }
    }

    /// A response with a streamed body.
    pub fn stream(content_type: &'static str, stream: ReadableStream) -> Self {
        let answer = Answer { content_type, ..Answer::json(200, String::new()) };
        Self { stream: Some(stream), ..Self::from_answer(answer) }
    }

    /// Redirects to another page by GET, also after a POST.
    pub fn redirect(path: &str) -> Self {
        Self::html(303, PreEscaped(String::new())).header("Location", path.to_owned())
    }

    /// Redirects to another page, which shows the message once.
    pub fn redirect_with_flash(path: &str, message: &str) -> Self {
        let text: String = form_urlencoded::byte_serialize(message.as_bytes()).collect();
        Self::redirect(path).cookie(&format!("{COOKIE_FLASH}={text}; Max-Age=60"))
    }

    /// Makes a redirect work for htmx too: the browser then loads the whole page, instead of htmx
    /// putting it into a part of the current one.
    #[must_use]
    pub fn for_htmx(mut self, request: &ConsoleRequest<'_>) -> Self {
        if request.is_htmx() {
            self.answer.status = 200;
            for (name, _) in &mut self.answer.headers {
                if *name == "Location" {
                    *name = "HX-Redirect";
                }
            }
        }
        self
    }

    /// The response to a request without a live session: a redirect to the login page, or, if htmx
    /// sent the request, a 401 that the page's script understands.
    pub fn sign_in_required(request: &ConsoleRequest<'_>, is_post: bool) -> Self {
        if request.is_htmx() {
            let message = "Your session has ended. Sign in again.";
            return Self::html(401, maud::html! { p { (message) } })
                .header("X-Session-Expired", "1".to_owned());
        }
        // A POST cannot be repeated after signing in, so that leads to the overview.
        let next = if is_post { links::OVERVIEW.to_owned() } else { request.path_and_query() };
        let next = if next == links::OVERVIEW { "" } else { &next };
        let reason = if is_post { "ended" } else { "" };
        Self::redirect(&links::with_query(links::LOGIN, &[("next", next), ("reason", reason)]))
    }

    /// The error page of a rejection. It needs no session and shows nothing of the workspace.
    pub fn rejected(request: &ConsoleRequest<'_>, rejection: &Rejection) -> Self {
        let request_id = unlogged_request_id().to_string();
        let page = ErrorPage {
            rejection,
            request_id: &request_id,
            contact: request.settings.contact_email.as_deref(),
        };
        let markup = if request.wants_only("layer") {
            // A modal over the page that the browser shows.
            let layer = Layer::new("error", rejection.code.title(), request.current_page());
            modal(&layer, error_page(&page))
        } else if request.is_htmx() {
            error_page(&page)
        } else {
            let title = rejection.code.title();
            layout::bare(title, &request.settings.company, request.theme, error_page(&page))
        };
        let response = Self::html(rejection.code.status(), markup);
        match rejection.retry_after {
            Some(seconds) => response.header("Retry-After", seconds.to_string()),
            None => response,
        }
    }

    #[must_use]
    pub fn header(mut self, name: &'static str, value: String) -> Self {
        self.answer = self.answer.with_header(name, value);
        self
    }

    /// Sets a cookie that scripts cannot read.
    #[must_use]
    pub fn cookie(mut self, pair: &str) -> Self {
        self.cookies.push(format!("{pair}; Path=/; Secure; HttpOnly; SameSite=Lax"));
        self
    }

    #[must_use]
    pub fn start_session(self, token: &str) -> Self {
        let seconds = SESSION_ABSOLUTE / SECOND;
        self.cookie(&format!("{COOKIE_SESSION}={token}; Max-Age={seconds}"))
    }

    #[must_use]
    pub fn end_session(self) -> Self {
        self.cookie(&format!("{COOKIE_SESSION}=; Max-Age=0"))
    }

    pub fn into_response(self, request: &ConsoleRequest<'_>) -> Result<Response> {
        let Self { mut answer, stream, mut cookies } = self;
        let is_page = answer.content_type.starts_with("text/html");
        if is_page && answer.status == 200 && request.flash.is_some() && !request.is_htmx() {
            cookies.push(format!("{COOKIE_FLASH}=; Max-Age=0; Path=/; Secure; HttpOnly"));
        }
        if request.visitor_is_new && is_page && !request.is_htmx() {
            let token = request.visitor.reveal();
            cookies
                .push(format!("{COOKIE_VISITOR}={token}; Path=/; Secure; HttpOnly; SameSite=Lax"));
        }
        answer =
            answer.with_security().with_header("Vary", "Cookie, HX-Request, HX-Target".to_owned());
        for cookie in cookies {
            answer = answer.with_header("Set-Cookie", cookie);
        }
        let request_id = unlogged_request_id();
        match stream {
            Some(stream) => Ok(answer.into_stream(&request_id, Some(&stream))?),
            None => Ok(answer.into_response(&request_id)?),
        }
    }
}

impl ConsoleRequest<'_> {
    /// The whole markup of a page for a signed-in user: the layout with navigation around `main`.
    pub fn page_markup(
        &self,
        session: &Session,
        title: &str,
        active: Section,
        layer: Option<Markup>,
        main: Markup,
    ) -> Markup {
        let csrf = self.csrf(session);
        let role = session.role();
        let shell = Shell {
            title,
            workspace_name: &session.workspace_name,
            user_email: &session.email,
            role_label: tidegate_console::pages::role_label(role),
            active,
            theme: self.theme,
            csrf: &csrf,
            flash: self.flash.clone().map(|text| Flash { kind: Kind::Good, text }),
            company: &self.settings.company,
            layer,
        };
        layout::page(&shell, main)
    }

    /// The whole markup of a page for a visitor who is not signed in.
    pub fn bare_markup(&self, title: &str, main: Markup) -> Markup {
        layout::bare(title, &self.settings.company, self.theme, main)
    }
}

/// A static file. The content under a name never changes, so browsers may cache it for a year.
pub fn asset(path: &str) -> Result<Response> {
    let Some(asset) = Asset::by_path(path) else {
        return Err(Rejection::new(Code::NotFound, "There is no such file.").into());
    };
    let init = serde_json::json!({ "status": 200, "headers": [
        ["Content-Type", asset.content_type()],
        ["Cache-Control", "public, max-age=31536000, immutable"],
        ["X-Content-Type-Options", "nosniff"],
        ["Cross-Origin-Resource-Policy", "same-origin"],
    ]});
    let init = worker::js_sys::JSON::parse(&init.to_string()).map_err(worker::Error::from)?;
    let init: ResponseInit = init.unchecked_into();
    let body = Uint8Array::from(asset.bytes());
    let response = Response::new_with_opt_js_u8_array_and_init(Some(&body), &init);
    Ok(response.map_err(worker::Error::from)?)
}
