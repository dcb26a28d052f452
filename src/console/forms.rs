//! What browsers send from forms, and what is wrong with it, by field.

use crate::domain::rejection::Rejection;

/// The fields of a form (`application/x-www-form-urlencoded`), or of a query string.
#[derive(Clone, Debug, Default)]
pub struct Form(Vec<(String, String)>);

impl Form {
    pub fn parse(encoded: &[u8]) -> Self {
        Self(form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// The first value of a field; empty where it was not sent.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value)
    }

    /// The value of a field without the spaces around it; `None` where nothing is left.
    pub fn filled(&self, name: &str) -> Option<&str> {
        Some(self.get(name).trim()).filter(|value| !value.is_empty())
    }

    /// All values of a field, as a group of checkboxes sends them.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }
}

/// What is wrong with a form: fields and messages, in order. A message for no field belongs to the
/// form as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FormErrors(Vec<(String, String)>);

impl FormErrors {
    pub fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0.push((field.to_owned(), message.into()));
    }

    /// One message for one field.
    pub fn one(field: &str, message: impl Into<String>) -> Self {
        Self(vec![(field.to_owned(), message.into())])
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is wrong with a field, if anything is.
    pub fn of(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == field).map(|(_, message)| message.as_str())
    }

    /// Ids of fields and messages, for the summary at the top of a form.
    pub fn summary(&self) -> Vec<(String, String)> {
        let id = |field: &str| match field {
            "" => String::new(),
            field => super::components::field_id(field),
        };
        self.0.iter().map(|(field, message)| (id(field), message.clone())).collect()
    }

    /// What a reader of procedure arguments found: its pointers name arguments (`/p_name`), forms
    /// their fields (`name`). `label` gives a field's label, with which the message begins.
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

/// A path within this console to go on to, from what a browser sent: nothing that leads to another
/// site.
pub fn local_path(next: &str) -> Option<&str> {
    let plain = next.bytes().all(|byte| (b'!'..=b'~').contains(&byte) && byte != b'\\');
    (plain && next.starts_with('/') && !next.starts_with("//")).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rejection::FieldError;

    #[test]
    fn fields_are_decoded_and_repeated_ones_kept() {
        let form = Form::parse(b"name=My+shop%20%C3%A9&scopes=a&scopes=b&empty=+");
        assert_eq!(form.get("name"), "My shop é");
        assert_eq!(form.all("scopes").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(form.filled("empty"), None);
        assert_eq!(form.get("absent"), "");
    }

    #[test]
    fn an_argument_that_is_wrong_stands_beside_its_field() {
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
    fn nobody_is_sent_to_another_site() {
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
