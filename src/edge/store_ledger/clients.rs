//! `clients`: found within a namespace by external id, else by e-mail address.

use serde::Deserialize;

use super::orders::Identity;
use super::{StoreLedger, from_json, to_json};
use crate::domain::id::{ClientId, SequenceId};
use crate::domain::ledger::{HistoryEntry, Origin};
use crate::domain::order::{ClientDetails, SourceVersion};
use crate::domain::time::Timestamp;
use crate::edge::Result;
use crate::edge::sql::{integer, text};

/// A client as it is kept.
pub(super) struct StoredClient {
    pub row: SequenceId,
    pub details: ClientDetails,
    pub version: Option<SourceVersion>,
    pub history: Vec<HistoryEntry>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl StoreLedger {
    /// The client of an order, made or brought up to date. `None` where nothing identifies it.
    pub(super) fn upsert_client(
        &self,
        origin: &Origin,
        details: &ClientDetails,
        now: Timestamp,
    ) -> Result<Option<ClientId>> {
        if !details.is_identified() {
            return Ok(None);
        }
        let row = match self.find_client(origin, details)? {
            None => self.insert_client(origin, details, None, "created", None, now)?,
            Some(mut kept) => {
                // A client that the sender keeps up to date itself is not overwritten by what an
                // order happens to say.
                let merged = merged(&kept.details, details);
                if kept.version.is_none() && merged != kept.details {
                    self.identify_client(origin, &kept.details, &merged, kept.row)?;
                    kept.details = merged;
                    self.update_client(&kept, now)?;
                }
                kept.row
            }
        };
        Ok(Some(ClientId::new(origin.store_id, row)))
    }

    pub(super) fn find_client(
        &self,
        origin: &Origin,
        details: &ClientDetails,
    ) -> Result<Option<StoredClient>> {
        let by_id = match details.external_id.as_deref() {
            Some(id) => self.identified(Identity::Client, id, origin.namespace)?,
            None => None,
        };
        if let Some(row) = by_id {
            return self.client(row).map(Some);
        }
        let by_email = match details.email.as_deref() {
            Some(email) => {
                self.identified(Identity::ClientEmail, &email.to_lowercase(), origin.namespace)?
            }
            None => None,
        };
        let Some(row) = by_email else { return Ok(None) };
        let kept = self.client(row)?;
        // The address of somebody with another external id is somebody else's.
        let same = kept.details.external_id.is_none() || details.external_id.is_none();
        Ok(same.then_some(kept))
    }

    pub(super) fn client(&self, row: SequenceId) -> Result<StoredClient> {
        #[derive(Deserialize)]
        struct ClientRow {
            id: SequenceId,
            details: String,
            version: Option<String>,
            history: String,
            created_at: Timestamp,
            updated_at: Timestamp,
        }
        let query = "SELECT id, details, version, history, created_at, updated_at FROM clients WHERE id = ?1";
        let found = self.sql.first::<ClientRow>(query, &[integer(row.as_i64())])?;
        let found = found.ok_or_else(|| crate::edge::internal("an identity without a client"))?;
        Ok(StoredClient {
            row: found.id,
            details: from_json(&found.details)?,
            version: found.version.as_deref().map(from_json).transpose()?,
            history: from_json(&found.history)?,
            created_at: found.created_at,
            updated_at: found.updated_at,
        })
    }

    pub(super) fn insert_client(
        &self,
        origin: &Origin,
        details: &ClientDetails,
        version: Option<&SourceVersion>,
        event: &str,
        delivery: Option<String>,
        now: Timestamp,
    ) -> Result<SequenceId> {
        let row = self.next_row(now)?;
        self.identify_client(origin, &ClientDetails::default(), details, row)?;
        let history = vec![HistoryEntry {
            at: now,
            request_id: origin.request_id,
            event: event.to_owned(),
            delivery,
        }];
        self.sql.run(
            "INSERT INTO clients VALUES (?1, ?2, ?3, ?3, ?4, ?5)",
            &[
                integer(row.as_i64()),
                text(Some(&to_json(details)?)),
                integer(now.millis()),
                text(version.map(to_json).transpose()?.as_deref()),
                text(Some(&to_json(&history)?)),
            ],
        )?;
        Ok(row)
    }

    pub(super) fn update_client(&self, kept: &StoredClient, now: Timestamp) -> Result<()> {
        self.sql.run(
            "UPDATE clients SET details = ?2, updated_at = ?3, version = ?4, history = ?5
             WHERE id = ?1",
            &[
                integer(kept.row.as_i64()),
                text(Some(&to_json(&kept.details)?)),
                integer(now.millis()),
                text(kept.version.as_ref().map(to_json).transpose()?.as_deref()),
                text(Some(&to_json(&kept.history)?)),
            ],
        )
    }

    /// Writes the identities that `after` has and `before` had not. An e-mail address that
    /// somebody else has already stays theirs.
    pub(super) fn identify_client(
        &self,
        origin: &Origin,
        before: &ClientDetails,
        after: &ClientDetails,
        row: SequenceId,
    ) -> Result<()> {
        if let Some(id) =
            after.external_id.as_deref().filter(|_| after.external_id != before.external_id)
        {
            self.identify(Identity::Client, id, origin.namespace, row)?;
        }
        if let Some(email) = after.email.as_deref().filter(|_| after.email != before.email) {
            let email = email.to_lowercase();
            if self.identified(Identity::ClientEmail, &email, origin.namespace)?.is_none() {
                self.identify(Identity::ClientEmail, &email, origin.namespace, row)?;
            }
        }
        Ok(())
    }
}

/// The details after a command: what it says replaces, what it leaves out stays.
pub(super) fn merged(kept: &ClientDetails, given: &ClientDetails) -> ClientDetails {
    let ClientDetails { external_id, email, name, phone } = given.clone();
    ClientDetails {
        external_id: kept.external_id.clone().or(external_id),
        email: email.or_else(|| kept.email.clone()),
        name: name.or_else(|| kept.name.clone()),
        phone: phone.or_else(|| kept.phone.clone()),
    }
}
