//! Setting up the first workspace, and joining one by an invite.

use serde_json::json;

use super::page::Page;
use super::request::ConsoleRequest;
use super::signing_in::{new_session, start_session};
use crate::catalogue::members::{InviteRow, UserRow, invite_not_found};
use crate::http::rpc::check_setup_token;
use crate::platform::random;
use crate::{Result, internal};
use tidegate_console::forms::{Form, FormErrors};
use tidegate_console::links;
use tidegate_console::pages::joining::{self, InvitePage, SetUpPage};
use tidegate_core::api::procedures::workspaces::{SetupWorkspace, check_password};
use tidegate_core::domain::actor::Actor;
use tidegate_core::domain::id::UserId;
use tidegate_core::domain::password;
use tidegate_core::domain::rejection::{Code, Rejection};
use tidegate_core::domain::token::InviteToken;

pub async fn setup_form(request: &ConsoleRequest<'_>) -> Result<Page> {
    let query = request.query();
    let token = query.get("token");
    if check_setup_token(token, request.settings).is_err() {
        return Ok(setup_closed(request, false));
    }
    if request.control_plane.catalogue.has_workspace().await? {
        return Ok(setup_closed(request, true));
    }
    Ok(setup_page(request, 200, token, &Form::default(), &FormErrors::default()))
}

/// The page for a wrong set-up token, or (`done`) for a deployment that has been set up.
fn setup_closed(request: &ConsoleRequest<'_>, done: bool) -> Page {
    let status = if done { 409 } else { 403 };
    Page::html(status, request.bare_markup("Set up", joining::set_up_closed(done)))
}

fn setup_page(
    request: &ConsoleRequest<'_>,
    status: u16,
    token: &str,
    typed: &Form,
    errors: &FormErrors,
) -> Page {
    let csrf = request.visitor_csrf();
    let page = SetUpPage { csrf: &csrf, token, typed, errors };
    Page::html(status, request.bare_markup("Set up", joining::set_up(&page)))
}

/// Makes the first workspace and signs its owner in. Takes the deployment's one-time token.
pub async fn set_up(request: &ConsoleRequest<'_>, form: &Form) -> Result<Page> {
    request.check_form(form, &request.visitor)?;
    request.control_plane.limit_attempts("setup", request.address()?.as_deref()).await?;
    let token = form.get("token");
    if check_setup_token(token, request.settings).is_err() {
        return Ok(setup_closed(request, false));
    }
    let given = [
        ("p_workspace_name", form.get("workspace_name").into()),
        ("p_owner_email", form.get("owner_email").trim().into()),
        ("p_owner_password", form.get("owner_password").into()),
        ("p_store_name", form.get("store_name").into()),
    ];
    let arguments = match SetupWorkspace::read(given.into()) {
        Ok(arguments) => arguments,
        Err(rejection) => {
            let errors = FormErrors::of_arguments(&rejection, joining::setup_label);
            return Ok(setup_page(request, 422, token, form, &errors));
        }
    };
    match request.control_plane.set_up(&arguments, None, request.address()?).await {
        Ok(_) => {}
        Err(error) if error.code() == Code::InvalidState => {
            return Ok(setup_closed(request, true));
        }
        Err(error) => return Err(error),
    }
    let user = request.control_plane.catalogue.user_by_email(&arguments.owner_email).await?;
    let user = user.ok_or_else(|| internal("an owner who was just made"))?;
    start_session(request, &user, links::OVERVIEW, "session.started").await
}

/// The invite with the token from a link, and the account of its e-mail address if there is one. A
/// made-up link costs no query.
async fn find_invite(
    request: &ConsoleRequest<'_>,
    token: &str,
) -> Result<(InviteRow, Option<UserRow>)> {
    let token =
        InviteToken::parse(token, &request.settings.tag_keys).ok_or_else(invite_not_found)?;
    let (catalogue, now) = (&request.control_plane.catalogue, request.control_plane.now);
    let invite = catalogue.invite(&token.hash(), now).await?.ok_or_else(invite_not_found)?;
    let user = catalogue.user_by_email(&invite.email).await?;
    Ok((invite, user))
}

