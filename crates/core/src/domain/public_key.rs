//! RSA public keys, in the forms in which people paste them.

use data_encoding::BASE64;

/// The accepted sizes of an RSA key in bits (RFC 7518 §3.3 asks for 2048 at least).
pub const BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// Reads an RSA public key and returns its SubjectPublicKeyInfo in DER (RFC 5280 §4.1). Accepts
/// PEM, the base64 inside a PEM, and the base64 of a whole PEM, as in environment variables. `None`
/// for anything else, above all for a private key.
pub fn parse_rsa(text: &str) -> Option<Vec<u8>> {
    let decode = |text: &str| {
        let text: String = text.split_whitespace().collect();
        BASE64.decode(text.as_bytes()).ok()
    };
    let decode_pem = |text: &str| {
        let inner = text.trim().strip_prefix("-----BEGIN PUBLIC KEY-----")?;
        decode(inner.strip_suffix("-----END PUBLIC KEY-----")?)
    };
    let der = decode_pem(text).or_else(|| {
        let bytes = decode(text)?;
        match std::str::from_utf8(&bytes) {
            Ok(pem) => decode_pem(pem),
            Err(_) => Some(bytes),
        }
    })?;
    BITS.contains(&rsa_bits(&der)?).then_some(der)
}

/// The size of an RSA key: the bit length of its modulus. `None` for anything but an RSA public
/// key.
fn rsa_bits(spki: &[u8]) -> Option<usize> {
    /// SEQUENCE { rsaEncryption (1.2.840.113549.1.1.1), NULL }
    const RSA: [u8; 15] =
        [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
    let (spki, rest) = element(0x30, spki)?;
    let (bits, after) = element(0x03, spki.strip_prefix(&RSA)?)?;
    // The leading 0 says that no bits of the last byte are unused.
    let (key, end) = element(0x30, bits.strip_prefix(&[0])?)?;
    let (modulus, exponent) = element(0x02, key)?;
    let (_, last) = element(0x02, exponent)?;
    let nothing_left = [rest, after, end, last].iter().all(|rest| rest.is_empty());
    let modulus = modulus.strip_prefix(&[0]).unwrap_or(modulus);
    let unused = modulus.first()?.leading_zeros() as usize;
    nothing_left.then_some((modulus.len() * 8).checked_sub(unused)?)
}

/// Splits `der` into the content of its first element and the rest. `None` if the element does not
/// have this tag.
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&length, rest) = der.strip_prefix(&[tag])?.split_first()?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(length), rest),
        0x81 | 0x82 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            let length = bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
            (length, rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEM: &str =
        include_str!("../../../../tests/fixtures/wix/order_approved.generated.public_key.pem");

    #[test]
    fn every_pasted_form_of_a_key_gives_the_same_key() {
        let der = parse_rsa(PEM).unwrap();
        assert_eq!(rsa_bits(&der), Some(2048));
        let in_one_line = PEM.replace('\n', "");
        let bare = BASE64.encode(&der);
        let wrapped = BASE64.encode(PEM.as_bytes());
        for text in [&in_one_line, &bare, &wrapped, &PEM.replace('\n', "\r\n")] {
            assert_eq!(parse_rsa(text).as_ref(), Some(&der), "{text}");
        }
    }

    #[test]
    fn text_that_is_no_rsa_public_key_is_refused() {
        let der = parse_rsa(PEM).unwrap();
        let mut longer = der.clone();
        longer.push(0);
        let mut other_algorithm = der.clone();
        other_algorithm[12] ^= 1;
        for bytes in [&der[..der.len() - 1], &longer, &other_algorithm, &[], b"\x30\x84"] {
            assert_eq!(parse_rsa(&BASE64.encode(bytes)), None);
        }
        let private = PEM.replace("PUBLIC", "RSA PRIVATE");
        for text in ["", "not a key", private.as_str(), "-----BEGIN PUBLIC KEY-----"] {
            assert_eq!(parse_rsa(text), None, "{text}");
        }
    }
}
