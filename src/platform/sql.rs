//! The SQLite of a Durable Object: statements, rows, and transactions that roll back.

use crate::{Error, Result, internal};
use std::panic::AssertUnwindSafe;

use serde::de::DeserializeOwned;
use worker::js_sys::{self, Array};
use worker::wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use worker::worker_sys::types::{SqlStorage, SqlStorageCursor};
use worker::{State, d1::serde_wasm_bindgen};

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen)]
extern "C" {
    /// `DurableObjectStorage`, for the method that the `worker` crate does not bind.
    #[wasm_bindgen(extends = js_sys::Object)]
    type Storage;

    /// Runs the closure in a transaction, which rolls back if the closure throws.
    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    fn transaction_sync(
        this: &Storage,
        closure: &mut dyn FnMut() -> std::result::Result<JsValue, JsValue>,
    ) -> std::result::Result<JsValue, JsValue>;
}

/// The database of one Durable Object. Writes made outside [`Sql::transaction`] are committed at
/// the end of the turn even if the turn fails, so every write of more than one row goes through it.
pub struct Sql {
    storage: Storage,
    sql: SqlStorage,
}

impl Sql {
    pub fn new(state: &State) -> Self {
        let storage = state.storage();
        let raw: &JsValue = storage.as_raw().as_ref();
        let storage: Storage = raw.clone().unchecked_into();
        let sql = js_sys::Reflect::get(&storage, &"sql".into()).unwrap_or_default();
        Self { storage, sql: sql.unchecked_into() }
    }

    fn exec(&self, statement: &str, parameters: &[JsValue]) -> Result<SqlStorageCursor> {
        let bindings = Array::new();
        for parameter in parameters {
            bindings.push(parameter);
        }
        self.sql.exec(statement, bindings).map_err(|error| sql_error(statement, &error))
    }

    /// Runs a statement and discards its rows.
    pub fn run(&self, statement: &str, parameters: &[JsValue]) -> Result<()> {
        self.exec(statement, parameters).map(|_| ())
    }

    /// Runs a statement and returns the number of rows that it wrote.
    pub fn rows_written(&self, statement: &str, parameters: &[JsValue]) -> Result<u32> {
        Ok(self.exec(statement, parameters)?.rows_written() as u32)
    }

    /// All rows of a query.
    pub fn rows<T: DeserializeOwned>(&self, query: &str, parameters: &[JsValue]) -> Result<Vec<T>> {
        let rows = self.exec(query, parameters)?.to_array();
        rows.iter()
            .map(|row| {
                serde_wasm_bindgen::from_value(row)
                    .map_err(|error| internal(format!("{query}: {error}")))
            })
            .collect()
    }

    /// The first row of a query, if it has any.
    pub fn first<T: DeserializeOwned>(
        &self,
        query: &str,
        parameters: &[JsValue],
    ) -> Result<Option<T>> {
        Ok(self.rows(query, parameters)?.into_iter().next())
    }

    /// Passes the rows of a query to `visit` one by one until it breaks. Rows after that are not
    /// read.
    pub fn scan<T: DeserializeOwned>(
        &self,
        query: &str,
        parameters: &[JsValue],
        mut visit: impl FnMut(T) -> std::ops::ControlFlow<()>,
    ) -> Result<()> {
        let cursor = self.exec(query, parameters)?;
        loop {
            let step = cursor.next();
            let value = js_sys::Reflect::get(&step, &"value".into()).unwrap_or_default();
            if value.is_undefined() {
                return Ok(());
            }
            let row = serde_wasm_bindgen::from_value(value)
                .map_err(|error| internal(format!("{query}: {error}")))?;
            if visit(row).is_break() {
                return Ok(());
            }
        }
    }

    /// Runs `work` in one transaction: its writes are committed only if it returns `Ok`.
    pub fn transaction<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let mut outcome = None;
        let thrown = {
            // Unwind safe: a panic rolls the transaction back, and the closure is not called again.
            let mut work = AssertUnwindSafe(Some(work));
            let mut outcome = AssertUnwindSafe(&mut outcome);
            let mut closure = move || {
                let Some(work) = work.take() else { return Err(JsValue::NULL) };
                match work() {
                    Ok(value) => {
                        **outcome = Some(Ok(value));
                        Ok(JsValue::UNDEFINED)
                    }
                    Err(error) => {
                        **outcome = Some(Err(error));
                        Err(JsValue::from_str("rolled back"))
                    }
                }
            };
            self.storage.transaction_sync(&mut closure).err()
        };
        match (outcome, thrown) {
            (Some(Err(error)), _) => Err(error),
            (Some(Ok(value)), None) => Ok(value),
            (_, Some(error)) => Err(sql_error("transaction", &error)),
            (None, None) => Err(internal("a transaction did not run")),
        }
    }
}

fn sql_error(statement: &str, error: &JsValue) -> Error {
    internal(format!("{statement}: {error:?}"))
}

/// A text parameter, or NULL.
pub fn text(value: Option<&str>) -> JsValue {
    value.map_or(JsValue::NULL, JsValue::from_str)
}

/// An integer parameter. All stored integers are below 2^53 in size, so they cross as f64 exactly.
pub fn integer(value: impl Into<i64>) -> JsValue {
    JsValue::from_f64(value.into() as f64)
}

/// An integer parameter, or NULL.
pub fn optional_integer(value: Option<i64>) -> JsValue {
    value.map_or(JsValue::NULL, integer)
}
