//! Live tails: a WebSocket from the console, through the Worker, to the KeyGate whose log it follows.
//!
//! The Worker checks session, role and `Origin`, and hands the upgrade request on with the ticket in
//! the header [`HEADER`]. The KeyGate sends a text message for each entry that matches, answers
//! [`PING`] with [`PONG`], and closes the socket with one of the `CLOSED_…` codes.

use serde::{Deserialize, Serialize};

use super::Versioned;
use super::requests::RequestFilter;
use crate::domain::id::UserId;
use crate::domain::time::{MINUTE, Timestamp};

/// The header that carries a [`TailTicket`].
pub const HEADER: &str = "x-tidegate-tail";

/// What a page sends to keep its connection, and what it gets: without waking the object.
pub const PING: &str = "ping";
pub const PONG: &str = "pong";

/// How long a tail stays open.
pub const LIFE: i64 = 10 * MINUTE;

/// Most tails of one key.
pub const MAX_OPEN: usize = 20;

/// Its life is over; the page may open another.
pub const CLOSED_EXPIRED: u16 = 4000;
/// Whoever opened it may not see the log any more.
pub const CLOSED_SIGNED_OUT: u16 = 4001;
/// The object does not understand its ticket, after a deploy; the page may open another.
pub const CLOSED_OUTDATED: u16 = 4002;

/// Who follows a log, and which entries of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TailTicket {
    /// What tells the session from others; says nothing else.
    pub session: String,
    pub user_id: UserId,
    pub filter: RequestFilter,
    pub opened_at: Timestamp,
}

/// Most bytes of a ticket: what a hibernating socket keeps is limited to 2 KiB.
const MAX_TICKET: usize = 2_000;

/// The filter has texts that are too long to be kept with a socket.
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

    /// The ticket of such a text; `None` where this code cannot read it.
    pub fn from_text(text: &str) -> Option<Self> {
        serde_json::from_str::<Versioned<Self>>(text).ok()?.open()
    }

    pub const fn expires_at(&self) -> Timestamp {
        self.opened_at.plus(LIFE)
    }
}

/// The same JSON with what is not ASCII escaped (RFC 8259 §7); JSON has that only within strings.
/// Headers take no more than Latin-1.
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
        fn a_ticket_crosses_as_printable_ascii(session in "\\PC{0,40}", id in prop::option::of("\\PC{0,80}")) {
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
    fn a_ticket_that_a_socket_cannot_keep_is_none() {
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
