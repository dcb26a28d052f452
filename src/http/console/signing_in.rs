//! Login by password or Cloudflare Access, logout, and the theme.

use serde_json::json;

use super::cookies::COOKIE_THEME;
use super::page::Page;
use super::request::{ConsoleRequest, Session};
use crate::Result;
use crate::catalogue::Catalogue;
use crate::catalogue::audit_log::AuditEntry;
use crate::catalogue::members::UserRow;
use crate::catalogue::sessions::NewSession;
use crate::platform::access::verified_email;
use crate::platform::incoming::header;
use crate::platform::random;
use tidegate_console::forms::{Form, FormErrors, local_path};
use tidegate_console::layout::Theme;
use tidegate_console::links;
use tidegate_console::pages::login::{Login, login as login_page};
use tidegate_core::domain::access_jwt;
use tidegate_core::domain::actor::Actor;
use tidegate_core::domain::id::{AuditId, UserId, WorkspaceId};
use tidegate_core::domain::password;
use tidegate_core::domain::rejection::{Code, Rejection};
use tidegate_core::domain::token::SessionToken;

/// The hash of a password that nobody has, with the same parameters as every other hash. It is
/// verified if an address has no account, so that the response takes as long as for one that has.
const DUMMY_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$dGlkZWdhdGUtbm9ib2R5IQ$4UspRzWUqS0BXHuecMM6o2z8Us6B7yMehD8c31T0S6o";

const WRONG_CREDENTIALS: &str = "No account has this e-mail address and password.";

pub async fn login_form(request: &ConsoleRequest<'_>) -> Result<Page> {
    let query = request.query();
    let next = local_path(query.get("next")).unwrap_or_default();
    if request.session().await?.is_some() {
        return Ok(Page::redirect(if next.is_empty() { links::OVERVIEW } else { next }));
    }
    let note = match query.get("reason") {
        "ended" => Some("Your session has ended, and nothing was changed. Sign in again."),
        "password" => Some("Your password was changed. Sign in with the new one."),
        "left" => Some("You have left the workspace."),
        _ => None,
    };
    let access_email = access_email(request).await;
    Ok(Page::html(
        200,
        login_markup(request, "", next, note, FormErrors::default(), access_email.as_deref()),
    ))
}

fn login_markup(
    request: &ConsoleRequest<'_>,
    email: &str,
    next: &str,
    note: Option<&str>,
    errors: FormErrors,
    access_email: Option<&str>,
) -> maud::Markup {
    let csrf = request.visitor_csrf();
    let page = Login { csrf: &csrf, email, next, note, errors, access_email };
    request.bare_markup("Sign in", login_page(&page))
}

/// Signs in by e-mail and password. The rate limits per IP address and account apply before any
/// query and any hash. Neither the response nor its duration reveals whether the account exists.
pub async fn login(request: &ConsoleRequest<'_>, form: &Form) -> Result<Page> {
    request.check_form(form, &request.visitor)?;
    let email = form.get("email").trim().to_lowercase();
    let address = request.address()?;
    request.control_plane.limit_attempts(&email, address.as_deref()).await?;
    let next = local_path(form.get("next")).unwrap_or_default();
    let user = request.control_plane.catalogue.user_by_email(&email).await?;
    let hash = user.as_ref().map_or(DUMMY_HASH, |user| user.password_hash.as_str());
    let matches = password::verify(form.get("password"), hash);
    match user {
        Some(user) if matches => start_session(request, &user, next, "session.started").await,
        user => {
            if let Some(user) = user {
                audit_failed_login(request, user, address);
            }
            let errors = FormErrors::one("", WRONG_CREDENTIALS);
            Ok(Page::html(422, login_markup(request, &email, next, None, errors, None)))
        }
    }
}

/// Writes a wrong password to the audit log of each workspace of the account. This runs after the
/// response, so that the response takes no longer for an account that exists.
fn audit_failed_login(request: &ConsoleRequest<'_>, user: UserRow, address: Option<String>) {
    let now = request.control_plane.now;
    let Ok(catalogue) = Catalogue::open(request.env) else { return };
    request.context.wait_until(async move {
        let written = async {
            let mut batch = Vec::new();
            for workspace in catalogue.workspaces_of(user.id).await? {
                batch.push(catalogue.insert_audit(&AuditEntry {
                    id: AuditId::from_random(random()?),
                    workspace,
                    at: now,
                    action: "session.refused",
                    actor: None,
                    address: address.as_deref(),
                    subject: &user.id.to_string(),
                    detail: json!({ "email": user.email }),
                })?);
            }
            if batch.is_empty() { Ok(()) } else { catalogue.batch(batch).await }
        };
        if let Err(error) = written.await {
            worker::console_error!("a failed login that was not noted: {error}");
        }
    });
}

