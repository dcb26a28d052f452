//! `users`, `memberships` and `invites`: who belongs to a workspace, and who is invited to join.

use serde::Deserialize;
use worker::D1PreparedStatement;
use worker::wasm_bindgen::JsValue;

use super::{Catalogue, Query, d1_error, millis, text};
use crate::Result;
use tidegate_core::domain::access::{Role, last_owner};
use tidegate_core::domain::credential::CredentialHash;
use tidegate_core::domain::id::{InviteId, UserId, WorkspaceId};
use tidegate_core::domain::rejection::{Code, Rejection};
use tidegate_core::domain::time::Timestamp;

/// A user, with the hash of their password.
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
    /// When one of their sessions was last used.
    pub seen_at: Option<Timestamp>,
}

/// The roles by which a change of the team was authorised.
#[derive(Debug)]
pub struct RolesAtCheck {
    pub workspace_id: WorkspaceId,
    /// The member whom the change is about.
    pub member: (UserId, Role),
    /// The user who makes the change.
    pub actor: (UserId, Role),
}

/// An invite that has not been accepted yet.
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

/// An invite to insert.
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
    /// The user with this e-mail address, which is in lower case.
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

    /// Adds a user to the workspace of an invite. If the invite has been deleted or has expired
    /// meanwhile, this inserts no row, and the statements that refer to the membership then fail
    /// the batch.
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

    /// The workspaces of a user, in the order in which they joined them.
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

    /// The members of a workspace, in the order in which they joined.
    pub fn members(&self, workspace: WorkspaceId) -> Result<Query<Vec<MemberRow>>> {
        let query = "SELECT m.user_id, u.email, m.role, m.created_at,
               (SELECT max(seen_at) FROM sessions s
                 WHERE s.user_id = m.user_id AND s.workspace_id = m.workspace_id) AS seen_at
             FROM memberships m JOIN users u ON u.id = m.user_id
             WHERE m.workspace_id = ?1 ORDER BY m.created_at, u.email";
        self.rows(query, &[text(&workspace)])
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

    /// Ends a membership. Its sessions, API keys and live tails are deleted with it.
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

    /// Fails the batch if the role of the member or of the actor is no longer the one by which the
    /// change was authorised. So nobody can act by a role that was taken away in the meantime.
    pub fn assert_roles_unchanged(&self, roles: &RolesAtCheck) -> Result<D1PreparedStatement> {
        // Inserts a row only if a role has changed; its NULL role then breaks a constraint.
        self.statement(
            "INSERT INTO memberships (workspace_id, user_id, role, created_at)
             SELECT ?1, ?2, NULL, 0
             WHERE NOT EXISTS (SELECT 1 FROM memberships
                 WHERE workspace_id = ?1 AND user_id = ?2 AND role = ?3)
               OR NOT EXISTS (SELECT 1 FROM memberships
                 WHERE workspace_id = ?1 AND user_id = ?4 AND role = ?5)",
            &[
                text(&roles.workspace_id),
                text(&roles.member.0),
                text(&roles.member.1),
                text(&roles.actor.0),
                text(&roles.actor.1),
            ],
        )
    }

    /// Runs a change of the team. D1 refuses a change that leaves no owner.
    pub async fn change_team(&self, batch: Vec<D1PreparedStatement>) -> Result<()> {
        match self.0.batch(batch).await {
            Ok(_) => Ok(()),
            Err(error) if error.to_string().contains("keeps an owner") => Err(last_owner().into()),
            Err(error) if error.to_string().contains("memberships.role") => Err(Rejection::new(
                Code::InvalidState,
                "The team was changed by somebody else meanwhile. Look again, then try again.",
            )
            .into()),
            Err(error) => Err(d1_error(error)),
        }
    }

    /// Inserts an invite and deletes an older one for the same e-mail address.
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

    /// The invites of a workspace that have not expired, newest first.
    pub fn invites(&self, workspace: WorkspaceId, now: Timestamp) -> Result<Query<Vec<InviteRow>>> {
        let query = format!(
            "{INVITES} WHERE i.workspace_id = ?1 AND i.expires_at > ?2 ORDER BY i.created_at DESC"
        );
        self.rows(&query, &[text(&workspace), millis(now)])
    }

    /// The invite whose token has this hash, if it has not expired.
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

    /// The invite for an e-mail address into a workspace, expired or not.
    pub async fn invite_for(
        &self,
        workspace: WorkspaceId,
        email: &str,
    ) -> Result<Option<InviteRow>> {
        let query = format!("{INVITES} WHERE i.workspace_id = ?1 AND i.email = ?2");
        self.first(&query, &[text(&workspace), JsValue::from_str(email)]).await
    }

    /// Deletes the invites that a member has made, so that they cannot rejoin by a link of their
    /// own.
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

/// The rejection for an invite that is used, withdrawn, expired or made up.
pub fn invite_not_found() -> Rejection {
    Rejection::new(
        Code::NotFound,
        "This invite has been used or withdrawn, or has expired. Ask for a new one.",
    )
}
