//! Login by password or Cloudflare Access, logout, and the theme.

use serde_json::json;

use super::page::{COOKIE_THEME, Page};
use super::visit::{ConsoleRequest, Session};
use crate::console::forms::{Form, FormErrors, local_path};
use crate::console::layout::Theme;
use crate::console::links;
use crate::console::pages::login::{Login, login as login_page};
use crate::domain::access_jwt;
use crate::domain::id::{AuditId, UserId, WorkspaceId};
use crate::domain::password;
use crate::domain::rejection::{Code, Rejection};
use crate::domain::token::SessionToken;
use crate::edge::Result;
use crate::edge::access::verified_email;
use crate::edge::catalogue::Catalogue;
use crate::edge::catalogue::audit_log::AuditEntry;
use crate::edge::catalogue::members::UserRow;
use crate::edge::catalogue::sessions::NewSession;
use crate::edge::incoming::header;
use crate::edge::platform::random;
use crate::protocol::key_gate::Actor;

/// The hash of a password that nobody has, with the parameters of all others: checking it takes as
/// long, so that an address without an account is answered like one with.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$dGlkZWdhdGUtbm9ib2R5IQ$4UspRzWUqS0BXHuecMM6o2z8Us6B7yMehD8c31T0S6o";

const WRONG: &str = "No account has this e-mail address and password.";

pub async fn login_form(visit: &ConsoleRequest<'_>) -> Result<Page> {
    let query = visit.query();
    let next = local_path(query.get("next")).unwrap_or_default();
    if visit.session().await?.is_some() {
        return Ok(Page::redirect(if next.is_empty() { links::OVERVIEW } else { next }));
    }
    let note = match query.get("reason") {
        "ended" => Some("Your session has ended, and nothing was changed. Sign in again."),
        "password" => Some("Your password was changed. Sign in with the new one."),
        "left" => Some("You have left the workspace."),
        _ => None,
    };
    let access_email = access_email(visit).await;
    Ok(Page::html(
        200,
        markup(visit, "", next, note, FormErrors::default(), access_email.as_deref()),
    ))
}

fn markup(
    visit: &ConsoleRequest<'_>,
    email: &str,
    next: &str,
    note: Option<&str>,
    errors: FormErrors,
    access_email: Option<&str>,
) -> maud::Markup {
    let csrf = visit.visitor_csrf();
    let page = Login { csrf: &csrf, email, next, note, errors, access_email };
    visit.bare("Sign in", login_page(&page))
}

/// Signs in by e-mail and password. The limits per address and account stand before any query and
/// any hash; whether the account exists is told neither by the answer nor by its time.
pub async fn login(visit: &ConsoleRequest<'_>, form: &Form) -> Result<Page> {
    visit.check_form(form, &visit.visitor)?;
    let email = form.get("email").trim().to_lowercase();
    let address = visit.address()?;
    limit_logins(visit, &email, address.as_deref()).await?;
    let next = local_path(form.get("next")).unwrap_or_default();
    let user = visit.operations.catalogue.user_by_email(&email).await?;
    let hash = user.as_ref().map_or(NOBODY, |user| user.password_hash.as_str());
    let holds = password::verify(form.get("password"), hash);
    match user {
        Some(user) if holds => start(visit, &user, next, "session.started").await,
        user => {
            if let Some(user) = user {
                note_failure(visit, user, address);
            }
            let errors = FormErrors::one("", WRONG);
            Ok(Page::html(422, markup(visit, &email, next, None, errors, None)))
        }
    }
}

/// At most ten attempts a minute for an account, and as many from an address.
pub async fn limit_logins(
    visit: &ConsoleRequest<'_>,
    email: &str,
    address: Option<&str>,
) -> Result<()> {
    let limiter = visit.env.rate_limiter("LOGIN_LIMITER")?;
    for key in [format!("address {}", address.unwrap_or_default()), format!("account {email}")] {
        if !limiter.limit(key).await?.success {
            return Err(Rejection::new(
                Code::RateLimited,
                "Too many attempts to sign in. Try again in a minute.",
            )
            .retry_after(60));
        }
    }
    Ok(())
}

/// Notes a wrong password in the audit logs of the account's workspaces; after the answer, so that
/// it takes no longer for an account that exists.
fn note_failure(visit: &ConsoleRequest<'_>, user: UserRow, address: Option<String>) {
    let now = visit.operations.now;
    let Ok(catalogue) = Catalogue::open(visit.env) else { return };
    visit.context.wait_until(async move {
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
        if let Err(rejection) = written.await {
            worker::console_error!("a failed login that was not noted: {}", rejection.detail);
        }
    });
}

