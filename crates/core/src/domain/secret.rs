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

    /// Reads what a person pasted as the secret, or public key, of a sender of this format. A
    /// public key of Wix is stored as the base64 of its SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// A text for people that says what is expected instead.
    pub fn pasted_for(format: PayloadFormat, text: &str) -> Result<Self, &'static str> {
        if format == PayloadFormat::Wix {
            return public_key::parse_rsa(text).map(|der| Self(BASE64.encode(&der))).ok_or(
                "must be the app's public key from Wix (app dashboard → Webhooks): an RSA key of 2048 bits or more, in PEM (-----BEGIN PUBLIC KEY-----) or its base64.",
            );
        }
        let secret = Self::pasted(text).ok_or("must have 8 to 512 bytes and no line breaks.")?;
        let decode = |text: Option<&str>| BASE64.decode(text.unwrap_or_default().as_bytes()).ok();
        match format {
            PayloadFormat::StripeCheckout if !text.starts_with("whsec_") => Err(
                "must be the endpoint's signing secret from Stripe (Developers → Webhooks → the endpoint), which begins with whsec_.",
            ),
            PayloadFormat::Squarespace if hex::decode(text).is_err() => Err(
                "must be hex with an even number of digits, as Squarespace answers it in `secret` when the subscription is made.",
            ),
            PayloadFormat::Gateway if text.starts_with("whsk_") => Err(
                "is a private key, which only the sender may hold: paste its public key, whpk_….",
            ),
            PayloadFormat::Gateway
                if secret.is_public_key()
                    && decode(text.strip_prefix(PUBLIC_KEY_PREFIX))
                        .is_none_or(|key| key.len() != 32) =>
            {
                Err("must be whpk_ and the base64 of the 32 bytes of an ed25519 public key.")
            }
            _ => Ok(secret),
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
