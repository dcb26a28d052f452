//! Setting up the first workspace, and joining one by an invite.

use serde_json::json;

use super::page::Page;
use super::signing_in::{limit_logins, session_of, start};
use super::visit::ConsoleRequest;
use crate::api::rpc::{SetupWorkspace, check_password};
use crate::console::forms::{Form, FormErrors};
use crate::console::links;
use crate::console::pages::joining::{self, InvitePage, SetUpPage};
use crate::domain::id::UserId;
use crate::domain::password;
use crate::domain::rejection::{Code, Rejection};
use crate::domain::token::InviteToken;
use crate::edge::catalogue::members::{InviteRow, UserRow, no_invite};
use crate::edge::platform::random;
use crate::edge::rpc::check_setup_token;
use crate::edge::{Result, internal};
use crate::protocol::key_gate::Actor;

pub async fn setup_form(visit: &ConsoleRequest<'_>) -> Result<Page> {
    let query = visit.query();
    let token = query.get("token");
    if check_setup_token(token, visit.settings).is_err() {
        return Ok(closed(visit, false));
    }
    if visit.operations.catalogue.has_workspace().await? {
        return Ok(closed(visit, true));
    }
    Ok(setup_page(visit, 200, token, &Form::default(), &FormErrors::default()))
}

fn closed(visit: &ConsoleRequest<'_>, done: bool) -> Page {
    let status = if done { 409 } else { 403 };
    Page::html(status, visit.bare("Set up", joining::set_up_closed(done)))
}

fn setup_page(
    visit: &ConsoleRequest<'_>,
    status: u16,
    token: &str,
    typed: &Form,
    errors: &FormErrors,
) -> Page {
    let csrf = visit.visitor_csrf();
    let page = SetUpPage { csrf: &csrf, token, typed, errors };
    Page::html(status, visit.bare("Set up", joining::set_up(&page)))
}

/// Makes the first workspace and signs its owner in. Takes the deployment's one-time token.
pub async fn set_up(visit: &ConsoleRequest<'_>, form: &Form) -> Result<Page> {
    visit.check_form(form, &visit.visitor)?;
    limit_logins(visit, "setup", visit.address()?.as_deref()).await?;
    let token = form.get("token");
    if check_setup_token(token, visit.settings).is_err() {
        return Ok(closed(visit, false));
    }
    let arguments = json!({
        "p_workspace_name": form.get("workspace_name"),
        "p_owner_email": form.get("owner_email").trim(),
        "p_owner_password": form.get("owner_password"),
        "p_store_name": form.get("store_name"),
    });
    let arguments = match SetupWorkspace::read(arguments.to_string().as_bytes()) {
        Ok(arguments) => arguments,
        Err(rejection) => {
            let errors = FormErrors::of_arguments(&rejection, joining::setup_label);
            return Ok(setup_page(visit, 422, token, form, &errors));
        }
    };
    match visit.operations.set_up(&arguments, None, visit.address()?).await {
        Ok(_) => {}
        Err(rejection) if rejection.code == Code::InvalidState => return Ok(closed(visit, true)),
        Err(rejection) => return Err(rejection),
    }
    let user = visit.operations.catalogue.user_by_email(&arguments.owner_email).await?;
    let user = user.ok_or_else(|| internal("an owner who was just made"))?;
    start(visit, &user, links::OVERVIEW, "session.started").await
}

/// The invite that a link names, with the account of its address, if it has one. A made-up link
/// costs no query.
async fn invited(visit: &ConsoleRequest<'_>, token: &str) -> Result<(InviteRow, Option<UserRow>)> {
    let token = InviteToken::parse(token, &visit.settings.tag_keys).ok_or_else(no_invite)?;
    let (catalogue, now) = (&visit.operations.catalogue, visit.operations.now);
    let invite = catalogue.invite(&token.hash(), now).await?.ok_or_else(no_invite)?;
    let user = catalogue.user_by_email(&invite.email).await?;
    Ok((invite, user))
}

fn gone(visit: &ConsoleRequest<'_>, rejection: &Rejection) -> Page {
    let status = rejection.code.status();
    Page::html(status, visit.bare("Invite", joining::invite_gone(&rejection.detail)))
}

fn invite_page(
    visit: &ConsoleRequest<'_>,
    status: u16,
    token: &str,
    invite: &InviteRow,
    known: bool,
    errors: &FormErrors,
) -> Page {
    let csrf = visit.visitor_csrf();
    let page = InvitePage {
        csrf: &csrf,
        token,
        workspace: &invite.workspace_name,
        invited_by: &invite.invited_by,
        email: &invite.email,
        role: invite.role,
        known,
        errors,
    };
    Page::html(status, visit.bare("Join", joining::invite(&page)))
}

pub async fn invite_form(visit: &ConsoleRequest<'_>, token: &str) -> Result<Page> {
    match invited(visit, token).await {
        Ok((invite, user)) => {
            let errors = FormErrors::default();
            Ok(invite_page(visit, 200, token, &invite, user.is_some(), &errors))
        }
        Err(rejection) if rejection.code == Code::NotFound => Ok(gone(visit, &rejection)),
        Err(rejection) => Err(rejection),
    }
}

/// Joins a workspace: with a new account, or with the one that the address has. One batch: the
/// account, the membership, the session, and the end of the invite.
pub async fn accept_invite(visit: &ConsoleRequest<'_>, token: &str, form: &Form) -> Result<Page> {
    visit.check_form(form, &visit.visitor)?;
    let address = visit.address()?;
    limit_logins(visit, token, address.as_deref()).await?;
    let (invite, user) = match invited(visit, token).await {
        Ok(invited) => invited,
        Err(rejection) if rejection.code == Code::NotFound => return Ok(gone(visit, &rejection)),
        Err(rejection) => return Err(rejection),
    };
    let (known, typed) = (user.is_some(), form.get("password"));
    let refused = |message: String| {
        let errors = FormErrors::one("password", message);
        Ok(invite_page(visit, 422, token, &invite, known, &errors))
    };
    let (catalogue, now) = (&visit.operations.catalogue, visit.operations.now);
    let mut batch = Vec::new();
    let user_id = match &user {
        Some(user) if password::verify(typed, &user.password_hash) => user.id,
        Some(_) => return refused("This is not your password.".to_owned()),
        None => {
            if let Err(detail) = check_password(typed) {
                return refused(format!("The password {detail}"));
            }
            let id = UserId::from_random(random()?);
            let hash = password::hash(typed, &random()?)
                .ok_or_else(|| internal("a password that cannot be hashed"))?;
            batch.push(catalogue.insert_user(id, &invite.email, &hash, now)?);
            id
        }
    };
    if catalogue.member(invite.workspace_id, user_id).await?.is_some() {
        return refused("You belong to this workspace already: sign in.".to_owned());
    }
    batch.push(catalogue.insert_membership(invite.id, user_id, now)?);
    let (session, writes) = session_of(visit, invite.workspace_id, user_id).await?;
    batch.extend(writes);
    batch.push(catalogue.delete_invite(invite.id)?);
    let actor = Actor { user_id, api_key_id: None, address };
    let detail = json!({ "email": invite.email, "role": invite.role });
    let subject = user_id.to_string();
    let workspace = invite.workspace_id;
    batch.push(visit.operations.audit(workspace, &actor, "member.joined", &subject, detail)?);
    // Of two who follow one link at once only one gets in; the other's batch breaks a constraint.
    catalogue.batch_unless(batch, "constraint", no_invite).await?;
    Ok(Page::redirect(links::OVERVIEW).start_session(session.reveal()))
}
