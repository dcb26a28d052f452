//! Free JSON that orders carry, and what of it cannot be carried.

use serde_json::Value;

/// The deepest nesting of a metadata value. serde_json reads at most 128 levels, and the commands to
/// the ledger nest the metadata deeper than the body does.
pub const MAX_METADATA_DEPTH: u32 = 64;

/// How the names begin by which serde_json tells what it means itself: with `arbitrary_precision`, an
/// object whose first key is `$serde_json::private::Number` is deserialised as a number.
const RESERVED: &str = "$serde_json::";

/// Why an entry cannot be carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uncarriable {
    TooDeep,
    /// A name that JSON means otherwise here.
    Name,
}

/// Checks that an entry of the metadata is unchanged by writing and reading it as JSON.
///
/// # Errors
/// If it nests deeper than [`MAX_METADATA_DEPTH`], or uses a name that serde_json reserves.
pub fn check_metadata(key: &str, value: &Value) -> Result<(), Uncarriable> {
    check_name(key)?;
    check(value, MAX_METADATA_DEPTH)
}

fn check_name(name: &str) -> Result<(), Uncarriable> {
    if name.starts_with(RESERVED) { Err(Uncarriable::Name) } else { Ok(()) }
}

fn check(value: &Value, depth: u32) -> Result<(), Uncarriable> {
    let below = depth.checked_sub(1).ok_or(Uncarriable::TooDeep)?;
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| check(item, below)),
        Value::Object(members) => members.iter().try_for_each(|(name, member)| {
            check_name(name)?;
            check(member, below)
        }),
        _ => Ok(()),
    }
}
