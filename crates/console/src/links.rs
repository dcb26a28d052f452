//! The paths of the console's pages, in one place. `routes.rs` parses them back into
//! routes.

use tidegate_core::domain::key::Source;
use tidegate_core::domain::rejection::Code;

pub const OVERVIEW: &str = "/";
pub const ORDERS: &str = "/orders";
pub const CONNECTORS: &str = "/settings/connectors";
pub const STORES: &str = "/settings/stores";
pub const TEAM: &str = "/settings/team";
pub const INVITES: &str = "/settings/team/invites";
pub const AUDIT: &str = "/settings/audit";
pub const ACCOUNT: &str = "/settings/account";
pub const PASSWORD: &str = "/settings/account/password";
pub const END_SESSIONS: &str = "/settings/account/sessions/end";
pub const SETUP: &str = "/setup";
pub const LOGIN: &str = "/login";
pub const ACCESS_LOGIN: &str = "/login/access";
pub const LOGOUT: &str = "/logout";
pub const THEME: &str = "/theme";
/// The path of a fresh CSRF token as JSON. The script asks for it when the operator has signed in again
/// and continues with a form of the ended session.
pub const FORM_TOKEN: &str = "/session/form-token";
/// The modal with the form for a new integration key.
pub const NEW_KEY: &str = "/settings/connectors/new";
/// The cells with the last 24 hours of each key in a list.
pub const USAGE: &str = "/settings/connectors/usage";

/// The documentation: static files served by the same Worker.
pub const DOCS: &str = "/docs";
/// The documentation page about notifications, events that only name the changed resource.
pub const THIN_EVENTS: &str = "/docs/thin-events";

/// The quickstart page for a sender.
pub fn quickstart(source: Source) -> String {
    format!("/docs/quickstarts/{source}")
}

/// The explanation of an error code.
pub fn error_docs(code: Code) -> String {
    format!("/docs/errors#{}", code.as_str())
}

/// The modal for a new key, with a sender already chosen.
pub fn new_key(source: Source) -> String {
    format!("{NEW_KEY}?preset={source}")
}

/// The page of an order.
pub fn order(id: &str) -> String {
    format!("{ORDERS}/{id}")
}

/// The drawer of a key: its request log.
pub fn key(key_id: &str) -> String {
    format!("{CONNECTORS}/{key_id}")
}

pub fn key_parked(key_id: &str) -> String {
    format!("{CONNECTORS}/{key_id}/parked")
}

pub fn key_settings(key_id: &str) -> String {
    format!("{CONNECTORS}/{key_id}/settings")
}

/// The permanent link to one request.
pub fn request(key_id: &str, request_id: &str) -> String {
    format!("{CONNECTORS}/{key_id}/requests/{request_id}")
}

pub fn tail(key_id: &str) -> String {
    format!("{CONNECTORS}/{key_id}/tail")
}

/// `format` is `csv` or `ndjson`.
pub fn export(key_id: &str, format: &str) -> String {
    format!("{CONNECTORS}/{key_id}/export.{format}")
}

pub fn revoke(key_id: &str) -> String {
    format!("{CONNECTORS}/{key_id}/revoke")
}

pub fn pause(key_id: &str) -> String {
    format!("{CONNECTORS}/{key_id}/pause")
}

pub fn resume(key_id: &str) -> String {
    format!("{CONNECTORS}/{key_id}/resume")
}

pub fn rotate(key_id: &str) -> String {
    format!("{CONNECTORS}/{key_id}/rotate")
}

pub fn secret(key_id: &str) -> String {
    format!("{CONNECTORS}/{key_id}/secret")
}

pub fn retry(key_id: &str, event_id: &str) -> String {
    format!("{CONNECTORS}/{key_id}/parked/{event_id}/retry")
}

pub fn discard(key_id: &str, event_id: &str) -> String {
    format!("{CONNECTORS}/{key_id}/parked/{event_id}/discard")
}

pub fn rename_store(store_id: &str) -> String {
    format!("{STORES}/{store_id}/rename")
}

pub fn archive_store(store_id: &str) -> String {
    format!("{STORES}/{store_id}/archive")
}

pub fn restore_store(store_id: &str) -> String {
    format!("{STORES}/{store_id}/restore")
}

pub fn withdraw(invite_id: &str) -> String {
    format!("{INVITES}/{invite_id}/withdraw")
}

pub fn role(user_id: &str) -> String {
    format!("{TEAM}/{user_id}/role")
}

pub fn remove(user_id: &str) -> String {
    format!("{TEAM}/{user_id}/remove")
}

/// `format` is `csv` or `ndjson`.
pub fn audit_export(format: &str) -> String {
    format!("{AUDIT}/export.{format}")
}

/// The link with which an invited person joins a workspace.
pub fn invite(token: &str) -> String {
    format!("/invite/{token}")
}

/// A path with a percent-encoded query of the pairs. Pairs with an empty value are left out.
pub fn with_query(path: &str, pairs: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs.iter().filter(|(_, value)| !value.is_empty()));
    match query.finish() {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_encoded_and_leaves_out_empty_values() {
        let pairs = [("q", "a&b=c é"), ("store", ""), ("status", "active")];
        assert_eq!(with_query("/x", &pairs), "/x?q=a%26b%3Dc+%C3%A9&status=active");
        assert_eq!(with_query("/x", &[("q", "")]), "/x");
    }
}
