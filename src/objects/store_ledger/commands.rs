//! Commands of the integration API and events of native senders: [`Ledger`] decides, from the records
//! that it finds, and the decision is committed and replied.

use super::StoreLedger;
use crate::{Result, internal};
use tidegate_core::domain::event::NativeEvent;
use tidegate_core::domain::log::Outcome;
use tidegate_core::domain::record::{HistoryEntry, Origin};
use tidegate_core::domain::time::Timestamp;
use tidegate_core::domain::write::Write;
use tidegate_core::ledger::{Decision, Ledger, created_identity};
use tidegate_core::protocol::store_ledger::{Idempotency, LedgerCommand, LedgerReply};

impl StoreLedger {
    /// Carries out each command of a batch by itself, so the failure of one does not affect the
    /// others.
    pub(super) fn batch(
        &self,
        commands: Vec<LedgerCommand>,
        now: Timestamp,
    ) -> (LedgerReply, String) {
        let replies = commands.into_iter().map(|command| match command {
            LedgerCommand::Batch { .. } => {
                (LedgerReply::Failed { temporary: false }, String::new())
            }
            command => self.reply_to(command, now),
        });
        (LedgerReply::Batch { replies: replies.collect() }, String::new())
    }

    /// Carries out a write once, or replies what it did then. A dry run is only decided, so its
    /// reply is exactly that of the real write.
    pub(super) fn write(
        &self,
        origin: &Origin,
        idempotency: Option<&Idempotency>,
        write: Write,
        is_dry_run: bool,
        now: Timestamp,
    ) -> Result<(LedgerReply, String)> {
        let idempotency = idempotency.filter(|_| !is_dry_run);
        let identity = created_identity(&write);
        let prior =
            self.find_prior(origin.store_id, origin.namespace, idempotency, identity, now)?;
        if let Some(reply) = prior.reply {
            return Ok(reply);
        }
        let mut sequence = self.sequence(now)?;
        let ledger = Ledger { records: self, origin };
        let decision = match ledger.write(write, prior.row, &mut sequence) {
            Ok(decision) => decision,
            Err(error) if error.code().status() == 409 => {
                let rejection = error.into_rejection();
                self.remember_conflict(origin, idempotency, &rejection, now)?;
                return Ok((LedgerReply::Rejected { rejection }, String::new()));
            }
            Err(error) => return Err(error),
        };
        let body = decision.body().ok_or_else(|| internal("a decision without its subject"))?;
        if !is_dry_run {
            self.commit(origin.namespace, idempotency, &decision, &body, sequence)?;
        }
        Ok((done(&decision, decision.status()), body))
    }

    /// Applies a native sender's event.
    pub(super) fn apply(
        &self,
        origin: &Origin,
        topic: &str,
        delivery: Option<String>,
        event: NativeEvent,
        now: Timestamp,
    ) -> Result<LedgerReply> {
        if matches!(event, NativeEvent::Notification { .. } | NativeEvent::Ignored { .. }) {
            let (internal_id, external_id) = (None, None);
            let outcome = Outcome::Ignored;
            return Ok(LedgerReply::Done { status: 200, outcome, internal_id, external_id });
        }
        let entry = HistoryEntry::new(origin, topic, delivery, now);
        let mut sequence = self.sequence(now)?;
        let ledger = Ledger { records: self, origin };
        let Some(decision) = ledger.event(event, entry, &mut sequence)? else {
            return Ok(LedgerReply::ParentUnknown);
        };
        self.commit(origin.namespace, None, &decision, "", sequence)?;
        Ok(done(&decision, 200))
    }
}

fn done(decision: &Decision, status: u16) -> LedgerReply {
    LedgerReply::Done {
        status,
        outcome: decision.outcome,
        internal_id: Some(decision.id()),
        external_id: decision.external_id().map(str::to_owned),
    }
}
