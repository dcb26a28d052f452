//! `/integrations/v1`: the API for storefronts. Checks the form and tag of the credential and the
//! size of the body, then forwards the request to the key's KeyGate and returns its response.

use std::rc::Rc;

use percent_encoding::percent_decode_str;
use worker::Env;
use worker::worker_sys::web_sys::{Request, Response};

use crate::objects::call::{IngestCall, call};
use crate::objects::object_call::ObjectCall;
use crate::platform::answer::response_from_frame;
use crate::platform::incoming::{Target, bearer, body, header};
use crate::platform::{Settings, random_token};
use crate::{Result, internal};
use tidegate_core::api::routes::Route;
use tidegate_core::domain::admission::invalid_key;
use tidegate_core::domain::credential::{CredentialHash, GateName, IntegrationKey, KeyId};
use tidegate_core::domain::headers::Headers;
use tidegate_core::domain::rejection::{Code, Rejection};
use tidegate_core::protocol::key_gate::{Fault, Ingest, RequestKind};

pub async fn handle(
    request: &Request,
    env: &Env,
    settings: &Rc<Settings>,
    route: &Route<'_>,
    target: &Target<'_>,
    fault: Option<Fault>,
) -> Result<Response> {
    let body = body(request).await?;
    if target.query.contains("pck_int_") {
        return Err(Rejection::new(
            Code::KeyInQuery,
            "A secret key in a URL ends up in logs: revoke this one. In a webhook's URL use the key id, ?key=key_…; elsewhere send `Authorization: Bearer pck_int_…`.",
        ).into());
    }
    let credential = credential(request, settings, route, target.query)?;
    let kind = request_kind(route)?;
    if credential.key_hash.is_none() {
        throttle(request, env, &credential.gate).await?;
    }
    let headers = request.headers();
    let ingest = Ingest {
        key_hash: credential.key_hash,
        attempt: random_token(),
        kind,
        target: decoded_target(route)?,
        method: request.method(),
        path: target.path.to_owned(),
        query: without_key(target.query),
        headers: read_headers(kind, |name| headers.get(name).ok().flatten()),
        fault,
    };
    let message = IngestCall { ingest, body: &body };
    let reply = call(env, &credential.gate, &message, IngestCall::DEADLINE_MS).await;
    response_from_frame(&reply.map_err(|error| {
        let seconds = if error.is_overloaded() { 5 } else { 1 };
        error.or(Rejection::key_gate_unavailable(seconds))
    })?)
}

/// The credential of a request. Only its form and tag have been checked, which needs no I/O; the
/// KeyGate authenticates it.
struct Credential {
    gate: GateName,
    /// `None` if the request carries only a key id.
    key_hash: Option<CredentialHash>,
}

fn credential(
    request: &Request,
    settings: &Settings,
    route: &Route<'_>,
    query: &str,
) -> Result<Credential> {
    if let Some(authorization) = header(request, "authorization")? {
        let key = bearer(&authorization)
            .and_then(|text| IntegrationKey::parse(text, &settings.tag_keys))
            .ok_or_else(invalid_key)?;
        let hash = key.hash();
        let url_key_id = key_id_in(route, query).map(|id| KeyId::parse(id, &settings.tag_keys));
        if url_key_id.is_some_and(|id| id.and_then(|id| id.gate()) != Some(hash.gate())) {
            return Err(invalid_key().into());
        }
        return Ok(Credential { gate: hash.gate(), key_hash: Some(hash) });
    }
    let gate = key_id_in(route, query)
        .and_then(|id| KeyId::parse(id, &settings.tag_keys))
        .and_then(|id| id.gate())
        .ok_or_else(invalid_key)?;
    Ok(Credential { gate, key_hash: None })
}

/// The key id in a webhook's URL.
fn key_id_in<'a>(route: &Route<'a>, query: &'a str) -> Option<&'a str> {
    let Route::Webhook { key_id, .. } = route else { return None };
    key_id.or_else(|| query.split('&').find_map(|pair| pair.strip_prefix("key=")))
}

/// The query without its `key`.
fn without_key(query: &str) -> String {
    let pairs = query.split('&').filter(|pair| !pair.starts_with("key=") && !pair.is_empty());
    pairs.collect::<Vec<_>>().join("&")
}

fn request_kind(route: &Route<'_>) -> Result<RequestKind> {
    match route {
        Route::Whoami => Ok(RequestKind::Whoami),
        Route::Write { command, .. } => Ok(RequestKind::Write { command: *command }),
        Route::Batch => Ok(RequestKind::Batch),
        Route::Webhook { source, .. } => (source.profile().webhooks.as_ref())
            .map(|webhooks| RequestKind::Deliver { format: webhooks.format })
            .ok_or_else(|| {
                let detail = format!(
                    "{source} has no webhooks of its own: post to /integrations/v1/orders."
                );
                Rejection::new(Code::NotFound, detail).into()
            }),
        Route::Healthz
        | Route::ListOrders
        | Route::GetOrder { .. }
        | Route::Rpc { .. }
        | Route::Docs => Err(internal("a route of another handler")),
    }
}

/// The resource id in the path, percent-decoded.
fn decoded_target(route: &Route<'_>) -> Result<Option<String>> {
    let Route::Write { target: Some(target), .. } = route else { return Ok(None) };
    let decoded = percent_decode_str(target).decode_utf8().map_err(|_| {
        Rejection::new(Code::NotFound, "The id in the path is not percent-encoded UTF-8.")
    })?;
    Ok(Some(decoded.into_owned()))
}

/// Reads the headers that a request of this kind can need.
fn read_headers(kind: RequestKind, get: impl FnMut(&'static str) -> Option<String>) -> Headers {
    match kind {
        RequestKind::Deliver { format } => {
            let names = format.webhooks().map_or(&[][..], |webhooks| webhooks.headers);
            Headers::read(names.iter().copied(), get)
        }
        RequestKind::Whoami | RequestKind::Write { .. } | RequestKind::Batch => {
            Headers::read_api(get)
        }
    }
}

/// Limits requests that carry only a key id, per key and address, before the KeyGate is called. (A
/// key id is public.) The limit is far above the rate limit of any key.
async fn throttle(request: &Request, env: &Env, gate: &GateName) -> Result<()> {
    let address = header(request, "cf-connecting-ip")?.unwrap_or_default();
    let limiter = env.rate_limiter("WEBHOOK_LIMITER")?;
    if limiter.limit(format!("{gate} {address}")).await?.success {
        return Ok(());
    }
    Err(Rejection::new(Code::RateLimited, "Too many requests from this address.")
        .retry_after(60)
        .into())
}
