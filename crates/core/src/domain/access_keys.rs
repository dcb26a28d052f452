//! The signing keys of a Cloudflare Access team: a JSON Web Key Set (RFC 7517), and the rules for
//! caching it. Access rotates its key about every six weeks and lists the previous one beside it.

use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;

use super::public_key::BITS;
use super::time::{MINUTE, Timestamp};

/// How long a fetched key set is used, in milliseconds. A key that the team withdraws stays
/// accepted for this long at most.
const MAX_AGE: i64 = 10 * MINUTE;

/// The least time between two fetches that unknown keys cause, so that made-up keys cannot cause a
/// fetch each.
const REFETCH_INTERVAL: i64 = MINUTE;

/// One public RSA key for RS256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerificationKey {
    id: String,
    /// Base64url, as in the key set.
    pub modulus: String,
    pub exponent: String,
}

/// The keys of a team.
#[derive(Debug, Default)]
pub struct KeySet(Vec<VerificationKey>);

#[derive(Deserialize)]
struct WireSet {
    keys: Vec<WireKey>,
}

/// One key of the set. Members that only other kinds of keys have are ignored.
#[derive(Deserialize)]
struct WireKey {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    used_for: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

impl KeySet {
    /// Reads a key set. Keys that are not for RS256 are left out; `None` if it is no key set.
    pub fn parse(json: &[u8]) -> Option<Self> {
        let WireSet { keys } = serde_json::from_slice(json).ok()?;
        Some(Self(keys.into_iter().filter_map(WireKey::for_rs256).collect()))
    }

    /// The key with this id.
    pub fn find(&self, id: &str) -> Option<&VerificationKey> {
        self.0.iter().find(|key| key.id == id)
    }
}

impl WireKey {
    fn for_rs256(self) -> Option<VerificationKey> {
        let Self { kty, kid, alg, used_for, n, e } = self;
        let absent_or = |value: Option<String>, wanted| value.is_none_or(|value| value == wanted);
        let is_for_rs256 = kty == "RSA" && absent_or(alg, "RS256") && absent_or(used_for, "sig");
        let key = VerificationKey { id: kid?, modulus: n?, exponent: e? };
        (is_for_rs256 && BITS.contains(&bit_length(&key.modulus)?)).then_some(key)
    }
}

/// The bit length of a base64url number.
fn bit_length(number: &str) -> Option<usize> {
    let bytes = BASE64URL_NOPAD.decode(number.as_bytes()).ok()?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let first = bytes.get(zeros)?;
    Some((bytes.len() - zeros) * 8 - first.leading_zeros() as usize)
}

/// The result of looking up a key id.
#[derive(Debug, PartialEq, Eq)]
pub enum Lookup {
    Known(VerificationKey),
    /// The caller must fetch the team's keys and pass them to [`KeyCache::store`].
    Fetch,
    /// The team has no such key, or had none within the last minute.
    Unknown,
}

/// The keys of one team, as last fetched.
#[derive(Debug, Default)]
pub struct KeyCache {
    keys: KeySet,
    learnt_at: Option<Timestamp>,
    /// When [`Lookup::Fetch`] was last returned.
    asked_at: Option<Timestamp>,
}

impl KeyCache {
    /// An empty cache.
    pub const fn new() -> Self {
        Self { keys: KeySet(Vec::new()), learnt_at: None, asked_at: None }
    }

    /// Looks up a key. Relies on the caller to fetch the keys when the result is [`Lookup::Fetch`].
    pub fn look_up(&mut self, id: &str, now: Timestamp) -> Lookup {
        let within = |at: Option<Timestamp>, period| {
            at.is_some_and(|at| (0..period).contains(&now.since(at)))
        };
        if within(self.learnt_at, MAX_AGE) {
            if let Some(key) = self.keys.find(id) {
                return Lookup::Known(key.clone());
            }
            if within(self.asked_at, REFETCH_INTERVAL) {
                return Lookup::Unknown;
            }
        }
        self.asked_at = Some(now);
        Lookup::Fetch
    }

    /// Stores the keys that the team has published now.
    pub fn store(&mut self, keys: KeySet, now: Timestamp) {
        self.keys = keys;
        self.learnt_at = Some(now);
    }

    /// The key with this id among those last fetched, however long ago that was.
    pub fn find(&self, id: &str) -> Option<&VerificationKey> {
        self.keys.find(id)
    }
}

#[cfg(test)]
mod tests {
    use super::super::time::SECOND;
    use super::*;
    use serde_json::{Value, json};

