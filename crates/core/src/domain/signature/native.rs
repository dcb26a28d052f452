//! The signatures of native senders. Each vendor documents its own scheme
//! (`tests/signature_vectors.rs` names the sources).

use super::api::standard_webhooks_claim;
use super::public_key::wix_token;
use super::{Claim, SignatureError, decode_base64, decode_hex, plain_number, unix_seconds};
use crate::domain::headers::Headers;
use crate::domain::key::PayloadFormat;
use crate::domain::secret::SigningSecret;
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
    if format == PayloadFormat::Wix {
        return wix_token(body).and(Err(SignatureError::Mismatch));
    }
    let keys: Vec<_> =
        secrets.iter().filter_map(|secret| hmac_key(format, secret.reveal())).collect();
    claim(format, headers, url, decode_strict)?.verify(&keys, body, now)
}

/// The signature header of a native delivery; `None` if it is missing or the scheme has none.
pub fn signature_of(format: PayloadFormat, headers: &Headers) -> Option<&str> {
    match format {
        PayloadFormat::WooCommerce => headers.get("x-wc-webhook-signature"),
        // Shopify sends the newer headers together with the old ones; the newer take precedence.
        PayloadFormat::Shopify => {
            headers.get("shopify-hmac-sha256").or_else(|| headers.get("x-shopify-hmac-sha256"))
        }
        PayloadFormat::StripeCheckout => headers.get("stripe-signature"),
        PayloadFormat::Square => headers.get("x-square-hmacsha256-signature"),
        PayloadFormat::BigCommerce => headers.get("webhook-signature"),
        PayloadFormat::Squarespace => headers.get("squarespace-signature"),
        PayloadFormat::Webflow => headers.get("x-webflow-signature"),
        PayloadFormat::Wix | PayloadFormat::Gateway => None,
    }
}

/// How a scheme writes its digests.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Base64,
    Hex,
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
    if format == PayloadFormat::BigCommerce {
        return standard_webhooks_claim(headers);
    }
    let header = signature_of(format, headers).ok_or(SignatureError::Missing)?;
    if format == PayloadFormat::StripeCheckout {
        return stripe_claim(header);
    }
    let encoding = match format {
        PayloadFormat::Squarespace | PayloadFormat::Webflow => Encoding::Hex,
        _ => Encoding::Base64,
    };
    let macs = vec![decode(encoding, header).ok_or(malformed)?];
    let mut claim = Claim { macs, prefix: [""; 4], at: None };
    match format {
        // Square signs the address, query included, directly before the body.
        PayloadFormat::Square => claim.prefix[0] = url.unwrap_or_default(),
        PayloadFormat::Webflow => {
            let time = headers.get("x-webflow-timestamp").ok_or(malformed)?;
            claim.at = Some(Timestamp::from_millis(plain_number(time).ok_or(malformed)?));
            claim.prefix = [time, ":", "", ""];
        }
        _ => {}
    }
    Ok(claim)
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

/// The HMAC key of a secret. For Stripe the key is the whole text, `whsec_` included. For
/// BigCommerce too, the key is the text of the client secret, although its libraries take that in
/// base64.
pub(super) fn hmac_key(format: PayloadFormat, text: &str) -> Option<Vec<u8>> {
    match format {
        PayloadFormat::WooCommerce => Some(decode_special_chars(text).into_bytes()),
        PayloadFormat::Squarespace => hex::decode(text).ok(),
        // The pasted text is a public key, not an HMAC key.
        PayloadFormat::Wix => None,
        _ => Some(text.as_bytes().to_vec()),
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
