//! The responses of the procedures of integration keys.

use serde::{Serialize, Serializer};

use crate::api::output::{Revealed, Rfc3339, output};
use crate::api::routes::webhook_url;
use crate::domain::credential::{IntegrationKey, KeyId};
use crate::domain::id::{Namespace, StoreId};
use crate::domain::key::{KeyRecord, PayloadFormat, Scopes, ShownStatus, Source};
use crate::domain::secret::SigningSecret;
use crate::domain::time::Timestamp;

output! {
    /// A key without its secrets.
    pub struct KeyOut as IntegrationKey {
        /// Public: it stands in webhook URLs and logs.
        pub key_id: KeyId,
        /// The first 12 characters of the key.
        pub preview: String,
        pub store_id: StoreId,
        /// The space of its external ids; a rotated key inherits it.
        pub namespace: Namespace,
        pub name: String,
        pub source: Source,
        pub payload_format: PayloadFormat,
        pub scopes: Scopes,
        /// At most 6000.
        pub rate_limit_per_minute: u32,
        pub require_signature: bool,
        pub capture_bodies: bool,
        pub status: ShownStatus,
        /// Whether the sender's signing secret has yet to be pasted.
        pub awaiting_secret: bool,
        /// `null` for keys of the integration API.
        pub webhook_url: Option<String>,
        /// The address that Square signs, where it is another.
        pub notification_url: Option<String>,
        pub created_at: Rfc3339,
        pub expires_at: Option<Rfc3339>,
        pub revoked_at: Option<Rfc3339>,
        /// The key whose place it took.
        pub rotated_from: Option<KeyId>,
    }
}

impl KeyOut {
    /// A key at the time `now`. `api_origin` is where storefronts reach the deployment.
    pub fn new(record: KeyRecord, api_origin: &str, now: Timestamp) -> Self {
        let (status, awaiting_secret) = (record.shown_status(now), record.awaits_secret());
        let KeyRecord {
            key_id,
            key_hash: _,
            preview,
            workspace_id: _,
            store_id,
            namespace,
            name,
            source,
            payload_format,
            scopes,
            rate_limit,
            require_signature,
            capture_bodies,
            status: _,
            created_at,
            expires_at,
            revoked_at,
            rotated_from,
            notification_url,
            secrets: _,
        } = record;
        Self {
            webhook_url: webhook_url(api_origin, payload_format, key_id.as_str()),
            key_id,
            preview,
            store_id,
            namespace,
            name,
            source,
            payload_format,
            scopes,
            rate_limit_per_minute: rate_limit.per_minute(),
            require_signature,
            capture_bodies,
            status,
            awaiting_secret,
            notification_url,
            created_at: Rfc3339(created_at),
            expires_at: expires_at.map(Rfc3339),
            revoked_at: revoked_at.map(Rfc3339),
            rotated_from,
        }
    }
}

output! {
    /// A key that was just minted, with the credentials that only this response shows.
    pub struct MintedKeyOut {
        #[serde(flatten)]
        pub key: KeyOut,
        /// The key itself: shown in this answer and nowhere else.
        pub api_key: Revealed<IntegrationKey>,
        /// Shown this once; `null` where it was pasted or has yet to be.
        pub signing_secret: Option<Revealed<SigningSecret>>,
        /// The same for Standard Webhooks libraries.
        pub signing_secret_whsec: Option<Whsec>,
    }
}

/// A signing secret in the form that Standard Webhooks libraries expect.
pub struct Whsec(pub SigningSecret);

impl Serialize for Whsec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_whsec())
    }
}

impl MintedKeyOut {
    pub fn new(key: KeyOut, api_key: IntegrationKey, secret: Option<SigningSecret>) -> Self {
        Self {
            key,
            api_key: Revealed(api_key),
            signing_secret_whsec: secret.clone().map(Whsec),
            signing_secret: secret.map(Revealed),
        }
    }
}

output! {
    /// A key that was just changed.
    pub struct ChangedKeyOut {
        #[serde(flatten)]
        pub key: KeyOut,
        /// Requests that were admitted before and have not finished.
        pub in_flight: u32,
    }
}

output! {
    /// A page of keys.
    pub struct KeyPageOut {
        /// Newest first.
        pub keys: Vec<KeyOut>,
        /// Where the next page begins; `null` after the last.
        pub next_cursor: Option<String>,
    }
}

