//! What can be done with a key: pausing, revoking, rotating, its secret, its parked events.

use super::connectors::{checked_form_id, form_id, layered, restricted, revealed, sent_before};
use super::keys::{in_drawer, key_of, row_of, settings_tab, store_name};
use super::page::Page;
use super::visit::{ConsoleRequest, Session};
use crate::api::console_routes::{KeyAction, KeyTab};
use crate::api::routes::webhook_url;
use crate::api::rpc::SetSigningSecret;
use crate::api::rpc_team::RotateIntegrationKey;
use crate::console::forms::{Form, FormErrors};
use crate::console::links;
use crate::console::pages::key_form::{label, number};
use crate::console::pages::key_parked::confirm_discard;
use crate::console::pages::key_secret::SecretForm;
use crate::console::pages::key_settings::{RotateForm, confirm_revoke, rotate_form};
use crate::domain::expiry::days_left;
use crate::domain::key::{KeyChange, KeyRecord, KeyStatus};
use crate::domain::rejection::Code;
use crate::domain::time::HOUR;
use crate::edge::Result;
use crate::edge::operations::Change;

pub async fn confirm_revoking(
    visit: &ConsoleRequest<'_>,
    session: &Session,
    key: &str,
) -> Result<Page> {
    let Some(admin) = session.admin() else { return Ok(restricted(visit, session)) };
    let record = key_of(visit, &admin, key).await?;
    if record.status == KeyStatus::Revoked {
        return Ok(Page::redirect(&links::key_settings(key)));
    }
    let traffic = visit.operations.stats(&admin, &record.key_id).await.ok();
    let layer = confirm_revoke(&visit.csrf(session), &record, traffic.map(|stats| stats.h24));
    layered(visit, session, 200, layer).await
}

pub async fn change(
    visit: &ConsoleRequest<'_>,
    session: &Session,
    key: &str,
    action: KeyAction,
) -> Result<Page> {
    let admin = session.require_admin()?;
    let record = key_of(visit, &admin, key).await?;
    let change = match action {
        KeyAction::Pause => KeyChange::Pause,
        KeyAction::Resume => KeyChange::Resume,
        KeyAction::Revoke => KeyChange::Revoke,
    };
    let Change { record, in_flight } =
        visit.operations.change(&admin, &record.key_id, change).await?;
    let name = &record.name;
    Ok(match action {
        KeyAction::Pause => Page::done(links::CONNECTORS, &format!("“{name}” is paused.")),
        KeyAction::Resume => Page::done(links::CONNECTORS, &format!("“{name}” works again.")),
        KeyAction::Revoke => {
            let told = match in_flight {
                0 => format!("“{name}” is revoked. No request of it is under way."),
                1 => format!("“{name}” is revoked. 1 request that was under way is finishing."),
                many => {
                    format!(
                        "“{name}” is revoked. {many} requests that were under way are finishing."
                    )
                }
            };
            Page::done(&links::key_settings(key), &told)
        }
    })
}

pub async fn rotation_form(
    visit: &ConsoleRequest<'_>,
    session: &Session,
    key: &str,
) -> Result<Page> {
    let Some(admin) = session.admin() else { return Ok(restricted(visit, session)) };
    let record = key_of(visit, &admin, key).await?;
    if record.status == KeyStatus::Revoked {
        return Ok(Page::redirect(&links::key_settings(key)));
    }
    // What the old key had for a life, the new one has again.
    let days = record.expires_at.map(|at| days_left(at, record.created_at).to_string());
    let errors = FormErrors::default();
    let (name, days) = (record.name.clone(), days.unwrap_or_default());
    rotation_page(visit, session, 200, &record, &form_id()?, &name, &days, &errors).await
}

#[expect(clippy::too_many_arguments, reason = "the fields of one form")]
async fn rotation_page(
    visit: &ConsoleRequest<'_>,
    session: &Session,
    status: u16,
    record: &KeyRecord,
    form_id: &str,
    name: &str,
    expires_in_days: &str,
    errors: &FormErrors,
) -> Result<Page> {
    let store = store_name(visit, record).await?;
    let csrf = visit.csrf(session);
    let store = store.as_str();
    let layer = rotate_form(&RotateForm {
        csrf: &csrf,
        form_id,
        record,
        store,
        name,
        expires_in_days,
        errors,
    });
    layered(visit, session, status, layer).await
}

