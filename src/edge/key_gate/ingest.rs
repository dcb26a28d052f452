//! Requests of the integration API: admission, idempotency, validation, the ledger, the log.

use serde_json::json;

use super::capture::NewCapture;
use super::{InFlight, KeyGate};
use crate::domain::admission::{Needs, Refused, admit_api};
use crate::domain::id::SequenceId;
use crate::domain::ledger::Origin;
use crate::domain::log::{LogEntry, Outcome, kept_answer};
use crate::domain::rate_limit::Quota;
use crate::domain::rejection::{Code, Rejection};
use crate::domain::time::Timestamp;
use crate::edge::Result;
use crate::edge::answer::Answer;
use crate::edge::platform::now;
use crate::protocol::key_gate::{Fault, Ingest, RequestKind};

/// How a request ended: the answer, and what its log entry says of it.
#[derive(Debug)]
pub(super) struct RequestResult {
    pub answer: Answer,
    pub outcome: Outcome,
    pub units: u32,
    pub quota: Option<Quota>,
    pub external_id: Option<String>,
    pub internal_id: Option<String>,
    pub error_code: Option<Code>,
    pub detail: Option<String>,
    /// How many requests its entry stands for: 1, or 0 where others of it have entries.
    pub count: u32,
    pub idempotency_key: Option<String>,
    /// The topic of a native sender's delivery.
    pub topic: Option<String>,
}

impl RequestResult {
    pub(super) const fn with(answer: Answer, outcome: Outcome) -> Self {
        Self {
            answer,
            outcome,
            units: 1,
            quota: None,
            external_id: None,
            internal_id: None,
            error_code: None,
            detail: None,
            count: 1,
            idempotency_key: None,
            topic: None,
        }
    }

    /// The end of a request that was turned down; it was charged if it got past the rate.
    pub(super) fn rejected(
        rejection: &Rejection,
        request_id: &crate::domain::id::RequestId,
        quota: Option<Quota>,
    ) -> Self {
        let charged = quota.is_some() && rejection.code != Code::RateLimited;
        let detail = match &rejection.diagnosis {
            Some(diagnosis) => format!("{} {diagnosis}", rejection.detail),
            None => rejection.detail.clone(),
        };
        let mut finished =
            Self::with(Answer::problem(rejection, request_id), Outcome::of(rejection.code));
        finished.units = u32::from(charged);
        finished.quota = quota;
        finished.error_code = Some(rejection.code);
        finished.detail = Some(detail);
        finished.internal_id.clone_from(&rejection.conflict);
        finished
    }
}

impl KeyGate {
    /// Handles one request of a storefront: its answer, as a frame.
    pub(super) async fn handle(&self, ingest: Ingest, body: &[u8]) -> Vec<u8> {
        let started = now();
        let _in_flight = InFlight::enter(&self.in_flight);
        #[expect(clippy::panic, reason = "a fault on purpose, only in tests")]
        if ingest.fault == Some(Fault::PanicKeyGate) {
            panic!("a panic on purpose");
        }
        let row = self.with(|key_state| {
            let admitted = key_state.row(ingest.attempt, started);
            (admitted, key_state.request_id(admitted.row))
        });
        let (mut admitted, request_id) = match row {
            Ok(row) => row,
            Err(rejection) => return super::refuse(&rejection),
        };
        admitted.public_key_holds = self.public_key_holds(&ingest, body, started).await;
        let finished = match ingest.operation {
            RequestKind::Whoami => self.whoami(&ingest, body, admitted, started),
            RequestKind::Write { command } => {
                self.write(&ingest, body, admitted, command, started).await
            }
            RequestKind::Batch => self.batch(&ingest, body, admitted, started).await,
            RequestKind::Deliver { format } => {
                Ok(self.deliver(&ingest, body, admitted, format, started).await)
            }
        };
        let mut finished = finished
            .unwrap_or_else(|rejection| RequestResult::rejected(&rejection, &request_id, None));
        finished.idempotency_key = ingest.headers.get("idempotency-key").map(str::to_owned);
        self.record(&ingest, ingest.attempt, body, admitted.row, started, &finished).await;
        // Whoever shows no good key learns nothing about it.
        let told = finished.error_code != Some(Code::InvalidApiKey);
        let quota = match finished.quota {
            None if told => self.with(|key_state| key_state.window.quota(now())).ok(),
            quota => quota,
        };
        let mut answer = finished.answer;
        if let Some(quota) = quota {
            answer = answer
                .with_header("RateLimit-Policy", quota.policy_header())
                .with_header("RateLimit", quota.header());
        }
        answer.into_frame(&request_id)
    }

