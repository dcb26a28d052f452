//! Orders: creation, cancellation, and the snapshots of native senders.

use super::clients::ClientChange;
use super::{
    Decision, Identity, NewIdentity, State, clients, conflict, is_repeated, judge_event, without_id,
};
use crate::api::orders::output::{OrderOut, changed_fields};
use crate::domain::command_hash::CreatingCommand;
use crate::domain::id::{OrderId, Sequence};
use crate::domain::log::Outcome;
use crate::domain::order::{OrderContent, OrderSnapshot};
use crate::domain::record::{
    ClientRecord, HistoryEntry, OrderRecord, Origin, StoredOrder, append_history,
};
use crate::domain::rejection::Rejection;
use crate::domain::reported::SenderReported;
use crate::domain::time::Timestamp;
use crate::domain::transition::Action;

/// Creates an order. `existing` is the order with its external id, `client` the stored client that
/// its client's details identify.
///
/// # Errors
/// 409 `external_id_conflict` if another command created the existing order.
pub fn create(
    origin: &Origin,
    existing: Option<OrderRecord>,
    client: Option<ClientRecord>,
    content: OrderContent,
    sequence: &mut Sequence,
) -> Result<Decision, Rejection> {
    let command = CreatingCommand::Order(&content);
    if let Some(record) = existing {
        let is_same = record.command_hash.as_deref().is_some_and(|hash| command.has_hash(hash));
        return if is_same {
            Ok(Decision::of_order(record, State::Unchanged, Outcome::Duplicate))
        } else {
            Err(conflict("order", &record.order.id))
        };
    }
    let hash = Some(command.hash());
    let client = clients::of_order(origin, client, content.client.as_ref(), sequence);
    let entry = HistoryEntry::new(origin, "created", None, sequence.now);
    let mut record = new_record(origin, content, entry, sequence);
    record.command_hash = hash;
    Ok(with_client(record, State::New, client))
}

/// Cancels an order.
///
/// # Errors
/// 409 `invalid_state` if an order of this status cannot be cancelled.
pub fn cancel(
    origin: &Origin,
    mut record: OrderRecord,
    reason: String,
    now: Timestamp,
) -> Result<Decision, Rejection> {
    if record.order.reported.local.cancel_reason.as_ref() == Some(&reason) {
        return Ok(Decision::of_order(record, State::Unchanged, Outcome::Duplicate));
    }
    let before = record.order.clone();
    let status = Action::Cancel.apply(before.status())?;
    let local = &mut record.order.reported.local;
    local.status = Some(status);
    local.cancelled_at = Some(now);
    local.cancel_reason = Some(reason);
    note_change(&mut record, &before, HistoryEntry::new(origin, "cancelled", None, now));
    Ok(Decision::of_order(record, State::Changed, Outcome::Accepted))
}

/// Applies a native sender's snapshot of an order. `existing` is the order with its external id,
/// `client` the stored client that its client's details identify.
///
/// # Errors
/// 422 if the snapshot has no id of its sender.
pub fn apply_snapshot(
    origin: &Origin,
    existing: Option<OrderRecord>,
    client: Option<ClientRecord>,
    snapshot: OrderSnapshot,
    entry: HistoryEntry,
    sequence: &mut Sequence,
) -> Result<Decision, Rejection> {
    let OrderSnapshot { content, payments, refunds, payment_ids, version } = snapshot;
    if content.external_id.is_none() {
        return Err(without_id("order"));
    }
    let stored_version = existing.as_ref().and_then(|record| record.version.as_ref());
    let outcome = judge_event(stored_version, &version);
    let mut decision = match existing {
        Some(record) if outcome != Outcome::Accepted => {
            return Ok(Decision::of_order(record, State::Unchanged, outcome));
        }
        Some(mut record) => {
            let before = record.order.clone();
            let client = clients::of_order(origin, client, content.client.as_ref(), sequence);
            let client_id = match (&content.client, &client) {
                (None, _) => before.client_id,
                (Some(_), client) => client.as_ref().map(|client| client.record.id),
            };
            let is_replayed = record.command_hash.is_some();
            record.order.change_content(content, client_id, is_replayed);
            let local = std::mem::take(&mut record.order.reported.local);
            record.order.reported = SenderReported { payments, refunds, local };
            record.version = Some(version);
            note_change(&mut record, &before, entry);
            with_client(record, State::Changed, client)
        }
        None => {
            let client = clients::of_order(origin, client, content.client.as_ref(), sequence);
            let mut record = new_record(origin, content, entry, sequence);
            record.order.reported =
                SenderReported { payments, refunds, ..SenderReported::default() };
            record.version = Some(version);
            with_client(record, State::New, client)
        }
    };
    if let Some(row) = decision.order.as_ref().map(|(record, _)| record.order.id.row) {
        let linked = |value| NewIdentity { identity: Identity::OrderOfPayment, value, row };
        decision.identities.extend(payment_ids.into_iter().map(linked));
    }
    Ok(decision)
}

/// Adds an entry to the history of an order, unless the same delivery is in it already. The sender
/// reports that the order was deleted, which destroys nothing here.
pub fn note_deletion(mut record: OrderRecord, entry: HistoryEntry) -> Decision {
    if is_repeated(&record.history, &entry) {
        return Decision::of_order(record, State::Unchanged, Outcome::Duplicate);
    }
    append_history(&mut record.history, entry);
    Decision::of_order(record, State::Noted, Outcome::Accepted)
}

/// Records that an order changed from `before` to what it is now: its time, and an entry in its
/// history with the names of the fields that changed.
pub(super) fn note_change(record: &mut OrderRecord, before: &StoredOrder, mut entry: HistoryEntry) {
    record.order.updated_at = entry.at;
    entry.changes = changed_fields(&OrderOut::from(before), &OrderOut::from(&record.order));
    append_history(&mut record.history, entry);
}

fn new_record(
    origin: &Origin,
    content: OrderContent,
    entry: HistoryEntry,
    sequence: &mut Sequence,
) -> OrderRecord {
    let order = StoredOrder {
        id: OrderId::new(origin.store_id, sequence.assign()),
        source: origin.source,
        created_by: origin.author.clone(),
        client_id: None,
        content,
        created: None,
        reported: SenderReported::default(),
        payments: Vec::new(),
        refunds: Vec::new(),
        created_at: sequence.now,
        updated_at: sequence.now,
    };
    OrderRecord { order, command_hash: None, version: None, history: vec![entry] }
}

/// The decision about an order and its client. A new order gets the client's id; a stored one has
/// it.
fn with_client(mut record: OrderRecord, state: State, client: Option<ClientChange>) -> Decision {
    if state == State::New {
        record.order.client_id = client.as_ref().map(|client| client.record.id);
    }
    let mut decision = Decision::of_order(record, state, Outcome::Accepted);
    if let Some(ClientChange { record, state, identities }) = client {
        decision.client = Some((record, state));
        decision.identities = identities;
    }
    decision
}
