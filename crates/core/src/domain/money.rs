//! Exact money: whole minor units of an ISO 4217 currency, read from decimal text and written
//! back as decimal text. No amount ever passes through a float.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An ISO 4217 currency code that is in use, e.g. `USD`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency([u8; 3]);

/// Codes whose minor unit does not have 2 digits (ISO 4217, amendment 179).
const MINOR_UNITS: &[(&str, u32)] = &[
    ("BIF", 0),
    ("CLP", 0),
    ("DJF", 0),
    ("GNF", 0),
    ("ISK", 0),
    ("JPY", 0),
    ("KMF", 0),
    ("KRW", 0),
    ("PYG", 0),
    ("RWF", 0),
    ("UGX", 0),
    ("UYI", 0),
    ("VND", 0),
    ("VUV", 0),
    ("XAF", 0),
    ("XOF", 0),
    ("XPF", 0),
    ("BHD", 3),
    ("IQD", 3),
    ("JOD", 3),
    ("KWD", 3),
    ("LYD", 3),
    ("OMR", 3),
    ("TND", 3),
    ("CLF", 4),
    ("UYW", 4),
];

/// Codes whose minor unit has 2 digits, separated by single spaces.
const TWO_DIGITS: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV \
    BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN \
    ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR \
    KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN \
    NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP \
    SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES \
    WST XCD XCG YER ZAR ZMW ZWG";

impl Currency {
    /// Reads a code as ISO 4217 writes it: three capital letters. `None` for anything else,
    /// codes without a minor unit (`XAU`, `XTS`) included.
    pub fn parse(code: &str) -> Option<Self> {
        let bytes: [u8; 3] = code.as_bytes().try_into().ok()?;
        let known = TWO_DIGITS.as_bytes().chunks(4).any(|listed| listed.starts_with(&bytes))
            || MINOR_UNITS.iter().any(|(listed, _)| *listed == code);
        (known && code.is_ascii()).then_some(Self(bytes))
    }

    pub fn as_str(&self) -> &str {
        // Only ASCII letters get past `parse`.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Decimal places of an amount: JPY 0, USD 2, KWD 3.
    pub fn places(self) -> u32 {
        MINOR_UNITS
            .iter()
            .find(|(code, _)| code.as_bytes() == self.0)
            .map_or(2, |(_, places)| *places)
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&code).ok_or_else(|| serde::de::Error::custom("not an ISO 4217 currency"))
    }
}

/// Why a text is not an amount of a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AmountError {
    /// Not a decimal number.
    Malformed,
    /// More decimal places than the currency has.
    TooPrecise { places: u32 },
    /// Further from zero than [`Amount::MAX`].
    OutOfRange,
}

impl fmt::Display for AmountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("is not a decimal amount such as \"19.90\""),
            Self::TooPrecise { places } => {
                write!(f, "has more decimal places than the currency's {places}")
            }
            Self::OutOfRange => f.write_str("is out of range"),
        }
    }
}

/// An amount in minor units (cents). Its currency is stored beside it.
///
/// Invariant: its absolute value is at most [`Amount::MAX`], so that an IEEE double represents it
/// exactly (SQL values cross to and from SQLite as doubles).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Amount(i64);

impl Amount {
    pub const ZERO: Self = Self(0);
    /// 2^53 − 1 minor units.
    pub const MAX: i64 = 9_007_199_254_740_991;

    /// `None` beyond [`Amount::MAX`].
    pub const fn from_minor(minor: i64) -> Option<Self> {
        if minor > Self::MAX || minor < -Self::MAX { None } else { Some(Self(minor)) }
    }

    pub const fn minor(self) -> i64 {
        self.0
    }

