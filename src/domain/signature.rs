//! Signatures of request bodies: the gateway's own two dialects, Standard Webhooks, and
//! WooCommerce's. Vectors: `tests/signature_vectors.rs`.

use data_encoding::{BASE64, Specification};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::headers::Headers;
use super::key::PayloadFormat;
use super::secret::SigningSecret;
use super::time::{SECOND, Timestamp};

/// How far a signed timestamp may be from now, in either direction.
pub const TOLERANCE: i64 = 300 * SECOND;

/// Why a request does not count as signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureError {
    /// There is no signature.
    Missing,
    /// The signature does not have the form of its dialect.
    Malformed,
    /// The signature is not of this body under a secret of this key.
    Mismatch,
    /// The signature is right, its timestamp is more than [`TOLERANCE`] from now.
    Expired,
}

/// The headers of Standard Webhooks 1.0.0.
const WEBHOOK: [&str; 3] = ["webhook-id", "webhook-timestamp", "webhook-signature"];

/// Checks the signature of a native delivery by its sender's own scheme. `url` is the address of
/// the webhook as it is registered with the sender, where the scheme signs that.
pub fn verify_native(
    format: PayloadFormat,
    headers: &Headers,
    url: Option<&str>,
    secrets: &[SigningSecret],
    body: &[u8],
    now: Timestamp,
) -> Result<(), SignatureError> {
    let _ = (url, now);
    match format {
        PayloadFormat::WooCommerce => {
            verify_woocommerce(headers.get("x-wc-webhook-signature"), secrets, body)
        }
        _ => Err(SignatureError::Mismatch),
    }
}

/// The signature of a native delivery as it was sent, for [`diagnose`]; empty where its scheme
/// signs more than the body.
pub fn signature_of(format: PayloadFormat, headers: &Headers) -> Option<&str> {
    match format {
        PayloadFormat::WooCommerce => headers.get("x-wc-webhook-signature"),
        _ => None,
    }
}

/// Checks the signature of the integration API: `X-Pck-Signature` where it is sent, else the three
/// headers of Standard Webhooks.
pub fn verify_api(
    headers: &Headers,
    secrets: &[SigningSecret],
    body: &[u8],
    now: Timestamp,
) -> Result<(), SignatureError> {
    if let Some(header) = headers.get("x-pck-signature") {
        return verify_own(header, secrets, body, now);
    }
    let [id, timestamp, signature] = WEBHOOK.map(|name| headers.get(name));
    match (id, timestamp, signature) {
        (None, None, None) => Err(SignatureError::Missing),
        (Some(id), Some(timestamp), Some(signature)) => {
            verify_standard_webhooks(id, timestamp, signature, secrets, body, now)
        }
        _ => Err(SignatureError::Malformed),
    }
}

/// `sha256=<hex HMAC-SHA256(secret, body)>`, or `t=<unix>,v1=<hex HMAC-SHA256(secret,
/// "<t>.<body>")>`; of several `v1`, one must hold.
fn verify_own(
    header: &str,
    secrets: &[SigningSecret],
    body: &[u8],
    now: Timestamp,
) -> Result<(), SignatureError> {
    if let Some(hex) = header.strip_prefix("sha256=") {
        let presented = decode_hex(hex).ok_or(SignatureError::Malformed)?;
        return matches_any(secrets, &[body], &[presented]);
    }
    let mut time = None;
    let mut presented = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", seconds)) if time.is_none() => time = Some(seconds),
            Some(("v1", hex)) => {
                presented.push(decode_hex(hex).ok_or(SignatureError::Malformed)?);
            }
            _ => return Err(SignatureError::Malformed),
        }
    }
    let time = time.ok_or(SignatureError::Malformed)?;
    let at = unix_seconds(time).ok_or(SignatureError::Malformed)?;
    if presented.is_empty() {
        return Err(SignatureError::Malformed);
    }
    matches_any(secrets, &[time.as_bytes(), b".", body], &presented)?;
    within_tolerance(at, now)
}

