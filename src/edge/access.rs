//! Single sign-on with Cloudflare Access: fetches the team's keys and verifies assertions with the
//! platform's own RSA.
//!
//! ```text
//! Cf-Access-Jwt-Assertion ──▶ form, RS256, key id ──▶ key (kept, or fetched) ──▶ signature ──▶ claims ──▶ e-mail
//! ```

use std::cell::RefCell;

use worker::console_error;
use worker::js_sys::{Object, Promise, futures::JsFuture};
use worker::wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use worker::worker_sys::web_sys::{AbortSignal, Response};

use super::incoming::read_stream;
use super::web_crypto::{self, object};
use crate::domain::access_jwt::{AccessError, AccessTeam, Assertion};
use crate::domain::access_keys::{KeyCache, KeySet, Lookup, VerificationKey};
use crate::domain::signature::Algorithm;
use crate::domain::time::Timestamp;

/// Milliseconds within which the team must have answered.
const FETCH_TIMEOUT: u32 = 5_000;

/// Bytes of the largest key set that is read. Access's own is about 6 KiB.
const LARGEST_KEY_SET: usize = 64 << 10;

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen)]
extern "C" {
    #[wasm_bindgen(catch)]
    fn fetch(url: &str, init: &Object) -> Result<Promise, JsValue>;

    #[wasm_bindgen(js_namespace = AbortSignal, js_name = timeout)]
    fn abort_after(milliseconds: u32) -> AbortSignal;
}

thread_local! {
    static KEYS: RefCell<KeyCache> = const { RefCell::new(KeyCache::new()) };
}

/// The e-mail address, in lower case, of whom the team's assertion vouches for. `assertion` is the
/// value of the header [`HEADER`](crate::domain::access_jwt::HEADER).
///
/// An isolate knows one team: the deployment's.
pub async fn verified_email(
    assertion: &str,
    team: &AccessTeam,
    now: Timestamp,
) -> Result<String, AccessError> {
    let assertion = Assertion::parse(assertion)?;
    let key = key(assertion.key_id(), team, now).await?;
    let holds = signature_holds(&key, &assertion).await.map_err(|error| {
        console_error!("verifying an assertion of Access: {error:?}");
        AccessError::Signature
    })?;
    assertion.verified(holds)?.email(team, now)
}

/// The team's key of this id, as kept or as published now.
async fn key(id: &str, team: &AccessTeam, now: Timestamp) -> Result<VerificationKey, AccessError> {
    match KEYS.with_borrow_mut(|keys| keys.look_up(id, now)) {
        Lookup::Known(key) => Ok(key),
        Lookup::Unknown => Err(AccessError::UnknownKey),
        Lookup::Ask => {
            let keys = published_keys(&team.keys_url()).await.map_err(|cause| {
                console_error!("the keys of Access: {cause}");
                AccessError::KeysUnavailable
            })?;
            KEYS.with_borrow_mut(|known| {
                known.learn(keys, now);
                known.find(id).cloned().ok_or(AccessError::UnknownKey)
            })
        }
    }
}

async fn published_keys(url: &str) -> Result<KeySet, String> {
    let thrown = |error: JsValue| format!("{error:?}");
    let init = object([
        // A redirect would let another host name the keys.
        ("redirect", "manual".into()),
        // It ends the reading of the body as well.
        ("signal", abort_after(FETCH_TIMEOUT).into()),
    ])
    .map_err(thrown)?;
    let response = JsFuture::from(fetch(url, &init).map_err(thrown)?).await.map_err(thrown)?;
    let response: Response = response.unchecked_into();
    if response.status() != 200 {
        return Err(format!("{url} answered {}", response.status()));
    }
    let body = response.body().ok_or_else(|| format!("{url} answered nothing"))?;
    let json = read_stream(body, LARGEST_KEY_SET, LARGEST_KEY_SET)
        .await
        .map_err(|_| format!("{url} broke off"))?
        .ok_or_else(|| format!("{url} answered more than {LARGEST_KEY_SET} bytes"))?;
    KeySet::parse(&json).ok_or_else(|| format!("{url} answered no key set"))
}

/// Whether the signature is the key's. An error means that the key cannot be used.
async fn signature_holds(
    key: &VerificationKey,
    assertion: &Assertion<'_>,
) -> Result<bool, JsValue> {
    let jwk = object([
        ("kty", "RSA".into()),
        ("n", key.modulus.as_str().into()),
        ("e", key.exponent.as_str().into()),
    ])?;
    let (signature, signed) = (assertion.signature(), assertion.signing_input());
    web_crypto::signature_holds(Algorithm::Rs256, "jwk", &jwk, signature, signed).await
}
