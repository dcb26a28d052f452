//! The catalogue in D1: one file per table, with its SQL beside its row types. Reads go to the
//! primary and never to a replica: replicas are arbitrarily old, and these rows decide access.

pub mod api_keys;
pub mod audit_log;
pub mod integration_keys;
pub mod live_keys;
pub mod members;
pub mod sessions;
pub mod stores;
pub mod workspaces;

use serde::de::DeserializeOwned;
use worker::wasm_bindgen::JsValue;
use worker::{D1Database, D1PreparedStatement, Env};

use crate::{Error, Result, internal};
use tidegate_core::domain::rejection::{Code, Rejection};

/// A rule of the schema: a part of the error message of D1 when it is broken, and the rejection for
/// the caller.
type Rule<'a> = (&'a str, fn() -> Rejection);

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

    /// Runs the statements in one transaction: all of them or none.
    pub async fn batch(&self, statements: Vec<D1PreparedStatement>) -> Result<()> {
        self.0.batch(statements).await.map_err(d1_error)?;
        Ok(())
    }

    /// Runs all statements or none. If the error message of D1 contains `rule`, returns
    /// `otherwise`.
    pub async fn batch_with_rule(
        &self,
        statements: Vec<D1PreparedStatement>,
        rule: &str,
        otherwise: fn() -> Rejection,
    ) -> Result<()> {
        self.batch_with_rules(statements, &[(rule, otherwise)]).await
    }

    /// Runs all statements or none. If one of these rules is broken, returns its rejection.
    pub async fn batch_with_rules(
        &self,
        statements: Vec<D1PreparedStatement>,
        rules: &[Rule<'_>],
    ) -> Result<()> {
        let Err(error) = self.0.batch(statements).await else { return Ok(()) };
        let cause = error.to_string();
        let broken = rules.iter().find(|(rule, _)| cause.contains(rule));
        Err(broken.map_or_else(|| d1_error(error), |(_, otherwise)| otherwise().into()))
    }

    async fn first<T: DeserializeOwned>(
        &self,
        query: &str,
        parameters: &[JsValue],
    ) -> Result<Option<T>> {
        self.statement(query, parameters)?.first(None).await.map_err(d1_error)
    }

    async fn all<T: DeserializeOwned>(
        &self,
        query: &str,
        parameters: &[JsValue],
    ) -> Result<Vec<T>> {
        let rows = self.statement(query, parameters)?.all().await.map_err(d1_error)?;
        Ok(rows.results()?)
    }
}

/// An error of D1: internal if D1 refused the statement, which is our fault; unavailable if D1 is
/// out of reach, which passes.
fn d1_error(error: worker::Error) -> Error {
    let cause = error.to_string();
    if cause.contains("SQLITE_") {
        return internal(cause);
    }
    let detail = "The catalogue did not answer in time. Try again.";
    Error::caused(Rejection::new(Code::Unavailable, detail).retry_after(1), cause)
}

fn text(value: &impl ToString) -> JsValue {
    JsValue::from_str(&value.to_string())
}

fn millis(value: tidegate_core::domain::time::Timestamp) -> JsValue {
    JsValue::from_f64(value.millis() as f64)
}

fn optional<T>(value: Option<T>, to_js: impl Fn(T) -> JsValue) -> JsValue {
    value.map_or(JsValue::NULL, to_js)
}
