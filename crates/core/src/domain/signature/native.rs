//! The signatures of native senders. Each vendor documents its own scheme
//! (`tests/signature_vectors.rs` names the sources).

use super::api::standard_webhooks_claim;
use super::public_key::wix_token;
use super::{
    Claim, Encoding, Prefix, Scheme, SignatureError, decode_base64, decode_hex, plain_number,
    unix_seconds,
};
use crate::domain::headers::Headers;
use crate::domain::key::PayloadFormat;
use crate::domain::secret::{SecretFormat, SigningSecret};
use crate::domain::time::Timestamp;

/// Checks the signature of a native delivery by its sender's own scheme. `url` is the webhook's URL
/// as registered with the sender, for schemes that sign it too. A signature made with a private key
/// never passes here (see [`super::public_key_checks`]).
pub fn verify_native(
    format: PayloadFormat,
    headers: &Headers,
    url: Option<&str>,
    secrets: &[SigningSecret],
    body: &[u8],
    now: Timestamp,
) -> Result<(), SignatureError> {
    if format.scheme() == Some(Scheme::Token) {
        return wix_token(body).and(Err(SignatureError::Mismatch));
    }
    let keys: Vec<_> =
        secrets.iter().filter_map(|secret| hmac_key(format, secret.reveal())).collect();
    claim(format, headers, url, decode_strict)?.verify(&keys, body, now)
}

/// The signature header of a native delivery; `None` if it is missing or the scheme has none.
pub fn signature_of(format: PayloadFormat, headers: &Headers) -> Option<&str> {
    match format.scheme()? {
        Scheme::Digest { headers: names, .. } => names.iter().find_map(|name| headers.get(name)),
        Scheme::Stripe { header } => headers.get(header),
        Scheme::StandardWebhooks => headers.get("webhook-signature"),
        Scheme::Token => None,
    }
}

/// Decodes a digest that is in exactly the encoding of its scheme.
pub(super) fn decode_strict(encoding: Encoding, text: &str) -> Option<[u8; 32]> {
    match encoding {
        Encoding::Base64 => decode_base64(text),
        Encoding::Hex => decode_hex(text),
    }
}

/// The claim of a delivery; its digests are decoded with `decode`.
pub(super) fn claim<'a>(
    format: PayloadFormat,
    headers: &'a Headers,
    url: Option<&'a str>,
    decode: fn(Encoding, &str) -> Option<[u8; 32]>,
) -> Result<Claim<'a>, SignatureError> {
    let malformed = SignatureError::Malformed;
    let header = || signature_of(format, headers).ok_or(SignatureError::Missing);
    let (encoding, prefix) = match format.scheme() {
        Some(Scheme::Digest { encoding, prefix, .. }) => (encoding, prefix),
        Some(Scheme::Stripe { .. }) => return stripe_claim(header()?),
        Some(Scheme::StandardWebhooks) => return standard_webhooks_claim(headers),
        Some(Scheme::Token) | None => return Err(SignatureError::Missing),
    };
    let macs = vec![decode(encoding, header()?).ok_or(malformed)?];
    let (prefix, at) = match prefix {
        Prefix::Nothing => ([""; 4], None),
        Prefix::Address => ([url.unwrap_or_default(), "", "", ""], None),
        Prefix::Millis { header, separator } => {
            let time = headers.get(header).ok_or(malformed)?;
            let at = Timestamp::from_millis(plain_number(time).ok_or(malformed)?);
            ([time, separator, "", ""], Some(at))
        }
    };
    Ok(Claim { macs, prefix, at })
}

/// `t=<unix>,v1=<hex>`, where `v1` may come several times while the secret is being rolled, and `t`
/// only once. Other schemes (`v0` in test mode) are ignored.
fn stripe_claim(header: &str) -> Result<Claim<'_>, SignatureError> {
    let values = |name: &'static str| {
        let parts = header.split(',').filter_map(|part| part.split_once('='));
        parts.filter(move |(key, _)| *key == name).map(|(_, value)| value)
    };
    let malformed = SignatureError::Malformed;
    let mut times = values("t");
    let (Some(time), None) = (times.next(), times.next()) else { return Err(malformed) };
    let at = Some(unix_seconds(time).ok_or(malformed)?);
    let macs: Vec<_> = values("v1").filter_map(decode_hex).collect();
    if macs.is_empty() {
        return Err(malformed);
    }
    Ok(Claim { macs, prefix: [time, ".", "", ""], at })
}

/// The HMAC key of a secret; `None` if it is a public key, or not in the form of its sender.
pub(super) fn hmac_key(format: PayloadFormat, text: &str) -> Option<Vec<u8>> {
    match format.webhooks().map(|webhooks| webhooks.secret.format) {
        None | Some(SecretFormat::Text | SecretFormat::Prefixed { .. }) => {
            Some(text.as_bytes().to_vec())
        }
        Some(SecretFormat::HtmlText) => Some(decode_special_chars(text).into_bytes()),
        Some(SecretFormat::Hex { .. }) => hex::decode(text).ok(),
        Some(SecretFormat::RsaPublicKey { .. }) => None,
    }
}

/// Decodes entities as WordPress's `wp_specialchars_decode(…, ENT_QUOTES)` does: in one pass.
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
