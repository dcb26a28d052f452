//! `POST /integrations/v1/batch`: up to a hundred commands as NDJSON, each with its own outcome.

use serde_json::{Map, Value};

use super::fields::{Fields, MAX_TEXT, Problems, parse_object};
use crate::domain::rejection::{Code, FieldError, Rejection};
use crate::domain::write::Command;

/// The most commands of a batch.
pub const MAX_LINES: usize = 100;

/// The media type of a batch request and of its response.
pub const CONTENT_TYPE: &str = "application/x-ndjson";

/// One line of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub command: Command,
    /// The order or payment that the command changes, in the form of a path but percent-decoded.
    pub target: Option<String>,
    pub idempotency_key: Option<String>,
    pub body: Map<String, Value>,
}

/// Splits a batch into its non-blank lines, with their line numbers counted from 1.
///
/// # Errors
/// 415 for another media type; 422 for no line or more than [`MAX_LINES`].
pub fn lines<'a>(content_type: &str, body: &'a [u8]) -> Result<Vec<(usize, &'a [u8])>, Rejection> {
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case(CONTENT_TYPE) {
        return Err(Rejection::new(
            Code::UnsupportedMediaType,
            "Send a batch with `Content-Type: application/x-ndjson`, a JSON object a line.",
        ));
    }
    let lines = body.split(|byte| *byte == b'\n').enumerate();
    let lines = lines.map(|(index, line)| (index + 1, line.trim_ascii()));
    let lines: Vec<_> = lines.filter(|(_, line)| !line.is_empty()).take(MAX_LINES + 1).collect();
    let refuse = |code: &'static str, detail: &str| {
        let (pointer, detail) = (String::new(), detail.to_owned());
        Err(Rejection::fields(vec![FieldError { pointer, code: code.into(), detail }]))
    };
    match lines.len() {
        0 => refuse("required", "has no line."),
        1..=MAX_LINES => Ok(lines),
        _ => refuse("too_many", "has more than 100 lines."),
    }
}

/// Reads a line. The command's body is read later, by
/// [`read_write`](super::write_input::read_write).
///
/// # Errors
/// 400 if the line is not a JSON object; 422 with an error for each invalid field.
pub fn read_line(line: &[u8]) -> Result<Line, Rejection> {
    let problems = Problems::default();
    let mut fields = Fields::root(parse_object(line)?, &problems);
    let names = Command::ALL.map(Command::as_str).join(", ");
    let command = fields.choice("command", Command::parse, &names);
    let command = fields.required("command", command);
    let mut target = None;
    if let Some(name) = command.and_then(Command::target) {
        target = fields.text(name, MAX_TEXT + "external:".len());
        fields.required(name, target.as_ref());
    }
    let idempotency_key = fields.text("idempotency_key", MAX_TEXT + 2);
    let body = fields.free_object("body");
    let body = fields.required("body", body);
    fields.finish();
    let line =
        command.zip(body).map(|(command, body)| Line { command, target, idempotency_key, body });
    problems.resolve(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(line: &str) -> Vec<(String, String)> {
        let errors = read_line(line.as_bytes()).unwrap_err().errors;
        errors.into_iter().map(|e| (e.pointer, e.code.into_owned())).collect()
    }

    #[test]
    fn blank_lines_are_skipped_but_counted() {
        let body = b"{\"a\":1}\r\n\n  \n{\"b\":2}";
        let lines = lines("application/x-ndjson; charset=utf-8", body).unwrap();
        assert_eq!(lines, [(1, &b"{\"a\":1}"[..]), (4, &b"{\"b\":2}"[..])]);
    }

    #[test]
    fn a_batch_has_1_to_100_lines() {
        let code = |body: &str| {
            lines(CONTENT_TYPE, body.as_bytes()).err().map(|r| r.errors[0].code.to_string())
        };
        assert_eq!(code("\n\n"), Some("required".into()));
        assert_eq!(code(&"{}\n".repeat(100)), None);
        assert_eq!(code(&"{}\n".repeat(101)), Some("too_many".into()));
        assert_eq!(lines("application/json", b"{}").unwrap_err().code, Code::UnsupportedMediaType);
    }

    #[test]
    fn a_line_needs_a_command_a_body_and_where_the_command_takes_one_a_target() {
        let line = read_line(br#"{"command":"orders.cancel","order":"external:A-1","idempotency_key":"k","body":{"reason":"x"}}"#).unwrap();
        assert_eq!(line.command, Command::CancelOrder);
        assert_eq!(line.target.as_deref(), Some("external:A-1"));
        let one = |pointer: &str, code: &str| vec![(pointer.to_owned(), code.to_owned())];
        assert_eq!(problems(r#"{"command":"orders.create"}"#), one("/body", "required"));
        assert_eq!(
            problems(r#"{"command":"orders.delete","body":{}}"#),
            one("/command", "invalid_choice")
        );
        assert_eq!(problems(r#"{"command":"orders.cancel","body":{}}"#), one("/order", "required"));
        assert_eq!(
            problems(r#"{"command":"orders.create","order":"ord_x","body":{}}"#),
            one("/order", "unknown_field")
        );
    }
}
