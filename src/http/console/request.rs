//! A request to the console: its cookies, its session, its form.

use std::rc::Rc;

use worker::worker_sys::web_sys::Request;
use worker::{Context, Env};

use super::cookies::{COOKIE_FLASH, COOKIE_SESSION, COOKIE_THEME, COOKIE_VISITOR};
use crate::Result;
use crate::control::ControlPlane;
use crate::control::caller::{Admin, Caller};
use crate::platform::incoming::{Target, body, header};
use crate::platform::{Settings, random};
use tidegate_console::forms::{Form, local_path};
use tidegate_console::layout::{CSRF_HEADER, Theme};
use tidegate_console::links;
use tidegate_core::domain::access::Role;
use tidegate_core::domain::actor::Actor;
use tidegate_core::domain::credential::CredentialHash;
use tidegate_core::domain::rejection::{Code, Rejection};
use tidegate_core::domain::token::{
    SESSION_TOUCH, SessionToken, Token, TokenKind, VisitorToken, session_is_live,
};

/// A request to the console, with everything that a handler needs to respond to it.
pub struct ConsoleRequest<'a> {
    pub http: &'a Request,
    pub env: &'a Env,
    pub context: &'a Context,
    pub settings: &'a Rc<Settings>,
    pub target: Target<'a>,
    pub control_plane: ControlPlane<'a>,
    pub method: String,
    pub theme: Option<Theme>,
    /// The message that the previous response left for this page.
    pub flash: Option<String>,
    /// The id of the element that htmx will put the response into, empty if it has none; `None` if
    /// the browser asks for a whole page.
    pub htmx_target: Option<String>,
    /// The URL of the page that htmx sent this request from.
    current_url: Option<String>,
    /// The session token of the cookie. Only its form and tag have been checked.
    session_token: Option<SessionToken>,
    /// The token that ties forms to this browser while nobody is signed in.
    pub visitor: VisitorToken,
    /// Whether the visitor token was just made, so that its cookie has to be set.
    pub visitor_is_new: bool,
}

/// A live session of a signed-in user.
pub struct Session {
    pub caller: Caller,
    pub token: SessionToken,
    pub hash: CredentialHash,
    pub email: String,
    pub workspace_name: String,
}

impl Session {
    pub fn role(&self) -> Role {
        self.caller.role()
    }

    /// The authority of an owner or admin; `None` for members.
    pub fn admin(&self) -> Option<Admin> {
        self.caller.clone().into_admin().ok()
    }

    /// The authority of an owner or admin; an error for members. For actions that members are not
    /// offered.
    pub fn require_admin(&self) -> Result<Admin> {
        self.caller.clone().into_admin()
    }
}

impl<'a> ConsoleRequest<'a> {
    pub fn new(
        request: &'a Request,
        env: &'a Env,
        context: &'a Context,
        settings: &'a Rc<Settings>,
        target: Target<'a>,
    ) -> Result<Self> {
        let cookies = header(request, "cookie")?.unwrap_or_default();
        let cookie = |name: &str| {
            let mut pairs = cookies.split(';').filter_map(|pair| pair.trim().split_once('='));
            pairs.find(|(pair_name, _)| *pair_name == name).map(|(_, value)| value)
        };
        let tag_keys = &settings.tag_keys;
        let visitor = cookie(COOKIE_VISITOR).and_then(|text| VisitorToken::parse(text, tag_keys));
        let visitor_is_new = visitor.is_none();
        let visitor = match visitor {
            Some(visitor) => visitor,
            None => VisitorToken::mint(&random()?, tag_keys),
        };
        let flash = cookie(COOKIE_FLASH).map(|text| {
            let form = Form::parse(format!("flash={text}").as_bytes());
            form.get("flash").to_owned()
        });
        let is_htmx = header(request, "hx-request")?.is_some();
        let htmx_target = if is_htmx { header(request, "hx-target")? } else { None };
        Ok(Self {
            http: request,
            env,
            context,
            settings,
            target,
            control_plane: ControlPlane::new(env, settings)?,
            method: request.method(),
            theme: cookie(COOKIE_THEME).and_then(Theme::parse),
            flash: flash.filter(|flash| !flash.is_empty()),
            htmx_target: htmx_target.or_else(|| is_htmx.then(String::new)),
            current_url: if is_htmx { header(request, "hx-current-url")? } else { None },
            session_token: cookie(COOKIE_SESSION)
                .and_then(|text| SessionToken::parse(text, tag_keys)),
            visitor,
            visitor_is_new,
        })
    }

