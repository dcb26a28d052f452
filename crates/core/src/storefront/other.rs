//! Whatever else can post Tidegate's own format.

use super::ELSEWHERE;
use crate::domain::key::{Scope, Source};
use crate::domain::sender::{SenderKind, SenderProfile, Signing};

pub const PROFILE: SenderProfile = SenderProfile {
    source: Source::Other,
    title: "Other sender",
    label: "Other",
    kind: SenderKind::Anything,
    summary: "Anything that can post",
    instructions: "Whatever can post JSON or a form sends orders to one URL: create the key, and leave the signature out only where the sender cannot sign.",
    steps: &[],
    scopes: &[Scope::OrdersWrite],
    signing: Signing::Preferred,
    header_location: ELSEWHERE,
    webhooks: None,
};
