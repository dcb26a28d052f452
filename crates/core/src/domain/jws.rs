//! JSON Web Signatures in their compact form (RFC 7515 §7.1), with RS256 only. Form and algorithm
//! are checked here, before any key is used. `none` is refused, and so are the algorithms with a
//! shared secret, under which a forger could use the public key as that secret.

use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Why a text is not a token that can be verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Not three base64url parts, an empty part, or a header that is not JSON.
    Form,
    /// Signed with an algorithm other than RS256, or with a critical extension (`crit`).
    Algorithm,
}

/// A parsed token whose signature has not been verified yet.
pub struct Jws<'a> {
    /// The signed bytes.
    pub signing_input: &'a [u8],
    /// RSASSA-PKCS1-v1_5 with SHA-256 over [`Self::signing_input`].
    pub signature: Vec<u8>,
    /// The `kid` of the header.
    pub key_id: Option<String>,
    pub payload: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    alg: Option<String>,
    kid: Option<String>,
    crit: Option<IgnoredAny>,
}

impl<'a> Jws<'a> {
    /// Splits a token into its parts. Does not read the claims.
    pub fn parse(token: &'a [u8]) -> Result<Self, Malformed> {
        let mut dots = token.iter().enumerate().filter(|(_, byte)| **byte == b'.');
        let (Some((first, _)), Some((second, _)), None) = (dots.next(), dots.next(), dots.next())
        else {
            return Err(Malformed::Form);
        };
        let part = |from: usize, to: usize| {
            let part = token.get(from..to).and_then(|part| BASE64URL_NOPAD.decode(part).ok());
            part.ok_or(Malformed::Form)
        };
        let header: Header =
            serde_json::from_slice(&part(0, first)?).map_err(|_| Malformed::Form)?;
        if header.alg.as_deref() != Some("RS256") || header.crit.is_some() {
            return Err(Malformed::Algorithm);
        }
        let non_empty =
            |part: Vec<u8>| if part.is_empty() { Err(Malformed::Form) } else { Ok(part) };
        Ok(Self {
            signing_input: token.get(..second).unwrap_or_default(),
            signature: non_empty(part(second + 1, token.len())?)?,
            key_id: header.kid,
            payload: non_empty(part(first + 1, second)?)?,
        })
    }
}
