//! What an key_state KeyGate has in memory. All of it can be rebuilt from rows: the object forgets its
//! memory after ten idle seconds.

use std::collections::{HashMap, HashSet};

use super::capture::{self, NewCapture};
use super::log::{self, OpenDay};
use super::stats::{self, OpenMinute};
use super::storage::StoredKey;
use super::tail::Tails;
use super::{parked, storage};
use crate::domain::id::{RequestId, SequenceId};
use crate::domain::key::KeyRecord;
use crate::domain::log::{LogEntry, SINGLE_REFUSALS_PER_MINUTE};
use crate::domain::rate_limit::{SlidingWindow, WINDOW};
use crate::domain::rejection::{Code, Rejection};
use crate::domain::sealing::SealingKeys;
use crate::domain::secret::SigningSecret;
use crate::domain::signature::diagnose;
use crate::domain::time::{MINUTE, SECOND, Timestamp};
use crate::edge::Result;
use crate::edge::sql::Sql;

/// Until counted refusals are written: sooner than an idle object forgets them.
const FLUSH_REFUSALS: i64 = 5 * SECOND;

/// The memory of one key's object.
#[derive(Debug)]
pub struct KeyState {
    pub stored: StoredKey,
    /// The secrets that have been unsealed, newest first, and until when each counts.
    secrets: Vec<(SigningSecret, Option<Timestamp>)>,
    pub window: SlidingWindow,
    last_row: Option<SequenceId>,
    last_used: Option<Timestamp>,
    /// Whether the log has been asked for it.
    last_use_is_known: bool,
    /// The rows of the Worker's attempts of the last minute.
    attempts: HashMap<i64, SequenceId>,
    day: OpenDay,
    minute: OpenMinute,
    refusals: Refusals,
    /// Who follows the log.
    pub tails: Tails,
    /// What parked events wait for.
    pub awaited: HashSet<String>,
    /// When the alarm is set for, as far as this object knows.
    pub alarm_at: Option<Timestamp>,
    /// Whether a batch is on its way to D1.
    pub publishing: bool,
}

/// Refusals of the current minute: logged one by one up to a cap, then only counted.
#[derive(Debug, Default)]
struct Refusals {
    minute: i64,
    single: u32,
    /// The row that stands for the rest.
    rest: Option<LogEntry>,
    /// Since when that row says less than memory.
    unwritten_since: Option<Timestamp>,
}

/// A request that has its row.
#[derive(Clone, Copy, Debug)]
pub struct Admitted {
    pub row: SequenceId,
    /// Whether an earlier attempt of the same request has been charged for already.
    pub repeated: bool,
    /// Whether the platform found its signature to hold under a public key.
    pub public_key_holds: bool,
}

impl KeyState {
    /// Rebuilds memory from what the object holds and what its log still shows.
    pub fn rebuild(
        sql: &Sql,
        stored: StoredKey,
        keys: &SealingKeys,
        tails: Tails,
        now: Timestamp,
    ) -> Result<Self> {
        let written_until = stats::written_until(sql)?;
        // A minute that was never written is counted from the log; the limit looks back as far.
        let window_start = now.plus(-WINDOW);
        let from = written_until.map_or(Timestamp::from_millis(0), |until| until.min(window_start));
        let traces = log::traces(sql, from, now)?;
        let admitted = traces.iter().filter(|trace| trace.units > 0).map(|trace| trace.id.time());
        let window = SlidingWindow::rebuilt(
            stored.record.rate_limit,
            admitted.filter(|at| *at > window_start),
        );
        let mut key_state = Self {
            secrets: unseal(&stored.record, keys),
            stored,
            window,
            last_row: traces.last().map(|trace| trace.id),
            last_used: None,
            last_use_is_known: false,
            attempts: traces.iter().map(|trace| (trace.attempt, trace.id)).collect(),
            day: OpenDay::default(),
            minute: OpenMinute::of(written_until.unwrap_or_default()),
            refusals: Refusals::default(),
            tails,
            awaited: parked::awaited_parents(sql)?.into_iter().collect(),
            alarm_at: None,
            publishing: false,
        };
        let kept = capture::sizes(sql, written_until.unwrap_or_default())?;
        for trace in
            traces.iter().filter(|trace| written_until.is_none_or(|until| trace.id.time() >= until))
        {
            key_state.turn_minute(sql, trace.id.time())?;
            key_state.minute.tally.add(trace.status, trace.count);
            key_state.minute.log_bytes += trace.bytes as u64;
            key_state.minute.capture_bytes += kept.get(&trace.id).copied().unwrap_or_default();
            if trace.outcome.is_capped() {
                key_state.refusals.count(trace.id.time());
            }
        }
        parked::unmark_all(sql)?;
        Ok(key_state)
    }

    /// The secrets that count at `now`, newest first.
    pub fn live_secrets(&self, now: Timestamp) -> Vec<SigningSecret> {
        let live = self.secrets.iter().filter(|(_, until)| until.is_none_or(|until| until > now));
        live.map(|(secret, _)| secret.clone()).collect()
    }

    /// The secrets that counted once.
    pub fn previous_secrets(&self, now: Timestamp) -> Vec<SigningSecret> {
        let past = self.secrets.iter().filter(|(_, until)| until.is_some_and(|until| until <= now));
        past.map(|(secret, _)| secret.clone()).collect()
    }

    /// The row of a request that comes in at `now`; that of its earlier attempt, if it had one.
    pub fn row(&mut self, attempt: i64, now: Timestamp) -> Admitted {
        if let Some(row) = self.attempts.get(&attempt) {
            return Admitted { row: *row, repeated: true, public_key_holds: false };
        }
        let row = SequenceId::next(now, self.last_row);
        self.last_row = Some(row);
        self.attempts.insert(attempt, row);
        Admitted { row, repeated: false, public_key_holds: false }
    }

