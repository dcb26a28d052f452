//! The Worker's event handlers: `fetch` and the hourly cron trigger.

use worker::worker_sys::web_sys::{Request, Response};
use worker::{Context, Env, ScheduleContext, ScheduledEvent, console_error, event};

use super::answer::{Answer, catch_panics};
use super::incoming::{Target, body, header};
use super::operations::ControlPlane;
use super::platform::{Settings, settings, unlogged_request_id};
use super::{Result, console, docs, integrations, orders, rpc};
use crate::api::routes::{NoRoute, Plane, Route, route};
use crate::domain::rejection::{Code, Rejection};

use crate::protocol::key_gate::Fault;

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    catch_panics(async move {
        match handle(request, &env, &context).await {
            Ok(response) => Ok(response),
            Err(rejection) => {
                let request_id = unlogged_request_id();
                Answer::problem(&rejection, &request_id).into_response(&request_id)
            }
        }
    })
    .await
}

/// Runs hourly: writes audit entries for keys that expire, and deletes sessions that have ended.
#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    let maintenance = async {
        let settings = settings(&env)?;
        ControlPlane::new(&env, &settings)?.hourly_maintenance().await
    };
    if let Err(rejection) = maintenance.await {
        console_error!("the scheduled event: {}", rejection.detail);
    }
}

async fn handle(request: Request, env: &Env, context: &Context) -> Result<Response> {
    let settings = settings(env)?;
    let url = request.url();
    let target = Target::of(&url);
    let path = target.path.to_owned();
    let method = request.method();
    let route = match route(&method, &path) {
        Ok(route) if settings.serves(target.host, route.plane()) => route,
        Ok(_) | Err(NoRoute::NotFound) => {
            // A browser gets an HTML page if this host serves the console.
            if is_browser(&request)? && settings.serves(target.host, Plane::Console) {
                return console::not_found(&request, env, context, &settings, &target);
            }
            return refuse(&request, not_found(), None).await;
        }
        Err(NoRoute::MethodNotAllowed(allowed)) => {
            let detail = format!("{path} takes {allowed}.");
            let rejection = Rejection::new(Code::MethodNotAllowed, detail);
            return refuse(&request, rejection, Some(allowed)).await;
        }
    };
    let fault = injected_fault(&request, &settings)?;
    match route {
        Route::Healthz => healthz(),
        Route::Whoami | Route::Write { .. } | Route::Batch | Route::Webhook { .. } => {
            integrations::handle(&request, env, &settings, &route, &target, fault).await
        }
        Route::ListOrders => orders::list(&request, env, &settings, target.query).await,
        Route::GetOrder { id } => orders::get(&request, env, &settings, id).await,
        Route::Console(route) => {
            console::handle(&request, env, context, &settings, &route, &target).await
        }
        Route::Docs => docs::handle(&request, env, target.path).await,
        Route::Rpc { procedure } => rpc::handle(&request, env, &settings, procedure, &target).await,
    }
}

impl Settings {
    /// Whether a hostname serves the paths of a plane. In production the API host and the console
    /// host each serve only their own paths, and unknown hosts serve none.
    fn serves(&self, host: &str, plane: Plane) -> bool {
        let matches =
            |configured: &Option<String>| configured.as_deref().is_none_or(|name| name == host);
        match plane {
            Plane::Api => matches(&self.api_host),
            Plane::Console => matches(&self.console_host),
            Plane::Both => matches(&self.api_host) || matches(&self.console_host),
        }
    }
}

fn healthz() -> Result<Response> {
    let request_id = unlogged_request_id();
    Ok(Answer::json(200, "{\"status\":\"ok\"}".to_owned()).into_response(&request_id)?)
}

/// Whether the request comes from a browser: scripts do not ask for HTML.
fn is_browser(request: &Request) -> Result<bool> {
    let accept = header(request, "accept")?.unwrap_or_default();
    Ok(request.method() == "GET" && accept.contains("text/html"))
}

fn not_found() -> Rejection {
    Rejection::new(Code::NotFound, "There is nothing at this path.")
}

/// Responds with a rejection after reading the body: if a body is left unread, the caller loses the
/// connection, and the response with it.
async fn refuse(request: &Request, rejection: Rejection, allow: Option<&str>) -> Result<Response> {
    body(request).await?;
    let request_id = unlogged_request_id();
    let mut answer = Answer::problem(&rejection, &request_id);
    if let Some(allow) = allow {
        answer = answer.with_header("allow", allow.to_owned());
    }
    Ok(answer.into_response(&request_id)?)
}

/// The fault that a test asks for by header. `None` unless fault injection is on.
#[expect(clippy::panic, reason = "a fault on purpose, only in tests")]
fn injected_fault(request: &Request, settings: &Settings) -> Result<Option<Fault>> {
    if !settings.fault_injection {
        return Ok(None);
    }
    let fault = header(request, "x-tidegate-fault")?.as_deref().and_then(Fault::parse);
    if fault == Some(Fault::PanicWorker) {
        panic!("a panic on purpose");
    }
    Ok(fault)
}
