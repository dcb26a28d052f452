//! Single commands of the integration API: admission, idempotency, validation, the call to the
//! ledger.

use serde_json::{Map, Value};

use super::KeyGate;
use super::ingest::RequestResult;
use super::key_state::IncomingRequest;
use crate::platform::answer::Answer;
use crate::{Error, Result};
use tidegate_core::api::fields::parse_object;
use tidegate_core::api::write_input::{Context, read_write};
use tidegate_core::api::{flat, problem};
use tidegate_core::domain::admission::Requirements;
use tidegate_core::domain::id::RequestId;
use tidegate_core::domain::idempotency::{Fingerprint, IdempotencyKey};
use tidegate_core::domain::key::PayloadFormat;
use tidegate_core::domain::log::Outcome;
use tidegate_core::domain::rate_limit::Quota;
use tidegate_core::domain::record::Origin;
use tidegate_core::domain::rejection::{Code, Rejection};
use tidegate_core::domain::time::Timestamp;
use tidegate_core::domain::write::{Command, Write};
use tidegate_core::protocol::key_gate::{Fault, Ingest};
use tidegate_core::protocol::store_ledger::{Idempotency, LedgerCommand, LedgerReply};

/// A request prepared for the ledger, or rejected before.
pub(super) enum Prepared {
    /// `body_rejection` is set if the body is invalid. Idempotency is checked before the body, so
    /// the ledger is asked all the same; the rejection is returned unless the ledger has stored an
    /// earlier response under the key.
    Send {
        command: LedgerCommand,
        external_id: Option<String>,
        body_rejection: Option<Rejection>,
    },
    Rejected(Rejection),
}

/// Whether the request asks for a dry run. Writes take no other query parameter.
pub(super) fn dry_run(query: &str) -> std::result::Result<bool, Rejection> {
    match query {
        "" | "dry_run=false" => Ok(false),
        "dry_run=true" => Ok(true),
        _ => Err(Rejection::new(
            Code::InvalidQuery,
            "This path takes one query parameter, dry_run=true or dry_run=false.",
        )),
    }
}

impl KeyGate {
    pub(super) async fn write(
        &self,
        ingest: &Ingest,
        body: &[u8],
        request: IncomingRequest,
        command: Command,
        now: Timestamp,
    ) -> Result<RequestResult> {
        let requirements = Requirements {
            scope: Some(command.scope()),
            format: Some(PayloadFormat::Gateway),
            signature: true,
        };
        let quota = match self.admit(ingest, body, request, requirements, now)? {
            Ok(quota) => quota,
            Err(result) => return Ok(*result),
        };
        let (origin, request_id) = self.origin(request.row)?;
        let rejected =
            |rejection: &Rejection| RequestResult::rejected(rejection, &request_id, Some(quota));
        let (dry_run, key) = match dry_run(&ingest.query).and_then(|dry_run| {
            let key = ingest.headers.get("idempotency-key");
            Ok((dry_run, key.map(idempotency_key).transpose()?))
        }) {
            Ok(read) => read,
            Err(rejection) => return Ok(rejected(&rejection)),
        };
        let idempotency = key.map(|key| Idempotency {
            key,
            fingerprint: Fingerprint::of(&ingest.method, &ingest.path, &ingest.query, body),
        });
        let content_type = ingest.headers.get("content-type").unwrap_or_default();
        let write = read_body(command, content_type, body).and_then(|body| {
            let context = Context {
                target: ingest.target.as_deref(),
                store: origin.store_id,
                has_idempotency_key: idempotency.is_some(),
                now,
            };
            read_write(command, body, context)
        });
        let (command, external_id, body_rejection) =
            match prepare(write, origin, idempotency, dry_run, ingest.fault) {
                Prepared::Send { command, external_id, body_rejection } => {
                    (command, external_id, body_rejection)
                }
                Prepared::Rejected(rejection) => return Ok(rejected(&rejection)),
            };
        let mut result = match self.call_ledger(command).await {
            Ok((LedgerReply::NoStoredResponse, _)) if body_rejection.is_some() => {
                return Ok(rejected(
                    &body_rejection.unwrap_or_else(|| unexpected_reply().into_rejection()),
                ));
            }
            Ok(reply) => result_of_reply(reply, quota, &request_id, dry_run),
            Err(error) => rejected(&error.into_rejection()),
        };
        if result.external_id.is_none() {
            result.external_id = external_id;
        }
        Ok(result)
    }
}

