//! How responses write amounts and times.

use serde::{Serialize, Serializer};

use crate::domain::money::{Amount, Currency};
use crate::domain::time::Timestamp;

/// An amount, serialised as a decimal string.
#[derive(Debug)]
pub struct Money(pub Amount, pub Currency);

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.format(self.1))
    }
}

/// A time, serialised as RFC 3339.
#[derive(Debug)]
pub struct Rfc3339(pub Timestamp);

impl Serialize for Rfc3339 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_rfc3339())
    }
}
