//! `users`, `memberships` and `invites`: who belongs to a workspace, and who may come to.

use serde::Deserialize;
use worker::D1PreparedStatement;
use worker::wasm_bindgen::JsValue;

use super::{Catalogue, failed, millis, text};
use crate::domain::access::{Role, last_owner};
use crate::domain::credential::CredentialHash;
use crate::domain::id::{InviteId, UserId, WorkspaceId};
use crate::domain::rejection::{Code, Rejection};
use crate::domain::time::Timestamp;
use crate::edge::Result;

/// A user as they sign in.
#[derive(Debug, Deserialize)]
pub struct UserRow {
    pub id: UserId,
    pub email: String,
    /// A PHC string of Argon2id.
    pub password_hash: String,
}

/// A member of a workspace.
#[derive(Debug, Deserialize)]
pub struct MemberRow {
    pub user_id: UserId,
    pub email: String,
    pub role: Role,
    pub created_at: Timestamp,
    /// When a session of theirs was last used.
    pub seen_at: Option<Timestamp>,
}

/// The roles by which a change of the team was judged.
#[derive(Debug)]
pub struct Judged {
    pub workspace_id: WorkspaceId,
    /// Whom it changes.
    pub member: (UserId, Role),
    /// Who asks for it.
    pub by: (UserId, Role),
}

/// An invite that nobody has taken yet.
#[derive(Debug, Deserialize)]
pub struct InviteRow {
    pub id: InviteId,
    pub workspace_id: WorkspaceId,
    pub workspace_name: String,
    pub email: String,
    pub role: Role,
    pub invited_by: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// An invite to be made.
#[derive(Debug)]
pub struct NewInvite<'a> {
    pub id: InviteId,
    pub hash: CredentialHash,
    pub workspace_id: WorkspaceId,
    /// In lower case.
    pub email: &'a str,
    pub role: Role,
    pub created_by: UserId,
    pub now: Timestamp,
    pub expires_at: Timestamp,
}

const INVITES: &str = "SELECT i.id, i.workspace_id, w.name AS workspace_name, i.email, i.role,
    u.email AS invited_by, i.created_at, i.expires_at
  FROM invites i JOIN workspaces w ON w.id = i.workspace_id JOIN users u ON u.id = i.created_by";

impl Catalogue {
    /// The user with this address, in lower case.
    pub async fn user_by_email(&self, email: &str) -> Result<Option<UserRow>> {
        let query = "SELECT id, email, password_hash FROM users WHERE email = ?1";
        self.first(query, &[JsValue::from_str(email)]).await
    }

    pub async fn user(&self, id: UserId) -> Result<Option<UserRow>> {
        self.first("SELECT id, email, password_hash FROM users WHERE id = ?1", &[text(&id)]).await
    }

    pub fn insert_user(
        &self,
        id: UserId,
        email: &str,
        password_hash: &str,
        now: Timestamp,
    ) -> Result<D1PreparedStatement> {
        self.statement(
            "INSERT INTO users (id, email, password_hash, created_at) VALUES (?1, ?2, ?3, ?4)",
            &[text(&id), JsValue::from_str(email), JsValue::from_str(password_hash), millis(now)],
        )
    }

    pub fn update_password(&self, id: UserId, password_hash: &str) -> Result<D1PreparedStatement> {
        self.statement(
            "UPDATE users SET password_hash = ?2 WHERE id = ?1",
            &[text(&id), JsValue::from_str(password_hash)],
        )
    }

    /// Lets a user into the workspace that an invite is for. Where the invite has gone meanwhile it
    /// makes no row, and what refers to the membership then fails the batch.
    pub fn insert_membership(
        &self,
        invite: InviteId,
        user: UserId,
        now: Timestamp,
    ) -> Result<D1PreparedStatement> {
        self.statement(
            "INSERT INTO memberships (workspace_id, user_id, role, created_at)
             SELECT workspace_id, ?2, role, ?3 FROM invites WHERE id = ?1 AND expires_at > ?3",
            &[text(&invite), text(&user), millis(now)],
        )
    }

    /// The workspaces of a user, the one joined first before the others.
    pub async fn workspaces_of(&self, user: UserId) -> Result<Vec<WorkspaceId>> {
        #[derive(Deserialize)]
        struct Joined {
            workspace_id: WorkspaceId,
        }
        // A deployment has few workspaces, so the scan of the memberships is short.
        let query = "SELECT workspace_id FROM memberships WHERE user_id = ?1 ORDER BY created_at";
        let rows = self.all::<Joined>(query, &[text(&user)]).await?;
        Ok(rows.into_iter().map(|row| row.workspace_id).collect())
    }

    /// The members of a workspace, in the order in which they came.
    pub async fn members(&self, workspace: WorkspaceId) -> Result<Vec<MemberRow>> {
        let query = "SELECT m.user_id, u.email, m.role, m.created_at,
               (SELECT max(seen_at) FROM sessions s
                 WHERE s.user_id = m.user_id AND s.workspace_id = m.workspace_id) AS seen_at
             FROM memberships m JOIN users u ON u.id = m.user_id
             WHERE m.workspace_id = ?1 ORDER BY m.created_at, u.email";
        self.all(query, &[text(&workspace)]).await
    }

    pub async fn member(&self, workspace: WorkspaceId, user: UserId) -> Result<Option<MemberRow>> {
        let query = "SELECT m.user_id, u.email, m.role, m.created_at, NULL AS seen_at
             FROM memberships m JOIN users u ON u.id = m.user_id
             WHERE m.workspace_id = ?1 AND m.user_id = ?2";
        self.first(query, &[text(&workspace), text(&user)]).await
    }