    /// Reads decimal text: a JSON number or a decimal string (`19.9`, `-5`, `1e2`). Places beyond
    /// the currency's are accepted only if they are zeros.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, AmountError> {
        let places = currency.places();
        let Decimal { negative, digits, exponent } =
            Decimal::parse(text).ok_or(AmountError::Malformed)?;
        let digits = digits.trim_start_matches('0');
        if digits.is_empty() {
            return Ok(Self::ZERO);
        }
        let significant = digits.trim_end_matches('0');
        let zeros = i64::try_from(digits.len() - significant.len()).unwrap_or(i64::MAX);
        let shift = exponent.saturating_add(zeros).saturating_add(i64::from(places));
        if shift < 0 {
            return Err(AmountError::TooPrecise { places });
        }
        let scale = u32::try_from(shift).ok().and_then(|shift| 10_i64.checked_pow(shift));
        let minor = significant
            .parse::<i64>()
            .ok()
            .zip(scale)
            .and_then(|(value, scale)| value.checked_mul(scale))
            .and_then(Self::from_minor)
            .ok_or(AmountError::OutOfRange)?;
        Ok(if negative { Self(-minor.0) } else { minor })
    }

    /// Like [`Amount::parse`], but rounds half away from zero to the currency's places. Only for a
    /// sender's own computed fields, never for amounts paid.
    pub fn parse_rounded(text: &str, currency: Currency) -> Result<Self, AmountError> {
        match Self::parse(text, currency) {
            Err(AmountError::TooPrecise { places }) => {
                let Decimal { negative, digits, exponent } =
                    Decimal::parse(text).ok_or(AmountError::Malformed)?;
                let value: i128 = digits.parse().map_err(|_| AmountError::OutOfRange)?;
                let drop = exponent.checked_add(i64::from(places)).and_then(i64::checked_neg);
                let divisor = drop
                    .and_then(|drop| u32::try_from(drop).ok())
                    .and_then(|drop| 10_i128.checked_pow(drop));
                let minor = match divisor {
                    Some(divisor) => value.saturating_add(divisor / 2) / divisor,
                    None => 0,
                };
                let minor = i64::try_from(minor).ok().and_then(Self::from_minor);
                let minor = minor.ok_or(AmountError::OutOfRange)?;
                Ok(if negative { Self(-minor.0) } else { minor })
            }
            other => other,
        }
    }

    /// Decimal text with the currency's own number of places: `20.00`, `150`, `1.500`.
    pub fn format(self, currency: Currency) -> String {
        self.to_decimal(currency.places())
    }

    /// Decimal text with this number of places.
    pub fn to_decimal(self, places: u32) -> String {
        let unit = 10_u64.pow(places);
        let sign = if self.0 < 0 { "-" } else { "" };
        let magnitude = self.0.unsigned_abs();
        match places {
            0 => format!("{sign}{magnitude}"),
            _ => format!(
                "{sign}{}.{:0width$}",
                magnitude / unit,
                magnitude % unit,
                width = places as usize
            ),
        }
    }

    /// Reads what [`Amount::to_decimal`] writes: the amount, and the number of places.
    pub fn from_decimal(text: &str) -> Option<(Self, u32)> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let minor = format!("{whole}{fraction}").parse().ok().and_then(Self::from_minor)?;
        Some((minor, u32::try_from(fraction.len()).ok()?))
    }

    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).and_then(Self::from_minor)
    }

    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).and_then(Self::from_minor)
    }

    /// The sum, or `None` beyond [`Amount::MAX`].
    pub fn sum(amounts: impl IntoIterator<Item = Self>) -> Option<Self> {
        amounts.into_iter().try_fold(Self::ZERO, Self::checked_add)
    }

    #[must_use]
    pub const fn abs(self) -> Self {
        Self(self.0.abs())
    }

    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }
}

/// The quantity of an order line: a positive decimal with at most three places, stored in
/// thousandths, because shops also sell 0.5 kg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Quantity(i64);

impl Quantity {
    /// 1,000,000 pieces.
    pub const MAX: i64 = 1_000_000_000;

