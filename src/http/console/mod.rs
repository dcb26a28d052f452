//! The console: finds the session of a request, checks authority, and responds with a page.
//!
//! ```text
//! request.rs     the console's request: cookies, session, forms, CSRF
//! cookies.rs     the names of the cookies
//! page.rs        responses: pages, layers, redirects, errors, static files; their headers
//! signing_in.rs  login, logout, Cloudflare Access
//! joining.rs     the first workspace, invites
//! connectors.rs  the list of keys, minting, the one-time reveal
//! keys.rs        the drawer of a key: its log, parked events, settings, one request
//! key_changes.rs the actions on a key: pause, revoke, rotate, its secret, its parked events
//! requests.rs    the request log as a file, and as a live tail
//! team.rs        members and invites
//! account.rs     the password and sessions of the signed-in user
//! audit.rs       the audit log
//! export.rs      lists as downloadable files
//! overview.rs    the first page: what needs attention today
//! orders.rs      the list of orders, one order
//! stores.rs      stores: creating, renaming, archiving
//! ```
//!
//! Every POST carries a CSRF token: of its session, or, if nobody is signed in, of its visitor.
//! On pages for owners and admins, members see the restricted card and none of the data.

mod account;
mod audit;
mod connectors;
mod cookies;
mod export;
mod joining;
mod key_changes;
mod keys;
mod orders;
mod overview;
mod page;
mod request;
mod requests;
mod signing_in;
mod stores;
mod team;

use std::rc::Rc;

use worker::worker_sys::web_sys::{Request, Response};
use worker::{Context, Env};

use self::page::Page;
use self::request::{ConsoleRequest, Session};
use crate::platform::Settings;
use crate::platform::incoming::Target;
use crate::{Result, internal};
use tidegate_console::forms::Form;
use tidegate_console::routes::ConsoleRoute as Route;
use tidegate_core::domain::rejection::{Code, Rejection};

/// Responds to a request to the console. An error is shown as a page too.
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
    let console = ConsoleRequest::new(request, env, context, settings, *target)?;
    if let Route::Tail { key } = route {
        let response = match console.session().await {
            Ok(Some(session)) => requests::tail(&console, &session, key).await,
            Ok(None) => return Page::sign_in_required(&console, true).into_response(&console),
            Err(rejection) => Err(rejection),
        };
        return match response {
            Ok(response) => Ok(response),
            Err(error) => Page::rejected(&console, &error.into_rejection()).into_response(&console),
        };
    }
    match respond(&console, route).await {
        Ok(page) => page.into_response(&console),
        Err(error) => Page::rejected(&console, &error.into_rejection()).into_response(&console),
    }
}

/// The page for an address that does not exist.
pub fn not_found(
    request: &Request,
    env: &Env,
    context: &Context,
    settings: &Rc<Settings>,
    target: &Target<'_>,
) -> Result<Response> {
    let console = ConsoleRequest::new(request, env, context, settings, *target)?;
    let rejection = Rejection::new(Code::NotFound, "There is nothing at this address.");
    Page::rejected(&console, &rejection).into_response(&console)
}

async fn respond(request: &ConsoleRequest<'_>, route: &Route<'_>) -> Result<Page> {
    let is_post = request.method == "POST";
    let form = if is_post { request.form().await? } else { Form::default() };
    if let Some(page) = without_session(request, route, &form).await? {
        return Ok(page);
    }
    let Some(session) = request.session().await? else {
        return Ok(Page::sign_in_required(request, is_post));
    };
    if is_post {
        request.check_form(&form, &session.token)?;
    }
    with_session(request, &session, route, &form).await
}

/// The pages that need no session; `None` for every other route.
async fn without_session(
    request: &ConsoleRequest<'_>,
    route: &Route<'_>,
    form: &Form,
) -> Result<Option<Page>> {
    let page = match route {
        Route::SetupForm => joining::setup_form(request).await?,
        Route::SetUp => joining::set_up(request, form).await?,
        Route::LoginForm => signing_in::login_form(request).await?,
        Route::Login => signing_in::login(request, form).await?,
        Route::AccessLogin => signing_in::access_login(request, form).await?,
        Route::InviteForm { token } => joining::invite_form(request, token).await?,
        Route::AcceptInvite { token } => joining::accept_invite(request, token, form).await?,
        _ => return Ok(None),
    };
    Ok(Some(page))
}

/// The pages for signed-in users. Each handler decides who may see its page: it asks the session
/// for an `Admin` if a session alone is not enough.
async fn with_session(
    request: &ConsoleRequest<'_>,
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
        Route::Logout => signing_in::logout(request, session).await,
        Route::FormToken => Ok(Page::json(&serde_json::json!({ "csrf": request.csrf(session) }))),
        Route::SetTheme => Ok(signing_in::set_theme(request, form)),
        Route::Connectors => connectors::list(request, session, None).await,
        Route::NewKey => connectors::new_key(request, session).await,
        Route::CreateKey => connectors::create(request, session, form).await,
        Route::KeysUsage => connectors::usage(request, session).await,
        Route::Key { key, tab } => keys::drawer(request, session, key, *tab).await,
        Route::KeyRequest { key, request: request_id } => {
            keys::request(request, session, key, request_id).await
        }
        Route::ExportRequests { key, format } => {
            requests::export_requests(request, session, key, *format).await
        }
        Route::ConfirmRevoke { key } => {
            key_changes::confirm_revocation(request, session, key).await
        }
        Route::ChangeKey { key, change } => {
            key_changes::change(request, session, key, *change).await
        }
        Route::RotateForm { key } => key_changes::rotation_form(request, session, key).await,
        Route::Rotate { key } => key_changes::rotate(request, session, key, form).await,
        Route::SetSecret { key } => key_changes::set_secret(request, session, key, form).await,
        Route::ConfirmDiscard { key, event } => {
            key_changes::confirm_discarding_event(request, session, key, event).await
        }
        Route::DiscardEvent { key, event } => {
            key_changes::discard_event(request, session, key, event).await
        }
        Route::RetryEvent { key, event } => {
            key_changes::retry_event(request, session, key, event).await
        }
        Route::Orders => orders::list(request, session).await,
        Route::Order { id } => orders::show(request, session, id).await,
        Route::Stores => stores::list(request, session).await,
        Route::CreateStore => stores::create(request, session, form).await,
        Route::RenameStore { store } => stores::rename(request, session, store, form).await,
        Route::ConfirmArchive { store } => stores::confirm_archive(request, session, store).await,
        Route::ArchiveStore { store } => stores::archive(request, session, store).await,
        Route::RestoreStore { store } => stores::restore(request, session, store).await,
        Route::Overview => overview::show(request, session).await,
        Route::Team => team::list(request, session).await,
        Route::Invite => team::invite_member(request, session, form).await,
        Route::WithdrawInvite { invite } => team::withdraw(request, session, invite).await,
        Route::ChangeRole { user } => team::change_role(request, session, user, form).await,
        Route::ConfirmRemove { user } => team::confirm_removal(request, session, user).await,
        Route::RemoveMember { user } => team::remove(request, session, user).await,
        Route::Account => account::show(request, session).await,
        Route::ChangePassword => account::change_password(request, session, form).await,
        Route::EndOtherSessions => account::end_other_sessions(request, session).await,
        Route::Audit => audit::list(request, session).await,
        Route::ExportAudit { format } => audit::export_entries(request, session, *format).await,
    }
}
