//! How much a key is used, and what about it needs attention. Asked for every 30 seconds while a
//! list of keys is looked at, so it reads few rows, however long the log is.

use super::{KeyGate, log, parked, stats};
use crate::domain::failing::{FailingWebhook, Streaks};
use crate::domain::key::PayloadFormat;
use crate::domain::log::{Outcome, Window};
use crate::domain::parked::ParkedCount;
use crate::edge::Result;
use crate::edge::platform::now;
use crate::edge::sql::Sql;
use crate::protocol::key_gate::{GateReply, LoggedRequest};

/// Rows of the log that are looked at for deliveries that failed in a row.
const DELIVERIES: u32 = 200;

impl KeyGate {
    pub(super) fn usage(&self) -> Result<GateReply> {
        self.with(|key_state| {
            let open = key_state.open_minute();
            let (hours, h24) = stats::series(&self.sql, open, Window::H24, now())?;
            let counts_failures =
                matches!(key_state.stored.record.payload_format, PayloadFormat::WooCommerce);
            let failing = if counts_failures && h24.errors > 0 {
                key_state.flush_refusals(&self.sql)?;
                failing(&self.sql)?
            } else {
                Vec::new()
            };
            let ParkedCount { attention, awaiting_details } = parked::count(&self.sql)?;
            Ok(GateReply::Usage {
                h24,
                hours: hours.into_iter().map(|hour| hour.tally).collect(),
                last_used_at: key_state.last_used(&self.sql)?,
                parked: attention + awaiting_details,
                awaiting_details,
                failing,
            })
        })?
    }
}

/// The topics whose newest deliveries failed in a row. What was refused counts, as the sender counts
/// it; a ping has no topic and says nothing about one, and the sender knows nothing of our retries.
fn failing(sql: &Sql) -> Result<Vec<FailingWebhook>> {
    let mut streaks = Streaks::default();
    for answer in log::answers(sql, DELIVERIES)? {
        let sent = answer.outcome != Outcome::Ping && answer.method != LoggedRequest::RETRY;
        if let Some(topic) = answer.topic.as_deref().filter(|_| sent) {
            streaks.take(topic, answer.status, answer.count);
        }
    }
    Ok(streaks.failing())
}
