//! How responses are declared, and how they write amounts, times and credentials.

use serde::{Serialize, Serializer};

use crate::domain::author::Author;
use crate::domain::credential::{SecretKey, SecretKind};
use crate::domain::money::{Amount, Currency};
use crate::domain::secret::SigningSecret;
use crate::domain::time::Timestamp;

/// An amount, serialised as a decimal string.
#[derive(Debug)]
pub struct Money(pub Amount, pub Currency);

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.format(self.1))
    }
}

/// A time, serialised as RFC 3339.
#[derive(Debug)]
pub struct Rfc3339(pub Timestamp);

impl Serialize for Rfc3339 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_rfc3339())
    }
}

/// The author of a creation or a change.
#[derive(Debug, Serialize)]
pub struct CreatedBy {
    kind: &'static str,
    id: String,
}

impl From<&Author> for CreatedBy {
    fn from(author: &Author) -> Self {
        Self { kind: author.kind(), id: author.id() }
    }
}

/// A credential in the one response that shows it.
pub struct Revealed<T>(pub T);

impl<K: SecretKind> Serialize for Revealed<SecretKey<K>> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.reveal())
    }
}

impl Serialize for Revealed<SigningSecret> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.reveal())
    }
}

/// Declares a response: a struct that serialises its fields in their order, and its schema for the
/// OpenAPI document, in which the documentation comments of the fields are their descriptions. With
/// `as Name` the schema has a name of its own in that document; any other stands where it is used.
/// `#[serde(flatten)]` takes in the fields of another response.
///
/// The struct is not `Debug`, since it may show a credential.
macro_rules! output {
    (
        $(#[doc = $about:literal])*
        pub struct $type:ident $(as $name:ident)? {
            $(
                $(#[doc = $doc:literal])*
                $(#[serde($serde:ident)])?
                pub $field:ident: $kind:ty,
            )*
        }
    ) => {
        $(#[doc = $about])*
        #[derive(serde::Serialize)]
        pub struct $type {
            $($(#[doc = $doc])* $(#[serde($serde)])? pub $field: $kind,)*
        }

        #[cfg(test)]
        impl crate::api::openapi::documented::Documented for $type {
            fn schema(named: &mut serde_json::Map<String, serde_json::Value>) -> serde_json::Value {
                let mut object = crate::api::openapi::documented::Object::new(named);
                $(
                    let (name, doc) = (stringify!($field), concat!("" $(, $doc)*));
                    object.add::<$kind>(name, doc, &[$(stringify!($serde))?]);
                )*
                object.finish(&[$(stringify!($name))?])
            }
        }
    };
}
pub(crate) use output;
