//! Randomness.

use crate::{Result, internal};
use tidegate_core::domain::id::RequestId;

/// Random bytes from the platform.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| internal(error.to_string()))?;
    Ok(bytes)
}

/// A number of 53 random bits that serves as a label. It is not cryptographically random: never use
/// it as a secret.
pub fn random_token() -> i64 {
    (worker::js_sys::Math::random() * 9_007_199_254_740_992.0) as i64
}

/// A request id for a request that is in no key's log.
pub fn unlogged_request_id() -> RequestId {
    RequestId::unlogged(random().unwrap_or_default())
}
