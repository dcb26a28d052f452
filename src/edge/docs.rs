//! The documentation: static files that the platform keeps beside the Worker, asked for only here,
//! so that nothing stands before the integration API.

use serde_json::json;
use worker::Env;
use worker::js_sys::futures::JsFuture;
use worker::js_sys::{JSON, Reflect};
use worker::wasm_bindgen::JsCast;
use worker::worker_sys::Fetcher;
use worker::worker_sys::web_sys::{Request, Response};

use super::Result;
use super::answer::Answer;
use super::platform::unlogged_request_id;
use crate::api::docs::{self, File};
use crate::domain::rejection::{Code, Rejection};

/// Answers a path of the documentation, or the page that says there is none.
pub async fn handle(request: &Request, env: &Env, path: &str) -> Result<Response> {
    let file = docs::file(path);
    let known = request.headers().get("if-none-match").map_err(worker::Error::from)?;
    let found = stored(request, env, &file.path, known).await?;
    match found.status() {
        status @ (200 | 304) => answer(status, found, file),
        _ if !path.starts_with("/docs") => {
            Err(Rejection::new(Code::NotFound, "There is no such document."))
        }
        _ => {
            let page = stored(request, env, docs::NOT_FOUND, None).await?;
            answer(404, page, File { cache_control: "no-store", ..docs::file(docs::NOT_FOUND) })
        }
    }
}

/// What the platform answers for a file: 304 where the caller has it under the tag `known`.
async fn stored(
    request: &Request,
    env: &Env,
    path: &str,
    known: Option<String>,
) -> worker::Result<Response> {
    let assets = Reflect::get(env, &"ASSETS".into())?;
    if assets.is_undefined() {
        return Err(worker::Error::BindingError("ASSETS".to_owned()));
    }
    let headers = known.map_or_else(|| json!({}), |tag| json!({ "If-None-Match": tag }));
    let init = json!({ "method": request.method(), "headers": headers });
    let init = JSON::parse(&init.to_string())?.unchecked_into();
    // Only the path counts; the host is nobody's.
    let url = format!("https://assets.invalid{path}");
    let assets: Fetcher = assets.unchecked_into();
    Ok(JsFuture::from(assets.fetch_with_str_and_init(&url, &init)?).await?.dyn_into()?)
}

/// The file with our headers instead of the platform's.
fn answer(status: u16, found: Response, file: File) -> Result<Response> {
    let File { path: _, content_type, cache_control } = file;
    let mut answer = Answer { content_type, ..Answer::json(status, String::new()) }
        .with_security()
        .with_header("Cache-Control", cache_control.to_owned());
    if let Some(tag) = found.headers().get("etag").map_err(worker::Error::from)? {
        answer = answer.with_header("ETag", tag);
    }
    let request_id = unlogged_request_id();
    Ok(answer.into_stream(&request_id, found.body().as_ref())?)
}
