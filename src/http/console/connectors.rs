//! The list of integration keys, minting a key, and the one-time reveal.

use std::collections::HashMap;

use futures_util::future::join_all;

use super::page::Page;
use super::request::{ConsoleRequest, Session};
use crate::catalogue::integration_keys::KeyFilter;
use crate::control::caller::Admin;
use crate::control::{GATE_DEADLINE_MS, MintedKey, OwnedKey, OwnedStore, Usage as KeyUsage};
use crate::platform::random;
use crate::{Error, Result};
use tidegate_console::components::restricted_card;
use tidegate_console::forms::{Form, FormErrors};
use tidegate_console::layout::Section;
use tidegate_console::links;
use tidegate_console::pages::connectors::{
    Connectors, Filters, Traffic, Usage, connectors, usage_cells,
};
use tidegate_console::pages::key_form::{KeyForm, Typed, key_form, label, preset as typed_for};
use tidegate_console::pages::reveal::{Reveal, first_order, reveal};
use tidegate_core::api::procedures::keys::CreateIntegrationKey;
use tidegate_core::api::routes::webhook_url;
use tidegate_core::domain::credential::KeyId;
use tidegate_core::domain::encoding::base32;
use tidegate_core::domain::expiry::NOTICES;
use tidegate_core::domain::id::StoreId;
use tidegate_core::domain::key::{ShownStatus, Source};
use tidegate_core::domain::rejection::{Code, Rejection};
use tidegate_core::domain::secret::SigningSecret;
use tidegate_core::domain::time::DAY;

/// Keys on one page of the list.
const PAGE: u32 = 50;

/// The list of keys, with a modal or drawer over it if there is one.
pub async fn list(
    request: &ConsoleRequest<'_>,
    session: &Session,
    layer: Option<maud::Markup>,
) -> Result<Page> {
    list_page(request, session, 200, layer).await
}

/// The layer alone if htmx asked only for that, else the list with the layer over it.
pub async fn layer_page(
    request: &ConsoleRequest<'_>,
    session: &Session,
    status: u16,
    layer: maud::Markup,
) -> Result<Page> {
    if request.wants_only("layer") {
        return Ok(Page::html(status, layer));
    }
    list_page(request, session, status, Some(layer)).await
}

async fn list_page(
    request: &ConsoleRequest<'_>,
    session: &Session,
    status: u16,
    layer: Option<maud::Markup>,
) -> Result<Page> {
    let Some(admin) = session.admin() else { return Ok(restricted_page(request, session)) };
    // At the address of a layer the list shows its first page, whatever the query says.
    let query =
        if request.target.path == links::CONNECTORS { request.query() } else { Form::default() };
    let filters = Filters {
        search: query.get("q").trim().to_owned(),
        store: query.get("store").to_owned(),
        source: query.get("source").to_owned(),
        status: query.get("status").to_owned(),
    };
    let cursor = query.get("cursor").split_once('.');
    let cursor = cursor.and_then(|(at, id)| Some((at.parse::<i64>().ok()?, id)));
    let control_plane = &request.control_plane;
    let (catalogue, now) = (&control_plane.catalogue, control_plane.now);
    let filter = KeyFilter {
        store: StoreId::parse(&filters.store),
        source: Source::parse(&filters.source),
        status: ShownStatus::parse(&filters.status),
        search: Some(filters.search.clone()).filter(|search| !search.is_empty()),
    };
    let longest = NOTICES.iter().copied().max().unwrap_or_default();
    let page = control_plane.key_list(&admin, &filter, cursor, PAGE)?;
    let stores = control_plane.stores(&admin)?;
    let expiring = catalogue.keys_to_renew(admin.workspace_id, now, now.plus(longest * DAY))?;
    let ((page, stores), expiring) = catalogue.run(page.and(stores).and(expiring)).await?;
    let keys: Vec<_> = page.keys.into_iter().map(OwnedKey::into_record).collect();
    let stores = ids_and_names(&stores);
    let csrf = request.csrf(session);
    let main = connectors(&Connectors {
        csrf: &csrf,
        keys: &keys,
        stores: &stores,
        filters: &filters,
        later: cursor.is_some(),
        next_cursor: page.next_cursor.as_deref(),
        expiring: (expiring.len(), expiring.first()),
        now,
    });
    let markup = request.page_markup(session, "Connectors", Section::Connectors, layer, main);
    Ok(Page::html(status, markup))
}

/// The page that members get: no controls and no data.
pub fn restricted_page(request: &ConsoleRequest<'_>, session: &Session) -> Page {
    let card = restricted_card("Connectors");
    Page::html(403, request.page_markup(session, "Connectors", Section::Connectors, None, card))
}

/// The id and name of each store.
fn ids_and_names(stores: &[OwnedStore]) -> Vec<(String, String)> {
    stores.iter().map(|store| (store.id.to_string(), store.name.clone())).collect()
}

/// The stores that new keys can be minted for: those that are not archived.
async fn open_stores(request: &ConsoleRequest<'_>, admin: &Admin) -> Result<Vec<(String, String)>> {
    let control_plane = &request.control_plane;
    let mut stores = control_plane.catalogue.run(control_plane.stores(admin)?).await?;
    stores.retain(|store| store.archived_at.is_none());
    Ok(ids_and_names(&stores))
}

/// A random id for a form that mints a key. However often the form is sent, it mints one key.
pub fn form_id() -> Result<String> {
    Ok(base32(&random::<12>()?).chars().take(20).collect())
}

