//! Settings → Team.

use serde_json::json;

use super::page::Page;
use super::visit::{ConsoleRequest, Session};
use crate::api::rpc_team::InviteMember;
use crate::console::components::restricted_card;
use crate::console::forms::{Form, FormErrors};
use crate::console::layout::Section;
use crate::console::links;
use crate::console::pages::team::{
    Invite, Member, Team, Typed, article, confirm_own_role, confirm_remove, invite_form, invited,
    label, team,
};
use crate::domain::access::Role;
use crate::domain::id::{InviteId, UserId};
use crate::domain::rejection::{Code, Rejection};
use crate::edge::Result;
use crate::edge::caller::Admin;
use crate::edge::catalogue::members::{InviteRow, MemberRow};

/// What the page shows besides the members and invites.
#[derive(Default)]
struct Shown<'a> {
    layer: Option<maud::Markup>,
    typed: Typed,
    errors: FormErrors,
    refused: Option<&'a str>,
}

pub async fn list(visit: &ConsoleRequest<'_>, session: &Session) -> Result<Page> {
    let Some(admin) = session.admin() else { return Ok(restricted(visit, session)) };
    page(visit, session, &admin, 200, Shown::default()).await
}

async fn page(
    visit: &ConsoleRequest<'_>,
    session: &Session,
    admin: &Admin,
    status: u16,
    shown: Shown<'_>,
) -> Result<Page> {
    let (catalogue, now) = (&visit.operations.catalogue, visit.operations.now);
    let workspace = admin.workspace_id;
    let members: Vec<_> = catalogue.members(workspace).await?.into_iter().map(member).collect();
    let invites: Vec<_> =
        catalogue.invites(workspace, now).await?.into_iter().map(invite).collect();
    let csrf = visit.csrf(session);
    let main = team(&Team {
        csrf: &csrf,
        members: &members,
        invites: &invites,
        you: admin.actor.user_id,
        role: admin.role(),
        typed: &shown.typed,
        errors: &shown.errors,
        refused: shown.refused,
        now,
    });
    Ok(Page::html(status, visit.framed(session, "Team", Section::Team, shown.layer, main)))
}

/// A layer alone where only that was asked for, else over the page.
async fn layered(
    visit: &ConsoleRequest<'_>,
    session: &Session,
    admin: &Admin,
    layer: maud::Markup,
) -> Result<Page> {
    if visit.wants_only("layer") {
        return Ok(Page::html(200, layer));
    }
    page(visit, session, admin, 200, Shown { layer: Some(layer), ..Shown::default() }).await
}

