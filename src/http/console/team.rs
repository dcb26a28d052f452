//! Settings → Team.

use super::page::Page;
use super::request::{ConsoleRequest, Session};
use crate::catalogue::members::{InviteRow, MemberRow};
use crate::control::caller::Admin;
use crate::{Error, Result};
use tidegate_console::components::restricted_card;
use tidegate_console::forms::{Form, FormErrors};
use tidegate_console::layout::Section;
use tidegate_console::links;
use tidegate_console::pages::team::{
    Invite, Member, Team, Typed, article, confirm_own_role, confirm_remove, invite_form, invited,
    label, team,
};
use tidegate_core::api::procedures::team::InviteMember;
use tidegate_core::domain::access::Role;
use tidegate_core::domain::id::{InviteId, UserId};
use tidegate_core::domain::rejection::{Code, Rejection};

/// What the page shows besides the members and invites: a layer over it, and a form or action that
/// was refused.
#[derive(Default)]
struct PageState<'a> {
    layer: Option<maud::Markup>,
    typed: Typed,
    errors: FormErrors,
    refused: Option<&'a str>,
}

pub async fn list(request: &ConsoleRequest<'_>, session: &Session) -> Result<Page> {
    let Some(admin) = session.admin() else { return Ok(restricted_page(request, session)) };
    team_page(request, session, &admin, 200, PageState::default()).await
}

async fn team_page(
    request: &ConsoleRequest<'_>,
    session: &Session,
    admin: &Admin,
    status: u16,
    state: PageState<'_>,
) -> Result<Page> {
    let (catalogue, now) = (&request.control_plane.catalogue, request.control_plane.now);
    let workspace = admin.workspace_id;
    let rows = catalogue.members(workspace)?.and(catalogue.invites(workspace, now)?);
    let (members, invites) = catalogue.run(rows).await?;
    let members: Vec<_> = members.into_iter().map(member).collect();
    let invites: Vec<_> = invites.into_iter().map(invite).collect();
    let csrf = request.csrf(session);
    let main = team(&Team {
        csrf: &csrf,
        members: &members,
        invites: &invites,
        you: admin.actor.user_id,
        role: admin.role(),
        typed: &state.typed,
        errors: &state.errors,
        refused: state.refused,
        now,
    });
    Ok(Page::html(status, request.page_markup(session, "Team", Section::Team, state.layer, main)))
}

/// The layer alone if htmx asked only for that, else the page with the layer over it.
async fn layer_page(
    request: &ConsoleRequest<'_>,
    session: &Session,
    admin: &Admin,
    layer: maud::Markup,
) -> Result<Page> {
    if request.wants_only("layer") {
        return Ok(Page::html(200, layer));
    }
    team_page(
        request,
        session,
        admin,
        200,
        PageState { layer: Some(layer), ..PageState::default() },
    )
    .await
}

fn restricted_page(request: &ConsoleRequest<'_>, session: &Session) -> Page {
    let card = restricted_card("The team");
    Page::html(403, request.page_markup(session, "Team", Section::Team, None, card))
}

fn member(row: MemberRow) -> Member {
    let MemberRow { user_id, email, role, created_at, seen_at } = row;
    Member { user_id, email, role, joined_at: created_at, seen_at }
}

fn invite(row: InviteRow) -> Invite {
    let InviteRow {
        id,
        workspace_id: _,
        workspace_name: _,
        email,
        role,
        invited_by,
        created_at: _,
        expires_at,
    } = row;
    Invite { id, email, role, invited_by, expires_at }
}

/// Makes an invite and shows its link. The link is in this response and nowhere else.
pub async fn invite_member(
    request: &ConsoleRequest<'_>,
    session: &Session,
    form: &Form,
) -> Result<Page> {
    let admin = session.require_admin()?;
    let typed =
        Typed { email: form.get("email").trim().to_owned(), role: form.get("role").to_owned() };
    let given = [("p_email", typed.email.as_str().into()), ("p_role", typed.role.as_str().into())];
    let created = match InviteMember::read(given.into()) {
        Ok(InviteMember { email, role }) => request.control_plane.invite(&admin, email, role).await,
        Err(rejection) => Err(rejection.into()),
    };
    match created {
        Ok(invite) => {
            let path = links::invite(invite.token.reveal());
            let url = format!("{}{path}", request.console_origin());
            let layer = invited(&invite.email, invite.role, &url, invite.expires_at);
            layer_page(request, session, &admin, layer).await
        }
        Err(error) => match error.code() {
            Code::ValidationFailed => {
                let errors = FormErrors::of_arguments(&error.into_rejection(), label);
                invalid_form(request, session, &admin, 422, typed, errors).await
            }
            Code::InvalidState => {
                let errors = FormErrors::one("email", error.into_rejection().detail);
                invalid_form(request, session, &admin, 409, typed, errors).await
            }
            _ => Err(error),
        },
    }
}

