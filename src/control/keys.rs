//! Integration keys: minting, rotating, changing, resealing their secrets.

use serde_json::json;

use super::owned::OwnedKeys;
use super::{ControlPlane, GATE_DEADLINE_MS, OwnedKey, OwnedStore, unexpected_reply};
use crate::catalogue::integration_keys::KeyFilter;
use crate::control::caller::Admin;
use crate::platform::random;
use crate::{Result, internal};
use tidegate_core::api::procedures::keys::{
    CreateIntegrationKey, ListIntegrationKeys, SetSigningSecret,
};
use tidegate_core::api::routes::webhook_url;
use tidegate_core::domain::credential::{IntegrationKey, KeyId};
use tidegate_core::domain::id::{AuditId, Namespace, WorkspaceId};
use tidegate_core::domain::key::{KeyChange, KeyRecord, KeyStatus, SealedSecret};
use tidegate_core::domain::rejection::{Code, Rejection};
use tidegate_core::domain::sealing::Sealed;
use tidegate_core::domain::secret::SigningSecret;
use tidegate_core::protocol::key_gate::{GateCommand, GateReply};

/// A key that was just minted, with the credentials that are shown only once.
pub struct MintedKey {
    pub record: KeyRecord,
    pub key: IntegrationKey,
    /// `None` if the secret was pasted, or has yet to be.
    pub secret: Option<SigningSecret>,
}

/// A key after a change.
pub struct ChangedKey {
    pub record: Box<KeyRecord>,
    /// Requests that were admitted before the change and have not finished.
    pub in_flight: u32,
}

