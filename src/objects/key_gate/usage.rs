//! The usage of a key and the problems that need attention. An open list of keys asks for it every
//! 30 seconds, so it reads few rows, however long the log is.

use super::{KeyGate, log, parked, stats};
use crate::Result;
use crate::platform::now;
use crate::platform::sql::Sql;
use tidegate_core::domain::failing::{FailingWebhook, FailureBudget, Streaks};
use tidegate_core::domain::log::{Outcome, Window};
use tidegate_core::domain::parked::ParkedCount;
use tidegate_core::protocol::key_gate::{GateReply, LoggedRequest};

/// The most log rows that are searched for deliveries that failed in a row.
const MAX_SCANNED: u32 = 200;

impl KeyGate {
    pub(super) fn usage(&self) -> Result<GateReply> {
        self.with(|key_state| {
            let open = key_state.open_minute();
            let (hours, h24) = stats::series(&self.sql, open, Window::H24, now())?;
            let webhooks = key_state.stored.record.payload_format.webhooks();
            let failing = match webhooks.and_then(|webhooks| webhooks.failure_budget) {
                Some(budget) if h24.errors > 0 => {
                    key_state.flush_refusals(&self.sql)?;
                    failing(&self.sql, budget)?
                }
                _ => Vec::new(),
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

/// The topics whose newest deliveries failed in a row. Refused deliveries count, because the sender
/// counts them. Pings do not: they have no topic. Neither do retries of parked events: the sender
/// does not see them.
fn failing(sql: &Sql, budget: FailureBudget) -> Result<Vec<FailingWebhook>> {
    let mut streaks = Streaks::new(budget);
    for response in log::newest_responses(sql, MAX_SCANNED)? {
        let is_delivery =
            response.outcome != Outcome::Ping && response.method != LoggedRequest::RETRY;
        if let Some(topic) = response.topic.as_deref().filter(|_| is_delivery) {
            streaks.take(topic, response.status, response.count);
        }
    }
    Ok(streaks.failing())
}