/// Prepares the ledger's command for a write that was read, or the idempotency check for one that
/// is invalid.
pub(super) fn prepare(
    write: std::result::Result<Write, Rejection>,
    origin: Origin,
    idempotency: Option<Idempotency>,
    dry_run: bool,
    fault: Option<Fault>,
) -> Prepared {
    // A dry run neither reads nor writes the stored responses.
    let idempotency = idempotency.filter(|_| !dry_run);
    match (write, idempotency) {
        (Ok(write), idempotency) => Prepared::Send {
            external_id: write.external_id().map(str::to_owned),
            command: LedgerCommand::Write { origin, idempotency, write, dry_run, fault },
            body_rejection: None,
        },
        (Err(rejection), Some(idempotency)) => Prepared::Send {
            command: LedgerCommand::CheckIdempotency {
                store_id: origin.store_id,
                namespace: origin.namespace,
                idempotency,
            },
            external_id: None,
            body_rejection: Some(rejection),
        },
        (Err(rejection), None) => Prepared::Rejected(rejection),
    }
}

pub(super) fn idempotency_key(text: &str) -> std::result::Result<IdempotencyKey, Rejection> {
    IdempotencyKey::parse(text).ok_or_else(|| {
        Rejection::new(
            Code::InvalidIdempotencyKey,
            "An Idempotency-Key has 1 to 255 visible ASCII characters, bare or in double quotes.",
        )
    })
}

/// The fields of a body, sent as JSON or, where the command takes flat bodies, as a form.
fn read_body(
    command: Command,
    content_type: &str,
    body: &[u8],
) -> std::result::Result<Map<String, Value>, Rejection> {
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let is = |name: &str| media_type.eq_ignore_ascii_case(name);
    let flat = command.takes_flat_bodies();
    if is("application/json") {
        let body = parse_object(body)?;
        return if flat { flat::nest_body(body) } else { Ok(body) };
    }
    if flat && is("application/x-www-form-urlencoded") {
        return flat::read_form(body);
    }
    let or_form = if flat { ", or as a form with its own" } else { "" };
    Err(Rejection::new(
        Code::UnsupportedMediaType,
        format!("Send the body as JSON with `Content-Type: application/json`{or_form}."),
    ))
}

fn unexpected_reply() -> Error {
    crate::internal("the ledger's reply does not fit the command")
}

/// The result of a request, made of the ledger's reply.
pub(super) fn result_of_reply(
    (reply, body): (LedgerReply, String),
    quota: Quota,
    request_id: &RequestId,
    dry_run: bool,
) -> RequestResult {
    let mut result = match reply {
        LedgerReply::Done { status, outcome, internal_id, external_id } => {
            let outcome = if dry_run { Outcome::DryRun } else { outcome };
            let mut result = RequestResult::new(Answer::json(status, body), outcome);
            // A dry run leaves nothing behind that the id could refer to.
            result.internal_id = internal_id.filter(|_| !dry_run);
            result.external_id = external_id;
            result
        }
        LedgerReply::Replay { status, internal_id } => {
            let mut answer = Answer::json(status, body);
            if status >= 400 {
                answer.content_type = problem::CONTENT_TYPE;
            }
            let answer = answer.with_header("Idempotency-Replayed", "true".to_owned());
            let mut result = RequestResult::new(answer, Outcome::Replayed);
            result.internal_id = internal_id;
            result
        }
        LedgerReply::Rejected { rejection } => {
            RequestResult::rejected(&rejection, request_id, Some(quota))
        }
        LedgerReply::ParentUnknown
        | LedgerReply::NoStoredResponse
        | LedgerReply::Batch { .. }
        | LedgerReply::Failed { .. } => {
            RequestResult::rejected(&unexpected_reply().into_rejection(), request_id, Some(quota))
        }
    };
    if dry_run {
        result.answer = result.answer.with_header("Dry-Run", "true".to_owned());
    }
    result.quota = Some(quota);
    result
}
