//! The Worker's events.

use worker::worker_sys::web_sys::{Request, Response};
use worker::{Context, Env, ScheduleContext, ScheduledEvent, console_error, event};

use super::answer::{Answer, contained};
use super::incoming::{Target, body, header};
use super::operations::ControlPlane;
use super::platform::{Settings, settings, unlogged_request_id};
use super::{Result, console, docs, integrations, orders, rpc};
use crate::api::routes::{NoRoute, Plane, Route, route};
use crate::domain::rejection::{Code, Rejection};

use crate::protocol::key_gate::Fault;

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    contained(async move {
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

/// By the hour: notes what expires, and forgets sessions that have ended.
#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    let noted = async {
        let settings = settings(&env)?;
        ControlPlane::new(&env, &settings)?.note_expiring().await
    };
    if let Err(rejection) = noted.await {
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
        Ok(route) if settings.answers(target.host, route.plane()) => route,
        Ok(_) | Err(NoRoute::NotFound) => {
            // A person gets a page, where the console is.
            if is_browser(&request)? && settings.answers(target.host, Plane::Console) {
                return console::nowhere(&request, env, context, &settings, &target);
            }
            return refuse(&request, not_found(), None).await;
        }
        Err(NoRoute::MethodNotAllowed(allowed)) => {
            let detail = format!("{path} takes {allowed}.");
            let rejection = Rejection::new(Code::MethodNotAllowed, detail);
            return refuse(&request, rejection, Some(allowed)).await;
        }
    };
    let fault = injected(&request, &settings)?;
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
    /// Whether a hostname answers the paths of a plane: in production each of the two answers only
    /// its own, and unknown hosts nothing.
    fn answers(&self, host: &str, plane: Plane) -> bool {
        let is = |known: &Option<String>| known.as_deref().is_none_or(|known| known == host);
        match plane {
            Plane::Api => is(&self.api_host),
            Plane::Console => is(&self.console_host),
            Plane::Both => is(&self.api_host) || is(&self.console_host),
        }
    }
}

fn healthz() -> Result<Response> {
    let request_id = unlogged_request_id();
    Ok(Answer::json(200, "{\"status\":\"ok\"}".to_owned()).into_response(&request_id)?)
}

/// Whether somebody looks at the answer: scripts do not ask for HTML.
fn is_browser(request: &Request) -> Result<bool> {
    let accepted = header(request, "accept")?.unwrap_or_default();
    Ok(request.method() == "GET" && accepted.contains("text/html"))
}

fn not_found() -> Rejection {
    Rejection::new(Code::NotFound, "There is nothing at this path.")
}

/// Turns a request down after its body was taken: an unread body costs the caller the connection,
/// and with it the answer.
async fn refuse(request: &Request, rejection: Rejection, allow: Option<&str>) -> Result<Response> {
    body(request).await?;
    let request_id = unlogged_request_id();
    let mut answer = Answer::problem(&rejection, &request_id);
    if let Some(allow) = allow {
        answer = answer.with_header("allow", allow.to_owned());
    }
    Ok(answer.into_response(&request_id)?)
}

/// The fault that a test asks for.
#[expect(clippy::panic, reason = "a fault on purpose, only in tests")]
fn injected(request: &Request, settings: &Settings) -> Result<Option<Fault>> {
    if !settings.fault_injection {
        return Ok(None);
    }
    let fault = header(request, "x-tidegate-fault")?.as_deref().and_then(Fault::parse);
    if fault == Some(Fault::PanicWorker) {
        panic!("a panic on purpose");
    }
    Ok(fault)
}
