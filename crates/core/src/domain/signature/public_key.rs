//! Signatures made with a private key: what the platform has to verify.

use super::api::standard_webhooks_claim;
use super::{Scheme, SignatureError, TOLERANCE, decode_unpadded_base64, within_tolerance};
use crate::domain::headers::Headers;
use crate::domain::jws::{Jws, Malformed};
use crate::domain::key::PayloadFormat;
use crate::domain::secret::SigningSecret;
use crate::domain::time::Timestamp;

/// A signature algorithm of the platform's WebCrypto.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256; the key is a SubjectPublicKeyInfo in DER.
    Rs256,
    /// The key is the raw 32 bytes.
    Ed25519,
}

/// One signature to verify under one key. Of several checks, one that passes is enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKeyCheck {
    pub algorithm: Algorithm,
    pub key: Vec<u8>,
    pub signature: Vec<u8>,
    pub signed: Vec<u8>,
}

/// The most signatures of one request that are verified.
const MAX_SIGNATURES: usize = 4;

/// The signatures of a request that the platform has to verify. From Wix: its token, if that is
/// signed with RS256. On the integration API: the `v1a` signatures of Standard Webhooks, if a
/// secret of the key is a public key. Empty for every other request.
pub fn public_key_checks(
    format: PayloadFormat,
    headers: &Headers,
    secrets: &[SigningSecret],
    body: &[u8],
) -> Vec<PublicKeyCheck> {
    let scheme = format.scheme();
    let keys = secrets.iter().filter_map(|secret| match scheme {
        Some(Scheme::Token) => decode_unpadded_base64(secret.reveal()),
        Some(_) => None,
        None => decode_unpadded_base64(secret.reveal().strip_prefix("whpk_")?),
    });
    let keys: Vec<_> = keys.collect();
    let (algorithm, signatures, signed) = match (scheme, keys.is_empty()) {
        (_, true) => return Vec::new(),
        (Some(Scheme::Token), _) => match wix_token(body) {
            Ok(token) => (Algorithm::Rs256, vec![token.signature], token.signing_input.to_vec()),
            Err(_) => return Vec::new(),
        },
        _ => {
            let header = |name| headers.get(name).unwrap_or_default();
            let entries = header("webhook-signature").split(' ');
            let signatures = entries
                .filter_map(|entry| decode_unpadded_base64(entry.strip_prefix("v1a,")?))
                .take(MAX_SIGNATURES)
                .collect();
            let prefix = format!("{}.{}.", header("webhook-id"), header("webhook-timestamp"));
            (Algorithm::Ed25519, signatures, [prefix.as_bytes(), body].concat())
        }
    };
    let checks_under = |key: Vec<u8>| {
        let check = |signature: &Vec<u8>| PublicKeyCheck {
            algorithm,
            key: key.clone(),
            signature: signature.clone(),
            signed: signed.clone(),
        };
        signatures.iter().map(check).collect::<Vec<_>>()
    };
    keys.into_iter().flat_map(checks_under).collect()
}

/// Checks the signed time of a request, after the platform found one of its [`public_key_checks`]
/// to be valid.
pub fn verify_time(
    format: PayloadFormat,
    headers: &Headers,
    body: &[u8],
    now: Timestamp,
) -> Result<(), SignatureError> {
    if format.scheme() != Some(Scheme::Token) {
        let claim = standard_webhooks_claim(headers)?;
        return claim.at.map_or(Ok(()), |at| within_tolerance(at, now));
    }
    // RFC 7519 §4.1: numbers of seconds, which may have fractions. Wix retries for two days.
    let claims: serde_json::Value =
        serde_json::from_slice(&wix_token(body)?.payload).map_err(|_| SignatureError::Malformed)?;
    let time = |name| match claims.get(name).map(serde_json::Value::as_f64) {
        None => Ok(None),
        Some(Some(at)) => Ok(Some(Timestamp::from_seconds(at as i64))),
        Some(None) => Err(SignatureError::Malformed),
    };
    let has_ended = time("exp")?.is_some_and(|at| now.since(at) > TOLERANCE);
    let starts = [time("iat")?, time("nbf")?];
    let is_early = starts.into_iter().flatten().any(|at| at.since(now) > TOLERANCE);
    if has_ended || is_early { Err(SignatureError::Expired) } else { Ok(()) }
}

/// Parses the JSON Web Token of a Wix delivery, which is the whole body.
pub(super) fn wix_token(body: &[u8]) -> Result<Jws<'_>, SignatureError> {
    Jws::parse(body.trim_ascii()).map_err(|error| match error {
        Malformed::Form => SignatureError::Missing,
        Malformed::Algorithm => SignatureError::Malformed,
    })
}
