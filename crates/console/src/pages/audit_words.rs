//! The descriptions of the audit log's actions.

/// A group of actions: its name, its label, and pairs of an action's name and description.
type Group = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// Every action that the audit log records, grouped by the part before the dot.
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

/// The description of an action; `None` if the action is unknown.
pub fn action_text(action: &str) -> Option<&'static str> {
    let (group, name) = action.split_once('.')?;
    let (_, _, actions) = GROUPS.iter().find(|(candidate, ..)| *candidate == group)?;
    actions.iter().find(|(candidate, _)| *candidate == name).map(|(_, text)| *text)
}

/// The text in place of the user, for an action of which no signed-in user is the author.
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

    /// Collects all string literals outside of tests that look like an action of a known group.
    fn collect_actions(directory: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect_actions(&path, found);
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
            GROUPS.iter().any(|(candidate, ..)| *candidate == group) && word(name)
        })
    }

    #[test]
    fn every_action_in_the_source_has_a_description() {
        let mut found = Vec::new();
        collect_actions(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../src"), &mut found);
        assert!(found.len() > 20, "{found:?}");
        for action in found {
            assert!(action_text(&action).is_some(), "{action}");
        }
    }

    #[test]
    fn an_unknown_action_has_no_description() {
        assert_eq!(action_text("store.burnt"), None);
        assert_eq!(action_text("store"), None);
    }
}
