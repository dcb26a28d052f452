//! The RPCs for the team and the audit log.

use serde_json::{Value, json};

use super::{Call, json};
use crate::Result;
use crate::control::CreatedInvite;
use crate::control::caller::Admin;
use crate::platform::answer::Answer;
use tidegate_console::links;
use tidegate_core::api::procedures::team::{InviteMember, ListAuditEntries};
use tidegate_core::domain::access::Role;
use tidegate_core::domain::id::{InviteId, UserId};

impl Call<'_> {
    pub(super) async fn list_members(&self, admin: &Admin) -> Result<Answer> {
        let members = self
            .control_plane
            .catalogue
            .run(self.control_plane.catalogue.members(admin.workspace_id)?)
            .await?;
        let members: Vec<Value> = members.iter().map(json::member).collect();
        Answer::serialized(200, &json!({ "members": members }))
    }

    pub(super) async fn change_role(
        &self,
        admin: &Admin,
        user: UserId,
        role: Role,
    ) -> Result<Answer> {
        let member = self.control_plane.change_role(admin, user, role).await?;
        Answer::serialized(200, &json::member(&member))
    }

    pub(super) async fn remove_member(&self, admin: &Admin, user: UserId) -> Result<Answer> {
        self.control_plane.remove_member(admin, user).await?;
        Answer::serialized(200, &json!({ "user_id": user, "removed": true }))
    }

    /// The invite link is in this response and nowhere else.
    pub(super) async fn invite_member(
        &self,
        admin: &Admin,
        arguments: InviteMember,
    ) -> Result<Answer> {
        let InviteMember { email, role } = arguments;
        let CreatedInvite { id, token, email, role, expires_at } =
            self.control_plane.invite(admin, email, role).await?;
        let url = format!("{}{}", self.console_origin, links::invite(token.reveal()));
        Answer::serialized(
            201,
            &json!({
                "invite_id": id, "invite_url": url, "email": email, "role": role,
                "expires_at": expires_at.to_rfc3339(),
            }),
        )
    }

    pub(super) async fn list_invites(&self, admin: &Admin) -> Result<Answer> {
        let (catalogue, now) = (&self.control_plane.catalogue, self.control_plane.now);
        let invites = catalogue.run(catalogue.invites(admin.workspace_id, now)?).await?;
        let invites: Vec<Value> = invites.iter().map(json::invite).collect();
        Answer::serialized(200, &json!({ "invites": invites }))
    }

    pub(super) async fn withdraw_invite(&self, admin: &Admin, id: InviteId) -> Result<Answer> {
        self.control_plane.withdraw_invite(admin, id).await?;
        Answer::serialized(200, &json!({ "invite_id": id, "withdrawn": true }))
    }

    pub(super) async fn list_audit_entries(
        &self,
        admin: &Admin,
        arguments: &ListAuditEntries,
    ) -> Result<Answer> {
        let ListAuditEntries { filter, cursor, limit } = arguments;
        let catalogue = &self.control_plane.catalogue;
        let page = catalogue.audit_entries(admin.workspace_id, filter, *cursor, *limit).await?;
        let entries: Vec<Value> = page.entries.iter().map(json::audit_entry).collect();
        let next_cursor = page.next.map(|cursor| cursor.to_string());
        Answer::serialized(200, &json!({ "entries": entries, "next_cursor": next_cursor }))
    }
}
