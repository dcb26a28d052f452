//! The one alarm of a KeyGate: D1 again, parked events again, counted refusals, the end of tails. At
//! least once, and given up by the platform after six failures, so it never fails: it re-arms
//! instead.

use super::change::PUBLISH_AGAIN;
use super::deliver::{Applied, reread};
use super::key_state::KeyState;
use super::parked::Waiting;
use super::storage::Intent;
use super::{InFlight, KeyGate, parked};
use crate::domain::admission::{Delivery, admit_delivery};
use crate::domain::event::NativeEvent;
use crate::domain::id::{AuditId, SequenceId};
use crate::domain::key::KeyStatus;
use crate::domain::log::{LogEntry, Outcome};
use crate::domain::parked::{NO_BUDGET_DELAY, ParkReason};
use crate::domain::time::{SECOND, Timestamp};
use crate::edge::Result;
use crate::edge::platform::{now, random_token};
use crate::protocol::key_gate::{Actor, LoggedRequest};

/// Parked events that one alarm tries.
const BATCH: u32 = 50;

/// Until the alarm tries again where it failed.
const FAILED_AGAIN: i64 = 30 * SECOND;

impl KeyGate {
    /// Sets the alarm for `at`, unless it is set for earlier.
    pub(super) async fn arm(&self, at: Timestamp) {
        if let Err(error) = self.try_arm(at).await {
            worker::console_error!("set_alarm: {error}");
        }
    }

    async fn try_arm(&self, at: Timestamp) -> worker::Result<()> {
        let is_earlier = self.with(|key_state| {
            let earlier = key_state.alarm_at.is_none_or(|set| at < set);
            if earlier {
                key_state.alarm_at = Some(at);
            }
            earlier
        });
        if let Ok(true) = is_earlier {
            // Milliseconds from now; an alarm of the past is due at once.
            let offset = at.since(now()).max(0);
            self.state.storage().set_alarm(offset).await?;
        }
        Ok(())
    }

    /// After waking: sets the alarm for what waits, where it is not set. An alarm that was lost
    /// must strand nothing.
    pub(super) async fn rearm(&self) {
        let Ok(Some(due)) = self.with(|key_state| self.next_due(key_state, None)) else { return };
        match self.state.storage().get_alarm().await {
            Ok(Some(set)) if set <= due.millis() => {
                let _ =
                    self.with(|key_state| key_state.alarm_at = Some(Timestamp::from_millis(set)));
            }
            _ => self.arm(due).await,
        }
    }

    /// When there is something to do next; parked events not before `budget_at`.
    fn next_due(&self, key_state: &KeyState, budget_at: Option<Timestamp>) -> Option<Timestamp> {
        let unpublished = (!key_state.stored.intents.is_empty()).then(|| now().plus(PUBLISH_AGAIN));
        let waiting = (key_state.stored.record.status == KeyStatus::Active)
            .then(|| parked::next_due(&self.sql).ok().flatten())
            .flatten()
            .map(|due| budget_at.map_or(due, |budget_at| due.max(budget_at)));
        let tails = key_state.tails.next_expiry();
        [unpublished, key_state.refusals_due(), waiting, tails].into_iter().flatten().min()
    }

    /// Does what is due. Fails only where it could not set the next alarm: then the platform
    /// repeats this one.
    pub(super) async fn on_alarm(&self) -> worker::Result<()> {
        if self.key_state.borrow().is_none() && self.wake().await.is_err() {
            // Without memory `arm` does nothing: set it directly.
            return self.state.storage().set_alarm(FAILED_AGAIN).await;
        }
        let _ = self.with(|key_state| key_state.alarm_at = None);
        self.publish().await;
        let budget_at = match self.retry_due().await {
            Ok(budget_at) => budget_at,
            Err(rejection) => {
                worker::console_error!("parked events: {}", rejection.detail);
                Some(now().plus(FAILED_AGAIN))
            }
        };
        let now = now();
        let due = self.with(|key_state| {
            if key_state.refusals_due().is_some_and(|due| due <= now) {
                let _ = key_state.flush_refusals(&self.sql);
            }
            key_state.tails.close_expired(now);
            self.next_due(key_state, budget_at)
        });
        match due {
            Ok(Some(due)) => self.try_arm(due).await,
            _ => Ok(()),
        }
    }

    /// Tries the parked events that are due, oldest first, while live traffic leaves budget, and
    /// says when there will be some again where it left none.
    async fn retry_due(&self) -> Result<Option<Timestamp>> {
        if self.with(|key_state| key_state.stored.record.status)? != KeyStatus::Active {
            return Ok(None);
        }
        for row in parked::due(&self.sql, now(), BATCH)? {
            let quota = self.with(|key_state| key_state.window.quota(now()))?;
            if quota.remaining == 0 {
                return Ok(Some(now().plus(i64::from(quota.reset.max(1)) * SECOND)));
            }
            if let (None, Some(ParkReason::StoreUnavailable)) = self.retry(row, false).await? {
                break;
            }
        }
        Ok(None)
    }

