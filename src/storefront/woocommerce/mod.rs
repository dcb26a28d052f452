//! WooCommerce: from a webhook delivery to what it means.
//!
//! Bodies are objects of the REST API, version 3 or 2, as WooCommerce 9.9.5 sends them; captured
//! ones are in `tests/fixtures/woocommerce`, their origins in `tests/fixtures/SOURCES.md`. Pure:
//! the signature has been checked before, and the order of arrival is judged afterwards
//! ([`SourceVersion`]).
//!
//! Only the body is signed, the topic is not: whoever can replay a delivery can choose its topic.
//! So a topic is believed only if the body has the shape that it promises.

mod order;
mod people;

use serde_json::Value;

use super::ParsedDelivery;
use super::field::{Field, body_hash, parse};
use crate::domain::event::{Ignored, NativeEvent, Subject, Unmappable};
use crate::domain::headers::Headers;
use crate::domain::order::SourceVersion;

pub(super) const HEADERS: &[&str] = &[
    "content-type",
    "user-agent",
    "x-wc-webhook-signature",
    TOPIC,
    "x-wc-webhook-source",
    "x-wc-webhook-id",
    "x-wc-webhook-delivery-id",
];

/// Not signed.
pub(super) const TOPIC: &str = "x-wc-webhook-topic";

pub(super) fn read(headers: &Headers, body: &[u8]) -> ParsedDelivery {
    let topic = headers.get(TOPIC).unwrap_or_default();
    // The delivery id alone tells nothing: all deliveries of one webhook within a second share it.
    let delivery = headers.get("x-wc-webhook-id").zip(headers.get("x-wc-webhook-delivery-id"));
    ParsedDelivery {
        topic: topic.to_owned(),
        subject: subject(topic),
        delivery: delivery.map(|(webhook, delivery)| format!("{webhook}/{delivery}")),
        source: headers.get("x-wc-webhook-source").map(str::to_owned),
        meaning: event(topic, body),
    }
}

/// The subject of an `X-WC-Webhook-Topic`.
pub fn subject(topic: &str) -> Subject {
    match topic.split_once('.') {
        Some(("order", _)) => Subject::Order,
        Some(("customer", _)) => Subject::Client,
        _ => Subject::Other,
    }
}

/// Whether this is the unsigned request with which WooCommerce tries a delivery address: the form
/// body `webhook_id=N`. Anything but exactly 200 shows the shop's owner an error, and the ping is
/// repeated after every delivery until it gets that.
pub fn is_ping(content_type: Option<&str>, body: &[u8]) -> bool {
    let media_type = content_type.and_then(|value| value.split(';').next()).unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
        && body
            .strip_prefix(b"webhook_id=")
            .is_some_and(|id| (1..=20).contains(&id.len()) && id.iter().all(u8::is_ascii_digit))
}

/// What a delivery with this `X-WC-Webhook-Topic` (empty, if it had none) and this body means.
///
/// # Errors
/// The body is not what the topic promises, or says something that has no exact meaning here.
pub fn event(topic: &str, body: &[u8]) -> Result<NativeEvent, Unmappable> {
    let Some(topic) = Topic::parse(topic) else {
        return Ok(NativeEvent::Ignored { reason: Ignored::UnsupportedTopic });
    };
    let value = parse(body)?;
    let root = Field::root(&value);
    let Value::Object(members) = &value else {
        return Err(root.refuse("is not an object"));
    };
    if is_rest_error(members) {
        return Ok(NativeEvent::Ignored { reason: Ignored::ErrorBody });
    }
    match topic {
        Topic::Order => order::event(&root, body),
        Topic::OrderDeleted => {
            deleted_id(&root, members).map(|external_id| NativeEvent::OrderDeleted { external_id })
        }
        Topic::Client => {
            people::client(&root, body).map(|snapshot| NativeEvent::Client { snapshot })
        }
        Topic::ClientDeleted => {
            deleted_id(&root, members).map(|external_id| NativeEvent::ClientDeleted { external_id })
        }
    }
}

/// The topics that mean something here.
enum Topic {
    Order,
    OrderDeleted,
    Client,
    ClientDeleted,
}

impl Topic {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "order.created" | "order.updated" | "order.restored" => Some(Self::Order),
            "order.deleted" => Some(Self::OrderDeleted),
            "customer.created" | "customer.updated" => Some(Self::Client),
            "customer.deleted" => Some(Self::ClientDeleted),
            _ => None,
        }
    }
}

/// WooCommerce builds a body when it sends it, by asking its own REST API. If the object is gone by
/// then, or its author may not read it any more, the answer is a WordPress error, and that is
/// signed and sent: `{"code": "woocommerce_rest_…", "message": …, "data": …}`. No order or client
/// has a `code`.
fn is_rest_error(members: &serde_json::Map<String, Value>) -> bool {
    !members.contains_key("id")
        && members.get("code").is_some_and(Value::is_string)
        && members.get("message").is_some_and(Value::is_string)
        && members.contains_key("data")
}

/// The id in the body of a `deleted` topic, which holds nothing else.
fn deleted_id(
    root: &Field<'_>,
    members: &serde_json::Map<String, Value>,
) -> Result<String, Unmappable> {
    let id = root.get("id").required(Field::id)?;
    if members.len() > 1 {
        return Err(root.refuse("holds more than the id that a deleted topic carries"));
    }
    Ok(id)
}

