//! Storefront requests: each gets its log row, is handled by kind, and is recorded in the log.

use serde_json::json;

use super::capture::NewCapture;
use super::{InFlight, KeyGate};
use crate::platform::answer::Answer;
use crate::platform::now;
use crate::{Error, Result};
use tidegate_core::domain::admission::{Refused, Requirements, admit_api};
use tidegate_core::domain::author::Author;
use tidegate_core::domain::id::SequenceId;
use tidegate_core::domain::log::{About, LogEntry, Outcome, stored_response};
use tidegate_core::domain::rate_limit::Quota;
use tidegate_core::domain::record::Origin;
use tidegate_core::domain::rejection::{Code, Rejection};
use tidegate_core::domain::time::Timestamp;
use tidegate_core::protocol::key_gate::{Fault, Ingest, RequestKind};

/// The result of a request: the response, and the fields of its log entry.
#[derive(Debug)]
pub(super) struct RequestResult {
    pub answer: Answer,
    pub outcome: Outcome,
    pub units: u32,
    pub quota: Option<Quota>,
    pub external_id: Option<String>,
    pub internal_id: Option<String>,
    pub error_code: Option<Code>,
    pub about: About<SequenceId>,
    pub detail: Option<String>,
    /// How many requests the log entry stands for: 1, or 0 for a batch, whose commands have entries
    /// of their own.
    pub count: u32,
    pub idempotency_key: Option<String>,
    /// The topic of a delivery.
    pub topic: Option<String>,
}

impl RequestResult {
    pub(super) const fn new(answer: Answer, outcome: Outcome) -> Self {
        Self {
            answer,
            outcome,
            units: 1,
            quota: None,
            external_id: None,
            internal_id: None,
            error_code: None,
            about: About::NOTHING,
            detail: None,
            count: 1,
            idempotency_key: None,
            topic: None,
        }
    }

    /// The result of a rejected request. The request was charged if it passed the rate limit.
    pub(super) fn rejected(
        rejection: &Rejection,
        request_id: &tidegate_core::domain::id::RequestId,
        quota: Option<Quota>,
    ) -> Self {
        let charged = quota.is_some() && rejection.code != Code::RateLimited;
        let detail = match &rejection.diagnosis {
            Some(diagnosis) => format!("{} {diagnosis}", rejection.detail),
            None => rejection.detail.clone(),
        };
        let mut result =
            Self::new(Answer::problem(rejection, request_id), Outcome::of(rejection.code));
        result.units = u32::from(charged);
        result.quota = quota;
        result.error_code = Some(rejection.code);
        result.detail = Some(detail);
        result.internal_id.clone_from(&rejection.conflict);
        result
    }
}

impl KeyGate {
    /// Handles one request of a storefront. Returns the response as a frame.
    pub(super) async fn handle(&self, ingest: Ingest, body: &[u8]) -> Vec<u8> {
        let started = now();
        let _in_flight = InFlight::enter(&self.in_flight);
        #[expect(clippy::panic, reason = "a fault on purpose, only in tests")]
        if ingest.fault == Some(Fault::PanicKeyGate) {
            panic!("a panic on purpose");
        }
        let row = self.with(|key_state| {
            let request = key_state.assign_row(ingest.attempt, started);
            (request, key_state.request_id(request.row))
        });
        let (mut request, request_id) = match row {
            Ok(row) => row,
            Err(error) => return super::unlogged_rejection(error),
        };
        request.public_key_verified = self.public_key_verified(&ingest, body, started).await;
        let result = match ingest.kind {
            RequestKind::Whoami => self.whoami(&ingest, body, request, started),
            RequestKind::Write { command } => {
                self.write(&ingest, body, request, command, started).await
            }
            RequestKind::Batch => self.batch(&ingest, body, request, started).await,
            RequestKind::Deliver { format } => {
                Ok(self.deliver(&ingest, body, request, format, started).await)
            }
        };
        let mut result = result.unwrap_or_else(|error| {
            RequestResult::rejected(&error.into_rejection(), &request_id, None)
        });
        result.idempotency_key = ingest.headers.get("idempotency-key").map(str::to_owned);
        self.record(&ingest, ingest.attempt, body, request.row, started, &result).await;
        // A caller without a valid key learns nothing about the key's quota.
        let may_see_quota = result.error_code != Some(Code::InvalidApiKey);
        let quota = match result.quota {
            None if may_see_quota => self.with(|key_state| key_state.window.quota(now())).ok(),
            quota => quota,
        };
        let mut answer = result.answer;
        if let Some(quota) = quota {
            answer = answer
                .with_header("RateLimit-Policy", quota.policy_header())
                .with_header("RateLimit", quota.header());
        }
        answer.into_frame(&request_id)
    }

