//! The hash of a creating command, by which a repetition is told from another command with the same
//! external id.
//!
//! A stored hash is `1:` and the SHA-256, in lower-case hex, of the command's canonical text of
//! version 1. The text has a line for the kind of command, then one for each field that has a value:
//! its path, the length of its value in bytes, and the value. A field without a value leaves no
//! trace, so a new optional field, whose absence means what commands meant before, changes no hash.
//! Anything else needs a version 2, beside version 1.

use std::fmt::{self, Write};

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::encoding;
use super::id::{OrderId, PaymentId};
use super::money::Amount;
use super::order::{Address, ClientDetails, OrderContent, OrderLine, OrderTotals};
use super::time::Timestamp;

/// A creating command. Its external id, if it has one, identifies it; the rest is compared.
#[derive(Clone, Copy, Debug)]
pub enum CreatingCommand<'a> {
    Order(&'a OrderContent),
    Payment {
        order: OrderId,
        amount: Amount,
        method: Option<&'a str>,
        paid_at: Option<Timestamp>,
    },
    Refund {
        payment: PaymentId,
        /// `None` means all that is not refunded yet.
        amount: Option<Amount>,
        reason: Option<&'a str>,
    },
}

const VERSION_1: &str = "1:";

impl CreatingCommand<'_> {
    /// The hash to store. Commands with the same meaning have the same hash, however their JSON was
    /// written.
    pub fn hash(self) -> String {
        format!("{VERSION_1}{}", sha256(self.canonical().as_bytes()))
    }

    /// Whether a stored hash, of this or of an older form, is that of this command.
    pub fn has_hash(self, stored: &str) -> bool {
        if stored.starts_with(VERSION_1) {
            stored == self.hash()
        } else {
            stored == self.unversioned_hash()
        }
    }

    fn canonical(self) -> String {
        let mut text = Canonical::default();
        match self {
            Self::Order(content) => {
                text.0.push_str("order\n");
                text.order(content);
            }
            Self::Payment { order, amount, method, paid_at } => {
                text.0.push_str("payment\n");
                text.text("order", Some(&order.to_string()));
                text.amount("amount", amount);
                text.text("method", method);
                text.number("paid_at", paid_at.map(Timestamp::millis));
            }
            Self::Refund { payment, amount, reason } => {
                text.0.push_str("refund\n");
                text.text("payment", Some(&payment.to_string()));
                text.number("amount", amount.map(Amount::minor));
                text.text("reason", reason);
            }
        }
        text.0
    }

    /// The form before versions: a hash of the command's JSON as it is stored. Ledgers hold such
    /// hashes of the commands of that time.
    fn unversioned_hash(self) -> String {
        match self {
            Self::Order(content) => {
                let mut content = content.clone();
                content.metadata.sort_keys();
                content.metadata.values_mut().for_each(Value::sort_all_objects);
                hash_of_json(&content)
            }
            Self::Payment { order, amount, method, paid_at } => {
                hash_of_json(&(order, amount, method, paid_at))
            }
            Self::Refund { payment, amount, reason } => {
                hash_of_json(&(payment.row, amount, reason))
            }
        }
    }
}

/// The canonical text of version 1. Never change what it writes.
#[derive(Default)]
struct Canonical(String);

impl Canonical {
    fn text(&mut self, path: impl fmt::Display, value: Option<&str>) {
        if let Some(value) = value {
            // Writing to a string cannot fail.
            let _ = writeln!(self.0, "{path} {} {value}", value.len());
        }
    }

    fn number(&mut self, path: impl fmt::Display, value: Option<i64>) {
        self.text(path, value.map(|value| value.to_string()).as_deref());
    }

    /// An amount, in minor units.
    fn amount(&mut self, path: impl fmt::Display, amount: Amount) {
        self.number(path, Some(amount.minor()));
    }

    fn order(&mut self, content: &OrderContent) {
        let OrderContent {
            external_id,
            number,
            status,
            currency,
            placed_at,
            client,
            billing_address,
            shipping_address,
            lines,
            totals,
            note,
            metadata,
        } = content;
        self.text("external_id", external_id.as_deref());
        self.text("number", number.as_deref());
        self.text("status", Some(status.as_str()));
        self.text("currency", Some(currency.as_str()));
        self.number("placed_at", placed_at.map(Timestamp::millis));
        if let Some(client) = client {
            self.client(client);
        }
        for (path, address) in
            [("billing_address", billing_address), ("shipping_address", shipping_address)]
        {
            if let Some(address) = address {
                self.address(path, address);
            }
        }
        for (index, line) in lines.iter().enumerate() {
            self.line(index, line);
        }
        self.totals(*totals);
        self.text("note", note.as_deref());
        if !metadata.is_empty() {
            let mut metadata = Value::Object(metadata.clone());
            metadata.sort_all_objects();
            self.text("metadata", Some(&metadata.to_string()));
        }
    }

