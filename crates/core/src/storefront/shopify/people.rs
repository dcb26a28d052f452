//! Clients, the buyer of an order, and postal addresses.

use super::Field;
use super::{CLIENT, require_kind, version};
use crate::domain::event::Unmappable;
use crate::domain::order::{Address, ClientDetails, ClientSnapshot};

/// The client in a `customers/…` body.
pub(super) fn client(root: &Field<'_>, body: &[u8]) -> Result<ClientSnapshot, Unmappable> {
    root.require_members(&["id", "state", "created_at", "updated_at"], "a client")?;
    require_kind(root, CLIENT)?;
    let address = root.object("default_address")?;
    Ok(ClientSnapshot {
        details: ClientDetails {
            external_id: Some(root.get("id").required(Field::id)?),
            email: root.get("email").text()?,
            name: root.full_name("first_name", "last_name")?.or(name(&address)?),
            phone: root.get("phone").text()?.or(address.get("phone").text()?),
        },
        version: version(root, &["updated_at"], body, 0, 0)?,
    })
}

/// Who placed an order. The name and contact given for this order take precedence over those of the
/// customer's account. An order from a point of sale may have no buyer.
pub(super) fn buyer(order: &Field<'_>) -> Result<Option<ClientDetails>, Unmappable> {
    let client = order.object("customer")?;
    let billing = order.object("billing_address")?;
    let buyer = ClientDetails {
        external_id: client.get("id").id()?,
        email: order.first_text(&["email", "contact_email"])?.or(client.get("email").text()?),
        name: match name(&billing)? {
            Some(name) => Some(name),
            None => client
                .full_name("first_name", "last_name")?
                .or(name(&order.object("shipping_address")?)?),
        },
        phone: match order.get("phone").text()? {
            Some(phone) => Some(phone),
            None => billing.get("phone").text()?.or(client.get("phone").text()?),
        },
    };
    Ok((buyer != ClientDetails::default()).then_some(buyer))
}

pub(super) fn address(part: &Field<'_>) -> Result<Option<Address>, Unmappable> {
    let address = Address {
        name: name(part)?,
        company: part.get("company").text()?,
        line1: part.get("address1").text()?,
        line2: part.get("address2").text()?,
        city: part.get("city").text()?,
        region: part.first_text(&["province_code", "province"])?,
        postal_code: part.get("zip").text()?,
        country: part.get("country_code").text()?,
        phone: part.get("phone").text()?,
    };
    Ok((address != Address::default()).then_some(address))
}

fn name(address: &Field<'_>) -> Result<Option<String>, Unmappable> {
    Ok(address.get("name").text()?.or(address.full_name("first_name", "last_name")?))
}
