//! The signatures of native senders. Each is a contract of its vendor
//! (`tests/signature_vectors.rs` names the sources).

use super::api::standard_webhooks_claim;
use super::public_key::token;
use super::{Claim, SignatureError, decode_base64, decode_hex, plain_number, unix_seconds};
use crate::domain::headers::Headers;
use crate::domain::key::PayloadFormat;
use crate::domain::secret::SigningSecret;
use crate::domain::time::Timestamp;

/// Checks the signature of a native delivery by its sender's own scheme. `url` is the address of
/// the webhook as it is registered with the sender, where the scheme signs that.
/// What is signed with a private key never holds here (see [`super::public_key_checks`]).
pub fn verify_native(
    format: PayloadFormat,
    headers: &Headers,
    url: Option<&str>,
    secrets: &[SigningSecret],
    body: &[u8],
    now: Timestamp,
) -> Result<(), SignatureError> {
    if format == PayloadFormat::Wix {
        return token(body).and(Err(SignatureError::Mismatch));
    }
    let keys: Vec<_> = secrets.iter().filter_map(|secret| key(format, secret.reveal())).collect();
    claim(format, headers, url, strict)?.verify(&keys, body, now)
}

/// WooCommerce: base64(HMAC-SHA256(secret, body)), the secret after the HTML-entity decoding that
/// WooCommerce applies to it (`WC_Webhook::generate_signature`).
pub fn verify_woocommerce(
    header: Option<&str>,
    secrets: &[SigningSecret],
    body: &[u8],
) -> Result<(), SignatureError> {
    let headers = Headers::read(["x-wc-webhook-signature"], |_| header.map(str::to_owned));
    let now = Timestamp::from_millis(0);
    verify_native(PayloadFormat::WooCommerce, &headers, None, secrets, body, now)
}

/// The header of a native delivery's signature; `None` where there is none.
pub fn signature_of(format: PayloadFormat, headers: &Headers) -> Option<&str> {
    match format {
        PayloadFormat::WooCommerce => headers.get("x-wc-webhook-signature"),
        // The newer family of headers comes together with the old one, and wins.
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

/// A digest in exactly the encoding of its scheme.
pub(super) fn strict(encoding: Encoding, text: &str) -> Option<[u8; 32]> {
    match encoding {
        Encoding::Base64 => decode_base64(text),
        Encoding::Hex => decode_hex(text),
    }
}

/// What a delivery presents, its digests read with `decode`.
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
    let mut claim = Claim { macs, before: [""; 4], at: None };
    match format {
        // Square signs the address, query included, directly before the body.
        PayloadFormat::Square => claim.before[0] = url.unwrap_or_default(),
        PayloadFormat::Webflow => {
            let time = headers.get("x-webflow-timestamp").ok_or(malformed)?;
            claim.at = Some(Timestamp::from_millis(plain_number(time).ok_or(malformed)?));
            claim.before = [time, ":", "", ""];
        }
        _ => {}
    }
    Ok(claim)
}

/// `t=<unix>,v1=<hex>`, where `v1` may come several times while the secret is being rolled, and `t`
/// only once. Other schemes (`v0` in test mode) say nothing.
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
    Ok(Claim { macs, before: [time, ".", "", ""], at })
}

/// The key that a secret stands for. Stripe's whole text is the key, `whsec_` included; so is
/// BigCommerce's client secret, which its libraries are given in base64.
pub(super) fn key(format: PayloadFormat, text: &str) -> Option<Vec<u8>> {
    match format {
        PayloadFormat::WooCommerce => Some(decode_special_chars(text).into_bytes()),
        PayloadFormat::Squarespace => hex::decode(text).ok(),
        // A public key is no key of an HMAC.
        PayloadFormat::Wix => None,
        _ => Some(text.as_bytes().to_vec()),
    }
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
