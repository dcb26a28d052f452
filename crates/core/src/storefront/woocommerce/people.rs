//! Clients, the buyer of an order, and postal addresses.

use super::Field;
use super::version;
use crate::domain::event::Unmappable;
use crate::domain::order::{Address, ClientDetails, ClientSnapshot};

/// The client in a `customer.created` or `customer.updated` body. WooCommerce sends these for every
/// registration, including those of staff.
pub(super) fn client(root: &Field<'_>, body: &[u8]) -> Result<ClientSnapshot, Unmappable> {
    root.require_members(&["id", "email", "username"], "a client")?;
    let billing = root.object("billing")?;
    let name = match full_name(root)? {
        Some(name) => Some(name),
        None => full_name(&billing)?.or(root.get("username").text()?),
    };
    Ok(ClientSnapshot {
        details: ClientDetails {
            external_id: Some(root.get("id").required(Field::id)?),
            email: root.get("email").text()?,
            name,
            phone: billing.get("phone").text()?,
        },
        version: version(root, body, 0, 0)?,
    })
}

/// Who placed an order: the id of the registered client, if there is one (a guest's `customer_id`
/// is 0), with the name and contact given for this order.
pub(super) fn buyer(order: &Field<'_>) -> Result<Option<ClientDetails>, Unmappable> {
    let billing = order.object("billing")?;
    let buyer = ClientDetails {
        external_id: order.get("customer_id").id()?,
        email: billing.get("email").text()?,
        name: full_name(&billing)?.or(full_name(&order.object("shipping")?)?),
        phone: billing.get("phone").text()?,
    };
    Ok((buyer != ClientDetails::default()).then_some(buyer))
}

/// `None` if every part is empty, as in the shipping address of a download.
pub(super) fn address(part: &Field<'_>) -> Result<Option<Address>, Unmappable> {
    let address = Address {
        name: full_name(part)?,
        company: part.get("company").text()?,
        line1: part.get("address_1").text()?,
        line2: part.get("address_2").text()?,
        city: part.get("city").text()?,
        region: part.get("state").text()?,
        postal_code: part.get("postcode").text()?,
        country: part.get("country").text()?,
        phone: part.get("phone").text()?,
    };
    Ok((address != Address::default()).then_some(address))
}

fn full_name(person: &Field<'_>) -> Result<Option<String>, Unmappable> {
    person.full_name("first_name", "last_name")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn name_of(body: &Value) -> Option<String> {
        client(&Field::root(body), b"").unwrap().details.name
    }

    #[test]
    fn a_clients_name_is_its_own_else_its_billing_name_else_its_username() {
        let mut body = json!({
            "id": 3, "email": "", "username": "sub", "first_name": "Jo", "last_name": "",
            "billing": {"first_name": "Joan", "last_name": "Doe"},
        });
        assert_eq!(name_of(&body).as_deref(), Some("Jo"));
        body["first_name"] = json!("");
        assert_eq!(name_of(&body).as_deref(), Some("Joan Doe"));
        body["billing"] = json!([]);
        assert_eq!(name_of(&body).as_deref(), Some("sub"));
    }

    #[test]
    fn a_client_that_was_never_modified_has_its_time_of_creation_or_else_1970() {
        let mut body = json!({
            "id": 3, "email": "a@example.com", "username": "sub",
            "date_created_gmt": "2026-11-22T11:51:21", "date_modified_gmt": null,
        });
        let modified_at = |body: &Value| {
            client(&Field::root(body), b"").unwrap().version.modified_at.to_rfc3339()
        };
        assert_eq!(modified_at(&body), "2026-11-22T11:51:21.000Z");
        body["date_created_gmt"] = Value::Null;
        assert_eq!(modified_at(&body), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn a_buyer_without_a_billing_name_has_the_shipping_name() {
        let order = json!({
            "customer_id": 7,
            "billing": {"email": "a@example.com", "first_name": " "},
            "shipping": {"first_name": "Ann", "last_name": "Lee"},
        });
        let buyer = buyer(&Field::root(&order)).unwrap().unwrap();
        assert_eq!(buyer.name.as_deref(), Some("Ann Lee"));
        assert_eq!(buyer.external_id.as_deref(), Some("7"));
    }

    #[test]
    fn an_empty_buyer_and_empty_addresses_are_none() {
        let order =
            json!({"customer_id": 0, "billing": [], "shipping": {"city": "", "country": ""}});
        let root = Field::root(&order);
        assert_eq!(buyer(&root), Ok(None));
        assert_eq!(address(&root.get("billing")), Ok(None));
        assert_eq!(address(&root.get("shipping")), Ok(None));
    }

    #[test]
    fn a_postcode_that_php_made_a_number_is_still_text() {
        let part = json!({"postcode": 10118, "state": "NY"});
        let address = address(&Field::root(&part)).unwrap().unwrap();
        assert_eq!(address.postal_code.as_deref(), Some("10118"));
    }
}
