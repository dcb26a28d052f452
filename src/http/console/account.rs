//! Your account: the password and the sessions of the signed-in user, whatever their role.

use serde_json::json;

use super::page::Page;
use super::request::{ConsoleRequest, Session};
use crate::catalogue::sessions::NewSession;
use crate::platform::random;
use crate::{Result, internal};
use tidegate_console::forms::{Form, FormErrors};
use tidegate_console::layout::Section;
use tidegate_console::links;
use tidegate_console::pages::account::{Account, OwnSession, account};
use tidegate_core::api::procedures::workspaces::check_password;
use tidegate_core::domain::password;
use tidegate_core::domain::token::SessionToken;

pub async fn show(request: &ConsoleRequest<'_>, session: &Session) -> Result<Page> {
    account_page(request, session, 200, &FormErrors::default()).await
}

async fn account_page(
    request: &ConsoleRequest<'_>,
    session: &Session,
    status: u16,
    errors: &FormErrors,
) -> Result<Page> {
    let (caller, now) = (&session.caller, request.control_plane.now);
    let catalogue = &request.control_plane.catalogue;
    let rows = catalogue.sessions_of(caller.workspace_id, caller.actor.user_id, now).await?;
    let sessions: Vec<_> = rows
        .into_iter()
        .map(|row| OwnSession {
            current: row.hash == session.hash,
            started_at: row.created_at,
            seen_at: row.seen_at,
            address: row.address,
            user_agent: row.user_agent,
        })
        .collect();
    let csrf = request.csrf(session);
    let main = account(&Account {
        csrf: &csrf,
        email: &session.email,
        role: session.role(),
        workspace: &session.workspace_name,
        sessions: &sessions,
        errors,
        now,
    });
    Ok(Page::html(
        status,
        request.page_markup(session, "Your account", Section::Account, None, main),
    ))
}

/// Changes the password. Attempts are rate-limited like logins, before any hash is computed. Every
/// session of the user ends, in every workspace; this browser gets a new one.
pub async fn change_password(
    request: &ConsoleRequest<'_>,
    session: &Session,
    form: &Form,
) -> Result<Page> {
    let address = request.address()?;
    request.control_plane.limit_attempts(&session.email, address.as_deref()).await?;
    let (current, new) = (form.get("current"), form.get("new"));
    if let Err(detail) = check_password(new) {
        let errors = FormErrors::one("new", format!("The new password {detail}"));
        return account_page(request, session, 422, &errors).await;
    }
    let (control_plane, actor) = (&request.control_plane, &session.caller.actor);
    let catalogue = &control_plane.catalogue;
    let user = catalogue.user(actor.user_id).await?;
    let user = user.ok_or_else(|| internal("a session of nobody"))?;
    if !password::verify(current, &user.password_hash) {
        let errors = FormErrors::one("current", "This is not your password.");
        return account_page(request, session, 422, &errors).await;
    }
    let hash = password::hash(new, &random()?)
        .ok_or_else(|| internal("a password that cannot be hashed"))?;
    let tails = catalogue.tails_of(user.id).await?;
    let token = SessionToken::mint(&random()?, &request.settings.tag_keys);
    let workspace_id = session.caller.workspace_id;
    let (subject, detail) = (user.id.to_string(), json!({ "email": user.email }));
    let batch = vec![
        catalogue.update_password(user.id, &hash)?,
        catalogue.delete_sessions_of(user.id, None)?,
        catalogue.insert_session(&NewSession {
            hash: token.hash(),
            workspace_id,
            user_id: user.id,
            now: control_plane.now,
            address: address.as_deref(),
            user_agent: request.user_agent()?.as_deref(),
        })?,
        control_plane.audit(workspace_id, actor, "user.password_changed", &subject, detail)?,
    ];
    catalogue.batch(batch).await?;
    control_plane.close_tails(tails).await;
    let message = "Your password is changed. Your other sessions have ended.";
    Ok(Page::redirect_with_flash(links::ACCOUNT, message).start_session(token.reveal()))
}

/// Ends every session of the user except this one, in every workspace, and closes their live tails.
pub async fn end_other_sessions(request: &ConsoleRequest<'_>, session: &Session) -> Result<Page> {
    let (control_plane, actor) = (&request.control_plane, &session.caller.actor);
    let catalogue = &control_plane.catalogue;
    let mut tails = catalogue.tails_of(actor.user_id).await?;
    let own_session = session.hash.to_hex();
    tails.retain(|tail| tail.session_hash != own_session);
    let (subject, detail) = (actor.user_id.to_string(), json!({ "email": session.email }));
    let workspace = session.caller.workspace_id;
    let batch = vec![
        catalogue.delete_sessions_of(actor.user_id, Some(&session.hash))?,
        control_plane.audit(workspace, actor, "session.others_ended", &subject, detail)?,
    ];
    catalogue.batch(batch).await?;
    control_plane.close_tails(tails).await;
    Ok(Page::redirect_with_flash(links::ACCOUNT, "You are signed out everywhere else."))
}
