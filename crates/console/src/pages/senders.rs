//! How the console presents the senders of [`tidegate_core::storefront::PROFILES`].

use crate::icons::Icon;
use tidegate_core::domain::key::{KeyRecord, PayloadFormat, Source};
use tidegate_core::domain::secret::SecretFormat;
use tidegate_core::domain::sender::{SenderKind, SenderProfile};

pub const fn sender_icon(kind: SenderKind) -> Icon {
    match kind {
        SenderKind::Shop => Icon::Cart,
        SenderKind::Payments => Icon::Receipt,
        SenderKind::Automation => Icon::Quickstart,
        SenderKind::Code => Icon::Code,
        SenderKind::Anything => Icon::Cable,
    }
}

/// The sender of a key's requests. A native payload format determines it; for a key with Tidegate's
/// own format it is the key's source label, unless that names a sender with a format of its own.
pub fn sender_of(record: &KeyRecord) -> &'static SenderProfile {
    record.payload_format.sender().unwrap_or_else(|| match record.source.profile() {
        plain @ SenderProfile { webhooks: None, .. } => plain,
        _ => Source::Custom.profile(),
    })
}

/// Whether what is pasted as the secret of a key of this format is a public key.
pub fn has_public_key(format: PayloadFormat) -> bool {
    let form = format.webhooks().map(|webhooks| webhooks.secret.format);
    matches!(form, Some(SecretFormat::RsaPublicKey { .. }))
}

/// The label of the link to the form in which a missing secret is pasted.
pub fn paste_label(format: PayloadFormat) -> &'static str {
    if has_public_key(format) { "Paste the public key" } else { "Paste the signing key" }
}

/// Says on which screen of the sender the signing secret is shown.
pub fn secret_screen(format: PayloadFormat) -> &'static str {
    format.webhooks().map_or("Your own sender holds it.", |webhooks| webhooks.secret.screen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_core::domain::sender::Step;
    use tidegate_core::storefront::PROFILES;

    #[test]
    fn every_source_has_one_card_with_its_own_instructions() {
        let mut sources: Vec<_> = PROFILES.iter().map(|sender| sender.source).collect();
        sources.sort_unstable();
        assert_eq!(sources, Source::ALL);
        let mut instructions: Vec<_> = PROFILES.iter().map(|sender| sender.instructions).collect();
        instructions.sort_unstable();
        instructions.dedup();
        assert_eq!(instructions.len(), PROFILES.len());
    }

    #[test]
    fn the_steps_of_a_sender_with_its_own_secret_end_with_pasting_it_and_no_others_do() {
        for sender in PROFILES {
            let pasted = sender.steps.iter().filter(|step| matches!(step, Step::Paste(_)));
            let own = sender.webhooks.is_some_and(|webhooks| webhooks.format.has_own_secret());
            assert_eq!(pasted.count(), usize::from(own), "{}", sender.source);
            let last = sender.steps.last();
            assert_eq!(matches!(last, Some(Step::Paste(_))), own, "{}", sender.source);
        }
    }

    #[test]
    fn the_steps_of_every_native_sender_contain_the_url_once() {
        for sender in PROFILES.iter().filter(|sender| sender.webhooks.is_some()) {
            let with_url = sender.steps.iter().filter(|step| match step {
                Step::Url(_) => true,
                Step::Command(_, command) => command.contains("{url}"),
                _ => false,
            });
            assert_eq!(with_url.count(), 1, "{}", sender.source);
        }
    }
}
