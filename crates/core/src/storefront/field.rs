//! A JSON value of a sender's body together with its position, so that every error carries a JSON
//! Pointer.
//!
//! Senders are loose about JSON types, PHP ones above all: an absent value comes as `null`, `""`,
//! `false` or `[]` or is left out, and a number comes as a number or as text. The readers here
//! accept these variants and no others. They parse numbers from their decimal text: no id and no
//! amount passes through a float.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::domain::event::Unmappable;
use crate::domain::metadata::check_metadata;
use crate::domain::money::{Amount, AmountError, Currency, Quantity};
use crate::domain::time::{SECOND, Timestamp};

/// Parses a body as JSON.
pub(super) fn parse(body: &[u8]) -> Result<Value, Unmappable> {
    serde_json::from_slice(body).map_err(|error| Unmappable {
        pointer: String::new(),
        detail: format!("is not JSON: {error}"),
    })
}

/// The hash of a body for a [`SourceVersion`](crate::domain::order::SourceVersion): lower-case hex
/// of its SHA-256.
pub(super) fn body_hash(body: &[u8]) -> String {
    hex::encode(Sha256::digest(body))
}

/// A value in a body and its position. A missing member is a field with the value `null`.
///
/// The readers return `None` for an empty value ([`Field::is_empty`]).
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    value: &'a Value,
    place: Place<'a>,
}

