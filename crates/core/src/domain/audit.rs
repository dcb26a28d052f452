//! The audit log: the filter and the cursor for listing its entries.

use super::id::AuditId;
use super::time::Timestamp;

/// Which entries to list. A field that is `None` does not filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// An action (`store.created`), or the part before its dot.
    pub action: Option<String>,
    /// The e-mail address of the user who acted, in lower case.
    pub email: Option<String>,
    /// The resource that was acted on.
    pub subject: Option<String>,
    /// Entries of this time or later.
    pub from: Option<Timestamp>,
    /// Entries before this time.
    pub to: Option<Timestamp>,
}

/// A position in the list: the last entry of a page, written as `1795348087000.aud_…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditCursor {
    pub at: Timestamp,
    pub id: AuditId,
}

impl AuditCursor {
    pub fn parse(text: &str) -> Option<Self> {
        let (at, id) = text.split_once('.')?;
        let at = Timestamp::from_millis(at.parse().ok()?);
        Some(Self { at, id: AuditId::parse(id)? })
    }
}

impl std::fmt::Display for AuditCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.at.millis(), self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_parses_back_from_its_text() {
        let cursor = AuditCursor {
            at: Timestamp::from_millis(1_795_348_087_123),
            id: AuditId::from_random([7; 10]),
        };
        assert_eq!(AuditCursor::parse(&cursor.to_string()), Some(cursor));
        for text in ["", "1.2", "x.aud_aaaaaaaaaaaaaaaa", "aud_aaaaaaaaaaaaaaaa"] {
            assert_eq!(AuditCursor::parse(text), None, "{text}");
        }
    }
}
