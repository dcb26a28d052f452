//! The file formats of exported lists: CSV (RFC 4180) for spreadsheets, NDJSON (one JSON object a
//! line) for programs.

use serde_json::{Map, Value};

use crate::routes::Export;

/// The most records that one file contains.
pub const MAX_RECORDS: usize = 100_000;

/// The most pages of the list that are read for one file. A filter that matches few records needs
/// many pages.
pub const MAX_PAGES: usize = 1_000;

impl Export {
    /// The extension of the file's name.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
        }
    }

    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Ndjson => "application/x-ndjson",
        }
    }

    /// The text before the first record: the column names in CSV, nothing in NDJSON.
    pub fn head(self, columns: &[&str]) -> String {
        match self {
            Self::Csv => csv_line(columns.iter().map(|name| (*name).to_owned())),
            Self::Ndjson => String::new(),
        }
    }

    /// One record; `values` are in the order of `columns`.
    pub fn record(self, columns: &[&str], values: Vec<Value>) -> String {
        match self {
            Self::Csv => csv_line(values.iter().map(csv_text)),
            Self::Ndjson => {
                let named = columns.iter().map(|name| (*name).to_owned()).zip(values);
                format!("{}\n", Value::Object(named.collect::<Map<_, _>>()))
            }
        }
    }

    /// The last line of a file that ends before its list does, because a maximum was reached.
    pub fn cut(self, records: usize) -> String {
        let text = "there is more. Narrow the time to export the rest.";
        self.end("cut", records, &format!("Cut after {records} records: {text}"))
    }

    /// The last line of a file whose list could not be read to its end. Without it, a browser would
    /// take the file for complete.
    pub fn broken_off(self, records: usize) -> String {
        let text = format!("Broken off after {records} records. Export it again.");
        self.end("broken_off", records, &text)
    }

    fn end(self, reason: &str, records: usize, text: &str) -> String {
        match self {
            Self::Csv => csv_line([format!("# {text}")].into_iter()),
            Self::Ndjson => {
                format!(
                    "{}\n",
                    serde_json::json!({ reason: true, "records": records, "detail": text })
                )
            }
        }
    }
}

fn csv_line(fields: impl Iterator<Item = String>) -> String {
    let mut line = fields.map(|field| quoted(&field)).collect::<Vec<_>>().join(",");
    line.push_str("\r\n");
    line
}

fn quoted(field: &str) -> String {
    if field.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

/// The text of a CSV cell. Strings may come from a stranger, and a spreadsheet evaluates a string
/// that begins like a formula (CWE-1236), so such a string is prefixed with `'`. Numbers are our
/// own and are not changed.
fn csv_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) => {
            format!("'{text}")
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_cell_never_begins_with_a_formula() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"] {
            let line = Export::Csv.record(&["a"], vec![json!(text)]);
            assert!(line.trim_start_matches('"').starts_with('\''), "{line:?}");
        }
        assert_eq!(Export::Csv.record(&["a", "b"], vec![json!(-1), json!("a=b")]), "-1,a=b\r\n");
    }

    #[test]
    fn a_cell_cannot_break_out_of_its_quotes() {
        let line = Export::Csv.record(&["a", "b"], vec![json!("a\",\"b\r\nc"), Value::Null]);
        assert_eq!(line, "\"a\"\",\"\"b\r\nc\",\r\n");
        assert_eq!(Export::Csv.head(&["a", "b"]), "a,b\r\n");
        let line = Export::Csv.record(&["a"], vec![json!({"b": "c,d"})]);
        assert_eq!(line, "\"{\"\"b\"\":\"\"c,d\"\"}\"\r\n");
    }

    #[test]
    fn a_json_record_is_one_line_and_preserves_types() {
        let line = Export::Ndjson.record(&["a", "b", "c"], vec![json!("=\n"), json!(7), json!({})]);
        assert_eq!(line, "{\"a\":\"=\\n\",\"b\":7,\"c\":{}}\n");
        assert_eq!(Export::Ndjson.head(&["a"]), "");
    }

    #[test]
    fn an_incomplete_file_says_so_in_its_last_line() {
        assert!(Export::Csv.cut(100_000).starts_with("# Cut after 100000 records"));
        let last: Value = serde_json::from_str(&Export::Ndjson.cut(2)).unwrap();
        assert_eq!((&last["cut"], &last["records"]), (&json!(true), &json!(2)));
        let last: Value = serde_json::from_str(&Export::Ndjson.broken_off(2)).unwrap();
        assert_eq!((&last["broken_off"], &last["records"]), (&json!(true), &json!(2)));
    }
}