/// Standard Webhooks 1.0.0: a space-separated list of `v1,<base64 HMAC-SHA256(key,
/// "<id>.<timestamp>.<body>")>`, of which one must hold. Other versions in the list are skipped.
fn verify_standard_webhooks(
    id: &str,
    timestamp: &str,
    signature: &str,
    secrets: &[SigningSecret],
    body: &[u8],
    now: Timestamp,
) -> Result<(), SignatureError> {
    let at = unix_seconds(timestamp).ok_or(SignatureError::Malformed)?;
    if id.is_empty() {
        return Err(SignatureError::Malformed);
    }
    let presented: Vec<[u8; 32]> = signature
        .split(' ')
        .filter_map(|entry| entry.strip_prefix("v1,"))
        .filter_map(decode_base64)
        .collect();
    let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
    let mut found = false;
    for key in secrets.iter().flat_map(standard_webhooks_keys) {
        found |= presented.iter().any(|mac| verify_mac(&key, &signed, mac));
    }
    if !found {
        return Err(SignatureError::Mismatch);
    }
    within_tolerance(at, now)
}

/// The keys that a secret may stand for in Standard Webhooks: `whsec_` and base64 is the decoded
/// part; a secret that was minted here is its own text, and one that was pasted without the prefix
/// is its decoded form too.
fn standard_webhooks_keys(secret: &SigningSecret) -> Vec<Vec<u8>> {
    let text = secret.reveal();
    let decoded = |text: &str| decode_unpadded_base64(text).filter(|key| !key.is_empty());
    match text.strip_prefix("whsec_") {
        Some(base64) => decoded(base64).into_iter().collect(),
        None => [Some(text.as_bytes().to_vec()), decoded(text)].into_iter().flatten().collect(),
    }
}

/// WooCommerce: base64(HMAC-SHA256(secret, body)), the secret after the HTML-entity decoding that
/// WooCommerce applies to it (`WC_Webhook::generate_signature`).
pub fn verify_woocommerce(
    header: Option<&str>,
    secrets: &[SigningSecret],
    body: &[u8],
) -> Result<(), SignatureError> {
    let header = header.ok_or(SignatureError::Missing)?;
    let presented = decode_base64(header).ok_or(SignatureError::Malformed)?;
    let holds = secrets.iter().fold(false, |found, secret| {
        let key = decode_special_chars(secret.reveal());
        found | verify_mac(key.as_bytes(), &[body], &presented)
    });
    if holds { Ok(()) } else { Err(SignatureError::Mismatch) }
}

/// What WordPress's `wp_specialchars_decode(…, ENT_QUOTES)` does: one pass over its entities.
fn decode_special_chars(text: &str) -> String {
    const ENTITIES: [(&[&str], char); 5] = [
        (&["&amp;", "&#038;", "&#38;", "&#x26;"], '&'),
        (&["&lt;", "&#060;", "&#60;", "&#x3c;", "&#x3C;"], '<'),
        (&["&gt;", "&#062;", "&#62;", "&#x3e;", "&#x3E;"], '>'),
        (&["&quot;", "&#034;", "&#34;", "&#x22;"], '"'),
        (&["&#039;", "&#39;", "&#x27;", "&apos;"], '\''),
    ];
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, from) = rest.split_at(at);
        decoded.push_str(before);
        let entity = ENTITIES.iter().find_map(|(names, character)| {
            names.iter().find_map(|name| Some((from.strip_prefix(name)?, *character)))
        });
        match entity {
            Some((after, character)) => {
                decoded.push(character);
                rest = after;
            }
            None => {
                decoded.push('&');
                rest = &from[1..];
            }
        }
    }
    decoded.push_str(rest);
    decoded
}

/// Why a signature did not hold, as far as it can be told. For the operator, never for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Diagnosis {
    /// Right, but written in hex where base64 is expected, or the other way round.
    OtherEncoding,
    /// Right for the body with one trailing line break more or less.
    TrailingNewline,
    /// Right for the same JSON, written without the sender's own spacing: something between the
    /// two re-serialised the body.
    Reserialised,
    /// Right under the secret without its surrounding spaces.
    SecretWithSpaces,
    /// Right under a secret that was replaced.
    PreviousSecret,
    /// A body signed under none of the known secrets.
    Unknown,
}

impl Diagnosis {
    pub const fn detail(self) -> &'static str {
        match self {
            Self::OtherEncoding => {
                "The digest is right but in the other encoding (hex instead of base64 or the reverse)."
            }
            Self::TrailingNewline => {
                "The digest is right for the body with one line break more or less at its end."
            }
            Self::Reserialised => {
                "The digest is right for the same JSON written compactly: something re-serialised the body after or before it was signed."
            }
            Self::SecretWithSpaces => {
                "The digest is right under the secret without the spaces around it."
            }
            Self::PreviousSecret => "The digest is right under a secret that has been replaced.",
            Self::Unknown => "The body is not signed with this key's secret.",
        }
    }
}

