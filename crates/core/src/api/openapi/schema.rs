//! Builders of JSON Schemas, and the schemas that requests and responses share.

use std::fmt::Display;

use serde_json::{Map, Value, json};

use crate::api::recording;
use crate::domain::id::{
    ApiKeyId, AuditId, ClientId, InviteId, Namespace, OrderId, RequestId, StoreId, UserId,
    WorkspaceId,
};

use super::examples;

/// A property of an object: its name, schema and description.
pub type Property = (&'static str, Value, &'static str);

/// An object in a response: it has all of these properties, and no others.
pub fn object(properties: impl IntoIterator<Item = Property>) -> Value {
    let mut schemas = Map::new();
    for (name, mut schema, description) in properties {
        if !description.is_empty() {
            schema["description"] = json!(description);
        }
        schemas.insert(name.to_owned(), schema);
    }
    object_of(schemas)
}

/// An object with these properties, each with its schema.
pub fn object_of(properties: Map<String, Value>) -> Value {
    let required: Vec<String> = properties.keys().cloned().collect();
    json!({
        "type": "object", "properties": properties, "required": required,
        "additionalProperties": false,
    })
}

/// The same object, except that the named properties may be absent.
pub fn with_optional(mut object: Value, names: &[&str]) -> Value {
    if let Some(Value::Array(required)) = object.get_mut("required") {
        required.retain(|name| !names.iter().any(|optional| name == optional));
    }
    object
}

pub fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

pub fn text() -> Value {
    json!({ "type": "string" })
}

pub fn boolean() -> Value {
    json!({ "type": "boolean" })
}

pub fn count() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

pub fn list(items: Value) -> Value {
    json!({ "type": "array", "items": items })
}

/// The schema, which also accepts `null`.
pub fn nullable(mut schema: Value) -> Value {
    if schema.get("$ref").is_some() {
        return json!({ "anyOf": [schema, { "type": "null" }] });
    }
    let kind = schema["type"].take();
    schema["type"] = json!([kind, "null"]);
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.push(Value::Null);
    }
    schema
}

/// A string that is one of an enumeration's texts.
pub fn choice<T: Copy>(all: &[T], text: impl Fn(T) -> &'static str) -> Value {
    json!({ "type": "string", "enum": recording::texts(all, text) })
}

/// RFC 3339 in UTC, as [`Timestamp::to_rfc3339`](crate::domain::time::Timestamp) writes it.
pub fn time() -> Value {
    json!({ "type": "string", "format": "date-time", "pattern": "Z$" })
}

/// An amount in a response: a decimal string with as many places as the currency has.
pub fn money() -> Value {
    json!({ "type": "string", "pattern": "^-?[0-9]+(\\.[0-9]{2,4})?$" })
}

pub fn currency() -> Value {
    json!({ "type": "string", "pattern": "^[A-Z]{3}$" })
}

/// The schema of ids of the example's kind.
fn id_schema(example: impl Display) -> Value {
    let mut schema = json!({ "type": "string" });
    if let Value::Object(mut keywords) = recording::id(example) {
        keywords.remove("maxLength");
        keywords.remove("examples");
        schema.as_object_mut().expect("an object").extend(keywords);
    }
    schema
}

pub fn order_id() -> Value {
    id_schema(OrderId::new(examples::store_id(), examples::sequence_id()))
}

pub fn client_id() -> Value {
    id_schema(ClientId::new(examples::store_id(), examples::sequence_id()))
}

pub fn payment_id() -> Value {
    id_schema(examples::payment_id())
}

pub fn refund_id() -> Value {
    id_schema(examples::refund_id())
}

pub fn store_id() -> Value {
    id_schema(StoreId::from_random([0; 10]))
}

pub fn workspace_id() -> Value {
    id_schema(WorkspaceId::from_random([0; 10]))
}

pub fn user_id() -> Value {
    id_schema(UserId::from_random([0; 10]))
}

pub fn api_key_id() -> Value {
    id_schema(ApiKeyId::from_random([0; 10]))
}

pub fn invite_id() -> Value {
    id_schema(InviteId::from_random([0; 10]))
}

pub fn audit_id() -> Value {
    id_schema(AuditId::from_random([0; 10]))
}

pub fn namespace() -> Value {
    id_schema(Namespace::from_random([0; 10]))
}

pub fn request_id() -> Value {
    id_schema(RequestId::unlogged([0; 19]))
}

pub fn key_id() -> Value {
    id_schema(examples::key_id())
}

/// Sets the description of every property, which `lookup` finds by the property's pointer.
/// The pointer of a list's items has no index: `/lines/sku`.
///
/// # Panics
/// If `lookup` has none for a pointer.
pub fn described(mut schema: Value, lookup: impl Fn(&str) -> Option<&'static str>) -> Value {
    describe(&mut schema, "", &lookup);
    schema
}

fn describe(schema: &mut Value, pointer: &str, lookup: &impl Fn(&str) -> Option<&'static str>) {
    if let Some(items) = schema.get_mut("items") {
        describe(items, pointer, lookup);
    }
    let Some(Value::Object(properties)) = schema.get_mut("properties") else { return };
    for (name, property) in properties {
        let pointer = format!("{pointer}/{name}");
        let description = lookup(&pointer);
        let description = description.unwrap_or_else(|| panic!("{pointer} has no description"));
        describe(property, &pointer, lookup);
        property["description"] = json!(description);
    }
}
