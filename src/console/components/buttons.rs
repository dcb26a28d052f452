//! Buttons, and links that look like them.

use maud::{Markup, Render, html};

use super::Attributes;
use super::forms::form;
use crate::console::icons::{Icon, icon};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Primary,
    Secondary,
    Danger,
    Ghost,
}

/// A button or, with [`Button::href`], a link. Splice it into markup as it is: `(Button::…)`.
///
/// Without `href` it submits the form around it, unless [`Button::inert`].
#[derive(Clone, Debug)]
pub struct Button<'a> {
    label: &'a str,
    look: Look,
    icon: Option<Icon>,
    small: bool,
    icon_only: bool,
    busy: Option<&'a str>,
    href: Option<&'a str>,
    inert: bool,
    disabled: bool,
    attributes: Attributes,
}

impl<'a> Button<'a> {
    fn new(label: &'a str, look: Look) -> Self {
        Self {
            label,
            look,
            icon: None,
            small: false,
            icon_only: false,
            busy: None,
            href: None,
            inert: false,
            disabled: false,
            attributes: Attributes::new(),
        }
    }

    /// The one thing to do on a page or in a dialog.
    pub fn primary(label: &'a str) -> Self {
        Self::new(label, Look::Primary)
    }

    pub fn secondary(label: &'a str) -> Self {
        Self::new(label, Look::Secondary)
    }

    /// Destroys something; its label says what.
    pub fn danger(label: &'a str) -> Self {
        Self::new(label, Look::Danger)
    }

    /// Without border or ground: for rows of tables and tool bars.
    pub fn ghost(label: &'a str) -> Self {
        Self::new(label, Look::Ghost)
    }

    #[must_use]
    pub fn icon(mut self, icon: Icon) -> Self {
        self.icon = Some(icon);
        self
    }

    #[must_use]
    pub fn small(mut self) -> Self {
        self.small = true;
        self
    }

    /// Shows the icon alone; the label stays for assistive technology and as tooltip.
    #[must_use]
    pub fn icon_only(mut self, icon: Icon) -> Self {
        self.icon = Some(icon);
        self.icon_only = true;
        self
    }

    /// What the button says while its form is being sent, such as `Creating…`.
    #[must_use]
    pub fn busy(mut self, label: &'a str) -> Self {
        self.busy = Some(label);
        self
    }

    #[must_use]
    pub fn href(mut self, href: &'a str) -> Self {
        self.href = Some(href);
        self
    }

    /// A link that opens a modal or drawer in place where there is JavaScript, and is an ordinary
    /// link where there is none.
    #[must_use]
    pub fn opens_layer(self, href: &'a str) -> Self {
        self.href(href)
            .attr("hx-get", href)
            .attr("hx-target", "#layer")
            .attr("hx-swap", "innerHTML")
            .attr("hx-push-url", "true")
    }

    /// `type="button"`: submits nothing, is for the script.
    #[must_use]
    pub fn inert(mut self) -> Self {
        self.inert = true;
        self
    }

    #[must_use]
    pub fn disabled(mut self, disabled: bool) -> Self {
        self.disabled = disabled;
        self
    }

    /// Any further attribute, such as `name`, `value` or htmx's.
    #[must_use]
    pub fn attr(mut self, name: &'static str, value: &str) -> Self {
        self.attributes = self.attributes.set(name, value);
        self
    }
}

impl Render for Button<'_> {
    fn render(&self) -> Markup {
        let mut class = String::from(match self.look {
            Look::Primary => "button primary",
            Look::Secondary => "button",
            Look::Danger => "button danger",
            Look::Ghost => "button ghost",
        });
        if self.small {
            class.push_str(" small");
        }
        if self.icon_only {
            class.push_str(" icon-only");
        }
        let content = html! {
            @if let Some(shown) = self.icon { (icon(shown)) }
            span.label.visually-hidden[self.icon_only] { (self.label) }
        };
        let attributes = Attributes::new()
            .set("class", &class)
            .set_some("title", self.icon_only.then_some(self.label))
            .and(&self.attributes);
        match self.href {
            Some(href) => attributes.set("href", href).element("a", content),
            None => attributes
                .set("type", if self.inert { "button" } else { "submit" })
                .set_some("data-busy", self.busy)
                .flag("disabled", self.disabled)
                .element("button", content),
        }
    }
}

/// A form that is only a button: an action that needs no input, such as pausing a key.
pub fn post_button(csrf: &str, action: &str, button: &Button<'_>) -> Markup {
    form(csrf, action, &Attributes::new().set("class", "inline-form"), html! { (button) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_button_of_an_icon_alone_still_has_a_name() {
        let markup = Button::ghost("Revoke <all>").icon_only(Icon::Revoke).render().into_string();
        assert!(markup.contains("title=\"Revoke &lt;all&gt;\""));
        assert!(markup.contains("visually-hidden\">Revoke &lt;all&gt;<"));
    }

    #[test]
    fn a_button_submits_unless_told_otherwise_and_a_link_never_does() {
        assert!(Button::primary("Save").render().into_string().contains("type=\"submit\""));
        assert!(Button::primary("Try").inert().render().into_string().contains("type=\"button\""));
        let link = Button::primary("Go").href("/a?b=1&c=2").render().into_string();
        assert!(link.contains("href=\"/a?b=1&amp;c=2\"") && !link.contains("type="), "{link}");
    }

    #[test]
    fn a_form_of_one_button_carries_the_token() {
        let markup = post_button("tok", "/x", &Button::secondary("Pause")).into_string();
        assert!(markup.contains("name=\"csrf\" value=\"tok\""), "{markup}");
    }
}
