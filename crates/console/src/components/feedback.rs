//! Messages to the operator (banners, notes, toasts), meters, and placeholders for content that
//! loads later.

use maud::{Markup, html};

use crate::icons::{Icon, icon};

/// The severity of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Info,
    Good,
    Warn,
    Bad,
}

impl Kind {
    const fn class(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }

    const fn icon(self) -> Icon {
        match self {
            Self::Info => Icon::Info,
            Self::Good => Icon::Check,
            Self::Warn | Self::Bad => Icon::Alert,
        }
    }
}

/// A message at the top of a page that is shown until its cause is gone.
#[derive(Clone, Debug)]
pub struct Banner {
    pub kind: Kind,
    pub text: Markup,
    /// A link or button with which the operator can act on the message.
    pub action: Option<Markup>,
}

pub fn banner(banner: &Banner) -> Markup {
    html! {
        div.banner.(banner.kind.class()) {
            (icon(banner.kind.icon()))
            div.banner-text { (banner.text) }
            @if let Some(action) = &banner.action { div.banner-action { (action) } }
        }
    }
}

/// A note within a page or form.
pub fn inline_note(kind: Kind, text: Markup) -> Markup {
    html! { div.note.(kind.class()) { (icon(kind.icon())) div { (text) } } }
}

/// The result of an action, shown once on the next page.
#[derive(Clone, Debug)]
pub struct Flash {
    pub kind: Kind,
    pub text: String,
}

/// One toast. htmx can add it to a page if it is wrapped in `hx-swap-oob="beforeend:#toasts"`.
pub fn flash(flash: &Flash) -> Markup {
    html! {
        div.toast.(flash.kind.class()) data-toast {
            (icon(flash.kind.icon()))
            span { (flash.text) }
        }
    }
}

/// The region in which toasts appear, and the region for announcements to assistive technology.
/// Each page has them once.
pub fn toasts(message: Option<&Flash>) -> Markup {
    html! {
        div.toasts id="toasts" role="status" aria-live="polite" {
            @if let Some(message) = message { (flash(message)) }
        }
        div.visually-hidden id="announcer" role="status" aria-live="polite" {}
    }
}

/// A placeholder of fixed size for content that loads later. `width` is one of the classes `w-2`
/// (2 rem) to `w-12` (12 rem), or `w-full`.
pub fn skeleton(width: &'static str) -> Markup {
    html! { span.skeleton.(width) aria-hidden="true" {} }
}

/// A bar that shows `value` of `max` under `text`. It warns from one half on and is bad from four
/// fifths on.
pub fn meter(text: &str, value: u32, max: u32) -> Markup {
    let max = max.max(1);
    let value = value.min(max);
    let (value, max) = (u64::from(value), u64::from(max));
    let kind = match value {
        _ if value * 5 >= max * 4 => "bad",
        _ if value * 2 >= max => "warn",
        _ => "good",
    };
    html! {
        div.meter.(kind) {
            p { (text) }
            svg width="100%" height="6" role="img" aria-label={ (value) " of " (max) } {
                rect.track width="100%" height="6" rx="3" {}
                rect.fill width={ (value * 100 / max) "%" } height="6" rx="3" {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_banner_shows_its_severity_by_icon_and_not_only_by_colour() {
        let markup = banner(&Banner { kind: Kind::Bad, text: html! { ("<b>") }, action: None });
        let markup = markup.into_string();
        assert!(markup.contains("<svg") && markup.contains("&lt;b&gt;"), "{markup}");
    }

    #[test]
    fn a_meter_is_never_more_than_full() {
        let markup = meter("WooCommerce", 9, 5).into_string();
        assert!(markup.contains("aria-label=\"5 of 5\"") && markup.contains("100%"), "{markup}");
        assert!(meter("none", 0, 0).into_string().contains("0 of 1"));
        assert!(meter("", 2, 5).into_string().contains("class=\"meter good\""));
        assert!(meter("", 3, 5).into_string().contains("class=\"meter warn\""));
        assert!(meter("", 4, 5).into_string().contains("class=\"meter bad\""));
    }
}
