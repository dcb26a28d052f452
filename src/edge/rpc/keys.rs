//! The procedures of integration keys.

use serde_json::{Value, json};

use super::{Call, unfitting};
use crate::api::routes::webhook_path;
use crate::api::rpc::{CreateIntegrationKey, ListIntegrationKeys};
use crate::domain::credential::{GateName, IntegrationKey, KeyId};
use crate::domain::id::{AuditId, Namespace, WorkspaceId};
use crate::domain::key::{KeyChange, KeyRecord, KeyStatus, PayloadFormat, SealedSecret, Source};
use crate::domain::rejection::{Code, Rejection};
use crate::domain::sealing::Sealed;
use crate::domain::secret::SigningSecret;
use crate::domain::time::Timestamp;
use crate::edge::answer::Answer;
use crate::edge::caller::Admin;
use crate::edge::catalogue::integration_keys::KeyPage;
use crate::edge::platform::random;
use crate::edge::{Result, internal};
use crate::protocol::key_gate::{GateCommand, GateReply};

impl Call<'_> {
    /// Mints a key: D1 and the audit log in one batch, then the KeyGate, then the answer that
    /// reveals it.
    pub(super) async fn create_integration_key(
        &self,
        admin: &Admin,
        arguments: CreateIntegrationKey,
    ) -> Result<Answer> {
        let stores = self.catalogue.stores(admin.workspace_id).await?;
        if !stores.iter().any(|store| store.store_id == arguments.store_id) {
            return Err(Rejection::new(Code::NotFound, "There is no such store."));
        }
        let tag_keys = &self.settings.tag_keys;
        let key = IntegrationKey::mint(&random()?, tag_keys);
        let key_hash = key.hash();
        let key_id = KeyId::mint(key_hash.gate(), tag_keys);
        let expires_at = arguments.expires_at(self.now);
        let pasted = arguments.signing_secret.is_some();
        let secret = match arguments.signing_secret {
            Some(secret) => Some(secret),
            // Senders with a secret of their own reveal it later.
            None if awaits_secret(arguments.payload_format) => None,
            None => Some(SigningSecret::mint(&random()?)),
        };
        let sealed = secret.as_ref().map(|secret| self.seal(admin.workspace_id, &key_id, secret));
        let secrets = sealed.transpose()?.into_iter();
        let record = KeyRecord {
            key_hash,
            preview: key.preview().to_owned(),
            workspace_id: admin.workspace_id,
            store_id: arguments.store_id,
            namespace: Namespace::from_random(random()?),
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
            secrets: secrets.map(|sealed| SealedSecret { sealed, valid_until: None }).collect(),
            key_id,
        };
        let user = admin.actor.user_id;
        let insert = self.catalogue.insert_integration_key(&record, user)?;
        let audit = self.audit(
            admin.workspace_id,
            &admin.actor,
            "integration_key.created",
            record.key_id.as_str(),
            &record.name,
        )?;
        self.catalogue.batch(vec![insert, audit]).await?;
        let install = GateCommand::Install { record: Box::new(record.clone()) };
        // Where this fails, the KeyGate looks itself up in D1 when it is first used.
        if let Err(rejection) = self.command(record.key_hash.gate(), install).await {
            worker::console_warn!("install {}: {}", record.key_id, rejection.detail);
        }
        let mut body = self.key_json(&record);
        body["api_key"] = json!(key.reveal());
        // A secret that was pasted is never shown.
        let revealed = secret.filter(|_| !pasted);
        body["signing_secret"] = json!(revealed.as_ref().map(SigningSecret::reveal));
        body["signing_secret_whsec"] = json!(revealed.as_ref().map(SigningSecret::to_whsec));
        Answer::serialized(201, &body)
    }

    pub(super) async fn list_integration_keys(
        &self,
        admin: &Admin,
        arguments: ListIntegrationKeys,
    ) -> Result<Answer> {
        let page = self.key_page(admin, &arguments).await?;
        let keys: Vec<Value> = page.keys.iter().map(|record| self.key_json(record)).collect();
        Answer::serialized(200, &json!({ "keys": keys, "next_cursor": page.next_cursor }))
    }

    async fn key_page(&self, admin: &Admin, arguments: &ListIntegrationKeys) -> Result<KeyPage> {
        let cursor = arguments.cursor.as_ref().map(|(at, id)| (*at, id.as_str()));
        let (workspace, store) = (admin.workspace_id, arguments.store_id);
        self.catalogue.integration_keys(workspace, store, cursor, arguments.limit).await
    }

    /// A key without its secrets, as lists and answers show it.
    fn key_json(&self, record: &KeyRecord) -> Value {
        let status = match record.status {
            KeyStatus::Active if record.is_expired(self.now) => "expired",
            status => status.as_str(),
        };
        // Without a webhook of its own, a source posts to the integration API.
        let webhook = Source::parse(record.payload_format.as_str())
            .map(|source| webhook_path(source, record.key_id.as_str()))
            .map(|path| format!("{}{path}", self.api_origin));
        json!({
            "key_id": record.key_id,
            "preview": record.preview,
            "store_id": record.store_id,
            "namespace": record.namespace,
            "name": record.name,
            "source": record.source,
            "payload_format": record.payload_format,
            "scopes": record.scopes,
            "rate_limit_per_minute": record.rate_limit.per_minute(),
            "require_signature": record.require_signature,
            "capture_bodies": record.capture_bodies,
            "status": status,
            "awaiting_secret": record.awaits_secret(),
            "webhook_url": webhook,
            "created_at": record.created_at.to_rfc3339(),
            "expires_at": record.expires_at.map(Timestamp::to_rfc3339),
            "revoked_at": record.revoked_at.map(Timestamp::to_rfc3339),
        })
    }

    pub(super) async fn change(
        &self,
        admin: &Admin,
        key_id: &KeyId,
        change: KeyChange,
    ) -> Result<Answer> {
        let gate = self.gate_of(admin, key_id).await?;
        let (record, in_flight) = self.change_gate(admin, gate, change).await?;
        let mut body = self.key_json(&record);
        body["in_flight"] = json!(in_flight);
        Answer::serialized(200, &body)
    }

    async fn change_gate(
        &self,
        admin: &Admin,
        gate: GateName,
        change: KeyChange,
    ) -> Result<(Box<KeyRecord>, u32)> {
        let (actor, audit_id) = (admin.actor.clone(), AuditId::from_random(random()?));
        let command = GateCommand::Change { change, actor, audit_id };
        match self.command(gate, command).await? {
            GateReply::Changed { record, in_flight, changed: _ } => Ok((record, in_flight)),
            _ => Err(unfitting()),
        }
    }

    pub(super) async fn set_signing_secret(
        &self,
        admin: &Admin,
        key_id: &KeyId,
        secret: &SigningSecret,
        overlap: i64,
    ) -> Result<Answer> {
        let sealed = self.seal(admin.workspace_id, key_id, secret)?;
        let overlap_until = self.now.plus(overlap);
        self.change(admin, key_id, KeyChange::SetSecret { sealed, overlap_until }).await
    }

    /// Seals the secrets of a page of keys anew, where they are under an older sealing key. To be
    /// called until it answers no `next_cursor`; then the older key may be dropped.
    pub(super) async fn reseal_secrets(
        &self,
        admin: &Admin,
        arguments: ListIntegrationKeys,
    ) -> Result<Answer> {
        let page = self.key_page(admin, &arguments).await?;
        let mut resealed = 0;
        for record in page.keys.iter().filter(|record| record.status != KeyStatus::Revoked) {
            let (actor, audit_id) = (admin.actor.clone(), AuditId::from_random(random()?));
            // The gate is asked, not D1: it may hold a secret that D1 has not been told of yet.
            let command = GateCommand::Reseal { actor, audit_id };
            match self.command(record.key_hash.gate(), command).await? {
                GateReply::Changed { changed, .. } => resealed += u32::from(changed),
                _ => return Err(unfitting()),
            }
        }
        Answer::serialized(200, &json!({ "resealed": resealed, "next_cursor": page.next_cursor }))
    }

    fn seal(
        &self,
        workspace: WorkspaceId,
        key_id: &KeyId,
        secret: &SigningSecret,
    ) -> Result<Sealed> {
        let keys = &self.settings.sealing_keys;
        keys.seal(secret.reveal(), KeyRecord::place_of(workspace, key_id), random()?)
            .ok_or_else(|| internal("a secret that cannot be sealed"))
    }
}

/// Whether senders in this format make a secret of their own, often only after the URL is known to
/// them.
const fn awaits_secret(format: PayloadFormat) -> bool {
    !matches!(format, PayloadFormat::Gateway | PayloadFormat::WooCommerce)
}
