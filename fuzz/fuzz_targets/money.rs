//! Fuzzes the parsers of amounts and quantities. What they accept is the same when written and parsed
//! again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_core::domain::money::{Amount, Currency, Quantity};

fuzz_target!(|text: &str| {
    let _ = Currency::parse(text);
    for currency in ["JPY", "USD", "KWD", "CLF"] {
        let currency = Currency::parse(currency).expect("a currency");
        let exact = Amount::parse(text, currency);
        if let Ok(amount) = exact {
            assert!(amount.minor().abs() <= Amount::MAX);
            assert_eq!(Amount::parse(&amount.format(currency), currency), Ok(amount));
            assert_eq!(Amount::parse_rounded(text, currency), Ok(amount));
        }
        if let Ok(amount) = Amount::parse_rounded(text, currency) {
            assert_eq!(Amount::parse(&amount.format(currency), currency), Ok(amount));
            for quantity in [1, 3, 500, 1_000_000_000].map(|q| format!("{q}e-3")) {
                let quantity = Quantity::parse(&quantity).expect("a quantity");
                let _ = (quantity.times(amount), quantity.divide(amount));
            }
        }
    }
    if let Some(quantity) = Quantity::parse(text) {
        assert_eq!(Quantity::parse(&quantity.to_string()), Some(quantity));
    }
});
