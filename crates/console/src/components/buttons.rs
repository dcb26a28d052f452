//! Buttons, and links that look like them.

use maud::{Markup, Render, html};

use super::Attributes;
use super::forms::form;
use crate::icons::{Icon, icon};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Primary,
    Secondary,
    Danger,
    Ghost,
}

/// A button or, with [`Button::href`], a link. It implements [`Render`]: write `(Button::…)` in
/// markup.
///
/// Without `href` it submits the form around it, unless it is [`Button::inert`].
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

    /// The main action of a page or dialog; there is only one.
    pub fn primary(label: &'a str) -> Self {
        Self::new(label, Look::Primary)
    }

    pub fn secondary(label: &'a str) -> Self {
        Self::new(label, Look::Secondary)
    }

    /// A destructive action; its label names what is destroyed.
    pub fn danger(label: &'a str) -> Self {
        Self::new(label, Look::Danger)
    }

    /// A button without border and background, for table rows and tool bars.
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

    /// Shows only the icon. The label remains for assistive technology and as the tooltip.
    #[must_use]
    pub fn icon_only(mut self, icon: Icon) -> Self {
        self.icon = Some(icon);
        self.icon_only = true;
        self
    }

    /// The label while the form is being sent, such as `Creating…`.
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

    /// A link to a modal or drawer. With JavaScript it opens over the current page; without, it is
    /// an ordinary link.
    #[must_use]
    pub fn opens_layer(self, href: &'a str) -> Self {
        self.href(href)
            .attr("hx-get", href)
            .attr("hx-target", "#layer")
            .attr("hx-swap", "innerHTML")
            .attr("hx-push-url", "true")
    }

    /// `type="button"`: submits nothing; the script handles the click.
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

    /// Adds a further attribute, such as `name`, `value` or one of htmx's.
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
            @if let Some(shape) = self.icon { (icon(shape)) }
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

/// A form with only a button, for an action that needs no input, such as pausing a key.
pub fn post_button(csrf: &str, action: &str, button: &Button<'_>) -> Markup {
    form(csrf, action, &Attributes::new().set("class", "inline-form"), html! { (button) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_icon_only_button_still_has_a_name() {
        let markup = Button::ghost("Revoke <all>").icon_only(Icon::Revoke).render().into_string();
        assert!(markup.contains("title=\"Revoke &lt;all&gt;\""));
        assert!(markup.contains("visually-hidden\">Revoke &lt;all&gt;<"));
    }

    #[test]
    fn a_button_submits_unless_it_is_inert_and_a_link_never_does() {
        assert!(Button::primary("Save").render().into_string().contains("type=\"submit\""));
        assert!(Button::primary("Try").inert().render().into_string().contains("type=\"button\""));
        let link = Button::primary("Go").href("/a?b=1&c=2").render().into_string();
        assert!(link.contains("href=\"/a?b=1&amp;c=2\"") && !link.contains("type="), "{link}");
    }

    #[test]
    fn a_form_of_one_button_carries_the_csrf_token() {
        let markup = post_button("tok", "/x", &Button::secondary("Pause")).into_string();
        assert!(markup.contains("name=\"csrf\" value=\"tok\""), "{markup}");
    }
}
