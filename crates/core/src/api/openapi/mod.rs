//! Generates the OpenAPI 3.1 document, `docs/openapi.json`, from the readers that parse requests
//! ([`recording`](super::recording)), the enumerations and rejections of the domain, and the route
//! table. A test generates it again and compares it with the committed file;
//! `TIDEGATE_WRITE=1 cargo test openapi` writes the file. This module is compiled for tests only:
//! the Worker serves the file.

mod commands;
mod components;
pub mod documented;
pub mod examples;
mod inputs;
mod integrations;
mod operation;
mod procedures;
pub mod schema;
mod tests;

use serde_json::{Map, Value, json};

use operation::{Operation, RateLimit, Success};
use schema::{object, reference};

use super::routes::{Route, route};
use crate::api::procedures::ALL;
use crate::domain::key::Source;
use crate::domain::order::OrderStatus;
use crate::domain::rejection::Code;

/// The whole document.
fn document() -> Value {
    let mut responses = Map::new();
    let mut paths = Map::new();
    let mut schemas = Map::new();
    let components = inputs::components().into_iter().chain(components::components());
    schemas.extend(components.map(|(name, schema)| (name.to_owned(), schema)));
    let mut add = |method: &str, path: &str, operation: Operation| {
        let operation = operation.into_value(&mut responses);
        let path = paths.entry(path).or_insert_with(|| json!({}));
        path[method.to_lowercase()] = operation;
    };
    for (method, path) in documented_routes() {
        let sample_path = path.replace("{source}", "woocommerce").replace(['{', '}'], "");
        let route = route(method, &sample_path).ok();
        let operation = route.and_then(|route| operation(&route, &mut schemas));
        add(
            method,
            &path,
            operation.unwrap_or_else(|| panic!("{method} {path} is not a route of an API")),
        );
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tidegate",
            "version": "1",
            "summary": "The inbound write half of a commerce API",
            "description": DESCRIPTION,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "Where this document comes from." }],
        "tags": [
            { "name": "Integration API", "description": "Storefronts write orders, payments and clients, with an integration key." },
            { "name": "Webhooks", "description": "Storefronts' own webhooks." },
            { "name": "Orders", "description": "Scripts read orders, with an API key." },
            { "name": "Procedures", "description": "Everything the console does, for scripts, with the API key of an owner or admin." },
            { "name": "Monitoring", "description": "Whether it is up." },
        ],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "integrationKey": { "type": "http", "scheme": "bearer", "bearerFormat": "pck_int_…", "description": "An integration key: pinned to one store, with its own scopes and limit." },
                "apiKey": { "type": "http", "scheme": "bearer", "bearerFormat": "pck_api_…", "description": "An API key: acts as a user in a workspace." },
                "setupToken": { "type": "http", "scheme": "bearer", "description": "The deployment's one-time `SETUP_TOKEN`." },
                "keyIdInQuery": { "type": "apiKey", "in": "query", "name": "key", "description": "The public id of a key, `key_…`; the signature proves the rest." },
            },
            "parameters": integrations::parameter_components(),
            "headers": operation::header_components(),
            "schemas": schemas,
            "responses": responses,
        },
    })
}

const DESCRIPTION: &str = "\
Storefronts post orders, payments and clients here, in this API's own JSON or as their own webhooks.

**Errors** are `application/problem+json` (RFC 9457) with a stable `code`; `x-codes` of each response lists them. A field that is not valid is named by its JSON Pointer, and all of them at once.

**Methods.** Where there is `GET`, `HEAD` is answered alike, without the body. Any other method is answered 405 `method_not_allowed` with `Allow`.

**Amounts** come in as decimal strings or JSON numbers and go out as decimal strings, with as many places as the currency has. No amount passes through a float.

**Unknown fields** are refused, `null` and an empty text count as absent.

**Order of the checks:** size, key, signature, rate, scope, format, idempotency, body, store.";

