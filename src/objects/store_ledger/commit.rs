//! Writes a decision: the rows of its records, their identities and the idempotency row, in one
//! transaction.

use worker::wasm_bindgen::JsValue;

use super::records::table_of;
use super::{StoreLedger, to_json};
use crate::platform::sql::{integer, optional_integer, text};
use crate::{Result, internal};
use tidegate_core::domain::id::{Namespace, Sequence, SequenceId};
use tidegate_core::domain::record::{ClientRecord, OrderRecord};
use tidegate_core::ledger::{Decision, MoneyId, NewIdentity, State};
use tidegate_core::protocol::store_ledger::Idempotency;

/// What the trigger on the view `creations` does for the order itself.
pub(super) const INSERT_CREATION: &str = "
  INSERT INTO orders (id, change, source, created_by, status, placed_at, created_at, updated_at,
    client_id, content, reported, command_hash, version, history)
    VALUES (NEW.id, NEW.id, NEW.source, NEW.created_by, NEW.status, NEW.placed_at, NEW.created_at,
      NEW.updated_at, NEW.client_id, NEW.content, NEW.reported, NEW.command_hash, NEW.version,
      NEW.history);
  INSERT INTO identities (kind, value, namespace, id)
    SELECT 'order', NEW.external_id, NEW.namespace, NEW.id WHERE NEW.external_id IS NOT NULL;";

impl StoreLedger {
    /// Writes a decision. `sequence` has assigned its ids, and assigns its change numbers. `body` is
    /// the body of the response, which the idempotency row stores.
    pub(super) fn commit(
        &self,
        namespace: Namespace,
        idempotency: Option<&Idempotency>,
        decision: &Decision,
        body: &str,
        mut sequence: Sequence,
    ) -> Result<()> {
        if let Decision { order: Some((record, State::New)), client, identities, .. } = decision {
            // Outside the transaction of the order, because most orders need none.
            self.open_week(sequence.now)?;
            let is_alone = identities.is_empty()
                && client.as_ref().is_none_or(|(_, state)| *state == State::Unchanged);
            if is_alone {
                // A single statement is atomic by itself.
                self.insert_order(namespace, record, idempotency)?;
                self.last_sequence_id.set(sequence.last);
                return Ok(());
            }
        }
        if decision.is_unchanged() && idempotency.is_none() {
            return Ok(());
        }
        self.transaction(|| {
            self.write_records(namespace, idempotency, decision, &mut sequence)?;
            for identity in &decision.identities {
                self.insert_identity(namespace, identity)?;
            }
            let is_new_order = matches!(decision.order, Some((_, State::New)));
            if let Some(idempotency) = idempotency.filter(|_| !is_new_order) {
                let (status, id) = (decision.status(), decision.id());
                self.remember(namespace, idempotency, status, &id, body, sequence.now)?;
            }
            Ok(())
        })?;
        self.last_sequence_id.set(sequence.last);
        Ok(())
    }

    fn write_records(
        &self,
        namespace: Namespace,
        idempotency: Option<&Idempotency>,
        decision: &Decision,
        sequence: &mut Sequence,
    ) -> Result<()> {
        match &decision.client {
            Some((client, State::New)) => self.insert_client(client)?,
            Some((client, State::Changed)) => self.update_client(client, sequence.assign())?,
            Some((client, State::Noted)) => {
                self.update_history("clients", client.id.row, &to_json(&client.history)?)?;
            }
            Some((_, State::Unchanged)) | None => {}
        }
        let Some((order, state)) = &decision.order else { return Ok(()) };
        match state {
            State::New => self.insert_order(namespace, order, idempotency)?,
            State::Changed => self.update_order(order, sequence.assign())?,
            State::Noted => {
                self.update_history("orders", order.order.id.row, &to_json(&order.history)?)?;
            }
            State::Unchanged => {}
        }
        match decision.money {
            Some((money, state)) => self.write_money(order, money, state),
            None => Ok(()),
        }
    }

