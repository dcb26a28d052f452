//! The console's static files. They are embedded in the Worker and served under names that contain
//! their hash, so that browsers may cache them for ever.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

/// A static file of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asset {
    Stylesheet,
    Script,
    Htmx,
    Favicon,
}

/// The paths of [`Asset::ALL`], in the same order.
static PATHS: LazyLock<[String; 4]> = LazyLock::new(|| Asset::ALL.map(Asset::hashed_path));

impl Asset {
    pub const ALL: [Self; 4] = [Self::Stylesheet, Self::Script, Self::Htmx, Self::Favicon];

    pub const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Stylesheet => include_bytes!("assets/console.css"),
            // The source has one file per subject; the browser loads them as one.
            Self::Script => concat!(
                include_str!("assets/script/page.js"),
                include_str!("assets/script/layers.js"),
                include_str!("assets/script/forms.js"),
                include_str!("assets/script/requests.js"),
                include_str!("assets/script/tail.js"),
            )
            .as_bytes(),
            Self::Htmx => include_bytes!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../node_modules/htmx.org/dist/htmx.min.js"
            )),
            Self::Favicon => include_bytes!("assets/favicon.svg"),
        }
    }

    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Stylesheet => "text/css; charset=utf-8",
            Self::Script | Self::Htmx => "text/javascript; charset=utf-8",
            Self::Favicon => "image/svg+xml",
        }
    }

    /// `/assets/<name>.<first 12 hex digits of the SHA-256>.<ext>`
    pub fn path(self) -> String {
        let [stylesheet, script, htmx, favicon] = &*PATHS;
        match self {
            Self::Stylesheet => stylesheet,
            Self::Script => script,
            Self::Htmx => htmx,
            Self::Favicon => favicon,
        }
        .clone()
    }

    /// The file at a path. A path with another hash has no file, because the content at a path
    /// never changes.
    pub fn by_path(path: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .zip(&*PATHS)
            .find(|(_, candidate)| *candidate == path)
            .map(|(asset, _)| asset)
    }

    fn hashed_path(self) -> String {
        let (name, extension) = match self {
            Self::Stylesheet => ("console", "css"),
            Self::Script => ("console", "js"),
            Self::Htmx => ("htmx", "js"),
            Self::Favicon => ("favicon", "svg"),
        };
        let hash = hex::encode(Sha256::digest(self.bytes()));
        let hash = hash.get(..12).unwrap_or(&hash);
        format!("/assets/{name}.{hash}.{extension}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assets_path_resolves_to_it_and_a_path_with_another_hash_to_nothing() {
        for asset in Asset::ALL {
            let path = asset.path();
            assert_eq!(Asset::by_path(&path), Some(asset));
            assert_eq!(Asset::by_path(&path.replacen('.', ".0", 1)), None);
        }
        assert_eq!(Asset::by_path("/assets/console.css"), None);
    }

    #[test]
    fn the_hash_is_computed_over_the_served_bytes() {
        let hash = hex::encode(Sha256::digest(Asset::Htmx.bytes()));
        assert_eq!(Asset::Htmx.path(), format!("/assets/htmx.{}.js", &hash[..12]));
    }

    #[test]
    fn stylesheet_and_script_stay_within_their_share_of_the_page_size_budget() {
        // A page may transfer 60 kB. Of these, compressed htmx takes 17. Stylesheet and script
        // compress to about a quarter to a third of their size.
        assert!(Asset::Stylesheet.bytes().len() <= 40_000);
        assert!(Asset::Script.bytes().len() <= 26_000);
    }
}
