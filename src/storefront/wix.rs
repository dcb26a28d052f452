//! To be written.

use super::Reading;
use crate::domain::event::{Ignored, NativeEvent, Subject};

pub(super) const HEADERS: &[&str] = &[];

pub(super) fn read(body: &[u8]) -> Reading {
    let _ = body;
    Reading {
        topic: String::new(),
        subject: Subject::Other,
        delivery: None,
        source: None,
        meaning: Ok(NativeEvent::Ignored { reason: Ignored::UnsupportedTopic }),
    }
}
