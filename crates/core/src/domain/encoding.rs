//! The text encodings of credentials, ids and hashes: base62, lower-case base32 and hex.

use data_encoding::{BASE32_NOPAD, HEXLOWER};

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// RFC 4648 base32 without padding, in lower case.
pub fn base32(bytes: &[u8]) -> String {
    BASE32_NOPAD.encode(bytes).to_ascii_lowercase()
}

/// The bytes of [`base32`] text; `None` for any text that [`base32`] does not produce.
pub fn base32_decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let bytes = BASE32_NOPAD.decode(text.to_ascii_uppercase().as_bytes()).ok()?;
    bytes.try_into().ok()
}

/// Lower-case hex.
pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    HEXLOWER.encode(bytes.as_ref())
}

/// 160 bits as 27 base62 digits, most significant first.
pub fn base62_of_160_bits(bytes: &[u8; 20]) -> String {
    let mut number = *bytes;
    let mut digits = [0_u8; 27];
    for digit in digits.iter_mut().rev() {
        let mut remainder = 0_u32;
        for byte in &mut number {
            let value = remainder << 8 | u32::from(*byte);
            *byte = (value / 62) as u8;
            remainder = value % 62;
        }
        *digit = base62_digit(remainder);
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

/// The bytes of 27 base62 digits; `None` for other characters, lengths, or more than 160 bits.
pub fn base62_to_160_bits(text: &str) -> Option<[u8; 20]> {
    if text.len() != 27 {
        return None;
    }
    let mut number = [0_u8; 20];
    for digit in text.bytes() {
        let mut carry = u32::try_from(BASE62.iter().position(|known| *known == digit)?).ok()?;
        for byte in number.iter_mut().rev() {
            let value = u32::from(*byte) * 62 + carry;
            *byte = (value & 0xff) as u8;
            carry = value >> 8;
        }
        if carry != 0 {
            return None;
        }
    }
    Some(number)
}

/// A number below 62^7 as 7 base62 digits, most significant first; greater numbers are reduced.
pub fn base62_of_7_digits(mut number: u64) -> String {
    let mut digits = [0_u8; 7];
    for digit in digits.iter_mut().rev() {
        *digit = base62_digit((number % 62) as u32);
        number /= 62;
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

fn base62_digit(value: u32) -> u8 {
    BASE62.get(value as usize).copied().unwrap_or(b'0')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn base62_gives_the_same_bits_back(bytes: [u8; 20]) {
            let text = base62_of_160_bits(&bytes);
            prop_assert_eq!(text.len(), 27);
            prop_assert_eq!(base62_to_160_bits(&text), Some(bytes));
        }

        #[test]
        fn base32_gives_the_same_bytes_back(bytes: [u8; 16]) {
            prop_assert_eq!(base32_decode::<16>(&base32(&bytes)), Some(bytes));
        }

        #[test]
        fn no_two_texts_decode_to_the_same_bytes(text in "[0-9A-Za-z]{27}", id in "[a-z2-7]{26}") {
            if let Some(bytes) = base62_to_160_bits(&text) {
                prop_assert_eq!(base62_of_160_bits(&bytes), text);
            }
            if let Some(bytes) = base32_decode::<16>(&id) {
                prop_assert_eq!(base32(&bytes), id);
            }
        }
    }

    #[test]
    fn more_than_160_bits_are_refused() {
        assert_eq!(base62_to_160_bits(&"z".repeat(27)), None);
        assert_eq!(base62_to_160_bits(&base62_of_160_bits(&[0xff; 20])), Some([0xff; 20]));
    }
}
