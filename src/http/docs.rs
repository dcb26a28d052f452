//! The documentation: static assets that are deployed with the Worker. Only this handler fetches
//! them, so that no asset look-up delays the integration API.

use serde_json::json;
use worker::Env;
use worker::js_sys::futures::JsFuture;
use worker::js_sys::{JSON, Reflect};
use worker::wasm_bindgen::JsCast;
use worker::worker_sys::Fetcher;
use worker::worker_sys::web_sys::{Request, Response};

use crate::Result;
use crate::platform::answer::Answer;
use crate::platform::unlogged_request_id;
use tidegate_core::api::docs::{self, File};
use tidegate_core::domain::rejection::{Code, Rejection};

/// Serves a path of the documentation, or its 404 page.
pub async fn handle(request: &Request, env: &Env, path: &str) -> Result<Response> {
    let file = docs::file(path);
    let etag = request.headers().get("if-none-match").map_err(worker::Error::from)?;
    let asset = fetch_asset(request, env, &file.path, etag).await?;
    match asset.status() {
        status @ (200 | 304) => respond(status, asset, file),
        _ if !path.starts_with("/docs") => {
            Err(Rejection::new(Code::NotFound, "There is no such document.").into())
        }
        _ => {
            let page = fetch_asset(request, env, docs::NOT_FOUND, None).await?;
            respond(404, page, File { cache_control: "no-store", ..docs::file(docs::NOT_FOUND) })
        }
    }
}

/// The platform's response for an asset: 304 if the caller's copy, named by `etag`, is current.
async fn fetch_asset(
    request: &Request,
    env: &Env,
    path: &str,
    etag: Option<String>,
) -> worker::Result<Response> {
    let assets = Reflect::get(env, &"ASSETS".into())?;
    if assets.is_undefined() {
        return Err(worker::Error::BindingError("ASSETS".to_owned()));
    }
    let headers = etag.map_or_else(|| json!({}), |etag| json!({ "If-None-Match": etag }));
    let init = json!({ "method": request.method(), "headers": headers });
    let init = JSON::parse(&init.to_string())?.unchecked_into();
    // Only the path matters; the host is a placeholder.
    let url = format!("https://assets.invalid{path}");
    let assets: Fetcher = assets.unchecked_into();
    Ok(JsFuture::from(assets.fetch_with_str_and_init(&url, &init)?).await?.dyn_into()?)
}

/// The asset with our headers in place of the platform's.
fn respond(status: u16, asset: Response, file: File) -> Result<Response> {
    let File { path: _, content_type, cache_control } = file;
    let mut answer = Answer { content_type, ..Answer::json(status, String::new()) }
        .with_security()
        .with_header("Cache-Control", cache_control.to_owned());
    if let Some(etag) = asset.headers().get("etag").map_err(worker::Error::from)? {
        answer = answer.with_header("ETag", etag);
    }
    let request_id = unlogged_request_id();
    Ok(answer.into_stream(&request_id, asset.body().as_ref())?)
}
