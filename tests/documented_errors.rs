//! Tests that `docs/errors.json`, the source of the documentation's page of errors, matches the
//! explanations in the code. `UPDATE_DOCS=1 cargo test --test documented_errors` writes the file.

use std::{env, fs};

use serde_json::{Value, json};
use tidegate_core::domain::explain::{FinishedRequest, explain};
use tidegate_core::domain::key::{PayloadFormat, Source};
use tidegate_core::domain::log::Outcome;
use tidegate_core::domain::rejection::Code;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/errors.json");

fn documented(code: Code) -> Value {
    let explanation = explain(&FinishedRequest {
        outcome: Outcome::of(code),
        error_code: Some(code),
        park_reason: None,
        detail: None,
        source: Source::Custom,
        format: PayloadFormat::Gateway,
    });
    json!({
        "code": code.as_str(),
        "status": code.status(),
        "title": code.title(),
        "meaning": explanation.what,
        "cause": explanation.why,
        "fix": explanation.todo,
    })
}

#[test]
fn the_documented_errors_are_those_of_the_code() {
    let errors: Vec<_> = Code::ALL.iter().map(|code| documented(*code)).collect();
    let expected = format!("{}\n", serde_json::to_string_pretty(&errors).unwrap());
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(FILE, &expected).unwrap();
    }
    let written = fs::read_to_string(FILE).unwrap_or_default();
    assert!(
        written == expected,
        "docs/errors.json is not what the code says: UPDATE_DOCS=1 cargo test --test documented_errors"
    );
}

#[test]
fn no_explanation_refers_to_a_page_of_the_console() {
    for code in Code::ALL {
        let text = documented(*code).to_string();
        for phrase in ["on this page", "below", "above"] {
            assert!(!text.contains(phrase), "{}: {phrase}", code.as_str());
        }
    }
}
