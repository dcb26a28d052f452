//! The pages, one per file: functions from a view model to markup.

pub mod account;
pub mod attention;
pub mod audit;
pub mod audit_words;
pub mod connect;
pub mod connectors;
pub mod error;
pub mod joining;
pub mod key_badges;
pub mod key_drawer;
pub mod key_form;
pub mod key_log;
pub mod key_parked;
pub mod key_request;
pub mod key_secret;
pub mod key_settings;
pub mod log_filters;
pub mod login;
pub mod order;
pub mod order_view;
pub mod orders;
pub mod overview;
pub mod reveal;
pub mod senders;
pub mod stores;
pub mod team;

use tidegate_core::domain::access::Role;
use tidegate_core::domain::key::{PayloadFormat, Scope};

/// The display name of a role.
pub const fn role_label(role: Role) -> &'static str {
    match role {
        Role::Owner => "Owner",
        Role::Admin => "Admin",
        Role::Member => "Member",
    }
}

/// The display name of a payload format.
pub fn format_label(format: PayloadFormat) -> &'static str {
    format.webhooks().map_or("Tidegate JSON", |webhooks| webhooks.label)
}

/// What a scope allows, in one line.
pub const fn scope_text(scope: Scope) -> &'static str {
    match scope {
        Scope::OrdersWrite => "Create orders, and keep those of a shop up to date.",
        Scope::OrdersCancel => "Cancel orders, with a reason.",
        Scope::PaymentsWrite => "Record payments of orders.",
        Scope::PaymentsRefund => "Record refunds of payments, never more than was paid.",
        Scope::ClientsWrite => "Create and update clients, such as a shop's customers.",
    }
}
