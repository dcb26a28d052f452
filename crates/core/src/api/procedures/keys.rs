//! The arguments of the procedures of integration keys.

#[cfg(test)]
use serde_json::json;

use super::arguments::{Arguments, key_id, limit, name, optional_name, store_id};
use crate::api::fields::{Fields, MAX_TEXT, Problems, note};
#[cfg(test)]
use crate::api::recording;
use crate::domain::credential::{KeyId, TagKeys};
use crate::domain::id::StoreId;
use crate::domain::key::{PayloadFormat, Scope, Scopes, Source};
use crate::domain::rate_limit::RateLimit;
use crate::domain::rejection::Rejection;
use crate::domain::secret::SigningSecret;
use crate::domain::sender::Signing;
use crate::domain::time::{DAY, HOUR, Timestamp};

/// The most days until a key expires.
const MAX_EXPIRY_DAYS: i64 = 3_650;
/// The hours for which the old signing secret stays valid beside a new one: the default, and the
/// most.
const DEFAULT_OVERLAP_HOURS: i64 = 24;
const MAX_OVERLAP_HOURS: i64 = 24 * 30;

/// The days until a key expires; `None` for a key that does not expire.
fn expires_in_days(fields: &mut Fields<'_>) -> Option<i64> {
    let days = fields.integer("p_expires_in_days");
    note!(fields, "p_expires_in_days", json!({ "minimum": 1, "maximum": MAX_EXPIRY_DAYS }));
    if days.is_some_and(|days| !(1..=MAX_EXPIRY_DAYS).contains(&days)) {
        let detail = "must be between 1 and 3650; leave it out for a key that does not expire.";
        fields.problem("p_expires_in_days", "out_of_range", detail);
    }
    days
}

/// `core.rpc_create_integration_key`
#[derive(Debug)]
pub struct CreateIntegrationKey {
    pub store_id: StoreId,
    pub name: String,
    pub source: Source,
    pub payload_format: PayloadFormat,
    pub scopes: Scopes,
    pub rate_limit: RateLimit,
    pub expires_in_days: Option<i64>,
    pub require_signature: bool,
    /// A pasted secret to use instead of a generated one.
    pub signing_secret: Option<SigningSecret>,
    /// The address that the sender signs, if it is not the webhook's own URL.
    pub notification_url: Option<String>,
    pub capture_bodies: bool,
}

impl CreateIntegrationKey {
    pub fn read(given: Arguments) -> Result<Self, Rejection> {
        given.read(|fields| {
            let store_id = store_id(fields);
            let name = name(fields, "p_name");
            let source = fields.choice(
                "p_source",
                Source::parse,
                &comma_separated(Source::ALL, Source::as_str),
            );
            let source = fields.required("p_source", source);
            let payload_format = payload_format(fields);
            let scopes = scopes(fields);
            let rate_limit = fields.integer("p_rate_limit_per_minute");
            note!(
                fields,
                "p_rate_limit_per_minute",
                json!({ "minimum": 1, "maximum": 10_000, "default": RateLimit::DEFAULT.per_minute() })
            );
            let rate_limit = match rate_limit.map(RateLimit::entered) {
                None => RateLimit::DEFAULT,
                Some(Some(limit)) => limit,
                Some(None) => {
                    let detail = "must be between 1 and 10000.";
                    fields.problem("p_rate_limit_per_minute", "out_of_range", detail);
                    RateLimit::DEFAULT
                }
            };
            let expires_in_days = expires_in_days(fields);
            let require_signature = fields.boolean("p_require_signature").unwrap_or(true);
            note!(fields, "p_require_signature", json!({ "default": true }));
            let native = payload_format.is_some_and(PayloadFormat::requires_signature);
            let always_signed =
                source.is_some_and(|source| source.profile().signing == Signing::Required);
            if !require_signature && (native || always_signed) {
                let detail = "must be true: deliveries of this sender are always signed.";
                fields.problem("p_require_signature", "signature_required", detail);
            }
            let signing_secret = pasted_secret(fields).and_then(|text| {
                let secret = SigningSecret::pasted_for(payload_format?, &text);
                secret.map_err(|detail| fields.problem(SECRET, "invalid_secret", detail)).ok()
            });
            let notification_url = notification_url(fields);
            if notification_url.is_some() && payload_format.is_some_and(|it| !it.signs_address()) {
                fields.problem(ADDRESS, "not_applicable", ADDRESS_NOT_APPLICABLE);
            }
            let capture_bodies = fields.boolean("p_capture_bodies").unwrap_or(true);
            note!(fields, "p_capture_bodies", json!({ "default": true }));
            Some(Self {
                store_id: store_id?,
                name: name?,
                source: source?,
                payload_format: payload_format?,
                scopes: scopes?,
                rate_limit,
                expires_in_days,
                require_signature,
                signing_secret,
                notification_url,
                capture_bodies,
            })
        })
    }

