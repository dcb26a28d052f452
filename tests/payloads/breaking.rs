//! Request bodies in which some members are replaced by arbitrary JSON.

use proptest::prelude::*;
use serde_json::Value;

/// Collects the JSON Pointers of a value and of everything in it.
fn pointers(value: &Value, pointer: &str, found: &mut Vec<String>) {
    found.push(pointer.to_owned());
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                pointers(member, &format!("{pointer}/{key}"), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointers(item, &format!("{pointer}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// `body` with some of its members replaced. An index selects one of the body's pointers.
pub fn broken(mut body: Value, changes: Vec<(prop::sample::Index, Value)>) -> Vec<u8> {
    for (index, replacement) in changes {
        let mut found = Vec::new();
        pointers(&body, "", &mut found);
        if let Some(member) = body.pointer_mut(&found[index.index(found.len())]) {
            *member = replacement;
        }
    }
    serde_json::to_vec(&body).unwrap()
}

pub fn any_changes() -> impl Strategy<Value = Vec<(prop::sample::Index, Value)>> {
    prop::collection::vec((any::<prop::sample::Index>(), any_json()), 1..4)
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "-?[0-9]{1,30}(\\.[0-9]{1,30})?([eE]-?[0-9]{1,20})?".prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        "[A-Za-z_.-]{1,12}".prop_map(Value::from),
        "[a-z]{300}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z_$]{0,8}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}
