//! The names of the console's cookies.

/// Holds the session token. The prefix `__Host-` means: over https only, for this host only, for
/// every path (RFC 6265bis §4.1.3.2). Browsers treat http on localhost like https.
pub const COOKIE_SESSION: &str = "__Host-tidegate";
/// Ties the forms of visitors who are not signed in to their browser.
pub const COOKIE_VISITOR: &str = "__Host-tidegate-visitor";
/// A message to show on the page that a redirect leads to.
pub const COOKIE_FLASH: &str = "__Host-tidegate-flash";
pub const COOKIE_THEME: &str = "__Host-tidegate-theme";