    /// Writes the request's log entry. A failure here never changes the answer.
    pub(super) async fn record(
        &self,
        ingest: &Ingest,
        attempt: i64,
        body: &[u8],
        row: SequenceId,
        started: Timestamp,
        finished: &RequestResult,
    ) {
        let now = now();
        let entry = LogEntry {
            row,
            attempt,
            units: finished.units,
            count: finished.count,
            method: ingest.method.clone(),
            path: ingest.path.clone(),
            status: finished.answer.status,
            latency_ms: now.since(started).max(0),
            outcome: finished.outcome,
            topic: finished.topic.clone(),
            idempotency_key: finished.idempotency_key.clone(),
            external_id: finished.external_id.clone(),
            internal_id: finished.internal_id.clone(),
            error_code: finished.error_code,
            detail: finished.detail.clone(),
        };
        let logged = self.with(|key_state| {
            // What nobody could authenticate is not worth keeping.
            let keep = key_state.stored.record.capture_bodies
                && finished.count > 0
                && !finished.outcome.is_capped()
                && ingest.operation != RequestKind::Whoami;
            let headers = keep.then(|| serde_json::to_string(&ingest.headers).unwrap_or_default());
            let answer = kept_answer(&finished.answer.body);
            let kept =
                headers.as_deref().map(|headers| NewCapture { headers, body, answer: &answer });
            key_state.log(&self.sql, entry, kept, now)?;
            Ok::<_, Rejection>(key_state.refusals_due())
        });
        if let Ok(Ok(Some(due))) = logged {
            self.arm(due).await;
        }
    }

    /// `GET /integrations/v1/whoami`: what the key is, may do, and has left of its limit.
    fn whoami(
        &self,
        ingest: &Ingest,
        body: &[u8],
        admitted: super::key_state::Admitted,
        now: Timestamp,
    ) -> Result<RequestResult> {
        let needs = Needs { scope: None, format: None, signature: false };
        let quota = match self.admit(ingest, body, admitted, needs, now)? {
            Ok(quota) => quota,
            Err(finished) => return Ok(*finished),
        };
        let body = self.with(|key_state| {
            let record = &key_state.stored.record;
            json!({
                "key_id": record.key_id,
                "name": record.name,
                "preview": record.preview,
                "workspace_id": record.workspace_id,
                "store_id": record.store_id,
                "source": record.source,
                "payload_format": record.payload_format,
                "scopes": record.scopes,
                "require_signature": record.require_signature,
                "awaiting_secret": record.awaits_secret(),
                "status": record.status,
                "created_at": record.created_at.to_rfc3339(),
                "expires_at": record.expires_at.map(Timestamp::to_rfc3339),
                "rate_limit": {
                    "per_minute": quota.limit.per_minute(),
                    "remaining": quota.remaining,
                    "reset_seconds": quota.reset,
                },
            })
        })?;
        let mut finished = RequestResult::with(Answer::serialized(200, &body)?, Outcome::Accepted);
        finished.quota = Some(quota);
        Ok(finished)
    }

    /// Admits an API request, or ends it.
    pub(super) fn admit(
        &self,
        ingest: &Ingest,
        body: &[u8],
        admitted: super::key_state::Admitted,
        needs: Needs,
        now: Timestamp,
    ) -> Result<std::result::Result<Quota, Box<RequestResult>>> {
        self.with(|key_state| {
            let secrets = key_state.live_secrets(now);
            let presented = admitted.presents(ingest, body);
            // The same request once more has been charged for: it goes through a copy.
            let mut charged = admitted.repeated.then(|| key_state.window.clone());
            let window = charged.as_mut().unwrap_or(&mut key_state.window);
            let admission =
                admit_api(&key_state.stored.record, &secrets, window, presented, needs, now);
            admission.map_err(|refused| {
                let Refused { mut rejection, quota } = *refused;
                let signature = ingest.headers.get("x-pck-signature");
                rejection = key_state.diagnosed(rejection, signature, &secrets, body, now);
                let id = key_state.request_id(admitted.row);
                Box::new(RequestResult::rejected(&rejection, &id, quota))
            })
        })
    }

    /// Where a command of this request to the ledger comes from.
    pub(super) fn origin(&self, row: SequenceId) -> Result<(Origin, crate::domain::id::RequestId)> {
        self.with(|key_state| {
            let request_id = key_state.request_id(row);
            let record = &key_state.stored.record;
            let origin = Origin {
                store_id: record.store_id,
                namespace: record.namespace,
                key_id: record.key_id.clone(),
                request_id,
                source: record.source,
            };
            (origin, request_id)
        })
    }
}
