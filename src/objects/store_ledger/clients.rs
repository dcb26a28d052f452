//! The table `clients`. A client is found within a namespace by its external id, or else by its
//! e-mail address.

use serde::Deserialize;

use super::orders::Identity;
use super::{StoreLedger, from_json, to_json};
use crate::Result;
use crate::platform::sql::{integer, text};
use tidegate_core::api::clients::output::ClientOut;
use tidegate_core::api::orders::output::changed_fields;
use tidegate_core::domain::author::Author;
use tidegate_core::domain::id::{ClientId, SequenceId, StoreId};
use tidegate_core::domain::ledger::{HistoryEntry, Origin, append_history};
use tidegate_core::domain::order::{ClientDetails, SourceVersion};
use tidegate_core::domain::time::Timestamp;

/// A row of the clients table.
pub(super) struct StoredClient {
    pub row: SequenceId,
    pub details: ClientDetails,
    /// `None` if the client was created before authors were recorded.
    pub created_by: Option<Author>,
    pub version: Option<SourceVersion>,
    pub history: Vec<HistoryEntry>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl StoredClient {
    /// The client as the APIs return it.
    pub(super) fn output(&self, store: StoreId) -> ClientOut<'_> {
        let Self { row, details, created_by, created_at, updated_at, version: _, history: _ } =
            self;
        let id = ClientId::new(store, *row);
        ClientOut::new(id, details, created_by.as_ref(), *created_at, *updated_at)
    }
}

impl StoreLedger {
    /// Inserts or updates the client of an order. `None` if nothing identifies the client.
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
            None => {
                let entry = HistoryEntry::new(origin, "created", None, now);
                self.insert_client(origin, details, None, entry, now)?
            }
            Some(mut client) => {
                // A client that the sender updates by its own events is not overwritten with the
                // details in an order.
                let merged = merged(&client.details, details);
                if client.version.is_none() && merged != client.details {
                    self.insert_client_identities(origin, &client.details, &merged, client.row)?;
                    client.details = merged;
                    self.update_client(&client, now)?;
                }
                client.row
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
            Some(id) => self.find_identity(Identity::Client, id, origin.namespace)?,
            None => None,
        };
        if let Some(row) = by_id {
            return self.client(row).map(Some);
        }
        let by_email = match details.email.as_deref() {
            Some(email) => {
                self.find_identity(Identity::ClientEmail, &email.to_lowercase(), origin.namespace)?
            }
            None => None,
        };
        let Some(row) = by_email else { return Ok(None) };
        let client = self.client(row)?;
        // With two different external ids it is another client with the same address.
        let compatible = client.details.external_id.is_none() || details.external_id.is_none();
        Ok(compatible.then_some(client))
    }

    pub(super) fn client(&self, row: SequenceId) -> Result<StoredClient> {
        #[derive(Deserialize)]
        struct ClientRow {
            id: SequenceId,
            details: String,
            created_by: Option<Author>,
            version: Option<String>,
            history: String,
            created_at: Timestamp,
            updated_at: Timestamp,
        }
        let query = "SELECT id, details, created_by, version, history, created_at, updated_at
          FROM clients WHERE id = ?1";
        let found = self.sql.first::<ClientRow>(query, &[integer(row.as_i64())])?;
        let found = found.ok_or_else(|| crate::internal("an identity without a client"))?;
        Ok(StoredClient {
            row: found.id,
            details: from_json(&found.details)?,
            created_by: found.created_by,
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
        entry: HistoryEntry,
        now: Timestamp,
    ) -> Result<SequenceId> {
        let row = self.next_sequence_id(now)?;
        self.insert_client_identities(origin, &ClientDetails::default(), details, row)?;
        self.sql.run(
            "INSERT INTO clients (id, change, details, created_at, updated_at, version, history,
               created_by) VALUES (?1, ?1, ?2, ?3, ?3, ?4, ?5, ?6)",
            &[
                integer(row.as_i64()),
                text(Some(&to_json(details)?)),
                integer(now.millis()),
                text(version.map(to_json).transpose()?.as_deref()),
                text(Some(&to_json(&[entry])?)),
                text(Some(&origin.author.to_string())),
            ],
        )?;
        Ok(row)
    }

    pub(super) fn update_client(&self, client: &StoredClient, now: Timestamp) -> Result<()> {
        self.sql.run(
            "UPDATE clients SET details = ?2, updated_at = ?3, version = ?4, history = ?5,
               change = ?6 WHERE id = ?1",
            &[
                integer(client.row.as_i64()),
                text(Some(&to_json(&client.details)?)),
                integer(now.millis()),
                text(client.version.as_ref().map(to_json).transpose()?.as_deref()),
                text(Some(&to_json(&client.history)?)),
                integer(self.next_sequence_id(now)?.as_i64()),
            ],
        )
    }

    /// Updates a client whose sender or storefront gives it new details, with an entry in its
    /// history.
    pub(super) fn change_client(
        &self,
        origin: &Origin,
        client: &mut StoredClient,
        details: ClientDetails,
        mut entry: HistoryEntry,
        now: Timestamp,
    ) -> Result<()> {
        self.insert_client_identities(origin, &client.details, &details, client.row)?;
        let before = std::mem::replace(&mut client.details, details);
        entry.changes = changed_fields(&before, &client.details);
        append_history(&mut client.history, entry);
        self.update_client(client, now)
    }

    /// Inserts the identities that are in `after` and not in `before`. An e-mail address that
    /// already identifies another client is left to that client.
    pub(super) fn insert_client_identities(
        &self,
        origin: &Origin,
        before: &ClientDetails,
        after: &ClientDetails,
        row: SequenceId,
    ) -> Result<()> {
        if let Some(id) =
            after.external_id.as_deref().filter(|_| after.external_id != before.external_id)
        {
            self.insert_identity(Identity::Client, id, origin.namespace, row)?;
        }
        if let Some(email) = after.email.as_deref().filter(|_| after.email != before.email) {
            let email = email.to_lowercase();
            if self.find_identity(Identity::ClientEmail, &email, origin.namespace)?.is_none() {
                self.insert_identity(Identity::ClientEmail, &email, origin.namespace, row)?;
            }
        }
        Ok(())
    }
}

/// The stored details, updated with the given ones. Fields that are not given retain their stored
/// values. A stored external id is never replaced.
pub(super) fn merged(stored: &ClientDetails, given: &ClientDetails) -> ClientDetails {
    let ClientDetails { external_id, email, name, phone } = given.clone();
    ClientDetails {
        external_id: stored.external_id.clone().or(external_id),
        email: email.or_else(|| stored.email.clone()),
        name: name.or_else(|| stored.name.clone()),
        phone: phone.or_else(|| stored.phone.clone()),
    }
}
