//! To be written.

use super::Reading;
use crate::domain::event::{Ignored, NativeEvent, Subject};
use crate::domain::headers::Headers;

pub(super) const HEADERS: &[&str] = &[];

pub(super) fn read(_headers: &Headers, body: &[u8]) -> Reading {
    let _ = body;
    Reading {
        topic: String::new(),
        subject: Subject::Other,
        delivery: None,
        source: None,
        meaning: Ok(NativeEvent::Ignored { reason: Ignored::UnsupportedTopic }),
    }
}
