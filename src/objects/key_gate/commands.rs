//! The commands that the console and the RPCs send to a key.

use super::capture::{self, CaptureLookup};
use super::storage::{self, StoredKey};
use super::{KeyGate, log, parked, stats};
use crate::Result;
use crate::platform::now;
use tidegate_core::domain::id::SequenceId;
use tidegate_core::domain::key::{KeyChange, KeyRecord, KeyStatus};
use tidegate_core::domain::rejection::{Code, Rejection};
use tidegate_core::protocol::key_gate::{
    GateCommand, GateReply, LoggedRequest, NoCapture, RequestDetail,
};

impl KeyGate {
    /// Carries out a command. `ready` is the error if the object could not load its key.
    pub(super) async fn carry_out(
        &self,
        command: GateCommand,
        ready: Result<()>,
    ) -> Result<GateReply> {
        // A key that was just minted cannot have been loaded.
        if !matches!(command, GateCommand::Install { .. }) {
            ready?;
        }
        match command {
            GateCommand::Install { record } => self.install(*record),
            GateCommand::Change { change, actor, audit_id } => {
                self.change(change, actor, audit_id).await
            }
            GateCommand::Reseal { actor, audit_id } => {
                let secrets = self.reseal_secrets()?;
                self.change(KeyChange::Reseal { secrets }, actor, audit_id).await
            }
            GateCommand::Stats => self.with(|key_state| {
                let [h24, d7, d30] = stats::windows(&self.sql, key_state.open_minute(), now())?;
                let last_used_at = key_state.last_used(&self.sql)?;
                Ok(GateReply::Stats { h24, d7, d30, last_used_at })
            })?,
            GateCommand::Usage => self.usage(),
            GateCommand::Series { window } => self.with(|key_state| {
                let open = key_state.open_minute();
                let (buckets, total) = stats::series(&self.sql, open, window, now())?;
                Ok(GateReply::Series { buckets, total })
            })?,
            GateCommand::ListRequests { filter } => self.with(|key_state| {
                key_state.flush_refusals(&self.sql)?;
                let gate = key_state.stored.record.key_hash.gate();
                let (requests, next) = log::list(&self.sql, gate, &filter)?;
                Ok(GateReply::Requests { requests, next })
            })?,
            GateCommand::GetRequest { row } => self.get_request(row),
            GateCommand::ListParked { limit, before, awaiting_details } => {
                let (events, next) = parked::list(&self.sql, limit, before, awaiting_details)?;
                Ok(GateReply::Parked { events, next })
            }
            GateCommand::RetryParked { row } => self.retry_by_hand(parked_row(row)?).await,
            GateCommand::DiscardParked { row, actor, audit_id } => {
                parked::discard(&self.sql, parked_row(row)?)?;
                self.audit_parked_event("parked_event.discarded", row, actor, audit_id).await?;
                Ok(GateReply::Settled { outcome: None, reason: None })
            }
            GateCommand::CloseTails { session } => self.with(|key_state| {
                let closed = key_state.tails.close_signed_out(session.as_deref());
                Ok(GateReply::TailsClosed { closed })
            })?,
        }
    }

    /// Stores a key that was just minted. A key that is already stored is not overwritten: it may
    /// have changed since.
    fn install(&self, record: KeyRecord) -> Result<GateReply> {
        if self.key_state.borrow().is_none() {
            let stored = StoredKey { record, source_address: None, intents: Vec::new() };
            storage::install(&self.sql, &stored)?;
            self.rebuild(stored)?;
        }
        Ok(GateReply::Installed)
    }

    /// One request of the log with its capture.
    fn get_request(&self, row: i64) -> Result<GateReply> {
        let not_found =
            || Rejection::new(Code::NotFound, "The log of this key has no such request.");
        let row = SequenceId::from_i64(row).ok_or_else(not_found)?;
        self.with(|key_state| {
            key_state.flush_refusals(&self.sql)?;
            let record = &key_state.stored.record;
            let request = log::find(&self.sql, record.key_hash.gate(), row)?;
            let request = request.ok_or_else(not_found)?;
            let capture = match capture::find(&self.sql, row)? {
                CaptureLookup::Found(capture) => Ok(capture),
                _ if request.outcome.is_capped() => Err(NoCapture::Refusal),
                _ if request.method == LoggedRequest::RETRY => Err(NoCapture::Retry),
                _ if !record.capture_bodies => Err(NoCapture::CaptureOff),
                CaptureLookup::DayDropped => Err(NoCapture::TooOld),
                // Only `whoami` is a GET, and everything else is captured.
                CaptureLookup::NotCaptured if request.method == "GET" => Err(NoCapture::NoBody),
                CaptureLookup::NotCaptured => Err(NoCapture::DayFull),
            };
            let parked = parked::find(&self.sql, row)?;
            Ok(GateReply::Request { detail: Box::new(RequestDetail { request, capture, parked }) })
        })?
    }

    async fn retry_by_hand(&self, row: SequenceId) -> Result<GateReply> {
        let status = self.with(|key_state| key_state.stored.record.status)?;
        if status == KeyStatus::Revoked {
            return Err(Rejection::new(
                Code::InvalidState,
                "The key is revoked: its parked events can only be discarded.",
            )
            .into());
        }
        let (outcome, reason) = self.retry(row, true).await?;
        Ok(GateReply::Settled { outcome, reason })
    }
}

fn parked_row(row: i64) -> Result<SequenceId> {
    let not_found = || Rejection::new(Code::NotFound, "This key has no such parked event.");
    Ok(SequenceId::from_i64(row).ok_or_else(not_found)?)
}
