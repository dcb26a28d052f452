//! RSA public keys as people paste them.

use data_encoding::BASE64;

/// Bits of an RSA key that is taken (RFC 7518 §3.3 asks for 2048 at least).
pub const BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// The SubjectPublicKeyInfo in DER (RFC 5280 §4.1) of an RSA key in PEM, in the base64 within it, or
/// in the base64 of the whole PEM, as environment variables hold it. `None` for anything else, a
/// private key most of all.
pub fn rsa_from(text: &str) -> Option<Vec<u8>> {
    let decoded = |text: &str| {
        let text: String = text.split_whitespace().collect();
        BASE64.decode(text.as_bytes()).ok()
    };
    let from_pem = |text: &str| {
        let inner = text.trim().strip_prefix("-----BEGIN PUBLIC KEY-----")?;
        decoded(inner.strip_suffix("-----END PUBLIC KEY-----")?)
    };
    let der = from_pem(text).or_else(|| {
        let bytes = decoded(text)?;
        match std::str::from_utf8(&bytes) {
            Ok(pem) => from_pem(pem),
            Err(_) => Some(bytes),
        }
    })?;
    BITS.contains(&rsa_bits(&der)?).then_some(der)
}

/// The bits of the modulus of an RSA key; `None` if it is another key, or none.
fn rsa_bits(spki: &[u8]) -> Option<usize> {
    /// SEQUENCE { rsaEncryption (1.2.840.113549.1.1.1), NULL }
    const RSA: [u8; 15] =
        [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
    let (spki, rest) = element(0x30, spki)?;
    let (bits, after) = element(0x03, spki.strip_prefix(&RSA)?)?;
    // No bits of the last byte are unused.
    let (key, end) = element(0x30, bits.strip_prefix(&[0])?)?;
    let (modulus, exponent) = element(0x02, key)?;
    let (_, last) = element(0x02, exponent)?;
    let whole = [rest, after, end, last].iter().all(|rest| rest.is_empty());
    let modulus = modulus.strip_prefix(&[0]).unwrap_or(modulus);
    let unused = modulus.first()?.leading_zeros() as usize;
    whole.then_some((modulus.len() * 8).checked_sub(unused)?)
}

/// The content of a DER element of this tag, and what follows it.
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
        include_str!("../../tests/fixtures/wix/order_approved.generated.public_key.pem");

    #[test]
    fn a_key_is_the_same_in_every_form_in_which_it_is_pasted() {
        let der = rsa_from(PEM).unwrap();
        assert_eq!(rsa_bits(&der), Some(2048));
        let in_one_line = PEM.replace('\n', "");
        let bare = BASE64.encode(&der);
        let wrapped = BASE64.encode(PEM.as_bytes());
        for text in [&in_one_line, &bare, &wrapped, &PEM.replace('\n', "\r\n")] {
            assert_eq!(rsa_from(text).as_ref(), Some(&der), "{text}");
        }
    }

    #[test]
    fn what_is_no_key_of_2048_bits_is_refused() {
        let der = rsa_from(PEM).unwrap();
        let mut longer = der.clone();
        longer.push(0);
        let mut other_algorithm = der.clone();
        other_algorithm[12] ^= 1;
        for bytes in [&der[..der.len() - 1], &longer, &other_algorithm, &[], b"\x30\x84"] {
            assert_eq!(rsa_from(&BASE64.encode(bytes)), None);
        }
        let private = PEM.replace("PUBLIC", "RSA PRIVATE");
        for text in ["", "not a key", private.as_str(), "-----BEGIN PUBLIC KEY-----"] {
            assert_eq!(rsa_from(text), None, "{text}");
        }
    }
}
