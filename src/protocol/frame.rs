//! One buffer for a message and the bytes that travel with it: the message's length in bytes
//! (big-endian u32), the message as JSON, the rest. One buffer crosses the boundary between
//! JavaScript and wasm once.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why a buffer is not a frame.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed;

pub fn encode(message: &impl Serialize, body: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut frame = Vec::with_capacity(body.len() + 1024);
    frame.extend_from_slice(&[0; 4]);
    serde_json::to_writer(&mut frame, message).map_err(|_| Malformed)?;
    let length = u32::try_from(frame.len() - 4).map_err(|_| Malformed)?;
    if let Some(prefix) = frame.first_chunk_mut::<4>() {
        *prefix = length.to_be_bytes();
    }
    frame.extend_from_slice(body);
    Ok(frame)
}

/// The message of a frame and where its body begins.
pub fn decode<T: DeserializeOwned>(frame: &[u8]) -> Result<(T, usize), Malformed> {
    let (prefix, rest) = frame.split_first_chunk::<4>().ok_or(Malformed)?;
    let length = usize::try_from(u32::from_be_bytes(*prefix)).map_err(|_| Malformed)?;
    let message = rest.get(..length).ok_or(Malformed)?;
    let message = serde_json::from_slice(message).map_err(|_| Malformed)?;
    Ok((message, 4 + length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_frame_gives_both_parts_back(message in "\\PC{0,40}", body in prop::collection::vec(any::<u8>(), 0..200)) {
            let frame = encode(&message, &body).unwrap();
            let (read, at) = decode::<String>(&frame).unwrap();
            prop_assert_eq!(read, message);
            prop_assert_eq!(&frame[at..], &body[..]);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = decode::<serde_json::Value>(&bytes);
        }
    }
}