/// Starts a session in the workspace that the user joined first; the one that the browser had ends.
pub async fn start(
    visit: &ConsoleRequest<'_>,
    user: &UserRow,
    next: &str,
    action: &str,
) -> Result<Page> {
    let workspaces = visit.operations.catalogue.workspaces_of(user.id).await?;
    let Some(workspace) = workspaces.first() else {
        let errors =
            FormErrors::one("", "Your account belongs to no workspace. Ask for an invite.");
        return Ok(Page::html(422, markup(visit, &user.email, next, None, errors, None)));
    };
    let (token, mut batch) = session_of(visit, *workspace, user.id).await?;
    let actor = Actor { user_id: user.id, api_key_id: None, address: visit.address()? };
    let detail = json!({ "email": user.email });
    let subject = user.id.to_string();
    batch.push(visit.operations.audit(*workspace, &actor, action, &subject, detail)?);
    visit.operations.catalogue.batch(batch).await?;
    let next = if next.is_empty() { links::OVERVIEW } else { next };
    Ok(Page::redirect(next).start_session(token.reveal()))
}

/// A new session, and what writes it; the one that the browser had is deleted with it.
pub async fn session_of(
    visit: &ConsoleRequest<'_>,
    workspace_id: WorkspaceId,
    user_id: UserId,
) -> Result<(SessionToken, Vec<worker::D1PreparedStatement>)> {
    let token = SessionToken::mint(&random()?, &visit.settings.tag_keys);
    let mut batch = Vec::new();
    if let Some(old) = visit.session().await? {
        batch.push(visit.operations.catalogue.delete_session(&old.hash.to_hex())?);
    }
    batch.push(visit.operations.catalogue.insert_session(&NewSession {
        hash: token.hash(),
        workspace_id,
        user_id,
        now: visit.operations.now,
        address: visit.address()?.as_deref(),
        user_agent: visit.user_agent()?.as_deref(),
    })?);
    Ok((token, batch))
}

/// Whom Cloudflare Access says the visitor is, if that is set up and its assertion holds.
async fn access_email(visit: &ConsoleRequest<'_>) -> Option<String> {
    let team = visit.settings.access.as_ref()?;
    let assertion = header(visit.request, access_jwt::HEADER).ok().flatten()?;
    match verified_email(&assertion, team, visit.operations.now).await {
        Ok(email) => Some(email),
        Err(error) => {
            worker::console_warn!("an assertion of Cloudflare Access: {}", error.as_str());
            None
        }
    }
}

/// Signs in as the user whom Cloudflare Access has verified.
pub async fn access_login(visit: &ConsoleRequest<'_>, form: &Form) -> Result<Page> {
    visit.check_form(form, &visit.visitor)?;
    let next = local_path(form.get("next")).unwrap_or_default();
    let refused = || {
        Rejection::new(
            Code::Forbidden,
            "Cloudflare Access has not told who you are. Sign in again.",
        )
    };
    let email = access_email(visit).await.ok_or_else(refused)?;
    limit_logins(visit, &email, visit.address()?.as_deref()).await?;
    match visit.operations.catalogue.user_by_email(&email).await? {
        Some(user) => start(visit, &user, next, "session.started_by_access").await,
        None => {
            let message =
                format!("{email} has no account here. Ask an owner or admin for an invite.");
            let errors = FormErrors::one("", message);
            Ok(Page::html(422, markup(visit, &email, next, None, errors, None)))
        }
    }
}

/// Ends the session, and with it what is pushed to it.
pub async fn logout(visit: &ConsoleRequest<'_>, session: &Session) -> Result<Page> {
    let user = session.caller.actor.user_id;
    let mut tails = visit.operations.catalogue.tails_of(user).await?;
    let hash = session.hash.to_hex();
    tails.retain(|tail| tail.session_hash == hash);
    let catalogue = &visit.operations.catalogue;
    let delete = catalogue.delete_session(&hash)?;
    let (workspace, actor) = (session.caller.workspace_id, &session.caller.actor);
    let detail = json!({ "email": session.email });
    let audit =
        visit.operations.audit(workspace, actor, "session.ended", &user.to_string(), detail)?;
    catalogue.batch(vec![delete, audit]).await?;
    visit.operations.close_tails(tails).await;
    Ok(Page::redirect(links::LOGIN).end_session())
}

/// Remembers the theme in the browser: light, dark, or the system's.
pub fn set_theme(visit: &ConsoleRequest<'_>, form: &Form) -> Page {
    let theme = Theme::parse(form.get("theme"));
    let cookie = match theme {
        Some(theme) => format!("{COOKIE_THEME}={}; Max-Age=31536000", theme.as_str()),
        None => format!("{COOKIE_THEME}=; Max-Age=0"),
    };
    if visit.is_htmx() {
        return Page::html(204, maud::html! {}).cookie(&cookie);
    }
    Page::redirect(links::OVERVIEW).cookie(&cookie)
}
