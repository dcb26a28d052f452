//! Integration keys, API keys and key ids: their form, their tags, their hashes.
//!
//! Each credential carries a tag, a truncated HMAC under the deployment's tag key. A made-up
//! credential is recognised by its tag alone, before any storage is touched. The tag proves nothing
//! else: whether a credential is live is decided where its hash is stored.

use std::fmt;

use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::encoding::{
    self, base32, base32_decode, base62_of_7_digits, base62_of_160_bits, base62_to_160_bits,
};

/// The deployment's tag keys, newest first: new credentials are tagged with the first, and the
/// tags of all of them are accepted.
#[derive(Clone)]
pub struct TagKeys(Vec<[u8; 32]>);

impl TagKeys {
    /// Reads the Worker secret `TAG_KEYS`: a comma-separated list, each 64 hex characters.
    pub fn parse(list: &str) -> Option<Self> {
        let keys = list.split(',').map(|key| {
            let mut bytes = [0; 32];
            hex::decode_to_slice(key.trim(), &mut bytes).ok().map(|()| bytes)
        });
        keys.collect::<Option<Vec<_>>>().filter(|keys| !keys.is_empty()).map(Self)
    }

    /// The tag of `message` under the newest key.
    pub(super) fn tag(&self, label: &str, message: &[u8]) -> [u8; 32] {
        self.0.first().map(|key| hmac(key, label, message)).unwrap_or_default()
    }

    /// Whether `matches` accepts the tag of `message` under any of the keys. Tries all of them,
    /// even after a match.
    pub(super) fn any(
        &self,
        label: &str,
        message: &[u8],
        matches: impl Fn(&[u8; 32]) -> bool,
    ) -> bool {
        self.0.iter().fold(false, |found, key| found | matches(&hmac(key, label, message)))
    }
}

impl fmt::Debug for TagKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TagKeys([redacted])")
    }
}

fn hmac(key: &[u8; 32], label: &str, message: &[u8]) -> [u8; 32] {
    // HMAC takes a key of any length.
    Hmac::<Sha256>::new_from_slice(key).map_or([0; 32], |mut mac| {
        mac.update(label.as_bytes());
        mac.update(message);
        mac.finalize().into_bytes().into()
    })
}

/// SHA-256 of a credential's text, stored in place of the credential. Compares in constant time.
#[derive(Clone, Copy)]
pub struct CredentialHash([u8; 32]);

impl CredentialHash {
    pub(super) fn of(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }

    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok().map(|()| Self(bytes))
    }

    pub fn to_hex(self) -> String {
        encoding::hex(self.0)
    }

    /// The name of the KeyGate of the key that has this hash.
    pub fn gate(&self) -> GateName {
        let mut name = [0; 12];
        name.copy_from_slice(&self.0[..12]);
        GateName(name)
    }
}

impl PartialEq for CredentialHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for CredentialHash {}

impl fmt::Debug for CredentialHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialHash([redacted])")
    }
}

impl Serialize for CredentialHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_hex())
    }
}

impl<'de> Deserialize<'de> for CredentialHash {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        Self::from_hex(&text).ok_or_else(|| serde::de::Error::custom("not a credential's hash"))
    }
}

/// The name of a KeyGate: the first 12 bytes of its key's hash. It does not depend on the tag keys,
/// so rotating them renames no KeyGate.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GateName([u8; 12]);

impl GateName {
    pub const fn from_bytes(bytes: [u8; 12]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; 12] {
        &self.0
    }
}

impl fmt::Display for GateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encoding::hex(self.0))
    }
}

impl fmt::Debug for GateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The kind of a [`SecretKey`].
pub trait SecretKind {
    const PREFIX: &'static str;
}

/// A storefront's key.
#[derive(Debug)]
pub struct Integration;
impl SecretKind for Integration {
    const PREFIX: &'static str = "pck_int_";
}

