//! Tokens of the console: sessions (in a cookie), invites (in a link), and forms of people who are
//! not signed in yet. Each is 256 random bits and a tag, so that a made-up one is refused before
//! any storage is touched; only its hash is kept.

use std::fmt;
use std::marker::PhantomData;

use subtle::ConstantTimeEq;

use super::credential::{CredentialHash, TagKeys};
use super::encoding::{base32, base32_decode};
use super::time::{DAY, HOUR, MINUTE, Timestamp};

/// What a [`Token`] is for: a token of one kind is none of another.
pub trait TokenKind {
    const LABEL: &'static str;
}

/// A user at the console.
#[derive(Debug)]
pub struct SessionKind;
impl TokenKind for SessionKind {
    const LABEL: &'static str = "session";
}

/// Somebody who may join a workspace.
#[derive(Debug)]
pub struct InviteKind;
impl TokenKind for InviteKind {
    const LABEL: &'static str = "invite";
}

/// A browser that nobody has signed in with, so that its forms can be told from another site's.
#[derive(Debug)]
pub struct VisitorKind;
impl TokenKind for VisitorKind {
    const LABEL: &'static str = "visitor";
}

pub type SessionToken = Token<SessionKind>;
pub type InviteToken = Token<InviteKind>;
pub type VisitorToken = Token<VisitorKind>;

/// 64 base32 characters: 256 random bits and 64 of an HMAC of them under a tag key.
pub struct Token<K> {
    text: String,
    kind: PhantomData<K>,
}

impl<K: TokenKind> Token<K> {
    const TAG: usize = 8;

    pub fn mint(random: &[u8; 32], tag_keys: &TagKeys) -> Self {
        let mac = tag_keys.tag(K::LABEL, random);
        let tag = mac.get(..Self::TAG).unwrap_or_default();
        Self { text: base32(&[random, tag].concat()), kind: PhantomData }
    }

    /// `None` unless the text has the form of such a token and a tag under one of `tag_keys`.
    pub fn parse(text: &str, tag_keys: &TagKeys) -> Option<Self> {
        let bytes: [u8; 40] = base32_decode(text)?;
        let (random, tag) = bytes.split_at(32);
        tag_keys
            .any(K::LABEL, random, |mac| mac[..Self::TAG].ct_eq(tag).into())
            .then(|| Self { text: text.to_owned(), kind: PhantomData })
    }

    pub fn hash(&self) -> CredentialHash {
        CredentialHash::of(&self.text)
    }

    /// The text itself, for the cookie or the link.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// What every form of its holder carries (CSRF): told from nothing but the token, so that
    /// nothing is stored.
    pub fn csrf(&self, tag_keys: &TagKeys) -> String {
        csrf_text(&tag_keys.tag(CSRF, self.text.as_bytes()))
    }

    /// Whether a form carries [`Token::csrf`] of this token, also under an older tag key.
    pub fn holds_csrf(&self, presented: &str, tag_keys: &TagKeys) -> bool {
        tag_keys.any(CSRF, self.text.as_bytes(), |mac| {
            csrf_text(mac).as_bytes().ct_eq(presented.as_bytes()).into()
        })
    }
}

const CSRF: &str = "csrf";

fn csrf_text(mac: &[u8; 32]) -> String {
    base32(&mac[..20])
}

impl<K> Clone for Token<K> {
    fn clone(&self) -> Self {
        Self { text: self.text.clone(), kind: PhantomData }
    }
}

impl<K: TokenKind> fmt::Debug for Token<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} token [redacted]", K::LABEL)
    }
}

/// A session ends when it was not used for so long, and in any case after so long.
pub const SESSION_IDLE: i64 = 12 * HOUR;
pub const SESSION_ABSOLUTE: i64 = 7 * DAY;

/// How late its last use may stand in the catalogue, so that not every page writes a row.
pub const SESSION_TOUCH: i64 = 5 * MINUTE;

/// How long the link of an invite is good.
pub const INVITE_LIFETIME: i64 = 7 * DAY;

/// Whether a session that was last seen and ends in any case at these times is live.
pub fn session_is_live(seen_at: Timestamp, expires_at: Timestamp, now: Timestamp) -> bool {
    now < expires_at && now.since(seen_at) < SESSION_IDLE
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tag_keys(byte: &str) -> TagKeys {
        TagKeys::parse(&byte.repeat(32)).unwrap()
    }

    #[test]
    fn a_token_of_one_kind_is_none_of_another() {
        let keys = tag_keys("ab");
        let session = SessionToken::mint(&[7; 32], &keys);
        assert_eq!(session.reveal().len(), 64);
        assert!(SessionToken::parse(session.reveal(), &keys).is_some());
        assert!(InviteToken::parse(session.reveal(), &keys).is_none());
        assert!(SessionToken::parse(session.reveal(), &tag_keys("cd")).is_none());
        assert_eq!(format!("{session:?}"), "session token [redacted]");
    }

    #[test]
    fn a_form_is_of_the_session_that_it_was_made_for() {
        let keys = tag_keys("ab");
        let (one, other) =
            (SessionToken::mint(&[1; 32], &keys), SessionToken::mint(&[2; 32], &keys));
        let rotated = TagKeys::parse(&format!("{},{}", "cd".repeat(32), "ab".repeat(32))).unwrap();
        assert!(one.holds_csrf(&one.csrf(&keys), &keys));
        assert!(one.holds_csrf(&one.csrf(&keys), &rotated));
        assert!(!one.holds_csrf(&other.csrf(&keys), &keys));
        assert!(!one.holds_csrf("", &keys));
    }

    #[test]
    fn a_session_ends_idle_and_in_any_case() {
        let at = Timestamp::from_millis(1_795_000_000_000);
        let end = at.plus(SESSION_ABSOLUTE);
        assert!(session_is_live(at, end, at.plus(SESSION_IDLE - 1)));
        assert!(!session_is_live(at, end, at.plus(SESSION_IDLE)));
        assert!(session_is_live(end.plus(-2), end, end.plus(-1)));
        assert!(!session_is_live(end.plus(-2), end, end));
    }

    proptest! {
        #[test]
        fn a_token_with_any_one_character_changed_is_refused(random: [u8; 32], at in 0_usize..64, with in "[a-z2-7]") {
            let keys = tag_keys("ab");
            let mut text = SessionToken::mint(&random, &keys).reveal().to_owned();
            prop_assume!(text[at..=at] != with);
            text.replace_range(at..=at, &with);
            prop_assert!(SessionToken::parse(&text, &keys).is_none());
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,70}") {
            prop_assert!(SessionToken::parse(&text, &tag_keys("ab")).is_none());
        }
    }
}
