//! The state that a KeyGate has in memory. All of it can be rebuilt from rows: the object loses its
//! memory after ten idle seconds.

use std::collections::{HashMap, HashSet};

use super::capture::{self, NewCapture};
use super::log::{self, OpenDay};
use super::stats::{self, OpenMinute};
use super::storage::StoredKey;
use super::tail::Tails;
use super::{parked, storage};
use crate::Result;
use crate::platform::sql::Sql;
use tidegate_core::domain::id::{RequestId, SequenceId};
use tidegate_core::domain::key::KeyRecord;
use tidegate_core::domain::log::{About, LogEntry, SINGLE_REFUSALS_PER_MINUTE};
use tidegate_core::domain::rate_limit::{SlidingWindow, WINDOW};
use tidegate_core::domain::rejection::{Code, Rejection};
use tidegate_core::domain::sealing::SealingKeys;
use tidegate_core::domain::secret::SigningSecret;
use tidegate_core::domain::signature::diagnose;
use tidegate_core::domain::time::{MINUTE, SECOND, Timestamp};

/// Milliseconds until counted refusals are written. Shorter than the time after which an idle
/// object loses its memory.
const REFUSALS_FLUSH_DELAY: i64 = 5 * SECOND;

/// The in-memory state of one key's object.
#[derive(Debug)]
pub struct KeyState {
    pub stored: StoredKey,
    /// The unsealed signing secrets, newest first, each with the end of its validity.
    secrets: Vec<(SigningSecret, Option<Timestamp>)>,
    pub window: SlidingWindow,
    last_row: Option<SequenceId>,
    last_used: Option<Timestamp>,
    /// Whether the log has already been searched for `last_used`.
    last_use_looked_up: bool,
    /// The log rows of the last minute's requests, by the attempt token that the Worker sent.
    attempts: HashMap<i64, SequenceId>,
    day: OpenDay,
    minute: OpenMinute,
    refusals: Refusals,
    /// The open live tails of the log.
    pub tails: Tails,
    /// The parents that parked events wait for.
    pub awaited_parents: HashSet<String>,
    /// The time that the alarm is set for, as far as this object knows.
    pub alarm_at: Option<Timestamp>,
    /// Whether a batch is being written to D1.
    pub publishing: bool,
}

/// The refusals of the current minute: logged one by one up to a cap, then only counted.
#[derive(Debug, Default)]
struct Refusals {
    minute: i64,
    /// All refusals of the minute, those beyond the cap included.
    refused: u32,
    /// The log entry that counts the refusals beyond the cap.
    summary: Option<LogEntry>,
    /// Since when the stored row of `summary` lags behind memory.
    summary_stale_since: Option<Timestamp>,
}

/// A request that has its log row assigned, before it is authenticated.
#[derive(Clone, Copy, Debug)]
pub struct IncomingRequest {
    pub row: SequenceId,
    /// Whether the Worker repeated the call: the rate limit has been charged for the request
    /// already.
    pub repeated: bool,
    /// Whether WebCrypto verified the request's signature under a public key.
    pub public_key_verified: bool,
}

impl KeyState {
    /// Rebuilds the state from the stored key and the newest rows of the log.
    pub fn rebuild(
        sql: &Sql,
        stored: StoredKey,
        keys: &SealingKeys,
        tails: Tails,
        now: Timestamp,
    ) -> Result<Self> {
        let written_until = stats::written_until(sql)?;
        // Go back to the end of the last minute that the stats contain, to count the later ones
        // from the log, and at least as far as the rate limit's window.
        let window_start = now.plus(-WINDOW);
        let from = written_until.map_or(Timestamp::from_millis(0), |until| until.min(window_start));
        let rows = log::recent_rows(sql, from, now)?;
        let charged_at = rows.iter().filter(|row| row.units > 0).map(|row| row.id.time());
        let window = SlidingWindow::rebuilt(
            stored.record.rate_limit,
            charged_at.filter(|at| *at > window_start),
        );
        let mut key_state = Self {
            secrets: unseal(&stored.record, keys),
            stored,
            window,
            last_row: rows.last().map(|row| row.id),
            last_used: None,
            last_use_looked_up: false,
            attempts: rows.iter().map(|row| (row.attempt, row.id)).collect(),
            day: OpenDay::default(),
            minute: OpenMinute::of(written_until.unwrap_or_default()),
            refusals: Refusals::default(),
            tails,
            awaited_parents: parked::awaited_parents(sql)?.into_iter().collect(),
            alarm_at: None,
            publishing: false,
        };
        let capture_sizes = capture::sizes(sql, written_until.unwrap_or_default())?;
        for row in
            rows.iter().filter(|row| written_until.is_none_or(|until| row.id.time() >= until))
        {
            key_state.roll_over_minute(sql, row.id.time())?;
            key_state.minute.tally.add(row.status, row.count);
            key_state.minute.log_bytes += row.bytes as u64;
            key_state.minute.capture_bytes +=
                capture_sizes.get(&row.id).copied().unwrap_or_default();
            if row.outcome.is_capped() {
                key_state.refusals.count(row.id.time());
            }
        }
        parked::clear_retrying(sql)?;
        Ok(key_state)
    }

