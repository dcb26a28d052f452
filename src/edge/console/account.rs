//! Your account: the password, and the sessions. Everybody's own.

use serde_json::json;

use super::page::Page;
use super::signing_in::limit_logins;
use super::visit::{ConsoleRequest, Session};
use crate::api::rpc::check_password;
use crate::console::forms::{Form, FormErrors};
use crate::console::layout::Section;
use crate::console::links;
use crate::console::pages::account::{Account, OwnSession, account};
use crate::domain::password;
use crate::domain::token::SessionToken;
use crate::edge::catalogue::sessions::NewSession;
use crate::edge::platform::random;
use crate::edge::{Result, internal};

pub async fn show(visit: &ConsoleRequest<'_>, session: &Session) -> Result<Page> {
    page(visit, session, 200, &FormErrors::default()).await
}

async fn page(
    visit: &ConsoleRequest<'_>,
    session: &Session,
    status: u16,
    errors: &FormErrors,
) -> Result<Page> {
    let (caller, now) = (&session.caller, visit.operations.now);
    let catalogue = &visit.operations.catalogue;
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
    let csrf = visit.csrf(session);
    let main = account(&Account {
        csrf: &csrf,
        email: &session.email,
        role: session.role(),
        workspace: &session.workspace_name,
        sessions: &sessions,
        errors,
        now,
    });
    Ok(Page::html(status, visit.framed(session, "Your account", Section::Account, None, main)))
}

/// Changes the password. Guesses at the current one are limited as logins are, before any hash.
/// Every session of the user ends, in every workspace; this browser gets a new one.
pub async fn change_password(
    visit: &ConsoleRequest<'_>,
    session: &Session,
    form: &Form,
) -> Result<Page> {
    let address = visit.address()?;
    limit_logins(visit, &session.email, address.as_deref()).await?;
    let (current, new) = (form.get("current"), form.get("new"));
    if let Err(detail) = check_password(new) {
        let errors = FormErrors::one("new", format!("The new password {detail}"));
        return page(visit, session, 422, &errors).await;
    }
    let (operations, actor) = (&visit.operations, &session.caller.actor);
    let catalogue = &operations.catalogue;
    let user = catalogue.user(actor.user_id).await?;
    let user = user.ok_or_else(|| internal("a session of nobody"))?;
    if !password::verify(current, &user.password_hash) {
        let errors = FormErrors::one("current", "This is not your password.");
        return page(visit, session, 422, &errors).await;
    }
    let hash = password::hash(new, &random()?)
        .ok_or_else(|| internal("a password that cannot be hashed"))?;
    let tails = catalogue.tails_of(user.id).await?;
    let token = SessionToken::mint(&random()?, &visit.settings.tag_keys);
    let workspace_id = session.caller.workspace_id;
    let (subject, detail) = (user.id.to_string(), json!({ "email": user.email }));
    let batch = vec![
        catalogue.update_password(user.id, &hash)?,
        catalogue.delete_sessions_of(user.id, None)?,
        catalogue.insert_session(&NewSession {
            hash: token.hash(),
            workspace_id,
            user_id: user.id,
            now: operations.now,
            address: address.as_deref(),
            user_agent: visit.user_agent()?.as_deref(),
        })?,
        operations.audit(workspace_id, actor, "user.password_changed", &subject, detail)?,
    ];
    catalogue.batch(batch).await?;
    operations.close_tails(tails).await;
    let told = "Your password is changed. Your other sessions have ended.";
    Ok(Page::done(links::ACCOUNT, told).start_session(token.reveal()))
}

/// Ends every session of the user but this one, in every workspace, and what is pushed to them.
pub async fn end_other_sessions(visit: &ConsoleRequest<'_>, session: &Session) -> Result<Page> {
    let (operations, actor) = (&visit.operations, &session.caller.actor);
    let catalogue = &operations.catalogue;
    let mut tails = catalogue.tails_of(actor.user_id).await?;
    let own = session.hash.to_hex();
    tails.retain(|tail| tail.session_hash != own);
    let (subject, detail) = (actor.user_id.to_string(), json!({ "email": session.email }));
    let workspace = session.caller.workspace_id;
    let batch = vec![
        catalogue.delete_sessions_of(actor.user_id, Some(&session.hash))?,
        operations.audit(workspace, actor, "session.others_ended", &subject, detail)?,
    ];
    catalogue.batch(batch).await?;
    operations.close_tails(tails).await;
    Ok(Page::done(links::ACCOUNT, "You are signed out everywhere else."))
}
