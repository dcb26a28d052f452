//! Form fields: a label, a control, its hint and its error, linked for assistive technology.

use maud::{Markup, html};

use super::Attributes;
use crate::icons::{Icon, icon};

/// The default id of the control named `name`; [`Field::id`] sets another.
pub fn field_id(name: &str) -> String {
    format!("f-{name}")
}

/// A builder for a labelled control. The last call chooses the kind of the control:
/// `Field::new("name", "Name").text("")`.
#[derive(Clone, Debug)]
pub struct Field<'a> {
    name: &'a str,
    label: &'a str,
    id: String,
    hint: Option<Markup>,
    error: Option<&'a str>,
    after: Option<Markup>,
    required: bool,
    label_hidden: bool,
    attributes: Attributes,
}

impl<'a> Field<'a> {
    pub fn new(name: &'a str, label: &'a str) -> Self {
        Self {
            name,
            label,
            id: field_id(name),
            hint: None,
            error: None,
            after: None,
            required: false,
            label_hidden: false,
            attributes: Attributes::new(),
        }
    }

    /// A field of a [`super::filter_bar`]. Its id is `filter-{name}`, because a form in a layer
    /// over the page may have a field of the same name.
    pub fn filter(name: &'a str, label: &'a str) -> Self {
        Self::new(name, label).id(&format!("filter-{name}"))
    }

    /// Sets an id other than [`field_id`]'s, for a name that occurs twice on a page.
    #[must_use]
    pub fn id(mut self, id: &str) -> Self {
        self.id = id.to_owned();
        self
    }

    /// One line of help below the label.
    #[must_use]
    pub fn hint(mut self, hint: &str) -> Self {
        self.hint = Some(html! { (hint) });
        self
    }

    #[must_use]
    pub fn hint_markup(mut self, hint: Markup) -> Self {
        self.hint = Some(hint);
        self
    }

    /// The error of the value, if it has one.
    #[must_use]
    pub fn error(mut self, error: Option<&'a str>) -> Self {
        self.error = error;
        self
    }

    /// Content to the right of the control: quick buttons, a unit.
    #[must_use]
    pub fn after(mut self, after: Markup) -> Self {
        self.after = Some(after);
        self
    }

    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Shows the label to assistive technology only, as in filter bars.
    #[must_use]
    pub fn label_hidden(mut self) -> Self {
        self.label_hidden = true;
        self
    }

    /// Adds a further attribute of the control: `autocomplete`, `placeholder`, `min`, `maxlength`…
    #[must_use]
    pub fn attr(mut self, name: &'static str, value: &str) -> Self {
        self.attributes = self.attributes.set(name, value);
        self
    }

    /// Adds a further attribute without a value: `autofocus`, `readonly`, `disabled`.
    #[must_use]
    pub fn flag(mut self, name: &'static str) -> Self {
        self.attributes = self.attributes.flag(name, true);
        self
    }

    pub fn text(&self, value: &str) -> Markup {
        self.input("text", Some(value))
    }

    pub fn email(&self, value: &str) -> Markup {
        self.input("email", Some(value))
    }

    pub fn search(&self, value: &str) -> Markup {
        self.input("search", Some(value))
    }

    /// A whole number. The value is text, so that an invalid input is shown again as it was typed.
    pub fn number(&self, value: &str) -> Markup {
        let attributes = self.control().set("type", "text").set("inputmode", "numeric");
        self.wrap(&attributes.set("value", value).void("input"))
    }

    /// A date and time to the minute: `2026-11-22T11:48`. The server reads and writes it in UTC.
    /// The script converts it to and from the reader's zone; for pages without the script the label
    /// or hint should say UTC.
    pub fn datetime(&self, value: &str) -> Markup {
        let attributes = self.control().set("type", "datetime-local").set("value", value);
        self.wrap(&attributes.flag("data-utc", true).void("input"))
    }

    /// A password or secret. The server never fills it in. `autocomplete` is `current-password`,
    /// `new-password` or `off`.
    pub fn password(&self, autocomplete: &str) -> Markup {
        let attributes = self.control().set("type", "password").set("autocomplete", autocomplete);
        self.wrap(&attributes.void("input"))
    }

    pub fn textarea(&self, value: &str, rows: u8) -> Markup {
        let attributes = self.control().set("rows", &rows.to_string());
        // The HTML parser drops one newline at the start, so a text that begins with one needs two.
        self.wrap(&attributes.element("textarea", html! { "\n" (value) }))
    }

    /// `options` are pairs of value and label.
    pub fn select<V: AsRef<str>, L: AsRef<str>>(
        &self,
        options: &[(V, L)],
        selected: &str,
    ) -> Markup {
        let options = html! {
            @for (value, label) in options {
                option value=(value.as_ref()) selected[value.as_ref() == selected] {
                    (label.as_ref())
                }
            }
        };
        let control = self.control().element("select", options);
        self.wrap(&html! { span.select { (control) (icon(Icon::ChevronDown)) } })
    }

