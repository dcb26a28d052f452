//! Admission: the checks that a KeyGate applies to each request, in a fixed order.

use super::credential::CredentialHash;
use super::headers::Headers;
use super::key::{KeyRecord, KeyStatus, PayloadFormat, Scope};
use super::parked::ParkReason;
use super::rate_limit::{Quota, SlidingWindow};
use super::rejection::{Code, Rejection};
use super::secret::SigningSecret;
use super::signature::{SignatureError, TOLERANCE, verify_api, verify_native, verify_time};
use super::time::{SECOND, Timestamp};

/// The parts of a request that the checks look at.
#[derive(Clone, Copy, Debug)]
pub struct Presented<'a> {
    /// The hash of the key in the `Authorization` header; `None` where the credential is only the
    /// key id in a webhook URL.
    pub key_hash: Option<&'a CredentialHash>,
    pub headers: &'a Headers,
    pub body: &'a [u8],
    /// Whether the platform found one of the request's
    /// [`public_key_checks`](super::signature::public_key_checks) to be valid.
    pub public_key_verified: bool,
}

/// The requirements of a request on its key.
#[derive(Clone, Copy, Debug)]
pub struct Requirements {
    pub scope: Option<Scope>,
    pub format: Option<PayloadFormat>,
    /// Whether a key that requires signatures requires one for this request. `false` where there is
    /// nothing to protect: when a key reads its own description.
    pub signature: bool,
}

/// Why a request was not admitted.
#[derive(Debug)]
pub struct Refused {
    pub rejection: Rejection,
    /// The remaining quota, if the request was refused by the rate limit or a later check.
    pub quota: Option<Quota>,
}

/// Admits a request of the integration API. Checks, in this order: the key's hash, revoked, paused,
/// expired, signature, rate, scope, format. A request that passes the rate check is charged, even
/// if a later check refuses it.
pub fn admit_api(
    record: &KeyRecord,
    secrets: &[SigningSecret],
    window: &mut SlidingWindow,
    presented: Presented<'_>,
    requirements: Requirements,
    now: Timestamp,
) -> Result<Quota, Box<Refused>> {
    authenticate_api(record, secrets, presented, requirements.signature, now)
        .map_err(|rejection| Box::new(Refused { rejection, quota: None }))?;
    charge(record, window, requirements.scope, requirements.format, now)
}

/// The checks of [`admit_api`] before the rate: the key and the signature.
pub fn authenticate_api(
    record: &KeyRecord,
    secrets: &[SigningSecret],
    presented: Presented<'_>,
    needs_signature: bool,
    now: Timestamp,
) -> Result<(), Rejection> {
    // The API accepts secret keys only; a key id is public.
    if presented.key_hash != Some(&record.key_hash) {
        return Err(invalid_key());
    }
    check_revoked(record)?;
    if record.status == KeyStatus::Paused {
        return Err(Rejection::new(
            Code::KeyPaused,
            "This key is paused. An owner or admin of the workspace can resume it.",
        ));
    }
    check_expired(record, now)?;
    let Presented { headers, body, public_key_verified, .. } = presented;
    // `X-Pck-Signature` takes precedence where both signatures are sent.
    let verified = match public_key_verified && headers.get("x-pck-signature").is_none() {
        true => verify_time(PayloadFormat::Gateway, headers, body, now),
        false => verify_api(headers, secrets, body, now),
    };
    match verified {
        Ok(()) => Ok(()),
        Err(SignatureError::Missing) if !(needs_signature && record.require_signature) => Ok(()),
        Err(error) => Err(signature_rejection(error, record)),
    }
}

/// The other checks of [`admit_api`]: takes one unit of the rate limit, then checks scope and
/// format.
pub fn charge(
    record: &KeyRecord,
    window: &mut SlidingWindow,
    scope: Option<Scope>,
    format: Option<PayloadFormat>,
    now: Timestamp,
) -> Result<Quota, Box<Refused>> {
    let quota = window.admit(now).map_err(|quota| {
        Box::new(Refused { rejection: rate_limited(quota), quota: Some(quota) })
    })?;
    let after_rate = |rejection| Box::new(Refused { rejection, quota: Some(quota) });
    if let Some(scope) = scope.filter(|scope| !record.scopes.allow(*scope)) {
        return Err(after_rate(Rejection::new(
            Code::InsufficientScope,
            format!("This key lacks the scope {scope}. Scopes are fixed when a key is minted."),
        )));
    }
    if let Some(format) = format {
        check_format(record, format).map_err(after_rate)?;
    }
    Ok(quota)
}

