//! The modal with the form for a new integration key, and the cards that fill it in.

use maud::{Markup, html};

use crate::components::{
    Attributes, Button, Choice, Field, Kind, Layer, Lock, RadioCard, actions, checkbox_group,
    error_summary, field_id, fill_button, form, hidden, inline_note, lockable_checkbox, modal,
    radio_cards, source_label,
};
use crate::forms::{Form, FormErrors};
use crate::links;
use crate::pages::connect::quickstart;
use crate::pages::senders::sender_icon;
use crate::pages::{format_label, scope_text};
use tidegate_core::api::procedures::Arguments;
use tidegate_core::domain::key::{PayloadFormat, Scope, Source};
use tidegate_core::domain::sender::{SenderProfile, Signing};
use tidegate_core::storefront::PROFILES;

/// The values that the card of a sender fills in.
pub fn preset(source: Source) -> Typed {
    let sender = source.profile();
    let format = sender.webhooks.map_or(PayloadFormat::Gateway, |webhooks| webhooks.format);
    Typed {
        name: sender.title.to_owned(),
        source: source.as_str().to_owned(),
        payload_format: format.as_str().to_owned(),
        scopes: sender.scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
        rate_limit: "120".to_owned(),
        require_signature: sender.signing != Signing::Optional,
        ..Typed::default()
    }
}

/// [`preset`] as JSON, for the script.
fn preset_json(source: Source) -> String {
    let typed = preset(source);
    serde_json::json!({
        "name": typed.name, "source": typed.source, "payload_format": typed.payload_format,
        "scopes": typed.scopes, "require_signature": typed.require_signature,
    })
    .to_string()
}

/// The values of the form's fields, as they were typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Typed {
    pub store_id: String,
    pub name: String,
    pub source: String,
    pub payload_format: String,
    pub scopes: Vec<String>,
    pub rate_limit: String,
    pub expires_in_days: String,
    pub require_signature: bool,
}

impl Typed {
    pub fn from_form(form: &Form) -> Self {
        Self {
            store_id: form.get("store_id").to_owned(),
            name: form.get("name").to_owned(),
            source: form.get("source").to_owned(),
            payload_format: form.get("payload_format").to_owned(),
            scopes: form.all("scopes").map(str::to_owned).collect(),
            rate_limit: form.get("rate_limit_per_minute").to_owned(),
            expires_in_days: form.get("expires_in_days").to_owned(),
            require_signature: !form.get("require_signature").is_empty(),
        }
    }

    /// The values as arguments of `core.rpc_create_integration_key`, which validates them.
    pub fn arguments(&self) -> Arguments {
        Arguments::from([
            ("p_store_id", self.store_id.as_str().into()),
            ("p_name", self.name.trim().into()),
            ("p_source", self.source.as_str().into()),
            ("p_payload_format", self.payload_format.as_str().into()),
            ("p_scopes", self.scopes.clone().into()),
            ("p_rate_limit_per_minute", number(&self.rate_limit)),
            ("p_expires_in_days", number(&self.expires_in_days)),
            ("p_require_signature", self.require_signature.into()),
        ])
    }
}

/// A typed number as JSON: a number, null if blank, else the text, which the procedure rejects.
pub fn number(typed: &str) -> serde_json::Value {
    match typed.trim() {
        "" => serde_json::Value::Null,
        text => text.parse::<i64>().map_or_else(|_| text.into(), Into::into),
    }
}

/// The label of a field, with which its error messages begin.
pub fn label(field: &str) -> &'static str {
    match field {
        "store_id" => "The store",
        "name" => "The name",
        "source" => "The source",
        "payload_format" => "The payload format",
        "scopes" => "The scopes",
        "rate_limit_per_minute" => "The rate limit",
        "expires_in_days" => "The expiry",
        "require_signature" => "The signature",
        "signing_secret" => "The secret",
        "overlap_hours" => "The overlap",
        "notification_url" => "The URL",
        _ => "The form",
    }
}

/// The view model of the modal.
#[derive(Debug)]
pub struct KeyForm<'a> {
    pub csrf: &'a str,
    /// Identifies the form, so that only one key is minted however often it is sent.
    pub form_id: &'a str,
    /// Ids and names of the stores for which keys can be minted.
    pub stores: &'a [(String, String)],
    pub preset: Option<Source>,
    pub typed: &'a Typed,
    pub errors: &'a FormErrors,
}