    /// Whether htmx asks only for the content of this element.
    pub fn wants_only(&self, element: &str) -> bool {
        self.htmx_target.as_deref() == Some(element)
    }

    pub fn is_htmx(&self) -> bool {
        self.htmx_target.is_some()
    }

    pub fn query(&self) -> Form {
        Form::parse(self.target.query.as_bytes())
    }

    /// The client's IP address.
    pub fn address(&self) -> Result<Option<String>> {
        header(self.http, "cf-connecting-ip")
    }

    pub fn user_agent(&self) -> Result<Option<String>> {
        header(self.http, "user-agent")
    }

    /// The origin of the console, for links that people share.
    pub fn console_origin(&self) -> &str {
        self.settings.public_console_url.as_deref().unwrap_or(self.target.origin)
    }

    /// The origin at which storefronts reach this deployment.
    pub fn api_origin(&self) -> &str {
        self.settings.public_api_url.as_deref().unwrap_or(self.target.origin)
    }

    /// The fields of the posted form. A form that another site sent is refused here, before any
    /// credential is looked at.
    pub async fn form(&self) -> Result<Form> {
        let body = body(self.http).await?;
        let site = header(self.http, "sec-fetch-site")?;
        let cross_site = site.is_some_and(|site| site != "same-origin");
        let origin = header(self.http, "origin")?;
        if cross_site || origin.is_some_and(|origin| origin != self.target.origin) {
            return Err(
                Rejection::new(Code::Forbidden, "This form was sent by another site.").into()
            );
        }
        let content_type = header(self.http, "content-type")?.unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if !body.is_empty() && media_type != "application/x-www-form-urlencoded" {
            let detail = "The console takes forms as application/x-www-form-urlencoded.";
            return Err(Rejection::new(Code::UnsupportedMediaType, detail).into());
        }
        Ok(Form::parse(&body))
    }

    /// Returns an error unless the form or a header carries the CSRF token that belongs to `token`.
    pub fn check_form<K: TokenKind>(&self, form: &Form, token: &Token<K>) -> Result<()> {
        let sent = header(self.http, CSRF_HEADER)?.filter(|sent| !sent.is_empty());
        let sent = sent.as_deref().unwrap_or_else(|| form.get("csrf"));
        if token.csrf_matches(sent, &self.settings.tag_keys) {
            return Ok(());
        }
        Err(Rejection::new(
            Code::Forbidden,
            "This form is of an earlier session. Load the page again, then send it.",
        )
        .into())
    }

    /// The CSRF token for the forms of a session.
    pub fn csrf(&self, session: &Session) -> String {
        session.token.csrf(&self.settings.tag_keys)
    }

    /// The CSRF token for the forms of a visitor who is not signed in.
    pub fn visitor_csrf(&self) -> String {
        self.visitor.csrf(&self.settings.tag_keys)
    }

    /// The live session of this request. A made-up cookie costs no query; an ended session counts
    /// as none. A request that a page sends by itself (a poll) does not extend the session.
    pub async fn session(&self) -> Result<Option<Session>> {
        let Some(token) = &self.session_token else { return Ok(None) };
        let (hash, now) = (token.hash(), self.control_plane.now);
        let Some(row) = self.control_plane.catalogue.session(&hash).await? else { return Ok(None) };
        if !session_is_live(row.seen_at, row.expires_at, now) {
            return Ok(None);
        }
        let is_poll = header(self.http, "x-tidegate-poll")?.is_some();
        if !is_poll && now.since(row.seen_at) >= SESSION_TOUCH {
            self.control_plane.catalogue.touch_session(&hash, now).await?;
        }
        let address = self.address()?;
        let actor = Actor { user_id: row.user_id, api_key_id: None, address };
        Ok(Some(Session {
            caller: Caller::signed_in(row.workspace_id, actor, row.role),
            token: token.clone(),
            hash,
            email: row.email,
            workspace_name: row.workspace_name,
        }))
    }

    /// The path of the page that htmx sent this request from; the overview if that is not known.
    pub fn current_page(&self) -> &str {
        let path = self.current_url.as_deref().map(|url| Target::of(url).path);
        path.and_then(local_path).unwrap_or(links::OVERVIEW)
    }

    /// The path and query of this request, for returning to it after signing in.
    pub fn path_and_query(&self) -> String {
        match self.target.query {
            "" => self.target.path.to_owned(),
            query => format!("{}?{query}", self.target.path),
        }
    }
}
