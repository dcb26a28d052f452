//! Reads JSON bodies field by field and collects all errors, each with its JSON Pointer, instead of
//! stopping at the first.

use std::cell::RefCell;

use serde_json::{Map, Value};

use crate::domain::money::{Amount, Currency};
use crate::domain::rejection::{Code, FieldError, Rejection};
use crate::domain::time::Timestamp;

/// Records JSON Schema keywords for checks that a field's reader makes itself; the OpenAPI document
/// is made from them (`recording.rs`). Outside tests it compiles to nothing.
macro_rules! note {
    ($fields:expr, $name:expr, $keywords:expr) => {
        #[cfg(test)]
        crate::api::recording::keywords(|| $fields.pointer($name), $keywords);
    };
}
pub(crate) use note;

#[cfg(test)]
use serde_json::json;

/// The longest free text, in characters, unless a field sets another limit.
pub const MAX_TEXT: usize = 255;

/// The errors found so far.
#[derive(Debug, Default)]
pub struct Problems(RefCell<Vec<FieldError>>);

impl Problems {
    pub fn add(&self, pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) {
        self.0.borrow_mut().push(FieldError {
            pointer: pointer.into(),
            code: code.into(),
            detail: detail.into(),
        });
    }

    pub fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// Returns `value`, or a rejection with all problems if there are any.
    pub fn resolve<T>(self, value: Option<T>) -> Result<T, Rejection> {
        let errors = self.0.into_inner();
        match value {
            Some(value) if errors.is_empty() => Ok(value),
            _ if errors.is_empty() => {
                Err(Rejection::new(Code::InternalError, "The body could not be read."))
            }
            _ => Err(Rejection::fields(errors)),
        }
    }
}

/// Parses a JSON text that must be an object.
pub fn parse_object(body: &[u8]) -> Result<Map<String, Value>, Rejection> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| Rejection::new(Code::InvalidJson, format!("Not valid JSON: {error}.")))?;
    match value {
        Value::Object(map) => Ok(map),
        other => Err(Rejection::new(
            Code::InvalidJson,
            format!("The body must be a JSON object, not {}.", json_type(&other)),
        )),
    }
}

/// The JSON type of a value, with its article.
fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// The pattern of a decimal that is not negative, as [`Amount::parse`] reads it.
#[cfg(test)]
const DECIMAL: &str = r"^[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$";

/// The schema keywords for a list of choices; none if `choices` is a description instead of a list.
#[cfg(test)]
fn choice_keywords<T>(choices: &str, parse: impl Fn(&str) -> Option<T>) -> Value {
    let words: Vec<&str> = choices.split(", ").collect();
    match words.iter().all(|word| parse(word).is_some()) {
        true => json!({ "enum": words, "maxLength": null }),
        false => json!({}),
    }
}

/// A JSON object whose fields are taken out one by one. `null` counts as absent.
#[derive(Debug)]
pub struct Fields<'a> {
    map: Map<String, Value>,
    pointer: String,
    problems: &'a Problems,
}

impl<'a> Fields<'a> {
    pub const fn root(map: Map<String, Value>, problems: &'a Problems) -> Self {
        Self { map, pointer: String::new(), problems }
    }

    pub fn pointer(&self, name: &str) -> String {
        format!("{}/{}", self.pointer, name.replace('~', "~0").replace('/', "~1"))
    }

    pub fn problem(&self, name: &str, code: &'static str, detail: impl Into<String>) {
        self.problems.add(self.pointer(name), code, detail);
    }

    /// Adds a problem with one entry of an array.
    pub fn entry_problem(
        &self,
        name: &str,
        index: usize,
        code: &'static str,
        detail: impl Into<String>,
    ) {
        self.problems.add(format!("{}/{index}", self.pointer(name)), code, detail);
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.map.remove(name).filter(|value| !value.is_null())
    }

