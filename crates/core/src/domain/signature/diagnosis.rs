//! Diagnosing why a signature does not match.

use super::native;
use super::{Claim, Encoding, Scheme, decode_base64, decode_hex, decode_unpadded_base64};
use crate::domain::headers::Headers;
use crate::domain::key::PayloadFormat;
use crate::domain::secret::{SecretFormat, SigningSecret};

/// Why a signature does not match, as far as that can be found out. For the operator, never for the
/// caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Diagnosis {
    /// The digest is right, but written in hex where base64 is expected, or the other way round.
    OtherEncoding,
    /// Right for the body with one trailing line break more or less.
    TrailingNewline,
    /// Right for the same JSON, written without the sender's own spacing: something between the
    /// two re-serialised the body.
    Reserialised,
    /// Right under the secret without its surrounding spaces.
    SecretWithSpaces,
    /// Right under another form of the secret: under its text instead of its decoded bytes, the
    /// other way round, or with its prefix wrongly added or left out.
    OtherForm,
    /// Right under a secret that was replaced.
    PreviousSecret,
    /// A body signed under none of the known secrets.
    Unknown,
    /// Like [`Self::Unknown`], for a scheme that signs the webhook's URL too: the URL may be wrong.
    UnknownOrAddress,
    /// A token whose signature is not valid under any of the public keys.
    PublicKey,
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
            Self::OtherForm => {
                "The digest is right under the secret in another form: its text instead of the bytes that it encodes or the reverse, or without its prefix."
            }
            Self::PreviousSecret => "The digest is right under a secret that has been replaced.",
            Self::Unknown => "The body is not signed with this key's secret.",
            Self::UnknownOrAddress => {
                "The address and the body are not signed with this key's secret, or the webhook is registered under another address than"
            }
            Self::PublicKey => {
                "The token is not signed with the private key of the public key that was pasted."
            }
        }
    }
}

/// Looks for the usual causes why a digest over the bare body does not match. Computes several
/// digests, so it is used only for failures that are logged one by one.
pub fn diagnose(
    presented: &str,
    secrets: &[SigningSecret],
    previous: &[SigningSecret],
    body: &[u8],
) -> Diagnosis {
    let digest = presented.strip_prefix("sha256=").unwrap_or(presented);
    let Some(mac) = decode_either(Encoding::Hex, digest) else { return Diagnosis::Unknown };
    let claim = Claim { macs: vec![mac], prefix: [""; 4], at: None };
    cause(&claim, PayloadFormat::Gateway, secrets, previous, body)
}

/// Like [`diagnose`], for a native delivery under its sender's own scheme.
pub fn diagnose_native(
    format: PayloadFormat,
    headers: &Headers,
    url: Option<&str>,
    secrets: &[SigningSecret],
    previous: &[SigningSecret],
    body: &[u8],
) -> Diagnosis {
    if format.scheme() == Some(Scheme::Token) {
        return Diagnosis::PublicKey;
    }
    let cause = native::claim(format, headers, url, decode_either)
        .map(|claim| cause(&claim, format, secrets, previous, body));
    match cause {
        Ok(Diagnosis::Unknown) if format.signs_address() => Diagnosis::UnknownOrAddress,
        Ok(cause) => cause,
        Err(_) => Diagnosis::Unknown,
    }
}

/// Decodes a digest in either encoding.
fn decode_either(_: Encoding, digest: &str) -> Option<[u8; 32]> {
    decode_hex(digest).or_else(|| decode_base64(digest))
}

fn cause(
    claim: &Claim<'_>,
    format: PayloadFormat,
    secrets: &[SigningSecret],
    previous: &[SigningSecret],
    body: &[u8],
) -> Diagnosis {
    let keys = |secrets: &[SigningSecret]| -> Vec<Vec<u8>> {
        let keys = secrets.iter().filter(|secret| !secret.is_public_key());
        keys.filter_map(|secret| native::hmac_key(format, secret.reveal())).collect()
    };
    let current = keys(secrets);
    let matches = |body: &[u8]| claim.matches(&current, body);
    let forms = |of: fn(&str) -> Vec<Option<Vec<u8>>>| -> Vec<Vec<u8>> {
        secrets.iter().flat_map(|secret| of(secret.reveal())).flatten().collect()
    };
    if matches(body) {
        return Diagnosis::OtherEncoding;
    }
    if matches(&[body, b"\n"].concat()) || matches(body.strip_suffix(b"\n").unwrap_or(body)) {
        return Diagnosis::TrailingNewline;
    }
    if spellings(body).iter().any(|spelling| matches(spelling.as_bytes())) {
        return Diagnosis::Reserialised;
    }
    let form = format.webhooks().map(|webhooks| webhooks.secret.format);
    if claim.matches(&forms(|text| vec![Some(text.trim().as_bytes().to_vec())]), body)
        && !matches!(form, Some(SecretFormat::Hex { .. }))
    {
        return Diagnosis::SecretWithSpaces;
    }
    if claim.matches(&forms(other_forms), body) {
        return Diagnosis::OtherForm;
    }
    match claim.matches(&keys(previous), body) {
        true => Diagnosis::PreviousSecret,
        false => Diagnosis::Unknown,
    }
}

/// The HMAC keys that a sender may have derived from the secret by mistake.
fn other_forms(text: &str) -> Vec<Option<Vec<u8>>> {
    let bare = text.strip_prefix("whsec_").unwrap_or(text);
    vec![
        Some(text.as_bytes().to_vec()),
        Some(bare.as_bytes().to_vec()),
        Some(format!("whsec_{bare}").into_bytes()),
        decode_unpadded_base64(bare),
        hex::decode(text).ok(),
    ]
}

/// The same JSON in the forms in which programs write it: compactly, and as PHP's `json_encode`
/// does by default (`/` and everything beyond ASCII escaped).
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
