//! Problem details (RFC 9457): the one place where a rejection becomes an answer.

use serde_json::{Map, Value, json};

use crate::domain::rejection::Rejection;

/// The media type of every error.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// The body of the answer. Never holds the operator's diagnosis, nor anything of the inside of a
/// 5xx beyond its fixed text.
pub fn body(rejection: &Rejection, request_id: &str) -> String {
    let Rejection { code, detail, errors, retry_after: _, conflict, diagnosis: _ } = rejection;
    let mut problem = Map::new();
    problem.insert("type".into(), json!(format!("/docs/errors#{}", code.as_str())));
    problem.insert("title".into(), json!(code.title()));
    problem.insert("status".into(), json!(code.status()));
    problem.insert("detail".into(), json!(detail));
    problem.insert("code".into(), json!(code.as_str()));
    problem.insert("request_id".into(), json!(request_id));
    if !errors.is_empty() {
        problem.insert("errors".into(), json!(errors));
    }
    if let Some(conflict) = conflict {
        problem.insert("conflicting_id".into(), json!(conflict));
    }
    Value::Object(problem).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rejection::{Code, FieldError};

    #[test]
    fn a_problem_says_what_field_and_why() {
        let rejection = Rejection::fields(vec![FieldError {
            pointer: "/total".into(),
            code: "required".into(),
            detail: "is required.".into(),
        }])
        .diagnosed("for the operator only");
        let problem: Value = serde_json::from_str(&body(&rejection, "req_x")).unwrap();
        assert_eq!(
            problem,
            json!({
                "type": "/docs/errors#validation_failed", "title": "Some fields are not valid",
                "status": 422, "detail": "/total is required.", "code": "validation_failed",
                "request_id": "req_x",
                "errors": [{"pointer": "/total", "code": "required", "detail": "is required."}]
            })
        );
    }

    #[test]
    fn a_conflict_names_what_stands_in_the_way() {
        let rejection =
            Rejection::new(Code::ExternalIdConflict, "Taken.").conflicting_with("ord_x".to_owned());
        assert!(body(&rejection, "req_x").contains("\"conflicting_id\":\"ord_x\""));
    }
}
