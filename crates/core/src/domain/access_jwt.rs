//! The assertion of Cloudflare Access: a token that names the user whom the company's identity
//! provider signed in. It is signed with a key of the company's Access team and arrives in the
//! header `Cf-Access-Jwt-Assertion`.
//!
//! A JSON Web Token (RFC 7519) as a compact JWS (RFC 7515 §7.1) with RS256; the claims are those of
//! Access's application token. The types enforce the order of the steps: [`Assertion::parse`]
//! checks form and algorithm, [`Assertion::verified`] takes the verdict on the signature, and only
//! the [`VerifiedAssertion`] that it returns gives access to the claims.

use std::fmt;

use serde::Deserialize;

use super::jws::{Jws, Malformed};
use super::time::{SECOND, Timestamp};

/// The request header that carries the assertion.
pub const HEADER: &str = "cf-access-jwt-assertion";

/// How far the clock of Access may be ahead of ours, in milliseconds.
const SKEW: i64 = 60 * SECOND;

/// The greatest length of an assertion, in bytes. The platform allows less than that for all
/// headers together.
const MAX_LENGTH: usize = 32 * 1024;

/// The greatest length of an e-mail address (RFC 5321 §4.5.3.1).
const MAX_EMAIL_LENGTH: usize = 254;

/// Why an assertion is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessError {
    /// Not three base64url parts, or a part does not contain the expected JSON.
    Malformed,
    /// Signed with an algorithm other than RS256, or with a critical extension (`crit`).
    Algorithm,
    /// The team has no such key.
    UnknownKey,
    /// The team's keys could not be fetched.
    KeysUnavailable,
    Signature,
    /// Issued by another team.
    Issuer,
    /// For another application.
    Audience,
    /// Not an application token.
    TokenType,
    Expired,
    /// Its `nbf` or `iat` is in the future.
    NotYetValid,
    /// It names no person; a service token does not, for example.
    NoEmail,
}

impl AccessError {
    /// A stable text for logs and the audit log.
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

/// The Access team whose assertions are accepted, and the application they must be issued for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessTeam {
    domain: String,
    audience: String,
}

impl AccessTeam {
    /// `domain` is a hostname such as `acme.cloudflareaccess.com`, `audience` the application's
    /// audience tag. `None` if either is malformed.
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

    /// The URL where the team publishes its keys.
    pub fn keys_url(&self) -> String {
        format!("https://{}/cdn-cgi/access/certs", self.domain)
    }
}

/// A parsed assertion whose signature has not been verified yet.
pub struct Assertion<'a> {
    token: Jws<'a>,
    key_id: String,
}

impl<'a> Assertion<'a> {
    /// Splits an assertion into its parts. Does not read the claims.
    pub fn parse(text: &'a str) -> Result<Self, AccessError> {
        if text.len() > MAX_LENGTH {
            return Err(AccessError::Malformed);
        }
        let mut token = Jws::parse(text.as_bytes()).map_err(|error| match error {
            Malformed::Form => AccessError::Malformed,
            Malformed::Algorithm => AccessError::Algorithm,
        })?;
        let key_id = token.key_id.take().filter(|id| !id.is_empty());
        Ok(Self { token, key_id: key_id.ok_or(AccessError::Malformed)? })
    }

    /// The id of the team's key that the assertion names as its signing key.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The signed bytes.
    pub const fn signing_input(&self) -> &[u8] {
        self.token.signing_input
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256 over [`Self::signing_input`].
    pub fn signature(&self) -> &[u8] {
        &self.token.signature
    }

    /// Converts the assertion into a verified one if the caller found its signature to be valid.
    pub fn verified(self, signature_is_valid: bool) -> Result<VerifiedAssertion, AccessError> {
        let verified = VerifiedAssertion { payload: self.token.payload };
        if signature_is_valid { Ok(verified) } else { Err(AccessError::Signature) }
    }
}

impl fmt::Debug for Assertion<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Assertion([redacted])")
    }
}

/// An assertion with a valid signature: the team vouches for its claims.
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
    /// Checks the claims. Returns the e-mail address, in lower case, of the user whom the team let
    /// in to this application.
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
            .filter(|email| is_plausible_email(email))
            .map(|email| email.to_lowercase())
            .ok_or(AccessError::NoEmail)
    }
}

impl fmt::Debug for VerifiedAssertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerifiedAssertion([redacted])")
    }
}

/// Whether `email` has the form `local@domain`, without characters that no address contains.
fn is_plausible_email(email: &str) -> bool {
    let parts = email.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.is_empty() && !domain.contains('@')
    });
    parts
        && email.len() <= MAX_EMAIL_LENGTH
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
    fn an_assertion_is_split_into_key_id_signed_bytes_and_signature() {
        let text = jws(&header(), &claims());
        let assertion = Assertion::parse(&text).unwrap();
        let (signing_input, signature) = text.rsplit_once('.').unwrap();
        assert_eq!(assertion.key_id(), "9338abe1baf2");
        assert_eq!(assertion.signing_input(), signing_input.as_bytes());
        assert_eq!(segment(assertion.signature()), signature);
    }

    #[test]
    fn the_user_is_identified_by_email_in_lower_case() {
        assert_eq!(email_of(&claims()).as_deref(), Ok("ada@example.com"));
    }

    #[test]
    fn no_algorithm_but_rs256_is_accepted() {
        for alg in ["none", "None", "HS256", "RS384", "RS512", "PS256", "ES256", "rs256", ""] {
            let text = jws(&with(header(), &json!({"alg": alg})), &claims());
            assert_eq!(parse_error(&text), Some(AccessError::Algorithm), "{alg:?}");
        }
        let text = jws(&with(header(), &json!({"alg": null})), &claims());
        assert_eq!(parse_error(&text), Some(AccessError::Algorithm));
    }

    #[test]
    fn a_critical_extension_is_refused() {
        let text = jws(&with(header(), &json!({"crit": ["b64"], "b64": false})), &claims());
        assert_eq!(parse_error(&text), Some(AccessError::Algorithm));
    }

    #[test]
    fn text_that_is_no_compact_jws_is_malformed() {
        let valid = jws(&header(), &claims());
        let parts: Vec<_> = valid.split('.').collect();
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
            &format!("{valid}.{signature}"),
            &format!("{valid}="),
            &format!(" {valid}"),
            &format!("{header_part}.{payload}.{signature}+/"),
            &format!("{}.{payload}.{signature}", segment("not JSON")),
            &format!("{}.{payload}.{signature}", segment("[]")),
            &format!("{twice}.{payload}.{signature}"),
            &jws(&with(header(), &json!({"kid": null})), &claims()),
            &jws(&with(header(), &json!({"kid": ""})), &claims()),
            &jws(&with(header(), &json!({"kid": 7})), &claims()),
            &jws(&header(), &with(claims(), &json!({"pad": "x".repeat(MAX_LENGTH)}))),
        ] {
            assert_eq!(parse_error(text), Some(AccessError::Malformed), "{text}");
        }
    }

    #[test]
    fn an_assertion_with_an_invalid_signature_gives_no_claims() {
        let text = jws(&header(), &claims());
        let refused = Assertion::parse(&text).unwrap().verified(false);
        assert_eq!(refused.err(), Some(AccessError::Signature));
    }

    #[test]
    fn each_wrong_claim_alone_refuses_the_assertion() {
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
    fn every_permitted_variant_of_the_claims_is_accepted() {
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
    fn a_repeated_claim_is_malformed() {
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
