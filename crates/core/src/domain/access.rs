//! Roles in a workspace, and what each may do.

use serde::{Deserialize, Serialize};

use super::rejection::{Code, Rejection};

/// A user's role in a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Owner,
    Admin,
    Member,
}

impl Role {
    pub const ALL: [Self; 3] = [Self::Owner, Self::Admin, Self::Member];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// Whether the role may mint, watch, change and revoke integration keys, and manage stores and
    /// the team.
    pub const fn manages_connections(self) -> bool {
        matches!(self, Self::Owner | Self::Admin)
    }

    /// Whether the role may give somebody `role`. Only owners make owners.
    pub fn may_grant(self, role: Self) -> bool {
        match role {
            Self::Owner => self == Self::Owner,
            Self::Admin | Self::Member => self.manages_connections(),
        }
    }

    /// Whether the role may change or remove somebody whose role is `other`. Admins may not change
    /// or remove owners.
    pub fn may_change(self, other: Self) -> bool {
        self.may_grant(other)
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Returns an error unless a change to the team is allowed.
///
/// # Errors
/// 403 `forbidden`.
pub fn check(allowed: bool) -> Result<(), Rejection> {
    if allowed {
        return Ok(());
    }
    Err(Rejection::new(Code::Forbidden, "Only an owner may make, change or remove owners."))
}

/// The rejection of a change that would leave a workspace without an owner.
pub fn last_owner() -> Rejection {
    Rejection::new(
        Code::InvalidState,
        "A workspace keeps at least one owner. Make somebody else an owner first.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_manage_nothing_and_only_owners_touch_owners() {
        use Role::{Admin, Member, Owner};
        for (actor, other, allowed) in [
            (Owner, Owner, true),
            (Owner, Admin, true),
            (Owner, Member, true),
            (Admin, Owner, false),
            (Admin, Admin, true),
            (Admin, Member, true),
            (Member, Owner, false),
            (Member, Admin, false),
            (Member, Member, false),
        ] {
            assert_eq!(actor.may_grant(other), allowed, "{actor} grants {other}");
            assert_eq!(actor.may_change(other), allowed, "{actor} changes {other}");
        }
        assert!(!Member.manages_connections());
        assert!(Admin.manages_connections());
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
    }
}
