//! The person behind a change.

use serde::{Deserialize, Serialize};

use super::id::{ApiKeyId, UserId};

/// The user who makes a change, as the audit log records them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    pub user_id: UserId,
    /// The API key that the user acted with; `None` while a workspace is being set up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key_id: Option<ApiKeyId>,
    /// The network address that the request came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}
