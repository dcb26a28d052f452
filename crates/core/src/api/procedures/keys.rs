//! `POST /rpc/core.rpc_*`: the procedures, and the types and readers of their arguments.

use crate::domain::credential::{KeyId, TagKeys};
use crate::domain::id::StoreId;
use crate::domain::key::{PayloadFormat, Scope, Scopes, Source};
use crate::domain::rate_limit::RateLimit;
use crate::domain::rejection::Rejection;
use crate::domain::secret::SigningSecret;
use crate::domain::sender::Signing;
use crate::domain::time::{DAY, HOUR, Timestamp};

use crate::api::fields::{Fields, MAX_TEXT, Problems, note, parse_object};
#[cfg(test)]
use crate::api::recording;
#[cfg(test)]
use serde_json::json;

/// The longest name of a key, a store or a workspace, in characters.
const MAX_NAME: usize = 100;
/// The most days until a key expires.
const MAX_EXPIRY_DAYS: i64 = 3_650;
/// The most entries of a page.
const MAX_PAGE: i64 = 200;
/// The hours for which the old signing secret stays valid beside a new one: the default, and the
/// most.
const DEFAULT_OVERLAP_HOURS: i64 = 24;
const MAX_OVERLAP_HOURS: i64 = 24 * 30;

/// A procedure of the RPC API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Procedure {
    SetupWorkspace,
    CreateStore,
    ListStores,
    CreateIntegrationKey,
    ListIntegrationKeys,
    RevokeIntegrationKey,
    PauseIntegrationKey,
    ResumeIntegrationKey,
    SetSigningSecret,
    ResealSecrets,
    GetIntegrationKeyStats,
    ListIntegrationRequests,
    ListParkedEvents,
    RetryParkedEvent,
    DiscardParkedEvent,
    RotateIntegrationKey,
    RenameStore,
    ArchiveStore,
    RestoreStore,
    ListMembers,
    ChangeMemberRole,
    RemoveMember,
    InviteMember,
    ListInvites,
    WithdrawInvite,
    ListAuditEntries,
}

impl Procedure {
    /// Every procedure with its name.
    pub const ALL: [(&'static str, Self); 26] = [
        ("core.rpc_setup_workspace", Self::SetupWorkspace),
        ("core.rpc_create_store", Self::CreateStore),
        ("core.rpc_list_stores", Self::ListStores),
        ("core.rpc_create_integration_key", Self::CreateIntegrationKey),
        ("core.rpc_list_integration_keys", Self::ListIntegrationKeys),
        ("core.rpc_revoke_integration_key", Self::RevokeIntegrationKey),
        ("core.rpc_pause_integration_key", Self::PauseIntegrationKey),
        ("core.rpc_resume_integration_key", Self::ResumeIntegrationKey),
        ("core.rpc_set_signing_secret", Self::SetSigningSecret),
        ("core.rpc_reseal_secrets", Self::ResealSecrets),
        ("core.rpc_get_integration_key_stats", Self::GetIntegrationKeyStats),
        ("core.rpc_list_integration_requests", Self::ListIntegrationRequests),
        ("core.rpc_list_parked_events", Self::ListParkedEvents),
        ("core.rpc_retry_parked_event", Self::RetryParkedEvent),
        ("core.rpc_discard_parked_event", Self::DiscardParkedEvent),
        ("core.rpc_rotate_integration_key", Self::RotateIntegrationKey),
        ("core.rpc_rename_store", Self::RenameStore),
        ("core.rpc_archive_store", Self::ArchiveStore),
        ("core.rpc_restore_store", Self::RestoreStore),
        ("core.rpc_list_members", Self::ListMembers),
        ("core.rpc_change_member_role", Self::ChangeMemberRole),
        ("core.rpc_remove_member", Self::RemoveMember),
        ("core.rpc_invite_member", Self::InviteMember),
        ("core.rpc_list_invites", Self::ListInvites),
        ("core.rpc_withdraw_invite", Self::WithdrawInvite),
        ("core.rpc_list_audit_entries", Self::ListAuditEntries),
    ];

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, procedure)| *procedure)
    }
}

/// Reads the arguments with `read`. An argument that `read` did not take is an error.
pub(super) fn arguments<T>(
    body: &[u8],
    read: impl FnOnce(&mut Fields<'_>) -> Option<T>,
) -> Result<T, Rejection> {
    let problems = Problems::default();
    // An empty body counts as no arguments.
    let map = if body.is_empty() { serde_json::Map::new() } else { parse_object(body)? };
    let mut fields = Fields::root(map, &problems);
    let value = read(&mut fields);
    fields.finish();
    problems.resolve(value)
}

/// `core.rpc_setup_workspace`
#[derive(Debug)]
pub struct SetupWorkspace {
    pub workspace_name: String,
    pub owner_email: String,
    pub owner_password: String,
    pub store_name: String,
}

/// The length of a password, in characters. NIST SP 800-63B §3.1.1.2 requires 15 if it is the only
/// factor.
const PASSWORD_LENGTH: std::ops::RangeInclusive<usize> = 15..=200;

/// Checks the length of a new password; the error completes a sentence about the password.
pub fn check_password(password: &str) -> Result<(), &'static str> {
    match password.chars().count() {
        length if length < *PASSWORD_LENGTH.start() => Err("must have at least 15 characters."),
        length if length > *PASSWORD_LENGTH.end() => Err("must have at most 200 characters."),
        _ => Ok(()),
    }
}

