//! The modal that shows a new key and its signing secret, once, with the steps to use them.

use maud::{Markup, html};

use super::connect::{Connect, connect};
use super::senders::{paste_label, sender_of};
use crate::components::CloseBy;
use crate::components::{
    Button, Kind, Layer, actions, code_block, inline_note, modal, secret_field,
};
use crate::links;
use tidegate_core::domain::key::{KeyRecord, PayloadFormat};
use tidegate_core::domain::secret::SigningSecret;
use tidegate_core::domain::signature::sign_own;

/// The view model of the modal.
#[derive(Debug)]
pub struct Reveal<'a> {
    pub record: &'a KeyRecord,
    pub key: &'a str,
    /// The signing secret and its `whsec_` form; `None` if the sender makes its own secret.
    pub secret: Option<(&'a str, &'a str)>,
    /// The URL that the sender posts to.
    pub url: &'a str,
    /// Two shell commands that send a first order: one stores it, the other is a dry run.
    pub commands: Option<(&'a str, &'a str)>,
}

pub fn reveal(page: &Reveal<'_>) -> Markup {
    let layer = Layer {
        close_by: CloseBy::Reloading,
        guard: Some("Close? The key and the secret are not shown again."),
        ..Layer::new("reveal", "Save this key now", links::CONNECTORS)
    };
    let Reveal { record, key, secret, .. } = page;
    let sender = sender_of(record);
    let awaits = record.awaits_secret();
    let settings = links::key_settings(record.key_id.as_str());
    let (warning, saved_label) = match secret {
        Some(_) => ("This is the only time that they are shown.", "I have saved them"),
        None => ("This is the only time that it is shown.", "I have saved it"),
    };
    let steps = connect(&Connect {
        sender,
        url: page.url,
        secret: secret.map(|(secret, _)| secret),
        key: Some(key),
        paste: html! {
            p.hint { "The settings of this key keep these steps and take it; “" (paste_label(record.payload_format)) "” below leads there." }
        },
    });
    modal(
        &layer,
        html! {
            div.stack {
                (inline_note(Kind::Warn, html! {
                    strong { (warning) } " Copy to where you keep secrets, then close."
                }))
                (secret_field("Integration key", "reveal-key", key))
                @if record.payload_format != PayloadFormat::Gateway {
                    p.hint { (sender.title) " itself does not need the key: the URL below names it." }
                }
                @if let Some((secret, whsec)) = secret {
                    (secret_field("Signing secret", "reveal-secret", secret))
                    @if record.payload_format == PayloadFormat::Gateway {
                        details.more {
                            summary { "The secret for Standard Webhooks libraries" }
                            (secret_field("whsec_ form", "reveal-whsec", whsec))
                        }
                    }
                }
                @if !sender.steps.is_empty() {
                    section.steps aria-labelledby="connect-title" {
                        h3 id="connect-title" { "Connect " (sender.title) }
                        (steps)
                    }
                }
                (try_it(page))
                @if sender.steps.is_empty() { p { (super::connect::quickstart(sender)) } }
                (actions(html! {
                    @let close = if awaits { Button::secondary(saved_label) } else { Button::primary(saved_label) };
                    (close.href(links::CONNECTORS).attr("data-close", "saved"))
                    @if awaits {
                        (Button::primary(paste_label(record.payload_format)).href(&settings).attr("data-close", "saved"))
                    }
                }))
            }
        },
    )
}

/// A shell command that sends a first order with a key and a valid signature of the body. It
/// carries an `Idempotency-Key`, so a second run gets the same response. With the query
/// `?dry_run=true` nothing is stored.
pub fn first_order(url: &str, query: &str, key: &str, secret: Option<&SigningSecret>) -> String {
    let body = r#"{"external_id":"first-order","currency":"USD","lines":[{"name":"Thing","quantity":2,"unit_price":"10.00"}],"total":"20.00"}"#;
    let signature = secret
        .map(|secret| format!("  -H 'X-Pck-Signature: {}' \\\n", sign_own(secret, body.as_bytes())))
        .unwrap_or_default();
    format!(
        "curl -sS -w '\\n' -X POST '{url}{query}' \\\n  \
         -H 'Authorization: Bearer {key}' \\\n  \
         -H 'Content-Type: application/json' \\\n  \
         -H 'Idempotency-Key: first-order' \\\n{signature}  \
         --data-raw '{body}'"
    )
}

fn try_it(page: &Reveal<'_>) -> Markup {
    html! {
        @if let Some((first, dry_run)) = page.commands {
            section.steps aria-labelledby="try-title" {
                h3 id="try-title" { "Send a first order" }
                p { "Paste this into a shell" @if page.secret.is_some() { ": the signature is right for this body" } "." }
                (code_block("reveal-curl", first, Some("Copy the command")))
                details.more {
                    summary { "Try it without storing" }
                    p { "The same with " code { "dry_run" } ": checked in full and answered as it would be, and nothing is stored." }
                    (code_block("reveal-dry-run", dry_run, Some("Copy the command that stores nothing")))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_carries_a_valid_signature_of_its_body() {
        let secret = SigningSecret::mint(&[7; 32]);
        let command = first_order("https://api.test/o", "", "pck_int_x", Some(&secret));
        let body = command.split("--data-raw '").nth(1).unwrap().trim_end_matches('\'');
        assert!(command.contains(&sign_own(&secret, body.as_bytes())), "{command}");
        assert!(command.starts_with("curl -sS -w '\\n' -X POST 'https://api.test/o' \\\n  -H 'Authorization: Bearer pck_int_x' \\\n"), "{command}");
        assert!(command.lines().rev().skip(1).all(|line| line.ends_with(" \\")), "{command}");
        let dry = first_order("https://api.test/o", "?dry_run=true", "pck_int_x", Some(&secret));
        assert_eq!(dry, command.replace("/o'", "/o?dry_run=true'"));
        let unsigned = first_order("https://api.test/o", "", "pck_int_x", None);
        assert!(!unsigned.contains("X-Pck-Signature"), "{unsigned}");
    }
}
