//! The merchant's own code, which posts Tidegate's own format.

use super::ELSEWHERE;
use crate::domain::key::{Scope, Source};
use crate::domain::sender::{SenderKind, SenderProfile, Signing};

pub const PROFILE: SenderProfile = SenderProfile {
    source: Source::Custom,
    title: "Custom integration",
    label: "Custom",
    kind: SenderKind::Code,
    summary: "Orders from your own code",
    instructions: "Your code posts orders and signs them with a secret that is made here: create the key, then run the command that it comes with.",
    steps: &[],
    scopes: &[Scope::OrdersWrite],
    signing: Signing::Preferred,
    header_location: ELSEWHERE,
    webhooks: None,
};
