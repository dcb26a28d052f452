//! The signatures of the integration API: the gateway's own two dialects, and Standard Webhooks.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::{
    Claim, SignatureError, decode_base64, decode_hex, decode_unpadded_base64, unix_seconds,
};
use crate::domain::headers::Headers;
use crate::domain::secret::SigningSecret;
use crate::domain::time::Timestamp;

/// Checks the signature of the integration API: `X-Pck-Signature` where it is sent, else the three
/// headers of Standard Webhooks.
pub fn verify_api(
    headers: &Headers,
    secrets: &[SigningSecret],
    body: &[u8],
    now: Timestamp,
) -> Result<(), SignatureError> {
    if let Some(header) = headers.get("x-pck-signature") {
        let keys: Vec<_> = shared_secrets(secrets).map(|text| text.as_bytes().to_vec()).collect();
        return own_claim(header)?.verify(&keys, body, now);
    }
    let claim = standard_webhooks_claim(headers)?;
    let keys: Vec<_> = shared_secrets(secrets).flat_map(standard_webhooks_keys).collect();
    claim.verify(&keys, body, now)
}

/// The texts of the shared secrets, without public keys: anybody who knows a public key could sign
/// with it.
fn shared_secrets(secrets: &[SigningSecret]) -> impl Iterator<Item = &str> {
    secrets.iter().filter(|secret| !secret.is_public_key()).map(SigningSecret::reveal)
}

/// `sha256=<hex HMAC-SHA256(secret, body)>`, or `t=<unix>,v1=<hex HMAC-SHA256(secret,
/// "<t>.<body>")>`; of several `v1`, one must match.
fn own_claim(header: &str) -> Result<Claim<'_>, SignatureError> {
    let malformed = SignatureError::Malformed;
    if let Some(hex) = header.strip_prefix("sha256=") {
        let macs = vec![decode_hex(hex).ok_or(malformed)?];
        return Ok(Claim { macs, prefix: [""; 4], at: None });
    }
    let mut time = None;
    let mut macs = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", seconds)) if time.is_none() => time = Some(seconds),
            Some(("v1", hex)) => macs.push(decode_hex(hex).ok_or(malformed)?),
            _ => return Err(malformed),
        }
    }
    let time = time.filter(|_| !macs.is_empty()).ok_or(malformed)?;
    let at = Some(unix_seconds(time).ok_or(malformed)?);
    Ok(Claim { macs, prefix: [time, ".", "", ""], at })
}

/// Standard Webhooks 1.0.0: a space-separated list of `v1,<base64 HMAC-SHA256(key,
/// "<id>.<timestamp>.<body>")>`, of which one must match. Other versions in the list are skipped.
pub(super) fn standard_webhooks_claim(headers: &Headers) -> Result<Claim<'_>, SignatureError> {
    let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    match names.map(|name| headers.get(name)) {
        [None, None, None] => Err(SignatureError::Missing),
        [Some(id), Some(timestamp), Some(signature)] if !id.is_empty() => {
            let at = Some(unix_seconds(timestamp).ok_or(SignatureError::Malformed)?);
            let macs = signature
                .split(' ')
                .filter_map(|entry| entry.strip_prefix("v1,"))
                .filter_map(decode_base64);
            Ok(Claim { macs: macs.collect(), prefix: [id, ".", timestamp, "."], at })
        }
        _ => Err(SignatureError::Malformed),
    }
}

/// The HMAC keys that a secret may encode in Standard Webhooks. After `whsec_`, the key is the
/// decoded base64. Without the prefix, it is either the text itself (a secret minted here) or the
/// decoded base64 (a secret pasted without its prefix).
fn standard_webhooks_keys(text: &str) -> Vec<Vec<u8>> {
    match text.strip_prefix("whsec_") {
        Some(base64) => decode_unpadded_base64(base64).into_iter().collect(),
        None => {
            let bare = Some(text.as_bytes().to_vec());
            [bare, decode_unpadded_base64(text)].into_iter().flatten().collect()
        }
    }
}

/// The value of `X-Pck-Signature` for a body, in the dialect without a timestamp.
pub fn sign_own(secret: &SigningSecret, body: &[u8]) -> String {
    // HMAC takes a key of any length.
    let mac = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes()).map(|mut mac| {
        mac.update(body);
        mac.finalize().into_bytes()
    });
    format!("sha256={}", hex::encode(mac.unwrap_or_default()))
}