pub async fn rotate(
    visit: &ConsoleRequest<'_>,
    session: &Session,
    key: &str,
    form: &Form,
) -> Result<Page> {
    let admin = session.require_admin()?;
    let record = key_of(visit, &admin, key).await?;
    let form_id = checked_form_id(form)?;
    let (name, days) = (form.get("name").trim(), form.get("expires_in_days"));
    let arguments = serde_json::json!({
        "p_key_id": key, "p_name": name, "p_expires_in_days": number(days),
    });
    let tag_keys = &visit.settings.tag_keys;
    let minted = match RotateIntegrationKey::read(arguments.to_string().as_bytes(), tag_keys) {
        Ok(RotateIntegrationKey { key_id: _, name, expires_in_days }) => {
            let name = name.unwrap_or_else(|| record.name.clone());
            let (form, origin) = (Some(form_id), visit.api_origin());
            visit.operations.rotate(&admin, &record, name, expires_in_days, form, origin).await
        }
        Err(rejection) => Err(rejection),
    };
    match minted {
        Ok(minting) => revealed(visit, session, &minting).await,
        Err(rejection) if rejection.code == Code::ValidationFailed => {
            let errors = FormErrors::of_arguments(&rejection, label);
            rotation_page(visit, session, 422, &record, form_id, name, days, &errors).await
        }
        Err(rejection) => sent_before(visit, &admin, form_id, rejection).await,
    }
}

pub async fn set_secret(
    visit: &ConsoleRequest<'_>,
    session: &Session,
    key: &str,
    form: &Form,
) -> Result<Page> {
    let admin = session.require_admin()?;
    let record = key_of(visit, &admin, key).await?;
    let mut arguments = serde_json::json!({
        "p_key_id": key,
        "p_signing_secret": form.get("signing_secret"),
        "p_overlap_hours": number(form.get("overlap_hours")),
    });
    let typed_url = Some(form.get("notification_url").trim()).filter(|url| !url.is_empty());
    if typed_url.is_some() && typed_url != signed_url(visit, &record).as_deref() {
        arguments["p_notification_url"] = typed_url.into();
    }
    let read = SetSigningSecret::read(arguments.to_string().as_bytes(), &visit.settings.tag_keys);
    let set = match read {
        Ok(arguments) => {
            let overlap = arguments.overlap;
            visit.operations.set_signing_secret(&admin, arguments).await.map(|_| overlap)
        }
        Err(rejection) => Err(rejection),
    };
    let overlap = match set {
        Ok(overlap) => overlap,
        Err(rejection) if rejection.code != Code::ValidationFailed => return Err(rejection),
        Err(rejection) => {
            let errors = FormErrors::of_arguments(&rejection, label);
            let secret = SecretForm { errors: &errors, notification_url: typed_url };
            let content = settings_tab(visit, session, &admin, &record, secret).await?;
            return in_drawer(visit, session, 422, &record, KeyTab::Settings, None, content).await;
        }
    };
    let told = match overlap {
        _ if record.awaits_secret() => {
            format!("“{}” has its secret: signed deliveries are taken from now on.", record.name)
        }
        0 => format!("“{}” has a new secret. The old one does not count any more.", record.name),
        overlap => format!(
            "“{}” has a new secret. The old one counts for {} more hours.",
            record.name,
            overlap / HOUR
        ),
    };
    Ok(Page::done(&links::key_settings(key), &told))
}

/// The URL that a key's sender signs as things are.
fn signed_url(visit: &ConsoleRequest<'_>, record: &KeyRecord) -> Option<String> {
    let own = || webhook_url(visit.api_origin(), record.payload_format, record.key_id.as_str());
    record.notification_url.clone().or_else(own)
}

pub async fn confirm_discarding(
    visit: &ConsoleRequest<'_>,
    session: &Session,
    key: &str,
    event: &str,
) -> Result<Page> {
    let Some(admin) = session.admin() else { return Ok(restricted(visit, session)) };
    let record = key_of(visit, &admin, key).await?;
    row_of(&record, event)?;
    let layer = confirm_discard(&visit.csrf(session), key, &record.name, event);
    layered(visit, session, 200, layer).await
}

pub async fn discard(
    visit: &ConsoleRequest<'_>,
    session: &Session,
    key: &str,
    event: &str,
) -> Result<Page> {
    let admin = session.require_admin()?;
    let record = key_of(visit, &admin, key).await?;
    let row = row_of(&record, event)?;
    visit.operations.discard_parked(&admin, &record.key_id, row).await?;
    Ok(Page::done(&links::key_parked(key), "The event was discarded."))
}

pub async fn retry(
    visit: &ConsoleRequest<'_>,
    session: &Session,
    key: &str,
    event: &str,
) -> Result<Page> {
    let admin = session.require_admin()?;
    let record = key_of(visit, &admin, key).await?;
    let row = row_of(&record, event)?;
    let (outcome, reason) = visit.operations.retry_parked(&admin, &record.key_id, row).await?;
    let told = match (outcome, reason) {
        (Some(outcome), _) => format!("The event was tried again: {}.", outcome.as_str()),
        (None, Some(reason)) => format!("The event waits on: {}.", reason.as_str()),
        (None, None) => "The event waits on.".to_owned(),
    };
    Ok(Page::done(&links::key_parked(key), &told))
}
