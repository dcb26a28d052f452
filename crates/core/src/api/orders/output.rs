//! An order in the APIs' responses.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::api::output::{CreatedBy, Money, Rfc3339};
use crate::api::payments::output::{PaymentEntry, RefundEntry, payments, refunds};
use crate::domain::credential::KeyId;
use crate::domain::id::{ClientId, OrderId};
use crate::domain::key::Source;
use crate::domain::money::{Currency, Quantity};
use crate::domain::order::{Address, ClientDetails, OrderContent, OrderLine, OrderStatus};
use crate::domain::record::StoredOrder;

/// The JSON of an order. Amounts are decimal strings with the currency's number of decimal places.
/// Fields without a value are `null`, so that every order has the same fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderOut<'a> {
    pub id: OrderId,
    pub external_id: Option<Cow<'a, str>>,
    pub number: Option<Cow<'a, str>>,
    pub status: OrderStatus,
    pub source: Source,
    /// `None` if something else than an integration key created the order.
    pub key_id: Option<Cow<'a, KeyId>>,
    /// `None` only in replies of ledgers of the version before.
    #[serde(default)]
    pub created_by: Option<CreatedBy>,
    pub currency: Currency,
    pub placed_at: Rfc3339,
    pub client: Option<ClientOut<'a>>,
    pub billing_address: Option<Cow<'a, Address>>,
    pub shipping_address: Option<Cow<'a, Address>>,
    pub lines: Vec<LineOut<'a>>,
    pub subtotal: Money,
    pub discount_total: Money,
    pub shipping_total: Money,
    pub fee_total: Money,
    pub tax_total: Money,
    pub total: Money,
    pub paid_total: Money,
    pub refunded_total: Money,
    pub payments: Vec<PaymentEntry<'a>>,
    pub refunds: Vec<RefundEntry<'a>>,
    pub cancelled_at: Option<Rfc3339>,
    pub cancel_reason: Option<Cow<'a, str>>,
    pub note: Option<Cow<'a, str>>,
    pub metadata: Cow<'a, Map<String, Value>>,
    pub created_at: Rfc3339,
    pub updated_at: Rfc3339,
}

/// The client within an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientOut<'a> {
    /// `None` if nothing identifies the client.
    pub id: Option<ClientId>,
    pub external_id: Option<Cow<'a, str>>,
    pub email: Option<Cow<'a, str>>,
    pub name: Option<Cow<'a, str>>,
    pub phone: Option<Cow<'a, str>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineOut<'a> {
    pub external_id: Option<Cow<'a, str>>,
    pub sku: Option<Cow<'a, str>>,
    pub name: Cow<'a, str>,
    pub quantity: Count,
    pub unit_price: Money,
    pub discount: Money,
    pub tax: Money,
    pub total: Money,
}

/// A quantity, serialised as a JSON number with its own digits: `2` or `0.5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count(pub Quantity);

impl Serialize for Count {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number: Result<serde_json::Number, _> = self.0.to_string().parse();
        number.map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let number = serde_json::Number::deserialize(from)?;
        let quantity = Quantity::parse(&number.to_string());
        quantity.map(Self).ok_or_else(|| serde::de::Error::custom("not a quantity"))
    }
}

impl<'a> From<&'a StoredOrder> for OrderOut<'a> {
    fn from(order: &'a StoredOrder) -> Self {
        let StoredOrder {
            id,
            source,
            created_by,
            client_id,
            content,
            created: _,
            reported,
            payments: _,
            refunds: _,
            created_at,
            updated_at,
        } = order;
        let account = order.account();
        let OrderContent {
            external_id,
            number,
            status: _,
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
        let money = |amount| Money::new(amount, *currency);
        Self {
            id: *id,
            external_id: external_id.as_deref().map(Cow::from),
            number: number.as_deref().map(Cow::from),
            status: order.status(),
            source: *source,
            key_id: created_by.integration_key().map(Cow::Borrowed),
            created_by: Some(created_by.into()),
            currency: *currency,
            placed_at: Rfc3339(placed_at.unwrap_or(*created_at)),
            client: client.as_ref().map(|client| client_out(client, *client_id)),
            billing_address: billing_address.as_ref().map(Cow::Borrowed),
            shipping_address: shipping_address.as_ref().map(Cow::Borrowed),
            lines: lines.iter().map(|line| line_out(line, *currency)).collect(),
            subtotal: money(totals.subtotal),
            discount_total: money(totals.discount_total),
            shipping_total: money(totals.shipping_total),
            fee_total: money(totals.fee_total),
            tax_total: money(totals.tax_total),
            total: money(totals.total),
            paid_total: money(account.paid_total()),
            refunded_total: money(account.refunded_total()),
            payments: payments(order),
            refunds: refunds(order),
            cancelled_at: reported.local.cancelled_at.map(Rfc3339),
            cancel_reason: reported.local.cancel_reason.as_deref().map(Cow::from),
            note: note.as_deref().map(Cow::from),
            metadata: Cow::Borrowed(metadata),
            created_at: Rfc3339(*created_at),
            updated_at: Rfc3339(*updated_at),
        }
    }
}

