//! The request bodies of the integration API: reads each command's JSON into a [`Write`].

#[cfg(test)]
use serde_json::json;
use serde_json::{Map, Value};

use super::fields::{Fields, MAX_TEXT, Problems, note};
use super::orders::input::{client, order, plausible_time};
use crate::domain::id::{Kind, Order, PaymentKind, StoreId};
use crate::domain::money::Currency;
use crate::domain::rejection::{Code, FieldError, Rejection};
use crate::domain::time::Timestamp;
use crate::domain::write::{Command, NewPayment, NewRefund, Target, Write};

/// The longest reason of a cancellation or a refund, in characters.
const MAX_REASON: usize = 500;

/// The parts of a request, besides its body, that reading the body depends on.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The order or payment in the path or in the line of a batch, percent-decoded.
    pub target: Option<&'a str>,
    pub store: StoreId,
    pub has_idempotency_key: bool,
    pub now: Timestamp,
}

/// Reads the body of a command.
///
/// # Errors
/// 422 with an error and JSON Pointer for each invalid field; 404 if the target cannot be an order
/// or payment of this store.
pub fn read_write(
    command: Command,
    body: Map<String, Value>,
    context: Context<'_>,
) -> Result<Write, Rejection> {
    let problems = Problems::default();
    let fields = Fields::root(body, &problems);
    let write = match command {
        Command::CreateOrder => order(fields, &problems, context.now)
            .map(|order| Write::CreateOrder { order: Box::new(order) }),
        Command::CancelOrder => {
            let order = target::<Order>(context, "order")?;
            cancellation(fields).map(|reason| Write::CancelOrder { order, reason })
        }
        Command::CreatePayment => {
            let order = target::<Order>(context, "order")?;
            payment(fields, context.now).map(|payment| Write::CreatePayment { order, payment })
        }
        Command::CreateRefund => {
            let payment = target::<PaymentKind>(context, "payment")?;
            refund(fields).map(|refund| Write::CreateRefund { payment, refund })
        }
        Command::UpsertClient => {
            identified_client(fields, &problems).map(|client| Write::UpsertClient { client })
        }
    };
    let write = problems.resolve(write)?;
    if command.creates() && write.external_id().is_none() && !context.has_idempotency_key {
        return Err(Rejection::fields(vec![FieldError {
            pointer: "/external_id".to_owned(),
            code: "required".into(),
            detail: "is required, or an Idempotency-Key header: without either, a repeated request would do it twice.".to_owned(),
        }]));
    }
    Ok(write)
}

fn target<K: Kind>(context: Context<'_>, what: &str) -> Result<Target, Rejection> {
    context
        .target
        .and_then(|text| Target::parse::<K>(text, context.store))
        .ok_or_else(|| Rejection::new(Code::NotFound, format!("There is no such {what}.")))
}

fn cancellation(mut fields: Fields<'_>) -> Option<String> {
    let reason = fields.text("reason", MAX_REASON);
    let reason = fields.required("reason", reason);
    fields.finish();
    reason
}

fn payment(mut fields: Fields<'_>, now: Timestamp) -> Option<NewPayment> {
    let external_id = fields.identifier("external_id");
    let amount = fields.decimal("amount");
    note!(fields, "amount", json!({ "exclusiveMinimum": 0 }));
    let amount = fields.required("amount", amount);
    let payment = NewPayment {
        external_id,
        amount: amount.unwrap_or_default(),
        currency: currency(&mut fields),
        method: fields.text("method", MAX_TEXT),
        paid_at: plausible_time(&mut fields, "paid_at", now),
    };
    fields.finish();
    Some(payment)
}

fn refund(mut fields: Fields<'_>) -> Option<NewRefund> {
    note!(fields, "amount", json!({ "exclusiveMinimum": 0 }));
    let refund = NewRefund {
        external_id: fields.identifier("external_id"),
        amount: fields.decimal("amount"),
        currency: currency(&mut fields),
        reason: fields.text("reason", MAX_REASON),
    };
    fields.finish();
    Some(refund)
}

