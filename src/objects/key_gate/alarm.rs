//! The one alarm of a KeyGate. It retries unacknowledged writes to D1, retries parked events,
//! writes counted refusals, and closes expired live tails.
//!
//! The platform delivers an alarm at least once and gives up after six failures, so the handler
//! does not fail: it sets the alarm again instead.

use super::change::PUBLISH_RETRY;
use super::deliver::parse_again;
use super::key_state::KeyState;
use super::parked::Parked;
use super::storage::Intent;
use super::{InFlight, KeyGate, parked};
use crate::Result;
use crate::platform::{now, random_token};
use tidegate_core::delivery::Fate;
use tidegate_core::domain::actor::Actor;
use tidegate_core::domain::admission::{DeliveryDecision, admit_delivery};
use tidegate_core::domain::event::NativeEvent;
use tidegate_core::domain::id::{AuditId, SequenceId};
use tidegate_core::domain::key::KeyStatus;
use tidegate_core::domain::log::{About, LogEntry, Outcome};
use tidegate_core::domain::parked::{NO_BUDGET_DELAY, ParkReason};
use tidegate_core::domain::time::{SECOND, Timestamp};
use tidegate_core::protocol::key_gate::LoggedRequest;

/// The most parked events that one alarm retries.
const RETRIES_PER_ALARM: u32 = 50;

/// Milliseconds until the next alarm after one that failed.
const RETRY_AFTER_FAILURE: i64 = 30 * SECOND;

impl KeyGate {
    /// Sets the alarm for `at`, unless it is already set for an earlier time.
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
            // Milliseconds from now. An alarm in the past is due at once.
            let offset = at.since(now()).max(0);
            self.state.storage().set_alarm(offset).await?;
        }
        Ok(())
    }

    /// After the object wakes: sets the alarm if work is waiting and no alarm covers it, so that a
    /// lost alarm strands nothing.
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

    /// When the alarm has something to do next. Parked events wait at least until `budget_at`.
    fn next_due(&self, key_state: &KeyState, budget_at: Option<Timestamp>) -> Option<Timestamp> {
        let unpublished = (!key_state.stored.intents.is_empty()).then(|| now().plus(PUBLISH_RETRY));
        let next_retry = (key_state.stored.record.status == KeyStatus::Active)
            .then(|| parked::next_due(&self.sql).ok().flatten())
            .flatten()
            .map(|due| budget_at.map_or(due, |budget_at| due.max(budget_at)));
        let tails = key_state.tails.next_expiry();
        [unpublished, key_state.refusals_due(), next_retry, tails].into_iter().flatten().min()
    }

    /// Does the work that is due. Fails only if the next alarm could not be set; the platform then
    /// repeats this one.
    pub(super) async fn on_alarm(&self) -> worker::Result<()> {
        if self.key_state.borrow().is_none() && self.wake().await.is_err() {
            // `arm` does nothing without memory, so set the alarm directly.
            return self.state.storage().set_alarm(RETRY_AFTER_FAILURE).await;
        }
        let _ = self.with(|key_state| key_state.alarm_at = None);
        self.publish().await;
        let budget_at = match self.retry_due().await {
            Ok(budget_at) => budget_at,
            Err(error) => {
                worker::console_error!("parked events: {error}");
                Some(now().plus(RETRY_AFTER_FAILURE))
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

    /// Retries the parked events that are due, oldest first, as far as live traffic leaves budget
    /// in the rate limit. Returns when there will be budget again, if it ran out.
    async fn retry_due(&self) -> Result<Option<Timestamp>> {
        if self.with(|key_state| key_state.stored.record.status)? != KeyStatus::Active {
            return Ok(None);
        }
        for row in parked::due(&self.sql, now(), RETRIES_PER_ALARM)? {
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

    /// Retries one parked event. Returns its outcome if it was settled, or else the reason why it
    /// stays parked.
    pub(super) async fn retry(
        &self,
        row: SequenceId,
        by_hand: bool,
    ) -> Result<(Option<Outcome>, Option<ParkReason>)> {
        let event = parked::start_retry(&self.sql, row)?;
        let result = self.retry_started(row, event, by_hand).await;
        if result.is_err()
            && let Err(error) = parked::abandon_retry(&self.sql, row)
        {
            worker::console_error!("an event stays marked as being retried: {error}");
        }
        result
    }

    async fn retry_started(
        &self,
        row: SequenceId,
        event: Parked,
        by_hand: bool,
    ) -> Result<(Option<Outcome>, Option<ParkReason>)> {
        let started = now();
        let _in_flight = InFlight::enter(&self.in_flight);
        let attempt = random_token();
        let delivery = parse_again(&event.ingest, &event.body)?;
        let topic = delivery.topic.clone();
        let is_notification = matches!(delivery.event, Ok(NativeEvent::Notification { .. }));
        let (retry_row, decision) = self.with(|key_state| {
            let request = key_state.assign_row(attempt, started);
            let scope = delivery.subject.scope();
            // A notification is not charged: it stays parked, or is a duplicate of one that is
            // parked.
            let record = &key_state.stored.record;
            let decision =
                match is_notification && scope.is_none_or(|scope| record.scopes.allow(scope)) {
                    true => DeliveryDecision::Park(ParkReason::AwaitingDetails),
                    false => admit_delivery(record, &mut key_state.window, scope, started),
                };
            (request.row, decision)
        })?;
        let applied = match decision {
            DeliveryDecision::Park(reason) if reason != ParkReason::AwaitingDetails => {
                Fate::parked(reason)
            }
            _ => self.apply(delivery, event.ingest.fault, retry_row, (row, &event.body)).await,
        };
        let now = now();
        match &applied {
            Fate::Settled(_) => parked::delete_applied(&self.sql, row)?,
            Fate::Parked(waiting) => {
                let attempts = event.attempts + 1;
                let next_at = match waiting.reason {
                    ParkReason::RateLimited => Some(now.plus(NO_BUDGET_DELAY)),
                    reason => parked::next_attempt(reason, attempts, now),
                };
                parked::put_back(&self.sql, row, attempts, waiting, next_at)?;
                if let Some(parent) = &waiting.parent {
                    self.release_if_arrived(parent).await?;
                }
                if let Some(next_at) = next_at.filter(|_| by_hand) {
                    self.arm(next_at).await;
                }
            }
        }
        let (settled, park_reason) = applied.logged();
        let outcome = park_reason.is_none().then_some(settled.outcome);
        if decision == DeliveryDecision::Apply {
            // The retry's one unit of the rate limit. It stands for no request of the sender, so its
            // count is 0.
            let entry = LogEntry {
                row: retry_row,
                attempt,
                units: 1,
                count: 0,
                method: LoggedRequest::RETRY.to_owned(),
                path: event.ingest.path,
                status: 200,
                latency_ms: now.since(started),
                outcome: settled.outcome,
                topic: Some(topic).filter(|topic| !topic.is_empty()),
                idempotency_key: None,
                external_id: settled.external_id,
                internal_id: settled.internal_id,
                error_code: None,
                about: About { batch: None, retry_of: Some(row), park_reason },
                detail: settled.detail,
            };
            self.with(|key_state| key_state.log(&self.sql, entry, None, now))??;
        }
        Ok((outcome, park_reason))
    }

    /// Writes an audit entry about a parked event. The key itself does not change.
    pub(super) async fn audit_parked_event(
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
            Ok::<_, crate::Error>(())
        })??;
        self.arm(at.plus(PUBLISH_RETRY)).await;
        self.publish().await;
        Ok(())
    }
}
