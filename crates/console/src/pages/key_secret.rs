//! The signing secret in the settings of a key: the steps at a sender that makes its own secret,
//! and the form in which a secret is pasted or replaced.

use maud::{Markup, html};

use super::connect::{Connect, connect};
use super::senders::{has_public_key, paste_label, secret_screen, sender_of};
use crate::components::{
    Attributes, Banner, Button, Field, Kind, TimeStyle, actions, banner, error_summary, form,
    section, time,
};
use crate::forms::FormErrors;
use crate::links;
use tidegate_core::domain::key::{KeyRecord, PayloadFormat};
use tidegate_core::domain::secret::SecretFormat;
use tidegate_core::domain::time::Timestamp;

/// The view model of the section.
#[derive(Clone, Copy, Debug)]
pub struct Secret<'a> {
    pub csrf: &'a str,
    pub record: &'a KeyRecord,
    pub webhook_url: Option<&'a str>,
    pub form: SecretForm<'a>,
    pub now: Timestamp,
}

/// The state of the form for a secret, after it was sent.
#[derive(Clone, Copy, Debug)]
pub struct SecretForm<'a> {
    pub errors: &'a FormErrors,
    /// The typed URL that the sender signs (Square only); `None` if the form has not been sent.
    pub notification_url: Option<&'a str>,
}

/// The section for a key without its secret: the steps at the sender, and the form for the secret.
pub fn awaiting(page: &Secret<'_>) -> Markup {
    let format = page.record.payload_format;
    let sender = sender_of(page.record);
    let steps = connect(&Connect {
        sender,
        url: page.webhook_url.unwrap_or_default(),
        secret: None,
        key: None,
        paste: html! {},
    });
    html! {
        (banner(&Banner {
            kind: Kind::Warn,
            text: html! {
                strong { "This key awaits its signing secret. " }
                (secret_screen(format))
                " Until it is pasted below, every delivery is refused."
            },
            action: None,
        }))
        @if format.has_own_secret() {
            (section("connect", &format!("Connect {}", sender.title), html! {}, steps))
        }
        (section("secret", paste_label(format), html! {}, secret_form(page)))
    }
}

/// The section for a key that has a secret, which can be replaced here.
pub fn secret(page: &Secret<'_>) -> Markup {
    html! {
        p.muted { (current_secrets(page)) " " (secret_screen(page.record.payload_format)) }
        (secret_form(page))
    }
}

fn secret_form(page: &Secret<'_>) -> Markup {
    let awaits = page.record.awaits_secret();
    let format = page.record.payload_format;
    let SecretForm { errors, notification_url } = page.form;
    let options = [
        ("0", "Not at all"),
        ("1", "1 hour"),
        ("24", "24 hours"),
        ("72", "3 days"),
        ("168", "7 days"),
        ("720", "30 days"),
    ];
    let sender = sender_of(page.record).title;
    let label = match (has_public_key(format), awaits) {
        (true, true) => "Paste the public key",
        (true, false) => "New public key",
        (false, true) => "Paste the secret",
        (false, false) => "New secret",
    };
    let field = Field::new("signing_secret", label).required().error(errors.of("signing_secret"));
    let registered_url = notification_url
        .or(page.record.notification_url.as_deref())
        .or(page.webhook_url)
        .unwrap_or_default();
    let content = html! {
        (error_summary(&errors.summary()))
        @if has_public_key(format) {
            // A public key is not secret and has several lines.
            (field.hint(&format!("All of it, with the lines BEGIN and END where {sender} shows them."))
                .attr("spellcheck", "false").attr("autocomplete", "off").textarea("", 6))
        } @else {
            (field.hint(&secret_hint(format, sender)).password("off"))
        }
        @if format.signs_address() {
            (Field::new("notification_url", &format!("URL as registered at {sender}")).error(errors.of("notification_url"))
                .hint(&format!("{sender} signs this URL with every delivery. Change it only where another is registered."))
                .attr("autocomplete", "off").text(registered_url))
        }
        @if !awaits {
            (Field::new("overlap_hours", "The old one counts for").error(errors.of("overlap_hours"))
                .hint("Long enough to replace it at the sender without a gap.")
                .select(&options, "24"))
        }
        (actions(html! { (Button::primary(if awaits { "Save secret" } else { "Replace secret" }).busy("Saving…")) }))
    };
    let attributes = Attributes::new().set("class", "stack").flag("data-guard", true);
    form(page.csrf, &links::secret(page.record.key_id.as_str()), &attributes, content)
}

