//! Submitted forms, and their errors by field.

use tidegate_core::domain::rejection::Rejection;

/// The fields of a form (`application/x-www-form-urlencoded`), or of a query string.
#[derive(Clone, Debug, Default)]
pub struct Form(Vec<(String, String)>);

impl Form {
    pub fn parse(encoded: &[u8]) -> Self {
        Self(form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// The first value of a field; empty if the field was not sent.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value)
    }

    /// The trimmed value of a field; `None` if it is blank or was not sent.
    pub fn filled(&self, name: &str) -> Option<&str> {
        Some(self.get(name).trim()).filter(|value| !value.is_empty())
    }

    /// All values of a field. A group of checkboxes sends several.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }
}

/// The errors of a form: pairs of field and message, in order. An empty field name means that the
/// message concerns the form as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FormErrors(Vec<(String, String)>);

impl FormErrors {
    pub fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0.push((field.to_owned(), message.into()));
    }

    /// A single error.
    pub fn one(field: &str, message: impl Into<String>) -> Self {
        Self(vec![(field.to_owned(), message.into())])
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first error of a field.
    pub fn of(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == field).map(|(_, message)| message.as_str())
    }

    /// Pairs of a control's id and a message, for the summary at the top of a form.
    pub fn summary(&self) -> Vec<(String, String)> {
        let id = |field: &str| match field {
            "" => String::new(),
            field => super::components::field_id(field),
        };
        self.0.iter().map(|(field, message)| (id(field), message.clone())).collect()
    }

    /// Converts the rejection of a procedure's arguments into errors of the form's fields: the
    /// pointer `/p_name` becomes the field `name`. `label` returns the label of a field, with which
    /// the message begins.
    pub fn of_arguments(rejection: &Rejection, label: impl Fn(&str) -> &'static str) -> Self {
        if rejection.errors.is_empty() {
            return Self::one("", rejection.detail.clone());
        }
        let errors = rejection.errors.iter().map(|error| {
            let argument = error.pointer.trim_start_matches('/').split('/').next();
            let field = argument.unwrap_or_default().trim_start_matches("p_").to_owned();
            let message = format!("{} {}", label(&field), error.detail);
            (field, message)
        });
        Self(errors.collect())
    }
}

/// Returns `next`, which a browser sent, if it is a path within this console. Anything that could
/// lead to another site is `None`.
pub fn local_path(next: &str) -> Option<&str> {
    let printable = next.bytes().all(|byte| (b'!'..=b'~').contains(&byte) && byte != b'\\');
    (printable && next.starts_with('/') && !next.starts_with("//")).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_core::domain::rejection::FieldError;

    #[test]
    fn fields_are_decoded_and_repeated_fields_are_all_returned() {
        let form = Form::parse(b"name=My+shop%20%C3%A9&scopes=a&scopes=b&empty=+");
        assert_eq!(form.get("name"), "My shop é");
        assert_eq!(form.all("scopes").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(form.filled("empty"), None);
        assert_eq!(form.get("absent"), "");
    }

    #[test]
    fn the_error_of_an_argument_belongs_to_the_field_of_that_name() {
        let rejection = Rejection::fields(vec![FieldError {
            pointer: "/p_scopes/0".into(),
            code: "invalid_choice".into(),
            detail: "must be a scope.".into(),
        }]);
        let errors = FormErrors::of_arguments(&rejection, |_| "Scopes");
        assert_eq!(errors.of("scopes"), Some("Scopes must be a scope."));
        assert_eq!(errors.summary()[0].0, "f-scopes");
    }

    #[test]
    fn only_a_path_of_this_console_is_accepted_as_a_redirect_target() {
        for (next, expected) in [
            ("/orders?q=a%20b", true),
            ("/", true),
            ("//evil.test", false),
            ("/\\evil.test", false),
            ("https://evil.test", false),
            ("", false),
            ("/a b", false),
            ("/a\r\nSet-Cookie: x", false),
        ] {
            assert_eq!(local_path(next).is_some(), expected, "{next}");
        }
    }
}
