//! The paths of the console, in one table. Pages make their links with [`crate::links`],
//! and a test checks that each link has its route here.

/// The route of a request to the console: the page or action that it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsoleRoute<'a> {
    Asset,
    Overview,
    SetupForm,
    SetUp,
    LoginForm,
    Login,
    AccessLogin,
    Logout,
    /// The form token of the current session.
    FormToken,
    SetTheme,
    InviteForm {
        token: &'a str,
    },
    AcceptInvite {
        token: &'a str,
    },
    Account,
    ChangePassword,
    EndOtherSessions,
    Connectors,
    NewKey,
    CreateKey,
    /// The figures of the last 24 hours for the rows of a list of keys.
    KeysUsage,
    Key {
        key: &'a str,
        tab: KeyTab,
    },
    KeyRequest {
        key: &'a str,
        request: &'a str,
    },
    ExportRequests {
        key: &'a str,
        format: Export,
    },
    Tail {
        key: &'a str,
    },
    ConfirmRevoke {
        key: &'a str,
    },
    ChangeKey {
        key: &'a str,
        change: KeyAction,
    },
    RotateForm {
        key: &'a str,
    },
    Rotate {
        key: &'a str,
    },
    SetSecret {
        key: &'a str,
    },
    ConfirmDiscard {
        key: &'a str,
        event: &'a str,
    },
    RetryEvent {
        key: &'a str,
        event: &'a str,
    },
    DiscardEvent {
        key: &'a str,
        event: &'a str,
    },
    Orders,
    Order {
        id: &'a str,
    },
    Stores,
    CreateStore,
    RenameStore {
        store: &'a str,
    },
    ConfirmArchive {
        store: &'a str,
    },
    ArchiveStore {
        store: &'a str,
    },
    RestoreStore {
        store: &'a str,
    },
    Team,
    Invite,
    WithdrawInvite {
        invite: &'a str,
    },
    ChangeRole {
        user: &'a str,
    },
    ConfirmRemove {
        user: &'a str,
    },
    RemoveMember {
        user: &'a str,
    },
    Audit,
    ExportAudit {
        format: Export,
    },
}

/// The tabs of a key's drawer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyTab {
    Requests,
    Parked,
    Settings,
}

/// A change to a key that needs no input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAction {
    Pause,
    Resume,
    Revoke,
}

/// The file format of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Export {
    Csv,
    Ndjson,
}

/// The route of a path for GET or POST; `None` if there is none.
fn match_route<'a>(method: &str, segments: &[&'a str]) -> Option<ConsoleRoute<'a>> {
    use ConsoleRoute as Route;
    let is_get = method == "GET";
    let route = match (is_get, segments) {
        (true, [""]) => Route::Overview,
        (true, ["assets", _]) => Route::Asset,
        (true, ["setup"]) => Route::SetupForm,
        (false, ["setup"]) => Route::SetUp,
        (true, ["login"]) => Route::LoginForm,
        (false, ["login"]) => Route::Login,
        (false, ["login", "access"]) => Route::AccessLogin,
        (false, ["logout"]) => Route::Logout,
        (true, ["session", "form-token"]) => Route::FormToken,
        (false, ["theme"]) => Route::SetTheme,
        (true, ["invite", token]) => Route::InviteForm { token },
        (false, ["invite", token]) => Route::AcceptInvite { token },
        (true, ["orders"]) => Route::Orders,
        (true, ["orders", id]) => Route::Order { id },
        (_, ["settings", "account", rest @ ..]) => account(is_get, rest)?,
        (_, ["settings", "connectors", rest @ ..]) => connectors(is_get, rest)?,
        (_, ["settings", "stores", rest @ ..]) => stores(is_get, rest)?,
        (_, ["settings", "team", rest @ ..]) => team(is_get, rest)?,
        (true, ["settings", "audit"]) => Route::Audit,
        (true, ["settings", "audit", "export.csv"]) => Route::ExportAudit { format: Export::Csv },
        (true, ["settings", "audit", "export.ndjson"]) => {
            Route::ExportAudit { format: Export::Ndjson }
        }
        _ => return None,
    };
    Some(route)
}

fn account<'a>(is_get: bool, rest: &[&'a str]) -> Option<ConsoleRoute<'a>> {
    match (is_get, rest) {
        (true, []) => Some(ConsoleRoute::Account),
        (false, ["password"]) => Some(ConsoleRoute::ChangePassword),
        (false, ["sessions", "end"]) => Some(ConsoleRoute::EndOtherSessions),
        _ => None,
    }
}

