//! The keys with which a Cloudflare Access team signs: a JSON Web Key Set (RFC 7517), and how long
//! it is relied on. Access rotates its key about every six weeks and lists the one before beside it.

use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;

use super::public_key::BITS;
use super::time::{MINUTE, Timestamp};

/// How long a key set is relied on: a key that the team withdraws counts for this long at most.
const FRESH: i64 = 10 * MINUTE;

/// How often at most an unknown key makes us ask again, so that made-up ones cannot.
const BETWEEN_UNKNOWN: i64 = MINUTE;

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

/// Members of other kinds of key are not looked at.
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

    /// The key of this id.
    pub fn find(&self, id: &str) -> Option<&VerificationKey> {
        self.0.iter().find(|key| key.id == id)
    }
}

impl WireKey {
    fn for_rs256(self) -> Option<VerificationKey> {
        let Self { kty, kid, alg, used_for, n, e } = self;
        let absent_or = |value: Option<String>, wanted| value.is_none_or(|value| value == wanted);
        let right = kty == "RSA" && absent_or(alg, "RS256") && absent_or(used_for, "sig");
        let key = VerificationKey { id: kid?, modulus: n?, exponent: e? };
        (right && BITS.contains(&bits(&key.modulus)?)).then_some(key)
    }
}

/// The bits of a base64url number.
fn bits(number: &str) -> Option<usize> {
    let bytes = BASE64URL_NOPAD.decode(number.as_bytes()).ok()?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let first = bytes.get(zeros)?;
    Some((bytes.len() - zeros) * 8 - first.leading_zeros() as usize)
}

/// What is to be done about a key id.
#[derive(Debug, PartialEq, Eq)]
pub enum Lookup {
    Known(VerificationKey),
    /// Ask the team for its keys, then [`KeyCache::learn`] them.
    Ask,
    /// The team has no such key, or had none within the last minute.
    Unknown,
}

/// The keys of one team as they were last published.
#[derive(Debug, Default)]
pub struct KeyCache {
    keys: KeySet,
    learnt_at: Option<Timestamp>,
    /// When [`Lookup::Ask`] was last said.
    asked_at: Option<Timestamp>,
}

impl KeyCache {
    /// An empty cache.
    pub const fn new() -> Self {
        Self { keys: KeySet(Vec::new()), learnt_at: None, asked_at: None }
    }

    /// What is known of a key; counts on the caller to ask when told to.
    pub fn look_up(&mut self, id: &str, now: Timestamp) -> Lookup {
        let within = |at: Option<Timestamp>, period| {
            at.is_some_and(|at| (0..period).contains(&now.since(at)))
        };
        if within(self.learnt_at, FRESH) {
            if let Some(key) = self.keys.find(id) {
                return Lookup::Known(key.clone());
            }
            if within(self.asked_at, BETWEEN_UNKNOWN) {
                return Lookup::Unknown;
            }
        }
        self.asked_at = Some(now);
        Lookup::Ask
    }

    /// Takes the keys that the team has published now.
    pub fn learn(&mut self, keys: KeySet, now: Timestamp) {
        self.keys = keys;
        self.learnt_at = Some(now);
    }

    /// The key of this id among those learnt last.
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
    fn a_key_is_found_by_its_id_wherever_it_stands() {
        let keys = key_set(&[json!({"kty": "EC", "kid": "a", "crv": "P-256"}), jwk("b"), jwk("a")]);
        let expected =
            VerificationKey { id: "a".into(), modulus: modulus(256), exponent: "AQAB".into() };
        assert_eq!(keys.find("a"), Some(&expected));
        assert_eq!(keys.find("c"), None);
        assert_eq!(keys.find(""), None);
    }

    #[test]
    fn only_keys_for_rs256_are_taken() {
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
    fn what_is_no_key_set_is_none() {
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
        assert_eq!(cache.look_up("a", at(0)), Lookup::Ask);
        cache.learn(key_set(&[jwk("a")]), at(0));
        cache
    }

    fn known(cache: &mut KeyCache, seconds: i64) -> bool {
        matches!(cache.look_up("a", at(seconds)), Lookup::Known(_))
    }

    #[test]
    fn known_keys_are_relied_on_for_ten_minutes() {
        let mut cache = cache();
        assert!(known(&mut cache, 0));
        assert!(known(&mut cache, 599));
        assert_eq!(cache.look_up("a", at(600)), Lookup::Ask);
        cache.learn(key_set(&[jwk("b")]), at(600));
        assert_eq!(cache.look_up("a", at(601)), Lookup::Unknown);
    }

    #[test]
    fn an_unknown_key_makes_us_ask_once_a_minute_at_most() {
        let mut cache = cache();
        assert_eq!(cache.look_up("b", at(1)), Lookup::Unknown);
        assert_eq!(cache.look_up("b", at(59)), Lookup::Unknown);
        assert_eq!(cache.look_up("b", at(60)), Lookup::Ask);
        // Whether or not the team answered.
        assert_eq!(cache.look_up("b", at(61)), Lookup::Unknown);
        assert!(known(&mut cache, 61));
        assert_eq!(cache.look_up("c", at(119)), Lookup::Unknown);
        assert_eq!(cache.look_up("c", at(120)), Lookup::Ask);
    }

    #[test]
    fn without_keys_that_are_fresh_everyone_asks() {
        let mut cache = KeyCache::new();
        assert_eq!(cache.look_up("a", at(0)), Lookup::Ask);
        assert_eq!(cache.look_up("a", at(0)), Lookup::Ask);
    }
}
