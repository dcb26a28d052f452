//! The Worker's event handlers: `fetch` and the hourly cron trigger.

use worker::worker_sys::web_sys::{Request, Response};
use worker::{Context, Env, ScheduleContext, ScheduledEvent, console_error, event};

use crate::Result;
use crate::control::ControlPlane;
use crate::http::console;
use crate::http::docs;
use crate::http::integrations;
use crate::http::orders;
use crate::http::rpc;
use crate::platform::answer::{Answer, catch_panics};
use crate::platform::incoming::{Target, body, header};
use crate::platform::{Settings, settings, unlogged_request_id};
use tidegate_console::routes::{ConsoleRoute, console_route};
use tidegate_core::api::routes::{NoRoute, Plane, Route, route};
use tidegate_core::domain::rejection::{Code, Rejection};

use tidegate_core::protocol::key_gate::Fault;

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    catch_panics(async move {
        match handle(request, &env, &context).await {
            Ok(response) => Ok(response),
            Err(error) => {
                let request_id = unlogged_request_id();
                Answer::problem(&error.into_rejection(), &request_id).into_response(&request_id)
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
    if let Err(error) = maintenance.await {
        console_error!("the scheduled event: {error}");
    }
}

async fn handle(request: Request, env: &Env, context: &Context) -> Result<Response> {
    let settings = settings(env)?;
    let url = request.url();
    let target = Target::of(&url);
    let path = target.path.to_owned();
    let method = request.method();
    let route = match find_route(&method, &path) {
        Ok(Destination::Api(route)) if settings.serves(target.host, route.plane()) => route,
        Ok(Destination::Console(route)) if settings.serves(target.host, Plane::Console) => {
            injected_fault(&request, &settings)?;
            return console::handle(&request, env, context, &settings, &route, &target).await;
        }
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
        Route::Docs => docs::handle(&request, env, target.path).await,
        Route::Rpc { procedure } => rpc::handle(&request, env, &settings, procedure, &target).await,
    }
}

/// Where a request goes.
enum Destination<'a> {
    Api(Route<'a>),
    Console(ConsoleRoute<'a>),
}

/// Looks in the table of the APIs first, then in the console's.
fn find_route<'a>(method: &str, path: &'a str) -> std::result::Result<Destination<'a>, NoRoute> {
    match route(method, path) {
        Ok(route) => Ok(Destination::Api(route)),
        Err(NoRoute::NotFound) => match console_route(method, path) {
            Ok(route) => Ok(Destination::Console(route)),
            Err("") => Err(NoRoute::NotFound),
            Err(allowed) => Err(NoRoute::MethodNotAllowed(allowed)),
        },
        Err(refused) => Err(refused),
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
    #[cfg(target_arch = "wasm32")]
    if fault == Some(Fault::TrapWorker) {
        core::arch::wasm32::unreachable();
    }
    Ok(fault)
}