    fn client(&mut self, client: &ClientDetails) {
        let ClientDetails { external_id, email, name, phone } = client;
        self.text("client.external_id", external_id.as_deref());
        self.text("client.email", email.as_deref());
        self.text("client.name", name.as_deref());
        self.text("client.phone", phone.as_deref());
    }

    fn address(&mut self, path: &str, address: &Address) {
        let Address { name, company, line1, line2, city, region, postal_code, country, phone } =
            address;
        for (part, value) in [
            ("name", name),
            ("company", company),
            ("line1", line1),
            ("line2", line2),
            ("city", city),
            ("region", region),
            ("postal_code", postal_code),
            ("country", country),
            ("phone", phone),
        ] {
            self.text(format_args!("{path}.{part}"), value.as_deref());
        }
    }

    fn line(&mut self, index: usize, line: &OrderLine) {
        let OrderLine { external_id, sku, name, quantity, unit_price, discount, tax, total } = line;
        self.text(format_args!("lines.{index}.external_id"), external_id.as_deref());
        self.text(format_args!("lines.{index}.sku"), sku.as_deref());
        self.text(format_args!("lines.{index}.name"), Some(name));
        self.text(format_args!("lines.{index}.quantity"), Some(&quantity.to_string()));
        self.amount(format_args!("lines.{index}.unit_price"), *unit_price);
        self.amount(format_args!("lines.{index}.discount"), *discount);
        self.amount(format_args!("lines.{index}.tax"), *tax);
        self.amount(format_args!("lines.{index}.total"), *total);
    }

    fn totals(&mut self, totals: OrderTotals) {
        let OrderTotals { subtotal, discount_total, shipping_total, fee_total, tax_total, total } =
            totals;
        self.amount("subtotal", subtotal);
        self.amount("discount_total", discount_total);
        self.amount("shipping_total", shipping_total);
        self.amount("fee_total", fee_total);
        self.amount("tax_total", tax_total);
        self.amount("total", total);
    }
}

fn hash_of_json(command: &impl Serialize) -> String {
    // Serialising these types cannot fail: their maps have string keys.
    sha256(&serde_json::to_vec(command).unwrap_or_default())
}

