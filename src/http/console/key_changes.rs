//! The actions on a key: pausing, revoking, rotating, setting its secret, settling parked events.

use super::connectors::{
    already_minted, form_id, layer_page, read_form_id, restricted_page, reveal_page,
};
use super::keys::{drawer_page, find_key, sequence_id_of, settings_tab};
use super::page::Page;
use super::request::{ConsoleRequest, Session};
use crate::Result;
use crate::control::{ChangedKey, OwnedKey};
use tidegate_console::forms::{Form, FormErrors};
use tidegate_console::links;
use tidegate_console::pages::key_form::{label, number};
use tidegate_console::pages::key_parked::confirm_discard;
use tidegate_console::pages::key_secret::SecretForm;
use tidegate_console::pages::key_settings::{RotateForm, confirm_revoke, rotate_form};
use tidegate_console::routes::{KeyAction, KeyTab};
use tidegate_core::api::procedures::Arguments;
use tidegate_core::api::procedures::keys::{RotateIntegrationKey, SetSigningSecret};
use tidegate_core::api::routes::webhook_url;
use tidegate_core::domain::expiry::days_left;
use tidegate_core::domain::key::{KeyChange, KeyRecord, KeyStatus};
use tidegate_core::domain::rejection::Code;
use tidegate_core::domain::time::HOUR;

pub async fn confirm_revocation(
    request: &ConsoleRequest<'_>,
    session: &Session,
    key: &str,
) -> Result<Page> {
    let Some(admin) = session.admin() else { return Ok(restricted_page(request, session)) };
    let record = find_key(request, &admin, key).await?;
    if record.status == KeyStatus::Revoked {
        return Ok(Page::redirect(&links::key_settings(key)));
    }
    let traffic = request.control_plane.stats(&record).await.ok();
    let layer = confirm_revoke(&request.csrf(session), &record, traffic.map(|stats| stats.h24));
    layer_page(request, session, 200, layer).await
}

pub async fn change(
    request: &ConsoleRequest<'_>,
    session: &Session,
    key: &str,
    action: KeyAction,
) -> Result<Page> {
    let admin = session.require_admin()?;
    let record = find_key(request, &admin, key).await?;
    let change = match action {
        KeyAction::Pause => KeyChange::Pause,
        KeyAction::Resume => KeyChange::Resume,
        KeyAction::Revoke => KeyChange::Revoke,
    };
    let ChangedKey { record, in_flight } =
        request.control_plane.change(&admin, &record, change).await?;
    let name = &record.name;
    Ok(match action {
        KeyAction::Pause => {
            Page::redirect_with_flash(links::CONNECTORS, &format!("“{name}” is paused."))
        }
        KeyAction::Resume => {
            Page::redirect_with_flash(links::CONNECTORS, &format!("“{name}” works again."))
        }
        KeyAction::Revoke => {
            let message = match in_flight {
                0 => format!("“{name}” is revoked. No request of it is under way."),
                1 => format!("“{name}” is revoked. 1 request that was under way is finishing."),
                many => {
                    format!(
                        "“{name}” is revoked. {many} requests that were under way are finishing."
                    )
                }
            };
            Page::redirect_with_flash(&links::key_settings(key), &message)
        }
    })
}

pub async fn rotation_form(
    request: &ConsoleRequest<'_>,
    session: &Session,
    key: &str,
) -> Result<Page> {
    let Some(admin) = session.admin() else { return Ok(restricted_page(request, session)) };
    let record = find_key(request, &admin, key).await?;
    if record.status == KeyStatus::Revoked {
        return Ok(Page::redirect(&links::key_settings(key)));
    }
    // By default the new key has the same lifetime as the old one.
    let days = record.expires_at.map(|at| days_left(at, record.created_at).to_string());
    let errors = FormErrors::default();
    let (name, days) = (record.name.clone(), days.unwrap_or_default());
    rotation_page(request, session, 200, &record, &form_id()?, &name, &days, &errors).await
}

#[expect(clippy::too_many_arguments, reason = "the fields of one form")]
async fn rotation_page(
    request: &ConsoleRequest<'_>,
    session: &Session,
    status: u16,
    record: &OwnedKey,
    form_id: &str,
    name: &str,
    expires_in_days: &str,
    errors: &FormErrors,
) -> Result<Page> {
    let csrf = request.csrf(session);
    let store = record.store().name.as_str();
    let layer = rotate_form(&RotateForm {
        csrf: &csrf,
        form_id,
        record,
        store,
        name,
        expires_in_days,
        errors,
    });
    layer_page(request, session, status, layer).await
}

