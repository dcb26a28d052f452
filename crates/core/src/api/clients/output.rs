//! A client in the APIs' responses.

use serde::Serialize;

use crate::api::output::{CreatedBy, Rfc3339};
use crate::domain::author::Author;
use crate::domain::id::ClientId;
use crate::domain::order::ClientDetails;
use crate::domain::time::Timestamp;

/// The JSON of a client.
#[derive(Debug, Serialize)]
pub struct ClientOut<'a> {
    id: ClientId,
    external_id: Option<&'a str>,
    email: Option<&'a str>,
    name: Option<&'a str>,
    phone: Option<&'a str>,
    /// `None` if the client was created before authors were recorded.
    created_by: Option<CreatedBy>,
    created_at: Rfc3339,
    updated_at: Rfc3339,
}

impl<'a> ClientOut<'a> {
    pub fn new(
        id: ClientId,
        details: &'a ClientDetails,
        created_by: Option<&Author>,
        created_at: Timestamp,
        updated_at: Timestamp,
    ) -> Self {
        let ClientDetails { external_id, email, name, phone } = details;
        Self {
            id,
            external_id: external_id.as_deref(),
            email: email.as_deref(),
            name: name.as_deref(),
            phone: phone.as_deref(),
            created_by: created_by.map(CreatedBy::from),
            created_at: Rfc3339(created_at),
            updated_at: Rfc3339(updated_at),
        }
    }
}