/// Looks for the usual causes of a digest over the bare body that does not hold. Costs several
/// digests: only for failures that are logged one by one.
pub fn diagnose(
    presented: &str,
    secrets: &[SigningSecret],
    previous: &[SigningSecret],
    body: &[u8],
) -> Diagnosis {
    let digest = presented.strip_prefix("sha256=").unwrap_or(presented);
    let Some(mac) = decode_hex(digest).or_else(|| decode_base64(digest)) else {
        return Diagnosis::Unknown;
    };
    let under = |key: &str, body: &[u8]| verify_mac(key.as_bytes(), &[body], &mac);
    let with_newline = [body, b"\n"].concat();
    let without_newline = body.strip_suffix(b"\n").unwrap_or(body);
    let spellings = spellings(body);
    for secret in secrets.iter().map(SigningSecret::reveal) {
        if under(secret, body) {
            return Diagnosis::OtherEncoding;
        }
        if under(secret, &with_newline) || under(secret, without_newline) {
            return Diagnosis::TrailingNewline;
        }
        if spellings.iter().any(|spelling| under(secret, spelling.as_bytes())) {
            return Diagnosis::Reserialised;
        }
        if under(secret.trim(), body) {
            return Diagnosis::SecretWithSpaces;
        }
    }
    match previous.iter().any(|secret| under(secret.reveal(), body)) {
        true => Diagnosis::PreviousSecret,
        false => Diagnosis::Unknown,
    }
}

/// The same JSON as programs write it: compactly, and as PHP's `json_encode` does by default
/// (`/` and everything beyond ASCII escaped).
fn spellings(body: &[u8]) -> Vec<String> {
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(body) else { return Vec::new() };
    let compact = value.to_string();
    let mut php = String::with_capacity(compact.len());
    for character in compact.chars() {
        match character {
            '/' => php.push_str("\\/"),
            ' '..='~' => php.push(character),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    php.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    vec![compact, php]
}

fn matches_any(
    secrets: &[SigningSecret],
    signed: &[&[u8]],
    presented: &[[u8; 32]],
) -> Result<(), SignatureError> {
    let holds = secrets.iter().fold(false, |found, secret| {
        found | presented.iter().any(|mac| verify_mac(secret.reveal().as_bytes(), signed, mac))
    });
    if holds { Ok(()) } else { Err(SignatureError::Mismatch) }
}

/// The value of `X-Pck-Signature` for a body, in the dialect without a time.
pub fn sign_own(secret: &SigningSecret, body: &[u8]) -> String {
    // HMAC takes a key of any length.
    let mac = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes()).map(|mut mac| {
        mac.update(body);
        mac.finalize().into_bytes()
    });
    format!("sha256={}", hex::encode(mac.unwrap_or_default()))
}

/// Whether `presented` is the HMAC-SHA256 of the concatenated parts. Constant-time in `presented`.
fn verify_mac(key: &[u8], parts: &[&[u8]], presented: &[u8; 32]) -> bool {
    if key.is_empty() {
        return false;
    }
    Hmac::<Sha256>::new_from_slice(key).is_ok_and(|mut mac| {
        parts.iter().for_each(|part| mac.update(part));
        mac.verify_slice(presented).is_ok()
    })
}

fn within_tolerance(at: Timestamp, now: Timestamp) -> Result<(), SignatureError> {
    if now.since(at).abs() > TOLERANCE { Err(SignatureError::Expired) } else { Ok(()) }
}

fn unix_seconds(text: &str) -> Option<Timestamp> {
    let plain = !text.is_empty() && text.len() <= 15 && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok().map(Timestamp::from_seconds)).flatten()
}

fn decode_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).ok().map(|()| bytes)
}

fn decode_base64(text: &str) -> Option<[u8; 32]> {
    BASE64.decode(text.as_bytes()).ok()?.try_into().ok()
}

/// Base64 with or without padding; secrets are often pasted without it.
fn decode_unpadded_base64(text: &str) -> Option<Vec<u8>> {
    let mut specification = Specification::new();
    specification
        .symbols
        .push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    specification.check_trailing_bits = false;
    specification.encoding().ok()?.decode(text.trim_end_matches('=').as_bytes()).ok()
}