impl SetupWorkspace {
    pub fn read(body: &[u8]) -> Result<Self, Rejection> {
        arguments(body, |fields| {
            let workspace_name = name(fields, "p_workspace_name");
            let owner_email = email(fields, "p_owner_email");
            let owner_password = fields.text("p_owner_password", *PASSWORD_LENGTH.end());
            note!(fields, "p_owner_password", json!({ "minLength": PASSWORD_LENGTH.start() }));
            let owner_password = fields.required("p_owner_password", owner_password);
            if let Some(Err(detail)) = owner_password.as_deref().map(check_password) {
                fields.problem("p_owner_password", "too_short", detail);
            }
            let store_name = name(fields, "p_store_name");
            Some(Self {
                workspace_name: workspace_name?,
                owner_email: owner_email?,
                owner_password: owner_password?,
                store_name: store_name?,
            })
        })
    }
}

/// `core.rpc_create_store`: the store's name.
pub fn read_create_store(body: &[u8]) -> Result<String, Rejection> {
    arguments(body, |fields| name(fields, "p_name"))
}

/// Reads the body of a procedure without arguments.
pub fn read_no_arguments(body: &[u8]) -> Result<(), Rejection> {
    arguments(body, |_| Some(()))
}

pub(super) fn name(fields: &mut Fields<'_>, field: &'static str) -> Option<String> {
    let name = optional_name(fields, field);
    fields.required(field, name)
}

pub(super) fn optional_name(fields: &mut Fields<'_>, field: &'static str) -> Option<String> {
    let name = fields.text(field, MAX_NAME)?;
    if name.trim().is_empty() || name.chars().any(char::is_control) {
        fields.problem(field, "invalid_text", "must be a name without line breaks.");
    }
    Some(name)
}

/// An e-mail address, converted to lower case like those of accounts. Only its rough form is
/// checked, since no form can show whether mail arrives.
pub(super) fn email(fields: &mut Fields<'_>, field: &'static str) -> Option<String> {
    let email = fields.identifier(field);
    note!(fields, field, json!({ "format": "email", "maxLength": 254, "pattern": null }));
    let email = fields.required(field, email)?.to_lowercase();
    let halves = email.split_once('@').filter(|(_, domain)| !domain.contains('@'));
    let filled = halves.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    if !filled || email.len() > 254 || email.contains(char::is_whitespace) {
        fields.problem(field, "invalid_email", "must be an e-mail address.");
        return None;
    }
    Some(email)
}

/// The days until a key expires; `None` for a key that does not expire.
pub(super) fn expires_in_days(fields: &mut Fields<'_>) -> Option<i64> {
    let days = fields.integer("p_expires_in_days");
    note!(fields, "p_expires_in_days", json!({ "minimum": 1, "maximum": MAX_EXPIRY_DAYS }));
    if days.is_some_and(|days| !(1..=MAX_EXPIRY_DAYS).contains(&days)) {
        let detail = "must be between 1 and 3650, or null for a key that does not expire.";
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
    pub fn read(body: &[u8]) -> Result<Self, Rejection> {
        arguments(body, |fields| {
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

pub(super) fn store_id(fields: &mut Fields<'_>) -> Option<StoreId> {
    let text = fields.text("p_store_id", MAX_TEXT);
    note!(fields, "p_store_id", recording::id(StoreId::from_random([0; 10])));
    let text = fields.required("p_store_id", text)?;
    let id = StoreId::parse(&text);
    if id.is_none() {
        fields.problem("p_store_id", "invalid_id", "must be a store's id, sto_….");
    }
    id
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

pub(super) fn key_id(fields: &mut Fields<'_>, tag_keys: &TagKeys) -> Option<KeyId> {
    let text = fields.text("p_key_id", MAX_TEXT);
    note!(fields, "p_key_id", json!({ "pattern": "^key_[a-z2-7]{26}$", "maxLength": null }));
    let text = fields.required("p_key_id", text)?;
    let id = KeyId::parse(&text, tag_keys);
    if id.is_none() {
        fields.problem("p_key_id", "invalid_id", "must be a key's id, key_….");
    }
    id
}

pub(super) fn limit(fields: &mut Fields<'_>) -> u32 {
    let limit = fields.integer("p_limit");
    note!(fields, "p_limit", json!({ "minimum": 1, "maximum": MAX_PAGE, "default": 50 }));
    match limit {
        None => 50,
        Some(limit) if (1..=MAX_PAGE).contains(&limit) => u32::try_from(limit).unwrap_or(50),
        Some(_) => {
            fields.problem("p_limit", "out_of_range", "must be between 1 and 200.");
            50
        }
    }
}

/// Reads the arguments of a procedure that takes only a key.
pub fn read_key_id(body: &[u8], tag_keys: &TagKeys) -> Result<KeyId, Rejection> {
    arguments(body, |fields| key_id(fields, tag_keys))
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
    pub fn read(body: &[u8]) -> Result<Self, Rejection> {
        arguments(body, |fields| {
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
    pub fn read(body: &[u8], tag_keys: &TagKeys) -> Result<Self, Rejection> {
        arguments(body, |fields| {
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
        CreateIntegrationKey::read(body.to_string().as_bytes())
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

    #[test]
    fn no_two_procedures_have_the_same_name() {
        for (index, (name, procedure)) in Procedure::ALL.iter().enumerate() {
            assert_eq!(Procedure::parse(name), Some(*procedure));
            assert!(Procedure::ALL[index + 1..].iter().all(|(other, _)| other != name));
        }
        assert_eq!(Procedure::parse("core.rpc_drop"), None);
    }
}