    /// Tries one parked event: its outcome where it was settled, else why it waits on.
    pub(super) async fn retry(
        &self,
        row: SequenceId,
        by_hand: bool,
    ) -> Result<(Option<Outcome>, Option<ParkReason>)> {
        let event = parked::take(&self.sql, row)?;
        let started = now();
        let _in_flight = InFlight::enter(&self.in_flight);
        let attempt = random_token();
        let reading = reread(&event.ingest, &event.body);
        let topic = reading.topic.clone();
        let is_thin = matches!(reading.meaning, Ok(NativeEvent::Notification { .. }));
        let (retry_row, delivery) = self.with(|key_state| {
            let admitted = key_state.row(attempt, started);
            let scope = reading.subject.scope();
            // There is nothing to charge for: it goes on waiting, or waits already.
            let record = &key_state.stored.record;
            let delivery = match is_thin && scope.is_none_or(|scope| record.scopes.allow(scope)) {
                true => Delivery::Park(ParkReason::AwaitingDetails),
                false => admit_delivery(record, &mut key_state.window, scope, started),
            };
            (admitted.row, delivery)
        })?;
        let applied = match delivery {
            Delivery::Park(reason) if reason != ParkReason::AwaitingDetails => {
                Applied::park(reason)
            }
            _ => self.apply(reading, event.ingest.fault, retry_row, (row, &event.body)).await,
        };
        let now = now();
        let (outcome, reason) = match &applied {
            Applied::Settled { outcome, .. } => {
                parked::settled(&self.sql, row)?;
                (Some(*outcome), None)
            }
            Applied::Park { reason, detail, parent, token } => {
                let attempts = event.attempts + 1;
                let next_at = match reason {
                    ParkReason::RateLimited => Some(now.plus(NO_BUDGET_DELAY)),
                    reason => parked::next_attempt(*reason, attempts, now),
                };
                let (detail, parent) = (detail.as_deref(), parent.as_deref());
                let waiting = Waiting { reason: *reason, detail, parent, token: token.clone() };
                parked::put_back(&self.sql, row, attempts, &waiting, next_at)?;
                if let Some(parent) = parent {
                    self.release_if_arrived(parent).await?;
                }
                if let Some(next_at) = next_at.filter(|_| by_hand) {
                    self.arm(next_at).await;
                }
                (None, Some(*reason))
            }
        };
        if delivery == Delivery::Apply {
            let path = event.ingest.path;
            self.log_retry(row, retry_row, attempt, path, topic, applied, now.since(started))?;
        }
        Ok((outcome, reason))
    }

    #[expect(clippy::too_many_arguments, reason = "what an entry says of a retry")]
    /// Logs what a retry did and took from the limit. It stands for no request of the sender, so
    /// it counts as none.
    fn log_retry(
        &self,
        parked_row: SequenceId,
        row: SequenceId,
        attempt: i64,
        path: String,
        topic: String,
        applied: Applied,
        latency_ms: i64,
    ) -> Result<()> {
        let (outcome, internal_id, external_id, why) = match applied {
            Applied::Settled { outcome, internal_id, external_id, detail } => {
                (outcome, internal_id, external_id, detail)
            }
            Applied::Park { reason, detail, .. } => {
                (Outcome::Parked, None, None, Some(reason.with(detail.as_deref())))
            }
        };
        self.with(|key_state| {
            let why = why.map(|why| format!(" {why}")).unwrap_or_default();
            let entry = LogEntry {
                row,
                attempt,
                units: 1,
                count: 0,
                method: LoggedRequest::RETRY.to_owned(),
                path,
                status: 200,
                latency_ms,
                outcome,
                topic: Some(topic).filter(|topic| !topic.is_empty()),
                idempotency_key: None,
                external_id,
                internal_id,
                error_code: None,
                detail: Some(format!("Retry of {}.{why}", key_state.request_id(parked_row))),
            };
            key_state.log(&self.sql, entry, None, now())
        })?
    }

    /// Writes an entry of the audit log that changes nothing about the key itself.
    pub(super) async fn note(
        &self,
        action: &str,
        row: i64,
        actor: Actor,
        audit_id: AuditId,
    ) -> Result<()> {
        let at = now();
        self.with(|key_state| {
            let event = SequenceId::from_i64(row).map(|row| key_state.request_id(row).to_string());
            let detail = serde_json::json!({ "event": event }).to_string();
            let mut stored = key_state.stored.clone();
            stored.intents.push(Intent { audit_id, action: action.to_owned(), actor, at, detail });
            super::storage::save(&self.sql, &stored)?;
            key_state.stored = stored;
            Ok::<_, crate::domain::rejection::Rejection>(())
        })??;
        self.arm(at.plus(PUBLISH_AGAIN)).await;
        self.publish().await;
        Ok(())
    }
}
