//! The request headers that are read, captured and verified: an allow-list that never contains
//! `Authorization`.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The allow-listed headers that a request carries, by lower-case name. Serialized as a JSON
/// object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(Cow<'static, str>, String)>);

/// The allow-list for requests of the integration API.
const API_HEADERS: [&str; 7] = [
    "content-type",
    "user-agent",
    "idempotency-key",
    "x-pck-signature",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
];

impl Headers {
    /// Reads the headers `names`, given in lower case. Calls `get` once for each.
    pub fn read(
        names: impl IntoIterator<Item = &'static str>,
        mut get: impl FnMut(&'static str) -> Option<String>,
    ) -> Self {
        let present = names.into_iter().filter_map(|name| Some((name.into(), get(name)?)));
        Self(present.collect())
    }

    /// Reads the headers of an integration API request. `X-Pck-Signature` takes precedence: where
    /// it is present, the headers of Standard Webhooks are not read.
    pub fn read_api(mut get: impl FnMut(&'static str) -> Option<String>) -> Self {
        let mut has_own_signature = false;
        Self::read(API_HEADERS, |name| {
            let value =
                (!has_own_signature || !name.starts_with("webhook-")).then(|| get(name)).flatten();
            has_own_signature |= name == "x-pck-signature" && value.is_some();
            value
        })
    }

    /// The value of a header by its lower-case name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value.as_str()))
    }
}

impl<const N: usize> From<[(&'static str, &str); N]> for Headers {
    fn from(headers: [(&'static str, &str); N]) -> Self {
        Self(headers.into_iter().map(|(name, value)| (name.into(), value.to_owned())).collect())
    }
}

impl Serialize for Headers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Headers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of headers")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Headers, A::Error> {
                let mut headers = Vec::new();
                while let Some((name, value)) = members.next_entry::<String, String>()? {
                    headers.push((Cow::Owned(name), value));
                }
                Ok(Headers(headers))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_headers_are_read_and_our_own_signature_takes_precedence() {
        let mut read = Vec::new();
        let headers = Headers::read_api(|name| {
            read.push(name);
            (name == "x-pck-signature").then(|| "sha256=00".to_owned())
        });
        assert_eq!(read, ["content-type", "user-agent", "idempotency-key", "x-pck-signature"]);
        assert_eq!(headers.get("x-pck-signature"), Some("sha256=00"));
        assert_eq!(headers.get("webhook-id"), None);
        let json = serde_json::to_string(&headers).unwrap();
        assert_eq!(json, r#"{"x-pck-signature":"sha256=00"}"#);
        assert_eq!(serde_json::from_str::<Headers>(&json).unwrap(), headers);
    }
}
