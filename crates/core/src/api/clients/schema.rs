//! The schema of a client in responses.

use serde_json::Value;

use crate::api::openapi::schema::{client_id, nullable, object, reference, text, time};

/// The schemas, by name.
pub fn components() -> Vec<(&'static str, Value)> {
    vec![("Client", client())]
}

fn client() -> Value {
    object([
        ("id", client_id(), ""),
        ("external_id", nullable(text()), ""),
        ("email", nullable(text()), ""),
        ("name", nullable(text()), ""),
        ("phone", nullable(text()), ""),
        ("created_by", nullable(reference("CreatedBy")), "`null` where it was not recorded."),
        ("created_at", time(), ""),
        ("updated_at", time(), ""),
    ])
}