#[derive(Clone, Copy)]
enum Place<'a> {
    Root,
    /// A member of an object. The names are our own constants and need no escaping in a pointer.
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

    /// A member that must be an object or empty.
    pub fn object(&self, name: &'static str) -> Result<Field<'_>, Unmappable> {
        let member = self.get(name);
        if member.value.is_object() || member.is_empty() {
            Ok(member)
        } else {
            Err(member.refuse("is not an object"))
        }
    }

    /// The items of a list; an empty value has none.
    pub fn items(&self) -> Result<impl ExactSizeIterator<Item = Field<'_>>, Unmappable> {
        let items = match self.value {
            Value::Array(items) => items.as_slice(),
            _ if self.is_empty() => &[],
            _ => return Err(self.refuse("is not a list")),
        };
        Ok(items
            .iter()
            .enumerate()
            .map(|(index, value)| Field { value, place: Place::Item(self, index) }))
    }

    /// Returns an error if the object lacks one of `names`, the members that every `kind` has.
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

    /// The result of `read`, or an error if the value is empty.
    pub fn required<T>(
        &self,
        read: impl FnOnce(&Self) -> Result<Option<T>, Unmappable>,
    ) -> Result<T, Unmappable> {
        read(self)?.ok_or_else(|| self.refuse("is missing or empty"))
    }

    /// Text, unchanged; blank text counts as empty.
    pub fn text(&self) -> Result<Option<String>, Unmappable> {
        Ok(self.scalar("is not text")?.map(str::to_owned))
    }

    /// A positive integer of at most 64 bits, as decimal text; 0 counts as empty.
    pub fn id(&self) -> Result<Option<String>, Unmappable> {
        const ERROR: &str = "is not an id: a positive whole number of at most 64 bits";
        let Some(text) = self.scalar(ERROR)? else { return Ok(None) };
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse::<u64>() {
            Ok(id) if digits => Ok((id > 0).then(|| id.to_string())),
            _ => Err(self.refuse(ERROR)),
        }
    }

    /// An amount that must be a whole number of minor units: used for charges and refunds.
    pub fn exact_amount(&self, currency: Currency) -> Result<Option<Amount>, Unmappable> {
        self.amount(|text| Amount::parse(text, currency))
    }

    /// An amount rounded to the currency's minor unit: shops can be set to calculate with more
    /// decimal places.
    pub fn rounded_amount(&self, currency: Currency) -> Result<Option<Amount>, Unmappable> {
        self.amount(|text| Amount::parse_rounded(text, currency))
    }

    fn amount(
        &self,
        parse: impl FnOnce(&str) -> Result<Amount, AmountError>,
    ) -> Result<Option<Amount>, Unmappable> {
        /// In characters: 16 digits for an amount in range, the rest for a sign, a decimal point
        /// and the extra decimal places of some shops.
        const MAX_TEXT: usize = 21;
        let Some(text) = self.scalar("is not an amount")? else { return Ok(None) };
        if text.len() > MAX_TEXT {
            return Err(self.refuse(format!("is longer than {MAX_TEXT} characters")));
        }
        parse(text).map(Some).map_err(|error| self.refuse(error.to_string()))
    }

    /// A positive decimal with at most three places.
    pub fn quantity(&self) -> Result<Option<Quantity>, Unmappable> {
        const ERROR: &str = "is not a quantity: above 0, at most 1000000, three decimal places";
        let Some(text) = self.scalar(ERROR)? else { return Ok(None) };
        Quantity::parse(text).map(Some).ok_or_else(|| self.refuse(ERROR))
    }

    /// A UTC time without offset, as in WooCommerce's `…_gmt` members. (The members without that
    /// suffix are in the shop's time zone, which they do not name.)
    pub fn gmt_time(&self) -> Result<Option<Timestamp>, Unmappable> {
        const ERROR: &str = "is not a time such as \"2026-11-22T11:48:07\"";
        let Some(text) = self.scalar(ERROR)? else { return Ok(None) };
        Timestamp::parse_utc_without_zone(text).map(Some).ok_or_else(|| self.refuse(ERROR))
    }

    /// A time with its offset (RFC 3339).
    pub fn instant(&self) -> Result<Option<Timestamp>, Unmappable> {
        const ERROR: &str = "is not a time with its offset such as \"2026-11-22T11:48:07Z\"";
        let Some(text) = self.scalar(ERROR)? else { return Ok(None) };
        Timestamp::parse_rfc3339(text).map(Some).ok_or_else(|| self.refuse(ERROR))
    }

    /// A time in whole seconds since 1970.
    pub fn unix_seconds(&self) -> Result<Option<Timestamp>, Unmappable> {
        const ERROR: &str = "is not a time in seconds since 1970";
        let Some(text) = self.scalar(ERROR)? else { return Ok(None) };
        let millis = text.parse::<u32>().ok().map(|seconds| i64::from(seconds) * SECOND);
        millis.map(|millis| Some(Timestamp::from_millis(millis))).ok_or_else(|| self.refuse(ERROR))
    }

    /// An amount in whole minor units of its currency.
    pub fn minor_amount(&self) -> Result<Option<Amount>, Unmappable> {
        const ERROR: &str = "is not an amount in whole minor units";
        let Some(text) = self.scalar(ERROR)? else { return Ok(None) };
        let amount = text.parse().ok().and_then(Amount::from_minor);
        amount.map(Some).ok_or_else(|| self.refuse(ERROR))
    }

    /// An ISO 4217 code in capitals.
    pub fn currency(&self) -> Result<Currency, Unmappable> {
        self.currency_of(&self.required(Self::text)?)
    }

    pub fn is_true(&self) -> bool {
        *self.value == Value::Bool(true)
    }

    /// The error for this value. `detail` continues a sentence that begins with the pointer.
    pub fn refuse(&self, detail: impl Into<String>) -> Unmappable {
        let mut pointer = String::new();
        self.write_pointer(&mut pointer);
        Unmappable { pointer, detail: detail.into() }
    }

    /// The text of a string or the digits of a number; `wrong_type` is the error for other types.
    fn scalar(&self, wrong_type: &'static str) -> Result<Option<&'a str>, Unmappable> {
        match self.value {
            _ if self.is_empty() => Ok(None),
            Value::String(text) => Ok(Some(text)),
            Value::Number(number) => Ok(Some(number.as_str())),
            _ => Err(self.refuse(wrong_type)),
        }
    }

    /// Whether this is one of the ways in which senders write an absent value: `null`, `false`,
    /// blank text or an empty list.
    pub fn is_empty(&self) -> bool {
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

    /// A field at this position with another value: the JSON that was parsed from its text.
    pub const fn with_value<'b>(&'b self, value: &'b Value) -> Field<'b> {
        Field { value, place: self.place }
    }

    /// The first non-empty text among the members `names`.
    pub fn first_text(&self, names: &[&'static str]) -> Result<Option<String>, Unmappable> {
        names.iter().find_map(|name| self.get(name).text().transpose()).transpose()
    }

    /// The first non-empty RFC 3339 time among the members `names`.
    pub fn first_instant(&self, names: &[&'static str]) -> Result<Option<Timestamp>, Unmappable> {
        names.iter().find_map(|name| self.get(name).instant().transpose()).transpose()
    }

    /// A person's name, joined from the two members with its parts.
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

    /// `amount`, or an error for this value if the arithmetic on it overflowed (`None`).
    pub fn in_range(&self, amount: Option<Amount>) -> Result<Amount, Unmappable> {
        amount.ok_or_else(|| self.refuse("adds up to an amount out of range"))
    }

    /// The sum of the amounts that `read` returns for the items of a list; `None` counts as zero.
    pub fn sum(
        &self,
        read: &dyn Fn(&Field<'_>) -> Result<Option<Amount>, Unmappable>,
    ) -> Result<Amount, Unmappable> {
        self.items()?.try_fold(Amount::ZERO, |sum, item| {
            self.in_range(sum.checked_add(read(&item)?.unwrap_or_default()))
        })
    }

    /// The custom fields in a list: each item has a name in the member `name` and a string, number
    /// or boolean in one of the members `values`. The last of several with the same name wins.
    /// Items of any other form are left out: they must not make the order fail.
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
            let usable = !name.is_empty() && check_metadata(name, value).is_ok();
            usable.then(|| (name.clone(), value.clone()))
        };
        Ok(self.items()?.filter_map(entry).collect())
    }

    /// The error for a text that is none of the values that the sender is known to use here.
    pub fn unknown(&self, text: &str) -> Unmappable {
        let text: String = text.chars().take(40).collect();
        self.refuse(format!("is {text:?}, which has no meaning here"))
    }

    /// A topic or an id in the sender's own form: 1 to 255 visible ASCII characters.
    pub fn token(&self) -> Result<Option<String>, Unmappable> {
        const MAX_TEXT: usize = 255;
        const ERROR: &str = "is not of 1 to 255 visible ASCII characters";
        let Some(text) = self.scalar(ERROR)? else { return Ok(None) };
        if text.len() > MAX_TEXT || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(self.refuse(ERROR));
        }
        Ok(Some(text.to_owned()))
    }

    /// An amount in whole minor units of its currency that must not be negative.
    pub fn unsigned_minor_amount(&self) -> Result<Option<Amount>, Unmappable> {
        match self.minor_amount()? {
            Some(amount) if amount.is_negative() => Err(self.refuse("is below zero")),
            amount => Ok(amount),
        }
    }

    /// An ISO 4217 code in lower case.
    pub fn lower_case_currency(&self) -> Result<Currency, Unmappable> {
        self.currency_of(&self.required(Self::text)?.to_ascii_uppercase())
    }

    fn currency_of(&self, code: &str) -> Result<Currency, Unmappable> {
        Currency::parse(code).ok_or_else(|| self.refuse("is not an ISO 4217 currency in use"))
    }

    /// Returns an error unless the value is exactly this text.
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
    fn an_error_points_at_the_refused_value() {
        let body = json!({"lines": [{"sku": "A"}, {"sku": {}}]});
        let root = Field::root(&body);
        let lines = root.get("lines");
        let pointers: Vec<_> = lines
            .items()
            .unwrap()
            .filter_map(|line| line.get("sku").text().err())
            .map(|error| error.pointer)
            .collect();
        assert_eq!(pointers, ["/lines/1/sku"]);
        assert_eq!(root.refuse("").pointer, "");
    }

    #[test]
    fn every_form_of_an_absent_value_in_php_reads_as_none() {
        for absent in [json!(null), json!(""), json!("  "), json!(false), json!([])] {
            let body = json!({"a": absent});
            let root = Field::root(&body);
            let usd = Currency::parse("USD").unwrap();
            let field = root.get("a");
            assert_eq!(field.text(), Ok(None));
            assert_eq!(field.id(), Ok(None));
            assert_eq!(field.gmt_time(), Ok(None));
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
        fn no_number_makes_it_panic(text in "-?[0-9]{1,45}(\\.[0-9]{1,45})?([eE][-+]?[0-9]{1,20})?") {
            let body = Value::String(text);
            let field = Field::root(&body);
            for code in ["JPY", "USD", "KWD", "CLF"] {
                let currency = Currency::parse(code).unwrap();
                let exact = field.exact_amount(currency);
                let rounded = field.rounded_amount(currency);
                prop_assert!(exact.is_err() || exact == rounded);
            }
            let _ = (field.id(), field.quantity(), field.gmt_time());
        }
    }
}
