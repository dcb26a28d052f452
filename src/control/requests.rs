//! Reads a key's usage and requests from its KeyGate, and settles its parked events.

use super::{ControlPlane, OwnedKey, unexpected_reply};
use crate::Result;
use crate::control::caller::Admin;
use crate::platform::random;
use tidegate_core::domain::failing::FailingWebhook;
use tidegate_core::domain::id::{AuditId, SequenceId};
use tidegate_core::domain::log::{Bucket, Outcome, Tally, Window};
use tidegate_core::domain::parked::{ParkReason, ParkedCount};
use tidegate_core::domain::time::Timestamp;
use tidegate_core::protocol::key_gate::{
    GateCommand, GateReply, LoggedRequest, ParkedEvent, RequestDetail, RequestFilter,
};

/// The requests of the last 24 hours, 7 days and 30 days, and when one was last admitted.
pub struct Stats {
    pub h24: Tally,
    pub d7: Tally,
    pub d30: Tally,
    pub last_used_at: Option<Timestamp>,
}

/// The traffic of a key for the list of keys, from [`GateReply::Usage`].
pub struct Usage {
    pub h24: Tally,
    /// One tally for each of the last 24 hours, oldest first.
    pub hours: Vec<Tally>,
    pub last_used_at: Option<Timestamp>,
    pub parked: ParkedCount,
    pub failing: Vec<FailingWebhook>,
}

impl ControlPlane<'_> {
    /// The traffic of a key, if its KeyGate reports it within so many milliseconds.
    pub async fn usage(&self, key: &OwnedKey, deadline_ms: u32) -> Result<Usage> {
        let gate = key.key_hash.gate();
        match self.command_within(gate, GateCommand::Usage, deadline_ms).await? {
            GateReply::Usage { h24, hours, last_used_at, parked, awaiting_details, failing } => {
                let parked = ParkedCount {
                    attention: parked.saturating_sub(awaiting_details),
                    awaiting_details,
                };
                Ok(Usage { h24, hours, last_used_at, parked, failing })
            }
            _ => Err(unexpected_reply()),
        }
    }

    /// The requests of a window in buckets, oldest first, and their total.
    pub async fn series(&self, key: &OwnedKey, window: Window) -> Result<(Vec<Bucket>, Tally)> {
        match self.command(key, GateCommand::Series { window }).await? {
            GateReply::Series { buckets, total } => Ok((buckets, total)),
            _ => Err(unexpected_reply()),
        }
    }

    /// One request of a key with its captures.
    pub async fn request(&self, key: &OwnedKey, row: SequenceId) -> Result<RequestDetail> {
        match self.command(key, GateCommand::GetRequest { row: row.as_i64() }).await? {
            GateReply::Request { detail } => Ok(*detail),
            _ => Err(unexpected_reply()),
        }
    }

    pub async fn stats(&self, key: &OwnedKey) -> Result<Stats> {
        match self.command(key, GateCommand::Stats).await? {
            GateReply::Stats { h24, d7, d30, last_used_at } => {
                Ok(Stats { h24, d7, d30, last_used_at })
            }
            _ => Err(unexpected_reply()),
        }
    }

    /// A page of a key's log, newest first, and the row before which the next page goes on.
    pub async fn requests(
        &self,
        key: &OwnedKey,
        filter: RequestFilter,
    ) -> Result<(Vec<LoggedRequest>, Option<i64>)> {
        match self.command(key, GateCommand::ListRequests { filter }).await? {
            GateReply::Requests { requests, next } => Ok((requests, next)),
            _ => Err(unexpected_reply()),
        }
    }

    /// A page of a key's parked events, and the row before which the next page goes
    /// on. With `awaiting_details` set, only the events that await details (`true`) or only the
    /// others.
    pub async fn parked(
        &self,
        key: &OwnedKey,
        limit: u32,
        before: Option<i64>,
        awaiting_details: Option<bool>,
    ) -> Result<(Vec<ParkedEvent>, Option<i64>)> {
        match self.command(key, GateCommand::ListParked { limit, before, awaiting_details }).await?
        {
            GateReply::Parked { events, next } => Ok((events, next)),
            _ => Err(unexpected_reply()),
        }
    }

    /// Retries a parked event now. Returns its outcome if it was settled, else the reason why it
    /// stays parked.
    pub async fn retry_parked(
        &self,
        key: &OwnedKey,
        row: SequenceId,
    ) -> Result<(Option<Outcome>, Option<ParkReason>)> {
        match self.command(key, GateCommand::RetryParked { row: row.as_i64() }).await? {
            GateReply::Settled { outcome, reason } => Ok((outcome, reason)),
            _ => Err(unexpected_reply()),
        }
    }

    /// Deletes a parked event for good. The audit log records who did it.
    pub async fn discard_parked(
        &self,
        admin: &Admin,
        key: &OwnedKey,
        row: SequenceId,
    ) -> Result<()> {
        let (actor, audit_id) = (admin.actor.clone(), AuditId::from_random(random()?));
        let row = row.as_i64();
        self.command(key, GateCommand::DiscardParked { row, actor, audit_id }).await?;
        Ok(())
    }
}
