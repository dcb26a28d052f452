//! Senders that switch a webhook off after several failures in a row, and how near each topic is to
//! that.

use serde::{Deserialize, Serialize};

/// When a sender switches a webhook off: it counts per webhook, which is per topic, and a success
/// resets the count to 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailureBudget {
    /// The number of failures in a row at which it switches the webhook off.
    pub switched_off_at: u32,
    /// The highest status, from 200, that it counts as a success.
    pub last_success: u16,
    /// The path to its screen on which somebody switches the webhook on again.
    pub screen: &'static str,
}

impl FailureBudget {
    /// How many more failures in a row switch the webhook off; 0 if it must be off already.
    pub const fn remaining(&self, failures: u32) -> u32 {
        self.switched_off_at.saturating_sub(failures)
    }

    /// Whether the sender counts a response with this status as a success.
    pub const fn is_success(&self, status: u16) -> bool {
        200 <= status && status <= self.last_success
    }
}

/// A topic whose newest deliveries failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailingWebhook {
    pub topic: String,
    /// Failures in a row, up to the newest delivery.
    pub failures: u32,
}

/// Counts failures in a row from the newest delivery backwards.
#[derive(Debug)]
pub struct Streaks {
    budget: FailureBudget,
    /// Each topic seen: its name, its failures, and whether an earlier success has ended the count.
    topics: Vec<(String, u32, bool)>,
}

impl Streaks {
    pub const fn new(budget: FailureBudget) -> Self {
        Self { budget, topics: Vec::new() }
    }

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
            if self.budget.is_success(status) {
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
    use crate::domain::key::PayloadFormat;

    fn woocommerce() -> FailureBudget {
        PayloadFormat::WooCommerce.webhooks().unwrap().failure_budget.unwrap()
    }

    #[test]
    fn the_seventh_failure_in_a_row_switches_a_webhook_off() {
        let remaining: Vec<_> =
            [0, 1, 6, 7, 8].map(|failures| woocommerce().remaining(failures)).into();
        assert_eq!(remaining, [7, 6, 1, 0, 0]);
    }

    #[test]
    fn redirects_up_to_302_count_as_successes() {
        let successes = [199, 200, 201, 301, 302, 303, 400, 401, 503]
            .map(|status| woocommerce().is_success(status));
        assert_eq!(successes, [false, true, true, true, true, false, false, false, false]);
    }

    #[test]
    fn a_success_ends_the_count_of_its_own_topic_only() {
        let mut streaks = Streaks::new(woocommerce());
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
