//! Who may do what in a workspace.

use serde::{Deserialize, Serialize};

/// A user's role in a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Owner,
    Admin,
    Member,
}

impl Role {
    /// Whether the role may mint, watch, change and revoke integration keys, and manage stores.
    pub const fn manages_connections(self) -> bool {
        matches!(self, Self::Owner | Self::Admin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_manage_nothing() {
        assert!(Role::Owner.manages_connections());
        assert!(Role::Admin.manages_connections());
        assert!(!Role::Member.manages_connections());
    }
}
