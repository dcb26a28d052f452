//! Batches: up to a hundred commands under one signature, sent to the ledger in one call. Each
//! command takes its own unit of the rate limit and has its own outcome and log entry.

use super::KeyGate;
use super::ingest::RequestResult;
use super::key_state::IncomingRequest;
use super::writes::{Prepared, dry_run, idempotency_key, prepare, result_of_reply};
use crate::platform::answer::Answer;
use crate::{Result, internal};
use tidegate_core::api::batch::{CONTENT_TYPE, Line, lines, read_line};
use tidegate_core::api::write_input::{Context, read_write};
use tidegate_core::domain::admission::{authenticate_api, charge};
use tidegate_core::domain::id::{RequestId, SequenceId};
use tidegate_core::domain::idempotency::Fingerprint;
use tidegate_core::domain::key::PayloadFormat;
use tidegate_core::domain::log::{BatchLine, Outcome};
use tidegate_core::domain::rate_limit::Quota;
use tidegate_core::domain::rejection::Rejection;
use tidegate_core::domain::time::Timestamp;
use tidegate_core::domain::write::Command;
use tidegate_core::protocol::key_gate::Ingest;
use tidegate_core::protocol::store_ledger::{Idempotency, LedgerCommand, LedgerReply};

/// One command of a batch.
struct Item<'a> {
    line_number: usize,
    text: &'a [u8],
    attempt: i64,
    row: SequenceId,
    request_id: RequestId,
    external_id: Option<String>,
    idempotency_key: Option<String>,
    /// `None` once it has been taken.
    state: Option<ItemState>,
}

enum ItemState {
    /// The result is known: from the reply, or because the ledger was not asked.
    Done(Box<RequestResult>),
    Sent {
        quota: Quota,
        body_rejection: Option<Rejection>,
    },
}

impl KeyGate {
    pub(super) async fn batch(
        &self,
        ingest: &Ingest,
        body: &[u8],
        request: IncomingRequest,
        now: Timestamp,
    ) -> Result<RequestResult> {
        let request_id = self.with(|key_state| key_state.request_id(request.row))?;
        if let Err(rejection) = self.authenticate(ingest, body, request, now)? {
            return Ok(RequestResult::rejected(&rejection, &request_id, None));
        }
        let content_type = ingest.headers.get("content-type").unwrap_or_default();
        let read =
            dry_run(&ingest.query).and_then(|dry_run| Ok((dry_run, lines(content_type, body)?)));
        let (dry_run, lines) = match read {
            Ok(read) => read,
            // An unreadable batch takes one unit, like any other request.
            Err(rejection) => return self.reject_unreadable(request, &rejection, &request_id, now),
        };
        // Without budget for a single line, the batch is rejected as a whole.
        let remaining = self.with(|key_state| key_state.window.quota(now).remaining)?;
        if remaining == 0
            && !request.repeated
            && let Err(result) = self.charge_unit(request, None, now)?
        {
            return Ok(*result);
        }
        let mut commands = Vec::new();
        let mut items = Vec::with_capacity(lines.len());
        for (line_number, text) in lines {
            let (item, command) = self.read_item(ingest, line_number, text, dry_run, now)?;
            items.push(item);
            commands.extend(command);
        }
        let mut replies = self.send_commands(commands).await?.into_iter();
        let mut response = String::new();
        let mut failures = 0;
        for item in &mut items {
            let result = item.finish(&mut replies, dry_run);
            let status = result.answer.status;
            failures += u32::from(status >= 400);
            let replayed = result.outcome == Outcome::Replayed;
            let (line, request_id) = (item.line_number, item.request_id);
            // Every response body is JSON without line breaks.
            response += &format!(
                r#"{{"line":{line},"status":{status},"request_id":"{request_id}","replayed":{replayed},"body":{}}}"#,
                result.answer.body
            );
            response.push('\n');
            item.state = Some(ItemState::Done(Box::new(result)));
        }
        let commands = items.len();
        for item in items {
            self.record_item(ingest, item, request.row, now).await;
        }
        let outcome = if dry_run { Outcome::DryRun } else { Outcome::Accepted };
        let mut answer = Answer::json(200, response);
        answer.content_type = CONTENT_TYPE;
        if dry_run {
            answer = answer.with_header("Dry-Run", "true".to_owned());
        }
        let mut result = RequestResult::new(answer, outcome);
        // The commands have log entries of their own.
        (result.units, result.count) = (0, 0);
        result.detail = Some(format!("{commands} commands, {failures} of them turned down."));
        Ok(result)
    }

    fn authenticate(
        &self,
        ingest: &Ingest,
        body: &[u8],
        request: IncomingRequest,
        now: Timestamp,
    ) -> Result<std::result::Result<(), Rejection>> {
        self.with(|key_state| {
            let secrets = key_state.live_secrets(now);
            let presented = request.presented(ingest, body);
            authenticate_api(&key_state.stored.record, &secrets, presented, true, now).map_err(
                |rejection| {
                    let signature = ingest.headers.get("x-pck-signature");
                    key_state.add_diagnosis(rejection, signature, &secrets, body, now)
                },
            )
        })
    }

    fn reject_unreadable(
        &self,
        request: IncomingRequest,
        rejection: &Rejection,
        request_id: &RequestId,
        now: Timestamp,
    ) -> Result<RequestResult> {
        let charged = self.charge_unit(request, None, now)?;
        Ok(match charged {
            Ok(quota) => RequestResult::rejected(rejection, request_id, Some(quota)),
            Err(result) => *result,
        })
    }