pub async fn rotate(
    request: &ConsoleRequest<'_>,
    session: &Session,
    key: &str,
    form: &Form,
) -> Result<Page> {
    let admin = session.require_admin()?;
    let record = find_key(request, &admin, key).await?;
    let form_id = read_form_id(form)?;
    let (name, days) = (form.get("name").trim(), form.get("expires_in_days"));
    let given =
        [("p_key_id", key.into()), ("p_name", name.into()), ("p_expires_in_days", number(days))];
    let tag_keys = &request.settings.tag_keys;
    let minted = match RotateIntegrationKey::read(given.into(), tag_keys) {
        Ok(RotateIntegrationKey { key_id: _, name, expires_in_days }) => {
            let name = name.unwrap_or_else(|| record.name.clone());
            let (form, origin) = (Some(form_id), request.api_origin());
            request.control_plane.rotate(&admin, &record, name, expires_in_days, form, origin).await
        }
        Err(rejection) => Err(rejection.into()),
    };
    match minted {
        Ok(minting) => reveal_page(request, session, &minting).await,
        Err(error) if error.code() == Code::ValidationFailed => {
            let errors = FormErrors::of_arguments(&error.into_rejection(), label);
            rotation_page(request, session, 422, &record, form_id, name, days, &errors).await
        }
        Err(error) => already_minted(request, &admin, form_id, error).await,
    }
}

pub async fn set_secret(
    request: &ConsoleRequest<'_>,
    session: &Session,
    key: &str,
    form: &Form,
) -> Result<Page> {
    let admin = session.require_admin()?;
    let record = find_key(request, &admin, key).await?;
    let mut given = Arguments::from([
        ("p_key_id", key.into()),
        ("p_signing_secret", form.get("signing_secret").into()),
        ("p_overlap_hours", number(form.get("overlap_hours"))),
    ]);
    let typed_url = Some(form.get("notification_url").trim()).filter(|url| !url.is_empty());
    if typed_url.is_some() && typed_url != signed_webhook_url(request, &record).as_deref() {
        given.set("p_notification_url", typed_url);
    }
    let result = match SetSigningSecret::read(given, &request.settings.tag_keys) {
        Ok(arguments) => {
            let overlap = arguments.overlap;
            request
                .control_plane
                .set_signing_secret(&admin, &record, arguments)
                .await
                .map(|_| overlap)
        }
        Err(rejection) => Err(rejection.into()),
    };
    let overlap = match result {
        Ok(overlap) => overlap,
        Err(error) if error.code() == Code::ValidationFailed => {
            let errors = FormErrors::of_arguments(&error.into_rejection(), label);
            let secret = SecretForm { errors: &errors, notification_url: typed_url };
            let content = settings_tab(request, session, &record, secret).await?;
            return drawer_page(request, session, 422, &record, KeyTab::Settings, None, content)
                .await;
        }
        Err(error) => return Err(error),
    };
    let message = match overlap {
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
    Ok(Page::redirect_with_flash(&links::key_settings(key), &message))
}

/// The URL that a key's sender includes in its signatures at present: the one set for the key, else
/// its own webhook URL.
fn signed_webhook_url(request: &ConsoleRequest<'_>, record: &KeyRecord) -> Option<String> {
    let default_url =
        || webhook_url(request.api_origin(), record.payload_format, record.key_id.as_str());
    record.notification_url.clone().or_else(default_url)
}

pub async fn confirm_discarding_event(
    request: &ConsoleRequest<'_>,
    session: &Session,
    key: &str,
    event: &str,
) -> Result<Page> {
    let Some(admin) = session.admin() else { return Ok(restricted_page(request, session)) };
    let record = find_key(request, &admin, key).await?;
    sequence_id_of(&record, event)?;
    let layer = confirm_discard(&request.csrf(session), key, &record.name, event);
    layer_page(request, session, 200, layer).await
}

pub async fn discard_event(
    request: &ConsoleRequest<'_>,
    session: &Session,
    key: &str,
    event: &str,
) -> Result<Page> {
    let admin = session.require_admin()?;
    let record = find_key(request, &admin, key).await?;
    let row = sequence_id_of(&record, event)?;
    request.control_plane.discard_parked(&admin, &record, row).await?;
    Ok(Page::redirect_with_flash(&links::key_parked(key), "The event was discarded."))
}

pub async fn retry_event(
    request: &ConsoleRequest<'_>,
    session: &Session,
    key: &str,
    event: &str,
) -> Result<Page> {
    let admin = session.require_admin()?;
    let record = find_key(request, &admin, key).await?;
    let row = sequence_id_of(&record, event)?;
    let (outcome, reason) = request.control_plane.retry_parked(&record, row).await?;
    let message = match (outcome, reason) {
        (Some(outcome), _) => format!("The event was tried again: {}.", outcome.as_str()),
        (None, Some(reason)) => format!("The event waits on: {}.", reason.as_str()),
        (None, None) => "The event waits on.".to_owned(),
    };
    Ok(Page::redirect_with_flash(&links::key_parked(key), &message))
}