pub fn key_form(page: &KeyForm<'_>) -> Markup {
    let layer = Layer::new("new-key", "New integration key", links::CONNECTORS);
    if page.stores.is_empty() {
        return modal(&layer, no_store());
    }
    let errors = page.errors;
    let content = html! {
        (error_summary(&errors.summary()))
        (hidden("form", page.form_id))
        (radio_cards("preset", "Begin with", &cards(), page.preset.map_or("", Source::as_str)))
        div.field-row {
            (Field::new("name", "Name").required().error(errors.of("name")).attr("maxlength", "100")
                .hint("Such as the name of the shop.").text(&page.typed.name))
            (Field::new("store_id", "Store").required().error(errors.of("store_id"))
                .hint("Orders that come in by this key belong to it.")
                .select(page.stores, &page.typed.store_id))
            (Field::new("source", "Source").error(errors.of("source"))
                .hint("A label: where the requests come from.")
                .select(&sources(), &page.typed.source))
            (Field::new("payload_format", "Payload format").error(errors.of("payload_format"))
                .hint("What the bodies look like.")
                .select(&formats(), &page.typed.payload_format))
        }
        (checkbox_group("scopes", "Scopes", &scopes(&page.typed.scopes),
            Some("What the key may do. Fixed for its life."), errors.of("scopes")))
        div.field-row {
            (Field::new("rate_limit_per_minute", "Rate limit").error(errors.of("rate_limit_per_minute"))
                .hint("Requests in any 60 seconds, 1 to 10,000. More than 6,000 is kept as 6,000.")
                .after(html! { span.unit { "per minute" } }).number(&page.typed.rate_limit))
            (Field::new("expires_in_days", "Expires in").error(errors.of("expires_in_days"))
                .hint("Days, 1 to 3,650; blank for never. 90 is a good choice, 30 for a trial.")
                .after(expiry_buttons()).number(&page.typed.expires_in_days))
        }
        (signature(page.typed))
        (actions(html! {
            (Button::secondary("Cancel").href(links::CONNECTORS).attr("data-close", ""))
            (Button::primary("Create key").busy("Creating…"))
        }))
    };
    let attributes = Attributes::new()
        .set("class", "stack")
        .flag("data-guard", true)
        .set("hx-post", links::CONNECTORS)
        .set("hx-target", "#layer")
        .set("hx-swap", "innerHTML");
    modal(&layer, form(page.csrf, links::CONNECTORS, &attributes, content))
}

/// The buttons that fill in the number of days until the key expires.
pub fn expiry_buttons() -> Markup {
    html! {
        span.quick {
            @for (days, label) in [("90", "90"), ("30", "30"), ("", "Never")] {
                (fill_button(&field_id("expires_in_days"), days, label))
            }
        }
    }
}

fn no_store() -> Markup {
    html! {
        (inline_note(Kind::Info, html! {
            "A key belongs to a store, and this workspace has none that takes keys yet."
        }))
        (actions(html! { (Button::primary("Create a store").href(links::STORES)) }))
    }
}

fn cards() -> Vec<RadioCard<'static>> {
    let card = |sender: &&'static SenderProfile| RadioCard {
        value: sender.source.as_str(),
        title: sender.title,
        note: html! { (sender.instructions) " " (quickstart(sender)) },
        icon: sender_icon(sender.kind),
        preset: Some(preset_json(sender.source)),
    };
    PROFILES.iter().map(card).collect()
}

fn sources() -> Vec<(&'static str, &'static str)> {
    Source::ALL.iter().map(|source| (source.as_str(), source_label(*source))).collect()
}

fn formats() -> Vec<(&'static str, &'static str)> {
    PayloadFormat::ALL.iter().map(|format| (format.as_str(), format_label(*format))).collect()
}

fn scopes(chosen: &[String]) -> Vec<Choice<'static>> {
    Scope::ALL
        .iter()
        .map(|scope| Choice {
            value: scope.as_str(),
            label: scope.as_str(),
            text: scope_text(*scope),
            checked: chosen.iter().any(|chosen| chosen == scope.as_str()),
            locked: false,
        })
        .collect()
}