    fn charge_unit(
        &self,
        request: IncomingRequest,
        command: Option<Command>,
        now: Timestamp,
    ) -> Result<std::result::Result<Quota, Box<RequestResult>>> {
        self.with(|key_state| {
            let scope = command.map(Command::scope);
            let format = Some(PayloadFormat::Gateway);
            let charged = key_state
                .charge(request, |record, window| charge(record, window, scope, format, now));
            charged.map_err(|refused| {
                let id = key_state.request_id(request.row);
                Box::new(RequestResult::rejected(&refused.rejection, &id, refused.quota))
            })
        })
    }

    /// Assigns a log row to one line, charges one unit for it, and reads its command.
    fn read_item<'a>(
        &self,
        ingest: &Ingest,
        line_number: usize,
        text: &'a [u8],
        dry_run: bool,
        now: Timestamp,
    ) -> Result<(Item<'a>, Option<LedgerCommand>)> {
        // When the Worker repeats its call, the same line gets the same token.
        let attempt = ingest.attempt.wrapping_add(i64::try_from(line_number).unwrap_or_default());
        let request = self.with(|key_state| key_state.assign_row(attempt, now))?;
        let (origin, request_id) = self.origin(request.row)?;
        let mut item = Item {
            line_number,
            text,
            attempt,
            row: request.row,
            request_id,
            external_id: None,
            idempotency_key: None,
            state: None,
        };
        let line = read_line(text);
        let command = line.as_ref().ok().map(|line| line.command);
        let quota = match self.charge_unit(request, command, now)? {
            Ok(quota) => quota,
            Err(result) => {
                item.state = Some(ItemState::Done(result));
                return Ok((item, None));
            }
        };
        let read = line.and_then(|line| {
            let Line { command, target, idempotency_key: key, body } = line;
            let key = key.as_deref().map(idempotency_key).transpose()?;
            item.idempotency_key = key.as_ref().map(|key| key.as_str().to_owned());
            let fingerprint = Fingerprint::of(&ingest.method, &ingest.path, "", text);
            let idempotency = key.map(|key| Idempotency { key, fingerprint });
            let context = Context {
                target: target.as_deref(),
                store: origin.store_id,
                has_idempotency_key: idempotency.is_some(),
                now,
            };
            let write = read_write(command, body, context);
            Ok(prepare(write, origin, idempotency, dry_run, ingest.fault))
        });
        match read {
            Ok(Prepared::Send { command, external_id, body_rejection }) => {
                item.external_id = external_id;
                item.state = Some(ItemState::Sent { quota, body_rejection });
                Ok((item, Some(command)))
            }
            Ok(Prepared::Rejected(rejection)) | Err(rejection) => {
                let result = RequestResult::rejected(&rejection, &request_id, Some(quota));
                item.state = Some(ItemState::Done(Box::new(result)));
                Ok((item, None))
            }
        }
    }

    /// Sends all commands to the ledger and returns its replies. If the ledger cannot be reached,
    /// each command gets that rejection.
    async fn send_commands(
        &self,
        commands: Vec<LedgerCommand>,
    ) -> Result<Vec<std::result::Result<(LedgerReply, String), Rejection>>> {
        let count = commands.len();
        if count == 0 {
            return Ok(Vec::new());
        }
        match self.call_ledger(LedgerCommand::Batch { commands }).await {
            Ok((LedgerReply::Batch { replies }, _)) => Ok(replies.into_iter().map(Ok).collect()),
            Ok(_) => Err(internal("the ledger's reply is no batch")),
            Err(error) => Ok(vec![Err(error.into_rejection()); count]),
        }
    }

    async fn record_item(
        &self,
        ingest: &Ingest,
        item: Item<'_>,
        batch: SequenceId,
        now: Timestamp,
    ) {
        let Some(ItemState::Done(mut result)) = item.state else { return };
        let line = u32::try_from(item.line_number).unwrap_or(u32::MAX);
        result.about.batch = Some(BatchLine { of: batch, line });
        result.idempotency_key = item.idempotency_key;
        self.record(ingest, item.attempt, item.text, item.row, now, &result).await;
    }
}

impl Item<'_> {
    fn finish(
        &mut self,
        replies: &mut impl Iterator<Item = std::result::Result<(LedgerReply, String), Rejection>>,
        dry_run: bool,
    ) -> RequestResult {
        let request_id = self.request_id;
        let (quota, body_rejection) = match self.state.take() {
            Some(ItemState::Done(result)) => return *result,
            Some(ItemState::Sent { quota, body_rejection }) => (quota, body_rejection),
            None => {
                return RequestResult::rejected(
                    &internal("a line without a state").into_rejection(),
                    &request_id,
                    None,
                );
            }
        };
        let rejected =
            |rejection: &Rejection| RequestResult::rejected(rejection, &request_id, Some(quota));
        let mut result = match (replies.next(), body_rejection) {
            (Some(Ok((LedgerReply::NoStoredResponse, _))), Some(rejection)) => rejected(&rejection),
            (Some(Ok((LedgerReply::Failed { .. }, _))) | None, _) => {
                rejected(&internal("a command of a batch failed").into_rejection())
            }
            (Some(Ok(reply)), _) => result_of_reply(reply, quota, &request_id, dry_run),
            (Some(Err(rejection)), _) => rejected(&rejection),
        };
        if result.external_id.is_none() {
            result.external_id = self.external_id.take();
        }
        result
    }
}
