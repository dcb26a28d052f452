//! Integration keys: their settings, their permissions, and the changes that a live key allows.

use serde::{Deserialize, Serialize};

use super::credential::{CredentialHash, KeyId};
use super::id::{Namespace, StoreId, WorkspaceId};
use super::rate_limit::RateLimit;
use super::rejection::{Code, Rejection};
use super::sealing::{Sealed, SealingContext};
use super::time::Timestamp;

/// An enum whose variants have a fixed text in JSON, D1 and the API.
macro_rules! text_enum {
    ($(#[$doc:meta])* $type:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $type {
            $($(#[$variant_doc])* #[serde(rename = $text)] $variant,)*
        }

        impl $type {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.as_str() == text)
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

text_enum! {
    /// A label for the platform that a key's requests come from.
    Source {
        Custom = "custom",
        WooCommerce = "woocommerce",
        Zapier = "zapier",
        Make = "make",
        Shopify = "shopify",
        Square = "square",
        BigCommerce = "bigcommerce",
        StripeCheckout = "stripe_checkout",
        Squarespace = "squarespace",
        Wix = "wix",
        Webflow = "webflow",
        Other = "other",
    }
}

text_enum! {
    /// The format of the bodies of a key's requests.
    PayloadFormat {
        /// The gateway's own JSON.
        Gateway = "peptideclients",
        WooCommerce = "woocommerce",
        Shopify = "shopify",
        Square = "square",
        BigCommerce = "bigcommerce",
        StripeCheckout = "stripe_checkout",
        Squarespace = "squarespace",
        Wix = "wix",
        Webflow = "webflow",
    }
}

text_enum! {
    /// A permission of a key.
    Scope {
        OrdersWrite = "orders:write",
        OrdersCancel = "orders:cancel",
        PaymentsWrite = "payments:write",
        PaymentsRefund = "payments:refund",
        ClientsWrite = "clients:write",
    }
}

text_enum! {
    /// The stored status of a key. Revoked is terminal. Expiry is not stored: it follows from the
    /// clock (see [`ShownStatus`]).
    KeyStatus {
        Active = "active",
        Paused = "paused",
        Revoked = "revoked",
    }
}

text_enum! {
    /// The status of a key at a given time, as people see it.
    ShownStatus {
        Active = "active",
        Paused = "paused",
        Expired = "expired",
        Revoked = "revoked",
    }
}

/// A set of scopes, in the order of [`Scope::ALL`].
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    pub fn new(scopes: impl IntoIterator<Item = Scope>) -> Self {
        let mut scopes: Vec<_> = scopes.into_iter().collect();
        scopes.sort_unstable();
        scopes.dedup();
        Self(scopes)
    }

    pub fn allow(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = Scope> + '_ {
        self.0.iter().copied()
    }

    /// Space-separated, as OAuth writes scopes (RFC 6749 §3.3). D1 stores this form.
    pub fn to_text(&self) -> String {
        self.0.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ")
    }

    pub fn parse(text: &str) -> Option<Self> {
        text.split_whitespace().map(Scope::parse).collect::<Option<Vec<_>>>().map(Self::new)
    }
}

/// A sealed signing secret and the end of its validity; `None` means no end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedSecret {
    pub sealed: Sealed,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
}

/// An integration key, as its KeyGate stores it.
///
/// Invariant: a key belongs to its workspace, store and namespace for ever. On a live key only the
/// status, the secrets, the pinned source address and the URL that Square signs ever change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    pub key_id: KeyId,
    pub key_hash: CredentialHash,
    /// The first 12 characters of the key.
    pub preview: String,
    pub workspace_id: WorkspaceId,
    pub store_id: StoreId,
    pub namespace: Namespace,
    pub name: String,
    pub source: Source,
    pub payload_format: PayloadFormat,
    pub scopes: Scopes,
    pub rate_limit: RateLimit,
    pub require_signature: bool,
    /// Whether raw request bodies are stored beside the log.
    pub capture_bodies: bool,
    pub status: KeyStatus,
    pub created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
    /// The key that this one replaced, in the same namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated_from: Option<KeyId>,
    /// The URL of the webhook as registered with the sender. Set only where the sender signs the
    /// URL too (Square).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification_url: Option<String>,
    /// Newest first. Empty while the key waits for a secret that its sender has not revealed yet,
    /// and once the key is revoked.
    pub secrets: Vec<SealedSecret>,
}

impl KeyRecord {
    /// The table name in the associated data of sealed secrets.
    const TABLE: &'static str = "integration_keys";

    /// The associated data that binds a sealed secret to this key.
    pub fn sealing_context(&self) -> SealingContext<'_> {
        Self::sealing_context_of(self.workspace_id, &self.key_id)
    }

    /// Like [`Self::sealing_context`], for a key that has no record yet.
    pub fn sealing_context_of(workspace: WorkspaceId, key_id: &KeyId) -> SealingContext<'_> {
        SealingContext { workspace, table: Self::TABLE, row: key_id.as_str() }
    }

    pub fn shown_status(&self, now: Timestamp) -> ShownStatus {
        match self.status {
            KeyStatus::Revoked => ShownStatus::Revoked,
            KeyStatus::Active | KeyStatus::Paused if self.is_expired(now) => ShownStatus::Expired,
            KeyStatus::Paused => ShownStatus::Paused,
            KeyStatus::Active => ShownStatus::Active,
        }
    }

    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| now >= at)
    }

    /// Whether no signature can be verified yet, because the sender's secret has not been pasted.
    pub fn awaits_secret(&self) -> bool {
        self.secrets.is_empty() && self.status != KeyStatus::Revoked
    }
}

