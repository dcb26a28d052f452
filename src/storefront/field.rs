//! Values of a sender's body that know where they stand, so that every refusal carries its JSON
//! Pointer.
//!
//! Types wander on their way to JSON, PHP's above all: 'nothing' comes as `null`, `""`, `false` or
//! `[]` or is left out, and a number comes as a number or as text. Readers forgive that much and no
//! more. Numbers keep their own digits: no id and no amount passes through a float.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::domain::event::Unmappable;
use crate::domain::money::{Amount, AmountError, Currency, Quantity};
use crate::domain::time::{SECOND, Timestamp};

/// Reads a body that promises to be JSON.
pub(super) fn parse(body: &[u8]) -> Result<Value, Unmappable> {
    serde_json::from_slice(body).map_err(|error| Unmappable {
        pointer: String::new(),
        detail: format!("is not JSON: {error}"),
    })
}

/// The hash of a body as a [`SourceVersion`](crate::domain::order::SourceVersion) has it.
pub(super) fn body_hash(body: &[u8]) -> String {
    hex::encode(Sha256::digest(body))
}

/// A value in a body. A member that the body lacks is a field that holds `null`.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    value: &'a Value,
    place: Place<'a>,
}

#[derive(Clone, Copy)]
enum Place<'a> {
    Root,
    /// A member of an object. Names are ours and need no escape in a pointer.
    Member(&'a Field<'a>, &'static str),
    Item(&'a Field<'a>, usize),
}

impl<'a> Field<'a> {
    pub fn root(value: &'a Value) -> Self {
        Self { value, place: Place::Root }
    }

    pub fn get(&self, name: &'static str) -> Field<'_> {
        Field {
            value: self.value.get(name).unwrap_or(&Value::Null),
            place: Place::Member(self, name),
        }
    }

    pub const fn value(&self) -> &'a Value {
        self.value
    }

    /// A member that is an object, or nothing.
    pub fn object(&self, name: &'static str) -> Result<Field<'_>, Unmappable> {
        let member = self.get(name);
        if member.value.is_object() || member.is_nothing() {
            Ok(member)
        } else {
            Err(member.refuse("is not an object"))
        }
    }

    /// The items of a list; none for nothing.
    pub fn items(&self) -> Result<impl ExactSizeIterator<Item = Field<'_>>, Unmappable> {
        let items = match self.value {
            Value::Array(items) => items.as_slice(),
            _ if self.is_nothing() => &[],
            _ => return Err(self.refuse("is not a list")),
        };
        Ok(items
            .iter()
            .enumerate()
            .map(|(index, value)| Field { value, place: Place::Item(self, index) }))
    }