/// An optional currency.
fn currency(fields: &mut Fields<'_>) -> Option<Currency> {
    let code = fields.text("currency", MAX_TEXT);
    note!(fields, "currency", json!({ "pattern": "^[A-Z]{3}$", "maxLength": null }));
    let code = code?;
    let currency = Currency::parse(&code);
    if currency.is_none() {
        fields.problem("currency", "invalid_currency", "must be an ISO 4217 code such as USD.");
    }
    currency
}

fn identified_client(
    fields: Fields<'_>,
    problems: &Problems,
) -> Option<crate::domain::order::ClientDetails> {
    let client = client(fields).unwrap_or_default();
    if !client.is_identified() && problems.is_empty() {
        let detail = "is required, or email: one of them tells this client from others.";
        problems.add("/external_id", "required", detail);
    }
    Some(client)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::{OrderId, PaymentId, SequenceId};

    const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);

    fn read(command: Command, target: Option<&str>, body: Value) -> Result<Write, Rejection> {
        let Value::Object(body) = body else { panic!("not an object") };
        let store = StoreId::from_random([7; 10]);
        read_write(command, body, Context { target, store, has_idempotency_key: false, now: NOW })
    }

    fn problems(command: Command, target: Option<&str>, body: Value) -> Vec<(String, String)> {
        let rejection = read(command, target, body).unwrap_err();
        assert_eq!(rejection.code, Code::ValidationFailed);
        rejection.errors.into_iter().map(|e| (e.pointer, e.code.into_owned())).collect()
    }

    fn one(pointer: &str, code: &str) -> Vec<(String, String)> {
        vec![(pointer.to_owned(), code.to_owned())]
    }

    #[test]
    fn a_target_is_an_id_of_this_store_or_an_external_id() {
        let row = SequenceId::at(NOW);
        let body = || json!({"reason": "Out of stock"});
        let named = |id: &str| -> Result<Target, Rejection> {
            match read(Command::CancelOrder, Some(id), body())? {
                Write::CancelOrder { order, .. } => Ok(order),
                other => panic!("{other:?}"),
            }
        };
        let own = OrderId::new(StoreId::from_random([7; 10]), row);
        assert_eq!(named(&own.to_string()), Ok(Target::Id(row)));
        assert_eq!(named("external:A/1"), Ok(Target::External("A/1".into())));
        let foreign = OrderId::new(StoreId::from_random([8; 10]), row).to_string();
        let payment = PaymentId::new(StoreId::from_random([7; 10]), row).to_string();
        for id in [foreign.as_str(), &payment, "external:", "A-1", ""] {
            assert_eq!(named(id).unwrap_err().code, Code::NotFound, "{id:?}");
        }
    }

    #[test]
    fn each_body_has_its_required_and_known_fields() {
        let order = Some("external:A-1");
        assert_eq!(problems(Command::CancelOrder, order, json!({})), one("/reason", "required"));
        let unknown = json!({"reason": "x", "why": "y"});
        assert_eq!(problems(Command::CancelOrder, order, unknown), one("/why", "unknown_field"));
        let payment = json!({"external_id": "p-1"});
        assert_eq!(problems(Command::CreatePayment, order, payment), one("/amount", "required"));
        let payment = json!({"amount": "5.00"});
        assert_eq!(
            problems(Command::CreatePayment, order, payment),
            one("/external_id", "required")
        );
        let payment = json!({"external_id": "p", "amount": "5", "currency": "usd"});
        assert_eq!(
            problems(Command::CreatePayment, order, payment),
            one("/currency", "invalid_currency")
        );
        assert!(read(Command::CreateRefund, order, json!({"external_id": "r"})).is_ok());
        assert_eq!(
            problems(Command::UpsertClient, None, json!({"name": "Zoë"})),
            one("/external_id", "required")
        );
        assert!(read(Command::UpsertClient, None, json!({"email": "zoe@example.com"})).is_ok());
    }
}
