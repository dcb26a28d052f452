//! `POST /integrations/v1/orders`: reads the gateway's own JSON into an [`OrderContent`] and checks
//! that its totals add up.

use crate::domain::metadata::{MAX_METADATA_DEPTH, Uncarriable, check_metadata};
use crate::domain::money::{Amount, Currency, Quantity};
use crate::domain::order::{
    Address, ClientDetails, OrderContent, OrderLine, OrderStatus, OrderTotals,
};
use crate::domain::rejection::Rejection;
use crate::domain::time::{DAY, Timestamp};

use crate::api::fields::{Fields, MAX_TEXT, Problems, is_email, note, parse_object};
#[cfg(test)]
use serde_json::json;

/// The most lines of an order.
pub const MAX_LINES: usize = 1_000;
/// The longest note, in characters.
const MAX_NOTE: usize = 5_000;
/// The most keys of `metadata`.
const MAX_METADATA_KEYS: usize = 50;
/// The most bytes of `metadata` as JSON.
const MAX_METADATA_BYTES: usize = 16 * 1024;

/// Reads an order, or returns all errors in it.
///
/// The defaults of omitted fields: `status` is `pending`; a line's `discount` and `tax` and the
/// order's `shipping_total` and `fee_total` are 0; a line's `total` and the order's `subtotal` are
/// computed; `tax_total` is the sum of the lines' taxes and `discount_total` the sum of their
/// discounts. Sums that are given must be correct.
pub fn read_order(body: &[u8], now: Timestamp) -> Result<OrderContent, Rejection> {
    let problems = Problems::default();
    let order = order(Fields::root(parse_object(body)?, &problems), &problems, now);
    problems.resolve(order)
}

/// Reads the fields of an order.
pub(crate) fn order(
    mut fields: Fields<'_>,
    problems: &Problems,
    now: Timestamp,
) -> Option<OrderContent> {
    let external_id = fields.identifier("external_id");
    let number = fields.text("number", MAX_TEXT);
    let status = fields
        .choice("status", OrderStatus::parse, &OrderStatus::ALL.map(OrderStatus::as_str).join(", "))
        .unwrap_or(OrderStatus::Pending);
    let currency = currency(&mut fields);
    let placed_at = plausible_time(&mut fields, "placed_at", now);
    let client = fields.object("client").and_then(client);
    let billing_address = fields.object("billing_address").map(address);
    let shipping_address = fields.object("shipping_address").map(address);
    let lines = fields.objects("lines", MAX_LINES).filter(|lines| !lines.is_empty());
    note!(fields, "lines", json!({ "minItems": 1 }));
    let lines: Option<Vec<Option<OrderLine>>> = fields
        .required("lines", lines)
        .map(|lines| lines.into_iter().map(|fields| line(fields, currency)).collect());
    let note = fields.text("note", MAX_NOTE);
    let metadata = fields.free_object("metadata").unwrap_or_default();
    note!(fields, "metadata", json!({ "maxProperties": MAX_METADATA_KEYS }));
    let bytes = serde_json::to_string(&metadata).map_or(0, |text| text.len());
    if metadata.len() > MAX_METADATA_KEYS || bytes > MAX_METADATA_BYTES {
        fields.problem("metadata", "too_long", "must have at most 50 keys and 16 KiB.");
    }
    for (name, value) in &metadata {
        let pointer = format!("/metadata/{}", name.replace('~', "~0").replace('/', "~1"));
        match check_metadata(name, value) {
            Ok(()) => {}
            Err(Uncarriable::TooDeep) => {
                let detail = format!("must nest at most {MAX_METADATA_DEPTH} levels deep.");
                problems.add(pointer, "too_deep", detail);
            }
            Err(Uncarriable::Name) => {
                problems.add(pointer, "invalid_name", "has a name that cannot be stored.");
            }
        }
    }
    let lines: Option<Vec<OrderLine>> = lines.and_then(|lines| lines.into_iter().collect());
    let totals = totals(&mut fields, currency, lines.as_deref());
    fields.finish();
    if !problems.is_empty() {
        return None;
    }
    Some(OrderContent {
        external_id,
        number,
        status,
        currency: currency?,
        placed_at,
        client,
        billing_address,
        shipping_address,
        lines: lines?,
        totals: totals?,
        note,
        metadata,
    })
}