/// A user's key for scripts.
#[derive(Debug)]
pub struct Api;
impl SecretKind for Api {
    const PREFIX: &'static str = "pck_api_";
}

pub type IntegrationKey = SecretKey<Integration>;
pub type ApiSecret = SecretKey<Api>;

/// A secret key: its prefix, 27 base62 characters of 160 random bits, and 7 of a truncated HMAC of
/// them under a tag key. A value of this type has the right form and tag, but may not be live.
pub struct SecretKey<K> {
    text: String,
    kind: std::marker::PhantomData<K>,
}

impl<K: SecretKind> SecretKey<K> {
    /// The number of characters stored in clear text, so that people can tell keys apart.
    const PREVIEW: usize = 12;

    pub fn mint(random: &[u8; 20], tag_keys: &TagKeys) -> Self {
        let tag = Self::tag_text(&tag_keys.tag(K::PREFIX, random));
        let text = format!("{}{}{tag}", K::PREFIX, base62_of_160_bits(random));
        Self { text, kind: std::marker::PhantomData }
    }

    /// `None` unless the text has the form of such a key and a tag under one of `tag_keys`.
    pub fn parse(text: &str, tag_keys: &TagKeys) -> Option<Self> {
        let body = text.strip_prefix(K::PREFIX)?;
        if body.len() != 34 || !body.is_ascii() {
            return None;
        }
        let (random, tag) = body.split_at(27);
        let random = base62_to_160_bits(random)?;
        tag_keys
            .any(K::PREFIX, &random, |mac| {
                Self::tag_text(mac).as_bytes().ct_eq(tag.as_bytes()).into()
            })
            .then(|| Self { text: text.to_owned(), kind: std::marker::PhantomData })
    }

    fn tag_text(mac: &[u8; 32]) -> String {
        let [a, b, c, d, e, f, g, h, ..] = *mac;
        base62_of_7_digits(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
    }

    pub fn hash(&self) -> CredentialHash {
        CredentialHash::of(&self.text)
    }

    /// The first 12 characters, for display.
    pub fn preview(&self) -> &str {
        self.text.get(..Self::PREVIEW).unwrap_or_default()
    }

    /// The text itself, to be shown once.
    pub fn reveal(&self) -> &str {
        &self.text
    }
}

impl<K: SecretKind> fmt::Debug for SecretKey<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[redacted]", K::PREFIX)
    }
}

/// An integration key's public id: `key_` and base32 of the KeyGate's name and a 4-byte tag of it.
/// It appears in webhook URLs and logs. It is stored as minted: rotating the tag keys does not
/// change it.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(String);

impl KeyId {
    const PREFIX: &'static str = "key_";

    pub fn mint(gate: GateName, tag_keys: &TagKeys) -> Self {
        let [a, b, c, d, ..] = tag_keys.tag(Self::PREFIX, &gate.0);
        Self(format!("{}{}", Self::PREFIX, base32(&[&gate.0[..], &[a, b, c, d]].concat())))
    }

    /// `None` unless the text has the form of a key id and a tag under one of `tag_keys`.
    pub fn parse(text: &str, tag_keys: &TagKeys) -> Option<Self> {
        let bytes: [u8; 16] = base32_decode(text.strip_prefix(Self::PREFIX)?)?;
        let (gate, tag) = bytes.split_at(12);
        tag_keys
            .any(Self::PREFIX, gate, |mac| mac[..4].ct_eq(tag).into())
            .then(|| Self(text.to_owned()))
    }

    /// A key id that was stored. Its tag is not checked.
    pub fn from_stored(text: &str) -> Option<Self> {
        let bytes: Option<[u8; 16]> = base32_decode(text.strip_prefix(Self::PREFIX)?);
        bytes.map(|_| Self(text.to_owned()))
    }

