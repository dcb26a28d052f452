//! Zapier: a Zap posts orders in Tidegate's own format.

use crate::domain::key::{Scope, Source};
use crate::domain::sender::{SenderKind, SenderProfile, Signing, Step};

pub const PROFILE: SenderProfile = SenderProfile {
    source: Source::Zapier,
    title: "Zapier",
    label: "Zapier",
    kind: SenderKind::Automation,
    summary: "Orders from a Zap",
    instructions: "A Zap posts orders with one header and no signature: create the key, then paste its URL and header into Webhooks by Zapier.",
    steps: STEPS,
    scopes: &[Scope::OrdersWrite],
    signing: Signing::Optional,
    header_location: "in the Zap, in the step “Webhooks by Zapier”, under Headers",
    webhooks: None,
};

/// The steps at the sender, with the labels of its own screens.
const STEPS: &[Step] = &[
    Step::Do("In the Zap add the action Webhooks by Zapier → POST."),
    Step::Url("Paste this as URL."),
    Step::Topics(
        "Choose the payload type Json and add these fields under Data.",
        &[
            "external_id",
            "currency",
            "total",
            "lines[0][name]",
            "lines[0][quantity]",
            "lines[0][unit_price]",
        ],
    ),
    Step::Bearer("Add the header Authorization with this value."),
];