/// Starts a session in the workspace that the user joined first, and ends the browser's previous
/// one.
pub async fn start_session(
    request: &ConsoleRequest<'_>,
    user: &UserRow,
    next: &str,
    action: &str,
) -> Result<Page> {
    let workspaces = request.control_plane.catalogue.workspaces_of(user.id).await?;
    let Some(workspace) = workspaces.first() else {
        let errors =
            FormErrors::one("", "Your account belongs to no workspace. Ask for an invite.");
        return Ok(Page::html(422, login_markup(request, &user.email, next, None, errors, None)));
    };
    let (token, mut batch) = new_session(request, *workspace, user.id).await?;
    let actor = Actor { user_id: user.id, api_key_id: None, address: request.address()? };
    let detail = json!({ "email": user.email });
    let subject = user.id.to_string();
    batch.push(request.control_plane.audit(*workspace, &actor, action, &subject, detail)?);
    request.control_plane.catalogue.batch(batch).await?;
    let next = if next.is_empty() { links::OVERVIEW } else { next };
    Ok(Page::redirect(next).start_session(token.reveal()))
}

/// A new session token, and the statements that write the session and delete the browser's previous
/// one.
pub async fn new_session(
    request: &ConsoleRequest<'_>,
    workspace_id: WorkspaceId,
    user_id: UserId,
) -> Result<(SessionToken, Vec<worker::D1PreparedStatement>)> {
    let token = SessionToken::mint(&random()?, &request.settings.tag_keys);
    let mut batch = Vec::new();
    if let Some(previous) = request.session().await? {
        batch.push(request.control_plane.catalogue.delete_session(&previous.hash.to_hex())?);
    }
    batch.push(request.control_plane.catalogue.insert_session(&NewSession {
        hash: token.hash(),
        workspace_id,
        user_id,
        now: request.control_plane.now,
        address: request.address()?.as_deref(),
        user_agent: request.user_agent()?.as_deref(),
    })?);
    Ok((token, batch))
}

/// The e-mail address that Cloudflare Access asserts for the visitor. `None` if Access is not set
/// up or the assertion is missing or not valid.
async fn access_email(request: &ConsoleRequest<'_>) -> Option<String> {
    let team = request.settings.access.as_ref()?;
    let assertion = header(request.http, access_jwt::HEADER).ok().flatten()?;
    match verified_email(&assertion, team, request.control_plane.now).await {
        Ok(email) => Some(email),
        Err(error) => {
            worker::console_warn!("an assertion of Cloudflare Access: {}", error.as_str());
            None
        }
    }
}

/// Signs in the user whose e-mail address Cloudflare Access has verified.
pub async fn access_login(request: &ConsoleRequest<'_>, form: &Form) -> Result<Page> {
    request.check_form(form, &request.visitor)?;
    let next = local_path(form.get("next")).unwrap_or_default();
    let not_verified = || {
        Rejection::new(
            Code::Forbidden,
            "Cloudflare Access has not told who you are. Sign in again.",
        )
    };
    let email = access_email(request).await.ok_or_else(not_verified)?;
    request.control_plane.limit_attempts(&email, request.address()?.as_deref()).await?;
    match request.control_plane.catalogue.user_by_email(&email).await? {
        Some(user) => start_session(request, &user, next, "session.started_by_access").await,
        None => {
            let message =
                format!("{email} has no account here. Ask an owner or admin for an invite.");
            let errors = FormErrors::one("", message);
            Ok(Page::html(422, login_markup(request, &email, next, None, errors, None)))
        }
    }
}

/// Ends the session and closes its live tails.
pub async fn logout(request: &ConsoleRequest<'_>, session: &Session) -> Result<Page> {
    let user = session.caller.actor.user_id;
    let mut tails = request.control_plane.catalogue.tails_of(user).await?;
    let hash = session.hash.to_hex();
    tails.retain(|tail| tail.session_hash == hash);
    let catalogue = &request.control_plane.catalogue;
    let delete = catalogue.delete_session(&hash)?;
    let (workspace, actor) = (session.caller.workspace_id, &session.caller.actor);
    let detail = json!({ "email": session.email });
    let audit = request.control_plane.audit(
        workspace,
        actor,
        "session.ended",
        &user.to_string(),
        detail,
    )?;
    catalogue.batch(vec![delete, audit]).await?;
    request.control_plane.close_tails(tails).await;
    Ok(Page::redirect(links::LOGIN).end_session())
}

/// Stores the theme in a cookie: light, dark, or (without a cookie) the system's.
pub fn set_theme(request: &ConsoleRequest<'_>, form: &Form) -> Page {
    let theme = Theme::parse(form.get("theme"));
    let cookie = match theme {
        Some(theme) => format!("{COOKIE_THEME}={}; Max-Age=31536000", theme.as_str()),
        None => format!("{COOKIE_THEME}=; Max-Age=0"),
    };
    if request.is_htmx() {
        return Page::html(204, maud::html! {}).cookie(&cookie);
    }
    Page::redirect(links::OVERVIEW).cookie(&cookie)
}
