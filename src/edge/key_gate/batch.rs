//! Batches: one signature and one call to the ledger for up to a hundred commands; each has its own
//! unit of the rate limit, its own outcome, and its own entry in the log.

use super::KeyGate;
use super::ingest::RequestResult;
use super::key_state::Admitted;
use super::writes::{Read, ask, dry_run, from_ledger, idempotency_key};
use crate::api::batch::{CONTENT_TYPE, Line, lines, read_line};
use crate::api::write_input::{Context, read_write};
use crate::domain::admission::{authenticate_api, charge};
use crate::domain::id::RequestId;
use crate::domain::idempotency::Fingerprint;
use crate::domain::key::PayloadFormat;
use crate::domain::log::Outcome;
use crate::domain::rate_limit::Quota;
use crate::domain::rejection::Rejection;
use crate::domain::time::Timestamp;
use crate::domain::write::Command;
use crate::edge::answer::Answer;
use crate::edge::{Result, internal};
use crate::protocol::key_gate::Ingest;
use crate::protocol::store_ledger::{Idempotency, LedgerCommand, LedgerReply};

/// One command of a batch.
struct Part<'a> {
    number: usize,
    text: &'a [u8],
    attempt: i64,
    row: crate::domain::id::SequenceId,
    request_id: RequestId,
    external_id: Option<String>,
    idempotency_key: Option<String>,
    /// `None` once it has been looked at.
    state: Option<State>,
}

enum State {
    /// Nothing was asked of the ledger.
    Ended(Box<RequestResult>),
    Asked {
        quota: Quota,
        on_invalid: Option<Rejection>,
    },
}

impl KeyGate {
    pub(super) async fn batch(
        &self,
        ingest: &Ingest,
        body: &[u8],
        admitted: Admitted,
        now: Timestamp,
    ) -> Result<RequestResult> {
        let request_id = self.with(|key_state| key_state.request_id(admitted.row))?;
        if let Err(rejection) = self.authenticate(ingest, body, admitted, now)? {
            return Ok(RequestResult::rejected(&rejection, &request_id, None));
        }
        let content_type = ingest.headers.get("content-type").unwrap_or_default();
        let read =
            dry_run(&ingest.query).and_then(|dry_run| Ok((dry_run, lines(content_type, body)?)));
        let (dry_run, lines) = match read {
            Ok(read) => read,
            // A batch that cannot be read takes one unit, like any other request.
            Err(rejection) => return self.unread(admitted, &rejection, &request_id, now),
        };
        // Where not one line would be let in, the batch is turned down as a whole.
        let left = self.with(|key_state| key_state.window.quota(now).remaining)?;
        if left == 0
            && !admitted.repeated
            && let Err(finished) = self.charge_part(admitted, None, now)?
        {
            return Ok(*finished);
        }
        let mut commands = Vec::new();
        let mut parts = Vec::with_capacity(lines.len());
        for (number, text) in lines {
            let (part, command) = self.part(ingest, number, text, dry_run, now)?;
            parts.push(part);
            commands.extend(command);
        }
        let mut replies = self.replies(commands).await?.into_iter();
        let mut answer = String::new();
        let mut failures = 0;
        for part in &mut parts {
            let finished = part.finish(&mut replies, dry_run);
            let status = finished.answer.status;
            failures += u32::from(status >= 400);
            let replayed = finished.outcome == Outcome::Replayed;
            let (line, request_id) = (part.number, part.request_id);
            // Every answer is one JSON text without line breaks.
            answer += &format!(
                r#"{{"line":{line},"status":{status},"request_id":"{request_id}","replayed":{replayed},"body":{}}}"#,
                finished.answer.body
            );
            answer.push('\n');
            part.state = Some(State::Ended(Box::new(finished)));
        }
        let commands = parts.len();
        for part in parts {
            self.record_part(ingest, part, &request_id, now).await;
        }
        let outcome = if dry_run { Outcome::DryRun } else { Outcome::Accepted };
        let mut batch = Answer::json(200, answer);
        batch.content_type = CONTENT_TYPE;
        if dry_run {
            batch = batch.with_header("Dry-Run", "true".to_owned());
        }
        let mut finished = RequestResult::with(batch, outcome);
        // Its commands have entries of their own.
        (finished.units, finished.count) = (0, 0);
        finished.detail = Some(format!("{commands} commands, {failures} of them turned down."));
        Ok(finished)
    }

    fn authenticate(
        &self,
        ingest: &Ingest,
        body: &[u8],
        admitted: Admitted,
        now: Timestamp,
    ) -> Result<std::result::Result<(), Rejection>> {
        self.with(|key_state| {
            let secrets = key_state.live_secrets(now);
            let presented = admitted.presents(ingest, body);
            authenticate_api(&key_state.stored.record, &secrets, presented, true, now).map_err(
                |rejection| {
                    let signature = ingest.headers.get("x-pck-signature");
                    key_state.diagnosed(rejection, signature, &secrets, body, now)
                },
            )
        })
    }

    fn unread(
        &self,
        admitted: Admitted,
        rejection: &Rejection,
        request_id: &RequestId,
        now: Timestamp,
    ) -> Result<RequestResult> {
        let charged = self.charge_part(admitted, None, now)?;
        Ok(match charged {
            Ok(quota) => RequestResult::rejected(rejection, request_id, Some(quota)),
            Err(finished) => *finished,
        })
    }