    fn wrong_type(&self, name: &str, expected: &str, value: &Value) {
        self.problem(
            name,
            "invalid_type",
            format!("must be {expected}, not {}.", json_type(value)),
        );
    }

    /// Adds the problem `required` if `value` is `None`, unless there already is a problem with the
    /// field or a part of it.
    pub fn required<T>(&self, name: &str, value: Option<T>) -> Option<T> {
        let pointer = self.pointer(name);
        #[cfg(test)]
        super::recording::required(&pointer);
        if value.is_none()
            && !self.problems.0.borrow().iter().any(|p| p.pointer.starts_with(&pointer))
        {
            self.problem(name, "required", "is required.");
        }
        value
    }

    /// A text of at most `max` characters; empty counts as absent.
    pub fn text(&mut self, name: &str, max: usize) -> Option<String> {
        note!(self, name, json!({ "type": "string", "maxLength": max }));
        match self.take(name)? {
            Value::String(text) if text.is_empty() => None,
            Value::String(text) if text.chars().count() > max => {
                self.problem(name, "too_long", format!("must have at most {max} characters."));
                None
            }
            Value::String(text) if text.contains('\0') => {
                self.problem(name, "invalid_text", "must not contain NUL characters.");
                None
            }
            Value::String(text) => Some(text),
            other => {
                self.wrong_type(name, "a string", &other);
                None
            }
        }
    }

    /// An id from outside: not empty, without control characters and without surrounding spaces.
    pub fn identifier(&mut self, name: &str) -> Option<String> {
        match self.map.get(name) {
            Some(Value::String(text)) if text.is_empty() => {
                self.map.remove(name);
                self.problem(name, "empty", "must not be empty; leave it out instead.");
                return None;
            }
            _ => {}
        }
        let text = self.text(name, MAX_TEXT);
        note!(self, name, json!({ "minLength": 1, "pattern": "^\\S(.*\\S)?$" }));
        let text = text?;
        if text.chars().any(char::is_control) || text.trim() != text {
            self.problem(
                name,
                "invalid_text",
                "must not have spaces around it or control characters.",
            );
            return None;
        }
        Some(text)
    }

    /// One of a fixed list of words; `choices` is that list, for the error.
    pub fn choice<T>(
        &mut self,
        name: &str,
        parse: impl Fn(&str) -> Option<T>,
        choices: &str,
    ) -> Option<T> {
        let text = self.text(name, MAX_TEXT);
        note!(self, name, choice_keywords(choices, &parse));
        let text = text?;
        let parsed = parse(&text);
        if parsed.is_none() {
            self.problem(name, "invalid_choice", format!("must be one of {choices}."));
        }
        parsed
    }

    pub fn boolean(&mut self, name: &str) -> Option<bool> {
        note!(self, name, json!({ "type": "boolean" }));
        match self.take(name)? {
            Value::Bool(value) => Some(value),
            other => {
                self.wrong_type(name, "true or false", &other);
                None
            }
        }
    }

    pub fn integer(&mut self, name: &str) -> Option<i64> {
        note!(self, name, json!({ "type": "integer", "minimum": i64::MIN, "maximum": i64::MAX }));
        match self.take(name)? {
            Value::Number(number) if number.as_i64().is_some() => number.as_i64(),
            other => {
                self.wrong_type(name, "a whole number", &other);
                None
            }
        }
    }

    /// The text of a decimal string or of a JSON number, not yet checked.
    pub fn decimal(&mut self, name: &str) -> Option<String> {
        note!(self, name, json!({ "type": ["string", "number"], "pattern": DECIMAL }));
        match self.take(name)? {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            other => {
                self.wrong_type(name, "a decimal string or a number", &other);
                None
            }
        }
    }

