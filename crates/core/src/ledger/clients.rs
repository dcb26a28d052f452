//! Clients. A client is found within a namespace by its external id, or else by its e-mail address.

use super::{Decision, Identity, NewIdentity, State, Subject, is_repeated, judge_event};
use crate::api::clients::output::ClientOut;
use crate::api::orders::output::changed_fields;
use crate::domain::id::{ClientId, Sequence, SequenceId};
use crate::domain::log::Outcome;
use crate::domain::order::{ClientDetails, ClientSnapshot};
use crate::domain::record::{ClientRecord, HistoryEntry, Origin, append_history};

/// A client, how it differs from what is stored, and its new identities.
pub(super) struct ClientChange {
    pub record: ClientRecord,
    pub state: State,
    pub identities: Vec<NewIdentity>,
}

impl ClientChange {
    const fn unchanged(record: ClientRecord) -> Self {
        Self { record, state: State::Unchanged, identities: Vec::new() }
    }

    fn decision(self, outcome: Outcome) -> Decision {
        Decision {
            outcome,
            subject: Subject::Client(self.record.id),
            order: None,
            client: Some((self.record, self.state)),
            money: None,
            identities: self.identities,
        }
    }
}

/// Whether the client that has the e-mail address of these details can be the one that they are
/// about. With two different external ids it is another client with the same address.
pub fn may_be_same(stored: &ClientDetails, given: &ClientDetails) -> bool {
    stored.external_id.is_none() || given.external_id.is_none()
}

/// Creates or updates a client. `found` is the stored client that the details identify.
pub fn upsert(
    origin: &Origin,
    found: Option<ClientRecord>,
    details: ClientDetails,
    sequence: &mut Sequence,
) -> Decision {
    let Some(record) = found else {
        let entry = HistoryEntry::new(origin, "created", None, sequence.now);
        return create(origin, details, entry, sequence).decision(Outcome::Accepted);
    };
    let merged = merged(&record.details, &details);
    if merged == record.details {
        return ClientChange::unchanged(record).decision(Outcome::Duplicate);
    }
    let entry = HistoryEntry::new(origin, "updated", None, sequence.now);
    change(record, merged, Some(entry), sequence).decision(Outcome::Accepted)
}

/// Applies a native sender's snapshot of a client. `found` is the stored client that its details
/// identify.
pub fn apply_snapshot(
    origin: &Origin,
    found: Option<ClientRecord>,
    snapshot: ClientSnapshot,
    entry: HistoryEntry,
    sequence: &mut Sequence,
) -> Decision {
    let ClientSnapshot { details, version } = snapshot;
    let stored_version = found.as_ref().and_then(|record| record.version.as_ref());
    let outcome = judge_event(stored_version, &version);
    let mut client = match found {
        Some(record) if outcome != Outcome::Accepted => ClientChange::unchanged(record),
        Some(record) => change(record, details, Some(entry), sequence),
        None => create(origin, details, entry, sequence),
    };
    if outcome == Outcome::Accepted {
        client.record.version = Some(version);
    }
    client.decision(outcome)
}

/// Adds an entry to the history of a client, unless the same delivery is in it already. The sender
/// reports that the client was deleted, which destroys nothing here.
pub fn note_deletion(mut record: ClientRecord, entry: HistoryEntry) -> Decision {
    if is_repeated(&record.history, &entry) {
        return ClientChange::unchanged(record).decision(Outcome::Duplicate);
    }
    append_history(&mut record.history, entry);
    ClientChange { record, state: State::Noted, identities: Vec::new() }.decision(Outcome::Accepted)
}

/// The client of an order, created or updated. `None` if nothing identifies the client.
///
/// A client that its sender updates by its own events is not overwritten with the details in an
/// order.
pub(super) fn of_order(
    origin: &Origin,
    found: Option<ClientRecord>,
    details: Option<&ClientDetails>,
    sequence: &mut Sequence,
) -> Option<ClientChange> {
    let details = details.filter(|details| details.is_identified())?;
    Some(match found {
        None => {
            let entry = HistoryEntry::new(origin, "created", None, sequence.now);
            create(origin, details.clone(), entry, sequence)
        }
        Some(record) => {
            let merged = merged(&record.details, details);
            if record.version.is_some() || merged == record.details {
                ClientChange::unchanged(record)
            } else {
                change(record, merged, None, sequence)
            }
        }
    })
}

fn create(
    origin: &Origin,
    details: ClientDetails,
    entry: HistoryEntry,
    sequence: &mut Sequence,
) -> ClientChange {
    let row = sequence.assign();
    let identities = new_identities(&ClientDetails::default(), &details, row);
    let record = ClientRecord {
        id: ClientId::new(origin.store_id, row),
        details,
        created_by: Some(origin.author.clone()),
        version: None,
        history: vec![entry],
        created_at: sequence.now,
        updated_at: sequence.now,
    };
    ClientChange { record, state: State::New, identities }
}

fn change(
    mut record: ClientRecord,
    details: ClientDetails,
    entry: Option<HistoryEntry>,
    sequence: &Sequence,
) -> ClientChange {
    let identities = new_identities(&record.details, &details, record.id.row);
    let before = std::mem::replace(&mut record.details, details);
    record.updated_at = sequence.now;
    if let Some(mut entry) = entry {
        entry.changes = changed_fields(&before, &record.details);
        append_history(&mut record.history, entry);
    }
    ClientChange { record, state: State::Changed, identities }
}

/// The identities that are in `after` and not in `before`.
fn new_identities(
    before: &ClientDetails,
    after: &ClientDetails,
    row: SequenceId,
) -> Vec<NewIdentity> {
    let id = after.external_id.clone().filter(|_| after.external_id != before.external_id);
    let email = after.email.as_deref().filter(|_| after.email != before.email);
    let id = id.map(|value| NewIdentity { identity: Identity::Client, value, row });
    let email = email.map(|email| NewIdentity {
        identity: Identity::ClientEmail,
        value: email.to_lowercase(),
        row,
    });
    id.into_iter().chain(email).collect()
}

/// The stored details, updated with the given ones. Fields that are not given retain their stored
/// values. A stored external id is never replaced.
fn merged(stored: &ClientDetails, given: &ClientDetails) -> ClientDetails {
    let ClientDetails { external_id, email, name, phone } = given.clone();
    ClientDetails {
        external_id: stored.external_id.clone().or(external_id),
        email: email.or_else(|| stored.email.clone()),
        name: name.or_else(|| stored.name.clone()),
        phone: phone.or_else(|| stored.phone.clone()),
    }
}

impl ClientRecord {
    /// The client as the APIs return it.
    pub fn output(&self) -> ClientOut<'_> {
        let Self { id, details, created_by, created_at, updated_at, version: _, history: _ } = self;
        ClientOut::new(*id, details, created_by.as_ref(), *created_at, *updated_at)
    }
}
