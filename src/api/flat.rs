//! Flat bodies: forms, and JSON objects whose names are paths (`lines[0][sku]`) and whose values are
//! all text, because that is what Zapier and Make send. They are folded into the JSON that they
//! stand for, and read like any other.

use serde_json::{Map, Value};

use crate::domain::rejection::{Code, FieldError, Rejection};

/// Most levels of a path, and most fields of a body.
const DEPTH: usize = 6;
const FIELDS: usize = 10_000;

/// Reads an `application/x-www-form-urlencoded` body.
///
/// # Errors
/// 422 where a name is no path, is there twice, or does not fit the others.
pub fn read_form(body: &[u8]) -> Result<Map<String, Value>, Rejection> {
    if std::str::from_utf8(body).is_err() {
        return Err(Rejection::new(Code::InvalidJson, "The form is not UTF-8."));
    }
    let pairs = form_urlencoded::parse(body);
    fold(pairs.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))))
}

/// Folds a JSON object if any of its names is a path; else leaves it as it is.
///
/// # Errors
/// As [`read_form`].
pub fn unfold(body: Map<String, Value>) -> Result<Map<String, Value>, Rejection> {
    if body.keys().any(|name| name.contains('[')) { fold(body.into_iter()) } else { Ok(body) }
}

fn fold(fields: impl Iterator<Item = (String, Value)>) -> Result<Map<String, Value>, Rejection> {
    let mut root = Map::new();
    for (count, (name, value)) in fields.enumerate() {
        if count >= FIELDS {
            return Err(refuse("", "too_many", format!("must have at most {FIELDS} fields.")));
        }
        // A mapped field without a value comes as empty text.
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
    Ok(root.into_iter().map(|(name, value)| (name, listed(value))).collect())
}

fn refuse(pointer: &str, code: &'static str, detail: String) -> Rejection {
    Rejection::fields(vec![FieldError { pointer: pointer.to_owned(), code: code.into(), detail }])
}

/// `lines[0][sku]` → `lines`, `0`, `sku`.
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
    let good = path.len() <= DEPTH
        && path.iter().all(|part| !part.is_empty() && !part.contains(['[', ']', '/', '~']));
    good.then_some(path)
}

/// Puts a value at its path. Lists are objects with numbers for names until all is there.
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

/// Makes a list of every object whose names are the numbers from 0.
fn listed(value: Value) -> Value {
    let Value::Object(members) = value else { return value };
    let numbered = !members.is_empty()
        && (0..members.len()).all(|index| members.contains_key(&index.to_string()));
    let mut members: Vec<(String, Value)> =
        members.into_iter().map(|(name, value)| (name, listed(value))).collect();
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
    fn flat_json_is_the_same_and_other_json_stays() {
        let flat = json!({"lines[0][sku]": "A", "total": "20.00"});
        let Value::Object(flat) = flat else { unreachable!() };
        assert_eq!(
            Value::Object(unfold(flat).unwrap()),
            json!({"lines": [{"sku": "A"}], "total": "20.00"})
        );
        let nested = json!({"lines": [{"sku": ""}], "note": ""});
        let Value::Object(nested) = nested else { unreachable!() };
        assert_eq!(unfold(nested.clone()), Ok(nested));
    }

    #[test]
    fn what_does_not_fit_is_named() {
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
        // A list with a gap is an object, which whoever reads it refuses by name.
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
