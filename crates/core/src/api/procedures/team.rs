//! The procedures of the team.

use super::arguments::{Arguments, email};
use crate::api::fields::{Fields, MAX_TEXT, note};
use crate::api::output::{Rfc3339, output};
#[cfg(test)]
use crate::api::recording;
use crate::domain::access::Role;
use crate::domain::id::{InviteId, UserId};
use crate::domain::rejection::Rejection;

/// `core.rpc_invite_member`
#[derive(Debug, PartialEq, Eq)]
pub struct InviteMember {
    /// In lower case.
    pub email: String,
    pub role: Role,
}

impl InviteMember {
    pub fn read(given: Arguments) -> Result<Self, Rejection> {
        given.read(|fields| {
            let (email, role) = (email(fields, "p_email"), role(fields));
            Some(Self { email: email?, role: role? })
        })
    }
}

/// `core.rpc_withdraw_invite`: the invite.
pub fn read_invite_id(given: Arguments) -> Result<InviteId, Rejection> {
    given.read(|fields| {
        let text = fields.text("p_invite_id", MAX_TEXT);
        note!(fields, "p_invite_id", recording::id(InviteId::from_random([0; 10])));
        let text = fields.required("p_invite_id", text)?;
        let id = InviteId::parse(&text);
        if id.is_none() {
            fields.problem("p_invite_id", "invalid_id", "must be an invite's id, inv_….");
        }
        id
    })
}

/// `core.rpc_change_member_role`
#[derive(Debug)]
pub struct ChangeRole {
    pub user_id: UserId,
    pub role: Role,
}

impl ChangeRole {
    pub fn read(given: Arguments) -> Result<Self, Rejection> {
        given.read(|fields| {
            let (user_id, role) = (user_id(fields), role(fields));
            Some(Self { user_id: user_id?, role: role? })
        })
    }
}

/// `core.rpc_remove_member`: the member.
pub fn read_user_id(given: Arguments) -> Result<UserId, Rejection> {
    given.read(user_id)
}

fn user_id(fields: &mut Fields<'_>) -> Option<UserId> {
    let text = fields.text("p_user_id", MAX_TEXT);
    note!(fields, "p_user_id", recording::id(UserId::from_random([0; 10])));
    let text = fields.required("p_user_id", text)?;
    let id = UserId::parse(&text);
    if id.is_none() {
        fields.problem("p_user_id", "invalid_id", "must be a user's id, usr_….");
    }
    id
}

fn role(fields: &mut Fields<'_>) -> Option<Role> {
    let role = fields.choice("p_role", Role::parse, &Role::ALL.map(Role::as_str).join(", "));
    fields.required("p_role", role)
}

output! {
    /// A member of a workspace.
    pub struct MemberOut as Member {
        pub user_id: UserId,
        pub email: String,
        pub role: Role,
        pub joined_at: Rfc3339,
        pub last_seen_at: Option<Rfc3339>,
    }
}

output! {
    /// The members of a workspace.
    pub struct MemberListOut {
        pub members: Vec<MemberOut>,
    }
}

output! {
    /// A member who was removed.
    pub struct RemovedMemberOut {
        pub user_id: UserId,
        pub removed: bool,
    }
}

output! {
    /// An invite that has not been accepted yet.
    pub struct InviteOut as Invite {
        pub invite_id: InviteId,
        pub email: String,
        pub role: Role,
        /// The e-mail address of who made it.
        pub invited_by: String,
        pub created_at: Rfc3339,
        pub expires_at: Rfc3339,
    }
}

output! {
    /// The open invites of a workspace.
    pub struct InviteListOut {
        pub invites: Vec<InviteOut>,
    }
}

output! {
    /// An invite that was just made, with its link.
    pub struct CreatedInviteOut {
        pub invite_id: InviteId,
        /// The link: shown in this answer and nowhere else.
        pub invite_url: String,
        pub email: String,
        pub role: Role,
        pub expires_at: Rfc3339,
    }
}