    /// Refuses a body without one of the members that every `kind` has.
    pub fn require_members(
        &self,
        names: &[&'static str],
        kind: &'static str,
    ) -> Result<(), Unmappable> {
        match names.iter().find(|name| self.value.get(**name).is_none()) {
            Some(name) => Err(self.get(name).refuse(format!("is missing: this is not {kind}"))),
            None => Ok(()),
        }
    }

    /// What `read` finds here, which must not be nothing.
    pub fn required<T>(
        &self,
        read: impl FnOnce(&Self) -> Result<Option<T>, Unmappable>,
    ) -> Result<T, Unmappable> {
        read(self)?.ok_or_else(|| self.refuse("is missing or empty"))
    }

    /// Text as it stands; blank text is nothing.
    pub fn text(&self) -> Result<Option<String>, Unmappable> {
        Ok(self.scalar("is not text")?.map(str::to_owned))
    }

    /// A positive integer of at most 64 bits, as decimal text; 0 is nothing.
    pub fn id(&self) -> Result<Option<String>, Unmappable> {
        const REFUSED: &str = "is not an id: a positive whole number of at most 64 bits";
        let Some(text) = self.scalar(REFUSED)? else { return Ok(None) };
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse::<u64>() {
            Ok(id) if digits => Ok((id > 0).then(|| id.to_string())),
            _ => Err(self.refuse(REFUSED)),
        }
    }

    /// An amount of which no part of a minor unit may be lost: what was charged or given back.
    pub fn exact_amount(&self, currency: Currency) -> Result<Option<Amount>, Unmappable> {
        self.amount(|text| Amount::parse(text, currency))
    }

    /// An amount that the shop computed to as many places as it was told to keep, rounded to the
    /// currency's.
    pub fn rounded_amount(&self, currency: Currency) -> Result<Option<Amount>, Unmappable> {
        self.amount(|text| Amount::parse_rounded(text, currency))
    }

    fn amount(
        &self,
        parse: impl FnOnce(&str) -> Result<Amount, AmountError>,
    ) -> Result<Option<Amount>, Unmappable> {
        /// An amount in range has 16 digits; the rest is room for a sign, a point and the further
        /// places that a shop may keep.
        const MAX_TEXT: usize = 21;
        let Some(text) = self.scalar("is not an amount")? else { return Ok(None) };
        if text.len() > MAX_TEXT {
            return Err(self.refuse(format!("is longer than {MAX_TEXT} characters")));
        }
        parse(text).map(Some).map_err(|error| self.refuse(error.to_string()))
    }

    /// A positive decimal with at most three places.
    pub fn quantity(&self) -> Result<Option<Quantity>, Unmappable> {
        const REFUSED: &str = "is not a quantity: above 0, at most 1000000, three decimal places";
        let Some(text) = self.scalar(REFUSED)? else { return Ok(None) };
        Quantity::parse(text).map(Some).ok_or_else(|| self.refuse(REFUSED))
    }

    /// A `…_gmt` time. The members without that suffix are in the shop's own zone and do not name it.
    pub fn time(&self) -> Result<Option<Timestamp>, Unmappable> {
        const REFUSED: &str = "is not a time such as \"2026-11-22T11:48:07\"";
        let Some(text) = self.scalar(REFUSED)? else { return Ok(None) };
        Timestamp::parse_utc_without_zone(text).map(Some).ok_or_else(|| self.refuse(REFUSED))
    }

    /// A time with its offset (RFC 3339).
    pub fn instant(&self) -> Result<Option<Timestamp>, Unmappable> {
        const REFUSED: &str = "is not a time with its offset such as \"2026-11-22T11:48:07Z\"";
        let Some(text) = self.scalar(REFUSED)? else { return Ok(None) };
        Timestamp::parse_rfc3339(text).map(Some).ok_or_else(|| self.refuse(REFUSED))
    }

    /// A time in whole seconds since 1970.
    pub fn unix_seconds(&self) -> Result<Option<Timestamp>, Unmappable> {
        const REFUSED: &str = "is not a time in seconds since 1970";
        let Some(text) = self.scalar(REFUSED)? else { return Ok(None) };
        let millis = text.parse::<u32>().ok().map(|seconds| i64::from(seconds) * SECOND);
        millis
            .map(|millis| Some(Timestamp::from_millis(millis)))
            .ok_or_else(|| self.refuse(REFUSED))
    }

    /// An amount in whole minor units of its currency.
    pub fn minor_amount(&self) -> Result<Option<Amount>, Unmappable> {
        const REFUSED: &str = "is not an amount in whole minor units";
        let Some(text) = self.scalar(REFUSED)? else { return Ok(None) };
        let amount = text.parse().ok().and_then(Amount::from_minor);
        amount.map(Some).ok_or_else(|| self.refuse(REFUSED))
    }

    /// An ISO 4217 code as the standard writes it, in capitals.
    pub fn currency(&self) -> Result<Currency, Unmappable> {
        let code = self.required(Self::text)?;
        Currency::parse(&code).ok_or_else(|| self.refuse("is not an ISO 4217 currency in use"))
    }

    pub fn is_true(&self) -> bool {
        *self.value == Value::Bool(true)
    }

    /// A refusal of this value. `detail` follows the pointer as the rest of a sentence.
    pub fn refuse(&self, detail: impl Into<String>) -> Unmappable {
        let mut pointer = String::new();
        self.write_pointer(&mut pointer);
        Unmappable { pointer, detail: detail.into() }
    }

    /// The text of a string, or a number's own digits.
    fn scalar(&self, refused: &'static str) -> Result<Option<&'a str>, Unmappable> {
        match self.value {
            _ if self.is_nothing() => Ok(None),
            Value::String(text) => Ok(Some(text)),
            Value::Number(number) => Ok(Some(number.as_str())),
            _ => Err(self.refuse(refused)),
        }
    }

    pub fn is_nothing(&self) -> bool {
        match self.value {
            Value::Null | Value::Bool(false) => true,
            Value::String(text) => text.trim().is_empty(),
            Value::Array(items) => items.is_empty(),
            _ => false,
        }
    }

    fn write_pointer(&self, pointer: &mut String) {
        match self.place {
            Place::Root => {}
            Place::Member(parent, name) => {
                parent.write_pointer(pointer);
                pointer.push('/');
                pointer.push_str(name);
            }
            Place::Item(parent, index) => {
                parent.write_pointer(pointer);
                pointer.push('/');
                pointer.push_str(&index.to_string());
            }
        }
    }

    /// The same place, holding what its text was read as.
    pub const fn holding<'b>(&'b self, value: &'b Value) -> Field<'b> {
        Field { value, place: self.place }
    }

    /// The first of some members that has a text.
    pub fn first_text(&self, names: &[&'static str]) -> Result<Option<String>, Unmappable> {
        names.iter().find_map(|name| self.get(name).text().transpose()).transpose()
    }

    /// The first of some members that has a time with its offset.
    pub fn first_instant(&self, names: &[&'static str]) -> Result<Option<Timestamp>, Unmappable> {
        names.iter().find_map(|name| self.get(name).instant().transpose()).transpose()
    }

    /// A person's name from the members that hold its parts.
    pub fn full_name(
        &self,
        first: &'static str,
        last: &'static str,
    ) -> Result<Option<String>, Unmappable> {
        Ok(match (self.get(first).text()?, self.get(last).text()?) {
            (Some(first), Some(last)) => Some(format!("{} {}", first.trim(), last.trim())),
            (first, last) => first.or(last),
        })
    }

    /// `amount`, unless the arithmetic that made it of this value left the range.
    pub fn in_range(&self, amount: Option<Amount>) -> Result<Amount, Unmappable> {
        amount.ok_or_else(|| self.refuse("adds up to an amount out of range"))
    }

    /// The sum of the amounts that `read` finds in the items of a list; nothing counts as zero.
    pub fn sum(
        &self,
        read: &dyn Fn(&Field<'_>) -> Result<Option<Amount>, Unmappable>,
    ) -> Result<Amount, Unmappable> {
        self.items()?.try_fold(Amount::ZERO, |sum, item| {
            self.in_range(sum.checked_add(read(&item)?.unwrap_or_default()))
        })
    }

    /// The custom fields in a list: each item has a `name` and, under one of `values`, a text, a
    /// number or a yes or no. Of two with one name the later stands; anything else is left out
    /// rather than let it cost the order.
    pub fn custom_fields(
        &self,
        name: &'static str,
        values: &[&'static str],
    ) -> Result<Map<String, Value>, Unmappable> {
        let entry = |item: Field<'_>| {
            let Value::String(name) = item.get(name).value else { return None };
            let value = values.iter().find_map(|value| match item.get(value).value {
                value @ (Value::String(_) | Value::Number(_) | Value::Bool(_)) => Some(value),
                _ => None,
            })?;
            // Under such a key, serde_json would read an object as a number.
            let kept = !name.is_empty() && !name.starts_with("$serde_json::");
            kept.then(|| (name.clone(), value.clone()))
        };
        Ok(self.items()?.filter_map(entry).collect())
    }

    /// The refusal of a text that is none of those that the sender is known to use here.
    pub fn unknown(&self, text: &str) -> Unmappable {
        let text: String = text.chars().take(40).collect();
        self.refuse(format!("is {text:?}, which has no meaning here"))
    }

    /// A topic or an id in letters of the sender's: 1 to 255 visible ASCII characters.
    pub fn token(&self) -> Result<Option<String>, Unmappable> {
        const MAX_TEXT: usize = 255;
        const REFUSED: &str = "is not of 1 to 255 visible ASCII characters";
        let Some(text) = self.scalar(REFUSED)? else { return Ok(None) };
        if text.len() > MAX_TEXT || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(self.refuse(REFUSED));
        }
        Ok(Some(text.to_owned()))
    }

    /// An amount in whole minor units of its currency that somebody owes, paid or got back.
    pub fn unsigned_minor_amount(&self) -> Result<Option<Amount>, Unmappable> {
        match self.minor_amount()? {
            Some(amount) if amount.is_negative() => Err(self.refuse("is below zero")),
            amount => Ok(amount),
        }
    }

    /// An ISO 4217 code in small letters.
    pub fn lower_case_currency(&self) -> Result<Currency, Unmappable> {
        let code = self.required(Self::text)?.to_ascii_uppercase();
        Currency::parse(&code).ok_or_else(|| self.refuse("is not an ISO 4217 currency in use"))
    }

    /// Refuses a value that is not exactly this text.
    pub fn require_text(&self, text: &'static str) -> Result<(), Unmappable> {
        if *self.value == text { Ok(()) } else { Err(self.refuse(format!("is not {text:?}"))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_refusal_points_at_the_value_it_refuses() {
        let body = json!({"lines": [{"sku": "A"}, {"sku": {}}]});
        let root = Field::root(&body);
        let lines = root.get("lines");
        let refused: Vec<_> = lines
            .items()
            .unwrap()
            .filter_map(|line| line.get("sku").text().err())
            .map(|refused| refused.pointer)
            .collect();
        assert_eq!(refused, ["/lines/1/sku"]);
        assert_eq!(root.refuse("").pointer, "");
    }

    #[test]
    fn what_php_writes_for_nothing_reads_as_nothing() {
        for nothing in [json!(null), json!(""), json!("  "), json!(false), json!([])] {
            let body = json!({"a": nothing});
            let root = Field::root(&body);
            let usd = Currency::parse("USD").unwrap();
            let field = root.get("a");
            assert_eq!(field.text(), Ok(None));
            assert_eq!(field.id(), Ok(None));
            assert_eq!(field.time(), Ok(None));
            assert_eq!(field.exact_amount(usd), Ok(None));
            assert_eq!(field.quantity(), Ok(None));
            assert!(field.items().is_ok_and(|items| items.len() == 0));
            assert!(root.object("a").is_ok());
            assert!(root.object("absent").is_ok());
        }
    }

    #[test]
    fn text_and_numbers_read_alike_and_other_types_are_refused() {
        let body =
            json!({"text": "10001", "number": 10001, "yes": true, "list": [1], "object": {}});
        let root = Field::root(&body);
        for name in ["text", "number"] {
            assert_eq!(root.get(name).text(), Ok(Some("10001".to_owned())));
            assert_eq!(root.get(name).id(), Ok(Some("10001".to_owned())));
            assert!(root.get(name).items().is_err());
            assert!(root.object(name).is_err());
        }
        for name in ["yes", "list", "object"] {
            assert!(root.get(name).text().is_err(), "{name}");
            assert!(root.get(name).quantity().is_err(), "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_digits_make_it_panic(text in "-?[0-9]{1,45}(\\.[0-9]{1,45})?([eE][-+]?[0-9]{1,20})?") {
            let body = Value::String(text);
            let field = Field::root(&body);
            for code in ["JPY", "USD", "KWD", "CLF"] {
                let currency = Currency::parse(code).unwrap();
                let exact = field.exact_amount(currency);
                let rounded = field.rounded_amount(currency);
                prop_assert!(exact.is_err() || exact == rounded);
            }
            let _ = (field.id(), field.quantity(), field.time());
        }
    }
}
