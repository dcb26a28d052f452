//! Deliveries whose topic, delivery id and source are members of the body, so that the signature
//! covers them.

use super::ParsedDelivery;
use super::field::{Field, parse};
use crate::domain::event::{Ignored, NativeEvent, Subject, Unmappable};

/// The subject of a topic, and the event in a body with that topic.
pub(super) type Meaning = (Subject, Result<NativeEvent, Unmappable>);

/// The meaning of a topic that Tidegate does not process.
pub(super) const fn unsupported() -> Meaning {
    (Subject::Other, Ok(NativeEvent::Ignored { reason: Ignored::UnsupportedTopic }))
}

/// Where in a sender's body the parts of a [`ParsedDelivery`] are.
pub(super) struct Envelope {
    /// The member with the topic.
    pub topic: &'static str,
    /// The member with the delivery id; `None` if it is in a header instead.
    pub delivery_id: Option<&'static str>,
    pub source: fn(&Field<'_>) -> Result<String, Unmappable>,
    /// Converts a body, given its topic. For a topic that Tidegate does not process, the rest of
    /// the body may be anything.
    pub meaning: fn(&str, &Field<'_>) -> Meaning,
}

impl Envelope {
    /// Reads a body. An event that is not ignored must have a delivery id and a source.
    pub fn read(&self, body: &[u8]) -> ParsedDelivery {
        let value = match parse(body) {
            Ok(value) => value,
            Err(error) => return unreadable(error),
        };
        let root = Field::root(&value);
        let topic = match root.get(self.topic).required(Field::token) {
            Ok(topic) => topic,
            Err(error) => return unreadable(error),
        };
        let delivery_id =
            self.delivery_id.map(|name| root.get(name).required(Field::token)).transpose();
        let source = (self.source)(&root);
        let (subject, event) = (self.meaning)(&topic, &root);
        let missing = delivery_id.as_ref().err().or(source.as_ref().err());
        let event = match (event, missing) {
            (Ok(NativeEvent::Ignored { reason }), _) => Ok(NativeEvent::Ignored { reason }),
            (Ok(_), Some(missing)) => Err(missing.clone()),
            (event, _) => event,
        };
        let delivery_id = delivery_id.unwrap_or_default();
        ParsedDelivery { topic, subject, delivery_id, source: source.ok(), event }
    }
}

fn unreadable(error: Unmappable) -> ParsedDelivery {
    ParsedDelivery {
        topic: String::new(),
        subject: Subject::Other,
        delivery_id: None,
        source: None,
        event: Err(error),
    }
}