/// A time at which something happened: not before 1970 and at most a day from now.
pub(crate) fn plausible_time(
    fields: &mut Fields<'_>,
    name: &str,
    now: Timestamp,
) -> Option<Timestamp> {
    fields.timestamp(name).filter(|at| {
        let plausible = *at >= Timestamp::from_millis(0) && *at <= now.plus(DAY);
        if !plausible {
            fields.problem(name, "out_of_range", "must lie between 1970 and a day from now.");
        }
        plausible
    })
}

fn currency(fields: &mut Fields<'_>) -> Option<Currency> {
    let code = fields.text("currency", MAX_TEXT);
    note!(fields, "currency", json!({ "pattern": "^[A-Z]{3}$", "maxLength": null }));
    let code = fields.required("currency", code)?;
    let currency = Currency::parse(&code);
    if currency.is_none() {
        fields.problem("currency", "invalid_currency", "must be an ISO 4217 code such as USD.");
    }
    currency
}

/// Reads a client; `None` if all its fields are absent.
pub(crate) fn client(mut fields: Fields<'_>) -> Option<ClientDetails> {
    let client = ClientDetails {
        external_id: fields.identifier("external_id"),
        email: email(&mut fields),
        name: fields.text("name", MAX_TEXT),
        phone: fields.text("phone", MAX_TEXT),
    };
    fields.finish();
    (client != ClientDetails::default()).then_some(client)
}

/// The e-mail address of a client, at most 254 characters (RFC 5321 §4.5.3.1). It stays as the shop
/// sent it, in whatever case: it is the shop's data. The address of an account is in lower case
/// (`procedures::arguments::email`).
fn email(fields: &mut Fields<'_>) -> Option<String> {
    let email = fields.text("email", 254);
    note!(fields, "email", json!({ "format": "email" }));
    let email = email?;
    if !is_email(&email) {
        fields.problem("email", "invalid_email", "must be an e-mail address.");
        return None;
    }
    Some(email)
}

fn address(mut fields: Fields<'_>) -> Address {
    let country = fields.text("country", MAX_TEXT).filter(|country| {
        let valid = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase());
        if !valid {
            let detail = "must be an ISO 3166-1 alpha-2 code such as US.";
            fields.problem("country", "invalid_country", detail);
        }
        valid
    });
    note!(fields, "country", json!({ "pattern": "^[A-Z]{2}$", "maxLength": null }));
    let address = Address {
        name: fields.text("name", MAX_TEXT),
        company: fields.text("company", MAX_TEXT),
        line1: fields.text("line1", MAX_TEXT),
        line2: fields.text("line2", MAX_TEXT),
        city: fields.text("city", MAX_TEXT),
        region: fields.text("region", MAX_TEXT),
        postal_code: fields.text("postal_code", MAX_TEXT),
        country,
        phone: fields.text("phone", MAX_TEXT),
    };
    fields.finish();
    address
}

fn line(mut fields: Fields<'_>, currency: Option<Currency>) -> Option<OrderLine> {
    let external_id = fields.identifier("external_id");
    let sku = fields.text("sku", MAX_TEXT);
    let name = fields.text("name", MAX_TEXT);
    let name = fields.required("name", name);
    let quantity = quantity(&mut fields);
    let unit_price = fields.amount("unit_price", currency);
    let unit_price = match currency {
        Some(_) => fields.required("unit_price", unit_price),
        None => None,
    };
    let discount = fields.amount("discount", currency).unwrap_or_default();
    let tax = fields.amount("tax", currency).unwrap_or_default();
    let given = fields.amount("total", currency);
    let total = line_total(&fields, currency, quantity, unit_price, discount, given);
    fields.finish();
    Some(OrderLine {
        external_id,
        sku,
        name: name?,
        quantity: quantity?,
        unit_price: unit_price?,
        discount,
        tax,
        total: total?,
    })
}

fn quantity(fields: &mut Fields<'_>) -> Option<Quantity> {
    let text = fields.decimal("quantity");
    note!(fields, "quantity", json!({ "exclusiveMinimum": 0, "maximum": 1_000_000 }));
    let quantity = Quantity::parse(&fields.required("quantity", text)?);
    if quantity.is_none() {
        fields.problem(
            "quantity",
            "invalid_quantity",
            "must be above 0, at most 1000000, with at most 3 decimal places.",
        );
    }
    quantity
}