/// The invite form again, with the errors beside its fields: alone for htmx, else with its page.
async fn invalid_form(
    request: &ConsoleRequest<'_>,
    session: &Session,
    admin: &Admin,
    status: u16,
    typed: Typed,
    errors: FormErrors,
) -> Result<Page> {
    if !request.wants_only("layer") {
        let state = PageState { typed, errors, ..PageState::default() };
        return team_page(request, session, admin, status, state).await;
    }
    let csrf = request.csrf(session);
    let form = invite_form(&Team {
        csrf: &csrf,
        members: &[],
        invites: &[],
        you: admin.actor.user_id,
        role: admin.role(),
        typed: &typed,
        errors: &errors,
        refused: None,
        now: request.control_plane.now,
    });
    Ok(Page::html(status, form)
        .header("HX-Retarget", "#invite".to_owned())
        .header("HX-Reswap", "outerHTML".to_owned()))
}

pub async fn withdraw(request: &ConsoleRequest<'_>, session: &Session, id: &str) -> Result<Page> {
    let admin = session.require_admin()?;
    let id = InviteId::parse(id)
        .ok_or_else(|| Rejection::new(Code::NotFound, "There is no such invite."))?;
    request.control_plane.withdraw_invite(&admin, id).await?;
    Ok(Page::redirect_with_flash(
        links::TEAM,
        "The invite is withdrawn: its link leads nowhere now.",
    ))
}

fn user_id(text: &str) -> Result<UserId> {
    let not_found = || Rejection::new(Code::NotFound, "There is no such member.");
    Ok(UserId::parse(text).ok_or_else(not_found)?)
}

/// Changes the role of a member. A user who changes their own role has to confirm it first.
pub async fn change_role(
    request: &ConsoleRequest<'_>,
    session: &Session,
    user: &str,
    form: &Form,
) -> Result<Page> {
    let admin = session.require_admin()?;
    let user = user_id(user)?;
    let role = Role::parse(form.get("role"))
        .ok_or_else(|| Rejection::new(Code::NotFound, "There is no such role."))?;
    let is_self = user == admin.actor.user_id;
    if is_self && role != admin.role() && form.get("confirmed").is_empty() {
        let you = member(request.control_plane.member(&admin, user).await?);
        let layer = confirm_own_role(&request.csrf(session), &you, role);
        return layer_page(request, session, &admin, layer).await;
    }
    match request.control_plane.change_role(&admin, user, role).await {
        Ok(_) if is_self && !role.manages_connections() => {
            Ok(Page::redirect_with_flash(links::ACCOUNT, "You are a member now."))
        }
        Ok(changed) => {
            let who = if is_self { "You are".to_owned() } else { format!("{} is", changed.email) };
            Ok(Page::redirect_with_flash(links::TEAM, &format!("{who} {} now.", article(role))))
        }
        Err(error) => refusal_page(request, session, &admin, error).await,
    }
}

/// The page with the reason why an action was refused. Other rejections are returned as errors.
async fn refusal_page(
    request: &ConsoleRequest<'_>,
    session: &Session,
    admin: &Admin,
    error: Error,
) -> Result<Page> {
    if error.code() != Code::InvalidState {
        return Err(error);
    }
    let rejection = error.into_rejection();
    let state = PageState { refused: Some(&rejection.detail), ..PageState::default() };
    team_page(request, session, admin, rejection.code.status(), state).await
}

pub async fn confirm_removal(
    request: &ConsoleRequest<'_>,
    session: &Session,
    user: &str,
) -> Result<Page> {
    let Some(admin) = session.admin() else { return Ok(restricted_page(request, session)) };
    let member = member(request.control_plane.member(&admin, user_id(user)?).await?);
    tidegate_core::domain::access::check(admin.role().may_change(member.role))?;
    let layer = confirm_remove(&request.csrf(session), &member, admin.actor.user_id);
    layer_page(request, session, &admin, layer).await
}

/// Removes a member. Users who remove themselves are signed out.
pub async fn remove(request: &ConsoleRequest<'_>, session: &Session, user: &str) -> Result<Page> {
    let admin = session.require_admin()?;
    let user = user_id(user)?;
    match request.control_plane.remove_member(&admin, user).await {
        Ok(_) if user == admin.actor.user_id => {
            let login = links::with_query(links::LOGIN, &[("reason", "left")]);
            Ok(Page::redirect(&login).end_session())
        }
        Ok(removed) => {
            let message = format!("{} is no longer in this workspace.", removed.email);
            Ok(Page::redirect_with_flash(links::TEAM, &message))
        }
        Err(error) => refusal_page(request, session, &admin, error).await,
    }
}
