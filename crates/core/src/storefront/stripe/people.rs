//! Clients, the buyer of a session, and postal addresses.

use super::Event;
use crate::domain::event::{NativeEvent, Unmappable};
use crate::domain::order::{Address, ClientDetails, ClientSnapshot};
use crate::storefront::field::Field;

/// A client is often created and updated within the same second; the update counts as later.
pub(super) fn client(event: &Event<'_>, customer: &Field<'_>) -> Result<NativeEvent, Unmappable> {
    let updated = event.topic == "customer.updated";
    Ok(NativeEvent::Client {
        snapshot: ClientSnapshot {
            details: ClientDetails {
                external_id: Some(customer.get("id").required(Field::token)?),
                email: customer.get("email").text()?,
                name: customer.get("name").text()?,
                phone: customer.get("phone").text()?,
            },
            version: event.version(0, u8::from(updated)),
        },
    })
}

pub(super) fn deleted(_: &Event<'_>, customer: &Field<'_>) -> Result<NativeEvent, Unmappable> {
    let external_id = customer.get("id").required(Field::token)?;
    Ok(NativeEvent::ClientDeleted { external_id })
}

/// Who completed a session. A guest has no `customer`.
pub(super) fn buyer(session: &Field<'_>) -> Result<Option<ClientDetails>, Unmappable> {
    let details = session.object("customer_details")?;
    let email = match details.get("email").text()? {
        None => session.get("customer_email").text()?,
        email => email,
    };
    let buyer = ClientDetails {
        external_id: session.get("customer").token()?,
        email,
        name: details.get("name").text()?,
        phone: details.get("phone").text()?,
    };
    Ok((buyer != ClientDetails::default()).then_some(buyer))
}

pub(super) fn billing_address(session: &Field<'_>) -> Result<Option<Address>, Unmappable> {
    address(&session.object("customer_details")?)
}

/// The member with the shipping address differs between API versions.
pub(super) fn shipping_address(session: &Field<'_>) -> Result<Option<Address>, Unmappable> {
    let collected = session.object("collected_information")?;
    for owner in [&collected, session] {
        let details = owner.object("shipping_details")?;
        if !details.is_empty() {
            return address(&details);
        }
    }
    address(&session.object("shipping")?)
}

/// A person's address; `None` if there is only a name.
fn address(person: &Field<'_>) -> Result<Option<Address>, Unmappable> {
    let part = person.object("address")?;
    let address = Address {
        line1: part.get("line1").text()?,
        line2: part.get("line2").text()?,
        city: part.get("city").text()?,
        region: part.get("state").text()?,
        postal_code: part.get("postal_code").text()?,
        country: part.get("country").text()?,
        ..Address::default()
    };
    if address == Address::default() {
        return Ok(None);
    }
    Ok(Some(Address {
        name: person.get("name").text()?,
        company: person.get("business_name").text()?,
        phone: person.get("phone").text()?,
        ..address
    }))
}
