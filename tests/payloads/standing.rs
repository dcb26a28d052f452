//! The state that a store ends up in after events of a sender have arrived in some order.

use std::collections::BTreeMap;

use tidegate_core::domain::event::NativeEvent;
use tidegate_core::domain::log::Outcome;
use tidegate_core::domain::order::SourceVersion;
use tidegate_core::ledger::judge_event;

use crate::payloads::{describe_event, text};

/// A description of the last accepted snapshot of each resource, by the resource's kind and id.
pub fn final_states(arrivals: &[NativeEvent]) -> BTreeMap<String, String> {
    let mut states: BTreeMap<String, (SourceVersion, String)> = BTreeMap::new();
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
        let stored = states.get(&name).map(|(version, _)| version);
        if judge_event(stored, version) == Outcome::Accepted {
            states.insert(name, (version.clone(), describe_event(event)));
        }
    }
    states.into_iter().map(|(name, (_, described))| (name, described)).collect()
}
