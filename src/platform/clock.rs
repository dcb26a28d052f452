//! The clock.

use tidegate_core::domain::time::Timestamp;

/// The current time. On the platform the clock advances only with I/O.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub fn now() -> Timestamp {
    Timestamp::from_millis(worker::js_sys::Date::now() as i64)
}