/// Where a snapshot stands among those of the same object. An object that was never modified has
/// only a time of creation; one without either is older than any other.
fn version(
    root: &Field<'_>,
    body: &[u8],
    refunds: u32,
    progress: u8,
) -> Result<SourceVersion, Unmappable> {
    let modified_at = root.get("date_modified_gmt").time()?;
    let created_at = root.get("date_created_gmt").time()?;
    Ok(SourceVersion {
        sequence: 0,
        modified_at: modified_at.or(created_at).unwrap_or_default(),
        refunds,
        progress,
        body_hash: body_hash(body),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_and_customers_need_a_scope_and_nothing_else_does() {
        for (topic, expected) in [
            ("order.created", Subject::Order),
            ("order.deleted", Subject::Order),
            ("order.new_in_some_version", Subject::Order),
            ("customer.updated", Subject::Client),
            ("product.created", Subject::Other),
            ("action.woocommerce_order_refunded", Subject::Other),
            ("order", Subject::Other),
            ("orders.created", Subject::Other),
            ("", Subject::Other),
        ] {
            assert_eq!(subject(topic), expected, "{topic:?}");
        }
    }

    #[test]
    fn only_the_setup_form_is_a_ping() {
        let form = Some("application/x-www-form-urlencoded");
        assert!(is_ping(form, b"webhook_id=1"));
        assert!(is_ping(
            Some("Application/X-WWW-Form-Urlencoded; charset=UTF-8"),
            b"webhook_id=22"
        ));
        assert!(!is_ping(Some("application/json"), b"webhook_id=1"));
        assert!(!is_ping(None, b"webhook_id=1"));
        for body in ["", "webhook_id=", "webhook_id=1&a=2", "webhook_id=x", "a=1", "{\"id\":1}"] {
            assert!(!is_ping(form, body.as_bytes()), "{body:?}");
        }
        assert!(!is_ping(form, b"webhook_id=123456789012345678901"));
    }

    #[test]
    fn a_topic_that_is_not_kept_is_ignored_whatever_its_body() {
        for topic in [
            "",
            "product.updated",
            "coupon.created",
            "action.x",
            "order.published",
            "Order.created",
        ] {
            for body in ["", "{}", "[1", "{\"id\":15}"] {
                let reason = Ignored::UnsupportedTopic;
                assert_eq!(event(topic, body.as_bytes()), Ok(NativeEvent::Ignored { reason }));
            }
        }
    }

    #[test]
    fn a_body_that_is_no_json_object_is_refused_as_a_whole() {
        let nested = "[".repeat(200_000);
        for body in ["", "null", "[]", "15", "\"x\"", "{\"id\":15", "\u{feff}{\"id\":15}", &nested]
        {
            for topic in ["order.created", "order.deleted", "customer.created", "customer.deleted"]
            {
                let refused = event(topic, body.as_bytes()).unwrap_err();
                assert_eq!(refused.pointer, "");
            }
        }
        assert!(event("order.deleted", b"{\"id\":\xff}").is_err());
    }

    #[test]
    fn a_deleted_topic_carries_an_id_exactly_and_nothing_else() {
        let deleted = |body: &str| match event("order.deleted", body.as_bytes()) {
            Ok(NativeEvent::OrderDeleted { external_id }) => Ok(external_id),
            Ok(other) => panic!("{other:?}"),
            Err(refused) => Err(refused.pointer),
        };
        assert_eq!(deleted("{\"id\":15}").as_deref(), Ok("15"));
        assert_eq!(deleted("{\"id\":\"15\"}").as_deref(), Ok("15"));
        assert_eq!(deleted("{\"id\":9007199254740993}").as_deref(), Ok("9007199254740993"));
        assert_eq!(deleted("{\"id\":18446744073709551615}").as_deref(), Ok("18446744073709551615"));
        for id in ["18446744073709551616", "1.5", "15.0", "1e3", "-1", "0", "\"+5\"", "\"\"", "{}"]
        {
            let refused = deleted(&format!("{{\"id\":{id}}}"));
            assert_eq!(refused, Err("/id".to_owned()), "{id}");
        }
        assert_eq!(deleted("{}"), Err("/id".to_owned()));
        assert_eq!(deleted("{\"id\":15,\"status\":\"trash\"}"), Err(String::new()));
    }

    #[test]
    fn a_rest_error_is_ignored_and_what_only_resembles_one_is_refused() {
        let body = |data: &str| format!("{{\"code\":\"c\",\"message\":\"m\"{data}}}");
        for topic in ["order.updated", "order.deleted", "customer.created", "customer.deleted"] {
            for data in [",\"data\":{\"status\":403}", ",\"data\":null", ",\"data\":[]"] {
                let reason = Ignored::ErrorBody;
                let got = event(topic, body(data).as_bytes());
                assert_eq!(got, Ok(NativeEvent::Ignored { reason }));
            }
            assert!(event(topic, body("").as_bytes()).is_err());
            assert!(event(topic, body(",\"data\":null,\"id\":0").as_bytes()).is_err());
        }
    }
}