/// Computes quantity × unit price − discount. `given` is the total in the body, which must equal
/// it.
fn line_total(
    fields: &Fields<'_>,
    currency: Option<Currency>,
    quantity: Option<Quantity>,
    unit_price: Option<Amount>,
    discount: Amount,
    given: Option<Amount>,
) -> Option<Amount> {
    let (currency, quantity, unit_price) = (currency?, quantity?, unit_price?);
    let Some(gross) = quantity.times(unit_price) else {
        fields.problem("total", "out_of_range", "is out of range.");
        return None;
    };
    let total = gross.checked_sub(discount).filter(|total| !total.is_negative());
    let Some(total) = total else {
        let detail = format!("must not exceed quantity × unit price ({}).", gross.format(currency));
        fields.problem("discount", "discount_too_large", detail);
        return None;
    };
    if let Some(given) = given.filter(|given| *given != total) {
        let sum =
            format!("{quantity} × {} − {}", unit_price.format(currency), discount.format(currency));
        fields.problem("total", "total_mismatch", mismatch(given, total, currency, &sum));
    }
    Some(total)
}

/// Reads the order's totals and checks them against the lines and against each other.
fn totals(
    fields: &mut Fields<'_>,
    currency: Option<Currency>,
    lines: Option<&[OrderLine]>,
) -> Option<OrderTotals> {
    let subtotal = fields.amount("subtotal", currency);
    let discount_total = fields.amount("discount_total", currency);
    let shipping_total = fields.amount("shipping_total", currency).unwrap_or_default();
    let fee_total = fields.amount("fee_total", currency).unwrap_or_default();
    let tax_total = fields.amount("tax_total", currency);
    let total = fields.amount("total", currency);
    let currency = currency?;
    let given_total = fields.required("total", total)?;
    let lines = lines?;
    let sum = |part: fn(&OrderLine) -> Amount| Amount::sum(lines.iter().map(part));
    let (Some(line_totals), Some(discounts), Some(taxes)) =
        (sum(|line| line.total), sum(|line| line.discount), sum(|line| line.tax))
    else {
        fields.problem("lines", "out_of_range", "add up to more than can be kept.");
        return None;
    };
    let computed_subtotal = line_totals.checked_add(discounts)?;
    if let Some(given) = subtotal.filter(|given| *given != computed_subtotal) {
        let detail =
            mismatch(given, computed_subtotal, currency, "quantity × unit price of all lines");
        fields.problem("subtotal", "total_mismatch", detail);
    }
    let discount_total =
        at_least_the_lines_sum(fields, "discount_total", discount_total, discounts, currency);
    let tax_total = at_least_the_lines_sum(fields, "tax_total", tax_total, taxes, currency);
    let order_discount = discount_total.checked_sub(discounts)?;
    let computed = Amount::sum([line_totals, shipping_total, fee_total, tax_total])
        .and_then(|sum| sum.checked_sub(order_discount));
    let Some(computed) = computed else {
        fields.problem("total", "out_of_range", "is out of range.");
        return None;
    };
    if given_total != computed {
        let sum = format!(
            "lines {} + shipping {} + fees {} + tax {} − order discount {}",
            line_totals.format(currency),
            shipping_total.format(currency),
            fee_total.format(currency),
            tax_total.format(currency),
            order_discount.format(currency),
        );
        fields.problem("total", "total_mismatch", mismatch(given_total, computed, currency, &sum));
    }
    Some(OrderTotals {
        subtotal: computed_subtotal,
        discount_total,
        shipping_total,
        fee_total,
        tax_total,
        total: computed,
    })
}

/// Returns a total of the order that includes the sum over its lines: `given`, or the lines' sum if
/// none was given. A total below the lines' sum is an error; a greater one is not.
fn at_least_the_lines_sum(
    fields: &Fields<'_>,
    name: &str,
    given: Option<Amount>,
    lines_sum: Amount,
    currency: Currency,
) -> Amount {
    let total = given.unwrap_or(lines_sum);
    if total < lines_sum {
        let detail = format!(
            "is {}, but the lines alone add up to {}.",
            total.format(currency),
            lines_sum.format(currency)
        );
        fields.problem(name, "total_mismatch", detail);
    }
    total
}