    /// Writes an order, its external id and, if there is a key, its idempotency row. One statement
    /// on the view `creations` writes the three rows, because a call into the database costs more
    /// than a row.
    fn insert_order(
        &self,
        namespace: Namespace,
        record: &OrderRecord,
        idempotency: Option<&Idempotency>,
    ) -> Result<()> {
        let order = &record.order;
        let placed_at = order.content.placed_at.unwrap_or(order.created_at);
        self.sql.run(
            "INSERT INTO creations (id, source, created_by, status, placed_at, created_at, updated_at,
               client_id, content, reported, command_hash, version, history, external_id,
               namespace, key, fingerprint, internal_id)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
               ?18)",
            &[
                integer(order.id.row.as_i64()),
                text(Some(order.source.as_str())),
                text(Some(&order.created_by.to_string())),
                text(Some(order.status().as_str())),
                integer(placed_at.millis()),
                integer(order.created_at.millis()),
                integer(order.updated_at.millis()),
                optional_integer(order.client_id.map(|id| id.row.as_i64())),
                json(&order.content)?,
                json(&order.reported)?,
                text(record.command_hash.as_deref()),
                optional_json(record.version.as_ref())?,
                json(&record.history)?,
                text(order.content.external_id.as_deref()),
                text(Some(&namespace.to_string())),
                text(idempotency.map(|idempotency| idempotency.key.as_str())),
                text(idempotency.map(|idempotency| idempotency.fingerprint.as_str())),
                text(Some(&order.id.to_string())),
            ],
        )
    }

    fn update_order(&self, record: &OrderRecord, change: SequenceId) -> Result<()> {
        let order = &record.order;
        let placed_at = order.content.placed_at.unwrap_or(order.created_at);
        self.sql.run(
            "UPDATE orders SET status = ?2, placed_at = ?3, updated_at = ?4, client_id = ?5,
               content = ?6, reported = ?7, version = ?8, history = ?9, change = ?10, created = ?11
             WHERE id = ?1",
            &[
                integer(order.id.row.as_i64()),
                text(Some(order.status().as_str())),
                integer(placed_at.millis()),
                integer(order.updated_at.millis()),
                optional_integer(order.client_id.map(|id| id.row.as_i64())),
                json(&order.content)?,
                json(&order.reported)?,
                optional_json(record.version.as_ref())?,
                json(&record.history)?,
                integer(change.as_i64()),
                optional_json(order.created.as_ref())?,
            ],
        )
    }

    fn insert_client(&self, client: &ClientRecord) -> Result<()> {
        self.sql.run(
            "INSERT INTO clients (id, change, details, created_at, updated_at, version, history,
               created_by) VALUES (?1, ?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            &[
                integer(client.id.row.as_i64()),
                json(&client.details)?,
                integer(client.created_at.millis()),
                integer(client.updated_at.millis()),
                optional_json(client.version.as_ref())?,
                json(&client.history)?,
                text(client.created_by.as_ref().map(ToString::to_string).as_deref()),
            ],
        )
    }

    fn update_client(&self, client: &ClientRecord, change: SequenceId) -> Result<()> {
        self.sql.run(
            "UPDATE clients SET details = ?2, updated_at = ?3, version = ?4, history = ?5,
               change = ?6 WHERE id = ?1",
            &[
                integer(client.id.row.as_i64()),
                json(&client.details)?,
                integer(client.updated_at.millis()),
                optional_json(client.version.as_ref())?,
                json(&client.history)?,
                integer(change.as_i64()),
            ],
        )
    }

    fn update_history(&self, table: &str, row: SequenceId, history: &str) -> Result<()> {
        let query = format!("UPDATE {table} SET history = ?2 WHERE id = ?1");
        self.sql.run(&query, &[integer(row.as_i64()), text(Some(history))])
    }

    /// Writes a payment or a refund of an order.
    fn write_money(&self, record: &OrderRecord, money: MoneyId, state: State) -> Result<()> {
        let missing = || internal("a payment or a refund without its order");
        let order = &record.order;
        let (detail, command_hash, version) = match money {
            MoneyId::Payment(id) => {
                let payment = order.payment(id).ok_or_else(missing)?;
                (json(&payment.detail)?, &payment.command_hash, &payment.version)
            }
            MoneyId::Refund(id) => {
                let refund = order.refund(id).ok_or_else(missing)?;
                (json(&refund.detail)?, &refund.command_hash, &refund.version)
            }
        };
        let table = table_of(money);
        let query = match state {
            State::New => format!(
                "INSERT INTO {table} (id, order_id, detail, command_hash, version)
                 VALUES (?1, ?2, ?3, ?4, ?5)"
            ),
            _ => format!(
                "UPDATE {table} SET order_id = ?2, detail = ?3, command_hash = ?4, version = ?5
                 WHERE id = ?1"
            ),
        };
        self.sql.run(
            &query,
            &[
                integer(money.row().as_i64()),
                integer(order.id.row.as_i64()),
                detail,
                text(command_hash.as_deref()),
                optional_json(version.as_ref())?,
            ],
        )
    }

    fn insert_identity(&self, namespace: Namespace, new: &NewIdentity) -> Result<()> {
        let NewIdentity { identity, value, row } = new;
        let insert = if identity.may_be_taken() { "INSERT OR IGNORE" } else { "INSERT" };
        self.sql.run(
            &format!(
                "{insert} INTO identities (kind, value, namespace, id) VALUES (?1, ?2, ?3, ?4)"
            ),
            &[
                text(Some(identity.as_str())),
                text(Some(value)),
                text(Some(&namespace.to_string())),
                integer(row.as_i64()),
            ],
        )
    }
}

fn json(value: &impl serde::Serialize) -> Result<JsValue> {
    Ok(text(Some(&to_json(value)?)))
}

fn optional_json(value: Option<&impl serde::Serialize>) -> Result<JsValue> {
    Ok(text(value.map(to_json).transpose()?.as_deref()))
}
