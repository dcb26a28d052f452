//! The arguments of the procedures for stores, key rotation, the team and the audit log.

use super::keys::{
    arguments, email, expires_in_days, key_id, limit, name, optional_name, store_id,
};
use crate::api::fields::{Fields, MAX_TEXT, note};
#[cfg(test)]
use crate::api::recording;
use crate::domain::access::Role;
use crate::domain::audit::{AuditCursor, AuditFilter};
use crate::domain::credential::{KeyId, TagKeys};
use crate::domain::id::{InviteId, StoreId, UserId};
use crate::domain::rejection::Rejection;

/// `core.rpc_rename_store`: the store and its new name.
pub fn read_rename_store(body: &[u8]) -> Result<(StoreId, String), Rejection> {
    arguments(body, |fields| {
        let (store_id, name) = (store_id(fields), name(fields, "p_name"));
        Some((store_id?, name?))
    })
}

/// Reads the arguments of a procedure that takes only a store.
pub fn read_store_id(body: &[u8]) -> Result<StoreId, Rejection> {
    arguments(body, store_id)
}

/// `core.rpc_rotate_integration_key`
#[derive(Debug)]
pub struct RotateIntegrationKey {
    pub key_id: KeyId,
    /// The name of the new key; `None` for the same name as the old key.
    pub name: Option<String>,
    pub expires_in_days: Option<i64>,
}

impl RotateIntegrationKey {
    pub fn read(body: &[u8], tag_keys: &TagKeys) -> Result<Self, Rejection> {
        arguments(body, |fields| {
            let key_id = key_id(fields, tag_keys);
            let name = optional_name(fields, "p_name");
            let expires_in_days = expires_in_days(fields);
            Some(Self { key_id: key_id?, name, expires_in_days })
        })
    }
}

/// `core.rpc_invite_member`
#[derive(Debug, PartialEq, Eq)]
pub struct InviteMember {
    /// In lower case.
    pub email: String,
    pub role: Role,
}

impl InviteMember {
    pub fn read(body: &[u8]) -> Result<Self, Rejection> {
        arguments(body, |fields| {
            let (email, role) = (email(fields, "p_email"), role(fields));
            Some(Self { email: email?, role: role? })
        })
    }
}

/// `core.rpc_withdraw_invite`: the invite.
pub fn read_invite_id(body: &[u8]) -> Result<InviteId, Rejection> {
    arguments(body, |fields| {
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

/// `core.rpc_change_member_role`: the member and their new role.
pub fn read_change_role(body: &[u8]) -> Result<(UserId, Role), Rejection> {
    arguments(body, |fields| {
        let (user_id, role) = (user_id(fields), role(fields));
        Some((user_id?, role?))
    })
}

/// `core.rpc_remove_member`: the member.
pub fn read_user_id(body: &[u8]) -> Result<UserId, Rejection> {
    arguments(body, user_id)
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

/// `core.rpc_list_audit_entries`
#[derive(Debug)]
pub struct ListAuditEntries {
    pub filter: AuditFilter,
    pub cursor: Option<AuditCursor>,
    pub limit: u32,
}

impl ListAuditEntries {
    pub fn read(body: &[u8]) -> Result<Self, Rejection> {
        arguments(body, |fields| {
            let text = fields.text("p_cursor", MAX_TEXT);
            let cursor = text.as_deref().and_then(AuditCursor::parse);
            if text.is_some() && cursor.is_none() {
                let detail = "must be the next_cursor of an earlier page.";
                fields.problem("p_cursor", "invalid_cursor", detail);
            }
            let filter = AuditFilter {
                action: fields.text("p_action", MAX_TEXT),
                email: fields.text("p_email", MAX_TEXT).map(|email| email.to_lowercase()),
                subject: fields.text("p_subject", MAX_TEXT),
                from: fields.timestamp("p_from"),
                to: fields.timestamp("p_to"),
            };
            Some(Self { filter, cursor, limit: limit(fields) })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn invite(email: &str) -> Result<InviteMember, Rejection> {
        InviteMember::read(json!({"p_email": email, "p_role": "admin"}).to_string().as_bytes())
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
        let body = json!({"p_email": "a@b", "p_role": "root"}).to_string();
        assert_eq!(InviteMember::read(body.as_bytes()).unwrap_err().errors[0].pointer, "/p_role");
    }

    #[test]
    fn each_invalid_argument_is_reported_by_its_name() {
        type Read = fn(&[u8]) -> Result<(), Rejection>;
        let ids: [(&str, Read); 3] = [
            ("p_user_id", |body| read_user_id(body).map(|_| ())),
            ("p_invite_id", |body| read_invite_id(body).map(|_| ())),
            ("p_store_id", |body| read_store_id(body).map(|_| ())),
        ];
        for (field, read) in ids {
            for (value, code) in [(Value::Null, "required"), (json!("x"), "invalid_id")] {
                let errors = read(json!({ field: value }).to_string().as_bytes()).unwrap_err();
                assert_eq!(errors.errors[0].pointer, format!("/{field}"));
                assert_eq!(errors.errors[0].code, code);
            }
        }
        for (field, value) in [
            ("p_cursor", json!("7.x")),
            ("p_limit", json!(201)),
            ("p_from", json!("yesterday")),
            ("p_who", json!("x")),
        ] {
            let body = json!({ field: value }).to_string();
            let errors = ListAuditEntries::read(body.as_bytes()).unwrap_err().errors;
            assert_eq!(errors[0].pointer, format!("/{field}"));
        }
    }
}
