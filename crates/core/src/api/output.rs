//! How responses are declared, and how they write amounts, times and credentials.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::author::Author;
use crate::domain::credential::{SecretKey, SecretKind};
use crate::domain::money::{Amount, Currency};
use crate::domain::secret::SigningSecret;
use crate::domain::time::Timestamp;

/// An amount, serialised as a decimal string with as many places as its currency has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money {
    pub amount: Amount,
    places: u32,
}

impl Money {
    pub fn new(amount: Amount, currency: Currency) -> Self {
        Self { amount, places: currency.places() }
    }

    pub fn is_zero(self) -> bool {
        self.amount == Amount::ZERO
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.amount.to_decimal(self.places))
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(from)?;
        let (amount, places) = Amount::from_decimal(&text).ok_or_else(|| invalid("an amount"))?;
        Ok(Self { amount, places })
    }
}

/// A time, serialised as RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rfc3339(pub Timestamp);

impl Serialize for Rfc3339 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_rfc3339())
    }
}

impl<'de> Deserialize<'de> for Rfc3339 {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(from)?;
        Timestamp::parse_rfc3339(&text).map(Self).ok_or_else(|| invalid("a time"))
    }
}

fn invalid<E: serde::de::Error>(expected: &str) -> E {
    E::custom(format_args!("not {expected}"))
}

/// The author of a creation or a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedBy {
    /// One of [`Author::KINDS`].
    pub kind: Cow<'static, str>,
    pub id: String,
}

impl From<&Author> for CreatedBy {
    fn from(author: &Author) -> Self {
        Self { kind: author.kind().into(), id: author.id() }
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
