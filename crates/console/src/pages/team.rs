//! Settings → Team: the members of the workspace and its pending invites.

use maud::{Markup, html};

use super::role_label;
use crate::components::{
    Attributes, Button, CloseBy, Column, Confirm, Field, Kind, Layer, TimeStyle, actions, cell,
    chip, confirm, empty_state, error_summary, form, head_cell, hidden, inline_note, modal, muted,
    no_time, page_header, post_button, secret_field, section, table, time,
};
use crate::forms::FormErrors;
use crate::icons::Icon;
use crate::links;
use tidegate_core::domain::access::Role;
use tidegate_core::domain::id::{InviteId, UserId};
use tidegate_core::domain::time::Timestamp;

/// A member as the list shows them.
#[derive(Clone, Debug)]
pub struct Member {
    pub user_id: UserId,
    pub email: String,
    pub role: Role,
    pub joined_at: Timestamp,
    /// When a session of theirs was last used; `None` if they have no session.
    pub seen_at: Option<Timestamp>,
}

/// A pending invite.
#[derive(Clone, Debug)]
pub struct Invite {
    pub id: InviteId,
    pub email: String,
    pub role: Role,
    pub invited_by: String,
    pub expires_at: Timestamp,
}

/// The view model of the page, for owners and admins.
#[derive(Debug)]
pub struct Team<'a> {
    pub csrf: &'a str,
    pub members: &'a [Member],
    pub invites: &'a [Invite],
    /// The signed-in user.
    pub you: UserId,
    /// The signed-in user's role.
    pub role: Role,
    pub typed: &'a Typed,
    pub errors: &'a FormErrors,
    /// The reason why the last action was refused.
    pub refused: Option<&'a str>,
    pub now: Timestamp,
}

/// The values of the invite form's fields, as they were typed.
#[derive(Clone, Debug, Default)]
pub struct Typed {
    pub email: String,
    pub role: String,
}

/// The label of a field, with which its error messages begin.
pub fn label(field: &str) -> &'static str {
    match field {
        "email" => "The e-mail address",
        "role" => "The role",
        _ => "It",
    }
}

/// The permissions of a role, in one line.
pub const fn role_text(role: Role) -> &'static str {
    match role {
        Role::Owner => "Everything, and making, changing and removing other owners.",
        Role::Admin => "Connectors, stores, the audit log, and the team except its owners.",
        Role::Member => "Reading orders, and nothing else.",
    }
}

pub fn team(page: &Team<'_>) -> Markup {
    html! {
        (page_header("Team", Some("Who may use this workspace, and as what."), html! {}))
        @if let Some(refused) = page.refused {
            div role="alert" { (inline_note(Kind::Bad, html! { (refused) })) }
        }
        (section("members", "Members", html! {}, members(page)))
        (section("invites", "Pending invites", html! {}, invites(page)))
        (invite_form(page))
    }
}

const EMAIL: Column<'_> = Column::new("E-mail");
const ROLE: Column<'_> = Column::new("Role");
const JOINED: Column<'_> = Column::new("Joined");
const SEEN: Column<'_> = Column::new("Last seen");
const INVITED_BY: Column<'_> = Column::new("Invited by");
const EXPIRES: Column<'_> = Column::new("Expires");
const ACTIONS: Column<'_> = Column::hidden("Actions");

fn members(page: &Team<'_>) -> Markup {
    let owners = page.members.iter().filter(|member| member.role == Role::Owner).count();
    let rows = html! {
        @for member in page.members { (member_row(page, member, owners)) }
    };
    table("Members", &[EMAIL, ROLE, JOINED, SEEN, ACTIONS], &Attributes::new(), rows)
}

fn member_row(page: &Team<'_>, member: &Member, owners: usize) -> Markup {
    let last_owner = member.role == Role::Owner && owners == 1;
    let changeable = page.role.may_change(member.role) && !last_owner;
    let remove = links::remove(&member.user_id.to_string());
    html! {
        tr {
            (head_cell(html! {
                (member.email)
                @if member.user_id == page.you { " " (chip("you")) }
            }))
            (cell(&ROLE, html! {
                @if changeable { (role_form(page, member)) }
                @else {
                    (role_label(member.role))
                    @if last_owner { div.sub { (muted("The only owner, who stays one")) } }
                }
            }))
            (cell(&JOINED, time(member.joined_at, TimeStyle::Date)))
            (cell(&SEEN, match member.seen_at {
                Some(at) => time(at, TimeStyle::Relative(page.now)),
                None => no_time("Signed out"),
            }))
            (cell(&ACTIONS, html! {
                @if changeable {
                    @let verb = if member.user_id == page.you { "Leave" } else { "Remove" };
                    @let label = format!("{verb}: {}", member.email);
                    (Button::ghost(verb).small().opens_layer(&remove).attr("aria-label", &label))
                }
            }))
        }
    }
}

