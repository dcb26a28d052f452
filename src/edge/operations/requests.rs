//! A key's requests and parked events.

use super::{ControlPlane, unfitting};
use crate::domain::credential::{GateName, KeyId};
use crate::domain::failing::FailingWebhook;
use crate::domain::id::{AuditId, SequenceId};
use crate::domain::log::{Bucket, Outcome, Tally, Window};
use crate::domain::parked::{ParkReason, ParkedCount};
use crate::domain::time::Timestamp;
use crate::edge::Result;
use crate::edge::caller::Admin;
use crate::edge::platform::random;
use crate::protocol::key_gate::{
    GateCommand, GateReply, LoggedRequest, ParkedEvent, RequestDetail, RequestFilter,
};

/// Requests within 24 hours, 7 and 30 days, and when one was last admitted.
pub struct Stats {
    pub h24: Tally,
    pub d7: Tally,
    pub d30: Tally,
    pub last_used_at: Option<Timestamp>,
}

/// What the list of keys shows of one: [`GateReply::Usage`].
pub struct Usage {
    pub h24: Tally,
    /// 24 hours, the oldest first.
    pub hours: Vec<Tally>,
    pub last_used_at: Option<Timestamp>,
    pub parked: ParkedCount,
    pub failing: Vec<FailingWebhook>,
}

impl ControlPlane<'_> {
    pub async fn usage(&self, admin: &Admin, key_id: &KeyId) -> Result<Usage> {
        let gate = self.gate_of(admin, key_id).await?;
        match self.command(gate, GateCommand::Usage).await? {
            GateReply::Usage { h24, hours, last_used_at, parked, awaiting_details, failing } => {
                let parked = ParkedCount {
                    attention: parked.saturating_sub(awaiting_details),
                    awaiting_details,
                };
                Ok(Usage { h24, hours, last_used_at, parked, failing })
            }
            _ => Err(unfitting()),
        }
    }

    /// The requests of a window in buckets, oldest first, and all of it together.
    pub async fn series(
        &self,
        admin: &Admin,
        key_id: &KeyId,
        window: Window,
    ) -> Result<(Vec<Bucket>, Tally)> {
        let gate = self.gate_of(admin, key_id).await?;
        match self.command(gate, GateCommand::Series { window }).await? {
            GateReply::Series { buckets, total } => Ok((buckets, total)),
            _ => Err(unfitting()),
        }
    }

    /// One request of a key with what was kept of it.
    pub async fn request(
        &self,
        admin: &Admin,
        key_id: &KeyId,
        row: SequenceId,
    ) -> Result<RequestDetail> {
        let gate = self.gate_of(admin, key_id).await?;
        match self.command(gate, GateCommand::GetRequest { row: row.as_i64() }).await? {
            GateReply::Request { detail } => Ok(*detail),
            _ => Err(unfitting()),
        }
    }

    pub async fn stats(&self, admin: &Admin, key_id: &KeyId) -> Result<Stats> {
        let gate = self.gate_of(admin, key_id).await?;
        match self.command(gate, GateCommand::Stats).await? {
            GateReply::Stats { h24, d7, d30, last_used_at } => {
                Ok(Stats { h24, d7, d30, last_used_at })
            }
            _ => Err(unfitting()),
        }
    }

    /// A page of a key's log, and the row to go on before.
    pub async fn requests(
        &self,
        admin: &Admin,
        key_id: &KeyId,
        filter: RequestFilter,
    ) -> Result<(Vec<LoggedRequest>, Option<i64>)> {
        let gate = self.gate_of(admin, key_id).await?;
        match self.command(gate, GateCommand::ListRequests { filter }).await? {
            GateReply::Requests { requests, next } => Ok((requests, next)),
            _ => Err(unfitting()),
        }
    }

    /// A page of a key's parked events, the row to go on before, and the gate that holds them; only
    /// those that await details or only the others, where `awaiting_details` says so.
    pub async fn parked(
        &self,
        admin: &Admin,
        key_id: &KeyId,
        limit: u32,
        before: Option<i64>,
        awaiting_details: Option<bool>,
    ) -> Result<(GateName, Vec<ParkedEvent>, Option<i64>)> {
        let gate = self.gate_of(admin, key_id).await?;
        match self
            .command(gate, GateCommand::ListParked { limit, before, awaiting_details })
            .await?
        {
            GateReply::Parked { events, next } => Ok((gate, events, next)),
            _ => Err(unfitting()),
        }
    }

    /// Tries a parked event now: its outcome where it was settled, else why it waits on.
    pub async fn retry_parked(
        &self,
        admin: &Admin,
        key_id: &KeyId,
        row: SequenceId,
    ) -> Result<(Option<Outcome>, Option<ParkReason>)> {
        let gate = self.gate_of(admin, key_id).await?;
        match self.command(gate, GateCommand::RetryParked { row: row.as_i64() }).await? {
            GateReply::Settled { outcome, reason } => Ok((outcome, reason)),
            _ => Err(unfitting()),
        }
    }

    /// Forgets a parked event for good; the audit log keeps who did.
    pub async fn discard_parked(
        &self,
        admin: &Admin,
        key_id: &KeyId,
        row: SequenceId,
    ) -> Result<()> {
        let gate = self.gate_of(admin, key_id).await?;
        let (actor, audit_id) = (admin.actor.clone(), AuditId::from_random(random()?));
        let row = row.as_i64();
        self.command(gate, GateCommand::DiscardParked { row, actor, audit_id }).await?;
        Ok(())
    }
}
