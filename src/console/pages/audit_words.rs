//! The actions of the audit log in plain words.

/// A group of actions: its name, its label, and its actions with what they say.
type Group = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// Every action that is ever noted, by what stands before its dot.
pub const GROUPS: &[Group] = &[
    (
        "integration_key",
        "Keys",
        &[
            ("created", "Minted a key"),
            ("rotated", "Minted a key in place of another"),
            ("paused", "Paused a key"),
            ("resumed", "Resumed a key"),
            ("revoked", "Revoked a key"),
            ("secret_set", "Set a key's signing secret"),
            ("resealed", "Sealed a key's secrets anew"),
            ("log_exported", "Exported a key's request log"),
            ("expiring", "A key expires soon"),
            ("expired", "A key has expired"),
        ],
    ),
    ("parked_event", "Parked events", &[("discarded", "Discarded a parked event")]),
    (
        "store",
        "Stores",
        &[
            ("created", "Created a store"),
            ("renamed", "Renamed a store"),
            ("archived", "Archived a store"),
            ("restored", "Took a store back from the archive"),
        ],
    ),
    (
        "member",
        "Team",
        &[
            ("invited", "Invited somebody"),
            ("joined", "Joined the workspace"),
            ("role_changed", "Changed a role"),
            ("removed", "Removed a member"),
        ],
    ),
    ("invite", "Invites", &[("withdrawn", "Withdrew an invite")]),
    (
        "session",
        "Sign-ins",
        &[
            ("started", "Signed in"),
            ("started_by_access", "Signed in with Cloudflare Access"),
            ("ended", "Signed out"),
            ("others_ended", "Signed out everywhere else"),
            ("refused", "A sign-in was refused: wrong password"),
        ],
    ),
    ("user", "Accounts", &[("password_changed", "Changed their password")]),
    ("workspace", "Workspace", &[("created", "Set this workspace up")]),
    ("audit", "Audit log", &[("exported", "Exported the audit log")]),
];

/// What an action says; `None` for one that is not known.
pub fn action_text(action: &str) -> Option<&'static str> {
    let (group, name) = action.split_once('.')?;
    let (_, _, actions) = GROUPS.iter().find(|(known, ..)| *known == group)?;
    actions.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// What is said of who did what nobody who was signed in did.
pub fn nobody_text(action: &str) -> &'static str {
    match action.split_once('.') {
        Some(("session", _)) => "Nobody signed in",
        _ => "Tidegate",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    /// All string literals of the product's source that have the form of an action of a group.
    fn written(directory: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                written(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let product = text.split("#[cfg(test)]").next().unwrap_or_default();
                found.extend(product.split('"').filter(|text| is_action(text)).map(str::to_owned));
            }
        }
    }

    fn is_action(text: &str) -> bool {
        let word = |word: &str| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        };
        text.split_once('.').is_some_and(|(group, name)| {
            GROUPS.iter().any(|(known, ..)| *known == group) && word(name)
        })
    }

    #[test]
    fn every_action_that_is_written_has_words() {
        let mut found = Vec::new();
        written(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
        assert!(found.len() > 20, "{found:?}");
        for action in found {
            assert!(action_text(&action).is_some(), "{action}");
        }
    }

    #[test]
    fn what_is_not_known_has_no_words() {
        assert_eq!(action_text("store.burnt"), None);
        assert_eq!(action_text("store"), None);
    }
}
