//! The team: invites, roles, removals. Only owners may make, change or remove owners. The last
//! owner cannot be changed or removed (a trigger in D1 enforces it).

use serde_json::json;

use super::{ControlPlane, GATE_DEADLINE_MS};
use crate::Result;
use crate::catalogue::members::{MemberRow, NewInvite, RolesAtCheck};
use crate::catalogue::sessions::TailRow;
use crate::control::caller::Admin;
use crate::platform::random;
use tidegate_core::domain::access::{Role, check};
use tidegate_core::domain::credential::GateName;
use tidegate_core::domain::id::{InviteId, UserId};
use tidegate_core::domain::rejection::{Code, Rejection};
use tidegate_core::domain::time::Timestamp;
use tidegate_core::domain::token::{INVITE_LIFETIME, InviteToken};
use tidegate_core::protocol::key_gate::GateCommand;

/// An invite that was just created. Its token is shown only once.
pub struct CreatedInvite {
    pub id: InviteId,
    pub token: InviteToken,
    pub email: String,
    pub role: Role,
    pub expires_at: Timestamp,
}

impl ControlPlane<'_> {
    /// Creates an invite: whoever has its link can join the workspace under this e-mail address.
    pub async fn invite(&self, admin: &Admin, email: String, role: Role) -> Result<CreatedInvite> {
        check(admin.role().may_grant(role))?;
        if let Some(user) = self.catalogue.user_by_email(&email).await?
            && self.catalogue.member(admin.workspace_id, user.id).await?.is_some()
        {
            return Err(Rejection::new(
                Code::InvalidState,
                format!("{email} belongs to this workspace already."),
            )
            .into());
        }
        // The new invite replaces an older one, which may be for an owner.
        if let Some(previous) = self.catalogue.invite_for(admin.workspace_id, &email).await? {
            check(admin.role().may_change(previous.role))?;
        }
        let token = InviteToken::mint(&random()?, &self.settings.tag_keys);
        let id = InviteId::from_random(random()?);
        let expires_at = self.now.plus(INVITE_LIFETIME);
        let mut batch = self.catalogue.insert_invite(&NewInvite {
            id,
            hash: token.hash(),
            workspace_id: admin.workspace_id,
            email: &email,
            role,
            created_by: admin.actor.user_id,
            now: self.now,
            expires_at,
        })?;
        let detail = json!({ "email": email, "role": role });
        batch.push(self.audit(
            admin.workspace_id,
            &admin.actor,
            "member.invited",
            &id.to_string(),
            detail,
        )?);
        self.catalogue.batch(batch).await?;
        Ok(CreatedInvite { id, token, email, role, expires_at })
    }

    pub async fn withdraw_invite(&self, admin: &Admin, id: InviteId) -> Result<()> {
        let invite = self.catalogue.invite_of(admin.workspace_id, id).await?;
        let invite =
            invite.ok_or_else(|| Rejection::new(Code::NotFound, "There is no such invite."))?;
        check(admin.role().may_change(invite.role))?;
        let delete = self.catalogue.delete_invite(id)?;
        let detail = json!({ "email": invite.email, "role": invite.role });
        let (workspace, actor) = (admin.workspace_id, &admin.actor);
        let audit = self.audit(workspace, actor, "invite.withdrawn", &id.to_string(), detail)?;
        self.catalogue.batch(vec![delete, audit]).await
    }

    /// A member of the admin's workspace. Anybody else is not found.
    pub async fn member(&self, admin: &Admin, user: UserId) -> Result<MemberRow> {
        let member = self.catalogue.member(admin.workspace_id, user).await?;
        Ok(member.ok_or_else(|| Rejection::new(Code::NotFound, "There is no such member."))?)
    }

    /// Promotes or demotes a member. A user who loses the rights of an admin also loses their live
    /// tails and the invites that they made.
    pub async fn change_role(&self, admin: &Admin, user: UserId, role: Role) -> Result<MemberRow> {
        let member = self.member(admin, user).await?;
        check(admin.role().may_change(member.role) && admin.role().may_grant(role))?;
        if member.role == role {
            return Ok(member);
        }
        let tails = self.catalogue.tails_of(user).await?;
        let workspace = admin.workspace_id;
        let detail = json!({ "email": member.email, "before": member.role, "role": role });
        let subject = user.to_string();
        let mut batch = vec![
            self.catalogue.assert_roles_unchanged(&roles_at_check(admin, &member))?,
            self.catalogue.update_role(workspace, user, role)?,
            self.audit(workspace, &admin.actor, "member.role_changed", &subject, detail)?,
        ];
        let loses_rights = !role.manages_connections();
        if loses_rights {
            batch.push(self.catalogue.delete_invites_by(workspace, user)?);
        }
        self.catalogue.change_team(batch).await?;
        if loses_rights {
            self.close_tails(tails).await;
        }
        Ok(MemberRow { role, ..member })
    }

    /// Ends a membership, with the member's sessions, API keys, live tails and the invites that
    /// they made.
    pub async fn remove_member(&self, admin: &Admin, user: UserId) -> Result<MemberRow> {
        let member = self.member(admin, user).await?;
        check(admin.role().may_change(member.role))?;
        let tails = self.catalogue.tails_of(user).await?;
        let workspace = admin.workspace_id;
        let detail = json!({ "email": member.email, "role": member.role });
        let subject = user.to_string();
        let batch = vec![
            self.catalogue.assert_roles_unchanged(&roles_at_check(admin, &member))?,
            self.catalogue.delete_membership(workspace, user)?,
            self.catalogue.delete_invites_by(workspace, user)?,
            self.audit(workspace, &admin.actor, "member.removed", &subject, detail)?,
        ];
        self.catalogue.change_team(batch).await?;
        self.close_tails(tails).await;
        Ok(member)
    }

    /// Tells the KeyGates to close these live tails. A KeyGate that cannot be reached closes them
    /// by itself within ten minutes.
    pub async fn close_tails(&self, tails: Vec<TailRow>) {
        for tail in tails {
            let mut gate = [0; 12];
            if hex::decode_to_slice(&tail.gate, &mut gate).is_err() {
                continue;
            }
            let gate = GateName::from_bytes(gate);
            let command = GateCommand::CloseTails { session: Some(tail.session_hash) };
            if let Err(error) = self.command_within(gate, command, GATE_DEADLINE_MS).await {
                worker::console_warn!("closing tails of {gate}: {error}");
            }
        }
    }
}

/// The roles by which a change of this member was authorised.
fn roles_at_check(admin: &Admin, member: &MemberRow) -> RolesAtCheck {
    RolesAtCheck {
        workspace_id: admin.workspace_id,
        member: (member.user_id, member.role),
        actor: (admin.actor.user_id, admin.role()),
    }
}