    /// Reads a decimal above 0, at most 1,000,000, with at most three places.
    pub fn parse(text: &str) -> Option<Self> {
        let Decimal { negative, digits, exponent } = Decimal::parse(text)?;
        let digits = digits.trim_start_matches('0');
        let significant = digits.trim_end_matches('0');
        let zeros = i64::try_from(digits.len() - significant.len()).ok()?;
        let shift = u32::try_from(exponent.checked_add(zeros)?.checked_add(3)?).ok()?;
        let thousandths =
            significant.parse::<i64>().ok()?.checked_mul(10_i64.checked_pow(shift)?)?;
        (!negative && thousandths > 0 && thousandths <= Self::MAX).then_some(Self(thousandths))
    }

    /// Quantity × unit price, rounded half away from zero to a minor unit.
    pub fn times(self, price: Amount) -> Option<Amount> {
        let product = i128::from(self.0) * i128::from(price.0);
        let half = if product < 0 { -500 } else { 500 };
        i64::try_from((product + half) / 1_000).ok().and_then(Amount::from_minor)
    }

    /// `amount` ÷ quantity, rounded half away from zero to a minor unit.
    pub fn divide(self, amount: Amount) -> Option<Amount> {
        let scaled = i128::from(amount.0) * 2_000;
        let half = i128::from(if amount.0 < 0 { -self.0 } else { self.0 });
        i64::try_from((scaled + half) / (2 * i128::from(self.0))).ok().and_then(Amount::from_minor)
    }
}

/// `2`, `0.5`
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 1_000, self.0 % 1_000);
        if rest == 0 {
            write!(f, "{whole}")
        } else {
            let rest = format!("{rest:03}");
            write!(f, "{whole}.{}", rest.trim_end_matches('0'))
        }
    }
}