output! {
    /// An invite that was withdrawn.
    pub struct WithdrawnInviteOut {
        pub invite_id: InviteId,
        pub withdrawn: bool,
    }
}

#[cfg(test)]
pub mod examples {
    use super::*;
    use crate::api::openapi::examples::{invite_id, now, user_id};
    use serde_json::{Value, json};

    pub fn list_members() -> (Value, MemberListOut) {
        (json!({}), MemberListOut { members: vec![member(Role::Owner)] })
    }

    pub fn change_role() -> (Value, MemberOut) {
        (json!({ "p_user_id": user_id(), "p_role": "admin" }), member(Role::Admin))
    }

    pub fn remove_member() -> (Value, RemovedMemberOut) {
        let arguments = json!({ "p_user_id": user_id() });
        (arguments, RemovedMemberOut { user_id: user_id(), removed: true })
    }

    pub fn invite_member() -> (Value, CreatedInviteOut) {
        let invite = CreatedInviteOut {
            invite_id: invite_id(),
            invite_url: "https://console.example.com/invite/…".to_owned(),
            email: "ada@example.com".to_owned(),
            role: Role::Member,
            expires_at: Rfc3339(now()),
        };
        (json!({ "p_email": "ada@example.com", "p_role": "member" }), invite)
    }

    pub fn list_invites() -> (Value, InviteListOut) {
        let invite = InviteOut {
            invite_id: invite_id(),
            email: "ada@example.com".to_owned(),
            role: Role::Member,
            invited_by: "owner@example.com".to_owned(),
            created_at: Rfc3339(now()),
            expires_at: Rfc3339(now()),
        };
        (json!({}), InviteListOut { invites: vec![invite] })
    }

    pub fn withdraw_invite() -> (Value, WithdrawnInviteOut) {
        let arguments = json!({ "p_invite_id": invite_id() });
        (arguments, WithdrawnInviteOut { invite_id: invite_id(), withdrawn: true })
    }

    fn member(role: Role) -> MemberOut {
        MemberOut {
            user_id: user_id(),
            email: "owner@example.com".to_owned(),
            role,
            joined_at: Rfc3339(now()),
            last_seen_at: Some(Rfc3339(now())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::procedures::stores::read_store_id;
    use serde_json::{Value, json};

    fn invite(email: &str) -> Result<InviteMember, Rejection> {
        InviteMember::read([("p_email", json!(email)), ("p_role", json!("admin"))].into())
    }

    #[test]
    fn an_invite_takes_an_address_in_any_case_and_a_role() {
        let read = invite("Ann@Example.COM").unwrap();
        assert_eq!(read, InviteMember { email: "ann@example.com".into(), role: Role::Admin });
        let long = format!("{}@example.com", "a".repeat(250));
        for address in ["", "ann", "@", "a@", "@b", "a@b@c", "a b@c", " a@b", &long] {
            let errors = invite(address).unwrap_err().errors;
            assert_eq!(errors[0].pointer, "/p_email", "{address}");
        }
        let given = [("p_email", json!("a@b")), ("p_role", json!("root"))].into();
        assert_eq!(InviteMember::read(given).unwrap_err().errors[0].pointer, "/p_role");
    }

    #[test]
    fn each_invalid_argument_is_reported_by_its_name() {
        type Read = fn(Arguments) -> Result<(), Rejection>;
        let ids: [(&str, Read); 3] = [
            ("p_user_id", |given| read_user_id(given).map(|_| ())),
            ("p_invite_id", |given| read_invite_id(given).map(|_| ())),
            ("p_store_id", |given| read_store_id(given).map(|_| ())),
        ];
        for (field, read) in ids {
            for (value, code) in [(Value::Null, "required"), (json!("x"), "invalid_id")] {
                let errors = read([(field, value)].into()).unwrap_err();
                assert_eq!(errors.errors[0].pointer, format!("/{field}"));
                assert_eq!(errors.errors[0].code, code);
            }
        }
    }
}
