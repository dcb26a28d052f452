//! Make: a scenario posts orders in Tidegate's own format.

use crate::domain::key::{Scope, Source};
use crate::domain::sender::{SenderKind, SenderProfile, Signing, Step};

pub const PROFILE: SenderProfile = SenderProfile {
    source: Source::Make,
    title: "Make",
    label: "Make",
    kind: SenderKind::Automation,
    summary: "Orders from a scenario",
    instructions: "A scenario posts orders with one header and no signature: create the key, then paste its URL and header into the HTTP module.",
    steps: STEPS,
    scopes: &[Scope::OrdersWrite],
    signing: Signing::Optional,
    header_location: "in the scenario, in the HTTP module, under Headers",
    webhooks: None,
};

/// The steps at the sender, with the labels of its own screens.
const STEPS: &[Step] = &[
    Step::Do("In the scenario add the module HTTP → Make a request, with the method POST."),
    Step::Url("Paste this as URL."),
    Step::Bearer("Add the header Authorization with this value."),
    Step::Do(
        "Choose the body type Raw and the content type JSON, and switch on “Evaluate all states as errors”: without it a refused order counts as sent.",
    ),
];