    pub fn expires_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.expires_in_days.map(|days| now.plus(days.saturating_mul(DAY)))
    }
}

/// The texts of all values, separated by commas.
fn comma_separated<T: Copy>(all: &[T], text: impl Fn(T) -> &'static str) -> String {
    all.iter().map(|name| text(*name)).collect::<Vec<_>>().join(", ")
}

fn payload_format(fields: &mut Fields<'_>) -> Option<PayloadFormat> {
    let all = comma_separated(PayloadFormat::ALL, PayloadFormat::as_str);
    let format = fields.choice("p_payload_format", PayloadFormat::parse, &all);
    fields.required("p_payload_format", format)
}

fn scopes(fields: &mut Fields<'_>) -> Option<Scopes> {
    let texts = fields.strings("p_scopes");
    note!(
        fields,
        "p_scopes",
        json!({
            "minItems": 1,
            "items": { "type": "string", "enum": recording::texts(Scope::ALL, Scope::as_str) },
        })
    );
    let texts = fields.required("p_scopes", texts)?;
    let mut scopes = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        match Scope::parse(text) {
            Some(scope) => scopes.push(scope),
            None => {
                let detail =
                    format!("must be one of {}.", comma_separated(Scope::ALL, Scope::as_str));
                fields.entry_problem("p_scopes", index, "invalid_choice", detail);
            }
        }
    }
    if texts.is_empty() {
        fields.problem("p_scopes", "empty", "must name at least one scope.");
    }
    Some(Scopes::new(scopes))
}

/// The argument with a pasted secret.
const SECRET: &str = "p_signing_secret";
/// The longest pasted secret, in characters: for Wix it is a public key.
const MAX_SECRET: usize = 4_096;

/// The argument with the address that the sender signs.
const ADDRESS: &str = "p_notification_url";
const ADDRESS_NOT_APPLICABLE: &str = "is for Square only, which signs the address of its webhook.";

/// A pasted secret. Its required form depends on the payload format, so it is checked later.
fn pasted_secret(fields: &mut Fields<'_>) -> Option<String> {
    let text = fields.text(SECRET, MAX_SECRET);
    note!(fields, SECRET, json!({ "minLength": 8 }));
    text
}

fn notification_url(fields: &mut Fields<'_>) -> Option<String> {
    let url = fields.text(ADDRESS, 1_024);
    note!(fields, ADDRESS, json!({ "format": "uri", "pattern": "^https://" }));
    let url = url?;
    let host = url.strip_prefix("https://").filter(|rest| !rest.starts_with(['/', '?', '#']));
    if host.is_none_or(str::is_empty) || !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        let detail = "must be the https address of the webhook exactly as it is registered.";
        fields.problem(ADDRESS, "invalid_url", detail);
    }
    Some(url)
}

/// `core.rpc_list_integration_keys`
#[derive(Debug)]
pub struct ListIntegrationKeys {
    pub store_id: Option<StoreId>,
    /// The creation time and the id of the last key on the previous page.
    pub cursor: Option<(i64, String)>,
    pub limit: u32,
}

impl ListIntegrationKeys {
    pub fn read(given: Arguments) -> Result<Self, Rejection> {
        given.read(|fields| {
            let store = fields.text("p_store_id", MAX_TEXT);
            note!(fields, "p_store_id", recording::id(StoreId::from_random([0; 10])));
            let store_id = store.as_deref().and_then(StoreId::parse);
            if store.is_some() && store_id.is_none() {
                fields.problem("p_store_id", "invalid_id", "must be a store's id, sto_….");
            }
            let text = fields.text("p_cursor", MAX_TEXT);
            let cursor = text.as_deref().and_then(|text| {
                let (at, id) = text.split_once('.')?;
                Some((at.parse().ok()?, id.to_owned()))
            });
            if text.is_some() && cursor.is_none() {
                let detail = "must be the next_cursor of an earlier page.";
                fields.problem("p_cursor", "invalid_cursor", detail);
            }
            Some(Self { store_id, cursor, limit: limit(fields) })
        })
    }
}

/// `core.rpc_rotate_integration_key`
#[derive(Debug)]
pub struct RotateIntegrationKey {
    pub key_id: KeyId,
    /// The name of the new key; `None` for the same name as the old key.
    pub name: Option<String>,
    pub expires_in_days: Option<i64>,
}

impl RotateIntegrationKey {
    pub fn read(given: Arguments, tag_keys: &TagKeys) -> Result<Self, Rejection> {
        given.read(|fields| {
            let key_id = key_id(fields, tag_keys);
            let name = optional_name(fields, "p_name");
            let expires_in_days = expires_in_days(fields);
            Some(Self { key_id: key_id?, name, expires_in_days })
        })
    }
}