    pub fn update_role(
        &self,
        workspace: WorkspaceId,
        user: UserId,
        role: Role,
    ) -> Result<D1PreparedStatement> {
        self.statement(
            "UPDATE memberships SET role = ?3 WHERE workspace_id = ?1 AND user_id = ?2",
            &[text(&workspace), text(&user), text(&role)],
        )
    }

    /// Ends a membership, and with it the sessions, API keys and tails of it.
    pub fn delete_membership(
        &self,
        workspace: WorkspaceId,
        user: UserId,
    ) -> Result<D1PreparedStatement> {
        self.statement(
            "DELETE FROM memberships WHERE workspace_id = ?1 AND user_id = ?2",
            &[text(&workspace), text(&user)],
        )
    }

    /// Fails the batch where a member or whoever changes them has another role by now than when it
    /// was judged whether they may: nobody acts by a role that was taken away meanwhile.
    pub fn if_still(&self, judged: &Judged) -> Result<D1PreparedStatement> {
        // A role that is NULL breaks a constraint.
        self.statement(
            "INSERT INTO memberships (workspace_id, user_id, role, created_at)
             SELECT ?1, ?2, NULL, 0
             WHERE NOT EXISTS (SELECT 1 FROM memberships
                 WHERE workspace_id = ?1 AND user_id = ?2 AND role = ?3)
               OR NOT EXISTS (SELECT 1 FROM memberships
                 WHERE workspace_id = ?1 AND user_id = ?4 AND role = ?5)",
            &[
                text(&judged.workspace_id),
                text(&judged.member.0),
                text(&judged.member.1),
                text(&judged.by.0),
                text(&judged.by.1),
            ],
        )
    }

    /// Runs a change of the team; D1 itself refuses one that leaves no owner.
    pub async fn change_team(&self, batch: Vec<D1PreparedStatement>) -> Result<()> {
        match self.0.batch(batch).await {
            Ok(_) => Ok(()),
            Err(error) if error.to_string().contains("keeps an owner") => Err(last_owner()),
            Err(error) if error.to_string().contains("memberships.role") => Err(Rejection::new(
                Code::InvalidState,
                "The team was changed by somebody else meanwhile. Look again, then try again.",
            )),
            Err(error) => Err(failed(error)),
        }
    }

    /// Makes an invite, in place of an older one of the same address.
    pub fn insert_invite(&self, invite: &NewInvite<'_>) -> Result<Vec<D1PreparedStatement>> {
        let email = JsValue::from_str(invite.email);
        Ok(vec![
            self.statement(
                "DELETE FROM invites WHERE workspace_id = ?1 AND email = ?2",
                &[text(&invite.workspace_id), email.clone()],
            )?,
            self.statement(
                "INSERT INTO invites (id, hash, workspace_id, email, role, created_by, created_at,
                   expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                &[
                    text(&invite.id),
                    JsValue::from_str(&invite.hash.to_hex()),
                    text(&invite.workspace_id),
                    email,
                    text(&invite.role),
                    text(&invite.created_by),
                    millis(invite.now),
                    millis(invite.expires_at),
                ],
            )?,
        ])
    }

    /// The invites of a workspace that are still good, newest first.
    pub async fn invites(&self, workspace: WorkspaceId, now: Timestamp) -> Result<Vec<InviteRow>> {
        let query = format!(
            "{INVITES} WHERE i.workspace_id = ?1 AND i.expires_at > ?2 ORDER BY i.created_at DESC"
        );
        self.all(&query, &[text(&workspace), millis(now)]).await
    }

    /// The invite whose link holds the token with this hash, if it is still good.
    pub async fn invite(&self, hash: &CredentialHash, now: Timestamp) -> Result<Option<InviteRow>> {
        let query = format!("{INVITES} WHERE i.hash = ?1 AND i.expires_at > ?2");
        self.first(&query, &[JsValue::from_str(&hash.to_hex()), millis(now)]).await
    }

    /// An invite of this workspace; another workspace's is not found.
    pub async fn invite_of(
        &self,
        workspace: WorkspaceId,
        id: InviteId,
    ) -> Result<Option<InviteRow>> {
        let query = format!("{INVITES} WHERE i.id = ?1 AND i.workspace_id = ?2");
        self.first(&query, &[text(&id), text(&workspace)]).await
    }

    /// The invite of an address into a workspace, good or not.
    pub async fn invite_for(
        &self,
        workspace: WorkspaceId,
        email: &str,
    ) -> Result<Option<InviteRow>> {
        let query = format!("{INVITES} WHERE i.workspace_id = ?1 AND i.email = ?2");
        self.first(&query, &[text(&workspace), JsValue::from_str(email)]).await
    }

    /// Withdraws what a member has invited: they may not come back by a link of their own.
    pub fn delete_invites_by(
        &self,
        workspace: WorkspaceId,
        user: UserId,
    ) -> Result<D1PreparedStatement> {
        self.statement(
            "DELETE FROM invites WHERE workspace_id = ?1 AND created_by = ?2",
            &[text(&workspace), text(&user)],
        )
    }

    pub fn delete_invite(&self, id: InviteId) -> Result<D1PreparedStatement> {
        self.statement("DELETE FROM invites WHERE id = ?1", &[text(&id)])
    }
}

/// What an invite that is gone, used or made up is answered.
pub fn no_invite() -> Rejection {
    Rejection::new(
        Code::NotFound,
        "This invite has been used or withdrawn, or has expired. Ask for a new one.",
    )
}