pub async fn new_key(request: &ConsoleRequest<'_>, session: &Session) -> Result<Page> {
    let Some(admin) = session.admin() else { return Ok(restricted_page(request, session)) };
    let stores = open_stores(request, &admin).await?;
    let query = request.query();
    let preset = Source::parse(query.get("preset"));
    let mut typed = typed_for(preset.unwrap_or(Source::Custom));
    let preselected = stores.iter().find(|(id, _)| id == query.get("store"));
    if let Some((store, _)) = preselected.or_else(|| stores.first()) {
        typed.store_id.clone_from(store);
    }
    let (csrf, form_id) = (request.csrf(session), form_id()?);
    let layer = key_form(&KeyForm {
        csrf: &csrf,
        form_id: &form_id,
        stores: &stores,
        preset,
        typed: &typed,
        errors: &FormErrors::default(),
    });
    layer_page(request, session, 200, layer).await
}

pub async fn create(request: &ConsoleRequest<'_>, session: &Session, form: &Form) -> Result<Page> {
    let admin = session.require_admin()?;
    let typed = Typed::from_form(form);
    let form_id = read_form_id(form)?;
    let minted = match CreateIntegrationKey::read(typed.arguments()) {
        Ok(arguments) => {
            let (control_plane, origin) = (&request.control_plane, request.api_origin());
            let store = control_plane.store(&admin, arguments.store_id).await?;
            control_plane.mint(&admin, &store, arguments, None, Some(form_id), origin).await
        }
        Err(rejection) => Err(rejection.into()),
    };
    match minted {
        Ok(minting) => reveal_page(request, session, &minting).await,
        Err(error) if error.code() == Code::ValidationFailed => {
            let stores = open_stores(request, &admin).await?;
            let csrf = request.csrf(session);
            let layer = key_form(&KeyForm {
                csrf: &csrf,
                form_id,
                stores: &stores,
                preset: Source::parse(form.get("preset")),
                typed: &typed,
                errors: &FormErrors::of_arguments(&error.into_rejection(), label),
            });
            layer_page(request, session, 422, layer).await
        }
        Err(error) => already_minted(request, &admin, form_id, error).await,
    }
}

/// Redirects to the key that this form has minted before; returns `rejection` if there is none.
pub async fn already_minted(
    request: &ConsoleRequest<'_>,
    admin: &Admin,
    form_id: &str,
    error: Error,
) -> Result<Page> {
    let catalogue = &request.control_plane.catalogue;
    let Some(minted) = catalogue.integration_key_of_form(admin.workspace_id, form_id).await? else {
        return Err(error);
    };
    let message =
        format!("This form has minted “{}” already. It was shown then, once.", minted.name);
    Ok(Page::redirect_with_flash(&links::key_settings(minted.key_id.as_str()), &message)
        .for_htmx(request))
}

/// The id of a form that mints a key; an error if it does not have the form of [`form_id`].
pub fn read_form_id(form: &Form) -> Result<&str> {
    let id = form.get("form");
    let well_formed = id.len() == 20 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if well_formed {
        Ok(id)
    } else {
        Err(Rejection::new(Code::Forbidden, "This form is not one of ours.").into())
    }
}

/// Shows a new key and its signing secret. They are in this response and nowhere else.
pub async fn reveal_page(
    request: &ConsoleRequest<'_>,
    session: &Session,
    minting: &MintedKey,
) -> Result<Page> {
    let MintedKey { record, key, secret } = minting;
    let whsec = secret.as_ref().map(SigningSecret::to_whsec);
    let origin = request.api_origin();
    let webhook_url = webhook_url(origin, record.payload_format, record.key_id.as_str());
    let is_gateway_format = webhook_url.is_none();
    let url = webhook_url.unwrap_or_else(|| format!("{origin}/integrations/v1/orders"));
    let command = |query| first_order(&url, query, key.reveal(), secret.as_ref());
    let commands = is_gateway_format.then(|| (command(""), command("?dry_run=true")));
    let layer = reveal(&Reveal {
        record,
        key: key.reveal(),
        secret: secret.as_ref().map(SigningSecret::reveal).zip(whsec.as_deref()),
        url: &url,
        commands: commands.as_ref().map(|(order, dry_run)| (order.as_str(), dry_run.as_str())),
    });
    let page = layer_page(request, session, 200, layer).await?;
    // So that a reload gets the list and does not send the form again.
    Ok(page.header("HX-Replace-Url", links::CONNECTORS.to_owned()))
}

/// The 24-hour cells of the keys in a list: one response for all of them, each read from its
/// KeyGate.
pub async fn usage(request: &ConsoleRequest<'_>, session: &Session) -> Result<Page> {
    let admin = session.require_admin()?;
    let query = request.query();
    let ids: Vec<KeyId> = query
        .get("keys")
        .split(',')
        .filter_map(|id| KeyId::parse(id, &request.settings.tag_keys))
        .take(PAGE as usize)
        .collect();
    let keys = request.control_plane.keys(&admin, &ids).await?;
    let traffic = join_all(keys.iter().map(|key| traffic(request, key))).await;
    let mut traffic: HashMap<_, _> = keys.iter().map(|key| &key.key_id).zip(traffic).collect();
    let usage: Vec<_> = ids
        .iter()
        .map(|id| Usage { key_id: id.as_str(), traffic: traffic.remove(id).flatten() })
        .collect();
    Ok(Page::html(200, usage_cells(&usage, request.control_plane.now)))
}

/// The traffic of a key; `None` if its KeyGate does not answer.
async fn traffic(request: &ConsoleRequest<'_>, key: &OwnedKey) -> Option<Traffic> {
    let usage = request.control_plane.usage(key, GATE_DEADLINE_MS).await.ok()?;
    let KeyUsage { h24, hours, last_used_at, parked, failing: _ } = usage;
    Some(Traffic { total: h24, hours, last_used_at, parked })
}
