//! Maps the documentation's paths to the files that `scripts/docs.mjs` writes.

/// The page that is served, with status 404, for a path without a page.
pub const NOT_FOUND: &str = "/docs/404.html";

/// The directory of the files with a hash of their content in their name, which never change.
const FINGERPRINTED: &str = "/docs/assets/";

/// A file, with the headers to serve it with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    pub path: String,
    pub content_type: &'static str,
    pub cache_control: &'static str,
}

/// The file for a path. A page is found with or without a trailing slash, since there are no
/// redirects.
pub fn file(path: &str) -> File {
    let path = path.trim_end_matches('/');
    let name = path.rsplit('/').next().unwrap_or_default();
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    let content_type = match extension {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        _ => "text/html; charset=utf-8",
    };
    File {
        path: if extension.is_some() { path.to_owned() } else { format!("{path}/index.html") },
        content_type,
        cache_control: if path.starts_with(FINGERPRINTED) {
            "public, max-age=31536000, immutable"
        } else {
            "public, max-age=60"
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_has_its_file() {
        for (path, expected, content_type) in [
            ("/docs", "/docs/index.html", "text/html; charset=utf-8"),
            ("/docs/", "/docs/index.html", "text/html; charset=utf-8"),
            ("/docs/errors", "/docs/errors/index.html", "text/html; charset=utf-8"),
            (
                "/docs/quickstarts/wix/",
                "/docs/quickstarts/wix/index.html",
                "text/html; charset=utf-8",
            ),
            ("/docs/assets/docs.0a1b.css", "/docs/assets/docs.0a1b.css", "text/css; charset=utf-8"),
            ("/openapi.json", "/openapi.json", "application/json"),
        ] {
            let file = file(path);
            assert_eq!((file.path.as_str(), file.content_type), (expected, content_type));
        }
    }

    #[test]
    fn only_a_file_with_a_hash_in_its_name_is_cached_for_ever() {
        for (path, is_immutable) in
            [("/docs/assets/docs.0a1b.css", true), ("/docs", false), ("/openapi.json", false)]
        {
            assert_eq!(file(path).cache_control.contains("immutable"), is_immutable, "{path}");
        }
    }
}
