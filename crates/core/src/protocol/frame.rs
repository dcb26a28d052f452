//! Frames: a message and a body of raw bytes in one buffer. A frame is the length of the message in
//! bytes (big-endian u32), the message as JSON, and the body. One buffer, because each buffer that
//! crosses the boundary between JavaScript and wasm has a cost.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The error for a buffer that is not a frame, or a message that cannot be converted from or to
/// JSON.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed;

/// Makes a frame of a message and a body.
pub fn encode(message: &impl Serialize, body: &[u8]) -> Result<Vec<u8>, Malformed> {
    Ok(join(&serde_json::to_vec(message).map_err(|_| Malformed)?, body))
}

/// The message and the body of a frame.
pub fn decode<T: DeserializeOwned>(frame: &[u8]) -> Result<(T, &[u8]), Malformed> {
    let (message, body) = split(frame)?;
    // From text, like the columns of a row, so that the deserializer of each type is compiled once.
    let message = std::str::from_utf8(message).map_err(|_| Malformed)?;
    Ok((serde_json::from_str(message).map_err(|_| Malformed)?, body))
}

/// Makes a frame of two parts. The first must be shorter than 4 GiB, which a message always is, as
/// it does not contain the body.
pub fn join(first: &[u8], rest: &[u8]) -> Vec<u8> {
    let length = u32::try_from(first.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), first, rest].concat()
}

/// The two parts of a frame.
pub fn split(frame: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let (length, rest) = frame.split_first_chunk::<4>().ok_or(Malformed)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| Malformed)?;
    rest.split_at_checked(length).ok_or(Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn decoding_a_frame_returns_both_parts(message in "\\PC{0,40}", body in prop::collection::vec(any::<u8>(), 0..200)) {
            let frame = encode(&message, &body).unwrap();
            let (read, rest) = decode::<String>(&frame).unwrap();
            prop_assert_eq!(read, message);
            prop_assert_eq!(rest, &body[..]);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = decode::<serde_json::Value>(&bytes);
        }
    }
}