fn connectors<'a>(is_get: bool, rest: &[&'a str]) -> Option<ConsoleRoute<'a>> {
    use ConsoleRoute as Route;
    let route = match (is_get, rest) {
        (true, []) => Route::Connectors,
        (false, []) => Route::CreateKey,
        (true, ["new"]) => Route::NewKey,
        (true, ["usage"]) => Route::KeysUsage,
        (true, [key]) => Route::Key { key, tab: KeyTab::Requests },
        (true, [key, "parked"]) => Route::Key { key, tab: KeyTab::Parked },
        (true, [key, "settings"]) => Route::Key { key, tab: KeyTab::Settings },
        (true, [key, "requests", request]) => Route::KeyRequest { key, request },
        (true, [key, "export.csv"]) => Route::ExportRequests { key, format: Export::Csv },
        (true, [key, "export.ndjson"]) => Route::ExportRequests { key, format: Export::Ndjson },
        (true, [key, "tail"]) => Route::Tail { key },
        (true, [key, "revoke"]) => Route::ConfirmRevoke { key },
        (false, [key, "revoke"]) => Route::ChangeKey { key, change: KeyAction::Revoke },
        (false, [key, "pause"]) => Route::ChangeKey { key, change: KeyAction::Pause },
        (false, [key, "resume"]) => Route::ChangeKey { key, change: KeyAction::Resume },
        (true, [key, "rotate"]) => Route::RotateForm { key },
        (false, [key, "rotate"]) => Route::Rotate { key },
        (false, [key, "secret"]) => Route::SetSecret { key },
        (true, [key, "parked", event, "discard"]) => Route::ConfirmDiscard { key, event },
        (false, [key, "parked", event, "discard"]) => Route::DiscardEvent { key, event },
        (false, [key, "parked", event, "retry"]) => Route::RetryEvent { key, event },
        _ => return None,
    };
    Some(route)
}

fn stores<'a>(is_get: bool, rest: &[&'a str]) -> Option<ConsoleRoute<'a>> {
    match (is_get, rest) {
        (true, []) => Some(ConsoleRoute::Stores),
        (false, []) => Some(ConsoleRoute::CreateStore),
        (false, [store, "rename"]) => Some(ConsoleRoute::RenameStore { store }),
        (true, [store, "archive"]) => Some(ConsoleRoute::ConfirmArchive { store }),
        (false, [store, "archive"]) => Some(ConsoleRoute::ArchiveStore { store }),
        (false, [store, "restore"]) => Some(ConsoleRoute::RestoreStore { store }),
        _ => None,
    }
}

fn team<'a>(is_get: bool, rest: &[&'a str]) -> Option<ConsoleRoute<'a>> {
    match (is_get, rest) {
        (true, []) => Some(ConsoleRoute::Team),
        (false, ["invites"]) => Some(ConsoleRoute::Invite),
        (false, ["invites", invite, "withdraw"]) => Some(ConsoleRoute::WithdrawInvite { invite }),
        (false, [user, "role"]) => Some(ConsoleRoute::ChangeRole { user }),
        (true, [user, "remove"]) => Some(ConsoleRoute::ConfirmRemove { user }),
        (false, [user, "remove"]) => Some(ConsoleRoute::RemoveMember { user }),
        _ => None,
    }
}