    fn modulus(bytes: usize) -> String {
        BASE64URL_NOPAD.encode(&vec![0xc5; bytes])
    }

    fn jwk(id: &str) -> Value {
        json!({"kid": id, "kty": "RSA", "alg": "RS256", "use": "sig", "e": "AQAB", "n": modulus(256)})
    }

    fn key_set(keys: &[Value]) -> KeySet {
        let json =
            json!({"keys": keys, "public_cert": {"kid": "a", "cert": "-----"}, "public_certs": []});
        KeySet::parse(json.to_string().as_bytes()).unwrap()
    }

    fn with(name: &str, value: Value) -> Value {
        let mut key = jwk("a");
        key[name] = value;
        key
    }

    #[test]
    fn a_key_is_found_by_its_id_at_any_position() {
        let keys = key_set(&[json!({"kty": "EC", "kid": "a", "crv": "P-256"}), jwk("b"), jwk("a")]);
        let expected =
            VerificationKey { id: "a".into(), modulus: modulus(256), exponent: "AQAB".into() };
        assert_eq!(keys.find("a"), Some(&expected));
        assert_eq!(keys.find("c"), None);
        assert_eq!(keys.find(""), None);
    }

    #[test]
    fn only_keys_for_rs256_are_accepted() {
        for key in [
            with("kty", json!("oct")),
            with("alg", json!("RS512")),
            with("alg", json!("HS256")),
            with("use", json!("enc")),
            with("n", json!(modulus(128))),
            with("n", json!(modulus(1025))),
            with("n", json!(format!("{}{}", "AAAA".repeat(43), modulus(128)))),
            with("n", json!("")),
            with("n", json!("not base64url!")),
            with("n", Value::Null),
            with("e", Value::Null),
            with("kid", Value::Null),
        ] {
            assert_eq!(key_set(std::slice::from_ref(&key)).find("a"), None, "{key}");
        }
        for key in
            [with("alg", Value::Null), with("use", Value::Null), with("n", json!(modulus(512)))]
        {
            assert!(key_set(std::slice::from_ref(&key)).find("a").is_some(), "{key}");
        }
    }

    #[test]
    fn text_that_is_no_key_set_is_refused() {
        for text in ["", "{}", "[]", "<html>", r#"{"keys":{}}"#, r#"{"keys":["a"]}"#] {
            assert!(KeySet::parse(text.as_bytes()).is_none(), "{text}");
        }
        assert!(KeySet::parse(br#"{"keys":[]}"#).is_some());
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_750_000_000).plus(seconds * SECOND)
    }

    fn cache() -> KeyCache {
        let mut cache = KeyCache::new();
        assert_eq!(cache.look_up("a", at(0)), Lookup::Fetch);
        cache.store(key_set(&[jwk("a")]), at(0));
        cache
    }

    fn known(cache: &mut KeyCache, seconds: i64) -> bool {
        matches!(cache.look_up("a", at(seconds)), Lookup::Known(_))
    }

    #[test]
    fn known_keys_are_used_for_ten_minutes() {
        let mut cache = cache();
        assert!(known(&mut cache, 0));
        assert!(known(&mut cache, 599));
        assert_eq!(cache.look_up("a", at(600)), Lookup::Fetch);
        cache.store(key_set(&[jwk("b")]), at(600));
        assert_eq!(cache.look_up("a", at(601)), Lookup::Unknown);
    }

    #[test]
    fn an_unknown_key_causes_one_fetch_a_minute_at_most() {
        let mut cache = cache();
        assert_eq!(cache.look_up("b", at(1)), Lookup::Unknown);
        assert_eq!(cache.look_up("b", at(59)), Lookup::Unknown);
        assert_eq!(cache.look_up("b", at(60)), Lookup::Fetch);
        // This is so whether or not the team answered.
        assert_eq!(cache.look_up("b", at(61)), Lookup::Unknown);
        assert!(known(&mut cache, 61));
        assert_eq!(cache.look_up("c", at(119)), Lookup::Unknown);
        assert_eq!(cache.look_up("c", at(120)), Lookup::Fetch);
    }

    #[test]
    fn without_fresh_keys_every_lookup_asks_for_them() {
        let mut cache = KeyCache::new();
        assert_eq!(cache.look_up("a", at(0)), Lookup::Fetch);
        assert_eq!(cache.look_up("a", at(0)), Lookup::Fetch);
    }
}
