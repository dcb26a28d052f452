//! The assertion of Cloudflare Access: who is asking, said by the company's identity provider and
//! signed with a key of its Access team. It comes in `Cf-Access-Jwt-Assertion`.
//!
//! A JSON Web Token (RFC 7519) as a compact JWS (RFC 7515 §7.1) with RS256; the claims are those of
//! Access's application token. The steps stand in the types: [`Assertion::parse`] looks at form and
//! algorithm, [`Assertion::verified`] takes the verdict on the signature, and only what it returns
//! can be asked for its claims.

use std::fmt;

use serde::Deserialize;

use super::jws::{Jws, Malformed};
use super::time::{SECOND, Timestamp};

/// The request header that carries the assertion.
pub const HEADER: &str = "cf-access-jwt-assertion";

/// How far ahead of ours the clock of Access may be.
const SKEW: i64 = 60 * SECOND;

/// Most characters of an assertion: more than the platform lets through in all headers.
const LONGEST: usize = 32 * 1024;

/// Most characters of an e-mail address (RFC 5321 §4.5.3.1).
const LONGEST_EMAIL: usize = 254;

/// Why an assertion is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessError {
    /// Not three parts of base64url, or not the JSON that belongs there.
    Malformed,
    /// Signed in another way than RS256, or with an extension that must be understood.
    Algorithm,
    /// The team has no such key.
    UnknownKey,
    /// The team's keys could not be had.
    KeysUnavailable,
    Signature,
    /// Of another team.
    Issuer,
    /// For another application.
    Audience,
    /// Not the token of an application.
    TokenType,
    Expired,
    /// Not valid before a time to come, or issued then.
    NotYetValid,
    /// Names no person: a service token, for one.
    NoEmail,
}

impl AccessError {
    /// A stable text for logs and the audit.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Algorithm => "wrong_algorithm",
            Self::UnknownKey => "unknown_key",
            Self::KeysUnavailable => "keys_unavailable",
            Self::Signature => "wrong_signature",
            Self::Issuer => "wrong_issuer",
            Self::Audience => "wrong_audience",
            Self::TokenType => "wrong_type",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::NoEmail => "no_email",
        }
    }
}

/// Whose assertions are believed, and for which application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessTeam {
    domain: String,
    audience: String,
}

impl AccessTeam {
    /// `domain` is a hostname such as `acme.cloudflareaccess.com`, `audience` the application's
    /// audience tag. `None` where either cannot be one.
    pub fn new(domain: &str, audience: &str) -> Option<Self> {
        let label = |label: &str| {
            !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        let hostname = domain.contains('.') && domain.split('.').all(label);
        let tag = !audience.is_empty() && audience.bytes().all(|byte| byte.is_ascii_graphic());
        let team = Self { domain: domain.to_ascii_lowercase(), audience: audience.to_owned() };
        (hostname && tag).then_some(team)
    }

    /// The `iss` of the team's tokens.
    pub fn issuer(&self) -> String {
        format!("https://{}", self.domain)
    }

    /// Where the team publishes its keys.
    pub fn keys_url(&self) -> String {
        format!("https://{}/cdn-cgi/access/certs", self.domain)
    }
}

/// An assertion of which nothing is believed yet.
pub struct Assertion<'a> {
    token: Jws<'a>,
    key_id: String,
}

impl<'a> Assertion<'a> {
    /// Takes an assertion apart. What it claims is not looked at.
    pub fn parse(text: &'a str) -> Result<Self, AccessError> {
        if text.len() > LONGEST {
            return Err(AccessError::Malformed);
        }
        let mut token = Jws::parse(text.as_bytes()).map_err(|error| match error {
            Malformed::Form => AccessError::Malformed,
            Malformed::Algorithm => AccessError::Algorithm,
        })?;
        let key_id = token.key_id.take().filter(|id| !id.is_empty());
        Ok(Self { token, key_id: key_id.ok_or(AccessError::Malformed)? })
    }

