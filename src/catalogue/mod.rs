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
use worker::{D1Database, D1PreparedStatement, D1Result, Env};

use crate::{Error, Result, internal};
use tidegate_core::domain::rejection::{Code, Rejection};

/// A rule of the schema: a part of the error message of D1 when it is broken, and the rejection for
/// the caller.
type Rule<'a> = (&'a str, fn() -> Rejection);

/// The D1 database.
#[derive(Debug)]
pub struct Catalogue(D1Database);

/// Queries that are sent in one round trip, and how their results are read.
pub struct Query<T> {
    statements: Vec<D1PreparedStatement>,
    read: Read<T>,
}

type Read<T> = Box<dyn FnOnce(&mut Results) -> Result<T>>;

/// The results of the statements that have not been read yet.
type Results = std::vec::IntoIter<D1Result>;

impl<T: 'static> Query<T> {
    /// Converts the result.
    pub fn map<U>(self, convert: impl FnOnce(T) -> Result<U> + 'static) -> Query<U> {
        let read = self.read;
        Query {
            statements: self.statements,
            read: Box::new(move |results| convert(read(results)?)),
        }
    }

    /// Both queries in one round trip.
    pub fn and<U: 'static>(mut self, other: Query<U>) -> Query<(T, U)> {
        self.statements.extend(other.statements);
        let (first, second) = (self.read, other.read);
        Query {
            statements: self.statements,
            read: Box::new(move |results| Ok((first(results)?, second(results)?))),
        }
    }
}

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

    /// Sends the queries and reads their results.
    pub async fn run<T>(&self, query: Query<T>) -> Result<T> {
        let results = match <[_; 1]>::try_from(query.statements) {
            Ok([one]) => vec![one.all().await.map_err(d1_error)?],
            Err(several) => self.0.batch(several).await.map_err(d1_error)?,
        };
        (query.read)(&mut results.into_iter())
    }

    /// A query for any number of rows.
    fn rows<T: DeserializeOwned + 'static>(
        &self,
        query: &str,
        parameters: &[JsValue],
    ) -> Result<Query<Vec<T>>> {
        Ok(Query {
            statements: vec![self.statement(query, parameters)?],
            read: Box::new(|results| {
                let result = results.next().ok_or_else(|| internal("a query without a result"))?;
                Ok(result.results()?)
            }),
        })
    }

    async fn first<T: DeserializeOwned>(
        &self,
        query: &str,
        parameters: &[JsValue],
    ) -> Result<Option<T>> {
        self.statement(query, parameters)?.first(None).await.map_err(d1_error)
    }

    async fn all<T: DeserializeOwned + 'static>(
        &self,
        query: &str,
        parameters: &[JsValue],
    ) -> Result<Vec<T>> {
        self.run(self.rows(query, parameters)?).await
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