    /// The secrets that are valid at `now`, newest first.
    pub fn live_secrets(&self, now: Timestamp) -> Vec<SigningSecret> {
        let live = self.secrets.iter().filter(|(_, until)| until.is_none_or(|until| until > now));
        live.map(|(secret, _)| secret.clone()).collect()
    }

    /// The secrets whose validity has ended.
    pub fn previous_secrets(&self, now: Timestamp) -> Vec<SigningSecret> {
        let past = self.secrets.iter().filter(|(_, until)| until.is_some_and(|until| until <= now));
        past.map(|(secret, _)| secret.clone()).collect()
    }

    /// Assigns the log row of a request received at `now`. A repeated attempt gets the row of the
    /// first one.
    pub fn assign_row(&mut self, attempt: i64, now: Timestamp) -> IncomingRequest {
        if let Some(row) = self.attempts.get(&attempt) {
            return IncomingRequest { row: *row, repeated: true, public_key_verified: false };
        }
        let row = SequenceId::next(now, self.last_row);
        self.last_row = Some(row);
        self.attempts.insert(attempt, row);
        IncomingRequest { row, repeated: false, public_key_verified: false }
    }

    /// Runs `charge` with the key and the window of its rate limit. A call that the Worker repeats has
    /// been charged already: it gets a copy of the window.
    pub fn charge<T>(
        &mut self,
        request: IncomingRequest,
        charge: impl FnOnce(&KeyRecord, &mut SlidingWindow) -> T,
    ) -> T {
        let record = &self.stored.record;
        if request.repeated {
            charge(record, &mut self.window.clone())
        } else {
            charge(record, &mut self.window)
        }
    }

    pub fn request_id(&self, row: SequenceId) -> RequestId {
        RequestId::new(self.stored.record.key_hash.gate(), row)
    }

    /// Writes the log entry of a request with its capture, counts it, and pushes it to the live
    /// tails.
    pub fn log(
        &mut self,
        sql: &Sql,
        entry: LogEntry,
        capture: Option<NewCapture<'_>>,
        now: Timestamp,
    ) -> Result<()> {
        self.roll_over_minute(sql, now)?;
        self.minute.tally.add(entry.status, entry.count);
        if entry.units > 0 && entry.count > 0 {
            self.last_used = Some(entry.row.time());
        }
        if entry.outcome.is_capped() && !self.refusals.count(now) {
            self.refusals.add_to_summary(entry, now);
            return Ok(());
        }
        let day = self.day.open(sql, entry.row.time())?;
        let capture = capture.filter(|capture| self.day.reserve_capture(capture.bytes()));
        self.minute.log_bytes += log::write(sql, day, &entry, capture)? as u64;
        self.minute.capture_bytes += capture.map_or(0, |capture| capture.bytes()) as u64;
        self.tails.push(&self.stored.record, &entry);
        Ok(())
    }

    /// Whether one more refusal at `now` would get a log entry of its own. Only then is its cause
    /// diagnosed.
    pub fn logs_next_refusal_singly(&self, now: Timestamp) -> bool {
        self.refusals.minute != now.period(MINUTE)
            || self.refusals.refused < SINGLE_REFUSALS_PER_MINUTE
    }

