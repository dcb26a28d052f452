//! The caller of a request: the user behind an API key or behind a session of the console.
//! Authority is the type of a parameter: a handler that takes an [`Admin`] cannot be called without
//! one.

use worker::Env;
use worker::worker_sys::web_sys::Request;

use super::ControlPlane;
use crate::Result;
use crate::catalogue::Catalogue;
use crate::platform::incoming::{bearer, header};
use crate::platform::settings;
use tidegate_core::domain::access::Role;
use tidegate_core::domain::actor::Actor;
use tidegate_core::domain::credential::ApiSecret;
use tidegate_core::domain::id::WorkspaceId;
use tidegate_core::domain::rejection::{Code, Rejection};

/// An authenticated user of a workspace.
#[derive(Clone, Debug)]
pub struct Caller {
    pub workspace_id: WorkspaceId,
    pub actor: Actor,
    role: Role,
}

/// An owner or admin of a workspace.
#[derive(Clone, Debug)]
pub struct Admin(Caller);

impl std::ops::Deref for Admin {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.0
    }
}

impl ControlPlane<'_> {
    /// Limits attempts to sign in to ten a minute per account, and ten a minute per IP address.
    /// Called before any hash and any comparison of a secret that people choose.
    pub async fn limit_attempts(&self, account: &str, address: Option<&str>) -> Result<()> {
        let limiter = self.env.rate_limiter("LOGIN_LIMITER")?;
        let address = address.unwrap_or_default();
        for key in [format!("address {address}"), format!("account {account}")] {
            if !limiter.limit(key).await?.success {
                let detail = "Too many attempts to sign in. Try again in a minute.";
                return Err(Rejection::new(Code::RateLimited, detail).retry_after(60).into());
            }
        }
        Ok(())
    }
}

impl Caller {
    /// The user whose API key the request carries as a bearer token. A made-up key fails the check
    /// of its tag and is refused without a query.
    pub async fn of(request: &Request, env: &Env, catalogue: &Catalogue) -> Result<Self> {
        let invalid = || {
            Rejection::new(
                Code::InvalidApiKey,
                "Send a live API key as `Authorization: Bearer pck_api_…`.",
            )
        };
        let tag_keys = &settings(env)?.tag_keys;
        let authorization = header(request, "authorization")?;
        let secret = authorization
            .as_deref()
            .and_then(bearer)
            .and_then(|text| ApiSecret::parse(text, tag_keys))
            .ok_or_else(invalid)?;
        let holder = catalogue.api_key_holder(&secret.hash()).await?.ok_or_else(invalid)?;
        let actor = Actor {
            user_id: holder.user_id,
            api_key_id: Some(holder.id),
            address: header(request, "cf-connecting-ip")?,
        };
        Ok(Self { workspace_id: holder.workspace_id, actor, role: holder.role })
    }

    /// The user of a live session of the console.
    pub const fn signed_in(workspace_id: WorkspaceId, actor: Actor, role: Role) -> Self {
        Self { workspace_id, actor, role }
    }

    pub const fn role(&self) -> Role {
        self.role
    }

    pub fn into_admin(self) -> Result<Admin> {
        if self.role.manages_connections() {
            return Ok(Admin(self));
        }
        Err(Rejection::new(Code::Forbidden, "Ask an owner or admin of the workspace.").into())
    }
}
