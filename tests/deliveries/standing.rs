//! What stands after events of a sender have arrived in some order.

use std::collections::BTreeMap;

use tidegate::domain::event::NativeEvent;
use tidegate::domain::ledger::judge_event;
use tidegate::domain::log::Outcome;
use tidegate::domain::order::SourceVersion;

use crate::deliveries::{describe_event, text};

/// The snapshots that stand in the end, described, by the names of what they are about.
pub fn standing(arrivals: &[NativeEvent]) -> BTreeMap<String, String> {
    let mut standing: BTreeMap<String, (SourceVersion, String)> = BTreeMap::new();
    for event in arrivals {
        let (name, version) = match event {
            NativeEvent::Order { snapshot } => {
                (format!("order {}", text(&snapshot.content.external_id)), &snapshot.version)
            }
            NativeEvent::Payment { snapshot } => {
                (format!("payment {}", text(&snapshot.payment.external_id)), &snapshot.version)
            }
            NativeEvent::Refund { snapshot } => {
                (format!("refund {}", text(&snapshot.refund.external_id)), &snapshot.version)
            }
            NativeEvent::Client { snapshot } => {
                (format!("client {}", text(&snapshot.details.external_id)), &snapshot.version)
            }
            other => panic!("{other:?} has no version"),
        };
        let kept = standing.get(&name).map(|(version, _)| version);
        if judge_event(kept, version) == Outcome::Accepted {
            standing.insert(name, (version.clone(), describe_event(event)));
        }
    }
    standing.into_iter().map(|(name, (_, described))| (name, described)).collect()
}