impl ControlPlane<'_> {
    /// Mints a key. One D1 batch writes the key and its audit entry; then the record is pushed to
    /// the KeyGate, before the key is revealed. A form (`form` is its id) mints one key however
    /// often it is sent. A key that replaces another (`rotated_from`) inherits its namespace.
    /// The store is `store`, whatever the arguments say.
    pub async fn mint(
        &self,
        admin: &Admin,
        store: &OwnedStore,
        arguments: CreateIntegrationKey,
        rotated_from: Option<&OwnedKey>,
        form: Option<&str>,
        api_origin: &str,
    ) -> Result<MintedKey> {
        if store.archived_at.is_some() {
            return Err(store_archived().into());
        }
        let tag_keys = &self.settings.tag_keys;
        let key = IntegrationKey::mint(&random()?, tag_keys);
        let key_hash = key.hash();
        let key_id = KeyId::mint(key_hash.gate(), tag_keys);
        let expires_at = arguments.expires_at(self.now);
        let pasted = arguments.signing_secret.is_some();
        let secret = match arguments.signing_secret {
            Some(secret) => Some(secret),
            // A sender that makes its own secret reveals it only after the webhook is registered.
            None if arguments.payload_format.has_own_secret() => None,
            None => Some(SigningSecret::mint(&random()?)),
        };
        let sealed = secret.as_ref().map(|secret| self.seal(admin.workspace_id, &key_id, secret));
        let secrets = sealed.transpose()?.into_iter();
        let namespace = match rotated_from {
            Some(old) => old.namespace,
            None => Namespace::from_random(random()?),
        };
        let notification_url = arguments.payload_format.signs_address().then(|| {
            let default_url = || webhook_url(api_origin, arguments.payload_format, key_id.as_str());
            arguments.notification_url.or_else(default_url)
        });
        let record = KeyRecord {
            key_hash,
            preview: key.preview().to_owned(),
            workspace_id: admin.workspace_id,
            store_id: store.id,
            namespace,
            name: arguments.name,
            source: arguments.source,
            payload_format: arguments.payload_format,
            scopes: arguments.scopes,
            rate_limit: arguments.rate_limit,
            require_signature: arguments.require_signature,
            capture_bodies: arguments.capture_bodies,
            status: KeyStatus::Active,
            created_at: self.now,
            expires_at,
            revoked_at: None,
            rotated_from: rotated_from.map(|old| old.key_id.clone()),
            notification_url: notification_url.flatten(),
            secrets: secrets.map(|sealed| SealedSecret { sealed, valid_until: None }).collect(),
            key_id,
        };
        // A pasted secret is never shown.
        let secret = secret.filter(|_| !pasted);
        let insert = self.catalogue.insert_integration_key(&record, admin.actor.user_id, form)?;
        let action = match rotated_from {
            Some(_) => "integration_key.rotated",
            None => "integration_key.created",
        };
        // Minting is the only time that a key and its secret are shown.
        let detail = json!({
            "name": record.name,
            "rotated_from": record.rotated_from,
            "secret_revealed": secret.is_some(),
        });
        let (workspace, subject) = (admin.workspace_id, record.key_id.as_str());
        let audit = self.audit(workspace, &admin.actor, action, subject, detail)?;
        self.catalogue
            .batch_with_rules(
                vec![insert, audit],
                &[("integration_keys.form", form_used), ("the store is archived", store_archived)],
            )
            .await?;
        let install = GateCommand::Install { record: Box::new(record.clone()) };
        // If this fails, the KeyGate loads its record from D1 on first use.
        if let Err(error) =
            self.command_within(record.key_hash.gate(), install, GATE_DEADLINE_MS).await
        {
            worker::console_warn!("install {}: {error}", record.key_id);
        }
        Ok(MintedKey { record, key, secret })
    }

    /// Mints a key with the settings and the namespace of another, so that both keys see the same
    /// orders and external ids. The old key works until it is revoked.
    pub async fn rotate(
        &self,
        admin: &Admin,
        old: &OwnedKey,
        name: String,
        expires_in_days: Option<i64>,
        form: Option<&str>,
        api_origin: &str,
    ) -> Result<MintedKey> {
        if old.status == KeyStatus::Revoked {
            return Err(Rejection::new(
                Code::InvalidState,
                "This key is revoked: nothing takes its place. Mint a new one.",
            )
            .into());
        }
        let arguments = CreateIntegrationKey {
            store_id: old.store_id,
            name,
            source: old.source,
            payload_format: old.payload_format,
            scopes: old.scopes.clone(),
            rate_limit: old.rate_limit,
            expires_in_days,
            require_signature: old.require_signature,
            signing_secret: None,
            notification_url: None,
            capture_bodies: old.capture_bodies,
        };
        self.mint(admin, old.store(), arguments, Some(old), form, api_origin).await
    }

    pub async fn key_page(
        &self,
        admin: &Admin,
        arguments: &ListIntegrationKeys,
    ) -> Result<OwnedKeys> {
        let cursor = arguments.cursor.as_ref().map(|(at, id)| (*at, id.as_str()));
        let filter = KeyFilter { store: arguments.store_id, ..KeyFilter::default() };
        self.catalogue.run(self.key_list(admin, &filter, cursor, arguments.limit)?).await
    }

    pub async fn change(
        &self,
        admin: &Admin,
        key: &OwnedKey,
        change: KeyChange,
    ) -> Result<ChangedKey> {
        let (actor, audit_id) = (admin.actor.clone(), AuditId::from_random(random()?));
        let command = GateCommand::Change { change, actor, audit_id };
        match self.command(key, command).await? {
            GateReply::Changed { record, in_flight, changed: _ } => {
                Ok(ChangedKey { record, in_flight })
            }
            _ => Err(unexpected_reply()),
        }
    }

    /// Pastes or rotates a signing secret. The previous ones stay valid for `overlap` more
    /// milliseconds. The form that the secret must have depends on the key's payload format.
    pub async fn set_signing_secret(
        &self,
        admin: &Admin,
        key: &OwnedKey,
        arguments: SetSigningSecret,
    ) -> Result<ChangedKey> {
        let overlap_until = self.now.plus(arguments.overlap);
        let (secret, notification_url) = arguments.for_format(key.payload_format)?;
        let sealed = self.seal(admin.workspace_id, &key.key_id, &secret)?;
        let change = KeyChange::SetSecret { sealed, overlap_until, notification_url };
        self.change(admin, key, change).await
    }

    /// Reseals the secrets of a page of keys that are sealed under an older sealing key. Returns
    /// the number of keys resealed, and the cursor of the next page. After the last page the older
    /// sealing key may be dropped. Revoked keys are left out: a revoked key is refused before any
    /// signature is checked, and for ever, so its secrets are never needed again. (Where one does not
    /// unseal, its KeyGate goes on without it.)
    pub async fn reseal_secrets(
        &self,
        admin: &Admin,
        arguments: &ListIntegrationKeys,
    ) -> Result<(u32, Option<String>)> {
        let page = self.key_page(admin, arguments).await?;
        let mut resealed = 0;
        for key in page.keys.iter().filter(|key| key.status != KeyStatus::Revoked) {
            let (actor, audit_id) = (admin.actor.clone(), AuditId::from_random(random()?));
            // The KeyGate reseals, because it may have a secret that is not in D1 yet.
            let command = GateCommand::Reseal { actor, audit_id };
            match self.command(key, command).await? {
                GateReply::Changed { changed, .. } => resealed += u32::from(changed),
                _ => return Err(unexpected_reply()),
            }
        }
        Ok((resealed, page.next_cursor))
    }

    fn seal(
        &self,
        workspace: WorkspaceId,
        key_id: &KeyId,
        secret: &SigningSecret,
    ) -> Result<Sealed> {
        let keys = &self.settings.sealing_keys;
        keys.seal(secret.reveal(), KeyRecord::sealing_context_of(workspace, key_id), random()?)
            .ok_or_else(|| internal("a secret that cannot be sealed"))
    }
}

fn store_archived() -> Rejection {
    Rejection::new(Code::InvalidState, "This store is archived: it takes no new keys.")
}

/// The rejection of a form that has minted its key before.
fn form_used() -> Rejection {
    Rejection::new(
        Code::InvalidState,
        "This form has minted its key already. The key was shown then, and is not shown again.",
    )
}
