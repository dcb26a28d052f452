//! The paths of the HTTP APIs, in one table. Handlers and documents take their paths from here; the
//! console's are a table of their own.

use crate::domain::key::{PayloadFormat, Source};
use crate::domain::write::Command;

/// Which of the two public hostnames serves a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plane {
    Api,
    Console,
    Both,
}

/// The route of a request: the operation that it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route<'a> {
    Healthz,
    Whoami,
    /// A command of the integration API, and the order or payment in its path, still
    /// percent-encoded.
    Write {
        command: Command,
        target: Option<&'a str>,
    },
    Batch,
    /// A native sender's webhook. If there is no key id in the path, the credential is a bearer
    /// header or `?key={key_id}`.
    Webhook {
        source: Source,
        key_id: Option<&'a str>,
    },
    ListOrders,
    GetOrder {
        id: &'a str,
    },
    Rpc {
        procedure: &'a str,
    },
    /// A static file: a page of the documentation or the OpenAPI document.
    Docs,
}

impl Route<'_> {
    pub const fn plane(&self) -> Plane {
        match self {
            Self::Healthz | Self::Docs => Plane::Both,
            Self::Whoami
            | Self::Write { .. }
            | Self::Batch
            | Self::Webhook { .. }
            | Self::ListOrders
            | Self::GetOrder { .. }
            | Self::Rpc { .. } => Plane::Api,
        }
    }
}

/// Why a request has no route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRoute {
    NotFound,
    /// The path exists but does not allow this method; the text lists the methods that it allows.
    MethodNotAllowed(&'static str),
}

/// The path of a key's webhook, as in the URL that is entered in the shop.
pub fn webhook_path(source: Source, key_id: &str) -> String {
    format!("/integrations/v1/webhook/{source}/{key_id}")
}

/// The URL of a key's webhook, to be entered in the shop; `None` if the format has no webhook
/// because its requests go to the integration API.
pub fn webhook_url(api_origin: &str, format: PayloadFormat, key_id: &str) -> Option<String> {
    let source = Source::parse(format.as_str())?;
    Some(format!("{api_origin}{}", webhook_path(source, key_id)))
}