/// A change to a live key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum KeyChange {
    Pause,
    Resume,
    Revoke,
    /// Pastes or rotates the signing secret. Earlier secrets stay valid until `overlap_until` at
    /// most.
    SetSecret {
        sealed: Sealed,
        overlap_until: Timestamp,
        /// The new URL that the sender signs, if the URL changes too.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        notification_url: Option<String>,
    },
    /// Replaces the secrets by the same ones, sealed under the newest sealing key.
    Reseal {
        secrets: Vec<SealedSecret>,
    },
}

impl KeyChange {
    /// The name of the change in the audit log.
    pub const fn action(&self) -> &'static str {
        match self {
            Self::Pause => "integration_key.paused",
            Self::Resume => "integration_key.resumed",
            Self::Revoke => "integration_key.revoked",
            Self::SetSecret { .. } => "integration_key.secret_set",
            Self::Reseal { .. } => "integration_key.resealed",
        }
    }
}

impl KeyRecord {
    /// The record after `change`, or `None` if the change makes no difference.
    ///
    /// # Errors
    /// 409 `invalid_state` for a revoked key, unless the change is to revoke it.
    pub fn changed(&self, change: &KeyChange, now: Timestamp) -> Result<Option<Self>, Rejection> {
        let revoked = self.status == KeyStatus::Revoked;
        let mut record = self.clone();
        match change {
            KeyChange::Revoke => {
                record.status = KeyStatus::Revoked;
                record.revoked_at = self.revoked_at.or(Some(now));
                // A revoked key verifies no signatures any more.
                record.secrets.clear();
            }
            _ if revoked => {
                return Err(Rejection::new(
                    Code::InvalidState,
                    "This key is revoked, and a revoked key stays revoked. Mint a new one.",
                ));
            }
            KeyChange::Pause => record.status = KeyStatus::Paused,
            KeyChange::Resume => record.status = KeyStatus::Active,
            KeyChange::SetSecret { sealed, overlap_until, notification_url } => {
                if let Some(url) = notification_url {
                    record.notification_url = Some(url.clone());
                }
                for secret in &mut record.secrets {
                    let until = secret.valid_until.unwrap_or(*overlap_until).min(*overlap_until);
                    secret.valid_until = Some(until);
                }
                // The secret just replaced stays even when it is no longer valid, so that the
                // operator can be told that a sender still signs with it.
                let mut seen = 0;
                record.secrets.retain(|secret| {
                    seen += 1;
                    seen == 1 || secret.valid_until.is_some_and(|until| until > now)
                });
                let newest = SealedSecret { sealed: sealed.clone(), valid_until: None };
                record.secrets.insert(0, newest);
            }
            KeyChange::Reseal { secrets } => record.secrets.clone_from(secrets),
        }
        Ok((record != *self).then_some(record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_those_of_the_api() {
        assert_eq!(Source::ALL.len(), 12);
        assert_eq!(PayloadFormat::parse("peptideclients"), Some(PayloadFormat::Gateway));
        assert_eq!(Source::parse("WooCommerce"), None);
        assert_eq!(
            serde_json::to_value(Source::StripeCheckout).unwrap(),
            serde_json::json!("stripe_checkout")
        );
    }

    #[test]
    fn scopes_are_a_set_in_a_fixed_order() {
        let scopes = Scopes::new([Scope::ClientsWrite, Scope::OrdersWrite, Scope::OrdersWrite]);
        assert_eq!(scopes.to_text(), "orders:write clients:write");
        assert_eq!(Scopes::parse("clients:write orders:write"), Some(scopes));
        assert_eq!(Scopes::parse("orders:write orders:read"), None);
    }
}
