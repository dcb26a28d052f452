//! `sessions`, and the `live_tails` that are open for them.

use serde::Deserialize;
use worker::D1PreparedStatement;
use worker::wasm_bindgen::JsValue;

use super::{Catalogue, millis, optional, text};
use crate::Result;
use tidegate_core::domain::access::Role;
use tidegate_core::domain::credential::CredentialHash;
use tidegate_core::domain::id::{UserId, WorkspaceId};
use tidegate_core::domain::time::Timestamp;
use tidegate_core::domain::token::{SESSION_ABSOLUTE, SESSION_IDLE};

/// A session with its user, their role and their workspace.
#[derive(Debug, Deserialize)]
pub struct SessionRow {
    pub workspace_id: WorkspaceId,
    pub workspace_name: String,
    pub user_id: UserId,
    pub email: String,
    pub role: Role,
    pub seen_at: Timestamp,
    pub expires_at: Timestamp,
}

/// A session in the list that its user sees.
#[derive(Debug, Deserialize)]
pub struct ListedSession {
    pub hash: CredentialHash,
    pub created_at: Timestamp,
    pub seen_at: Timestamp,
    pub address: Option<String>,
    pub user_agent: Option<String>,
}

/// A session to insert.
#[derive(Debug)]
pub struct NewSession<'a> {
    pub hash: CredentialHash,
    pub workspace_id: WorkspaceId,
    pub user_id: UserId,
    pub now: Timestamp,
    pub address: Option<&'a str>,
    pub user_agent: Option<&'a str>,
}

/// An open live tail: the hash of the session that receives it, and the name of the KeyGate that
/// sends it.
#[derive(Debug, Deserialize)]
pub struct TailRow {
    pub session_hash: String,
    pub gate: String,
}

impl Catalogue {
    pub fn insert_session(&self, session: &NewSession<'_>) -> Result<D1PreparedStatement> {
        let truncate = |agent: &str| agent.chars().take(300).collect::<String>();
        self.statement(
            "INSERT INTO sessions (hash, workspace_id, user_id, created_at, seen_at, expires_at,
               address, user_agent) VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6, ?7)",
            &[
                JsValue::from_str(&session.hash.to_hex()),
                text(&session.workspace_id),
                text(&session.user_id),
                millis(session.now),
                millis(session.now.plus(SESSION_ABSOLUTE)),
                optional(session.address, JsValue::from_str),
                optional(session.user_agent, |agent| JsValue::from_str(&truncate(agent))),
            ],
        )
    }

    /// The session with this hash, live or not. Two lookups by primary key and two joins.
    pub async fn session(&self, hash: &CredentialHash) -> Result<Option<SessionRow>> {
        let query = "SELECT s.workspace_id, w.name AS workspace_name, s.user_id, u.email, m.role,
               s.seen_at, s.expires_at
             FROM sessions s
             JOIN memberships m ON m.workspace_id = s.workspace_id AND m.user_id = s.user_id
             JOIN users u ON u.id = s.user_id
             JOIN workspaces w ON w.id = s.workspace_id
             WHERE s.hash = ?1";
        self.first(query, &[JsValue::from_str(&hash.to_hex())]).await
    }

    /// Records that a session was used now.
    pub async fn touch_session(&self, hash: &CredentialHash, now: Timestamp) -> Result<()> {
        let update = "UPDATE sessions SET seen_at = ?2 WHERE hash = ?1";
        let hash = JsValue::from_str(&hash.to_hex());
        self.batch(vec![self.statement(update, &[hash, millis(now)])?]).await
    }

    pub fn delete_session(&self, hash: &str) -> Result<D1PreparedStatement> {
        self.statement("DELETE FROM sessions WHERE hash = ?1", &[JsValue::from_str(hash)])
    }

    /// Ends all sessions of a user, in every workspace, except the one with the hash `except`.
    pub fn delete_sessions_of(
        &self,
        user: UserId,
        except: Option<&CredentialHash>,
    ) -> Result<D1PreparedStatement> {
        let except = except.map(|hash| hash.to_hex()).unwrap_or_default();
        self.statement(
            "DELETE FROM sessions WHERE user_id = ?1 AND hash <> ?2",
            &[text(&user), JsValue::from_str(&except)],
        )
    }

    /// Deletes the sessions that have expired or were idle for too long.
    pub fn delete_ended_sessions(&self, now: Timestamp) -> Result<D1PreparedStatement> {
        self.statement(
            "DELETE FROM sessions WHERE expires_at <= ?1 OR seen_at <= ?2",
            &[millis(now), millis(now.plus(-SESSION_IDLE))],
        )
    }

    /// The live sessions of a user in a workspace, last used first.
    pub async fn sessions_of(
        &self,
        workspace: WorkspaceId,
        user: UserId,
        now: Timestamp,
    ) -> Result<Vec<ListedSession>> {
        let query = "SELECT hash, created_at, seen_at, address, user_agent FROM sessions
             WHERE user_id = ?1 AND workspace_id = ?2 AND expires_at > ?3 AND seen_at > ?4
             ORDER BY seen_at DESC LIMIT 50";
        let idle = now.plus(-SESSION_IDLE);
        self.all(query, &[text(&user), text(&workspace), millis(now), millis(idle)]).await
    }

    /// Records that a KeyGate pushes a live tail to a session.
    pub fn insert_tail(
        &self,
        session: &CredentialHash,
        gate: &str,
        now: Timestamp,
    ) -> Result<D1PreparedStatement> {
        self.statement(
            "INSERT OR REPLACE INTO live_tails VALUES (?1, ?2, ?3)",
            &[JsValue::from_str(&session.to_hex()), JsValue::from_str(gate), millis(now)],
        )
    }

    /// The open live tails of all sessions of a user.
    pub async fn tails_of(&self, user: UserId) -> Result<Vec<TailRow>> {
        let query = "SELECT t.session_hash, t.gate FROM live_tails t
             JOIN sessions s ON s.hash = t.session_hash WHERE s.user_id = ?1";
        self.all(query, &[text(&user)]).await
    }
}
