//! The floor: the smallest Worker that could accept an order and store it.
//!
//! A bare Rust Worker takes the POST body once and hands it to one Durable Object in one request. The
//! object does one SQLite insert and answers 201. Nothing is checked, signed, limited or remembered,
//! so whatever Tidegate costs above the floor is the cost of Tidegate's guarantees.
//! `bench/run.mjs` runs both under one runtime and prints the ratio.

use worker::{
    Context, DurableObject, Env, Headers, Method, Request, RequestInit, Response, Result, SqlStorage,
    SqlStorageValue, State, durable_object, event, wasm_bindgen,
};

/// The object's response: constant, and as large as Tidegate's response to an order.
const ANSWER: &str = include_str!("answer.json");

/// The header that names the object for the order, so that load spreads over objects as it does over
/// Tidegate's stores.
const STORE: &str = "x-store";

#[event(fetch)]
async fn fetch(mut request: Request, env: Env, _context: Context) -> Result<Response> {
    let Some(store) = request.headers().get(STORE)? else {
        return Response::error("name a store", 400);
    };
    let body = request.bytes().await?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post)
        .with_body(Some(worker::js_sys::Uint8Array::from(body.as_slice()).into()));
    let command = Request::new_with_init("http://floor/", &init)?;
    env.durable_object("FLOOR")?.get_by_name(&store)?.fetch_with_request(command).await
}

/// Stores every body that it is given, one row each.
#[durable_object]
pub struct Floor {
    sql: SqlStorage,
}

impl DurableObject for Floor {
    fn new(state: State, _env: Env) -> Self {
        let sql = state.storage().sql();
        // If this fails, the first insert reports it, because its table is missing.
        let _ = sql.exec("CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, body TEXT NOT NULL)", None);
        Self { sql }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let body = request.text().await?;
        self.sql.exec("INSERT INTO orders (body) VALUES (?)", vec![SqlStorageValue::String(body)])?;
        let headers = Headers::new();
        headers.set("content-type", "application/json")?;
        Ok(Response::ok(ANSWER)?.with_status(201).with_headers(headers))
    }
}