/// The parts of a decimal number: (−1)^negative × digits × 10^exponent.
struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// The longest text that is parsed, in bytes; real amounts are far shorter.
    const MAX_TEXT: usize = 64;

    /// The grammar of a JSON number (RFC 8259 §6), leading zeros allowed.
    fn parse(text: &str) -> Option<Self> {
        if text.len() > Self::MAX_TEXT {
            return None;
        }
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => {
                let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
                if !is_digits(digits) {
                    return None;
                }
                (mantissa, exponent.parse::<i64>().ok()?)
            }
            None => (text, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) if is_digits(fraction) => (whole, fraction),
            Some(_) => return None,
            None => (mantissa, ""),
        };
        if !is_digits(whole) {
            return None;
        }
        let places = i64::try_from(fraction.len()).ok()?;
        Some(Self {
            negative,
            digits: format!("{whole}{fraction}"),
            exponent: exponent.checked_sub(places)?,
        })
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn currency(code: &str) -> Currency {
        Currency::parse(code).unwrap()
    }

    fn minor(text: &str, code: &str) -> Result<i64, AmountError> {
        Amount::parse(text, currency(code)).map(Amount::minor)
    }

    #[test]
    fn amounts_are_exact_in_their_currencys_minor_unit() {
        assert_eq!(minor("20.00", "USD"), Ok(2_000));
        assert_eq!(minor("20", "USD"), Ok(2_000));
        assert_eq!(minor("19.9", "USD"), Ok(1_990));
        assert_eq!(minor("0.29", "USD"), Ok(29));
        assert_eq!(minor("-54.43", "USD"), Ok(-5_443));
        assert_eq!(minor("150", "JPY"), Ok(150));
        assert_eq!(minor("1.005", "KWD"), Ok(1_005));
        assert_eq!(minor("1e2", "USD"), Ok(10_000));
        assert_eq!(minor("1.50E+1", "USD"), Ok(1_500));
        assert_eq!(minor("150.000", "JPY"), Ok(150));
        assert_eq!(minor("0e99", "USD"), Ok(0));
    }

    #[test]
    fn more_places_than_the_currency_has_are_refused_not_rounded() {
        assert_eq!(minor("1.005", "USD"), Err(AmountError::TooPrecise { places: 2 }));
        assert_eq!(minor("0.5", "JPY"), Err(AmountError::TooPrecise { places: 0 }));
        assert_eq!(minor("1e-3", "USD"), Err(AmountError::TooPrecise { places: 2 }));
    }

    #[test]
    fn text_that_is_no_amount_is_refused() {
        for text in ["", " ", "1,00", "1.", ".5", "+1", "1 ", "--1", "0x1", "NaN", "1e", "١"] {
            assert_eq!(minor(text, "USD"), Err(AmountError::Malformed), "{text:?}");
        }
        assert_eq!(minor("1e400", "USD"), Err(AmountError::OutOfRange));
        assert_eq!(minor("90071992547409.92", "USD"), Err(AmountError::OutOfRange));
        assert_eq!(minor("90071992547409.91", "USD"), Ok(Amount::MAX));
    }

    #[test]
    fn a_senders_computed_field_rounds_half_away_from_zero() {
        let rounded = |text| Amount::parse_rounded(text, currency("USD")).map(Amount::minor);
        assert_eq!(rounded("44.98666666666667"), Ok(4_499));
        assert_eq!(rounded("11.115"), Ok(1_112));
        assert_eq!(rounded("-11.115"), Ok(-1_112));
        assert_eq!(rounded("0.004"), Ok(0));
    }

    #[test]
    fn a_quantity_is_a_positive_decimal_of_three_places() {
        let read = |text| Quantity::parse(text).map(|quantity| quantity.to_string());
        assert_eq!(read("2").as_deref(), Some("2"));
        assert_eq!(read("0.50").as_deref(), Some("0.5"));
        assert_eq!(read("1e3").as_deref(), Some("1000"));
        for text in ["0", "-1", "0.0001", "1000001", "", "two"] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }

    #[test]
    fn only_currencies_in_use_are_known() {
        for code in ["usd", "US", "USDX", "XXX", "XAU", "   ", "ÄÖ"] {
            assert!(Currency::parse(code).is_none(), "{code:?}");
        }
        assert_eq!(currency("JPY").places(), 0);
        assert_eq!(currency("EUR").places(), 2);
        assert_eq!(currency("KWD").places(), 3);
        assert_eq!(currency("CLF").places(), 4);
    }

    proptest! {
        #[test]
        fn a_decimal_reads_back(value in -Amount::MAX..=Amount::MAX, places in 0..5_u32) {
            let amount = Amount(value);
            prop_assert_eq!(Amount::from_decimal(&amount.to_decimal(places)), Some((amount, places)));
        }

        #[test]
        fn a_formatted_amount_parses_back(value in -Amount::MAX..=Amount::MAX, code in prop::sample::select(vec!["JPY", "USD", "KWD", "CLF"])) {
            let amount = Amount::from_minor(value).unwrap();
            prop_assert_eq!(Amount::parse(&amount.format(currency(code)), currency(code)), Ok(amount));
        }

        #[test]
        fn no_text_makes_the_parsers_panic(text in ".{0,80}|-?[0-9]{1,40}(\\.[0-9]{1,40})?(e-?[0-9]{1,19})?", code in prop::sample::select(vec!["JPY", "USD", "CLF"])) {
            let _ = Amount::parse(&text, currency(code));
            let _ = Amount::parse_rounded(&text, currency(code));
            let _ = Quantity::parse(&text);
        }

        #[test]
        fn dividing_a_line_total_by_its_quantity_gives_the_price_back(pieces in 1..10_000_i64, price in 0..100_000_000_i64) {
            let quantity = Quantity::parse(&pieces.to_string()).unwrap();
            let price = Amount::from_minor(price).unwrap();
            prop_assert_eq!(quantity.times(price).and_then(|total| quantity.divide(total)), Some(price));
        }
    }
}
