//! Changes of a live key. They are written here first, then to D1 and the audit log, at least once.

use std::time::Duration;

use worker::Delay;

use super::KeyGate;
use super::storage::{Intent, StoredKey};
use crate::catalogue::Catalogue;
use crate::catalogue::audit_log::AuditEntry;
use crate::platform::{now, random, settings};
use crate::{Result, internal};
use tidegate_core::domain::actor::Actor;
use tidegate_core::domain::id::AuditId;
use tidegate_core::domain::key::{KeyChange, SealedSecret};
use tidegate_core::domain::time::{SECOND, Timestamp};
use tidegate_core::protocol::key_gate::GateReply;

/// The longest time in milliseconds that a revoke waits for requests admitted before it.
const DRAIN_TIMEOUT: i64 = 5 * SECOND;

/// Milliseconds until an unacknowledged write to D1 is retried.
pub(super) const PUBLISH_RETRY: i64 = 5 * SECOND;

impl KeyGate {
    /// Changes the key. The record and the intent for the audit log are stored in one write; D1
    /// follows.
    pub(super) async fn change(
        &self,
        change: KeyChange,
        actor: Actor,
        audit_id: AuditId,
    ) -> Result<GateReply> {
        let at = now();
        let settings = settings(&self.env)?;
        let resumes = matches!(change, KeyChange::Resume);
        let revokes = matches!(change, KeyChange::Revoke);
        let changed = self.with(|key_state| {
            let Some(record) = key_state.stored.record.changed(&change, at)? else {
                return Ok(false);
            };
            let detail = serde_json::json!({ "name": record.name }).to_string();
            let intent = Intent { audit_id, action: change.action().to_owned(), actor, at, detail };
            let mut stored = StoredKey { record, ..key_state.stored.clone() };
            stored.intents.push(intent);
            key_state.save(&self.sql, stored, &settings.sealing_keys)?;
            Ok::<_, crate::Error>(true)
        })??;
        if changed {
            self.arm(at.plus(PUBLISH_RETRY)).await;
            self.publish().await;
        }
        if resumes
            && super::parked::release(
                &self.sql,
                tidegate_core::domain::parked::ParkReason::KeyPaused,
                None,
                at,
            )?
        {
            self.arm(at).await;
        }
        if revokes {
            self.drain(at).await;
        }
        let record = Box::new(self.with(|key_state| key_state.stored.record.clone())?);
        Ok(GateReply::Changed { record, in_flight: self.in_flight.get(), changed })
    }

    /// The stored secrets, sealed under the newest sealing key.
    pub(super) fn reseal_secrets(&self) -> Result<Vec<SealedSecret>> {
        let keys = &settings(&self.env)?.sealing_keys;
        self.with(|key_state| {
            let record = &key_state.stored.record;
            let associated_data = record.sealing_context();
            let reseal = |secret: &SealedSecret| {
                if keys.is_current(&secret.sealed) {
                    return Ok(secret.clone());
                }
                let text = keys
                    .unseal(&secret.sealed, associated_data)
                    .map_err(|error| internal(format!("{}: {error:?}", record.key_id)))?;
                let sealed = keys
                    .seal(&text, associated_data, random()?)
                    .ok_or_else(|| internal("a secret that cannot be sealed"))?;
                Ok(SealedSecret { sealed, valid_until: secret.valid_until })
            };
            record.secrets.iter().map(reseal).collect()
        })?
    }

    /// Waits until no request is in flight, at most [`DRAIN_TIMEOUT`].
    async fn drain(&self, since: Timestamp) {
        while self.in_flight.get() > 0 && now().since(since) < DRAIN_TIMEOUT {
            Delay::from(Duration::from_millis(20)).await;
        }
    }

    /// Writes the stored record to D1 and its intents to the audit log. Whatever D1 does not
    /// acknowledge is left to the alarm. Only one batch runs at a time, because an older state must
    /// not arrive after a newer one.
    pub(super) async fn publish(&self) {
        loop {
            let stored = self.with(|key_state| {
                let idle = !key_state.publishing && !key_state.stored.intents.is_empty();
                key_state.publishing |= idle;
                idle.then(|| key_state.stored.clone())
            });
            let Ok(Some(stored)) = stored else { return self.wait_for_other_batch().await };
            let result = self.publish_batch(&stored).await;
            let acknowledged = result.is_ok();
            let saved = self.with(|key_state| {
                key_state.publishing = false;
                if acknowledged {
                    key_state.stored.intents.retain(|intent| !stored.intents.contains(intent));
                    super::storage::save(&self.sql, &key_state.stored)?;
                }
                Ok::<_, crate::Error>(())
            });
            if !acknowledged || !matches!(saved, Ok(Ok(()))) {
                return;
            }
        }
    }

    /// Waits up to about a second for the batch that another request is writing.
    async fn wait_for_other_batch(&self) {
        for _ in 0..50 {
            if !self.with(|key_state| key_state.publishing).unwrap_or(false) {
                return;
            }
            Delay::from(Duration::from_millis(20)).await;
        }
    }

    async fn publish_batch(&self, stored: &StoredKey) -> Result<()> {
        let catalogue = Catalogue::open(&self.env)?;
        let record = &stored.record;
        let mut batch = vec![catalogue.update_integration_key(record)?];
        for intent in &stored.intents {
            batch.push(catalogue.insert_audit(&AuditEntry {
                id: intent.audit_id,
                workspace: record.workspace_id,
                at: intent.at,
                action: &intent.action,
                actor: Some(&intent.actor),
                address: intent.actor.address.as_deref(),
                subject: record.key_id.as_str(),
                detail: serde_json::from_str(&intent.detail).unwrap_or_default(),
            })?);
        }
        catalogue.batch(batch).await
    }
}
