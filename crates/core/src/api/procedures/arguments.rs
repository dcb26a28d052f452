//! Reads the arguments that several procedures take.

#[cfg(test)]
use serde_json::json;
use serde_json::{Map, Value};

use crate::api::fields::{Fields, MAX_TEXT, Problems, is_email, note, parse_object};
#[cfg(test)]
use crate::api::recording;
use crate::domain::credential::{KeyId, TagKeys};
use crate::domain::id::StoreId;
use crate::domain::rejection::Rejection;

/// The longest name of a key, a store or a workspace, in characters.
const MAX_NAME: usize = 100;
/// The most entries of a page.
const MAX_PAGE: i64 = 200;

/// The arguments of a procedure, before they are checked: the body of a request, or the fields of a
/// form of the console.
#[derive(Clone, Debug, Default)]
pub struct Arguments(Map<String, Value>);

impl Arguments {
    /// Parses the body of a request. An empty body counts as no arguments.
    ///
    /// # Errors
    /// 400 `invalid_json` unless the body is a JSON object.
    pub fn parse(body: &[u8]) -> Result<Self, Rejection> {
        if body.is_empty() { Ok(Self::default()) } else { parse_object(body).map(Self) }
    }

    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// Takes the arguments out with `read`. One that `read` does not take is an error.
    pub(super) fn read<T>(
        self,
        read: impl FnOnce(&mut Fields<'_>) -> Option<T>,
    ) -> Result<T, Rejection> {
        let problems = Problems::default();
        let mut fields = Fields::root(self.0, &problems);
        let value = read(&mut fields);
        fields.finish();
        problems.resolve(value)
    }
}

impl<const N: usize> From<[(&str, Value); N]> for Arguments {
    fn from(arguments: [(&str, Value); N]) -> Self {
        Self(arguments.map(|(name, value)| (name.to_owned(), value)).into_iter().collect())
    }
}

/// Reads the arguments of a procedure that takes none.
pub(super) fn read_no_arguments(given: Arguments, _: &TagKeys) -> Result<(), Rejection> {
    given.read(|_| Some(()))
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

/// The e-mail address of an account, at most 254 bytes (RFC 5321 §4.5.3.1). In lower case, because a
/// person signs in with it however they type it; the address in an order is not a way to sign in,
/// and stays as it was sent ([`crate::api::orders::input`]).
pub(super) fn email(fields: &mut Fields<'_>, field: &'static str) -> Option<String> {
    let email = fields.identifier(field);
    note!(fields, field, json!({ "format": "email", "maxLength": 254, "pattern": null }));
    let email = fields.required(field, email)?.to_lowercase();
    if !is_email(&email) || email.len() > 254 {
        fields.problem(field, "invalid_email", "must be an e-mail address.");
        return None;
    }
    Some(email)
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
pub(super) fn read_key_id(given: Arguments, tag_keys: &TagKeys) -> Result<KeyId, Rejection> {
    given.read(|fields| key_id(fields, tag_keys))
}
