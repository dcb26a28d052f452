//! The paths of the console's pages, in one place.

pub const OVERVIEW: &str = "/";
pub const ORDERS: &str = "/orders";
pub const CONNECTORS: &str = "/settings/connectors";
pub const STORES: &str = "/settings/stores";
pub const TEAM: &str = "/settings/team";
pub const AUDIT: &str = "/settings/audit";
pub const ACCOUNT: &str = "/settings/account";
pub const LOGIN: &str = "/login";
pub const LOGOUT: &str = "/logout";
pub const THEME: &str = "/theme";
/// Where the quickstart modal of a new integration key opens.
pub const NEW_KEY: &str = "/settings/connectors/new";

/// The page of an order.
pub fn order(id: &str) -> String {
    format!("{ORDERS}/{id}")
}