/// Finds the route of a request. Paths are matched literally: no trailing slashes, no redirects, no
/// percent-decoding (no path here needs it).
pub fn route<'a>(method: &str, path: &'a str) -> Result<Route<'a>, NoRoute> {
    let mut segments = path.strip_prefix('/').ok_or(NoRoute::NotFound)?.split('/');
    let segments: [&str; 5] = std::array::from_fn(|_| segments.next().unwrap_or("\0"));
    let (allowed, route) = match segments {
        ["healthz", "\0", ..] => ("GET", Route::Healthz),
        ["integrations", "v1", "whoami", "\0", _] => ("GET", Route::Whoami),
        ["integrations", "v1", "orders", "\0", _] => {
            ("POST", Route::Write { command: Command::CreateOrder, target: None })
        }
        ["integrations", "v1", "clients", "\0", _] => {
            ("PUT", Route::Write { command: Command::UpsertClient, target: None })
        }
        ["integrations", "v1", "batch", "\0", _] => ("POST", Route::Batch),
        ["integrations", "v1", kind @ ("orders" | "payments"), target, action]
            if !target.is_empty() && path.split('/').count() == 6 =>
        {
            let command = match (kind, action) {
                ("orders", "cancel") => Command::CancelOrder,
                ("orders", "payments") => Command::CreatePayment,
                ("payments", "refunds") => Command::CreateRefund,
                _ => return Err(NoRoute::NotFound),
            };
            ("POST", Route::Write { command, target: Some(target) })
        }
        ["integrations", "v1", "webhook", source, key_id]
            if !key_id.is_empty() && path.split('/').count() <= 6 =>
        {
            let source = Source::parse(source).ok_or(NoRoute::NotFound)?;
            let key_id = (key_id != "\0").then_some(key_id);
            ("POST", Route::Webhook { source, key_id })
        }
        ["v1", "orders", "\0", ..] => ("GET", Route::ListOrders),
        ["v1", "orders", id, "\0", _] => ("GET", Route::GetOrder { id }),
        ["rpc", procedure, "\0", ..] => ("POST", Route::Rpc { procedure }),
        ["docs", ..] | ["openapi.json", "\0", ..] => ("GET", Route::Docs),
        _ => return Err(NoRoute::NotFound),
    };
    let head = method == "HEAD" && allowed == "GET";
    if method == allowed || head { Ok(route) } else { Err(NoRoute::MethodNotAllowed(allowed)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_leads_to_its_route() {
        let write = |command, target| Ok(Route::Write { command, target });
        let webhook = |key_id| Ok(Route::Webhook { source: Source::WooCommerce, key_id });
        for (method, path, expected) in [
            ("GET", "/healthz", Ok(Route::Healthz)),
            ("HEAD", "/healthz", Ok(Route::Healthz)),
            ("GET", "/integrations/v1/whoami", Ok(Route::Whoami)),
            ("POST", "/integrations/v1/orders", write(Command::CreateOrder, None)),
            (
                "POST",
                "/integrations/v1/orders/ord_a/cancel",
                write(Command::CancelOrder, Some("ord_a")),
            ),
            (
                "POST",
                "/integrations/v1/orders/external:A%2F1/payments",
                write(Command::CreatePayment, Some("external:A%2F1")),
            ),
            (
                "POST",
                "/integrations/v1/payments/pay_a/refunds",
                write(Command::CreateRefund, Some("pay_a")),
            ),
            ("PUT", "/integrations/v1/clients", write(Command::UpsertClient, None)),
            ("POST", "/integrations/v1/clients", Err(NoRoute::MethodNotAllowed("PUT"))),
            ("POST", "/integrations/v1/batch", Ok(Route::Batch)),
            ("GET", "/integrations/v1/orders/ord_a/cancel", Err(NoRoute::MethodNotAllowed("POST"))),
            ("POST", "/integrations/v1/orders/ord_a/refunds", Err(NoRoute::NotFound)),
            ("POST", "/integrations/v1/orders/ord_a/cancel/x", Err(NoRoute::NotFound)),
            ("POST", "/integrations/v1/orders//cancel", Err(NoRoute::NotFound)),
            ("POST", "/integrations/v1/orders/ord_a", Err(NoRoute::NotFound)),
            ("GET", "/integrations/v1/orders", Err(NoRoute::MethodNotAllowed("POST"))),
            ("POST", "/integrations/v1/webhook/woocommerce", webhook(None)),
            ("POST", "/integrations/v1/webhook/woocommerce/key_a", webhook(Some("key_a"))),
            ("POST", "/integrations/v1/webhook/woocommerce/key_a/x", Err(NoRoute::NotFound)),
            ("POST", "/integrations/v1/webhook/woocommerce/", Err(NoRoute::NotFound)),
            ("POST", "/integrations/v1/webhook/magento", Err(NoRoute::NotFound)),
            ("GET", "/v1/orders", Ok(Route::ListOrders)),
            ("GET", "/v1/orders/ord_a", Ok(Route::GetOrder { id: "ord_a" })),
            (
                "POST",
                "/rpc/core.rpc_list_stores",
                Ok(Route::Rpc { procedure: "core.rpc_list_stores" }),
            ),
            ("POST", "/integrations/v1/orders/", Err(NoRoute::NotFound)),
            ("POST", "//integrations/v1/orders", Err(NoRoute::NotFound)),
            ("GET", "", Err(NoRoute::NotFound)),
            ("GET", "/docs", Ok(Route::Docs)),
            ("HEAD", "/docs/", Ok(Route::Docs)),
            ("GET", "/docs/quickstarts/woocommerce/a/b/c", Ok(Route::Docs)),
            ("POST", "/docs/errors", Err(NoRoute::MethodNotAllowed("GET"))),
            ("GET", "/openapi.json", Ok(Route::Docs)),
            ("GET", "/openapi.json/x", Err(NoRoute::NotFound)),
            ("GET", "/docsx", Err(NoRoute::NotFound)),
        ] {
            assert_eq!(route(method, path), expected, "{method} {path}");
        }
    }

    #[test]
    fn a_webhook_path_leads_back_to_its_key() {
        let path = webhook_path(Source::WooCommerce, "key_a");
        assert_eq!(
            route("POST", &path),
            Ok(Route::Webhook { source: Source::WooCommerce, key_id: Some("key_a") })
        );
    }
}