/// The roles that a user of `role` may grant: pairs of value and label.
fn grantable(role: Role) -> Vec<(&'static str, &'static str)> {
    let roles = Role::ALL.into_iter().filter(|other| role.may_grant(*other));
    roles.map(|role| (role.as_str(), role_label(role))).collect()
}

fn role_form(page: &Team<'_>, member: &Member) -> Markup {
    let id = member.user_id.to_string();
    let field = format!("Role of {}", member.email);
    form(
        page.csrf,
        &links::role(&id),
        &Attributes::new().set("class", "role-form"),
        html! {
            (Field::new("role", &field).id(&format!("role-{id}")).label_hidden()
                .select(&grantable(page.role), member.role.as_str()))
            (Button::ghost("Change").small().busy("Changing…")
                .attr("aria-label", &format!("Change the role of {}", member.email)))
        },
    )
}

fn invites(page: &Team<'_>) -> Markup {
    if page.invites.is_empty() {
        return empty_state(
            Icon::Mail,
            "Nobody is invited",
            "Invite somebody below: you get a link to send them, which is good once, for 7 days.",
            html! {},
        );
    }
    let rows = html! {
        @for invite in page.invites {
            tr {
                (head_cell(html! { (invite.email) }))
                (cell(&ROLE, html! { (role_label(invite.role)) }))
                (cell(&INVITED_BY, html! { (invite.invited_by) }))
                (cell(&EXPIRES, time(invite.expires_at, TimeStyle::Relative(page.now))))
                (cell(&ACTIONS, html! {
                    @if page.role.may_change(invite.role) {
                        @let label = format!("Withdraw the invite of {}", invite.email);
                        (post_button(page.csrf, &links::withdraw(&invite.id.to_string()),
                            &Button::ghost("Withdraw").small().busy("Withdrawing…").attr("aria-label", &label)))
                    }
                }))
            }
        }
    };
    let columns = [EMAIL, ROLE, INVITED_BY, EXPIRES, ACTIONS];
    table("Pending invites", &columns, &Attributes::new(), rows)
}

/// The section with the invite form. It is also the response to a form with errors.
pub fn invite_form(page: &Team<'_>) -> Markup {
    let (typed, errors) = (page.typed, page.errors);
    let role = if typed.role.is_empty() { Role::Member.as_str() } else { &typed.role };
    let attributes = Attributes::new()
        .set("class", "stack")
        .set("hx-post", links::INVITES)
        .set("hx-target", "#layer")
        .set("hx-swap", "innerHTML");
    let content = html! {
        (error_summary(&errors.summary()))
        (Field::new("email", "E-mail").required().error(errors.of("email"))
            .attr("autocomplete", "off").email(&typed.email))
        (Field::new("role", "Role").required().error(errors.of("role"))
            .hint_markup(html! {
                @for (index, role) in Role::ALL.into_iter().filter(|role| page.role.may_grant(*role)).enumerate() {
                    @if index > 0 { br; }
                    strong { (role_label(role)) } ": " (role_text(role))
                }
            })
            .select(&grantable(page.role), role))
        (actions(html! { (Button::primary("Make an invite link").icon(Icon::Link).busy("Making…")) }))
    };
    section(
        "invite",
        "Invite somebody",
        html! {},
        html! { div.card { (form(page.csrf, links::INVITES, &attributes, content)) } },
    )
}

/// The modal that shows the link of a new invite, once.
pub fn invited(email: &str, role: Role, url: &str, expires_at: Timestamp) -> Markup {
    let layer = Layer {
        close_by: CloseBy::Reloading,
        guard: Some("Close? The link is not shown again."),
        ..Layer::new("invited", "Send this link", links::TEAM)
    };
    modal(
        &layer,
        html! {
            div.stack {
                p {
                    "It lets " strong { (email) } " join as " strong { (role_label(role)) }
                    ", once, until " (time(expires_at, TimeStyle::Full)) "."
                }
                (inline_note(Kind::Warn, html! {
                    strong { "This is the only time that it is shown, and no mail is sent." }
                    " Copy it and send it yourself, by a way that only they read: whoever has it can join."
                }))
                (secret_field("Invite link", "invite-link", url))
                (actions(html! {
                    (Button::primary("I have sent it").href(links::TEAM).attr("data-close", "saved"))
                }))
            }
        },
    )
}

