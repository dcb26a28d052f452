//! Tokens of the console: for sessions (in a cookie), for invites (in a link), and for the forms of
//! people who are not signed in yet. Each is 256 random bits and a tag, so that a made-up one is
//! refused before any storage is touched. Only its hash is stored.

use std::fmt;
use std::marker::PhantomData;

use subtle::ConstantTimeEq;

use super::credential::{CredentialHash, TagKeys};
use super::encoding::{base32, base32_decode};
use super::time::{DAY, HOUR, MINUTE, Timestamp};

/// The purpose of a [`Token`]. A token of one kind is not valid as another.
pub trait TokenKind {
    const LABEL: &'static str;
}

/// A user who is signed in to the console.
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

/// A browser that nobody has signed in with. The token distinguishes forms of the console from
/// forms of another site.
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

    /// The CSRF value in every form shown to the owner of this token. It is derived from the token
    /// alone, so nothing is stored.
    pub fn csrf(&self, tag_keys: &TagKeys) -> String {
        csrf_text(&tag_keys.tag(CSRF, self.text.as_bytes()))
    }

    /// Whether `presented` is [`Token::csrf`] of this token, also under an older tag key.
    pub fn csrf_matches(&self, presented: &str, tag_keys: &TagKeys) -> bool {
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

/// A session ends after this long without use, in milliseconds.
pub const SESSION_IDLE: i64 = 12 * HOUR;
/// A session ends after this long in any case, in milliseconds.
pub const SESSION_ABSOLUTE: i64 = 7 * DAY;

/// How far the last use of a session in the catalogue may lag behind, in milliseconds, so that not
/// every page writes a row.
pub const SESSION_TOUCH: i64 = 5 * MINUTE;

/// How long the link of an invite is valid, in milliseconds.
pub const INVITE_LIFETIME: i64 = 7 * DAY;

/// Whether a session is live that was last used at `seen_at` and ends at `expires_at` in any case.
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
    fn a_token_of_one_kind_is_not_valid_as_another() {
        let keys = tag_keys("ab");
        let session = SessionToken::mint(&[7; 32], &keys);
        assert_eq!(session.reveal().len(), 64);
        assert!(SessionToken::parse(session.reveal(), &keys).is_some());
        assert!(InviteToken::parse(session.reveal(), &keys).is_none());
        assert!(SessionToken::parse(session.reveal(), &tag_keys("cd")).is_none());
        assert_eq!(format!("{session:?}"), "session token [redacted]");
    }

    #[test]
    fn a_csrf_value_is_valid_for_its_own_session_only() {
        let keys = tag_keys("ab");
        let (one, other) =
            (SessionToken::mint(&[1; 32], &keys), SessionToken::mint(&[2; 32], &keys));
        let rotated = TagKeys::parse(&format!("{},{}", "cd".repeat(32), "ab".repeat(32))).unwrap();
        assert!(one.csrf_matches(&one.csrf(&keys), &keys));
        assert!(one.csrf_matches(&one.csrf(&keys), &rotated));
        assert!(!one.csrf_matches(&other.csrf(&keys), &keys));
        assert!(!one.csrf_matches("", &keys));
    }

    #[test]
    fn a_session_ends_when_idle_and_at_its_absolute_end() {
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