    fn input(&self, kind: &str, value: Option<&str>) -> Markup {
        self.wrap(&self.control().set("type", kind).set_some("value", value).void("input"))
    }

    fn control(&self) -> Attributes {
        Attributes::new()
            .set("id", &self.id)
            .set("name", self.name)
            .set("class", "control")
            .set_some("aria-describedby", describedby(&self.id, &self.hint, self.error).as_deref())
            .set_some("aria-invalid", self.error.map(|_| "true"))
            .flag("required", self.required)
            .and(&self.attributes)
    }

    fn wrap(&self, control: &Markup) -> Markup {
        html! {
            div.field {
                label for=(self.id) class=[self.label_hidden.then_some("visually-hidden")] {
                    (self.label)
                }
                (hint(&self.id, &self.hint))
                @if let Some(after) = &self.after {
                    div.control-row { (control) (after) }
                } @else {
                    (control)
                }
                (error(&self.id, self.error))
            }
        }
    }
}

fn describedby(id: &str, hint: &Option<Markup>, error: Option<&str>) -> Option<String> {
    match (hint, error) {
        (None, None) => None,
        (Some(_), None) => Some(format!("{id}-hint")),
        (None, Some(_)) => Some(format!("{id}-error")),
        (Some(_), Some(_)) => Some(format!("{id}-error {id}-hint")),
    }
}

fn hint(id: &str, hint: &Option<Markup>) -> Markup {
    html! { @if let Some(hint) = hint { p.hint id={ (id) "-hint" } { (hint) } } }
}

fn error(id: &str, error: Option<&str>) -> Markup {
    html! {
        @if let Some(error) = error {
            p.error id={ (id) "-error" } { (icon(Icon::Alert)) span { (error) } }
        }
    }
}

/// One box of a [`checkbox_group`], or a lone [`checkbox`].
#[derive(Clone, Debug)]
pub struct Choice<'a> {
    pub value: &'a str,
    pub label: &'a str,
    /// One line that explains it.
    pub text: &'a str,
    pub checked: bool,
    /// The operator cannot change the box; `text` gives the reason. A hidden field sends its value.
    pub locked: bool,
}

/// A lone checkbox.
pub fn checkbox(name: &str, choice: &Choice<'_>) -> Markup {
    let control = choice_label(name, &field_id(name), choice, &Attributes::new(), html! {});
    html! { div.field { (control) } }
}

/// A condition under which a checkbox is ticked and cannot be changed.
#[derive(Clone, Copy, Debug)]
pub struct Lock<'a> {
    /// Pairs of a field's name and a value. While any of these values is chosen, the box is locked.
    pub when: &'a [(&'a str, &'a str)],
    /// The reason, shown while the box is locked.
    pub reason: &'a str,
}

/// A lone checkbox that other fields can lock. `choice.locked` is the initial state; the script
/// updates it when those fields change.
pub fn lockable_checkbox(name: &str, choice: &Choice<'_>, lock: &Lock<'_>) -> Markup {
    let when = serde_json::json!(lock.when).to_string();
    let attributes = Attributes::new().set("data-lock-when", &when);
    let reason = html! { p.hint.reason data-lock-reason hidden[!choice.locked] { (lock.reason) } };
    html! { div.field { (choice_label(name, &field_id(name), choice, &attributes, reason)) } }
}

/// A button that fills in a value, such as the recommended 90 days. `target` is the id of the
/// field.
pub fn fill_button(target: &str, value: &str, label: &str) -> Markup {
    html! {
        button.button.small.needs-script type="button" data-fill=(target) data-value=(value) {
            (label)
        }
    }
}