fn restricted(visit: &ConsoleRequest<'_>, session: &Session) -> Page {
    let card = restricted_card("The team");
    Page::html(403, visit.framed(session, "Team", Section::Team, None, card))
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

/// Makes an invite and shows its link. It is in this answer and nowhere else.
pub async fn invite_member(
    visit: &ConsoleRequest<'_>,
    session: &Session,
    form: &Form,
) -> Result<Page> {
    let admin = session.require_admin()?;
    let typed =
        Typed { email: form.get("email").trim().to_owned(), role: form.get("role").to_owned() };
    let arguments = json!({ "p_email": typed.email, "p_role": typed.role }).to_string();
    let made = match InviteMember::read(arguments.as_bytes()) {
        Ok(InviteMember { email, role }) => visit.operations.invite(&admin, email, role).await,
        Err(rejection) => Err(rejection),
    };
    match made {
        Ok(made) => {
            let path = links::invite(made.token.reveal());
            let url = format!("{}{path}", visit.console_origin());
            let layer = invited(&made.email, made.role, &url, made.expires_at);
            layered(visit, session, &admin, layer).await
        }
        Err(rejection) => match rejection.code {
            Code::ValidationFailed => {
                let errors = FormErrors::of_arguments(&rejection, label);
                wrong(visit, session, &admin, 422, typed, errors).await
            }
            Code::InvalidState => {
                let errors = FormErrors::one("email", rejection.detail);
                wrong(visit, session, &admin, 409, typed, errors).await
            }
            _ => Err(rejection),
        },
    }
}

/// The form again, with what is wrong beside its fields: alone for htmx, else with its page.
async fn wrong(
    visit: &ConsoleRequest<'_>,
    session: &Session,
    admin: &Admin,
    status: u16,
    typed: Typed,
    errors: FormErrors,
) -> Result<Page> {
    if !visit.wants_only("layer") {
        let shown = Shown { typed, errors, ..Shown::default() };
        return page(visit, session, admin, status, shown).await;
    }
    let csrf = visit.csrf(session);
    let form = invite_form(&Team {
        csrf: &csrf,
        members: &[],
        invites: &[],
        you: admin.actor.user_id,
        role: admin.role(),
        typed: &typed,
        errors: &errors,
        refused: None,
        now: visit.operations.now,
    });
    Ok(Page::html(status, form)
        .header("HX-Retarget", "#invite".to_owned())
        .header("HX-Reswap", "outerHTML".to_owned()))
}

pub async fn withdraw(visit: &ConsoleRequest<'_>, session: &Session, id: &str) -> Result<Page> {
    let admin = session.require_admin()?;
    let id = InviteId::parse(id)
        .ok_or_else(|| Rejection::new(Code::NotFound, "There is no such invite."))?;
    visit.operations.withdraw_invite(&admin, id).await?;
    Ok(Page::done(links::TEAM, "The invite is withdrawn: its link leads nowhere now."))
}

fn user_id(text: &str) -> Result<UserId> {
    UserId::parse(text).ok_or_else(|| Rejection::new(Code::NotFound, "There is no such member."))
}

/// Gives a member another role. Whoever takes one from themselves is asked first.
pub async fn change_role(
    visit: &ConsoleRequest<'_>,
    session: &Session,
    user: &str,
    form: &Form,
) -> Result<Page> {
    let admin = session.require_admin()?;
    let user = user_id(user)?;
    let role = Role::parse(form.get("role"))
        .ok_or_else(|| Rejection::new(Code::NotFound, "There is no such role."))?;
    let own = user == admin.actor.user_id;
    if own && role != admin.role() && form.get("confirmed").is_empty() {
        let you = member(visit.operations.member(&admin, user).await?);
        let layer = confirm_own_role(&visit.csrf(session), &you, role);
        return layered(visit, session, &admin, layer).await;
    }
    match visit.operations.change_role(&admin, user, role).await {
        Ok(_) if own && !role.manages_connections() => {
            Ok(Page::done(links::ACCOUNT, "You are a member now."))
        }
        Ok(changed) => {
            let who = if own { "You are".to_owned() } else { format!("{} is", changed.email) };
            Ok(Page::done(links::TEAM, &format!("{who} {} now.", article(role))))
        }
        Err(rejection) => refused(visit, session, &admin, rejection).await,
    }
}

/// The page with why what was asked for was not done.
async fn refused(
    visit: &ConsoleRequest<'_>,
    session: &Session,
    admin: &Admin,
    rejection: Rejection,
) -> Result<Page> {
    if rejection.code != Code::InvalidState {
        return Err(rejection);
    }
    let shown = Shown { refused: Some(&rejection.detail), ..Shown::default() };
    page(visit, session, admin, rejection.code.status(), shown).await
}

pub async fn confirm_removal(
    visit: &ConsoleRequest<'_>,
    session: &Session,
    user: &str,
) -> Result<Page> {
    let Some(admin) = session.admin() else { return Ok(restricted(visit, session)) };
    let asked = member(visit.operations.member(&admin, user_id(user)?).await?);
    crate::domain::access::check(admin.role().may_change(asked.role))?;
    let layer = confirm_remove(&visit.csrf(session), &asked, admin.actor.user_id);
    layered(visit, session, &admin, layer).await
}

/// Removes a member; whoever removes themselves is signed out.
pub async fn remove(visit: &ConsoleRequest<'_>, session: &Session, user: &str) -> Result<Page> {
    let admin = session.require_admin()?;
    let user = user_id(user)?;
    match visit.operations.remove_member(&admin, user).await {
        Ok(_) if user == admin.actor.user_id => {
            let login = links::with_query(links::LOGIN, &[("reason", "left")]);
            Ok(Page::redirect(&login).end_session())
        }
        Ok(removed) => {
            let told = format!("{} is no longer in this workspace.", removed.email);
            Ok(Page::done(links::TEAM, &told))
        }
        Err(rejection) => refused(visit, session, &admin, rejection).await,
    }
}
