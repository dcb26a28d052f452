//! The procedures of workspaces, stores, the team and the audit log.

use serde_json::{Value, json};

use super::{Described, INVALID_ID, INVALID_ID_OR_STATE, read};
use crate::api::openapi::administration::{invited, set_up};
use crate::api::openapi::examples::{self, time};
use crate::api::openapi::outputs::page;
use crate::api::openapi::schema::{self, boolean, list, object, reference};
use crate::api::rpc::{SetupWorkspace, read_create_store, read_nothing};
use crate::api::rpc_team::{
    InviteMember, ListAuditEntries, read_change_role, read_invite_id, read_rename_store,
    read_store_id, read_user_id,
};
use crate::domain::rejection::Code;

/// Those whose only argument is a store.
fn of_a_store(summary: &'static str, codes: &'static [Code], archived: bool) -> Described {
    let arguments = json!({ "p_store_id": examples::store_id() });
    let schema = read(&arguments, read_store_id);
    let (answer, example) = (reference("Store"), store(archived));
    Described { summary, arguments, schema, status: 200, answer, example, codes }
}

/// Those that take no arguments.
fn of_nothing(summary: &'static str, answer: Value, example: Value) -> Described {
    let arguments = json!({});
    let schema = read(&arguments, read_nothing);
    Described { summary, arguments, schema, status: 200, answer, example, codes: &[] }
}

pub fn setup_workspace() -> Described {
    let arguments = json!({
        "p_workspace_name": "Acme", "p_owner_email": "owner@example.com",
        "p_owner_password": "correct horse battery staple", "p_store_name": "Main store",
    });
    Described {
        summary: "Sets the deployment up: its first workspace, owner and store",
        schema: read(&arguments, SetupWorkspace::read),
        arguments,
        status: 201,
        answer: set_up(),
        example: json!({
            "workspace_id": examples::workspace_id(), "user_id": examples::user_id(),
            "store_id": examples::store_id(), "api_key_id": examples::api_key_id(),
            "api_key": format!("pck_api_{}", "0".repeat(34)),
        }),
        codes: &[Code::InvalidState],
    }
}

pub fn create_store() -> Described {
    let arguments = json!({ "p_name": "Main store" });
    Described {
        summary: "Creates a store",
        schema: read(&arguments, read_create_store),
        arguments,
        status: 201,
        answer: reference("Store"),
        example: store(false),
        codes: &[],
    }
}

pub fn list_stores() -> Described {
    of_nothing(
        "Lists the stores of the workspace",
        object([("stores", list(reference("Store")), "")]),
        json!({ "stores": [store(false)] }),
    )
}

pub fn rename_store() -> Described {
    let arguments = json!({ "p_store_id": examples::store_id(), "p_name": "Main store" });
    Described {
        summary: "Renames a store",
        schema: read(&arguments, read_rename_store),
        arguments,
        status: 200,
        answer: reference("Store"),
        example: store(false),
        codes: INVALID_ID,
    }
}

pub fn archive_store() -> Described {
    of_a_store("Archives a store: it takes no new keys", INVALID_ID_OR_STATE, true)
}

pub fn restore_store() -> Described {
    of_a_store("Takes an archived store back", INVALID_ID_OR_STATE, false)
}

pub fn list_members() -> Described {
    of_nothing(
        "Lists the members of the workspace",
        object([("members", list(reference("Member")), "")]),
        json!({ "members": [member("owner")] }),
    )
}

pub fn change_member_role() -> Described {
    let arguments = json!({ "p_user_id": examples::user_id(), "p_role": "admin" });
    Described {
        summary: "Changes the role of a member",
        schema: read(&arguments, read_change_role),
        arguments,
        status: 200,
        answer: reference("Member"),
        example: member("admin"),
        codes: INVALID_ID_OR_STATE,
    }
}

pub fn remove_member() -> Described {
    let arguments = json!({ "p_user_id": examples::user_id() });
    Described {
        summary: "Ends a membership, with its sessions and API keys",
        schema: read(&arguments, read_user_id),
        arguments,
        status: 200,
        answer: object([("user_id", schema::user_id(), ""), ("removed", boolean(), "")]),
        example: json!({ "user_id": examples::user_id(), "removed": true }),
        codes: INVALID_ID_OR_STATE,
    }
}

pub fn invite_member() -> Described {
    let arguments = json!({ "p_email": "ada@example.com", "p_role": "member" });
    Described {
        summary: "Makes a link by which somebody joins the workspace",
        schema: read(&arguments, InviteMember::read),
        arguments,
        status: 201,
        answer: invited(),
        example: json!({
            "invite_id": examples::invite_id(),
            "invite_url": "https://console.example.com/invite/…",
            "email": "ada@example.com", "role": "member", "expires_at": time(),
        }),
        codes: &[Code::InvalidState],
    }
}

pub fn list_invites() -> Described {
    of_nothing(
        "Lists the invites that have not been taken",
        object([("invites", list(reference("Invite")), "")]),
        json!({ "invites": [{
                "invite_id": examples::invite_id(), "email": "ada@example.com",
                "role": "member", "invited_by": "owner@example.com", "created_at": time(),
                "expires_at": time(),
            }] }),
    )
}

pub fn withdraw_invite() -> Described {
    let arguments = json!({ "p_invite_id": examples::invite_id() });
    Described {
        summary: "Withdraws an invite",
        schema: read(&arguments, read_invite_id),
        arguments,
        status: 200,
        answer: object([("invite_id", schema::invite_id(), ""), ("withdrawn", boolean(), "")]),
        example: json!({ "invite_id": examples::invite_id(), "withdrawn": true }),
        codes: INVALID_ID,
    }
}

pub fn list_audit_entries() -> Described {
    let arguments = json!({
        "p_action": "store.created", "p_email": "owner@example.com",
        "p_subject": examples::store_id(), "p_from": time(), "p_to": time(),
        "p_cursor": format!("{}.{}", examples::now().millis(), examples::audit_id()),
        "p_limit": 50,
    });
    Described {
        summary: "Lists entries of the audit log, newest first",
        schema: read(&arguments, ListAuditEntries::read),
        arguments,
        status: 200,
        answer: page("entries", "AuditEntry"),
        example: json!({ "entries": [{
            "id": examples::audit_id(), "at": time(), "action": "store.created",
            "user_id": examples::user_id(), "email": "owner@example.com",
            "api_key_id": examples::api_key_id(), "address": "192.0.2.1",
            "subject": examples::store_id(), "detail": { "name": "Main store" },
        }], "next_cursor": null }),
        codes: &[],
    }
}

fn store(archived: bool) -> Value {
    json!({
        "store_id": examples::store_id(), "name": "Main store", "created_at": time(),
        "archived_at": archived.then(time),
    })
}

fn member(role: &str) -> Value {
    json!({
        "user_id": examples::user_id(), "email": "owner@example.com", "role": role,
        "joined_at": time(), "last_seen_at": time(),
    })
}
