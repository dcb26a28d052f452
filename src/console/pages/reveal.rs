//! The one time that a key and its secret are shown, with what to do with them.

use maud::{Markup, html};

use crate::console::components::{
    Button, Kind, Layer, actions, code_block, copy_button, inline_note, keyvalue, modal, mono,
    secret_field,
};
use crate::console::components::{CloseBy, copy_value};
use crate::console::links;
use crate::domain::key::{KeyRecord, PayloadFormat};
use crate::domain::secret::SigningSecret;
use crate::domain::signature::sign_own;

/// What is revealed.
#[derive(Debug)]
pub struct Reveal<'a> {
    pub record: &'a KeyRecord,
    pub key: &'a str,
    /// The signing secret and its `whsec_` form; `None` where the sender makes one.
    pub secret: Option<(&'a str, &'a str)>,
    /// Where the sender's webhooks go, if it sends any.
    pub webhook_url: Option<&'a str>,
    /// A command that sends a first order, ready to run.
    pub curl: Option<&'a str>,
}

pub fn reveal(page: &Reveal<'_>) -> Markup {
    let layer = Layer {
        close_by: CloseBy::Loading,
        guard: Some("Close? The key and the secret are not shown again."),
        ..Layer::new("reveal", "Save this key now", links::CONNECTORS)
    };
    let native = page.record.payload_format != PayloadFormat::Gateway;
    modal(
        &layer,
        html! {
            div.stack {
                (inline_note(Kind::Warn, html! {
                    strong { "This is the only time that they are shown." }
                    " Copy them to where you keep secrets, then close."
                }))
                (secret_field("Integration key", "reveal-key", page.key))
                @if let Some((secret, whsec)) = page.secret {
                    (secret_field("Signing secret", "reveal-secret", secret))
                    details.more {
                        summary { "The secret for Standard Webhooks libraries" }
                        (secret_field("whsec_ form", "reveal-whsec", whsec))
                    }
                }
                @if native { (paste_into_shop(page)) } @else { (try_it(page)) }
                (actions(html! {
                    (Button::primary("I have saved them").href(links::CONNECTORS).attr("data-close", "saved"))
                }))
            }
        },
    )
}

/// Which screen of the shop takes what.
fn paste_into_shop(page: &Reveal<'_>) -> Markup {
    let url = page.webhook_url.unwrap_or_default();
    html! {
        section.steps aria-labelledby="paste-title" {
            h3 id="paste-title" { "Paste these into WooCommerce" }
            p { "In WordPress: " strong { "WooCommerce → Settings → Advanced → Webhooks → Add webhook" }
                ", once for each topic you want." }
            (keyvalue(&[
                ("Name", html! { "Anything, such as “Tidegate: order created”" }),
                ("Status", html! { "Active" }),
                ("Topic", html! { "Order created, Order updated, Order deleted, Order restored, Customer created, Customer updated, Customer deleted" }),
                ("Delivery URL", html! { span.wrap id="reveal-url" { (mono(url)) } (copy_button("reveal-url", "Copy the delivery URL")) }),
                ("Secret", html! { @if let Some((secret, _)) = page.secret { "The signing secret above " (copy_value(secret, "Copy the signing secret")) } }),
                ("API version", html! { "WP REST API Integration v3" }),
            ]))
            p.hint { "WooCommerce sends a ping when you save; it appears in the log of this key at once. Whether the secret is right is shown by the first real event." }
        }
    }
}

/// A command that sends a first order by a key, with a signature that is right for its body. Run
/// again it gives the same answer: it carries an Idempotency-Key.
pub fn first_order(origin: &str, key: &str, secret: Option<&SigningSecret>) -> String {
    let body = r#"{"external_id":"first-order","currency":"USD","lines":[{"name":"Thing","quantity":2,"unit_price":"10.00"}],"total":"20.00"}"#;
    let signature = secret
        .map(|secret| format!("  -H 'X-Pck-Signature: {}' \\\n", sign_own(secret, body.as_bytes())))
        .unwrap_or_default();
    format!(
        "curl -sS -w '\\n' -X POST '{origin}/integrations/v1/orders' \\\n  \
         -H 'Authorization: Bearer {key}' \\\n  \
         -H 'Content-Type: application/json' \\\n  \
         -H 'Idempotency-Key: first-order' \\\n{signature}  \
         --data-raw '{body}'"
    )
}

fn try_it(page: &Reveal<'_>) -> Markup {
    html! {
        @if let Some(curl) = page.curl {
            section.steps aria-labelledby="try-title" {
                h3 id="try-title" { "Send a first order" }
                p { "Paste this into a shell: the signature is right for this body." }
                (code_block("reveal-curl", curl, Some("Copy the command")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_signed_for_its_own_body() {
        let secret = SigningSecret::mint(&[7; 32]);
        let command = first_order("https://api.test", "pck_int_x", Some(&secret));
        let body = command.split("--data-raw '").nth(1).unwrap().trim_end_matches('\'');
        assert!(command.contains(&sign_own(&secret, body.as_bytes())), "{command}");
        assert!(command.starts_with("curl -sS -w '\\n' -X POST 'https://api.test/integrations/v1/orders' \\\n  -H 'Authorization: Bearer pck_int_x' \\\n"), "{command}");
        assert!(command.lines().rev().skip(1).all(|line| line.ends_with(" \\")), "{command}");
        let unsigned = first_order("https://api.test", "pck_int_x", None);
        assert!(!unsigned.contains("X-Pck-Signature"), "{unsigned}");
    }
}
