//! Senders that switch a webhook off after several failures in a row, and how near each topic is to
//! that.
//!
//! WooCommerce counts per webhook, which is per topic: a response from 200 to 302 resets the count
//! to 0, any other adds 1, and the seventh failure in a row switches the webhook off until somebody
//! switches it on again (CONTRACTS.md, WooCommerce, 'Success' and 'Disable').

use serde::{Deserialize, Serialize};

/// The number of failures in a row at which WooCommerce switches a webhook off.
pub const SWITCHED_OFF_AT: u32 = 7;

/// How many more failures in a row switch the webhook off; 0 if it must be off already.
pub const fn remaining_failures(failures: u32) -> u32 {
    SWITCHED_OFF_AT.saturating_sub(failures)
}

/// Whether WooCommerce counts a response with this status as a success.
pub const fn is_success(status: u16) -> bool {
    matches!(status, 200..=302)
}

/// A topic whose newest deliveries failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailingWebhook {
    pub topic: String,
    /// Failures in a row, up to the newest delivery.
    pub failures: u32,
}

/// Counts failures in a row from the newest delivery backwards.
#[derive(Debug, Default)]
pub struct Streaks {
    /// Each topic seen: its name, its failures, and whether an earlier success has ended the count.
    topics: Vec<(String, u32, bool)>,
}

impl Streaks {
    /// Takes the next older delivery. `count` is the number of deliveries that its log row counts.
    pub fn take(&mut self, topic: &str, status: u16, count: u32) {
        let index = match self.topics.iter().position(|(known, ..)| known == topic) {
            Some(index) => index,
            None => {
                self.topics.push((topic.to_owned(), 0, false));
                self.topics.len() - 1
            }
        };
        if let Some((_, failures, ended)) = self.topics.get_mut(index).filter(|known| !known.2) {
            if is_success(status) {
                *ended = true;
            } else {
                *failures = failures.saturating_add(count);
            }
        }
    }

    /// The failing topics, those nearest to being switched off first.
    pub fn failing(self) -> Vec<FailingWebhook> {
        let failing = self.topics.into_iter().filter(|(_, failures, _)| *failures > 0);
        let mut failing: Vec<_> =
            failing.map(|(topic, failures, _)| FailingWebhook { topic, failures }).collect();
        failing.sort_by(|a, b| b.failures.cmp(&a.failures).then_with(|| a.topic.cmp(&b.topic)));
        failing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seventh_failure_in_a_row_switches_a_webhook_off() {
        let remaining: Vec<_> = [0, 1, 6, 7, 8].map(remaining_failures).into();
        assert_eq!(remaining, [7, 6, 1, 0, 0]);
    }

    #[test]
    fn redirects_up_to_302_count_as_successes() {
        let successes = [199, 200, 201, 301, 302, 303, 400, 401, 503].map(is_success);
        assert_eq!(successes, [false, true, true, true, true, false, false, false, false]);
    }

    #[test]
    fn a_success_ends_the_count_of_its_own_topic_only() {
        let mut streaks = Streaks::default();
        for (topic, status, count) in [
            ("order.created", 401, 1),
            ("order.updated", 200, 1),
            ("order.created", 503, 1),
            ("order.updated", 401, 1),
            ("order.deleted", 401, 40),
            ("order.created", 200, 1),
            ("order.created", 401, 1),
        ] {
            streaks.take(topic, status, count);
        }
        let failing = |topic: &str, failures| FailingWebhook { topic: topic.into(), failures };
        assert_eq!(streaks.failing(), [failing("order.deleted", 40), failing("order.created", 2)]);
    }
}