/// The names of the fields that differ between two states of a resource, as it is serialised,
/// without `updated_at`.
pub fn changed_fields<T: Serialize>(before: &T, after: &T) -> Vec<String> {
    let fields = |state: &T| match serde_json::to_value(state) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    let before = fields(before);
    fields(after)
        .into_iter()
        .filter(|(name, value)| name != "updated_at" && before.get(name) != Some(value))
        .map(|(name, _)| name)
        .collect()
}

fn client_out(client: &ClientDetails, id: Option<ClientId>) -> ClientOut<'_> {
    let ClientDetails { external_id, email, name, phone } = client;
    ClientOut {
        id,
        external_id: external_id.as_deref().map(Cow::from),
        email: email.as_deref().map(Cow::from),
        name: name.as_deref().map(Cow::from),
        phone: phone.as_deref().map(Cow::from),
    }
}

fn line_out(line: &OrderLine, currency: Currency) -> LineOut<'_> {
    let OrderLine { external_id, sku, name, quantity, unit_price, discount, tax, total } = line;
    LineOut {
        external_id: external_id.as_deref().map(Cow::from),
        sku: sku.as_deref().map(Cow::from),
        name: Cow::from(name.as_str()),
        quantity: Count(*quantity),
        unit_price: Money::new(*unit_price, currency),
        discount: Money::new(*discount, currency),
        tax: Money::new(*tax, currency),
        total: Money::new(*total, currency),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::orders::input::read_order;
    use crate::domain::author::Author;
    use crate::domain::credential::{GateName, TagKeys};
    use crate::domain::id::{SequenceId, StoreId};
    use crate::domain::money::Amount;
    use crate::domain::order::ReportedRefund;
    use crate::domain::reported::SenderReported;
    use crate::domain::time::Timestamp;
    use serde_json::json;

    fn stored_order() -> StoredOrder {
        let now = Timestamp::from_millis(1_795_000_000_000);
        let body = br#"{"external_id":"A-1","currency":"KWD","total":"1.5","client":{"email":"z@example.com"},
            "lines":[{"name":"Thing","quantity":0.5,"unit_price":3}]}"#;
        StoredOrder {
            id: OrderId::new(StoreId::from_random([0; 10]), SequenceId::at(now)),
            source: Source::Custom,
            created_by: Author::IntegrationKey(KeyId::mint(
                GateName::from_bytes([0; 12]),
                &TagKeys::parse(&"00".repeat(32)).unwrap(),
            )),
            client_id: None,
            content: read_order(body, now).unwrap(),
            created: None,
            reported: SenderReported {
                payments: vec![],
                refunds: vec![ReportedRefund {
                    external_id: Some("9".into()),
                    reason: None,
                    amount: Amount::from_minor(250).unwrap(),
                }],
                ..SenderReported::default()
            },
            payments: vec![],
            refunds: vec![],
            created_at: now,
            updated_at: now,
        }
    }

    #[test]
    fn the_names_of_changed_fields_are_those_of_the_json() {
        let before = stored_order();
        let mut after = before.clone();
        after.updated_at = after.updated_at.plus(1);
        let changed =
            |after: &StoredOrder| changed_fields(&OrderOut::from(&before), &OrderOut::from(after));
        assert!(changed(&after).is_empty());
        after.reported.refunds.clear();
        after.reported.local.status = Some(OrderStatus::Cancelled);
        assert_eq!(changed(&after), ["status", "refunded_total", "refunds"]);
    }

    #[test]
    fn an_order_is_read_as_it_was_written() {
        let order = stored_order();
        let written = OrderOut::from(&order);
        let json = serde_json::to_value(&written).unwrap();
        assert_eq!(serde_json::from_value::<OrderOut<'_>>(json).unwrap(), written);
    }

    #[test]
    fn the_json_of_an_order_has_every_field() {
        let order = stored_order();
        let at = order.created_at.to_rfc3339();
        let key_id = order.created_by.integration_key();
        assert_eq!(
            serde_json::to_value(OrderOut::from(&order)).unwrap(),
            json!({
                "id": order.id, "external_id": "A-1", "number": null, "status": "pending",
                "source": "custom", "key_id": key_id,
                "created_by": {"kind": "integration_key", "id": key_id},
                "currency": "KWD", "placed_at": at,
                "client": {"id": null, "external_id": null, "email": "z@example.com", "name": null, "phone": null},
                "billing_address": null, "shipping_address": null,
                "lines": [{"external_id": null, "sku": null, "name": "Thing", "quantity": 0.5,
                    "unit_price": "3.000", "discount": "0.000", "tax": "0.000", "total": "1.500"}],
                "subtotal": "1.500", "discount_total": "0.000", "shipping_total": "0.000",
                "fee_total": "0.000", "tax_total": "0.000", "total": "1.500",
                "paid_total": "0.000", "refunded_total": "0.250", "payments": [],
                "refunds": [{"id": null, "payment_id": null, "external_id": "9", "amount": "0.250",
                    "reason": null, "status": "completed"}],
                "cancelled_at": null, "cancel_reason": null,
                "note": null, "metadata": {}, "created_at": at, "updated_at": at,
            })
        );
    }
}