/// The decision about an authentic native delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryDecision {
    /// Apply it now.
    Apply,
    /// Store it as a parked event and answer 200.
    Park(ParkReason),
}

/// Checks that a native delivery is authentic: the key's hash, revoked, expired, format, signature.
/// A delivery that passes must be made durable, whatever else is wrong with it.
pub fn authenticate_delivery(
    record: &KeyRecord,
    secrets: &[SigningSecret],
    presented: Presented<'_>,
    format: PayloadFormat,
    now: Timestamp,
) -> Result<(), Rejection> {
    check_delivery_key(record, presented.key_hash, format, now)?;
    let url = record.notification_url.as_deref();
    let Presented { headers, body, public_key_verified, .. } = presented;
    let verified = match public_key_verified {
        true => verify_time(format, headers, body, now),
        false => verify_native(format, headers, url, secrets, body, now),
    };
    verified.map_err(|error| signature_rejection(error, record))
}

/// The checks of [`authenticate_delivery`] except the signature. Also used for setup pings, which
/// are not signed.
pub fn check_delivery_key(
    record: &KeyRecord,
    key_hash: Option<&CredentialHash>,
    format: PayloadFormat,
    now: Timestamp,
) -> Result<(), Rejection> {
    if key_hash.is_some_and(|hash| *hash != record.key_hash) {
        return Err(invalid_key());
    }
    check_revoked(record)?;
    check_expired(record, now)?;
    check_format(record, format)
}

/// Decides about an authentic delivery. Checks paused, scope, rate. A parked delivery takes nothing
/// from the limit.
pub fn admit_delivery(
    record: &KeyRecord,
    window: &mut SlidingWindow,
    scope: Option<Scope>,
    now: Timestamp,
) -> DeliveryDecision {
    if record.status == KeyStatus::Paused {
        return DeliveryDecision::Park(ParkReason::KeyPaused);
    }
    if scope.is_some_and(|scope| !record.scopes.allow(scope)) {
        return DeliveryDecision::Park(ParkReason::InsufficientScope);
    }
    match window.admit(now) {
        Ok(_) => DeliveryDecision::Apply,
        Err(_) => DeliveryDecision::Park(ParkReason::RateLimited),
    }
}

/// The same rejection for every invalid key, so that it reveals nothing about the key.
pub fn invalid_key() -> Rejection {
    Rejection::new(
        Code::InvalidApiKey,
        "Send a live integration key as `Authorization: Bearer pck_int_…`.",
    )
}

fn check_revoked(record: &KeyRecord) -> Result<(), Rejection> {
    if record.status == KeyStatus::Revoked { Err(invalid_key()) } else { Ok(()) }
}

fn check_expired(record: &KeyRecord, now: Timestamp) -> Result<(), Rejection> {
    match record.expires_at.filter(|at| now >= *at) {
        None => Ok(()),
        Some(at) => Err(Rejection::new(
            Code::ApiKeyExpired,
            format!("This key expired at {}. Mint a new one.", at.to_rfc3339()),
        )),
    }
}

fn check_format(record: &KeyRecord, format: PayloadFormat) -> Result<(), Rejection> {
    if record.payload_format == format {
        return Ok(());
    }
    let path = match record.payload_format {
        PayloadFormat::Gateway => "/integrations/v1/orders".to_owned(),
        native => format!("/integrations/v1/webhook/{native}"),
    };
    Err(Rejection::new(
        Code::WrongPayloadFormat,
        format!("This key is for the payload format {}: use {path}.", record.payload_format),
    ))
}

fn rate_limited(quota: Quota) -> Rejection {
    let wait = quota.reset.max(1);
    Rejection::new(
        Code::RateLimited,
        format!(
            "This key may make {} requests in any 60 seconds. Try again in {wait} s.",
            quota.limit.per_minute()
        ),
    )
    .retry_after(wait)
}