fn invite_gone_page(request: &ConsoleRequest<'_>, rejection: &Rejection) -> Page {
    let status = rejection.code.status();
    Page::html(status, request.bare_markup("Invite", joining::invite_gone(&rejection.detail)))
}

fn invite_page(
    request: &ConsoleRequest<'_>,
    status: u16,
    token: &str,
    invite: &InviteRow,
    has_account: bool,
    errors: &FormErrors,
) -> Page {
    let csrf = request.visitor_csrf();
    let page = InvitePage {
        csrf: &csrf,
        token,
        workspace: &invite.workspace_name,
        invited_by: &invite.invited_by,
        email: &invite.email,
        role: invite.role,
        known: has_account,
        errors,
    };
    Page::html(status, request.bare_markup("Join", joining::invite(&page)))
}

pub async fn invite_form(request: &ConsoleRequest<'_>, token: &str) -> Result<Page> {
    match find_invite(request, token).await {
        Ok((invite, user)) => {
            let errors = FormErrors::default();
            Ok(invite_page(request, 200, token, &invite, user.is_some(), &errors))
        }
        Err(error) if error.code() == Code::NotFound => {
            Ok(invite_gone_page(request, &error.into_rejection()))
        }
        Err(error) => Err(error),
    }
}

/// Joins a workspace with the existing account of the invited address, or with a new one. One batch
/// writes the account, the membership and the session, and deletes the invite.
pub async fn accept_invite(request: &ConsoleRequest<'_>, token: &str, form: &Form) -> Result<Page> {
    request.check_form(form, &request.visitor)?;
    let address = request.address()?;
    request.control_plane.limit_attempts(token, address.as_deref()).await?;
    let (invite, user) = match find_invite(request, token).await {
        Ok(found) => found,
        Err(error) if error.code() == Code::NotFound => {
            return Ok(invite_gone_page(request, &error.into_rejection()));
        }
        Err(error) => return Err(error),
    };
    let (has_account, password) = (user.is_some(), form.get("password"));
    let refused_form = |message: String| {
        let errors = FormErrors::one("password", message);
        Ok(invite_page(request, 422, token, &invite, has_account, &errors))
    };
    let (catalogue, now) = (&request.control_plane.catalogue, request.control_plane.now);
    let mut batch = Vec::new();
    let user_id = match &user {
        Some(user) if password::verify(password, &user.password_hash) => user.id,
        Some(_) => return refused_form("This is not your password.".to_owned()),
        None => {
            if let Err(detail) = check_password(password) {
                return refused_form(format!("The password {detail}"));
            }
            let id = UserId::from_random(random()?);
            let hash = password::hash(password, &random()?)
                .ok_or_else(|| internal("a password that cannot be hashed"))?;
            batch.push(catalogue.insert_user(id, &invite.email, &hash, now)?);
            id
        }
    };
    if catalogue.member(invite.workspace_id, user_id).await?.is_some() {
        return refused_form("You belong to this workspace already: sign in.".to_owned());
    }
    batch.push(catalogue.insert_membership(invite.id, user_id, now)?);
    let (session, writes) = new_session(request, invite.workspace_id, user_id).await?;
    batch.extend(writes);
    batch.push(catalogue.delete_invite(invite.id)?);
    let actor = Actor { user_id, api_key_id: None, address };
    let detail = json!({ "email": invite.email, "role": invite.role });
    let subject = user_id.to_string();
    let workspace = invite.workspace_id;
    batch.push(request.control_plane.audit(
        workspace,
        &actor,
        "member.joined",
        &subject,
        detail,
    )?);
    // If two people follow one link at once, only one joins: the other's batch breaks a constraint.
    catalogue.batch_with_rule(batch, "constraint", invite_not_found).await?;
    Ok(Page::redirect(links::OVERVIEW).start_session(session.reveal()))
}
