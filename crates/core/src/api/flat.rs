//! Flat bodies: forms, and JSON objects whose names are paths (`lines[0][sku]`) and whose values
//! are all text, as Zapier and Make send them. They are converted to nested JSON, which is then
//! read like any other body.

use serde_json::{Map, Value};

use crate::domain::rejection::{Code, FieldError, Rejection};

/// The most levels of a path.
const MAX_DEPTH: usize = 6;
/// The most fields of a body.
const MAX_FIELDS: usize = 10_000;

/// Reads an `application/x-www-form-urlencoded` body.
///
/// # Errors
/// 400 if the body is not UTF-8; 422 if a name is not a valid path, occurs twice, or contradicts
/// another name.
pub fn read_form(body: &[u8]) -> Result<Map<String, Value>, Rejection> {
    if std::str::from_utf8(body).is_err() {
        return Err(Rejection::new(Code::InvalidJson, "The form is not UTF-8."));
    }
    let pairs = form_urlencoded::parse(body);
    nest(pairs.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))))
}

/// Converts a flat JSON object to nested JSON if any of its names is a path; otherwise returns it
/// unchanged.
///
/// # Errors
/// The 422s of [`read_form`].
pub fn nest_body(body: Map<String, Value>) -> Result<Map<String, Value>, Rejection> {
    if body.keys().any(|name| name.contains('[')) { nest(body.into_iter()) } else { Ok(body) }
}

/// Builds nested JSON from pairs of path and value.
fn nest(fields: impl Iterator<Item = (String, Value)>) -> Result<Map<String, Value>, Rejection> {
    let mut root = Map::new();
    for (count, (name, value)) in fields.enumerate() {
        if count >= MAX_FIELDS {
            return Err(refuse("", "too_many", format!("must have at most {MAX_FIELDS} fields.")));
        }
        // Zapier and Make send an empty text for a mapped field without a value.
        if value.as_str().is_some_and(str::is_empty) {
            continue;
        }
        let path = path(&name).ok_or_else(|| {
            let detail = "is not a name such as lines[0][sku].";
            refuse(
                &format!("/{}", name.replace('~', "~0").replace('/', "~1")),
                "invalid_path",
                detail.to_owned(),
            )
        })?;
        insert(&mut root, &path, value).map_err(|detail| {
            refuse(&format!("/{}", path.join("/")), "invalid_path", detail.to_owned())
        })?;
    }
    Ok(root.into_iter().map(|(name, value)| (name, with_lists(value))).collect())
}

fn refuse(pointer: &str, code: &'static str, detail: String) -> Rejection {
    Rejection::fields(vec![FieldError { pointer: pointer.to_owned(), code: code.into(), detail }])
}

/// Splits a name into its path: `lines[0][sku]` → `lines`, `0`, `sku`.
fn path(name: &str) -> Option<Vec<&str>> {
    let (first, mut rest) = match name.find('[') {
        Some(at) => name.split_at(at),
        None => (name, ""),
    };
    let mut path = vec![first];
    while !rest.is_empty() {
        let (part, after) = rest.strip_prefix('[')?.split_once(']')?;
        path.push(part);
        rest = after;
    }
    let valid = path.len() <= MAX_DEPTH
        && path.iter().all(|part| !part.is_empty() && !part.contains(['[', ']', '/', '~']));
    valid.then_some(path)
}

/// Inserts a value at its path. Lists are represented as objects with numbers for names until all
/// values are inserted.
fn insert(into: &mut Map<String, Value>, path: &[&str], value: Value) -> Result<(), &'static str> {
    match path {
        [] => Ok(()),
        [name] => match into.insert((*name).to_owned(), value) {
            Some(_) => Err("is there more than once."),
            None => Ok(()),
        },
        [name, rest @ ..] => {
            let next = into.entry(*name).or_insert_with(|| Value::Object(Map::new()));
            match next {
                Value::Object(next) => insert(next, rest, value),
                _ => Err("is a value and has parts, too."),
            }
        }
    }
}

/// Converts every object whose names are the numbers from 0 to a list.
fn with_lists(value: Value) -> Value {
    let Value::Object(members) = value else { return value };
    let numbered = !members.is_empty()
        && (0..members.len()).all(|index| members.contains_key(&index.to_string()));
    let mut members: Vec<(String, Value)> =
        members.into_iter().map(|(name, value)| (name, with_lists(value))).collect();
    if !numbered {
        return Value::Object(members.into_iter().collect());
    }
    members.sort_by_key(|(name, _)| name.parse::<usize>().unwrap_or_default());
    Value::Array(members.into_iter().map(|(_, value)| value).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn form(body: &str) -> Result<Value, (String, String)> {
        read_form(body.as_bytes()).map(Value::Object).map_err(|rejection| {
            (rejection.errors[0].pointer.clone(), rejection.errors[0].code.to_string())
        })
    }

    #[test]
    fn paths_become_lists_and_objects() {
        assert_eq!(
            form(
                "external_id=A-1&lines%5B1%5D%5Bname%5D=Second&lines[0][name]=First+one&lines[0][sku]=&metadata[gift]=yes&note="
            ),
            Ok(json!({
                "external_id": "A-1",
                "lines": [{"name": "First one"}, {"name": "Second"}],
                "metadata": {"gift": "yes"},
            }))
        );
    }

    #[test]
    fn flat_json_is_read_like_a_form_and_other_json_is_unchanged() {
        let flat = json!({"lines[0][sku]": "A", "total": "20.00"});
        let Value::Object(flat) = flat else { unreachable!() };
        assert_eq!(
            Value::Object(nest_body(flat).unwrap()),
            json!({"lines": [{"sku": "A"}], "total": "20.00"})
        );
        let nested = json!({"lines": [{"sku": ""}], "note": ""});
        let Value::Object(nested) = nested else { unreachable!() };
        assert_eq!(nest_body(nested.clone()), Ok(nested));
    }

    #[test]
    fn an_invalid_or_contradicting_name_is_reported() {
        for (body, pointer) in [
            ("a=1&a=2", "/a"),
            ("a=1&a[b]=2", "/a/b"),
            ("a[b]=2&a=1", "/a"),
            ("a[=1", "/a["),
            ("a[]=1", "/a[]"),
            ("[a]=1", "/[a]"),
            ("a[b]c=1", "/a[b]c"),
            ("a[1][2][3][4][5][6]=1", "/a[1][2][3][4][5][6]"),
            ("a~/b[=1", "/a~0~1b["),
        ] {
            assert_eq!(form(body), Err((pointer.into(), "invalid_path".into())), "{body}");
        }
        // A list with a gap stays an object, which the reader of the field then refuses.
        assert_eq!(form("lines[1][sku]=A"), Ok(json!({"lines": {"1": {"sku": "A"}}})));
    }

    proptest! {
        #[test]
        fn no_form_makes_it_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_form(&body);
        }

        #[test]
        fn no_path_makes_it_panic(body in "([a-c~/\\[\\]0-2]{0,8}=[a-z]?&){0,6}") {
            let _ = read_form(body.as_bytes());
        }
    }
}