fn signature_rejection(error: SignatureError, record: &KeyRecord) -> Rejection {
    if record.awaits_secret() {
        return Rejection::new(
            Code::SignatureInvalid,
            "This key awaits its signing secret: paste the one that the sender shows.",
        );
    }
    let (header, remedy) = signed_by(record.payload_format);
    let (code, detail) = match error {
        SignatureError::Missing => {
            (Code::SignatureMissing, format!("{header} is missing: {remedy}"))
        }
        SignatureError::Malformed => {
            (Code::SignatureInvalid, format!("{header} does not have the form of its dialect."))
        }
        SignatureError::Mismatch => (
            Code::SignatureInvalid,
            "The signature is not of this exact body under this key's signing secret.".to_owned(),
        ),
        SignatureError::Expired => (
            Code::SignatureExpired,
            format!("The signed timestamp is more than {} s from now.", TOLERANCE / SECOND),
        ),
    };
    Rejection::new(code, detail)
}

/// The place of a format's signature in a request, and what to do if it is missing.
fn signed_by(format: PayloadFormat) -> (&'static str, &'static str) {
    match format.webhooks() {
        None => (
            "The signature that this key requires",
            "send `X-Pck-Signature: sha256=<hex HMAC-SHA256 of the body under the signing secret>`.",
        ),
        Some(webhooks) => (webhooks.unsigned.place, webhooks.unsigned.remedy),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::credential::{IntegrationKey, KeyId, TagKeys};
    use crate::domain::id::{Namespace, StoreId, WorkspaceId};
    use crate::domain::key::{Scopes, Source};
    use crate::domain::rate_limit::RateLimit;
    use crate::domain::sealing::Sealed;
    use hmac::{Hmac, Mac};
    use sha2::Sha256;

    const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);
    const BODY: &[u8] = b"{}";
    const WRITE_ORDER: Requirements = Requirements {
        scope: Some(Scope::OrdersWrite),
        format: Some(PayloadFormat::Gateway),
        signature: true,
    };

    fn record() -> KeyRecord {
        let tag_keys = TagKeys::parse(&"ab".repeat(32)).unwrap();
        let key = IntegrationKey::mint(&[1; 20], &tag_keys);
        KeyRecord {
            key_id: KeyId::mint(key.hash().gate(), &tag_keys),
            key_hash: key.hash(),
            preview: key.preview().to_owned(),
            workspace_id: WorkspaceId::from_random([1; 10]),
            store_id: StoreId::from_random([2; 10]),
            namespace: Namespace::from_random([3; 10]),
            name: "Shop".into(),
            source: Source::Custom,
            payload_format: PayloadFormat::Gateway,
            scopes: Scopes::new([Scope::OrdersWrite]),
            rate_limit: RateLimit::entered(1).unwrap(),
            require_signature: true,
            capture_bodies: true,
            status: KeyStatus::Active,
            created_at: NOW,
            expires_at: None,
            revoked_at: None,
            rotated_from: None,
            notification_url: None,
            secrets: vec![crate::domain::key::SealedSecret {
                sealed: Sealed::from_text("1.x".into()),
                valid_until: None,
            }],
        }
    }

    fn secret() -> SigningSecret {
        SigningSecret::mint(&[9; 32])
    }

    fn signed() -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret().reveal().as_bytes()).unwrap();
        mac.update(BODY);
        format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
    }

    fn admit(record: &KeyRecord, hash: &CredentialHash, signature: Option<&str>) -> Option<Code> {
        let mut window = SlidingWindow::rebuilt(record.rate_limit, []);
        admit_into(&mut window, record, hash, signature)
    }

    fn admit_into(
        window: &mut SlidingWindow,
        record: &KeyRecord,
        hash: &CredentialHash,
        signature: Option<&str>,
    ) -> Option<Code> {
        let headers = Headers::read_api(|name| {
            signature.filter(|_| name == "x-pck-signature").map(str::to_owned)
        });
        let presented = Presented {
            key_hash: Some(hash),
            headers: &headers,
            body: BODY,
            public_key_verified: false,
        };
        admit_api(record, &[secret()], window, presented, WRITE_ORDER, NOW)
            .err()
            .map(|refused| refused.rejection.code)
    }

    #[test]
    fn the_first_check_that_fails_decides_the_response() {
        let good = record();
        let hash = good.key_hash;
        let other = CredentialHash::from_hex(&"00".repeat(32)).unwrap();
        // At first every check fails; each step corrects the one that decided the response.
        let mut record = KeyRecord {
            status: KeyStatus::Revoked,
            expires_at: Some(NOW),
            scopes: Scopes::new([Scope::ClientsWrite]),
            payload_format: PayloadFormat::WooCommerce,
            ..good
        };
        let mut full = SlidingWindow::rebuilt(record.rate_limit, [NOW]);
        assert_eq!(admit(&record, &other, None), Some(Code::InvalidApiKey));
        assert_eq!(admit(&record, &hash, None), Some(Code::InvalidApiKey));
        record.status = KeyStatus::Paused;
        assert_eq!(admit(&record, &hash, None), Some(Code::KeyPaused));
        record.status = KeyStatus::Active;
        assert_eq!(admit(&record, &hash, None), Some(Code::ApiKeyExpired));
        record.expires_at = Some(NOW.plus(1));
        assert_eq!(admit(&record, &hash, None), Some(Code::SignatureMissing));
        assert_eq!(admit(&record, &hash, Some("sha256=00")), Some(Code::SignatureInvalid));
        let signature = signed();
        assert_eq!(
            admit_into(&mut full, &record, &hash, Some(&signature)),
            Some(Code::RateLimited)
        );
        assert_eq!(admit(&record, &hash, Some(&signature)), Some(Code::InsufficientScope));
        record.scopes = Scopes::new([Scope::OrdersWrite]);
        assert_eq!(admit(&record, &hash, Some(&signature)), Some(Code::WrongPayloadFormat));
        record.payload_format = PayloadFormat::Gateway;
        assert_eq!(admit(&record, &hash, Some(&signature)), None);
    }

    #[test]
    fn a_wrong_signature_is_refused_even_where_none_is_required() {
        let record = KeyRecord { require_signature: false, ..record() };
        let hash = record.key_hash;
        assert_eq!(admit(&record, &hash, None), None);
        assert_eq!(admit(&record, &hash, Some("sha256=00")), Some(Code::SignatureInvalid));
    }

    #[test]
    fn refused_requests_take_nothing_from_the_limit() {
        let record = record();
        let mut window = SlidingWindow::rebuilt(record.rate_limit, []);
        let hash = record.key_hash;
        for _ in 0..5 {
            assert_eq!(admit_into(&mut window, &record, &hash, None), Some(Code::SignatureMissing));
        }
        let signature = signed();
        assert_eq!(admit_into(&mut window, &record, &hash, Some(&signature)), None);
        for _ in 0..5 {
            assert_eq!(
                admit_into(&mut window, &record, &hash, Some(&signature)),
                Some(Code::RateLimited)
            );
        }
        assert_eq!(window.quota(NOW.plus(60_000)).remaining, 1);
    }

    #[test]
    fn a_key_id_alone_does_not_authenticate_an_api_request() {
        let record = record();
        let mut window = SlidingWindow::rebuilt(record.rate_limit, []);
        let signature = signed();
        let headers = Headers::from([("x-pck-signature", signature.as_str())]);
        let presented =
            Presented { key_hash: None, headers: &headers, body: BODY, public_key_verified: false };
        let refused = admit_api(&record, &[secret()], &mut window, presented, WRITE_ORDER, NOW);
        assert_eq!(refused.err().map(|refused| refused.rejection.code), Some(Code::InvalidApiKey));
    }

    #[test]
    fn an_authentic_delivery_is_parked_where_an_api_request_would_be_refused() {
        let active = KeyRecord { payload_format: PayloadFormat::WooCommerce, ..record() };
        let paused = KeyRecord { status: KeyStatus::Paused, ..active.clone() };
        let empty = || SlidingWindow::rebuilt(active.rate_limit, []);
        let order = Some(Scope::OrdersWrite);
        assert_eq!(admit_delivery(&active, &mut empty(), order, NOW), DeliveryDecision::Apply);
        assert_eq!(
            admit_delivery(&paused, &mut empty(), order, NOW),
            DeliveryDecision::Park(ParkReason::KeyPaused)
        );
        assert_eq!(
            admit_delivery(&active, &mut empty(), Some(Scope::ClientsWrite), NOW),
            DeliveryDecision::Park(ParkReason::InsufficientScope)
        );
        let mut full = SlidingWindow::rebuilt(active.rate_limit, [NOW]);
        assert_eq!(
            admit_delivery(&active, &mut full, order, NOW),
            DeliveryDecision::Park(ParkReason::RateLimited)
        );
    }
}