    /// Writes the request's log entry. A failure to write it never changes the response.
    pub(super) async fn record(
        &self,
        ingest: &Ingest,
        attempt: i64,
        body: &[u8],
        row: SequenceId,
        started: Timestamp,
        result: &RequestResult,
    ) {
        let now = now();
        let entry = LogEntry {
            row,
            attempt,
            units: result.units,
            count: result.count,
            method: ingest.method.clone(),
            path: ingest.path.clone(),
            status: result.answer.status,
            latency_ms: now.since(started).max(0),
            outcome: result.outcome,
            topic: result.topic.clone(),
            idempotency_key: result.idempotency_key.clone(),
            external_id: result.external_id.clone(),
            internal_id: result.internal_id.clone(),
            error_code: result.error_code,
            about: result.about,
            detail: result.detail.clone(),
        };
        let logged = self.with(|key_state| {
            // A request that could not be authenticated is not worth capturing.
            let capture = key_state.stored.record.capture_bodies
                && result.count > 0
                && !result.outcome.is_capped()
                && ingest.kind != RequestKind::Whoami;
            let headers =
                capture.then(|| serde_json::to_string(&ingest.headers).unwrap_or_default());
            let answer = stored_response(&result.answer.body);
            let capture =
                headers.as_deref().map(|headers| NewCapture { headers, body, answer: &answer });
            key_state.log(&self.sql, entry, capture, now)?;
            Ok::<_, Error>(key_state.refusals_due())
        });
        if let Ok(Ok(Some(due))) = logged {
            self.arm(due).await;
        }
    }

    /// `GET /integrations/v1/whoami`: describes the key, its scopes and the rest of its rate limit.
    fn whoami(
        &self,
        ingest: &Ingest,
        body: &[u8],
        request: super::key_state::IncomingRequest,
        now: Timestamp,
    ) -> Result<RequestResult> {
        let requirements = Requirements { scope: None, format: None, signature: false };
        let quota = match self.admit(ingest, body, request, requirements, now)? {
            Ok(quota) => quota,
            Err(result) => return Ok(*result),
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
        let mut result = RequestResult::new(Answer::serialized(200, &body)?, Outcome::Accepted);
        result.quota = Some(quota);
        Ok(result)
    }

    /// Authenticates an API request and charges the rate limit. The inner error is the result of a
    /// refused request.
    pub(super) fn admit(
        &self,
        ingest: &Ingest,
        body: &[u8],
        request: super::key_state::IncomingRequest,
        requirements: Requirements,
        now: Timestamp,
    ) -> Result<std::result::Result<Quota, Box<RequestResult>>> {
        self.with(|key_state| {
            let secrets = key_state.live_secrets(now);
            let presented = request.presented(ingest, body);
            let admission = key_state.charge(request, |record, window| {
                admit_api(record, &secrets, window, presented, requirements, now)
            });
            admission.map_err(|refused| {
                let Refused { mut rejection, quota } = *refused;
                let signature = ingest.headers.get("x-pck-signature");
                rejection = key_state.add_diagnosis(rejection, signature, &secrets, body, now);
                let id = key_state.request_id(request.row);
                Box::new(RequestResult::rejected(&rejection, &id, quota))
            })
        })
    }

    /// The origin of this request's command, for the ledger, and the request's id.
    pub(super) fn origin(
        &self,
        row: SequenceId,
    ) -> Result<(Origin, tidegate_core::domain::id::RequestId)> {
        self.with(|key_state| {
            let request_id = key_state.request_id(row);
            let record = &key_state.stored.record;
            let origin = Origin {
                store_id: record.store_id,
                namespace: record.namespace,
                author: Author::IntegrationKey(record.key_id.clone()),
                request_id,
                source: record.source,
            };
            (origin, request_id)
        })
    }
}
