//! Live tails. A live tail is a WebSocket from a console page, through the Worker, to a KeyGate,
//! and follows that key's log.
//!
//! The Worker checks the session, the role and `Origin`, and forwards the upgrade request with the
//! ticket in the header [`HEADER`]. The KeyGate sends a text message for each log entry that
//! matches, replies to [`PING`] with [`PONG`], and closes the socket with one of the `CLOSED_…`
//! codes.

use serde::{Deserialize, Serialize};

use super::Versioned;
use super::requests::RequestFilter;
use crate::domain::id::UserId;
use crate::domain::time::{MINUTE, Timestamp};

/// The header that carries a [`TailTicket`].
pub const HEADER: &str = "x-tidegate-tail";

/// The message with which a page keeps its connection alive. The runtime answers it with [`PONG`]
/// without waking the object.
pub const PING: &str = "ping";
/// The reply to [`PING`].
pub const PONG: &str = "pong";

/// How long a tail stays open, in milliseconds.
pub const LIFETIME: i64 = 10 * MINUTE;

/// The most open tails of a key.
pub const MAX_OPEN: usize = 20;

/// The tail's lifetime is over; the page may open another.
pub const CLOSED_EXPIRED: u16 = 4000;
/// The user who opened the tail may no longer see the log.
pub const CLOSED_SIGNED_OUT: u16 = 4001;
/// After a deploy, the object cannot read the tail's ticket; the page may open another.
pub const CLOSED_OUTDATED: u16 = 4002;

/// Who follows a log, and a filter for its entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TailTicket {
    /// Identifies the session, and is no credential.
    pub session: String,
    pub user_id: UserId,
    pub filter: RequestFilter,
    pub opened_at: Timestamp,
}

/// The most bytes of a ticket: the attachment of a hibernating socket is limited to 2 KiB.
const MAX_TICKET: usize = 2_000;

/// The ticket is too large to be stored with a socket, because its filter has long texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

impl TailTicket {
    /// The ticket as text that fits a header and a socket: JSON in ASCII.
    pub fn to_text(&self) -> Result<String, TooLong> {
        // Serialising strings and numbers cannot fail.
        let json = serde_json::to_string(&Versioned::new(self)).unwrap_or_default();
        let text = ascii(&json);
        if text.len() <= MAX_TICKET { Ok(text) } else { Err(TooLong) }
    }

    /// Parses the text from [`Self::to_text`]; `None` if this code cannot read its version or form.
    pub fn from_text(text: &str) -> Option<Self> {
        serde_json::from_str::<Versioned<Self>>(text).ok()?.open()
    }

    pub const fn expires_at(&self) -> Timestamp {
        self.opened_at.plus(LIFETIME)
    }
}

/// Escapes the non-ASCII characters of a JSON text (RFC 8259 §7), which only occur in its strings.
/// Needed because header values are limited to Latin-1.
fn ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_ascii() {
            text.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ticket(session: String, external_id: Option<String>) -> TailTicket {
        TailTicket {
            session,
            user_id: UserId::from_random([7; 10]),
            filter: RequestFilter { external_id, ..RequestFilter::default() },
            opened_at: Timestamp::from_millis(1_795_000_000_000),
        }
    }

    proptest! {
        #[test]
        fn a_ticket_is_transferred_as_printable_ascii(session in "\\PC{0,40}", id in prop::option::of("\\PC{0,80}")) {
            let ticket = ticket(session, id);
            let text = ticket.to_text().unwrap();
            prop_assert!(text.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
            prop_assert_eq!(TailTicket::from_text(&text), Some(ticket));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,80}") {
            let _ = TailTicket::from_text(&text);
        }
    }

    #[test]
    fn a_ticket_that_a_socket_cannot_store_is_refused() {
        assert_eq!(ticket("s".into(), Some("x".repeat(2_000))).to_text(), Err(TooLong));
        assert!(ticket("s".into(), Some("x".repeat(255))).to_text().is_ok());
    }

    #[test]
    fn a_ticket_of_another_version_is_none() {
        let text = ticket("s".into(), None).to_text().unwrap();
        let other = text.replacen("{\"v\":2,", "{\"v\":99,", 1);
        assert_ne!(other, text);
        assert_eq!(TailTicket::from_text(&other), None);
    }
}