    pub fn gate(&self) -> Option<GateName> {
        let bytes: [u8; 16] = base32_decode(self.0.strip_prefix(Self::PREFIX)?)?;
        Some(GateName(bytes[..12].try_into().ok()?))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tag_keys(list: &[u8]) -> TagKeys {
        TagKeys(list.iter().map(|byte| [*byte; 32]).collect())
    }

    #[test]
    fn a_key_has_the_documented_form() {
        let key = IntegrationKey::mint(&[0xab; 20], &tag_keys(&[1]));
        assert_eq!(key.reveal().len(), "pck_int_".len() + 34);
        assert!(key.reveal().starts_with("pck_int_"));
        assert_eq!(key.preview().len(), 12);
        let id = KeyId::mint(key.hash().gate(), &tag_keys(&[1]));
        assert_eq!(id.as_str().len(), "key_".len() + 26);
        assert_eq!(id.gate(), Some(key.hash().gate()));
    }

    #[test]
    fn credentials_minted_under_an_old_tag_key_are_valid_while_that_key_is_listed() {
        let old = tag_keys(&[1]);
        let key = IntegrationKey::mint(&[3; 20], &old);
        let id = KeyId::mint(key.hash().gate(), &old);
        let rotated = tag_keys(&[2, 1]);
        let parsed = IntegrationKey::parse(key.reveal(), &rotated).unwrap();
        assert_eq!(parsed.hash().gate(), key.hash().gate());
        assert_eq!(KeyId::parse(id.as_str(), &rotated), Some(id.clone()));
        assert!(IntegrationKey::parse(key.reveal(), &tag_keys(&[2])).is_none());
        assert!(KeyId::parse(id.as_str(), &tag_keys(&[2])).is_none());
    }

    #[test]
    fn an_api_key_is_no_integration_key() {
        let keys = tag_keys(&[1]);
        let api = ApiSecret::mint(&[3; 20], &keys);
        let body = api.reveal().strip_prefix("pck_api_").unwrap();
        assert!(IntegrationKey::parse(&format!("pck_int_{body}"), &keys).is_none());
    }

    #[test]
    fn malformed_lists_of_tag_keys_are_refused() {
        for list in ["", ",", "ab", "zz", &"a".repeat(63), &format!("{},", "a".repeat(64))] {
            assert!(TagKeys::parse(list).is_none(), "{list:?}");
        }
        assert!(TagKeys::parse(&format!("{}, {}", "a".repeat(64), "b".repeat(64))).is_some());
    }

    #[test]
    fn secrets_do_not_print() {
        let key = IntegrationKey::mint(&[3; 20], &tag_keys(&[1]));
        assert_eq!(format!("{key:?}"), "pck_int_[redacted]");
        assert_eq!(format!("{:?}", key.hash()), "CredentialHash([redacted])");
        assert_eq!(format!("{:?}", tag_keys(&[1])), "TagKeys([redacted])");
    }

    proptest! {
        #[test]
        fn every_minted_key_and_id_parses(random: [u8; 20], tag: u8) {
            let keys = tag_keys(&[tag]);
            let key = IntegrationKey::mint(&random, &keys);
            prop_assert!(IntegrationKey::parse(key.reveal(), &keys).is_some());
            let id = KeyId::mint(key.hash().gate(), &keys);
            prop_assert_eq!(KeyId::parse(id.as_str(), &keys), Some(id));
        }

        #[test]
        fn a_key_with_any_one_character_changed_is_refused(random: [u8; 20], at in 8_usize..42, with in "[0-9A-Za-z]") {
            let keys = tag_keys(&[1]);
            let mut text = IntegrationKey::mint(&random, &keys).reveal().to_owned();
            prop_assume!(text[at..=at] != with);
            text.replace_range(at..=at, &with);
            prop_assert!(IntegrationKey::parse(&text, &keys).is_none());
        }

        #[test]
        fn no_text_makes_the_parsers_panic(text in "(pck_int_|key_|)\\PC{0,60}") {
            let keys = tag_keys(&[1]);
            prop_assert!(IntegrationKey::parse(&text, &keys).is_none());
            prop_assert!(KeyId::parse(&text, &keys).is_none());
        }
    }
}
