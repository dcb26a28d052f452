//! WooCommerce: converts its webhook deliveries.
//!
//! Bodies are objects of the REST API, version 3 or 2, as WooCommerce 9.9.5 sends them; captured
//! ones are in `tests/fixtures/woocommerce`, their origins in `tests/fixtures/SOURCES.md`.
//!
//! Only the body is signed, not the topic: whoever can replay a delivery can choose its topic. So a
//! topic is accepted only if the body has the shape of that topic.

mod order;
mod people;
mod profile;

use serde_json::Value;

pub use profile::PROFILE;

use super::ParsedDelivery;
use super::field::{Field, body_hash, parse};
use crate::domain::event::{Ignored, NativeEvent, Subject, Unmappable};
use crate::domain::headers::Headers;
use crate::domain::order::SourceVersion;

const HEADERS: &[&str] = &[
    "content-type",
    "user-agent",
    "x-wc-webhook-signature",
    TOPIC,
    "x-wc-webhook-source",
    "x-wc-webhook-id",
    "x-wc-webhook-delivery-id",
];

/// The header with the topic, which is not signed.
const TOPIC: &str = "x-wc-webhook-topic";

pub(super) fn read(headers: &Headers, body: &[u8]) -> ParsedDelivery {
    let topic = headers.get(TOPIC).unwrap_or_default();
    // The delivery id alone is not unique: all deliveries of a webhook within one second share it.
    let ids = headers.get("x-wc-webhook-id").zip(headers.get("x-wc-webhook-delivery-id"));
    ParsedDelivery {
        topic: topic.to_owned(),
        subject: subject(topic),
        delivery_id: ids.map(|(webhook, delivery)| format!("{webhook}/{delivery}")),
        source: headers.get("x-wc-webhook-source").map(str::to_owned),
        event: event(topic, body),
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

/// Whether this is the unsigned request with which WooCommerce tests a delivery address: the form
/// body `webhook_id=N`. Any status but exactly 200 shows the shop's owner an error, and WooCommerce
/// repeats the ping after every delivery until it gets a 200.
pub fn is_ping(content_type: Option<&str>, body: &[u8]) -> bool {
    let media_type = content_type.and_then(|value| value.split(';').next()).unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
        && body
            .strip_prefix(b"webhook_id=")
            .is_some_and(|id| (1..=20).contains(&id.len()) && id.iter().all(u8::is_ascii_digit))
}

/// Converts a body, given its `X-WC-Webhook-Topic` (empty if the delivery had none).
///
/// # Errors
/// The body does not have the shape of the topic, or has a value without an exact meaning here.
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

/// The topics that are processed.
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

/// Whether a body is a WordPress error: `{"code": "woocommerce_rest_…", "message": …, "data": …}`.
///
/// WooCommerce gets the body from its own REST API at the time of sending. If the object is gone by
/// then, or the webhook's author may no longer read it, WooCommerce signs and sends the error
/// response. No order or client has a `code`.
fn is_rest_error(members: &serde_json::Map<String, Value>) -> bool {
    !members.contains_key("id")
        && members.get("code").is_some_and(Value::is_string)
        && members.get("message").is_some_and(Value::is_string)
        && members.contains_key("data")
}

/// The id in the body of a `deleted` topic, which has no other member.
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

/// The version of a snapshot. An object that was never modified has only its time of creation; one
/// without either time counts as older than any other.
fn version(
    root: &Field<'_>,
    body: &[u8],
    refunds: u32,
    progress: u8,
) -> Result<SourceVersion, Unmappable> {
    let modified_at = root.get("date_modified_gmt").gmt_time()?;
    let created_at = root.get("date_created_gmt").gmt_time()?;
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
    fn only_order_and_customer_topics_need_a_scope() {
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
    fn an_unsupported_topic_is_ignored_whatever_its_body() {
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
                let error = event(topic, body.as_bytes()).unwrap_err();
                assert_eq!(error.pointer, "");
            }
        }
        assert!(event("order.deleted", b"{\"id\":\xff}").is_err());
    }

    #[test]
    fn a_deleted_topic_has_an_exact_id_and_no_other_member() {
        let deleted = |body: &str| match event("order.deleted", body.as_bytes()) {
            Ok(NativeEvent::OrderDeleted { external_id }) => Ok(external_id),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.pointer),
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
    fn a_rest_error_is_ignored_and_a_body_that_only_resembles_one_is_refused() {
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
