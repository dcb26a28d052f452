//! What the console tells the operator: banners, notes, toasts, and places that wait for content.

use maud::{Markup, html};

use crate::console::icons::{Icon, icon};

/// How a message is meant.
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

/// A message that stays at the top of a page until its cause is gone.
#[derive(Clone, Debug)]
pub struct Banner {
    pub kind: Kind,
    pub text: Markup,
    /// A link or button that does something about it.
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

/// What has just been done, told once on the page that follows.
#[derive(Clone, Debug)]
pub struct Flash {
    pub kind: Kind,
    pub text: String,
}

/// One toast; htmx may add it with `hx-swap-oob="beforeend:#toasts"` around it.
pub fn flash(flash: &Flash) -> Markup {
    html! {
        div.toast.(flash.kind.class()) data-toast {
            (icon(flash.kind.icon()))
            span { (flash.text) }
        }
    }
}

/// The region where toasts appear and which assistive technology reads out; once per page.
pub fn toasts(shown: Option<&Flash>) -> Markup {
    html! {
        div.toasts id="toasts" role="status" aria-live="polite" {
            @if let Some(shown) = shown { (flash(shown)) }
        }
        div.visually-hidden id="announcer" role="status" aria-live="polite" {}
    }
}

/// A place of fixed size for what loads later. `width` is one of the classes `w-2` to `w-12`, in
/// units of two characters, or `w-full`.
pub fn skeleton(width: &'static str) -> Markup {
    html! { span.skeleton.(width) aria-hidden="true" {} }
}

/// How near a limit is: `value` of `max`, with the text that says so. Warns from a half on, and is
/// bad from four fifths.
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
    fn a_banner_says_by_icon_what_its_colour_says() {
        let markup = banner(&Banner { kind: Kind::Bad, text: html! { ("<b>") }, action: None });
        let markup = markup.into_string();
        assert!(markup.contains("<svg") && markup.contains("&lt;b&gt;"), "{markup}");
    }

    #[test]
    fn a_meter_never_leaves_its_track() {
        let markup = meter("WooCommerce", 9, 5).into_string();
        assert!(markup.contains("aria-label=\"5 of 5\"") && markup.contains("100%"), "{markup}");
        assert!(meter("none", 0, 0).into_string().contains("0 of 1"));
        assert!(meter("", 2, 5).into_string().contains("class=\"meter good\""));
        assert!(meter("", 3, 5).into_string().contains("class=\"meter warn\""));
        assert!(meter("", 4, 5).into_string().contains("class=\"meter bad\""));
    }
}
