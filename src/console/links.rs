//! The paths of the console's pages, in one place. `api/console_routes.rs` leads them back to what
//! they are for.

use crate::domain::key::Source;
use crate::domain::rejection::Code;

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
/// Where the script gets the token for forms that outlived their session.
pub const FORM_TOKEN: &str = "/session/form-token";
/// Where the modal of a new integration key opens.
pub const NEW_KEY: &str = "/settings/connectors/new";
/// The 24h cells of a list of keys.
pub const USAGE: &str = "/settings/connectors/usage";

/// The documentation, served as static files beside the console.
pub const DOCS: &str = "/docs";
/// What becomes of events that only name what changed.
pub const THIN_EVENTS: &str = "/docs/thin-events";

/// The quickstart of a sender.
pub fn quickstart(source: Source) -> String {
    format!("/docs/quickstarts/{source}")
}

/// What an error code means.
pub fn error_docs(code: Code) -> String {
    format!("/docs/errors#{}", code.as_str())
}

/// The modal of a new key with a card chosen.
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

/// One request, for good.
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

/// The link that lets somebody into a workspace.
pub fn invite(token: &str) -> String {
    format!("/invite/{token}")
}

/// A path with a query of the pairs whose value is not empty, percent-encoded.
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
    fn a_query_is_encoded_and_leaves_out_what_is_empty() {
        let pairs = [("q", "a&b=c é"), ("store", ""), ("status", "active")];
        assert_eq!(with_query("/x", &pairs), "/x?q=a%26b%3Dc+%C3%A9&status=active");
        assert_eq!(with_query("/x", &[("q", "")]), "/x");
    }
}
