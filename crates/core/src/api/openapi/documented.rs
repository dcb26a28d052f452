//! The schemas of the types in responses, for the responses that [`output!`](crate::api::output)
//! declares.

use serde_json::{Map, Value, json};

use super::schema::{self, choice, count, list, nullable, object_of, reference, text};
use crate::api::output::{Revealed, Rfc3339};
use crate::api::procedures::key_outputs::Whsec;
use crate::domain::access::Role;
use crate::domain::credential::{Api, Integration, KeyId, SecretKey};
use crate::domain::id::{
    ApiKeyId, AuditId, InviteId, Namespace, RequestId, StoreId, UserId, WorkspaceId,
};
use crate::domain::key::{PayloadFormat, Scope, Scopes, ShownStatus, Source};
use crate::domain::log::{Outcome, Tally};
use crate::domain::parked::ParkReason;
use crate::domain::rejection::Code;
use crate::domain::secret::SigningSecret;

/// A type with a schema in the OpenAPI document.
pub trait Documented {
    /// The schema. Adds to `named` those that it refers to.
    fn schema(named: &mut Map<String, Value>) -> Value;
}

impl<T: Documented> Documented for Option<T> {
    fn schema(named: &mut Map<String, Value>) -> Value {
        nullable(T::schema(named))
    }
}

impl<T: Documented> Documented for Vec<T> {
    fn schema(named: &mut Map<String, Value>) -> Value {
        list(T::schema(named))
    }
}

macro_rules! documented {
    ($($type:ty => $schema:expr,)*) => {
        $(impl Documented for $type {
            fn schema(_: &mut Map<String, Value>) -> Value {
                $schema
            }
        })*
    };
}

documented! {
    bool => schema::boolean(),
    i64 => count(),
    u32 => count(),
    u64 => count(),
    // Of 16 bits are HTTP statuses only.
    u16 => json!({ "type": "integer", "minimum": 100, "maximum": 599 }),
    String => text(),
    Value => json!({}),
    Rfc3339 => schema::time(),
    ApiKeyId => schema::api_key_id(),
    AuditId => schema::audit_id(),
    InviteId => schema::invite_id(),
    KeyId => schema::key_id(),
    Namespace => schema::namespace(),
    RequestId => schema::request_id(),
    StoreId => schema::store_id(),
    UserId => schema::user_id(),
    WorkspaceId => schema::workspace_id(),
    Code => choice(Code::ALL, Code::as_str),
    Outcome => choice(&Outcome::ALL, Outcome::as_str),
    ParkReason => choice(&ParkReason::ALL, ParkReason::as_str),
    PayloadFormat => choice(PayloadFormat::ALL, PayloadFormat::as_str),
    Role => choice(&Role::ALL, Role::as_str),
    Scopes => list(choice(Scope::ALL, Scope::as_str)),
    ShownStatus => choice(ShownStatus::ALL, ShownStatus::as_str),
    Source => choice(Source::ALL, Source::as_str),
    Revealed<SecretKey<Api>> => json!({ "type": "string", "pattern": "^pck_api_[0-9A-Za-z]{34}$" }),
    Revealed<SecretKey<Integration>> => json!({ "type": "string", "pattern": "^pck_int_[0-9A-Za-z]{34}$" }),
    Revealed<SigningSecret> => text(),
    Whsec => json!({ "type": "string", "pattern": "^whsec_" }),
}

impl Documented for Tally {
    fn schema(named: &mut Map<String, Value>) -> Value {
        let mut object = Object::new(named);
        object.add::<u64>("requests", "", &[]);
        object.add::<u64>("errors", "Answered 400 or more.", &[]);
        object.finish(&["Tally"])
    }
}

/// The schema of an object while its fields are added.
pub struct Object<'a> {
    properties: Map<String, Value>,
    named: &'a mut Map<String, Value>,
}

impl<'a> Object<'a> {
    pub fn new(named: &'a mut Map<String, Value>) -> Self {
        Self { properties: Map::new(), named }
    }

    /// Adds a field, or, if its serde attribute is `flatten`, the fields of its type.
    pub fn add<T: Documented>(&mut self, name: &str, description: &str, serde: &[&str]) {
        let mut schema = T::schema(self.named);
        if serde == ["flatten"] {
            let target = schema["$ref"].as_str().and_then(|it| it.rsplit('/').next());
            let schema = target.and_then(|name| self.named.get(name)).unwrap_or(&schema);
            self.properties.extend(schema["properties"].as_object().expect("an object").clone());
            return;
        }
        if !description.is_empty() {
            schema["description"] = json!(description.trim());
        }
        self.properties.insert(name.to_owned(), schema);
    }

    /// The schema, or a reference to it if it has a name.
    pub fn finish(self, name: &[&str]) -> Value {
        let schema = object_of(self.properties);
        let Some(name) = name.first() else { return schema };
        self.named.insert((*name).to_owned(), schema);
        reference(name)
    }
}
