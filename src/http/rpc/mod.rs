//! `POST /rpc/core.rpc_*`: everything the console does, for scripts with the API key of an owner or
//! admin. A member gets 403; a resource of another workspace is not found. The procedures stand in
//! the table of `tidegate_core::api::procedures`; here are their handlers.

mod audit;
mod keys;
mod requests;
mod stores;
mod team;
mod workspaces;

use std::rc::Rc;

use serde::Serialize;
use subtle::ConstantTimeEq;
use worker::Env;
use worker::worker_sys::web_sys::{Request, Response};

use crate::control::ControlPlane;
use crate::control::caller::{Admin, Caller};
use crate::platform::answer::Answer;
use crate::platform::incoming::{Target, bearer, body, header};
use crate::platform::{Settings, unlogged_request_id};
use crate::{Error, Result};
use tidegate_core::api::procedures::{self, Handlers};
use tidegate_core::domain::rejection::{Code, Rejection};

/// The context of a procedure call, besides its arguments.
struct Call<'a> {
    request: &'a Request,
    control_plane: ControlPlane<'a>,
    /// The origin at which storefronts reach this deployment.
    api_origin: &'a str,
    /// The origin of the console.
    console_origin: &'a str,
}

pub async fn handle(
    request: &Request,
    env: &Env,
    settings: &Rc<Settings>,
    procedure: &str,
    target: &Target<'_>,
) -> Result<Response> {
    let body = body(request).await?;
    let call = Call {
        request,
        control_plane: ControlPlane::new(env, settings)?,
        api_origin: settings.public_api_url.as_deref().unwrap_or(target.origin),
        console_origin: settings.public_console_url.as_deref().unwrap_or(target.origin),
    };
    let answer = procedures::call(&call, procedure, &body, &settings.tag_keys).await?;
    Ok(answer.into_response(&unlogged_request_id())?)
}

/// Proof that a request carries the set-up token of the deployment.
struct SetupToken;

impl Handlers for Call<'_> {
    type SetupToken = SetupToken;
    type Admin = Admin;
    type Answer = Answer;
    type Error = Error;

    async fn setup_token(&self) -> Result<SetupToken> {
        let address = header(self.request, "cf-connecting-ip")?;
        self.control_plane.limit_attempts("setup", address.as_deref()).await?;
        let authorization = header(self.request, "authorization")?.unwrap_or_default();
        let presented = bearer(&authorization).unwrap_or_default();
        check_setup_token(presented, self.control_plane.settings)?;
        Ok(SetupToken)
    }

    async fn admin(&self) -> Result<Admin> {
        let ControlPlane { env, catalogue, .. } = &self.control_plane;
        Caller::of(self.request, env, catalogue).await?.into_admin()
    }

    fn answer(&self, status: u16, output: &impl Serialize) -> Result<Answer> {
        Answer::serialized(status, output)
    }
}

/// Checks the set-up token of the deployment, in constant time. Only the set-up of the first
/// workspace needs it.
pub fn check_setup_token(presented: &str, settings: &Settings) -> Result<()> {
    let valid = settings
        .setup_token
        .as_deref()
        .is_some_and(|token| token.as_bytes().ct_eq(presented.as_bytes()).into());
    if valid {
        return Ok(());
    }
    Err(Rejection::new(
        Code::InvalidApiKey,
        "Send the deployment's SETUP_TOKEN as `Authorization: Bearer …`.",
    )
    .into())
}
