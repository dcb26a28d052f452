//! The handlers of the team.

use super::Call;
use crate::Result;
use crate::catalogue::members::{InviteRow, MemberRow};
use crate::control::CreatedInvite;
use crate::control::caller::Admin;
use tidegate_console::links;
use tidegate_core::api::output::Rfc3339;
use tidegate_core::api::procedures::Team;
use tidegate_core::api::procedures::team::{
    ChangeRole, CreatedInviteOut, InviteListOut, InviteMember, InviteOut, MemberListOut, MemberOut,
    RemovedMemberOut, WithdrawnInviteOut,
};
use tidegate_core::domain::id::{InviteId, UserId};

impl Team for Call<'_> {
    async fn list_members(&self, admin: &Admin, (): ()) -> Result<MemberListOut> {
        let catalogue = &self.control_plane.catalogue;
        let members = catalogue.run(catalogue.members(admin.workspace_id)?).await?;
        Ok(MemberListOut { members: members.into_iter().map(member_out).collect() })
    }

    async fn change_member_role(&self, admin: &Admin, arguments: ChangeRole) -> Result<MemberOut> {
        let ChangeRole { user_id, role } = arguments;
        Ok(member_out(self.control_plane.change_role(admin, user_id, role).await?))
    }

    async fn remove_member(&self, admin: &Admin, user_id: UserId) -> Result<RemovedMemberOut> {
        self.control_plane.remove_member(admin, user_id).await?;
        Ok(RemovedMemberOut { user_id, removed: true })
    }

    async fn invite_member(
        &self,
        admin: &Admin,
        arguments: InviteMember,
    ) -> Result<CreatedInviteOut> {
        let InviteMember { email, role } = arguments;
        let CreatedInvite { id, token, email, role, expires_at } =
            self.control_plane.invite(admin, email, role).await?;
        Ok(CreatedInviteOut {
            invite_id: id,
            invite_url: format!("{}{}", self.console_origin, links::invite(token.reveal())),
            email,
            role,
            expires_at: Rfc3339(expires_at),
        })
    }

    async fn list_invites(&self, admin: &Admin, (): ()) -> Result<InviteListOut> {
        let (catalogue, now) = (&self.control_plane.catalogue, self.control_plane.now);
        let invites = catalogue.run(catalogue.invites(admin.workspace_id, now)?).await?;
        Ok(InviteListOut { invites: invites.into_iter().map(invite_out).collect() })
    }

    async fn withdraw_invite(&self, admin: &Admin, id: InviteId) -> Result<WithdrawnInviteOut> {
        self.control_plane.withdraw_invite(admin, id).await?;
        Ok(WithdrawnInviteOut { invite_id: id, withdrawn: true })
    }
}

fn member_out(member: MemberRow) -> MemberOut {
    let MemberRow { user_id, email, role, created_at, seen_at } = member;
    MemberOut {
        user_id,
        email,
        role,
        joined_at: Rfc3339(created_at),
        last_seen_at: seen_at.map(Rfc3339),
    }
}

fn invite_out(invite: InviteRow) -> InviteOut {
    let InviteRow {
        id,
        workspace_id: _,
        workspace_name: _,
        email,
        role,
        invited_by,
        created_at,
        expires_at,
    } = invite;
    InviteOut {
        invite_id: id,
        email,
        role,
        invited_by,
        created_at: Rfc3339(created_at),
        expires_at: Rfc3339(expires_at),
    }
}
