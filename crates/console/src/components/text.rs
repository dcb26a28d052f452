//! Small pieces of formatted text: badges, chips, keyboard keys, amounts.

use maud::{Markup, html};

use crate::icons::{Icon, icon};
use tidegate_core::domain::key::Source;
use tidegate_core::domain::money::{Amount, Currency};

/// The severity of a state, which chooses the badge's colour and icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Good,
    Bad,
    Warn,
    Neutral,
}

/// A badge with a state in words, an icon and a colour.
pub fn status_badge(status: Status, text: &str) -> Markup {
    let (class, shape) = match status {
        Status::Good => ("good", Icon::Check),
        Status::Bad => ("bad", Icon::Close),
        Status::Warn => ("warn", Icon::Clock),
        Status::Neutral => ("neutral", Icon::Info),
    };
    html! { span.badge.(class) { (icon(shape)) (text) } }
}

/// A short label, such as a scope.
pub fn chip(text: &str) -> Markup {
    html! { span.chip { (text) } }
}

/// A list of chips, side by side.
pub fn chips<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Markup {
    html! { ul.chips { @for text in texts { li { (chip(text.as_ref())) } } } }
}

/// A key on the keyboard.
pub fn kbd(key: &str) -> Markup {
    html! { kbd { (key) } }
}

/// An id, key or path in a monospaced font, which may be broken anywhere.
pub fn mono(text: &str) -> Markup {
    html! { span.mono { (text) } }
}

/// Text of less importance.
pub fn muted(text: &str) -> Markup {
    html! { span.muted { (text) } }
}

/// The name of a sender, as its vendor writes it.
pub const fn source_label(source: Source) -> &'static str {
    source.profile().label
}

/// An amount with its currency: `1,234.50 USD`. Digits are grouped and have equal width.
pub fn money(amount: Amount, currency: Currency) -> Markup {
    let text = amount.format(currency);
    let (sign, text) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("−", rest));
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(w, f)| (w, Some(f)));
    html! {
        span.money {
            (sign) (grouped(whole)) @if let Some(fraction) = fraction { "." (fraction) }
            " " span.currency { (currency.as_str()) }
        }
    }
}

/// Digits in groups of three: `1234567` is `1,234,567`.
pub(super) fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_grouped_and_shows_all_decimal_places() {
        let render = |minor, code| {
            let currency = Currency::parse(code).expect("a currency");
            money(Amount::from_minor(minor).expect("an amount"), currency).into_string()
        };
        assert!(render(123_450, "USD").contains(">1,234.50 <"));
        assert!(render(-5, "USD").contains(">−0.05 <"));
        assert!(render(1_234_567, "JPY").contains(">1,234,567 <"));
        assert!(render(999, "KWD").contains(">0.999 <"));
    }

    #[test]
    fn a_badge_shows_its_state_as_text_and_as_icon() {
        let markup = status_badge(Status::Good, "<Active>").into_string();
        assert!(markup.contains("&lt;Active&gt;") && markup.contains("<svg"), "{markup}");
    }
}
