//! Commands of the integration API: idempotency, validation, the ledger.

use serde_json::{Map, Value};

use super::KeyGate;
use super::ingest::RequestResult;
use super::key_state::Admitted;
use crate::api::fields::parse_object;
use crate::api::write_input::{Context, read_write};
use crate::api::{flat, problem};
use crate::domain::admission::Needs;
use crate::domain::id::RequestId;
use crate::domain::idempotency::{Fingerprint, IdempotencyKey};
use crate::domain::key::PayloadFormat;
use crate::domain::ledger::Origin;
use crate::domain::log::Outcome;
use crate::domain::rate_limit::Quota;
use crate::domain::rejection::{Code, Rejection};
use crate::domain::time::Timestamp;
use crate::domain::write::{Command, Write};
use crate::edge::Result;
use crate::edge::answer::Answer;
use crate::protocol::key_gate::{Fault, Ingest};
use crate::protocol::store_ledger::{Idempotency, LedgerCommand, LedgerReply};

/// A command on its way to the ledger, or its end before.
pub(super) enum Read {
    /// `on_invalid` is why the body cannot be carried out: idempotency looks first, so the ledger is
    /// asked all the same, and this is the answer where it remembers none.
    Ask {
        command: LedgerCommand,
        external_id: Option<String>,
        on_invalid: Option<Rejection>,
    },
    Invalid(Rejection),
}

/// Whether the request asks for a dry run. No write takes another query parameter.
pub(super) fn dry_run(query: &str) -> Result<bool> {
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
        admitted: Admitted,
        command: Command,
        now: Timestamp,
    ) -> Result<RequestResult> {
        let needs = Needs {
            scope: Some(command.scope()),
            format: Some(PayloadFormat::Gateway),
            signature: true,
        };
        let quota = match self.admit(ingest, body, admitted, needs, now)? {
            Ok(quota) => quota,
            Err(finished) => return Ok(*finished),
        };
        let (origin, request_id) = self.origin(admitted.row)?;
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
        let (command, external_id, on_invalid) =
            match ask(write, origin, idempotency, dry_run, ingest.fault) {
                Read::Ask { command, external_id, on_invalid } => {
                    (command, external_id, on_invalid)
                }
                Read::Invalid(rejection) => return Ok(rejected(&rejection)),
            };
        let mut finished = match self.to_ledger(command).await {
            Ok((LedgerReply::Unused, _)) if on_invalid.is_some() => {
                return Ok(rejected(&on_invalid.unwrap_or_else(unfit)));
            }
            Ok(reply) => from_ledger(reply, quota, &request_id, dry_run),
            Err(rejection) => rejected(&rejection),
        };
        if finished.external_id.is_none() {
            finished.external_id = external_id;
        }
        Ok(finished)
    }
}

/// What the ledger is asked about a command that was read, or could not be.
pub(super) fn ask(
    write: Result<Write>,
    origin: Origin,
    idempotency: Option<Idempotency>,
    dry_run: bool,
    fault: Option<Fault>,
) -> Read {
    // A dry run neither reads nor writes what is remembered.
    let idempotency = idempotency.filter(|_| !dry_run);
    match (write, idempotency) {
        (Ok(write), idempotency) => Read::Ask {
            external_id: write.external_id().map(str::to_owned),
            command: LedgerCommand::Write { origin, idempotency, write, dry_run, fault },
            on_invalid: None,
        },
        (Err(rejection), Some(idempotency)) => Read::Ask {
            command: LedgerCommand::CheckIdempotency {
                store_id: origin.store_id,
                namespace: origin.namespace,
                idempotency,
            },
            external_id: None,
            on_invalid: Some(rejection),
        },
        (Err(rejection), None) => Read::Invalid(rejection),
    }
}

pub(super) fn idempotency_key(text: &str) -> Result<IdempotencyKey> {
    IdempotencyKey::parse(text).ok_or_else(|| {
        Rejection::new(
            Code::InvalidIdempotencyKey,
            "An Idempotency-Key has 1 to 255 visible ASCII characters, bare or in double quotes.",
        )
    })
}

/// The fields of a body, in whichever of its forms it came.
fn read_body(command: Command, content_type: &str, body: &[u8]) -> Result<Map<String, Value>> {
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let is = |name: &str| media_type.eq_ignore_ascii_case(name);
    let flat = command.takes_flat_bodies();
    if is("application/json") {
        let body = parse_object(body)?;
        return if flat { flat::unfold(body) } else { Ok(body) };
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

fn unfit() -> Rejection {
    crate::edge::internal("the ledger's reply does not fit the command")
}

/// The end of a request that the ledger has answered.
pub(super) fn from_ledger(
    (reply, body): (LedgerReply, String),
    quota: Quota,
    request_id: &RequestId,
    dry_run: bool,
) -> RequestResult {
    let mut finished = match reply {
        LedgerReply::Done { status, outcome, internal_id, external_id } => {
            let outcome = if dry_run { Outcome::DryRun } else { outcome };
            let mut finished = RequestResult::with(Answer::json(status, body), outcome);
            // What a dry run made is not there.
            finished.internal_id = internal_id.filter(|_| !dry_run);
            finished.external_id = external_id;
            finished
        }
        LedgerReply::Replay { status, internal_id } => {
            let mut answer = Answer::json(status, body);
            if status >= 400 {
                answer.content_type = problem::CONTENT_TYPE;
            }
            let answer = answer.with_header("Idempotency-Replayed", "true".to_owned());
            let mut finished = RequestResult::with(answer, Outcome::Replayed);
            finished.internal_id = internal_id;
            finished
        }
        LedgerReply::Rejected { rejection } => {
            RequestResult::rejected(&rejection, request_id, Some(quota))
        }
        LedgerReply::ParentUnknown
        | LedgerReply::Unused
        | LedgerReply::Batch { .. }
        | LedgerReply::Failed { .. } => RequestResult::rejected(&unfit(), request_id, Some(quota)),
    };
    if dry_run {
        finished.answer = finished.answer.with_header("Dry-Run", "true".to_owned());
    }
    finished.quota = Some(quota);
    finished
}
