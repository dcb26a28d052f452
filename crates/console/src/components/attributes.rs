//! HTML attributes that are chosen at run time, which maud's syntax cannot express.

use maud::{Escaper, Markup, PreEscaped, Render};
use std::fmt::Write as _;

/// The attributes of one element. Values are escaped when they are set. Names are not: they are
/// constants of the program.
#[derive(Clone, Debug, Default)]
pub struct Attributes(String);

impl Attributes {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds ` name="value"`.
    #[must_use]
    pub fn set(mut self, name: &'static str, value: &str) -> Self {
        self.0.push(' ');
        self.0.push_str(name);
        self.0.push_str("=\"");
        // Writing to a string cannot fail.
        let _ = Escaper::new(&mut self.0).write_str(value);
        self.0.push('"');
        self
    }

    /// Adds the attribute only if there is a value.
    #[must_use]
    pub fn set_some(self, name: &'static str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.set(name, value),
            None => self,
        }
    }

    /// Adds an attribute without a value, such as `disabled`, if `on`.
    #[must_use]
    pub fn flag(mut self, name: &'static str, on: bool) -> Self {
        if on {
            self.0.push(' ');
            self.0.push_str(name);
        }
        self
    }

    /// `<name attributes>content</name>`
    pub fn element(&self, name: &'static str, content: impl Render) -> Markup {
        let content = content.render().into_string();
        PreEscaped(format!("<{name}{}>{content}</{name}>", self.0))
    }

    /// `<name attributes>`, for elements without content, such as `input`.
    pub fn void(&self, name: &'static str) -> Markup {
        PreEscaped(format!("<{name}{}>", self.0))
    }

    /// Appends the attributes of `more`.
    #[must_use]
    pub fn and(mut self, more: &Self) -> Self {
        self.0.push_str(&more.0);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_break_out_of_its_attribute() {
        let attributes = Attributes::new().set("value", "\"><script>").flag("disabled", true);
        assert_eq!(
            attributes.void("input").0,
            "<input value=\"&quot;&gt;&lt;script&gt;\" disabled>"
        );
    }

    #[test]
    fn content_is_escaped_unless_it_is_markup() {
        assert_eq!(Attributes::new().element("b", "<i>").0, "<b>&lt;i&gt;</b>");
    }
}
