//! The procedures of stores.

use super::arguments::{Arguments, name, store_id};
use crate::api::output::{Rfc3339, output};
use crate::domain::id::StoreId;
use crate::domain::rejection::Rejection;

/// `core.rpc_create_store`: the store's name.
pub fn read_create_store(given: Arguments) -> Result<String, Rejection> {
    given.read(|fields| name(fields, "p_name"))
}

/// `core.rpc_rename_store`
#[derive(Debug)]
pub struct RenameStore {
    pub store_id: StoreId,
    pub name: String,
}

impl RenameStore {
    pub fn read(given: Arguments) -> Result<Self, Rejection> {
        given.read(|fields| {
            let (store_id, name) = (store_id(fields), name(fields, "p_name"));
            Some(Self { store_id: store_id?, name: name? })
        })
    }
}

/// Reads the arguments of a procedure that takes only a store.
pub fn read_store_id(given: Arguments) -> Result<StoreId, Rejection> {
    given.read(store_id)
}

output! {
    /// A store.
    pub struct StoreOut as Store {
        pub store_id: StoreId,
        pub name: String,
        pub created_at: Rfc3339,
        pub archived_at: Option<Rfc3339>,
    }
}

output! {
    /// The stores of a workspace, oldest first.
    pub struct StoreListOut {
        pub stores: Vec<StoreOut>,
    }
}

#[cfg(test)]
pub mod examples {
    use super::*;
    use crate::api::openapi::examples::{now, store_id};
    use serde_json::{Value, json};

    pub fn create_store() -> (Value, StoreOut) {
        (json!({ "p_name": "Main store" }), store(false))
    }

    pub fn list_stores() -> (Value, StoreListOut) {
        (json!({}), StoreListOut { stores: vec![store(false)] })
    }

    pub fn rename_store() -> (Value, StoreOut) {
        (json!({ "p_store_id": store_id(), "p_name": "Main store" }), store(false))
    }

    pub fn archive_store() -> (Value, StoreOut) {
        (json!({ "p_store_id": store_id() }), store(true))
    }

    pub fn restore_store() -> (Value, StoreOut) {
        (json!({ "p_store_id": store_id() }), store(false))
    }

    fn store(archived: bool) -> StoreOut {
        StoreOut {
            store_id: store_id(),
            name: "Main store".to_owned(),
            created_at: Rfc3339(now()),
            archived_at: archived.then(|| Rfc3339(now())),
        }
    }
}
