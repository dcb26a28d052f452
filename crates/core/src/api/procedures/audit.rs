//! The procedure of the audit log.

use serde_json::Value;

use super::arguments::{Arguments, limit};
use crate::api::fields::MAX_TEXT;
use crate::api::output::{Rfc3339, output};
use crate::domain::audit::{AuditCursor, AuditFilter};
use crate::domain::id::{ApiKeyId, AuditId, UserId};
use crate::domain::rejection::Rejection;

/// `core.rpc_list_audit_entries`
#[derive(Debug)]
pub struct ListAuditEntries {
    pub filter: AuditFilter,
    pub cursor: Option<AuditCursor>,
    pub limit: u32,
}

impl ListAuditEntries {
    pub fn read(given: Arguments) -> Result<Self, Rejection> {
        given.read(|fields| {
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

output! {
    /// An entry of the audit log.
    pub struct AuditEntryOut as AuditEntry {
        pub id: AuditId,
        pub at: Rfc3339,
        /// Such as `store.created`.
        pub action: String,
        pub user_id: Option<UserId>,
        pub email: Option<String>,
        pub api_key_id: Option<ApiKeyId>,
        /// The address that the request came from.
        pub address: Option<String>,
        /// What was acted on.
        pub subject: String,
        /// What changed; depends on the action.
        pub detail: Value,
    }
}

output! {
    /// A page of the audit log.
    pub struct AuditPageOut {
        /// Newest first.
        pub entries: Vec<AuditEntryOut>,
        /// Where the next page begins; `null` after the last.
        pub next_cursor: Option<String>,
    }
}

#[cfg(test)]
pub mod examples {
    use super::*;
    use crate::api::openapi::examples::{api_key_id, audit_id, now, store_id, time, user_id};
    use serde_json::json;

    pub fn list() -> (Value, AuditPageOut) {
        let arguments = json!({
            "p_action": "store.created", "p_email": "owner@example.com",
            "p_subject": store_id(), "p_from": time(), "p_to": time(),
            "p_cursor": format!("{}.{}", now().millis(), audit_id()), "p_limit": 50,
        });
        let entry = AuditEntryOut {
            id: audit_id(),
            at: Rfc3339(now()),
            action: "store.created".to_owned(),
            user_id: Some(user_id()),
            email: Some("owner@example.com".to_owned()),
            api_key_id: Some(api_key_id()),
            address: Some("192.0.2.1".to_owned()),
            subject: store_id().to_string(),
            detail: json!({ "name": "Main store" }),
        };
        (arguments, AuditPageOut { entries: vec![entry], next_cursor: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_invalid_argument_is_reported_by_its_name() {
        for (field, value) in [
            ("p_cursor", json!("7.x")),
            ("p_limit", json!(201)),
            ("p_from", json!("yesterday")),
            ("p_who", json!("x")),
        ] {
            let given = Arguments::from([(field, value)]);
            let errors = ListAuditEntries::read(given).err().unwrap().errors;
            assert_eq!(errors[0].pointer, format!("/{field}"));
        }
    }
}
