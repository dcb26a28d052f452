//! The console: who visits, whether they may, and the page that answers.
//!
//! ```text
//! visit.rs       one request: cookies, session, forms, CSRF
//! page.rs        answers: pages, layers, redirects, errors, static files; their headers
//! signing_in.rs  login, logout, Cloudflare Access
//! joining.rs     the first workspace, invites
//! connectors.rs  the list of keys, minting, the one-time reveal
//! keys.rs        the drawer of a key: its log, parked events, settings, one request
//! key_changes.rs what can be done with a key
//! requests.rs    the log as a file, and live
//! team.rs        members and invites
//! account.rs     the password and sessions of whoever is signed in
//! audit.rs       the audit log
//! export.rs      lists as files
//! overview.rs    what needs attention today
//! orders.rs      the list of orders, one order
//! stores.rs      stores: creating, renaming, archiving
//! ```
//!
//! Every POST carries the token of its session, or, where nobody is signed in, of its visitor.
//! Members see the restricted card where only owners and admins may look, and no data behind it.

mod account;
mod audit;
mod connectors;
mod export;
mod joining;
mod key_changes;
mod keys;
mod orders;
mod overview;
mod page;
mod requests;
mod signing_in;
mod stores;
mod team;
mod visit;

use std::rc::Rc;

use worker::worker_sys::web_sys::{Request, Response};
use worker::{Context, Env};

use self::page::Page;
use self::visit::{ConsoleRequest, Session};
use super::incoming::Target;
use super::platform::Settings;
use super::{Result, internal};
use crate::api::console_routes::ConsoleRoute as Route;
use crate::console::forms::Form;
use crate::domain::rejection::{Code, Rejection};

/// Answers a request to the console. What goes wrong is a page too.
pub async fn handle(
    request: &Request,
    env: &Env,
    context: &Context,
    settings: &Rc<Settings>,
    route: &Route<'_>,
    target: &Target<'_>,
) -> Result<Response> {
    if *route == Route::Asset {
        return page::asset(target.path);
    }
    let visit = ConsoleRequest::new(request, env, context, settings, *target)?;
    if let Route::Tail { key } = route {
        let opened = match visit.session().await {
            Ok(Some(session)) => requests::tail(&visit, &session, key).await,
            Ok(None) => return Page::sign_in(&visit, true).into_response(&visit),
            Err(rejection) => Err(rejection),
        };
        return match opened {
            Ok(response) => Ok(response),
            Err(rejection) => Page::rejected(&visit, &rejection).into_response(&visit),
        };
    }
    match answer(&visit, route).await {
        Ok(page) => page.into_response(&visit),
        Err(rejection) => Page::rejected(&visit, &rejection).into_response(&visit),
    }
}

/// The page of an address that leads nowhere.
pub fn nowhere(
    request: &Request,
    env: &Env,
    context: &Context,
    settings: &Rc<Settings>,
    target: &Target<'_>,
) -> Result<Response> {
    let visit = ConsoleRequest::new(request, env, context, settings, *target)?;
    let rejection = Rejection::new(Code::NotFound, "There is nothing at this address.");
    Page::rejected(&visit, &rejection).into_response(&visit)
}

async fn answer(visit: &ConsoleRequest<'_>, route: &Route<'_>) -> Result<Page> {
    let posts = visit.method == "POST";
    let form = if posts { visit.form().await? } else { Form::default() };
    if let Some(page) = without_session(visit, route, &form).await? {
        return Ok(page);
    }
    let Some(session) = visit.session().await? else { return Ok(Page::sign_in(visit, posts)) };
    if posts {
        visit.check_form(&form, &session.token)?;
    }
    with_session(visit, &session, route, &form).await
}

