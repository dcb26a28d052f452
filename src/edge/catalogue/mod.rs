//! The catalogue in D1: one file per table, its SQL beside its row type. Reads go to the primary:
//! replicas are arbitrarily old, and what stands here decides access.

pub mod api_keys;
pub mod audit_log;
pub mod integration_keys;
pub mod stores;
pub mod workspaces;

use worker::wasm_bindgen::JsValue;
use worker::{D1Database, D1PreparedStatement, Env};

use super::Result;

/// The D1 database.
#[derive(Debug)]
pub struct Catalogue(D1Database);

impl Catalogue {
    pub fn open(env: &Env) -> Result<Self> {
        Ok(Self(env.d1("DB")?))
    }

    fn statement(&self, sql: &str, parameters: &[JsValue]) -> Result<D1PreparedStatement> {
        Ok(self.0.prepare(sql).bind(parameters)?)
    }

    /// Runs all statements, or none.
    pub async fn batch(&self, statements: Vec<D1PreparedStatement>) -> Result<()> {
        self.0.batch(statements).await?;
        Ok(())
    }
}

fn text(value: &impl ToString) -> JsValue {
    JsValue::from_str(&value.to_string())
}

fn millis(value: crate::domain::time::Timestamp) -> JsValue {
    JsValue::from_f64(value.millis() as f64)
}

fn optional<T>(value: Option<T>, to_js: impl Fn(T) -> JsValue) -> JsValue {
    value.map_or(JsValue::NULL, to_js)
}
