//! One request to the console: its cookies, its session, its form.

use std::rc::Rc;

use worker::worker_sys::web_sys::Request;
use worker::{Context, Env};

use super::page::COOKIE_SESSION;
use crate::console::forms::{Form, local_path};
use crate::console::layout::{CSRF_HEADER, Theme};
use crate::console::links;
use crate::domain::access::Role;
use crate::domain::credential::CredentialHash;
use crate::domain::rejection::{Code, Rejection};
use crate::domain::token::{
    SESSION_TOUCH, SessionToken, Token, TokenKind, VisitorToken, session_is_live,
};
use crate::edge::Result;
use crate::edge::caller::{Admin, Caller};
use crate::edge::incoming::{Target, body, header};
use crate::edge::operations::ControlPlane;
use crate::edge::platform::{Settings, random};
use crate::protocol::key_gate::Actor;

/// What a handler of the console works with.
pub struct ConsoleRequest<'a> {
    pub request: &'a Request,
    pub env: &'a Env,
    pub context: &'a Context,
    pub settings: &'a Rc<Settings>,
    pub target: Target<'a>,
    pub operations: ControlPlane<'a>,
    pub method: String,
    pub theme: Option<Theme>,
    /// What the page before said would be told on this one.
    pub flash: Option<String>,
    /// The element that htmx will put the answer into; `None` where the browser asks for a page.
    pub htmx_target: Option<String>,
    /// The page that htmx asked from.
    current_url: Option<String>,
    /// The session's token, its form checked.
    presented: Option<SessionToken>,
    /// The token of whoever is not signed in, and whether their browser has yet to be given it.
    pub visitor: VisitorToken,
    pub visitor_is_new: bool,
}

/// Somebody who is signed in.
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

    /// The same, for what members have no way to ask for.
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
            pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
        };
        let tag_keys = &settings.tag_keys;
        let known = cookie(super::page::COOKIE_VISITOR)
            .and_then(|text| VisitorToken::parse(text, tag_keys));
        let visitor_is_new = known.is_none();
        let visitor = match known {
            Some(visitor) => visitor,
            None => VisitorToken::mint(&random()?, tag_keys),
        };
        let flash = cookie(super::page::COOKIE_FLASH).map(|text| {
            let form = Form::parse(format!("flash={text}").as_bytes());
            form.get("flash").to_owned()
        });
        let is_htmx = header(request, "hx-request")?.is_some();
        let htmx_target = if is_htmx { header(request, "hx-target")? } else { None };
        Ok(Self {
            request,
            env,
            context,
            settings,
            target,
            operations: ControlPlane::new(env, settings)?,
            method: request.method(),
            theme: cookie(super::page::COOKIE_THEME).and_then(Theme::parse),
            flash: flash.filter(|flash| !flash.is_empty()),
            htmx_target: htmx_target.or_else(|| is_htmx.then(String::new)),
            current_url: if is_htmx { header(request, "hx-current-url")? } else { None },
            presented: cookie(COOKIE_SESSION).and_then(|text| SessionToken::parse(text, tag_keys)),
            visitor,
            visitor_is_new,
        })
    }

    /// Whether only what stands in this element is asked for.
    pub fn wants_only(&self, element: &str) -> bool {
        self.htmx_target.as_deref() == Some(element)
    }

    pub fn is_htmx(&self) -> bool {
        self.htmx_target.is_some()
    }

    pub fn query(&self) -> Form {
        Form::parse(self.target.query.as_bytes())
    }

    /// The address that the visitor comes from.
    pub fn address(&self) -> Result<Option<String>> {
        header(self.request, "cf-connecting-ip")
    }

    pub fn user_agent(&self) -> Result<Option<String>> {
        header(self.request, "user-agent")
    }

    /// The origin of the console, for links that people are given.
    pub fn console_origin(&self) -> &str {
        self.settings.public_console_url.as_deref().unwrap_or(self.target.origin)
    }

    /// Where storefronts reach this deployment.
    pub fn api_origin(&self) -> &str {
        self.settings.public_api_url.as_deref().unwrap_or(self.target.origin)
    }

    /// The fields of the form that was posted. One that another site sent is refused here, whoever
    /// it claims to be.
    pub async fn form(&self) -> Result<Form> {
        let body = body(self.request).await?;
        let site = header(self.request, "sec-fetch-site")?;
        let from_elsewhere = site.is_some_and(|site| site != "same-origin");
        let origin = header(self.request, "origin")?;
        if from_elsewhere || origin.is_some_and(|origin| origin != self.target.origin) {
            return Err(Rejection::new(Code::Forbidden, "This form was sent by another site."));
        }
        let content_type = header(self.request, "content-type")?.unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if !body.is_empty() && media_type != "application/x-www-form-urlencoded" {
            let detail = "The console takes forms as application/x-www-form-urlencoded.";
            return Err(Rejection::new(Code::UnsupportedMediaType, detail));
        }
        Ok(Form::parse(&body))
    }

    /// Refuses a form that does not carry the token of whoever holds `token`.
    pub fn check_form<K: TokenKind>(&self, form: &Form, token: &Token<K>) -> Result<()> {
        let sent = header(self.request, CSRF_HEADER)?.filter(|sent| !sent.is_empty());
        let sent = sent.as_deref().unwrap_or_else(|| form.get("csrf"));
        if token.holds_csrf(sent, &self.settings.tag_keys) {
            return Ok(());
        }
        Err(Rejection::new(
            Code::Forbidden,
            "This form is of an earlier session. Load the page again, then send it.",
        ))
    }

    /// The token for the forms of a session.
    pub fn csrf(&self, session: &Session) -> String {
        session.token.csrf(&self.settings.tag_keys)
    }

    /// The token for the forms of somebody who is not signed in.
    pub fn visitor_csrf(&self) -> String {
        self.visitor.csrf(&self.settings.tag_keys)
    }

    /// Who is signed in. A made-up cookie costs no query; one that has ended is as good as none.
    /// What loads again by itself does not keep a session alive.
    pub async fn session(&self) -> Result<Option<Session>> {
        let Some(token) = &self.presented else { return Ok(None) };
        let (hash, now) = (token.hash(), self.operations.now);
        let Some(row) = self.operations.catalogue.session(&hash).await? else { return Ok(None) };
        if !session_is_live(row.seen_at, row.expires_at, now) {
            return Ok(None);
        }
        let by_itself = header(self.request, "x-tidegate-poll")?.is_some();
        if !by_itself && now.since(row.seen_at) >= SESSION_TOUCH {
            self.operations.catalogue.touch_session(&hash, now).await?;
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

    /// The path of the page that htmx asked from; the console's first page where that is not known.
    pub fn behind(&self) -> &str {
        let path = self.current_url.as_deref().map(|url| Target::of(url).path);
        path.and_then(local_path).unwrap_or(links::OVERVIEW)
    }

    /// The path and query of this page, to come back to.
    pub fn here(&self) -> String {
        match self.target.query {
            "" => self.target.path.to_owned(),
            query => format!("{}?{query}", self.target.path),
        }
    }
}