output! {
    /// The result of re-sealing the secrets of a page of keys.
    pub struct ResealedOut {
        /// How many keys had secrets under an older one.
        pub resealed: u32,
        /// Where to go on.
        pub next_cursor: Option<String>,
    }
}

#[cfg(test)]
pub mod examples {
    use super::*;
    use crate::api::openapi::examples::{key_id, namespace, now, store_id, tag_keys};
    use crate::domain::key::Scope;
    use serde_json::{Value, json};

    pub fn create() -> (Value, MintedKeyOut) {
        let arguments = json!({
            "p_store_id": store_id(), "p_name": "Web shop", "p_source": "custom",
            "p_payload_format": "peptideclients", "p_scopes": ["orders:write"],
            "p_rate_limit_per_minute": 120, "p_expires_in_days": 365,
            "p_require_signature": true, "p_signing_secret": null,
            "p_notification_url": null, "p_capture_bodies": true,
        });
        (arguments, minted())
    }

    pub fn rotate() -> (Value, MintedKeyOut) {
        let arguments = json!({
            "p_key_id": key_id(), "p_name": "Web shop", "p_expires_in_days": 365,
        });
        (arguments, minted())
    }

    pub fn list() -> (Value, KeyPageOut) {
        (page(), KeyPageOut { keys: vec![key()], next_cursor: None })
    }

    pub fn reseal() -> (Value, ResealedOut) {
        (page(), ResealedOut { resealed: 3, next_cursor: None })
    }

    pub fn revoke() -> (Value, ChangedKeyOut) {
        let revoked_at = Some(Rfc3339(now()));
        changed(KeyOut { status: ShownStatus::Revoked, revoked_at, ..key() })
    }

    pub fn pause() -> (Value, ChangedKeyOut) {
        changed(KeyOut { status: ShownStatus::Paused, ..key() })
    }

    pub fn resume() -> (Value, ChangedKeyOut) {
        changed(key())
    }

    pub fn set_signing_secret() -> (Value, ChangedKeyOut) {
        let arguments = json!({
            "p_key_id": key_id(), "p_signing_secret": "shpss_0123456789abcdef",
            "p_overlap_hours": 24,
        });
        (arguments, changed(key()).1)
    }

    fn page() -> Value {
        let cursor = format!("{}.{}", now().millis(), key_id());
        json!({ "p_store_id": store_id(), "p_cursor": cursor, "p_limit": 50 })
    }

    fn changed(key: KeyOut) -> (Value, ChangedKeyOut) {
        (json!({ "p_key_id": key_id() }), ChangedKeyOut { key, in_flight: 0 })
    }

    fn minted() -> MintedKeyOut {
        let api_key = IntegrationKey::mint(&[0; 20], &tag_keys());
        MintedKeyOut::new(key(), api_key, Some(SigningSecret::mint(&[0; 32])))
    }

    fn key() -> KeyOut {
        KeyOut {
            key_id: key_id(),
            preview: "pck_int_0000".to_owned(),
            store_id: store_id(),
            namespace: namespace(),
            name: "Web shop".to_owned(),
            source: Source::Custom,
            payload_format: PayloadFormat::Gateway,
            scopes: Scopes::new([Scope::OrdersWrite]),
            rate_limit_per_minute: 120,
            require_signature: true,
            capture_bodies: true,
            status: ShownStatus::Active,
            awaiting_secret: false,
            webhook_url: None,
            notification_url: None,
            created_at: Rfc3339(now()),
            expires_at: Some(Rfc3339(now())),
            revoked_at: None,
            rotated_from: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minted_key_is_the_key_and_then_its_credentials() {
        let (_, minted) = examples::create();
        let text = serde_json::to_string(&minted).unwrap();
        let key = serde_json::to_string(&minted.key).unwrap();
        assert_eq!(
            text,
            format!(
                r#"{},"api_key":"{}","signing_secret":"{}","signing_secret_whsec":"{}"}}"#,
                key.strip_suffix('}').unwrap(),
                minted.api_key.0.reveal(),
                "0".repeat(64),
                minted.signing_secret.as_ref().unwrap().0.to_whsec(),
            )
        );
    }
}