/// The dialog that asks before a member is removed or leaves.
pub fn confirm_remove(csrf: &str, member: &Member, you: UserId) -> Markup {
    let leaving = member.user_id == you;
    let title = match leaving {
        true => format!("Leave this workspace as “{}”?", member.email),
        false => format!("Remove “{}”?", member.email),
    };
    confirm(Confirm {
        id: "remove-member",
        title: &title,
        body: html! {
            p { "This ends, at once:" }
            ul {
                li { "every session " (if leaving { "of yours" } else { "of theirs" }) " in this workspace, and what is shown live in it," }
                li { "every API key that acts as " (if leaving { "you" } else { "them" }) " here," }
                li { "the invites " (if leaving { "you have" } else { "they have" }) " made that nobody has taken." }
            }
            p {
                "The integration keys of storefronts go on. "
                (if leaving { "You are signed out, and come back only by a new invite." }
                 else { "They come back only by a new invite." })
            }
        },
        action: &links::remove(&member.user_id.to_string()),
        csrf,
        button: if leaving { "Leave" } else { "Remove" },
        busy: if leaving { "Leaving…" } else { "Removing…" },
        close_href: links::TEAM,
        attributes: Attributes::new(),
    })
}

/// The dialog that asks before a user gives up their own role.
pub fn confirm_own_role(csrf: &str, you: &Member, role: Role) -> Markup {
    confirm(Confirm {
        id: "own-role",
        title: &format!("Make yourself, “{}”, {}?", you.email, article(role)),
        body: html! {
            (hidden("role", role.as_str()))
            (hidden("confirmed", "yes"))
            p { (role_label(role)) ": " (role_text(role)) }
            p { "Only somebody else can make you " (role_label(you.role).to_lowercase()) " again." }
        },
        action: &links::role(&you.user_id.to_string()),
        csrf,
        button: "Change my role",
        busy: "Changing…",
        close_href: links::TEAM,
        attributes: Attributes::new(),
    })
}

/// A role with its article: `an admin`.
pub const fn article(role: Role) -> &'static str {
    match role {
        Role::Owner => "an owner",
        Role::Admin => "an admin",
        Role::Member => "a member",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_348_087_000);

    fn member(byte: u8, role: Role) -> Member {
        Member {
            user_id: UserId::from_random([byte; 10]),
            email: format!("<{role}{byte}>@a.test"),
            role,
            joined_at: NOW,
            seen_at: None,
        }
    }

    fn render(members: &[Member], you: usize) -> String {
        let page = Team {
            csrf: "tok",
            members,
            invites: &[],
            you: members[you].user_id,
            role: members[you].role,
            typed: &Typed::default(),
            errors: &FormErrors::default(),
            refused: None,
            now: NOW,
        };
        team(&page).into_string()
    }

    fn offers(markup: &str, member: &Member) -> (bool, bool) {
        let id = member.user_id.to_string();
        let offers = |link: &str| markup.contains(&format!("\"{link}\""));
        (offers(&links::role(&id)), offers(&links::remove(&id)))
    }

    #[test]
    fn controls_are_shown_only_where_the_role_allows_them() {
        use Role::{Admin, Member, Owner};
        let members = [member(1, Owner), member(2, Owner), member(3, Admin), member(4, Member)];
        let (owner, admin) = (render(&members, 0), render(&members, 2));
        for (index, of_admin) in [(0, false), (1, false), (2, true), (3, true)] {
            assert_eq!(offers(&owner, &members[index]), (true, true));
            assert_eq!(offers(&admin, &members[index]), (of_admin, of_admin));
        }
        assert!(owner.contains("<option value=\"owner\""));
        assert!(!admin.contains("<option value=\"owner\""));
        assert!(!admin.contains("<owner1>") && admin.contains("&lt;owner1&gt;"));
    }

    #[test]
    fn the_last_owner_can_neither_change_role_nor_leave() {
        let members = [member(1, Role::Owner), member(2, Role::Admin)];
        let markup = render(&members, 0);
        assert_eq!(offers(&markup, &members[0]), (false, false));
        assert_eq!(offers(&markup, &members[1]), (true, true));
        assert!(markup.contains("The only owner"));
    }

    #[test]
    fn the_signed_in_user_is_marked_once() {
        let members = [member(1, Role::Owner), member(2, Role::Admin)];
        assert_eq!(render(&members, 1).matches(">you<").count(), 1);
    }

    #[test]
    fn the_dialog_that_removes_a_member_says_what_ends() {
        let them = member(2, Role::Admin);
        let markup = confirm_remove("tok", &them, UserId::from_random([1; 10])).into_string();
        assert!(markup.contains("Remove “&lt;admin2&gt;@a.test”?"), "{markup}");
        for part in ["session", "API key", "live", "invites"] {
            assert!(markup.contains(part), "{part}");
        }
        let leaving = confirm_remove("tok", &them, them.user_id).into_string();
        assert!(leaving.contains("You are signed out"));
    }
}
