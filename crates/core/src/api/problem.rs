//! Problem details (RFC 9457): the only place that converts a rejection to a response body.

use serde::Serialize;

use crate::domain::rejection::{FieldError, Rejection};

/// The media type of every error response.
pub const CONTENT_TYPE: &str = "application/problem+json";

#[derive(Serialize)]
struct Problem<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    code: &'static str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
    /// The id of the existing object that the request conflicts with.
    #[serde(skip_serializing_if = "Option::is_none")]
    conflicting_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    current_state: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wanted_state: Option<&'a str>,
}

/// The response body. It never contains the diagnosis, which is for the operator only, nor any
/// internals of a 5xx beyond its fixed text.
pub fn body(rejection: &Rejection, request_id: &str) -> String {
    let Rejection { code, detail, errors, retry_after: _, conflict, states, diagnosis: _ } =
        rejection;
    let problem = Problem {
        r#type: format!("/docs/errors#{}", code.as_str()),
        title: code.title(),
        status: code.status(),
        detail,
        code: code.as_str(),
        request_id,
        errors,
        conflicting_id: conflict.as_deref(),
        current_state: states.as_ref().map(|states| states.0.as_str()),
        wanted_state: states.as_ref().map(|states| states.1.as_str()),
    };
    // Serialising strings and numbers cannot fail.
    serde_json::to_string(&problem).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rejection::Code;
    use serde_json::{Value, json};

    #[test]
    fn a_problem_names_the_field_and_the_reason() {
        let rejection = Rejection::fields(vec![FieldError {
            pointer: "/total".into(),
            code: "required".into(),
            detail: "is required.".into(),
        }])
        .with_diagnosis("for the operator only");
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
    fn a_conflict_names_the_existing_object() {
        let rejection =
            Rejection::new(Code::ExternalIdConflict, "Taken.").conflicting_with("ord_x".to_owned());
        assert!(body(&rejection, "req_x").contains("\"conflicting_id\":\"ord_x\""));
    }
}