/// The pages of people who are not signed in.
async fn without_session(
    visit: &ConsoleRequest<'_>,
    route: &Route<'_>,
    form: &Form,
) -> Result<Option<Page>> {
    let page = match route {
        Route::SetupForm => joining::setup_form(visit).await?,
        Route::SetUp => joining::set_up(visit, form).await?,
        Route::LoginForm => signing_in::login_form(visit).await?,
        Route::Login => signing_in::login(visit, form).await?,
        Route::AccessLogin => signing_in::access_login(visit, form).await?,
        Route::InviteForm { token } => joining::invite_form(visit, token).await?,
        Route::AcceptInvite { token } => joining::accept_invite(visit, token, form).await?,
        _ => return Ok(None),
    };
    Ok(Some(page))
}

/// The pages of the signed in. Whoever may look at what is decided by the handler: it takes an
/// `Admin` where a session is not enough.
async fn with_session(
    visit: &ConsoleRequest<'_>,
    session: &Session,
    route: &Route<'_>,
    form: &Form,
) -> Result<Page> {
    match route {
        Route::Asset
        | Route::Tail { .. }
        | Route::SetupForm
        | Route::SetUp
        | Route::LoginForm
        | Route::Login
        | Route::AccessLogin
        | Route::InviteForm { .. }
        | Route::AcceptInvite { .. } => Err(internal("a page of people who are not signed in")),
        Route::Logout => signing_in::logout(visit, session).await,
        Route::FormToken => Ok(Page::json(&serde_json::json!({ "csrf": visit.csrf(session) }))),
        Route::SetTheme => Ok(signing_in::set_theme(visit, form)),
        Route::Connectors => connectors::list(visit, session, None).await,
        Route::NewKey => connectors::new_key(visit, session).await,
        Route::CreateKey => connectors::create(visit, session, form).await,
        Route::KeysUsage => connectors::usage(visit, session).await,
        Route::Key { key, tab } => keys::drawer(visit, session, key, *tab).await,
        Route::KeyRequest { key, request } => keys::request(visit, session, key, request).await,
        Route::ExportRequests { key, format } => {
            requests::export_requests(visit, session, key, *format).await
        }
        Route::ConfirmRevoke { key } => key_changes::confirm_revoking(visit, session, key).await,
        Route::ChangeKey { key, change } => key_changes::change(visit, session, key, *change).await,
        Route::RotateForm { key } => key_changes::rotation_form(visit, session, key).await,
        Route::Rotate { key } => key_changes::rotate(visit, session, key, form).await,
        Route::SetSecret { key } => key_changes::set_secret(visit, session, key, form).await,
        Route::ConfirmDiscard { key, event } => {
            key_changes::confirm_discarding(visit, session, key, event).await
        }
        Route::DiscardEvent { key, event } => {
            key_changes::discard(visit, session, key, event).await
        }
        Route::RetryEvent { key, event } => key_changes::retry(visit, session, key, event).await,
        Route::Orders => orders::list(visit, session).await,
        Route::Order { id } => orders::show(visit, session, id).await,
        Route::Stores => stores::list(visit, session).await,
        Route::CreateStore => stores::create(visit, session, form).await,
        Route::RenameStore { store } => stores::rename(visit, session, store, form).await,
        Route::ConfirmArchive { store } => stores::confirm_archive(visit, session, store).await,
        Route::ArchiveStore { store } => stores::archive(visit, session, store).await,
        Route::RestoreStore { store } => stores::restore(visit, session, store).await,
        Route::Overview => overview::show(visit, session).await,
        Route::Team => team::list(visit, session).await,
        Route::Invite => team::invite_member(visit, session, form).await,
        Route::WithdrawInvite { invite } => team::withdraw(visit, session, invite).await,
        Route::ChangeRole { user } => team::change_role(visit, session, user, form).await,
        Route::ConfirmRemove { user } => team::confirm_removal(visit, session, user).await,
        Route::RemoveMember { user } => team::remove(visit, session, user).await,
        Route::Account => account::show(visit, session).await,
        Route::ChangePassword => account::change_password(visit, session, form).await,
        Route::EndOtherSessions => account::end_other_sessions(visit, session).await,
        Route::Audit => audit::list(visit, session).await,
        Route::ExportAudit { format } => audit::export_entries(visit, session, *format).await,
    }
}