    /// An amount in `currency`, 0 or more; `None` if the currency is `None`.
    pub fn amount(&mut self, name: &str, currency: Option<Currency>) -> Option<Amount> {
        let text = self.decimal(name);
        note!(self, name, json!({ "minimum": 0 }));
        let text = text?;
        match Amount::parse(&text, currency?) {
            Ok(amount) if amount.is_negative() => {
                self.problem(name, "negative_amount", "must not be negative.");
                None
            }
            Ok(amount) => Some(amount),
            Err(error) => {
                self.problem(name, "invalid_amount", format!("{error}."));
                None
            }
        }
    }

    pub fn timestamp(&mut self, name: &str) -> Option<Timestamp> {
        let text = self.text(name, MAX_TEXT);
        note!(self, name, json!({ "format": "date-time", "maxLength": null }));
        let text = text?;
        let parsed = Timestamp::parse_rfc3339(&text);
        if parsed.is_none() {
            self.problem(
                name,
                "invalid_timestamp",
                "must be an RFC 3339 time with its offset, such as 2026-11-22T11:48:05Z.",
            );
        }
        parsed
    }

    pub fn object(&mut self, name: &str) -> Option<Fields<'a>> {
        note!(self, name, json!({ "type": "object" }));
        match self.take(name)? {
            Value::Object(map) => {
                Some(Fields { map, pointer: self.pointer(name), problems: self.problems })
            }
            other => {
                self.wrong_type(name, "an object", &other);
                None
            }
        }
    }

    /// An object with any fields, which is not read further.
    pub fn free_object(&mut self, name: &str) -> Option<Map<String, Value>> {
        note!(self, name, json!({ "additionalProperties": true }));
        self.object(name).map(|fields| fields.map)
    }

    /// An array of strings.
    pub fn strings(&mut self, name: &str) -> Option<Vec<String>> {
        note!(self, name, json!({ "type": "array", "items": { "type": "string" } }));
        match self.take(name)? {
            Value::Array(values) => values
                .into_iter()
                .enumerate()
                .map(|(index, value)| match value {
                    Value::String(text) => Some(text),
                    other => {
                        let detail = format!("must be a string, not {}.", json_type(&other));
                        self.entry_problem(name, index, "invalid_type", detail);
                        None
                    }
                })
                .collect(),
            other => {
                self.wrong_type(name, "an array", &other);
                None
            }
        }
    }

    /// An array of at most `max` objects.
    pub fn objects(&mut self, name: &str, max: usize) -> Option<Vec<Fields<'a>>> {
        note!(self, name, json!({ "type": "array", "maxItems": max }));
        let values = match self.take(name)? {
            Value::Array(values) if values.len() <= max => values,
            Value::Array(_) => {
                self.problem(name, "too_many", format!("must have at most {max} entries."));
                return None;
            }
            other => {
                self.wrong_type(name, "an array", &other);
                return None;
            }
        };
        let pointer = self.pointer(name);
        let objects = values.into_iter().enumerate().filter_map(|(index, value)| match value {
            Value::Object(map) => {
                Some(Fields { map, pointer: format!("{pointer}/{index}"), problems: self.problems })
            }
            other => {
                let detail = format!("must be an object, not {}.", json_type(&other));
                self.problems.add(format!("{pointer}/{index}"), "invalid_type", detail);
                None
            }
        });
        Some(objects.collect())
    }

    /// Adds a problem for every field that was not read: a misspelt name must not be ignored.
    pub fn finish(self) {
        #[cfg(test)]
        super::recording::closed(&self.pointer);
        for name in self.map.keys() {
            self.problem(name, "unknown_field", "is not a field of this object.");
        }
    }
}

/// Whether a text has the form of an e-mail address, `local@domain`. Only the rough form is checked,
/// since no form can show whether mail arrives.
pub(super) fn is_email(text: &str) -> bool {
    let halves = text.split_once('@').filter(|(_, domain)| !domain.contains('@'));
    let filled = halves.is_some_and(|(local, domain)| {
        !local.is_empty()
            && !domain.is_empty()
            && !domain.starts_with('.')
            && !domain.ends_with('.')
    });
    filled && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}
