//! Single sign-on with Cloudflare Access: fetches the team's keys and verifies assertions with the
//! platform's own RSA.
//!
//! ```text
//! Cf-Access-Jwt-Assertion ──▶ form, RS256, key id ──▶ key (cached or fetched)
//!     ──▶ signature ──▶ claims ──▶ e-mail
//! ```

use std::cell::RefCell;

use worker::console_error;
use worker::js_sys::{Object, Promise, futures::JsFuture};
use worker::wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use worker::worker_sys::web_sys::{AbortSignal, Response};

use crate::platform::incoming::read_stream;
use crate::platform::web_crypto::{self, object};
use tidegate_core::domain::access_jwt::{AccessError, AccessTeam, Assertion};
use tidegate_core::domain::access_keys::{KeyCache, KeySet, Lookup, VerificationKey};
use tidegate_core::domain::signature::Algorithm;
use tidegate_core::domain::time::Timestamp;

/// Milliseconds that fetching the team's keys may take.
const FETCH_TIMEOUT_MS: u32 = 5_000;

/// Bytes of the largest key set that is accepted. Access's own is about 6 KiB.
const MAX_KEY_SET: usize = 64 << 10;

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

/// Verifies an assertion of Cloudflare Access and returns the user's e-mail address in lower case.
/// `assertion` is the value of the header [`HEADER`](tidegate_core::domain::access_jwt::HEADER).
///
/// The keys are cached per isolate, for one team: the deployment's.
pub async fn verified_email(
    assertion: &str,
    team: &AccessTeam,
    now: Timestamp,
) -> Result<String, AccessError> {
    let assertion = Assertion::parse(assertion)?;
    let key = key_by_id(assertion.key_id(), team, now).await?;
    let valid = signature_is_valid(&key, &assertion).await.map_err(|error| {
        console_error!("verifying an assertion of Access: {error:?}");
        AccessError::Signature
    })?;
    assertion.verified(valid)?.email(team, now)
}

/// The team's key with this id, from the cache or fetched now.
async fn key_by_id(
    id: &str,
    team: &AccessTeam,
    now: Timestamp,
) -> Result<VerificationKey, AccessError> {
    match KEYS.with_borrow_mut(|cache| cache.look_up(id, now)) {
        Lookup::Known(key) => Ok(key),
        Lookup::Unknown => Err(AccessError::UnknownKey),
        Lookup::Fetch => {
            let keys = fetch_keys(&team.keys_url()).await.map_err(|cause| {
                console_error!("the keys of Access: {cause}");
                AccessError::KeysUnavailable
            })?;
            KEYS.with_borrow_mut(|cache| {
                cache.store(keys, now);
                cache.find(id).cloned().ok_or(AccessError::UnknownKey)
            })
        }
    }
}

async fn fetch_keys(url: &str) -> Result<KeySet, String> {
    let describe = |error: JsValue| format!("{error:?}");
    let init = object([
        // Following a redirect would let another host supply the keys.
        ("redirect", "manual".into()),
        // The signal covers the reading of the body too.
        ("signal", abort_after(FETCH_TIMEOUT_MS).into()),
    ])
    .map_err(describe)?;
    let response = JsFuture::from(fetch(url, &init).map_err(describe)?).await.map_err(describe)?;
    let response: Response = response.unchecked_into();
    if response.status() != 200 {
        return Err(format!("{url} answered {}", response.status()));
    }
    let body = response.body().ok_or_else(|| format!("{url} answered nothing"))?;
    let json = read_stream(body, MAX_KEY_SET, MAX_KEY_SET)
        .await
        .map_err(|_| format!("{url} broke off"))?
        .ok_or_else(|| format!("{url} answered more than {MAX_KEY_SET} bytes"))?;
    KeySet::parse(&json).ok_or_else(|| format!("{url} answered no key set"))
}

/// Whether the key made the assertion's signature. An error means that the key cannot be used.
async fn signature_is_valid(
    key: &VerificationKey,
    assertion: &Assertion<'_>,
) -> Result<bool, JsValue> {
    let jwk = object([
        ("kty", "RSA".into()),
        ("n", key.modulus.as_str().into()),
        ("e", key.exponent.as_str().into()),
    ])?;
    let (signature, signed) = (assertion.signature(), assertion.signing_input());
    web_crypto::signature_is_valid(Algorithm::Rs256, "jwk", &jwk, signature, signed).await
}