/// Method and path of every documented route.
fn documented_routes() -> Vec<(&'static str, String)> {
    let paths = [
        ("POST", "/integrations/v1/orders"),
        ("POST", "/integrations/v1/orders/{order}/cancel"),
        ("POST", "/integrations/v1/orders/{order}/payments"),
        ("POST", "/integrations/v1/payments/{payment}/refunds"),
        ("PUT", "/integrations/v1/clients"),
        ("POST", "/integrations/v1/batch"),
        ("GET", "/integrations/v1/whoami"),
        ("POST", "/integrations/v1/webhook/{source}/{key_id}"),
        ("POST", "/integrations/v1/webhook/{source}"),
        ("GET", "/v1/orders"),
        ("GET", "/v1/orders/{id}"),
        ("GET", "/healthz"),
    ];
    let paths = paths.into_iter().map(|(method, path)| (method, path.to_owned()));
    let procedures = ALL.iter().map(|procedure| ("POST", format!("/rpc/{}", procedure.name)));
    paths.chain(procedures).collect()
}

/// The operation of a route; `None` for a route that belongs to no API.
///
/// The match is exhaustive: a new kind of route does not compile until it is decided here.
fn operation(route: &Route<'_>, named: &mut Map<String, Value>) -> Option<Operation> {
    Some(match route {
        Route::Healthz => healthz(),
        Route::Whoami => integrations::whoami(),
        Route::Write { command, target: _ } => commands::operation(*command),
        Route::Batch => commands::batch(),
        Route::Webhook { source: _, key_id } => integrations::webhook(key_id.is_some()),
        Route::ListOrders => list_orders(),
        Route::GetOrder { id: _ } => get_order(),
        Route::Rpc { procedure } => return procedures::operation(procedure, named),
        Route::Docs => return None,
    })
}

fn healthz() -> Operation {
    let schema = object([("status", json!({ "type": "string", "enum": ["ok"] }), "")]);
    Operation {
        id: "healthz",
        tag: "Monitoring",
        summary: "Whether it is up".to_owned(),
        description: "Touches no storage.".to_owned(),
        security: &[""],
        parameters: Vec::new(),
        body: None,
        successes: vec![Success::json(200, "It is.", schema, json!({ "status": "ok" }))],
        codes: vec![Code::InternalError],
        rate_limit: RateLimit::None,
    }
}

fn list_orders() -> Operation {
    let parameter = |name: &str, description: &str, schema: Value| json!({ "name": name, "in": "query", "required": false, "description": description, "schema": schema });
    let time = || json!({ "type": "string", "format": "date-time" });
    Operation {
        id: "listOrders",
        tag: "Orders",
        summary: "Lists the orders of a store, newest first".to_owned(),
        description: "A page under a filter looks at 2000 orders at most: it may hold less than its limit and still have a next one.".to_owned(),
        security: &["apiKey"],
        parameters: vec![
            parameter("store_id", "Needed where the workspace has several stores.", schema::store_id()),
            parameter("source", "Only of this source.", schema::choice(Source::ALL, Source::as_str)),
            parameter("status", "Only with this status.", schema::choice(&OrderStatus::ALL, OrderStatus::as_str)),
            parameter("external_id", "Only with this external id.", json!({ "type": "string", "minLength": 1 })),
            parameter("placed_from", "Placed at this time or later; write `+` as `%2B`.", time()),
            parameter("placed_to", "Placed before this time.", time()),
            parameter("limit", "Orders of one page.", json!({ "type": "integer", "minimum": 1, "maximum": 100, "default": 50 })),
            parameter("cursor", "The `next_cursor` of an earlier page.", json!({ "type": "string", "pattern": "^[0-9]{1,16}$" })),
        ],
        body: None,
        successes: vec![Success::json(
            200,
            "A page.",
            reference("OrderPage"),
            json!({ "orders": [examples::order()], "next_cursor": null }),
        )],
        codes: vec![
            Code::InvalidQuery,
            Code::InvalidApiKey,
            Code::NotFound,
            Code::InternalError,
            Code::StoreUnavailable,
            Code::Unavailable,
        ],
        rate_limit: RateLimit::None,
    }
}

fn get_order() -> Operation {
    Operation {
        id: "getOrder",
        tag: "Orders",
        summary: "Gets an order".to_owned(),
        description: "Another workspace's order is not found.".to_owned(),
        security: &["apiKey"],
        parameters: vec![json!({ "$ref": "#/components/parameters/OrderId" })],
        body: None,
        successes: vec![Success::json(200, "The order.", reference("Order"), examples::order())],
        codes: vec![
            Code::InvalidApiKey,
            Code::NotFound,
            Code::InternalError,
            Code::StoreUnavailable,
            Code::Unavailable,
        ],
        rate_limit: RateLimit::None,
    }
}