    fn charge_part(
        &self,
        admitted: Admitted,
        command: Option<Command>,
        now: Timestamp,
    ) -> Result<std::result::Result<Quota, Box<RequestResult>>> {
        self.with(|key_state| {
            // The same request once more has been charged for: it goes through a copy.
            let mut charged = admitted.repeated.then(|| key_state.window.clone());
            let window = charged.as_mut().unwrap_or(&mut key_state.window);
            let scope = command.map(Command::scope);
            let format = Some(PayloadFormat::Gateway);
            let charged = charge(&key_state.stored.record, window, scope, format, now);
            charged.map_err(|refused| {
                let id = key_state.request_id(admitted.row);
                Box::new(RequestResult::rejected(&refused.rejection, &id, refused.quota))
            })
        })
    }

    /// Charges and reads one line.
    fn part<'a>(
        &self,
        ingest: &Ingest,
        number: usize,
        text: &'a [u8],
        dry_run: bool,
        now: Timestamp,
    ) -> Result<(Part<'a>, Option<LedgerCommand>)> {
        // The same for the same line when the Worker repeats its call.
        let attempt = ingest.attempt.wrapping_add(i64::try_from(number).unwrap_or_default());
        let admitted = self.with(|key_state| key_state.row(attempt, now))?;
        let (origin, request_id) = self.origin(admitted.row)?;
        let mut part = Part {
            number,
            text,
            attempt,
            row: admitted.row,
            request_id,
            external_id: None,
            idempotency_key: None,
            state: None,
        };
        let line = read_line(text);
        let command = line.as_ref().ok().map(|line| line.command);
        let quota = match self.charge_part(admitted, command, now)? {
            Ok(quota) => quota,
            Err(finished) => {
                part.state = Some(State::Ended(finished));
                return Ok((part, None));
            }
        };
        let read = line.and_then(|line| {
            let Line { command, target, idempotency_key: key, body } = line;
            let key = key.as_deref().map(idempotency_key).transpose()?;
            part.idempotency_key = key.as_ref().map(|key| key.as_str().to_owned());
            let fingerprint = Fingerprint::of(&ingest.method, &ingest.path, "", text);
            let idempotency = key.map(|key| Idempotency { key, fingerprint });
            let context = Context {
                target: target.as_deref(),
                store: origin.store_id,
                has_idempotency_key: idempotency.is_some(),
                now,
            };
            let write = read_write(command, body, context);
            Ok(ask(write, origin, idempotency, dry_run, ingest.fault))
        });
        match read {
            Ok(Read::Ask { command, external_id, on_invalid }) => {
                part.external_id = external_id;
                part.state = Some(State::Asked { quota, on_invalid });
                Ok((part, Some(command)))
            }
            Ok(Read::Invalid(rejection)) | Err(rejection) => {
                let finished = RequestResult::rejected(&rejection, &request_id, Some(quota));
                part.state = Some(State::Ended(Box::new(finished)));
                Ok((part, None))
            }
        }
    }

    /// The ledger's replies to all commands. Where it cannot be reached, each gets that.
    async fn replies(
        &self,
        commands: Vec<LedgerCommand>,
    ) -> Result<Vec<std::result::Result<(LedgerReply, String), Rejection>>> {
        let count = commands.len();
        if count == 0 {
            return Ok(Vec::new());
        }
        match self.to_ledger(LedgerCommand::Batch { commands }).await {
            Ok((LedgerReply::Batch { replies }, _)) => Ok(replies.into_iter().map(Ok).collect()),
            Ok(_) => Err(internal("the ledger's reply is no batch")),
            Err(rejection) => Ok(vec![Err(rejection); count]),
        }
    }

    async fn record_part(
        &self,
        ingest: &Ingest,
        part: Part<'_>,
        batch: &RequestId,
        now: Timestamp,
    ) {
        let Some(State::Ended(mut finished)) = part.state else { return };
        let line = format!("Line {} of {batch}.", part.number);
        finished.detail = Some(match finished.detail {
            Some(detail) => format!("{line} {detail}"),
            None => line,
        });
        finished.idempotency_key = part.idempotency_key;
        self.record(ingest, part.attempt, part.text, part.row, now, &finished).await;
    }
}

impl Part<'_> {
    fn finish(
        &mut self,
        replies: &mut impl Iterator<Item = std::result::Result<(LedgerReply, String), Rejection>>,
        dry_run: bool,
    ) -> RequestResult {
        let request_id = self.request_id;
        let (quota, on_invalid) = match self.state.take() {
            Some(State::Ended(finished)) => return *finished,
            Some(State::Asked { quota, on_invalid }) => (quota, on_invalid),
            None => {
                return RequestResult::rejected(
                    &internal("a line without a state"),
                    &request_id,
                    None,
                );
            }
        };
        let rejected =
            |rejection: &Rejection| RequestResult::rejected(rejection, &request_id, Some(quota));
        let mut finished = match (replies.next(), on_invalid) {
            (Some(Ok((LedgerReply::Unused, _))), Some(rejection)) => rejected(&rejection),
            (Some(Ok((LedgerReply::Failed { .. }, _))) | None, _) => {
                rejected(&internal("a command of a batch failed"))
            }
            (Some(Ok(reply)), _) => from_ledger(reply, quota, &request_id, dry_run),
            (Some(Err(rejection)), _) => rejected(&rejection),
        };
        if finished.external_id.is_none() {
            finished.external_id = self.external_id.take();
        }
        finished
    }
}
