//! Signing secrets: the key of the HMAC that a sender puts under each body.

use std::fmt;

use data_encoding::BASE64;

/// A signing secret as text. Its UTF-8 bytes are the HMAC key of WooCommerce and of the gateway's
/// own dialects.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret(String);

impl SigningSecret {
    /// Bytes of a pasted secret: senders' own secrets are free text (WooCommerce), hex
    /// (Squarespace) or `whsec_` and base64 (Stripe, Standard Webhooks).
    pub const MIN: usize = 8;
    pub const MAX: usize = 512;

    /// A new secret: 64 hex characters of 256 random bits.
    pub fn mint(random: &[u8; 32]) -> Self {
        Self(hex::encode(random))
    }

    /// A secret that a sender has made. `None` if it is too short, too long, or holds a control
    /// character (a pasted line break, most often).
    pub fn pasted(text: &str) -> Option<Self> {
        let usable =
            (Self::MIN..=Self::MAX).contains(&text.len()) && !text.chars().any(char::is_control);
        usable.then(|| Self(text.to_owned()))
    }

    /// A secret that was sealed here.
    pub const fn unsealed(text: String) -> Self {
        Self(text)
    }

    /// The text itself, to be shown once or to be sealed.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The same bytes in the form that Standard Webhooks libraries take.
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
    fn what_cannot_be_pasted() {
        for text in ["", "short", "with a line\nbreak", &"x".repeat(513)] {
            assert!(SigningSecret::pasted(text).is_none(), "{text:?}");
        }
        assert!(SigningSecret::pasted(" lead trail ").is_some());
    }
}