    /// Names the team's key that it says it is signed with.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// What is signed.
    pub const fn signing_input(&self) -> &[u8] {
        self.token.signing_input
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256 over [`Self::signing_input`].
    pub fn signature(&self) -> &[u8] {
        &self.token.signature
    }

    /// The assertion as one to believe, if its signature was found to hold.
    pub fn verified(self, signature_holds: bool) -> Result<VerifiedAssertion, AccessError> {
        let verified = VerifiedAssertion { payload: self.token.payload };
        if signature_holds { Ok(verified) } else { Err(AccessError::Signature) }
    }
}

impl fmt::Debug for Assertion<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Assertion([redacted])")
    }
}

/// An assertion whose signature holds: its claims are the team's.
pub struct VerifiedAssertion {
    payload: Vec<u8>,
}

#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
    aud: Option<OneOrMany>,
    exp: Option<i64>,
    nbf: Option<i64>,
    iat: Option<i64>,
    email: Option<String>,
    #[serde(rename = "type")]
    token_type: Option<String>,
}

/// RFC 7519 §4.1.3: an array, or one value.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn contains(&self, wanted: &str) -> bool {
        match self {
            Self::One(one) => one == wanted,
            Self::Many(many) => many.iter().any(|one| one == wanted),
        }
    }
}

impl VerifiedAssertion {
    /// The e-mail address of whom the team has let in to this application, in lower case.
    pub fn email(&self, team: &AccessTeam, now: Timestamp) -> Result<String, AccessError> {
        let claims: Claims =
            serde_json::from_slice(&self.payload).or(Err(AccessError::Malformed))?;
        let Claims { iss, aud, exp, nbf, iat, email, token_type } = claims;
        if iss.as_deref() != Some(team.issuer().as_str()) {
            return Err(AccessError::Issuer);
        }
        if !aud.is_some_and(|aud| aud.contains(&team.audience)) {
            return Err(AccessError::Audience);
        }
        if token_type.is_some_and(|token_type| token_type != "app") {
            return Err(AccessError::TokenType);
        }
        let expires_at = exp.map(Timestamp::from_seconds).ok_or(AccessError::Malformed)?;
        if expires_at <= now {
            return Err(AccessError::Expired);
        }
        let latest = now.plus(SKEW);
        if [nbf, iat].into_iter().flatten().any(|from| Timestamp::from_seconds(from) > latest) {
            return Err(AccessError::NotYetValid);
        }
        email
            .filter(|email| plausible(email))
            .map(|email| email.to_lowercase())
            .ok_or(AccessError::NoEmail)
    }
}

impl fmt::Debug for VerifiedAssertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerifiedAssertion([redacted])")
    }
}

