//! Deliveries whose body says itself what it is about: topic, delivery and source are members of
//! it, and so they are signed with it.

use super::ParsedDelivery;
use super::field::{Field, parse};
use crate::domain::event::{Ignored, NativeEvent, Subject, Unmappable};

/// What a topic is about, and what a body under it means.
pub(super) type Meaning = (Subject, Result<NativeEvent, Unmappable>);

/// A topic that Tidegate does not keep.
pub(super) const fn unsupported() -> Meaning {
    (Subject::Other, Ok(NativeEvent::Ignored { reason: Ignored::UnsupportedTopic }))
}

/// Where a sender's body has what a [`ParsedDelivery`] needs.
pub(super) struct Envelope {
    pub topic: &'static str,
    /// `None`: a header has it.
    pub delivery: Option<&'static str>,
    pub source: fn(&Field<'_>) -> Result<String, Unmappable>,
    /// What a body under a topic means. A topic that is not kept promises nothing of its body.
    pub meaning: fn(&str, &Field<'_>) -> Meaning,
}

impl Envelope {
    /// Reads a body. What has an effect must say which delivery it is and where it comes from.
    pub fn read(&self, body: &[u8]) -> ParsedDelivery {
        let value = match parse(body) {
            Ok(value) => value,
            Err(refused) => return unreadable(refused),
        };
        let root = Field::root(&value);
        let topic = match root.get(self.topic).required(Field::token) {
            Ok(topic) => topic,
            Err(refused) => return unreadable(refused),
        };
        let delivery = self.delivery.map(|name| root.get(name).required(Field::token)).transpose();
        let source = (self.source)(&root);
        let (subject, meaning) = (self.meaning)(&topic, &root);
        let lacking = delivery.as_ref().err().or(source.as_ref().err());
        let meaning = match (meaning, lacking) {
            (Ok(NativeEvent::Ignored { reason }), _) => Ok(NativeEvent::Ignored { reason }),
            (Ok(_), Some(lacking)) => Err(lacking.clone()),
            (meaning, _) => meaning,
        };
        let delivery = delivery.unwrap_or_default();
        ParsedDelivery { topic, subject, delivery, source: source.ok(), meaning }
    }
}

fn unreadable(refused: Unmappable) -> ParsedDelivery {
    ParsedDelivery {
        topic: String::new(),
        subject: Subject::Other,
        delivery: None,
        source: None,
        meaning: Err(refused),
    }
}
