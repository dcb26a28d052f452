//! Signing secrets: the HMAC keys with which senders sign request bodies.

use std::fmt;

use data_encoding::BASE64;

use super::key::PayloadFormat;
use super::public_key;

/// The prefix of a Standard Webhooks public key.
const PUBLIC_KEY_PREFIX: &str = "whpk_";

/// A signing secret as text. Its UTF-8 bytes are the HMAC key of WooCommerce and of the gateway's
/// own dialects.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret(String);

/// The form of a sender's signing secrets: what may be pasted, and how it becomes the key of the
/// HMAC. `expected` says to a person what was expected instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretFormat {
    /// Free text, whose UTF-8 bytes are the key.
    Text,
    /// The same, with the HTML entities that WordPress writes decoded.
    HtmlText,
    /// Text that begins with a prefix. The key is the whole text, prefix included.
    Prefixed { prefix: &'static str, expected: &'static str },
    /// Hex, whose decoded bytes are the key.
    Hex { expected: &'static str },
    /// Not a secret but an RSA public key. It is stored as the base64 of its SubjectPublicKeyInfo.
    RsaPublicKey { expected: &'static str },
}

impl SigningSecret {
    /// The fewest and the most bytes of a pasted secret. Senders' own secrets are free text
    /// (WooCommerce), hex (Squarespace) or `whsec_` and base64 (Stripe, Standard Webhooks).
    pub const MIN: usize = 8;
    pub const MAX: usize = 512;

    /// A new secret: 64 hex characters of 256 random bits.
    pub fn mint(random: &[u8; 32]) -> Self {
        Self(hex::encode(random))
    }

    /// A secret that the sender generated and a person pasted. `None` if it is too short, too long,
    /// or contains a control character (a pasted line break, most often).
    pub fn pasted(text: &str) -> Option<Self> {
        let usable =
            (Self::MIN..=Self::MAX).contains(&text.len()) && !text.chars().any(char::is_control);
        usable.then(|| Self(text.to_owned()))
    }

    /// Reads what a person pasted as the secret, or public key, of a sender of this format.
    ///
    /// # Errors
    /// A text for people that says what is expected instead.
    pub fn pasted_for(format: PayloadFormat, text: &str) -> Result<Self, &'static str> {
        let form = format.webhooks().map(|webhooks| webhooks.secret.format);
        if let Some(SecretFormat::RsaPublicKey { expected }) = form {
            return public_key::parse_rsa(text)
                .map(|der| Self(BASE64.encode(&der)))
                .ok_or(expected);
        }
        let secret = Self::pasted(text).ok_or("must have 8 to 512 bytes and no line breaks.")?;
        match form {
            Some(SecretFormat::Prefixed { prefix, expected }) if !text.starts_with(prefix) => {
                Err(expected)
            }
            Some(SecretFormat::Hex { expected }) if hex::decode(text).is_err() => Err(expected),
            Some(_) => Ok(secret),
            None if text.starts_with("whsk_") => Err(
                "is a private key, which only the sender may hold: paste its public key, whpk_….",
            ),
            None => match text.strip_prefix(PUBLIC_KEY_PREFIX) {
                Some(key)
                    if BASE64.decode(key.as_bytes()).ok().is_none_or(|key| key.len() != 32) =>
                {
                    Err("must be whpk_ and the base64 of the 32 bytes of an ed25519 public key.")
                }
                _ => Ok(secret),
            },
        }
    }

    /// Whether this is not a secret but a public key, for the asymmetric signatures of Standard
    /// Webhooks.
    pub fn is_public_key(&self) -> bool {
        self.0.starts_with(PUBLIC_KEY_PREFIX)
    }

    /// The text of a secret that was sealed here and has been unsealed.
    pub const fn unsealed(text: String) -> Self {
        Self(text)
    }

    /// The text itself, to be shown once or to be sealed.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The same bytes in the form that Standard Webhooks libraries expect.
    pub fn to_whsec(&self) -> String {
        format!("whsec_{}", BASE64.encode(self.0.as_bytes()))
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print() {
        let secret = SigningSecret::mint(&[1; 32]);
        assert_eq!(secret.reveal().len(), 64);
        assert_eq!(format!("{secret:?}"), "SigningSecret([redacted])");
    }

    #[test]
    fn unusable_pasted_texts_are_refused() {
        for text in ["", "short", "with a line\nbreak", &"x".repeat(513)] {
            assert!(SigningSecret::pasted(text).is_none(), "{text:?}");
        }
        assert!(SigningSecret::pasted(" lead trail ").is_some());
    }
}