/// `local@domain`, with nothing in it that an address cannot hold.
fn plausible(email: &str) -> bool {
    let parts = email.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.is_empty() && !domain.contains('@')
    });
    parts
        && email.len() <= LONGEST_EMAIL
        && !email.chars().any(|c| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::BASE64URL_NOPAD;
    use serde_json::{Value, json};

    const NOW: i64 = 1_750_000_000;
    const TAG: &str = "32eafc7626e974616deaf0dc3ce63d7bcbed58a2731e84d06bc3cdf1b53c4228";

    fn team() -> AccessTeam {
        AccessTeam::new("acme.cloudflareaccess.com", TAG).unwrap()
    }

    fn header() -> Value {
        json!({"alg": "RS256", "kid": "9338abe1baf2", "typ": "JWT"})
    }

    fn claims() -> Value {
        json!({
            "aud": [TAG],
            "email": "Ada@Example.com",
            "exp": NOW + 3_600,
            "iat": NOW - 10,
            "nbf": NOW - 10,
            "iss": "https://acme.cloudflareaccess.com",
            "type": "app",
            "identity_nonce": "6ei69kawdKzMIAPF",
            "sub": "7335d417-61da-459d-899c-0a01c76a2f94",
            "country": "US",
            "custom": {"groups": ["console"]},
        })
    }

    /// A value with some members replaced; `null` removes one.
    fn with(mut value: Value, members: &Value) -> Value {
        for (name, member) in members.as_object().unwrap() {
            if member.is_null() {
                value.as_object_mut().unwrap().remove(name);
            } else {
                value[name] = member.clone();
            }
        }
        value
    }

    fn segment(bytes: impl AsRef<[u8]>) -> String {
        BASE64URL_NOPAD.encode(bytes.as_ref())
    }

    fn jws(header: &Value, claims: &Value) -> String {
        let header = segment(header.to_string());
        let claims = segment(claims.to_string());
        format!("{header}.{claims}.{}", segment([0x5a; 256]))
    }

    fn parse_error(text: &str) -> Option<AccessError> {
        Assertion::parse(text).err()
    }

    fn email_of(claims: &Value) -> Result<String, AccessError> {
        let text = jws(&header(), claims);
        let verified = Assertion::parse(&text)?.verified(true)?;
        verified.email(&team(), Timestamp::from_seconds(NOW))
    }

    #[test]
    fn an_assertion_comes_apart_into_what_is_signed_by_whom_and_how() {
        let text = jws(&header(), &claims());
        let assertion = Assertion::parse(&text).unwrap();
        let (signing_input, signature) = text.rsplit_once('.').unwrap();
        assert_eq!(assertion.key_id(), "9338abe1baf2");
        assert_eq!(assertion.signing_input(), signing_input.as_bytes());
        assert_eq!(segment(assertion.signature()), signature);
    }

    #[test]
    fn whom_the_team_let_in_is_known_by_email_in_lower_case() {
        assert_eq!(email_of(&claims()).as_deref(), Ok("ada@example.com"));
    }

    #[test]
    fn no_algorithm_but_rs256_is_taken() {
        for alg in ["none", "None", "HS256", "RS384", "RS512", "PS256", "ES256", "rs256", ""] {
            let text = jws(&with(header(), &json!({"alg": alg})), &claims());
            assert_eq!(parse_error(&text), Some(AccessError::Algorithm), "{alg:?}");
        }
        let text = jws(&with(header(), &json!({"alg": null})), &claims());
        assert_eq!(parse_error(&text), Some(AccessError::Algorithm));
    }

    #[test]
    fn an_extension_that_must_be_understood_is_not() {
        let text = jws(&with(header(), &json!({"crit": ["b64"], "b64": false})), &claims());
        assert_eq!(parse_error(&text), Some(AccessError::Algorithm));
    }

    #[test]
    fn what_is_no_compact_jws_is_malformed() {
        let sound = jws(&header(), &claims());
        let parts: Vec<_> = sound.split('.').collect();
        let [header_part, payload, signature] = parts[..] else { panic!("three parts") };
        let twice = segment(r#"{"alg":"RS256","alg":"none","kid":"a"}"#);
        for text in [
            "",
            ".",
            "..",
            payload,
            &format!("{header_part}.{payload}"),
            &format!("{header_part}.{payload}."),
            &format!("{header_part}..{signature}"),
            &format!(".{payload}.{signature}"),
            &format!("{sound}.{signature}"),
            &format!("{sound}="),
            &format!(" {sound}"),
            &format!("{header_part}.{payload}.{signature}+/"),
            &format!("{}.{payload}.{signature}", segment("not JSON")),
            &format!("{}.{payload}.{signature}", segment("[]")),
            &format!("{twice}.{payload}.{signature}"),
            &jws(&with(header(), &json!({"kid": null})), &claims()),
            &jws(&with(header(), &json!({"kid": ""})), &claims()),
            &jws(&with(header(), &json!({"kid": 7})), &claims()),
            &jws(&header(), &with(claims(), &json!({"pad": "x".repeat(LONGEST)}))),
        ] {
            assert_eq!(parse_error(text), Some(AccessError::Malformed), "{text}");
        }
    }

    #[test]
    fn claims_are_not_had_from_an_assertion_whose_signature_does_not_hold() {
        let text = jws(&header(), &claims());
        let refused = Assertion::parse(&text).unwrap().verified(false);
        assert_eq!(refused.err(), Some(AccessError::Signature));
    }

    #[test]
    fn each_claim_alone_can_refuse() {
        use AccessError::*;
        let cases = [
            (json!({"iss": "https://other.cloudflareaccess.com"}), Issuer),
            (json!({"iss": "http://acme.cloudflareaccess.com"}), Issuer),
            (json!({"iss": "https://acme.cloudflareaccess.com/"}), Issuer),
            (json!({"iss": "acme.cloudflareaccess.com"}), Issuer),
            (json!({"iss": null}), Issuer),
            (json!({"iss": 1}), Malformed),
            (json!({"aud": "another"}), Audience),
            (json!({"aud": ["another", &TAG[1..]]}), Audience),
            (json!({"aud": []}), Audience),
            (json!({"aud": null}), Audience),
            (json!({"aud": {"0": TAG}}), Malformed),
            (json!({"type": "org"}), TokenType),
            (json!({"type": ""}), TokenType),
            (json!({"exp": NOW}), Expired),
            (json!({"exp": NOW - 1}), Expired),
            (json!({"exp": 0}), Expired),
            (json!({"exp": -1}), Expired),
            (json!({"exp": null}), Malformed),
            (json!({"exp": "9999999999"}), Malformed),
            (json!({"exp": 1e300}), Malformed),
            (json!({"nbf": NOW + 61}), NotYetValid),
            (json!({"iat": NOW + 61}), NotYetValid),
            (json!({"nbf": i64::MAX}), NotYetValid),
            (json!({"email": null}), NoEmail),
            (json!({"email": ""}), NoEmail),
            (json!({"email": "ada"}), NoEmail),
            (json!({"email": "@example.com"}), NoEmail),
            (json!({"email": "ada@"}), NoEmail),
            (json!({"email": "ada@b@example.com"}), NoEmail),
            (json!({"email": "ada @example.com"}), NoEmail),
            (json!({"email": "ada@example.com\n"}), NoEmail),
            (json!({"email": format!("{}@example.com", "a".repeat(250))}), NoEmail),
            (json!({"email": ["ada@example.com"]}), Malformed),
        ];
        for (wrong, expected) in cases {
            assert_eq!(email_of(&with(claims(), &wrong)), Err(expected), "{wrong}");
        }
        assert_eq!(email_of(&json!([])), Err(Malformed));
    }

    #[test]
    fn what_a_sound_assertion_may_look_like() {
        for variant in [
            json!({"aud": TAG}),
            json!({"aud": ["another", TAG]}),
            json!({"type": null}),
            json!({"exp": NOW + 1}),
            json!({"exp": i64::MAX}),
            json!({"nbf": NOW + 60, "iat": NOW + 60}),
            json!({"nbf": null, "iat": null}),
            json!({"email": "ADA@EXAMPLE.COM"}),
        ] {
            let email = email_of(&with(claims(), &variant));
            assert_eq!(email.as_deref(), Ok("ada@example.com"), "{variant}");
        }
    }

    #[test]
    fn a_claim_that_stands_twice_is_malformed() {
        let payload = claims().to_string().replacen('{', r#"{"email":"eve@example.com","#, 1);
        let text =
            format!("{}.{}.{}", segment(header().to_string()), segment(payload), segment("s"));
        let verified = Assertion::parse(&text).unwrap().verified(true).unwrap();
        let email = verified.email(&team(), Timestamp::from_seconds(NOW));
        assert_eq!(email, Err(AccessError::Malformed));
    }

    #[test]
    fn a_team_is_named_by_a_hostname_and_a_tag() {
        let team = AccessTeam::new("Acme.CloudflareAccess.com", TAG).unwrap();
        assert_eq!(team.issuer(), "https://acme.cloudflareaccess.com");
        assert_eq!(team.keys_url(), "https://acme.cloudflareaccess.com/cdn-cgi/access/certs");
        for domain in
            ["", "acme", "https://acme.example.com", "acme.example.com/", "a..b", ".a.b", "a.b@c"]
        {
            assert_eq!(AccessTeam::new(domain, TAG), None, "{domain:?}");
        }
        for audience in ["", " ", "a b"] {
            assert_eq!(
                AccessTeam::new("acme.cloudflareaccess.com", audience),
                None,
                "{audience:?}"
            );
        }
    }

    #[test]
    fn assertions_do_not_print() {
        let text = jws(&header(), &claims());
        let assertion = Assertion::parse(&text).unwrap();
        assert_eq!(format!("{assertion:?}"), "Assertion([redacted])");
        let verified = assertion.verified(true).unwrap();
        assert_eq!(format!("{verified:?}"), "VerifiedAssertion([redacted])");
    }
}
