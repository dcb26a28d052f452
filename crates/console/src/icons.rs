//! Icons from Lucide (ISC licence), inlined as SVG so that they take the colour of the text around
//! them.

use std::sync::LazyLock;

use maud::{Markup, PreEscaped};

macro_rules! icons {
    ($($variant:ident = $file:literal,)*) => {
        /// An icon of the console, named by its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Icon {
            $($variant,)*
        }

        impl Icon {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];
        }

        /// The shapes of [`Icon::ALL`], in the same order.
        static SHAPES: LazyLock<Vec<String>> = LazyLock::new(|| {
            [$(include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../node_modules/lucide-static/icons/",
                $file,
                ".svg"
            )),)*]
            .map(shapes)
            .into()
        });
    };
}

icons! {
    Overview = "layout-dashboard",
    Orders = "package",
    Receipt = "receipt",
    Connectors = "plug",
    Cable = "cable",
    Stores = "store",
    Team = "users",
    Audit = "scroll-text",
    Account = "circle-user",
    Search = "search",
    Copy = "copy",
    Check = "check",
    Close = "x",
    Plus = "plus",
    Pause = "pause",
    Play = "play",
    Rotate = "refresh-cw",
    Revoke = "ban",
    Key = "key-round",
    ExternalLink = "external-link",
    ChevronRight = "chevron-right",
    ChevronLeft = "chevron-left",
    ChevronDown = "chevron-down",
    Download = "download",
    Alert = "triangle-alert",
    Info = "info",
    Eye = "eye",
    Filter = "funnel",
    Clock = "clock",
    Live = "radio",
    SignOut = "log-out",
    Sun = "sun",
    Moon = "moon",
    Menu = "menu",
    Keyboard = "keyboard",
    Archive = "archive",
    Edit = "pencil",
    Delete = "trash-2",
    Help = "circle-question-mark",
    Quickstart = "zap",
    Cart = "shopping-cart",
    Code = "code",
    Lock = "lock",
    System = "monitor",
    More = "ellipsis",
    Link = "link",
    Mail = "mail",
}

/// The content between `<svg …>` and `</svg>`, on one line.
fn shapes(file: &str) -> String {
    let content = file
        .split_once("<svg")
        .and_then(|(_, rest)| rest.split_once('>'))
        .and_then(|(_, rest)| rest.rsplit_once("</svg>"))
        .map_or("", |(content, _)| content);
    content
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace(" />", "/>")
        .replace("> <", "><")
}

/// The icon, 16 px. It is hidden from assistive technology; a text beside it states its meaning.
pub fn icon(icon: Icon) -> Markup {
    let shapes = SHAPES.get(icon as usize).map_or("", String::as_str);
    PreEscaped(format!(
        "<svg class=\"icon\" width=\"16\" height=\"16\" viewBox=\"0 0 24 24\" fill=\"none\" \
         stroke=\"currentColor\" stroke-width=\"2\" stroke-linecap=\"round\" \
         stroke-linejoin=\"round\" aria-hidden=\"true\">{shapes}</svg>"
    ))
}

/// Tidegate's mark: two posts and the tide between them.
pub fn mark() -> Markup {
    PreEscaped(
        "<svg class=\"mark\" width=\"24\" height=\"24\" viewBox=\"0 0 32 32\" fill=\"none\" \
         stroke-width=\"3\" stroke-linecap=\"round\" aria-hidden=\"true\"><rect width=\"32\" height=\"32\" \
         rx=\"8\" fill=\"currentColor\"/><path d=\"M9 8v16M23 8v16M9 18.5c2.3-2.4 4.7-2.4 7 0s4.7 2.4 7 0\"/></svg>"
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_icon_has_shapes_and_no_file_header() {
        for &each in Icon::ALL {
            let markup = icon(each).into_string();
            let shapes = ["<path", "<rect", "<circle"];
            assert!(shapes.iter().any(|shape| markup.contains(shape)), "{each:?}: {markup}");
            assert!(!markup.contains("<!--") && !markup.contains("lucide"), "{each:?}");
            assert_eq!(markup.matches("<svg").count(), 1, "{each:?}");
        }
    }
}
