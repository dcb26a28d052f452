//! `POST /rpc/core.rpc_*`: the procedures. `table.rs` has a row for each; the other modules have the
//! types of their arguments and responses.

mod arguments;
pub mod audit;
pub mod key_outputs;
pub mod keys;
pub mod requests;
pub mod stores;
mod table;
pub mod team;
pub mod workspaces;

pub use arguments::Arguments;
#[cfg(test)]
pub use table::documentation;
pub use table::{ALL, Audit, Keys, Requests, Stores, Team, Workspaces, call};

use serde::Serialize;

use crate::domain::rejection::{Code, Rejection};

/// What the caller of a procedure must present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// The set-up token of the deployment.
    SetupToken,
    /// The API key of an owner or admin.
    Admin,
}

/// A row of the table: what is known of a procedure without running it.
#[derive(Clone, Copy, Debug)]
pub struct Procedure {
    /// Its name in the path.
    pub name: &'static str,
    pub summary: &'static str,
    pub credential: Credential,
    /// The status of its successful response.
    pub status: u16,
    /// The codes that it can answer and others cannot.
    own_codes: &'static [Code],
}

impl Procedure {
    /// The codes with which it can be refused.
    pub fn codes(&self) -> impl Iterator<Item = Code> {
        let common =
            [Code::InvalidJson, Code::InvalidApiKey, Code::PayloadTooLarge, Code::ValidationFailed];
        let forbidden = (self.credential == Credential::Admin).then_some(Code::Forbidden);
        let failures = [Code::InternalError, Code::Unavailable];
        common.into_iter().chain(forbidden).chain(failures).chain(self.own_codes.iter().copied())
    }
}

/// What carries the procedures out for one request: checks credentials and makes responses. The
/// handlers are the methods of a trait for each resource, generated from the table: without a
/// handler for every row, or with one that has no row, the Worker does not compile.
pub trait Handlers {
    /// Proof that the request carries the deployment's set-up token.
    type SetupToken;
    /// An owner or admin, whose API key the request carries.
    type Admin;
    type Answer;
    type Error: From<Rejection>;

    /// # Errors
    /// 401 `invalid_api_key`.
    fn setup_token(&self) -> impl Future<Output = Result<Self::SetupToken, Self::Error>>;

    /// # Errors
    /// 401 `invalid_api_key`; 403 `forbidden` for a member.
    fn admin(&self) -> impl Future<Output = Result<Self::Admin, Self::Error>>;

    fn answer(&self, status: u16, output: &impl Serialize) -> Result<Self::Answer, Self::Error>;
}

/// The documentation of a procedure.
#[cfg(test)]
pub struct Documentation {
    /// A complete example of its arguments.
    pub arguments: serde_json::Value,
    /// The schema of its arguments, recorded from their reader.
    pub schema: serde_json::Value,
    /// The schema of its response.
    pub response: serde_json::Value,
    /// An example of its response.
    pub example: serde_json::Value,
}
