//! The procedures of workspaces, stores, the team and the audit log.

use serde_json::{Value, json};

use super::{NOT_FOUND, NOT_FOUND_OR_INVALID_STATE, ProcedureDetails, recorded};
use crate::api::openapi::administration::{invited, set_up};
use crate::api::openapi::examples::{self, time};
use crate::api::openapi::schema::{self, boolean, list, object, reference};
use crate::api::orders::schema::page;
use crate::api::procedures::keys::{SetupWorkspace, read_create_store, read_no_arguments};
use crate::api::procedures::team::{
    InviteMember, ListAuditEntries, read_change_role, read_invite_id, read_rename_store,
    read_store_id, read_user_id,
};
use crate::domain::rejection::Code;

/// A procedure whose only argument is a store.
fn store_procedure(
    summary: &'static str,
    codes: &'static [Code],
    archived: bool,
) -> ProcedureDetails {
    let arguments = json!({ "p_store_id": examples::store_id() });
    let schema = recorded(&arguments, read_store_id);
    let (response, example) = (reference("Store"), store(archived));
    ProcedureDetails { summary, arguments, schema, status: 200, response, example, codes }
}

/// A procedure that takes no arguments.
fn procedure_without_arguments(
    summary: &'static str,
    response: Value,
    example: Value,
) -> ProcedureDetails {
    let arguments = json!({});
    let schema = recorded(&arguments, read_no_arguments);
    ProcedureDetails { summary, arguments, schema, status: 200, response, example, codes: &[] }
}

pub fn setup_workspace() -> ProcedureDetails {
    let arguments = json!({
        "p_workspace_name": "Acme", "p_owner_email": "owner@example.com",
        "p_owner_password": "correct horse battery staple", "p_store_name": "Main store",
    });
    ProcedureDetails {
        summary: "Sets the deployment up: its first workspace, owner and store",
        schema: recorded(&arguments, SetupWorkspace::read),
        arguments,
        status: 201,
        response: set_up(),
        example: json!({
            "workspace_id": examples::workspace_id(), "user_id": examples::user_id(),
            "store_id": examples::store_id(), "api_key_id": examples::api_key_id(),
            "api_key": format!("pck_api_{}", "0".repeat(34)),
        }),
        codes: &[Code::InvalidState, Code::RateLimited],
    }
}

pub fn create_store() -> ProcedureDetails {
    let arguments = json!({ "p_name": "Main store" });
    ProcedureDetails {
        summary: "Creates a store",
        schema: recorded(&arguments, read_create_store),
        arguments,
        status: 201,
        response: reference("Store"),
        example: store(false),
        codes: &[],
    }
}

pub fn list_stores() -> ProcedureDetails {
    procedure_without_arguments(
        "Lists the stores of the workspace",
        object([("stores", list(reference("Store")), "")]),
        json!({ "stores": [store(false)] }),
    )
}

pub fn rename_store() -> ProcedureDetails {
    let arguments = json!({ "p_store_id": examples::store_id(), "p_name": "Main store" });
    ProcedureDetails {
        summary: "Renames a store",
        schema: recorded(&arguments, read_rename_store),
        arguments,
        status: 200,
        response: reference("Store"),
        example: store(false),
        codes: NOT_FOUND,
    }
}

pub fn archive_store() -> ProcedureDetails {
    store_procedure("Archives a store: it takes no new keys", NOT_FOUND_OR_INVALID_STATE, true)
}

pub fn restore_store() -> ProcedureDetails {
    store_procedure("Takes an archived store back", NOT_FOUND_OR_INVALID_STATE, false)
}

pub fn list_members() -> ProcedureDetails {
    procedure_without_arguments(
        "Lists the members of the workspace",
        object([("members", list(reference("Member")), "")]),
        json!({ "members": [member("owner")] }),
    )
}

pub fn change_member_role() -> ProcedureDetails {
    let arguments = json!({ "p_user_id": examples::user_id(), "p_role": "admin" });
    ProcedureDetails {
        summary: "Changes the role of a member",
        schema: recorded(&arguments, read_change_role),
        arguments,
        status: 200,
        response: reference("Member"),
        example: member("admin"),
        codes: NOT_FOUND_OR_INVALID_STATE,
    }
}

pub fn remove_member() -> ProcedureDetails {
    let arguments = json!({ "p_user_id": examples::user_id() });
    ProcedureDetails {
        summary: "Ends a membership, with its sessions and API keys",
        schema: recorded(&arguments, read_user_id),
        arguments,
        status: 200,
        response: object([("user_id", schema::user_id(), ""), ("removed", boolean(), "")]),
        example: json!({ "user_id": examples::user_id(), "removed": true }),
        codes: NOT_FOUND_OR_INVALID_STATE,
    }
}

pub fn invite_member() -> ProcedureDetails {
    let arguments = json!({ "p_email": "ada@example.com", "p_role": "member" });
    ProcedureDetails {
        summary: "Makes a link by which somebody joins the workspace",
        schema: recorded(&arguments, InviteMember::read),
        arguments,
        status: 201,
        response: invited(),
        example: json!({
            "invite_id": examples::invite_id(),
            "invite_url": "https://console.example.com/invite/…",
            "email": "ada@example.com", "role": "member", "expires_at": time(),
        }),
        codes: &[Code::InvalidState],
    }
}

pub fn list_invites() -> ProcedureDetails {
    procedure_without_arguments(
        "Lists the invites that have not been taken",
        object([("invites", list(reference("Invite")), "")]),
        json!({ "invites": [{
                "invite_id": examples::invite_id(), "email": "ada@example.com",
                "role": "member", "invited_by": "owner@example.com", "created_at": time(),
                "expires_at": time(),
            }] }),
    )
}

pub fn withdraw_invite() -> ProcedureDetails {
    let arguments = json!({ "p_invite_id": examples::invite_id() });
    ProcedureDetails {
        summary: "Withdraws an invite",
        schema: recorded(&arguments, read_invite_id),
        arguments,
        status: 200,
        response: object([("invite_id", schema::invite_id(), ""), ("withdrawn", boolean(), "")]),
        example: json!({ "invite_id": examples::invite_id(), "withdrawn": true }),
        codes: NOT_FOUND,
    }
}

pub fn list_audit_entries() -> ProcedureDetails {
    let arguments = json!({
        "p_action": "store.created", "p_email": "owner@example.com",
        "p_subject": examples::store_id(), "p_from": time(), "p_to": time(),
        "p_cursor": format!("{}.{}", examples::now().millis(), examples::audit_id()),
        "p_limit": 50,
    });
    ProcedureDetails {
        summary: "Lists entries of the audit log, newest first",
        schema: recorded(&arguments, ListAuditEntries::read),
        arguments,
        status: 200,
        response: page("entries", "AuditEntry"),
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