    pub fn request_id(&self, row: SequenceId) -> RequestId {
        RequestId::new(self.stored.record.key_hash.gate(), row)
    }

    /// Writes the log entry of a request, counts it and shows it to who follows the log. `kept` is
    /// what to keep beside it.
    pub fn log(
        &mut self,
        sql: &Sql,
        entry: LogEntry,
        kept: Option<NewCapture<'_>>,
        now: Timestamp,
    ) -> Result<()> {
        self.turn_minute(sql, now)?;
        self.minute.tally.add(entry.status, entry.count);
        if entry.units > 0 && entry.count > 0 {
            self.last_used = Some(entry.row.time());
        }
        if entry.outcome.is_capped() && !self.refusals.count(now) {
            self.refusals.add(entry, now);
            return Ok(());
        }
        let day = self.day.open(sql, entry.row.time())?;
        let kept = kept.filter(|kept| self.day.takes(kept.bytes()));
        self.minute.log_bytes += log::write(sql, day, &entry, kept)? as u64;
        self.minute.capture_bytes += kept.map_or(0, |kept| kept.bytes()) as u64;
        self.tails.push(&self.stored.record, &entry);
        Ok(())
    }

    /// Whether one more refusal at `now` is logged by itself: only then is its cause looked for.
    pub fn logs_refusal_singly(&self, now: Timestamp) -> bool {
        self.refusals.minute != now.period(MINUTE)
            || self.refusals.single < SINGLE_REFUSALS_PER_MINUTE
    }

    /// A rejected signature with what the operator is told of its cause, where that is logged.
    pub fn diagnosed(
        &self,
        rejection: Rejection,
        signature: Option<&str>,
        secrets: &[SigningSecret],
        body: &[u8],
        now: Timestamp,
    ) -> Rejection {
        match signature.filter(|_| self.logs_refusal_singly(now)) {
            Some(signature) if rejection.code == Code::SignatureInvalid => {
                let previous = self.previous_secrets(now);
                rejection.diagnosed(diagnose(signature, secrets, &previous, body).detail())
            }
            _ => rejection,
        }
    }

    /// At the first request of another minute: writes the one before.
    fn turn_minute(&mut self, sql: &Sql, now: Timestamp) -> Result<()> {
        if self.minute.holds(now) || now.millis() < self.minute.start {
            return Ok(());
        }
        stats::write(sql, &self.minute)?;
        self.minute = OpenMinute::of(now);
        let horizon = now.plus(-WINDOW);
        self.attempts.retain(|_, row| row.time() > horizon);
        self.flush_refusals(sql)?;
        self.refusals.rest = None;
        Ok(())
    }

    /// Writes the row that stands for the refusals beyond the cap, if the minute had any.
    pub fn flush_refusals(&mut self, sql: &Sql) -> Result<()> {
        if let (Some(entry), Some(_)) = (&self.refusals.rest, self.refusals.unwritten_since) {
            let day = self.day.open(sql, entry.row.time())?;
            log::write(sql, day, entry, None)?;
            self.tails.push(&self.stored.record, entry);
            self.refusals.unwritten_since = None;
        }
        Ok(())
    }

    /// When the counted refusals want to be written, if there are any.
    pub fn refusals_due(&self) -> Option<Timestamp> {
        self.refusals.unwritten_since.map(|since| since.plus(FLUSH_REFUSALS))
    }

    pub const fn open_minute(&self) -> &OpenMinute {
        &self.minute
    }

    /// When a request was last admitted. Looked up in the log once, where memory does not go back so
    /// far.
    pub fn last_used(&mut self, sql: &Sql) -> Result<Option<Timestamp>> {
        if self.last_used.is_none() && !self.last_use_is_known {
            self.last_used = log::last_use(sql)?;
            self.last_use_is_known = true;
        }
        Ok(self.last_used)
    }

    /// Rewrites the row of the key and holds it.
    pub fn hold(&mut self, sql: &Sql, stored: StoredKey, keys: &SealingKeys) -> Result<()> {
        storage::save(sql, &stored)?;
        self.secrets = unseal(&stored.record, keys);
        self.stored = stored;
        Ok(())
    }
}

impl Refusals {
    /// Counts a refusal; whether it is one of those that are logged by themselves.
    fn count(&mut self, now: Timestamp) -> bool {
        let minute = now.period(MINUTE);
        if minute != self.minute {
            self.minute = minute;
            self.single = 0;
        }
        self.single = self.single.saturating_add(1);
        self.single <= SINGLE_REFUSALS_PER_MINUTE
    }

    fn add(&mut self, entry: LogEntry, now: Timestamp) {
        self.unwritten_since.get_or_insert(now);
        match &mut self.rest {
            Some(rest) => rest.count += entry.count,
            None => {
                self.rest = Some(LogEntry {
                    detail: Some("Further refusals within this minute.".to_owned()),
                    ..entry
                });
            }
        }
    }
}

/// The secrets that unseal. One that does not (its sealing key was dropped too early) counts as
/// none, so that what it signed is refused and everything else goes on.
fn unseal(record: &KeyRecord, keys: &SealingKeys) -> Vec<(SigningSecret, Option<Timestamp>)> {
    let unsealed = record.secrets.iter().filter_map(|secret| {
        match keys.unseal(&secret.sealed, record.place()) {
            Ok(text) => Some((SigningSecret::unsealed(text), secret.valid_until)),
            Err(error) => {
                worker::console_error!("a secret of {}: {error:?}", record.key_id);
                None
            }
        }
    });
    unsealed.collect()
}