fn signature(typed: &Typed) -> Markup {
    let native = PayloadFormat::ALL.iter().filter(|format| format.requires_signature());
    let mut when: Vec<_> = native.map(|format| ("payload_format", format.as_str())).collect();
    let signed = PROFILES.iter().filter(|sender| sender.signing == Signing::Required);
    when.extend(signed.map(|sender| ("source", sender.source.as_str())));
    let locked = when.iter().any(|(field, value)| match *field {
        "source" => typed.source == *value,
        _ => typed.payload_format == *value,
    });
    let choice = Choice {
        value: "on",
        label: "Require signature",
        text: "Refuses requests that are not signed with the key's secret.",
        checked: typed.require_signature || locked,
        locked,
    };
    let reason = "This sender signs every delivery, so its keys always require it.";
    lockable_checkbox("require_signature", &choice, &Lock { when: &when, reason })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_core::api::procedures::keys::CreateIntegrationKey;
    use tidegate_core::domain::id::StoreId;

    fn page<'a>(
        typed: &'a Typed,
        errors: &'a FormErrors,
        stores: &'a [(String, String)],
    ) -> String {
        let page = KeyForm { csrf: "c", form_id: "f", stores, preset: None, typed, errors };
        key_form(&page).into_string()
    }

    #[test]
    fn every_preset_passes_validation() {
        for source in Source::ALL.iter().copied() {
            let store_id = StoreId::from_random([1; 10]).to_string();
            let typed = Typed { store_id, ..preset(source) };
            let key = CreateIntegrationKey::read(typed.arguments()).unwrap();
            let unsigned = matches!(source, Source::Zapier | Source::Make);
            assert_eq!(key.require_signature, !unsigned, "{source}");
            assert_eq!(
                key.payload_format.requires_signature(),
                source.profile().webhooks.is_some()
            );
            assert_eq!(key.rate_limit.per_minute(), 120);
        }
    }

    #[test]
    fn all_twelve_sources_can_be_chosen() {
        let stores = [("sto_a".to_owned(), "Shop".to_owned())];
        let markup = page(&preset(Source::Custom), &FormErrors::default(), &stores);
        for source in Source::ALL {
            assert!(markup.contains(&format!("<option value=\"{source}\"")), "{source}");
        }
    }

    #[test]
    fn typed_values_are_shown_again_with_their_errors() {
        let typed = Typed {
            name: "<b>".to_owned(),
            rate_limit: "many".to_owned(),
            ..preset(Source::Custom)
        };
        let rejection = CreateIntegrationKey::read(typed.arguments()).unwrap_err();
        let errors = FormErrors::of_arguments(&rejection, label);
        let stores = [("sto_a".to_owned(), "Shop".to_owned())];
        let markup = page(&typed, &errors, &stores);
        assert!(markup.contains("value=\"many\"") && markup.contains("value=\"&lt;b&gt;\""));
        assert!(markup.contains("The rate limit must be a whole number"), "{markup}");
        assert!(markup.contains("The store is required."), "{markup}");
    }

    #[test]
    fn the_expiry_buttons_fill_the_expiry_field() {
        let stores = [("sto_a".to_owned(), "Shop".to_owned())];
        let markup = page(&preset(Source::Custom), &FormErrors::default(), &stores);
        let target = markup.split("data-fill=\"").nth(1).unwrap().split('"').next().unwrap();
        let field = format!("id=\"{target}\" name=\"expires_in_days\"");
        assert!(markup.contains(&field), "{field}");
    }

    #[test]
    fn native_senders_lock_the_signature_checkbox_and_the_form_gives_the_reason() {
        let stores = [("sto_a".to_owned(), "Shop".to_owned())];
        for source in Source::ALL.iter().copied() {
            let markup = page(&preset(source), &FormErrors::default(), &stores);
            let locked = source.profile().webhooks.is_some();
            assert_eq!(markup.contains("checked disabled"), locked, "{source}");
            assert_eq!(markup.contains("data-lock-reason hidden"), !locked, "{source}");
        }
    }

    #[test]
    fn without_a_store_the_modal_links_to_the_stores_page() {
        let markup = page(&Typed::default(), &FormErrors::default(), &[]);
        assert!(markup.contains("href=\"/settings/stores\"") && !markup.contains("<form"));
    }
}