fn sha256(bytes: &[u8]) -> String {
    encoding::hex(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::orders::input::read_order;
    use crate::domain::id::{SequenceId, StoreId};

    const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);

    const EVERY_FIELD: &[u8] = r#"{"external_id":"A-1","number":"1001","status":"on_hold",
        "currency":"KWD","placed_at":"2026-11-18T10:00:00Z",
        "client":{"external_id":"c-1","email":"zoe@example.com","name":"Zoë","phone":"+1 555"},
        "billing_address":{"name":"Zoë","company":"Acme","line1":"1 Main St","line2":"Flat 2",
            "city":"Berlin","region":"BE","postal_code":"10115","country":"DE","phone":"+49 1"},
        "shipping_address":{"city":"Paris"},
        "lines":[{"external_id":"l-1","sku":"S","name":"Thing","quantity":0.5,"unit_price":"3.000",
            "discount":"0.250","tax":"0.100"}, {"name":"Other","quantity":2,"unit_price":1}],
        "shipping_total":"2.000","fee_total":"0.500","discount_total":"0.750","tax_total":"0.100",
        "total":"5.350","note":"Ring\ntwice","metadata":{"z":1.50,"a":{"y":"é","b":[1,null]}}}"#
        .as_bytes();

    const LEAST: &[u8] = br#"{"external_id":"A-1","currency":"USD","total":"20.00",
        "lines":[{"name":"Thing","quantity":2,"unit_price":"10.00"}]}"#;

    fn order(body: &[u8]) -> OrderContent {
        read_order(body, NOW).unwrap()
    }

    fn payment(method: Option<&str>, paid_at: Option<Timestamp>) -> CreatingCommand<'_> {
        let order = OrderId::new(StoreId::from_random([7; 10]), SequenceId::at(NOW));
        CreatingCommand::Payment {
            order,
            amount: Amount::from_minor(2_000).unwrap(),
            method,
            paid_at,
        }
    }

    fn refund(amount: Option<i64>, reason: Option<&str>) -> CreatingCommand<'_> {
        let payment = PaymentId::new(StoreId::from_random([7; 10]), SequenceId::at(NOW));
        CreatingCommand::Refund { payment, amount: amount.and_then(Amount::from_minor), reason }
    }

    /// Golden vectors: stores hold these hashes. They never change, whatever fields commands gain;
    /// a change here turns retries of accepted commands into conflicts.
    #[test]
    fn the_hashes_of_version_1_and_of_the_form_before_are_frozen() {
        let (least, every_field) = (order(LEAST), order(EVERY_FIELD));
        for (command, hash, unversioned) in [
            (
                CreatingCommand::Order(&least),
                "1:0ee848a3cd503b032750540b8586c5928c40353de71cc923c6f6009ac5aa240d",
                "09b5f0cbd1e113fedeb2c1aa8f6f873e7711570e403dfababec912365a87f006",
            ),
            (
                CreatingCommand::Order(&every_field),
                "1:b96c36109892733169ee1ea7f7d3f6fe5ad6e87f0ff8357ccd3051f1456585de",
                "9417a39073301b0720701634af8e1e0bdf1cd5bae61f9bf5a17e84628065206d",
            ),
            (
                payment(None, None),
                "1:a2e2c29d04114314906e1c57923f741138cc9ba1fd962e2917a8a9fc904dce12",
                "8424aaea047c99c8d3136af635dc7294ce892e7e8b35858a65a319bbb14eaf88",
            ),
            (
                payment(Some("card"), Some(NOW)),
                "1:306081e15c07e5f0f73db95f72958e7fb4c254fc7e02ddc0a5274c5c49c6585a",
                "d4522afff610a860164a985f90f3f5bb4c6a918f14ead5da179c2cf85c7c01a0",
            ),
            (
                refund(None, None),
                "1:43390a7c675994921962ad11e9ece96ee90bead5af12063b43be6f9cbf69d992",
                "bd07145e6a4b74ffb3438dea7a8875a8f6987c820a31b7976b0cf02aad02cbe5",
            ),
            (
                refund(Some(550), Some("One broke")),
                "1:230c84e34824a27815f1f2a095b09e6983e5cb4fbdd9facbf4d9fb8de3c0628b",
                "af737cf797ed44f7ee3966ef0ee650b73aedd0b46fc20b4c5e48578c4f076940",
            ),
        ] {
            assert_eq!(command.hash(), hash, "{command:?}");
            assert_eq!(command.unversioned_hash(), unversioned, "{command:?}");
            assert!(command.has_hash(hash) && command.has_hash(unversioned), "{command:?}");
        }
    }

    #[test]
    fn fields_without_a_value_leave_no_trace() {
        assert_eq!(
            CreatingCommand::Order(&order(LEAST)).canonical(),
            "order\nexternal_id 3 A-1\nstatus 7 pending\ncurrency 3 USD\nlines.0.name 5 Thing\n\
             lines.0.quantity 1 2\nlines.0.unit_price 4 1000\nlines.0.discount 1 0\n\
             lines.0.tax 1 0\nlines.0.total 4 2000\nsubtotal 4 2000\ndiscount_total 1 0\n\
             shipping_total 1 0\nfee_total 1 0\ntax_total 1 0\ntotal 4 2000\n"
        );
    }

    #[test]
    fn the_order_of_metadata_does_not_matter_and_every_value_does() {
        let hash = |body: &[u8]| CreatingCommand::Order(&order(body)).hash();
        let body = String::from_utf8(EVERY_FIELD.to_vec()).unwrap();
        let sorted = body.replace(
            r#"{"z":1.50,"a":{"y":"é","b":[1,null]}}"#,
            r#"{"a":{"b":[1,null],"y":"é"},"z":1.50}"#,
        );
        assert_eq!(hash(sorted.as_bytes()), hash(EVERY_FIELD));
        for (from, to) in
            [("1001", "1002"), ("on_hold", "pending"), ("Flat 2", "Flat 3"), ("1,null", "1")]
        {
            let other = body.replace(from, to);
            assert_ne!(hash(other.as_bytes()), hash(EVERY_FIELD), "{from}");
        }
        assert_ne!(payment(None, None).hash(), refund(Some(2_000), None).hash());
        assert!(!payment(None, None).has_hash(&payment(Some("card"), None).hash()));
    }
}
