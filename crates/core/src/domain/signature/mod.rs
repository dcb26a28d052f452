//! Signatures of request bodies: the gateway's own dialects and Standard Webhooks ([`api`]), and
//! those of the native senders ([`native`]). Vectors: `tests/signature_vectors.rs`.
//!
//! HMACs are verified here. Signatures made with a private key are verified by the platform, before
//! admission: [`public_key_checks`] lists what it has to verify, and the verdict is an argument.

pub mod api;
mod diagnosis;
pub mod native;
mod public_key;

use data_encoding::{BASE64, Specification};
use hmac::{Hmac, Mac};
use sha2::Sha256;

pub use api::{sign_own, verify_api};
pub use diagnosis::{Diagnosis, diagnose, diagnose_native};
pub use native::{signature_of, verify_native};
pub use public_key::{Algorithm, PublicKeyCheck, public_key_checks, verify_time};

use super::time::{SECOND, Timestamp};

/// How a sender signs its deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// One HMAC, in the first of these headers that is sent.
    Digest { headers: &'static [&'static str], encoding: Encoding, prefix: Prefix },
    /// Stripe's list of a time and HMACs in hex, in this header.
    Stripe { header: &'static str },
    /// The three headers of Standard Webhooks.
    StandardWebhooks,
    /// The whole body is a JSON Web Token, signed with RS256.
    Token,
}

/// How a scheme writes its digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Base64,
    Hex,
}

/// What is signed before the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefix {
    Nothing,
    /// The webhook's URL as registered with the sender, query included.
    Address,
    /// The time of sending in milliseconds, which is in this header, and a separator.
    Millis {
        header: &'static str,
        separator: &'static str,
    },
}

/// How far a signed timestamp may be from now in either direction, in milliseconds.
pub const TOLERANCE: i64 = 300 * SECOND;

/// Why a request does not count as signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureError {
    /// There is no signature.
    Missing,
    /// The signature does not have the form of its dialect.
    Malformed,
    /// The signature does not match this body under any secret of this key.
    Mismatch,
    /// The signature matches, but its timestamp is more than [`TOLERANCE`] from now.
    Expired,
}

/// The HMACs that a request presents, and the content that they claim to sign: the parts of
/// `prefix`, then the body.
struct Claim<'a> {
    macs: Vec<[u8; 32]>,
    prefix: [&'a str; 4],
    /// When the content was signed, if the scheme includes a time.
    at: Option<Timestamp>,
}

impl Claim<'_> {
    /// Whether one of the HMACs matches under one of the keys.
    fn matches(&self, keys: &[Vec<u8>], body: &[u8]) -> bool {
        let [a, b, c, d] = self.prefix.map(str::as_bytes);
        let parts = [a, b, c, d, body];
        keys.iter().fold(false, |found, key| {
            found | self.macs.iter().any(|mac| verify_mac(key, &parts, mac))
        })
    }

    /// Checks the HMACs first, then the time, which they authenticate.
    fn verify(&self, keys: &[Vec<u8>], body: &[u8], now: Timestamp) -> Result<(), SignatureError> {
        if !self.matches(keys, body) {
            return Err(SignatureError::Mismatch);
        }
        self.at.map_or(Ok(()), |at| within_tolerance(at, now))
    }
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
    plain_number(text).map(Timestamp::from_seconds)
}

/// A number in plain digits, as signed timestamps are written.
fn plain_number(text: &str) -> Option<i64> {
    let plain = !text.is_empty() && text.len() <= 15 && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
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
