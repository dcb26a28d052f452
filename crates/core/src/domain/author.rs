//! Who makes a write to a store's ledger.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::credential::KeyId;
use super::id::{ApiKeyId, FlowId, UserId};

/// The author of a write. As text it is its ids, whose prefixes tell the kind: `key_…`,
/// `api_… usr_…`, `flw_…` or `usr_…`. So a stored or sent key id reads as an author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Author {
    /// A request of a storefront.
    IntegrationKey(KeyId),
    /// A request by an API key, which acts as this user.
    ApiKey(ApiKeyId, UserId),
    Flow(FlowId),
    /// A user in the console.
    Operator(UserId),
}

impl Author {
    /// The names of the kinds.
    pub const KINDS: [&str; 4] = ["integration_key", "api_key", "flow", "operator"];

    pub const fn kind(&self) -> &'static str {
        let [integration_key, api_key, flow, operator] = Self::KINDS;
        match self {
            Self::IntegrationKey(_) => integration_key,
            Self::ApiKey(..) => api_key,
            Self::Flow(_) => flow,
            Self::Operator(_) => operator,
        }
    }

    /// The id of the key, the flow or the user.
    pub fn id(&self) -> String {
        match self {
            Self::IntegrationKey(key) => key.to_string(),
            Self::ApiKey(key, _) => key.to_string(),
            Self::Flow(flow) => flow.to_string(),
            Self::Operator(user) => user.to_string(),
        }
    }

    pub const fn integration_key(&self) -> Option<&KeyId> {
        match self {
            Self::IntegrationKey(key) => Some(key),
            Self::ApiKey(..) | Self::Flow(_) | Self::Operator(_) => None,
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        if let Some((key, user)) = text.split_once(' ') {
            return Some(Self::ApiKey(ApiKeyId::parse(key)?, UserId::parse(user)?));
        }
        KeyId::from_stored(text)
            .map(Self::IntegrationKey)
            .or_else(|| FlowId::parse(text).map(Self::Flow))
            .or_else(|| UserId::parse(text).map(Self::Operator))
    }
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ApiKey(key, user) => write!(f, "{key} {user}"),
            Self::IntegrationKey(_) | Self::Flow(_) | Self::Operator(_) => f.write_str(&self.id()),
        }
    }
}

impl Serialize for Author {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Author {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not an author"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::credential::{GateName, TagKeys};

    #[test]
    fn every_author_is_read_back_from_its_text() {
        let tag_keys = TagKeys::parse(&"00".repeat(32)).unwrap();
        let key = KeyId::mint(GateName::from_bytes([9; 12]), &tag_keys);
        let user = UserId::from_random([1; 10]);
        let api_key = ApiKeyId::from_random([2; 10]);
        for (author, text) in [
            (Author::IntegrationKey(key.clone()), key.to_string()),
            (Author::ApiKey(api_key, user), format!("{api_key} {user}")),
            (Author::Flow(FlowId::from_random([3; 10])), "flw_ambqgaydambqgayd".to_owned()),
            (Author::Operator(user), user.to_string()),
        ] {
            assert_eq!(author.to_string(), text);
            assert_eq!(Author::parse(&text), Some(author.clone()));
            let json = serde_json::to_string(&author).unwrap();
            assert_eq!(json, format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<Author>(&json).unwrap(), author);
        }
    }

    #[test]
    fn text_that_is_no_author_is_refused() {
        for text in ["", "key_a", "api_abcdefghijklmnop", "sto_abcdefghijklmnop", "key_ usr_"] {
            assert_eq!(Author::parse(text), None, "{text}");
        }
    }
}