/// Checkboxes that together answer one question and are sent under one name.
pub fn checkbox_group(
    name: &str,
    legend: &str,
    choices: &[Choice<'_>],
    hint_text: Option<&str>,
    error_text: Option<&str>,
) -> Markup {
    let id = field_id(name);
    let hint_text = hint_text.map(|text| html! { (text) });
    html! {
        fieldset.field id=(id) tabindex="-1"
            aria-describedby=[describedby(&id, &hint_text, error_text)]
        {
            legend { (legend) }
            (hint(&id, &hint_text))
            div.choices {
                @for (index, choice) in choices.iter().enumerate() {
                    (choice_label(name, &format!("{id}-{index}"), choice, &Attributes::new(), html! {}))
                }
            }
            (error(&id, error_text))
        }
    }
}

fn choice_label(
    name: &str,
    id: &str,
    choice: &Choice<'_>,
    attributes: &Attributes,
    below: Markup,
) -> Markup {
    let control = Attributes::new()
        .set("type", "checkbox")
        .set("id", id)
        .set("name", name)
        .set("value", choice.value)
        .set_some(
            "aria-describedby",
            (!choice.text.is_empty()).then(|| format!("{id}-text")).as_deref(),
        )
        .flag("checked", choice.checked)
        .flag("disabled", choice.locked)
        .and(attributes)
        .void("input");
    html! {
        div.choice {
            (control)
            @if choice.locked && choice.checked {
                input type="hidden" name=(name) value=(choice.value) data-locked-value;
            }
            label for=(id) { (choice.label) }
            @if !choice.text.is_empty() { p.hint id={ (id) "-text" } { (choice.text) } }
            (below)
        }
    }
}

/// One card of [`radio_cards`].
#[derive(Clone, Debug)]
pub struct RadioCard<'a> {
    pub value: &'a str,
    pub title: &'a str,
    /// Shown below the cards while this one is chosen.
    pub note: Markup,
    pub icon: Icon,
    /// The values that choosing this card fills in: a JSON object by field name, with a list of the
    /// boxes to tick for a checkbox group. Fields that the operator has edited are not changed.
    pub preset: Option<String>,
}

/// Radio buttons in the form of cards.
pub fn radio_cards(name: &str, legend: &str, cards: &[RadioCard<'_>], selected: &str) -> Markup {
    let id = field_id(name);
    html! {
        fieldset.field.radio-cards id=(id) tabindex="-1" {
            legend { (legend) }
            div.cards-row {
                @for card in cards {
                    label.radio-card {
                        input type="radio" name=(name) value=(card.value)
                            aria-describedby={ (id) "-" (card.value) }
                            checked[card.value == selected] data-preset=[card.preset.as_deref()];
                        (icon(card.icon))
                        span.title { (card.title) }
                    }
                    div.card-note id={ (id) "-" (card.value) } { (card.note) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_with_an_error_is_invalid_and_described_by_it() {
        let field = Field::new("name", "Name").hint("Seen by you only").error(Some("is too long"));
        let markup = field.text("a\"b").into_string();
        assert!(markup.contains("<label for=\"f-name\">Name</label>"), "{markup}");
        assert!(markup.contains("aria-describedby=\"f-name-error f-name-hint\""), "{markup}");
        assert!(markup.contains("aria-invalid=\"true\""));
        assert!(markup.contains("id=\"f-name-error\"") && markup.contains("id=\"f-name-hint\""));
        assert!(markup.contains("value=\"a&quot;b\""), "what was typed stays: {markup}");
    }

    #[test]
    fn a_field_without_hint_or_error_has_no_aria_attributes() {
        let markup = Field::new("name", "Name").text("").into_string();
        assert!(!markup.contains("aria-"), "{markup}");
    }

    #[test]
    fn a_password_is_never_filled_in() {
        let markup = Field::new("password", "Password").password("current-password").into_string();
        assert!(!markup.contains("value="), "{markup}");
    }

    #[test]
    fn a_text_that_begins_with_a_newline_preserves_it() {
        let markup = Field::new("body", "Body").textarea("\n</textarea>", 3).into_string();
        assert!(markup.contains(">\n\n&lt;/textarea&gt;</textarea>"), "{markup}");
    }

    #[test]
    fn a_locked_box_still_sends_its_value() {
        let choice =
            Choice { value: "on", label: "Require", text: "Why", checked: true, locked: true };
        let markup = checkbox("require_signature", &choice).into_string();
        assert!(markup.contains(" checked disabled>"), "{markup}");
        assert!(markup.contains("<input type=\"hidden\" name=\"require_signature\" value=\"on\""));
    }

    #[test]
    fn a_group_is_one_question_with_its_own_error() {
        let choices = [Choice { value: "a", label: "A", text: "", checked: false, locked: false }];
        let markup = checkbox_group("scopes", "Scopes", &choices, None, Some("choose one"));
        let markup = markup.into_string();
        assert!(markup.contains("<fieldset class=\"field\" id=\"f-scopes\" tabindex=\"-1\" aria-describedby=\"f-scopes-error\">"), "{markup}");
        assert!(markup.contains("<legend>Scopes</legend>"));
    }

    #[test]
    fn a_lock_carries_its_condition_for_the_script_and_its_reason_for_the_operator() {
        let choice = Choice { value: "on", label: "R", text: "", checked: true, locked: false };
        let lock = Lock { when: &[("source", "woo\"x")], reason: "<always>" };
        let markup = lockable_checkbox("require_signature", &choice, &lock).into_string();
        assert!(
            markup.contains("data-lock-when=\"[[&quot;source&quot;,&quot;woo\\&quot;x&quot;]]\""),
            "{markup}"
        );
        assert!(markup.contains("data-lock-reason hidden>&lt;always&gt;"), "{markup}");
    }
}