/// The text of a mismatch: `is 20.01, but lines 20.00 + … = 20.00: 0.01 too much.`
fn mismatch(given: Amount, computed: Amount, currency: Currency, sum: &str) -> String {
    let difference = given.minor().abs_diff(computed.minor());
    let difference =
        i64::try_from(difference).ok().and_then(Amount::from_minor).unwrap_or_default();
    format!(
        "is {}, but {sum} = {}: {} too {}.",
        given.format(currency),
        computed.format(currency),
        difference.format(currency),
        if given > computed { "much" } else { "little" }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rejection::Code;
    use serde_json::{Value, json};

    const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);

    fn read(body: &Value) -> Result<OrderContent, Rejection> {
        read_order(body.to_string().as_bytes(), NOW)
    }

    /// The pointer and the code of each error.
    fn problems(body: &Value) -> Vec<(String, String)> {
        let rejection = read(body).expect_err("must be rejected");
        assert_eq!(rejection.code, Code::ValidationFailed);
        rejection.errors.into_iter().map(|error| (error.pointer, error.code.into_owned())).collect()
    }

    fn problem(pointer: &str, code: &str) -> Vec<(String, String)> {
        vec![(pointer.to_owned(), code.to_owned())]
    }

    fn minimal_order() -> Value {
        json!({"external_id": "A-1", "currency": "USD", "total": "20.00",
               "lines": [{"name": "Thing", "quantity": 2, "unit_price": "10.00"}]})
    }

    /// A minimal order with one value added or replaced.
    fn order_with(pointer: &str, value: Value) -> Value {
        let mut body = minimal_order();
        match body.pointer_mut(pointer) {
            Some(field) => *field = value,
            None => {
                let (parent, name) = pointer.rsplit_once('/').unwrap();
                body.pointer_mut(parent).unwrap()[name] = value;
            }
        }
        body
    }

    #[test]
    fn a_minimal_order_is_accepted() {
        let order = read(&minimal_order()).unwrap();
        assert_eq!(order.totals.total.minor(), 2_000);
        assert_eq!(order.totals.subtotal.minor(), 2_000);
        assert_eq!(order.status, OrderStatus::Pending);
        assert_eq!(order.lines.len(), 1);
        assert_eq!(order.lines[0].total.minor(), 2_000);
    }

    #[test]
    fn a_complete_order_whose_totals_add_up_is_accepted() {
        let order = read(&json!({
            "external_id": "A-2", "number": "1002", "status": "processing", "currency": "USD",
            "placed_at": "2026-11-01T10:00:00+01:00",
            "client": {"external_id": "c-1", "email": "zoe@example.com", "name": "Zoë", "phone": "+1 555"},
            "billing_address": {"name": "Zoë", "line1": "969 Market", "city": "New York", "region": "NY", "postal_code": "10001", "country": "US"},
            "lines": [
                {"external_id": "1", "sku": "BPC", "name": "Vial", "quantity": 3, "unit_price": 49.99, "discount": "15.01", "tax": "11.98", "total": "134.96"},
                {"name": "By weight", "quantity": "0.5", "unit_price": "10.01"}
            ],
            "subtotal": "154.98", "discount_total": "20.01", "shipping_total": "9.95",
            "fee_total": "2.50", "tax_total": "13.08", "total": "160.50",
            "note": "Leave at door", "metadata": {"gift": true, "id": 820982911946154508_u64}
        }))
        .unwrap();
        assert_eq!(order.lines[1].total.minor(), 501);
        assert_eq!(order.totals.total.minor(), 16_050);
        assert_eq!(order.metadata["id"].to_string(), "820982911946154508");
    }

    #[test]
    fn a_total_that_does_not_add_up_is_reported_with_the_difference() {
        let rejection = read(&order_with("/total", json!("20.01"))).unwrap_err();
        assert_eq!(
            rejection.errors[0].detail,
            "is 20.01, but lines 20.00 + shipping 0.00 + fees 0.00 + tax 0.00 − order discount \
             0.00 = 20.00: 0.01 too much."
        );
        assert_eq!(
            problems(&order_with("/lines/0/total", json!(19.99))),
            problem("/lines/0/total", "total_mismatch")
        );
        assert_eq!(
            problems(&order_with("/subtotal", json!("1"))),
            problem("/subtotal", "total_mismatch")
        );
    }

    #[test]
    fn each_invalid_field_is_reported_by_its_pointer() {
        let cases = [
            ("/currency", json!("usd"), "invalid_currency"),
            ("/currency", json!(840), "invalid_type"),
            ("/currency", Value::Null, "required"),
            ("/total", Value::Null, "required"),
            ("/total", json!("20.001"), "invalid_amount"),
            ("/total", json!(true), "invalid_type"),
            ("/total", json!("-20.00"), "negative_amount"),
            ("/lines", json!([]), "required"),
            ("/lines", json!({}), "invalid_type"),
            ("/lines/0", json!("x"), "invalid_type"),
            ("/lines/0/name", json!(""), "required"),
            ("/lines/0/quantity", json!(0), "invalid_quantity"),
            ("/lines/0/quantity", json!("two"), "invalid_quantity"),
            ("/lines/0/unit_price", json!("ten"), "invalid_amount"),
            ("/lines/0/discount", json!("20.01"), "discount_too_large"),
            ("/lines/0/price", json!("10.00"), "unknown_field"),
            ("/status", json!("shipped"), "invalid_choice"),
            ("/placed_at", json!("2026-11-22 11:48"), "invalid_timestamp"),
            ("/placed_at", json!("2099-01-01T00:00:00Z"), "out_of_range"),
            ("/client", json!("Zoë"), "invalid_type"),
            ("/client", json!({"email": "zoe"}), "invalid_email"),
            ("/billing_address", json!({"country": "USA"}), "invalid_country"),
            ("/external_id", json!(""), "empty"),
            ("/external_id", json!(" A"), "invalid_text"),
            ("/external_id", json!("A".repeat(256)), "too_long"),
            ("/external_id", json!(15), "invalid_type"),
            ("/exernal_id", json!("A-1"), "unknown_field"),
            ("/tax_total", json!("x"), "invalid_amount"),
            ("/metadata", json!("x"), "invalid_type"),
            ("/metadata", json!({"k": "x".repeat(20_000)}), "too_long"),
            (
                "/metadata",
                json!({"k": (0..64).fold(json!(1), |value, _| json!([value]))}),
                "too_deep",
            ),
            (
                "/metadata",
                json!({"k": {"z": 1, "$serde_json::private::Number": "1"}}),
                "invalid_name",
            ),
        ];
        for (pointer, value, code) in cases {
            let found = problems(&order_with(pointer, value.clone()));
            assert!(
                found.iter().any(|(at, found)| at.starts_with(pointer) && found == code),
                "{pointer} = {value}: {found:?}"
            );
            assert_eq!(found.len(), 1, "{pointer} = {value}: {found:?}");
        }
    }

    #[test]
    fn all_problems_are_reported_at_once() {
        let found = problems(&json!({"currency": "USD", "lines": [{"quantity": -1}], "x~/y": 1}));
        let pointers: Vec<_> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert_eq!(
            pointers,
            ["/lines/0/name", "/lines/0/quantity", "/lines/0/unit_price", "/total", "/x~0~1y"]
        );
    }

    #[test]
    fn amounts_have_the_decimal_places_of_their_currency() {
        let mut yen = order_with("/currency", json!("JPY"));
        yen["lines"][0]["unit_price"] = json!("10");
        yen["total"] = json!(20);
        assert_eq!(read(&yen).unwrap().totals.total.minor(), 20);
        yen["total"] = json!("20.5");
        assert_eq!(problems(&yen), problem("/total", "invalid_amount"));
        let mut dinar = order_with("/currency", json!("KWD"));
        dinar["lines"][0]["unit_price"] = json!("0.001");
        dinar["total"] = json!(0.002);
        assert_eq!(read(&dinar).unwrap().totals.total.minor(), 2);
    }

    #[test]
    fn the_lines_taxes_may_not_exceed_the_tax_of_the_order() {
        let mut body = order_with("/lines/0/tax", json!("1.00"));
        body["tax_total"] = json!("0.50");
        body["total"] = json!("20.50");
        assert_eq!(problems(&body), problem("/tax_total", "total_mismatch"));
    }

    #[test]
    fn a_body_that_is_not_a_json_object_is_refused() {
        for body in ["", "[]", "1", "{", "{\"a\":1}x", "\u{feff}{}", "nul"] {
            let code = read_order(body.as_bytes(), NOW).unwrap_err().code;
            assert_eq!(code, Code::InvalidJson, "{body:?}");
        }
        assert_eq!(read_order(&[0xff, 0xfe], NOW).unwrap_err().code, Code::InvalidJson);
        let deep = "[".repeat(10_000);
        assert_eq!(read_order(deep.as_bytes(), NOW).unwrap_err().code, Code::InvalidJson);
    }

    proptest::proptest! {
        #[test]
        fn no_body_makes_it_panic(body in "\\PC{0,200}") {
            let _ = read_order(body.as_bytes(), NOW);
        }
    }
}
