//! Sealed secrets: AES-256-GCM under a key derived (HKDF-SHA-256) per workspace from the
//! deployment's sealing key, bound to the workspace, table and row that contain them.

use std::fmt;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use data_encoding::BASE64;
use hkdf::Hkdf;
use sha2::Sha256;

use super::id::WorkspaceId;

/// The deployment's sealing keys, newest first: the first seals, all of them unseal.
#[derive(Clone)]
pub struct SealingKeys(Vec<(u32, [u8; 32])>);

/// The associated data that binds a sealed secret to its row. Moved to another row, the secret does
/// not unseal.
#[derive(Clone, Copy, Debug)]
pub struct SealingContext<'a> {
    pub workspace: WorkspaceId,
    pub table: &'a str,
    pub row: &'a str,
}

impl SealingContext<'_> {
    fn associated_data(&self) -> Vec<u8> {
        // None of the parts can contain a NUL, so no two places share the same bytes.
        format!("{}\0{}\0{}", self.workspace, self.table, self.row).into_bytes()
    }
}

/// Why a sealed text cannot be unsealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnsealError {
    /// Not of the form `<version>.<base64>`.
    Malformed,
    /// Sealed under a sealing key that is no longer listed.
    UnknownVersion(u32),
    /// Altered, moved from another place, or sealed under another key of that version.
    Rejected,
}

impl SealingKeys {
    const NONCE_LENGTH: usize = 12;

    /// Reads the Worker secret `SEALING_KEYS`: a comma-separated list of `<version>:<64 hex
    /// characters>`, newest first, no version twice.
    pub fn parse(list: &str) -> Option<Self> {
        let mut keys: Vec<(u32, [u8; 32])> = Vec::new();
        for entry in list.split(',') {
            let (version, key) = entry.trim().split_once(':')?;
            let version = version.parse().ok()?;
            let mut bytes = [0; 32];
            hex::decode_to_slice(key, &mut bytes).ok()?;
            if keys.iter().any(|(known, _)| *known == version) {
                return None;
            }
            keys.push((version, bytes));
        }
        Some(Self(keys))
    }

    /// Seals `secret` under the newest key. The nonce must be random and never be used again.
    pub fn seal(
        &self,
        secret: &str,
        place: SealingContext<'_>,
        nonce: [u8; Self::NONCE_LENGTH],
    ) -> Option<Sealed> {
        let (version, key) = self.0.first()?;
        let payload = Payload { msg: secret.as_bytes(), aad: &place.associated_data() };
        let sealed =
            cipher(key, place.workspace)?.encrypt(Nonce::from_slice(&nonce), payload).ok()?;
        Some(Sealed(format!("{version}.{}", BASE64.encode(&[&nonce[..], &sealed].concat()))))
    }

    pub fn unseal(
        &self,
        sealed: &Sealed,
        place: SealingContext<'_>,
    ) -> Result<String, UnsealError> {
        let version = sealed.version().ok_or(UnsealError::Malformed)?;
        let (_, text) = sealed.0.split_once('.').ok_or(UnsealError::Malformed)?;
        let bytes = BASE64.decode(text.as_bytes()).map_err(|_| UnsealError::Malformed)?;
        let (nonce, sealed) =
            bytes.split_at_checked(Self::NONCE_LENGTH).ok_or(UnsealError::Malformed)?;
        let (_, key) = self
            .0
            .iter()
            .find(|(known, _)| *known == version)
            .ok_or(UnsealError::UnknownVersion(version))?;
        let payload = Payload { msg: sealed, aad: &place.associated_data() };
        let secret = cipher(key, place.workspace)
            .and_then(|cipher| cipher.decrypt(Nonce::from_slice(nonce), payload).ok())
            .ok_or(UnsealError::Rejected)?;
        String::from_utf8(secret).map_err(|_| UnsealError::Rejected)
    }

    /// Whether `sealed` was sealed under the newest key.
    pub fn is_current(&self, sealed: &Sealed) -> bool {
        self.0.first().map(|(version, _)| *version) == sealed.version()
    }
}