    /// Adds the probable cause, for the operator, to the rejection of a signature, if the rejection
    /// gets a log entry of its own.
    pub fn add_diagnosis(
        &self,
        rejection: Rejection,
        signature: Option<&str>,
        secrets: &[SigningSecret],
        body: &[u8],
        now: Timestamp,
    ) -> Rejection {
        match signature.filter(|_| self.logs_next_refusal_singly(now)) {
            Some(signature) if rejection.code == Code::SignatureInvalid => {
                let previous = self.previous_secrets(now);
                rejection.with_diagnosis(diagnose(signature, secrets, &previous, body).detail())
            }
            _ => rejection,
        }
    }

    /// Writes the stats of the open minute and opens the next one, if `now` is in a later minute.
    fn roll_over_minute(&mut self, sql: &Sql, now: Timestamp) -> Result<()> {
        if self.minute.contains(now) || now.millis() < self.minute.start {
            return Ok(());
        }
        stats::write(sql, &self.minute)?;
        self.minute = OpenMinute::of(now);
        let horizon = now.plus(-WINDOW);
        self.attempts.retain(|_, row| row.time() > horizon);
        self.flush_refusals(sql)?;
        self.refusals.summary = None;
        Ok(())
    }

    /// Writes the row that counts the refusals beyond the cap, if its count has grown.
    pub fn flush_refusals(&mut self, sql: &Sql) -> Result<()> {
        if let (Some(entry), Some(_)) = (&self.refusals.summary, self.refusals.summary_stale_since)
        {
            let day = self.day.open(sql, entry.row.time())?;
            log::write(sql, day, entry, None)?;
            self.tails.push(&self.stored.record, entry);
            self.refusals.summary_stale_since = None;
        }
        Ok(())
    }

    /// When the counted refusals must be written, if there are any.
    pub fn refusals_due(&self) -> Option<Timestamp> {
        self.refusals.summary_stale_since.map(|since| since.plus(REFUSALS_FLUSH_DELAY))
    }

    pub const fn open_minute(&self) -> &OpenMinute {
        &self.minute
    }

    /// When a request was last admitted. If memory does not reach back that far, the log is
    /// searched, once.
    pub fn last_used(&mut self, sql: &Sql) -> Result<Option<Timestamp>> {
        if self.last_used.is_none() && !self.last_use_looked_up {
            self.last_used = log::last_use(sql)?;
            self.last_use_looked_up = true;
        }
        Ok(self.last_used)
    }

    /// Rewrites the stored row of the key and replaces the key in memory.
    pub fn save(&mut self, sql: &Sql, stored: StoredKey, keys: &SealingKeys) -> Result<()> {
        storage::save(sql, &stored)?;
        self.secrets = unseal(&stored.record, keys);
        self.stored = stored;
        Ok(())
    }
}

impl Refusals {
    /// Counts a refusal. Returns whether it gets a log entry of its own.
    fn count(&mut self, now: Timestamp) -> bool {
        let minute = now.period(MINUTE);
        if minute != self.minute {
            self.minute = minute;
            self.refused = 0;
        }
        self.refused = self.refused.saturating_add(1);
        self.refused <= SINGLE_REFUSALS_PER_MINUTE
    }

    fn add_to_summary(&mut self, entry: LogEntry, now: Timestamp) {
        self.summary_stale_since.get_or_insert(now);
        match &mut self.summary {
            Some(summary) => summary.count += entry.count,
            None => {
                self.summary = Some(LogEntry {
                    about: About::NOTHING,
                    detail: Some("Further refusals within this minute.".to_owned()),
                    ..entry
                });
            }
        }
    }
}

/// Unseals the secrets. A secret that does not unseal (because its sealing key was dropped too
/// early) is left out: requests signed with it are refused, and everything else still works.
fn unseal(record: &KeyRecord, keys: &SealingKeys) -> Vec<(SigningSecret, Option<Timestamp>)> {
    let unsealed = record.secrets.iter().filter_map(|secret| {
        match keys.unseal(&secret.sealed, record.sealing_context()) {
            Ok(text) => Some((SigningSecret::unsealed(text), secret.valid_until)),
            Err(error) => {
                worker::console_error!("a secret of {}: {error:?}", record.key_id);
                None
            }
        }
    });
    unsealed.collect()
}
