//! Records which fields the readers of request bodies read and what they require of them. The JSON
//! Schemas of the OpenAPI document are made from these records, so that they agree with the parser.
//! Compiled for tests only.
//!
//! A reader is run over an example that has every object and array that it reads. Each accessor of
//! [`Fields`](super::fields::Fields) records the field it was asked for, whether the body has that
//! field or not. A reader records its own further checks with [`note!`](super::fields::note).

use std::cell::RefCell;

use serde_json::{Map, Value, json};

use crate::domain::rejection::Rejection;

thread_local! {
    static NOTES: RefCell<Option<Vec<Note>>> = const { RefCell::new(None) };
}

enum Note {
    /// JSON Schema keywords for the value at a pointer; `null` removes a keyword.
    Keywords(String, Value),
    /// The value at a pointer is required.
    Required(String),
    /// The object at a pointer may have no fields but those that were read.
    Closed(String),
}

fn note(make: impl FnOnce() -> Note) {
    NOTES.with_borrow_mut(|notes| {
        if let Some(notes) = notes {
            notes.push(make());
        }
    });
}

pub(super) fn keywords(pointer: impl FnOnce() -> String, keywords: Value) {
    note(|| Note::Keywords(pointer(), keywords));
}

pub(super) fn required(pointer: &str) {
    note(|| Note::Required(pointer.to_owned()));
}

pub(super) fn closed(pointer: &str) {
    note(|| Note::Closed(pointer.to_owned()));
}

/// The schema of the bodies that a reader accepts. `read` runs the reader over a complete example.
///
/// # Panics
/// If the reader rejects the example, or the example lacks an object or array that the reader
/// reads.
pub fn schema<T>(read: impl FnOnce() -> Result<T, Rejection>) -> Value {
    NOTES.set(Some(Vec::new()));
    let result = read().map(drop);
    let notes = NOTES.take().unwrap_or_default();
    assert_eq!(result, Ok(()), "an example that its reader refuses");
    let mut root = Node::default();
    root.merge(json!({ "type": "object" }));
    for note in notes {
        match note {
            Note::Keywords(pointer, keywords) => root.at(&pointer).merge(keywords),
            Note::Required(pointer) => {
                let (parent, name) = pointer.rsplit_once('/').expect("a field's pointer");
                let required = &mut root.at(parent).required;
                if !required.iter().any(|known| known == name) {
                    required.push(name.to_owned());
                }
            }
            Note::Closed(pointer) => root.at(&pointer).closed = true,
        }
    }
    root.into_schema("")
}

/// The schema keywords of an id, from an example: its prefix, and as many base32 characters.
pub fn id(example: impl std::fmt::Display) -> Value {
    let example = example.to_string();
    let (prefix, rest) = example.split_once('_').expect("an id has a prefix");
    json!({
        "pattern": format!("^{prefix}_[a-z2-7]{{{}}}$", rest.len()), "maxLength": null,
        "examples": [example],
    })
}

/// The texts of all values of an enumeration, as a JSON array.
pub fn texts<T: Copy>(all: &[T], text: impl Fn(T) -> &'static str) -> Value {
    all.iter().map(|value| text(*value)).collect()
}

#[derive(Default)]
struct Node {
    keywords: Map<String, Value>,
    properties: Vec<(String, Node)>,
    items: Option<Box<Node>>,
    required: Vec<String>,
    closed: bool,
}

impl Node {
    fn merge(&mut self, keywords: Value) {
        let Value::Object(keywords) = keywords else { panic!("keywords are an object") };
        for (keyword, value) in keywords {
            match value {
                Value::Null => drop(self.keywords.remove(&keyword)),
                value => drop(self.keywords.insert(keyword, value)),
            }
        }
    }

    fn at(&mut self, pointer: &str) -> &mut Self {
        pointer.split('/').skip(1).fold(self, |node, segment| {
            if node.is("array") {
                return node.items.get_or_insert_default();
            }
            let index = node.properties.iter().position(|(name, _)| name == segment);
            let index = index.unwrap_or_else(|| {
                node.properties.push((segment.to_owned(), Self::default()));
                node.properties.len() - 1
            });
            &mut node.properties[index].1
        })
    }

    fn is(&self, kind: &str) -> bool {
        self.keywords.get("type").is_some_and(|known| known == kind)
    }

    fn into_schema(self, pointer: &str) -> Value {
        let Self { mut keywords, properties, items, required, closed } = self;
        if closed {
            keywords.entry("type").or_insert_with(|| json!("object"));
        }
        let (object, array) = (keywords.get("type") == Some(&json!("object")), items.is_some());
        let free = keywords.contains_key("additionalProperties");
        assert!(
            !object || free || closed,
            "the example has no object at {pointer}, or its reader does not finish it"
        );
        if let Some(items) = items {
            keywords.insert("items".into(), items.into_schema(&format!("{pointer}/0")));
        }
        assert!(
            array
                || keywords.get("type") != Some(&json!("array"))
                || keywords.contains_key("items"),
            "the example has no entries at {pointer}"
        );
        if closed {
            let properties: Map<String, Value> = properties
                .into_iter()
                .map(|(name, node)| {
                    let mut schema = node.into_schema(&format!("{pointer}/{name}"));
                    match required.contains(&name) {
                        true => forbid_empty(&mut schema),
                        false => allow_null(&mut schema),
                    }
                    (name, schema)
                })
                .collect();
            keywords.insert("properties".into(), Value::Object(properties));
            if !required.is_empty() {
                keywords.insert("required".into(), json!(required));
            }
            keywords.insert("additionalProperties".into(), json!(false));
        }
        Value::Object(keywords)
    }
}

/// Forbids an empty text for a required field, since it counts as absent.
fn forbid_empty(schema: &mut Value) {
    let plain = schema["type"] == "string" && schema.get("enum").is_none();
    if plain && schema.get("minLength").is_none() && schema.get("pattern").is_none() {
        schema["minLength"] = json!(1);
    }
}

/// Allows `null` for an optional field, since it counts as absent.
fn allow_null(schema: &mut Value) {
    let types = match schema["type"].take() {
        Value::Array(types) => types,
        one => vec![one],
    };
    schema["type"] = types.into_iter().chain([json!("null")]).collect();
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.push(Value::Null);
    }
}