/// `core.rpc_set_signing_secret`
#[derive(Debug)]
pub struct SetSigningSecret {
    pub key_id: KeyId,
    /// The pasted text, not yet checked: its required form depends on the key's payload format.
    secret: String,
    notification_url: Option<String>,
    /// For how many milliseconds the previous secrets stay valid.
    pub overlap: i64,
}

impl SetSigningSecret {
    pub fn read(given: Arguments, tag_keys: &TagKeys) -> Result<Self, Rejection> {
        given.read(|fields| {
            let key_id = key_id(fields, tag_keys);
            let secret = pasted_secret(fields);
            let secret = fields.required(SECRET, secret);
            let notification_url = notification_url(fields);
            let hours = fields.integer("p_overlap_hours").unwrap_or(DEFAULT_OVERLAP_HOURS);
            note!(
                fields,
                "p_overlap_hours",
                json!({ "minimum": 0, "maximum": MAX_OVERLAP_HOURS, "default": DEFAULT_OVERLAP_HOURS })
            );
            if !(0..=MAX_OVERLAP_HOURS).contains(&hours) {
                fields.problem("p_overlap_hours", "out_of_range", "must be between 0 and 720.");
            }
            let overlap = hours.saturating_mul(HOUR);
            Some(Self { key_id: key_id?, secret: secret?, notification_url, overlap })
        })
    }

    /// Checks the secret and the address for a key of this format, and returns them.
    pub fn for_format(
        self,
        format: PayloadFormat,
    ) -> Result<(SigningSecret, Option<String>), Rejection> {
        let problems = Problems::default();
        if self.notification_url.is_some() && !format.signs_address() {
            problems.add(format!("/{ADDRESS}"), "not_applicable", ADDRESS_NOT_APPLICABLE);
        }
        let secret = SigningSecret::pasted_for(format, &self.secret)
            .map_err(|detail| problems.add(format!("/{SECRET}"), "invalid_secret", detail));
        problems.resolve(secret.ok().map(|secret| (secret, self.notification_url)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn create() -> Value {
        json!({"p_store_id": StoreId::from_random([1; 10]), "p_name": "Shop", "p_source": "custom",
               "p_payload_format": "peptideclients", "p_scopes": ["orders:write"]})
    }

    fn read(change: Value) -> Result<CreateIntegrationKey, Rejection> {
        let mut body = create();
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        CreateIntegrationKey::read(Arguments::parse(body.to_string().as_bytes())?)
    }

    #[test]
    fn an_omitted_argument_has_its_default() {
        let key = read(json!({})).unwrap();
        assert_eq!(key.rate_limit.per_minute(), 120);
        assert_eq!(key.expires_in_days, None);
        assert!(key.require_signature);
        assert!(key.signing_secret.is_none());
        assert!(key.capture_bodies);
    }

    #[test]
    fn each_invalid_argument_is_reported_by_its_name() {
        for (name, value, code) in [
            ("p_store_id", json!("sto_x"), "invalid_id"),
            ("p_store_id", Value::Null, "required"),
            ("p_name", json!(" "), "invalid_text"),
            ("p_name", json!("x".repeat(101)), "too_long"),
            ("p_source", json!("magento"), "invalid_choice"),
            ("p_payload_format", json!("magento"), "invalid_choice"),
            ("p_scopes", json!([]), "empty"),
            ("p_scopes", json!("orders:write"), "invalid_type"),
            ("p_scopes", json!(["orders:read"]), "invalid_choice"),
            ("p_rate_limit_per_minute", json!(0), "out_of_range"),
            ("p_rate_limit_per_minute", json!(10_001), "out_of_range"),
            ("p_rate_limit_per_minute", json!("120"), "invalid_type"),
            ("p_expires_in_days", json!(0), "out_of_range"),
            ("p_expires_in_days", json!(3_651), "out_of_range"),
            ("p_require_signature", json!("yes"), "invalid_type"),
            ("p_signing_secret", json!("short"), "invalid_secret"),
            ("p_namespace", json!("ns_x"), "unknown_field"),
        ] {
            let errors = read(json!({ name: value })).unwrap_err().errors;
            assert!(
                errors
                    .iter()
                    .any(|error| error.pointer.starts_with(&format!("/{name}"))
                        && error.code == code),
                "{name} = {value}: {errors:?}"
            );
        }
    }

    #[test]
    fn woocommerce_always_requires_a_signature() {
        for change in [
            json!({"p_source": "woocommerce", "p_require_signature": false}),
            json!({"p_payload_format": "woocommerce", "p_require_signature": false}),
        ] {
            assert_eq!(read(change).unwrap_err().errors[0].code, "signature_required");
        }
        assert!(read(json!({"p_require_signature": false})).is_ok());
    }
}