/// Finds the route of a request to the console. `Err` lists the methods that the path allows; it is
/// empty if the console has no such path.
pub fn console_route<'a>(method: &str, path: &'a str) -> Result<ConsoleRoute<'a>, &'static str> {
    let segments: Vec<&str> = path.strip_prefix('/').ok_or("")?.split('/').collect();
    if path.len() > 1 && segments.iter().any(|segment| segment.is_empty()) {
        return Err("");
    }
    let (get, post) = (match_route("GET", &segments), match_route("POST", &segments));
    let allowed = match (get.is_some(), post.is_some()) {
        (true, true) => "GET, POST",
        (true, false) => "GET",
        (false, true) => "POST",
        (false, false) => "",
    };
    match method {
        "GET" | "HEAD" => get.ok_or(allowed),
        "POST" => post.ok_or(allowed),
        _ => Err(allowed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::links;

    #[test]
    fn every_link_of_the_pages_has_its_route() {
        use ConsoleRoute as Route;
        let key = "key_a";
        for (method, path, expected) in [
            ("GET", links::OVERVIEW.to_owned(), Route::Overview),
            ("GET", links::ORDERS.to_owned(), Route::Orders),
            ("GET", links::order("ord_a"), Route::Order { id: "ord_a" }),
            ("GET", links::CONNECTORS.to_owned(), Route::Connectors),
            ("POST", links::CONNECTORS.to_owned(), Route::CreateKey),
            ("GET", links::NEW_KEY.to_owned(), Route::NewKey),
            ("GET", links::USAGE.to_owned(), Route::KeysUsage),
            ("GET", links::key(key), Route::Key { key, tab: KeyTab::Requests }),
            ("GET", links::key_parked(key), Route::Key { key, tab: KeyTab::Parked }),
            ("GET", links::key_settings(key), Route::Key { key, tab: KeyTab::Settings }),
            ("GET", links::request(key, "req_a"), Route::KeyRequest { key, request: "req_a" }),
            ("GET", links::tail(key), Route::Tail { key }),
            ("GET", links::revoke(key), Route::ConfirmRevoke { key }),
            ("POST", links::revoke(key), Route::ChangeKey { key, change: KeyAction::Revoke }),
            ("POST", links::pause(key), Route::ChangeKey { key, change: KeyAction::Pause }),
            ("POST", links::resume(key), Route::ChangeKey { key, change: KeyAction::Resume }),
            ("GET", links::rotate(key), Route::RotateForm { key }),
            ("POST", links::rotate(key), Route::Rotate { key }),
            ("POST", links::secret(key), Route::SetSecret { key }),
            ("POST", links::retry(key, "req_a"), Route::RetryEvent { key, event: "req_a" }),
            ("GET", links::discard(key, "req_a"), Route::ConfirmDiscard { key, event: "req_a" }),
            ("POST", links::discard(key, "req_a"), Route::DiscardEvent { key, event: "req_a" }),
            ("GET", links::export(key, "csv"), Route::ExportRequests { key, format: Export::Csv }),
            ("GET", links::STORES.to_owned(), Route::Stores),
            ("POST", links::STORES.to_owned(), Route::CreateStore),
            ("POST", links::rename_store("sto_a"), Route::RenameStore { store: "sto_a" }),
            ("GET", links::archive_store("sto_a"), Route::ConfirmArchive { store: "sto_a" }),
            ("POST", links::archive_store("sto_a"), Route::ArchiveStore { store: "sto_a" }),
            ("POST", links::restore_store("sto_a"), Route::RestoreStore { store: "sto_a" }),
            ("GET", links::TEAM.to_owned(), Route::Team),
            ("POST", links::INVITES.to_owned(), Route::Invite),
            ("POST", links::withdraw("inv_a"), Route::WithdrawInvite { invite: "inv_a" }),
            ("POST", links::role("usr_a"), Route::ChangeRole { user: "usr_a" }),
            ("GET", links::remove("usr_a"), Route::ConfirmRemove { user: "usr_a" }),
            ("POST", links::remove("usr_a"), Route::RemoveMember { user: "usr_a" }),
            ("GET", links::AUDIT.to_owned(), Route::Audit),
            ("GET", links::audit_export("ndjson"), Route::ExportAudit { format: Export::Ndjson }),
            ("GET", links::ACCOUNT.to_owned(), Route::Account),
            ("POST", links::PASSWORD.to_owned(), Route::ChangePassword),
            ("POST", links::END_SESSIONS.to_owned(), Route::EndOtherSessions),
            ("GET", links::LOGIN.to_owned(), Route::LoginForm),
            ("POST", links::LOGIN.to_owned(), Route::Login),
            ("POST", links::ACCESS_LOGIN.to_owned(), Route::AccessLogin),
            ("POST", links::LOGOUT.to_owned(), Route::Logout),
            ("POST", links::THEME.to_owned(), Route::SetTheme),
            ("GET", links::FORM_TOKEN.to_owned(), Route::FormToken),
            ("GET", links::SETUP.to_owned(), Route::SetupForm),
            ("POST", links::SETUP.to_owned(), Route::SetUp),
            ("GET", links::invite("tok"), Route::InviteForm { token: "tok" }),
            ("POST", links::invite("tok"), Route::AcceptInvite { token: "tok" }),
        ] {
            assert_eq!(console_route(method, &path), Ok(expected), "{method} {path}");
        }
    }

    #[test]
    fn other_paths_and_methods_have_no_route() {
        for (method, path, allowed) in [
            ("PUT", "/login", "GET, POST"),
            ("GET", "/logout", "POST"),
            ("POST", "/", "GET"),
            ("GET", "/login/", ""),
            ("GET", "//", ""),
            ("GET", "/settings", ""),
            ("GET", "/settings/connectors/", ""),
            ("GET", "/settings/connectors/key_a/other", ""),
            ("GET", "login", ""),
        ] {
            assert_eq!(console_route(method, path), Err(allowed), "{method} {path}");
        }
        assert_eq!(console_route("HEAD", "/login"), Ok(ConsoleRoute::LoginForm));
    }
}