fn cipher(key: &[u8; 32], workspace: WorkspaceId) -> Option<Aes256Gcm> {
    let mut derived = [0; 32];
    Hkdf::<Sha256>::new(None, key)
        .expand(format!("tidegate sealing {workspace}").as_bytes(), &mut derived)
        .ok()?;
    Some(Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(&derived)))
}

impl fmt::Debug for SealingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKeys([redacted])")
    }
}

/// A sealed secret: `<version of the sealing key>.<base64 of nonce and ciphertext>`.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Sealed(String);

impl Sealed {
    pub const fn from_text(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn version(&self) -> Option<u32> {
        self.0.split_once('.')?.0.parse().ok()
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKSPACE: WorkspaceId = WorkspaceId::from_random([1; 10]);

    fn keys(list: &[(u32, u8)]) -> SealingKeys {
        SealingKeys(list.iter().map(|(version, byte)| (*version, [*byte; 32])).collect())
    }

    fn sealing_context(row: &str) -> SealingContext<'_> {
        SealingContext { workspace: WORKSPACE, table: "integration_keys", row }
    }

    #[test]
    fn a_sealed_secret_unseals_only_in_the_row_it_was_sealed_for() {
        let keys = keys(&[(1, 7)]);
        let sealed = keys.seal("whsec_x", sealing_context("key_a"), [5; 12]).unwrap();
        assert_eq!(keys.unseal(&sealed, sealing_context("key_a")).as_deref(), Ok("whsec_x"));
        assert_eq!(keys.unseal(&sealed, sealing_context("key_b")), Err(UnsealError::Rejected));
        let elsewhere = SealingContext {
            workspace: WorkspaceId::from_random([2; 10]),
            ..sealing_context("key_a")
        };
        assert_eq!(keys.unseal(&sealed, elsewhere), Err(UnsealError::Rejected));
        let other_table = SealingContext { table: "endpoints", ..sealing_context("key_a") };
        assert_eq!(keys.unseal(&sealed, other_table), Err(UnsealError::Rejected));
    }

    #[test]
    fn a_rotated_sealing_key_leaves_old_secrets_readable_until_it_is_dropped() {
        let sealed = keys(&[(1, 7)]).seal("secret", sealing_context("key_a"), [5; 12]).unwrap();
        let rotated = keys(&[(2, 8), (1, 7)]);
        assert_eq!(rotated.unseal(&sealed, sealing_context("key_a")).as_deref(), Ok("secret"));
        assert!(!rotated.is_current(&sealed));
        let resealed = rotated.seal("secret", sealing_context("key_a"), [6; 12]).unwrap();
        assert!(rotated.is_current(&resealed));
        let only_new = keys(&[(2, 8)]);
        assert_eq!(
            only_new.unseal(&sealed, sealing_context("key_a")),
            Err(UnsealError::UnknownVersion(1))
        );
        assert_eq!(only_new.unseal(&resealed, sealing_context("key_a")).as_deref(), Ok("secret"));
    }

    #[test]
    fn an_altered_text_is_refused() {
        let keys = keys(&[(1, 7)]);
        let sealed = keys.seal("secret", sealing_context("key_a"), [5; 12]).unwrap();
        for at in 2..sealed.0.len() {
            let mut text = sealed.0.clone().into_bytes();
            text[at] = if text[at] == b'A' { b'B' } else { b'A' };
            let altered = Sealed(String::from_utf8(text).unwrap());
            assert!(keys.unseal(&altered, sealing_context("key_a")).is_err());
        }
        for text in ["", "1", "1.", "x.AAAA", "1.!!!!"] {
            let sealed = Sealed(text.to_owned());
            assert!(keys.unseal(&sealed, sealing_context("key_a")).is_err(), "{text:?}");
        }
    }

    #[test]
    fn malformed_lists_of_sealing_keys_are_refused() {
        let key = "a".repeat(64);
        for list in ["", "1", &key, &format!("x:{key}"), &format!("1:{key},1:{key}"), "1:ab"] {
            assert!(SealingKeys::parse(list).is_none(), "{list:?}");
        }
        assert!(SealingKeys::parse(&format!("2:{key}, 1:{key}")).is_some());
    }
}