/// A hint about the form of the secret to paste.
fn secret_hint(format: PayloadFormat, sender: &str) -> String {
    let form = match format.webhooks().map(|webhooks| webhooks.secret.format) {
        Some(SecretFormat::Prefixed { prefix, .. }) => format!("It begins with {prefix}"),
        Some(SecretFormat::Hex { .. }) => format!("Hex, as {sender} answers it"),
        Some(_) => "8 to 512 bytes, exactly as the sender shows it".to_owned(),
        None => "8 to 512 bytes, or a public key whpk_… of Standard Webhooks".to_owned(),
    };
    format!("{form}. It is never shown here again.")
}

fn current_secrets(page: &Secret<'_>) -> Markup {
    let secrets = &page.record.secrets;
    let ends = secrets.iter().skip(1).filter_map(|secret| secret.valid_until);
    let older: Vec<_> = ends.filter(|end| *end > page.now).collect();
    html! {
        @if secrets.is_empty() { "There is none yet." }
        @else if older.is_empty() { "One secret counts." }
        @else {
            "The newest counts, and the one before it until "
            @for end in &older { (time(*end, TimeStyle::Full)) }
            "."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_core::domain::key::SealedSecret;

    const URL: &str = "https://api.test/integrations/v1/webhook/x/key_a";

    fn record(format: PayloadFormat, secrets: &[SealedSecret]) -> KeyRecord {
        serde_json::from_value(serde_json::json!({
            "key_id": format!("key_{}", "a".repeat(26)), "key_hash": "0".repeat(64),
            "preview": "pck_int_abcd", "workspace_id": format!("wks_{}", "a".repeat(16)),
            "store_id": format!("sto_{}", "a".repeat(16)), "namespace": format!("ns_{}", "a".repeat(16)),
            "name": "Shop", "source": format, "payload_format": format, "scopes": ["orders:write"],
            "rate_limit": 120, "require_signature": true, "capture_bodies": true,
            "status": "active", "secrets": secrets, "created_at": 0,
        }))
        .unwrap()
    }

    fn render(record: &KeyRecord, notification_url: Option<&str>) -> String {
        let page = Secret {
            csrf: "c",
            record,
            webhook_url: Some(URL),
            form: SecretForm { errors: &FormErrors::default(), notification_url },
            now: Timestamp::from_millis(0),
        };
        let part = if record.awaits_secret() { awaiting(&page) } else { secret(&page) };
        part.into_string()
    }

    #[test]
    fn a_key_that_awaits_its_senders_secret_shows_where_to_find_it_and_a_form_to_paste_it() {
        for format in PayloadFormat::ALL.iter().filter(|format| format.has_own_secret()) {
            let markup = render(&record(*format, &[]), None);
            assert!(
                markup.contains(secret_screen(*format).split('\'').next().unwrap()),
                "{markup}"
            );
            assert!(
                markup.contains(&format!("<h2 id=\"secret-heading\">{}<", paste_label(*format)))
            );
            assert!(markup.contains("id=\"connect\"") && markup.contains(URL), "{format}");
            assert_eq!(markup.contains("<textarea"), *format == PayloadFormat::Wix, "{format}");
            let url_field = "name=\"notification_url\"";
            assert_eq!(markup.contains(url_field), *format == PayloadFormat::Square, "{format}");
            assert!(!markup.contains("overlap_hours"), "nothing is replaced: {format}");
        }
    }

    #[test]
    fn the_registered_url_is_the_typed_one_else_the_stored_one_else_the_keys_own() {
        let mut record = record(PayloadFormat::Square, &[]);
        let value = |markup: &str| {
            let field = markup.split("name=\"notification_url\"").nth(1).unwrap();
            field.split(" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
        };
        assert_eq!(value(&render(&record, None)), URL);
        record.notification_url = Some("https://proxy.test/a".to_owned());
        assert_eq!(value(&render(&record, None)), "https://proxy.test/a");
        assert_eq!(value(&render(&record, Some("typed"))), "typed");
    }

    #[test]
    fn a_secret_is_replaced_with_an_overlap() {
        let secrets = serde_json::json!([{ "sealed": "x" }]);
        let secrets: Vec<SealedSecret> = serde_json::from_value(secrets).unwrap();
        let markup = render(&record(PayloadFormat::StripeCheckout, &secrets), None);
        assert!(markup.contains("overlap_hours") && markup.contains("Replace secret"), "{markup}");
        assert!(markup.contains("It begins with whsec_."), "{markup}");
    }
}
