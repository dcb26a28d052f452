//! The list of keys, minting, and the one-time reveal.

use futures_util::future::join_all;

use super::page::Page;
use super::visit::{ConsoleRequest, Session};
use crate::api::routes::webhook_url;
use crate::api::rpc::CreateIntegrationKey;
use crate::console::components::restricted_card;
use crate::console::forms::{Form, FormErrors};
use crate::console::layout::Section;
use crate::console::links;
use crate::console::pages::connectors::{
    Connectors, Filters, Traffic, Usage, connectors, usage_cells,
};
use crate::console::pages::key_form::{KeyForm, Typed, key_form, label, preset as typed_for};
use crate::console::pages::reveal::{Reveal, first_order, reveal};
use crate::domain::credential::KeyId;
use crate::domain::encoding::base32;
use crate::domain::expiry::NOTICES;
use crate::domain::id::StoreId;
use crate::domain::key::{ShownStatus, Source};
use crate::domain::rejection::{Code, Rejection};
use crate::domain::secret::SigningSecret;
use crate::domain::time::DAY;
use crate::edge::Result;
use crate::edge::caller::Admin;
use crate::edge::catalogue::integration_keys::KeyFilter;
use crate::edge::catalogue::stores::Store;
use crate::edge::operations::{self, Minting};
use crate::edge::platform::random;

/// Keys of one page.
const PAGE: u32 = 50;

/// The page of the list, with a modal or drawer over it.
pub async fn list(
    visit: &ConsoleRequest<'_>,
    session: &Session,
    layer: Option<maud::Markup>,
) -> Result<Page> {
    list_with(visit, session, 200, layer).await
}

/// A layer alone where only that was asked for, else over the list.
pub async fn layered(
    visit: &ConsoleRequest<'_>,
    session: &Session,
    status: u16,
    layer: maud::Markup,
) -> Result<Page> {
    if visit.wants_only("layer") {
        return Ok(Page::html(status, layer));
    }
    list_with(visit, session, status, Some(layer)).await
}

async fn list_with(
    visit: &ConsoleRequest<'_>,
    session: &Session,
    status: u16,
    layer: Option<maud::Markup>,
) -> Result<Page> {
    let Some(admin) = session.admin() else { return Ok(restricted(visit, session)) };
    // Over a layer's own address stands the first page, whatever its query says.
    let query =
        if visit.target.path == links::CONNECTORS { visit.query() } else { Form::default() };
    let filters = Filters {
        search: query.get("q").trim().to_owned(),
        store: query.get("store").to_owned(),
        source: query.get("source").to_owned(),
        status: query.get("status").to_owned(),
    };
    let cursor = query.get("cursor").split_once('.');
    let cursor = cursor.and_then(|(at, id)| Some((at.parse::<i64>().ok()?, id)));
    let catalogue = &visit.operations.catalogue;
    let (workspace, now) = (admin.workspace_id, visit.operations.now);
    let filter = KeyFilter {
        store: StoreId::parse(&filters.store),
        source: Source::parse(&filters.source),
        status: ShownStatus::parse(&filters.status),
        search: Some(filters.search.clone()).filter(|search| !search.is_empty()),
    };
    let page = catalogue.integration_keys(workspace, &filter, cursor, PAGE, now).await?;
    let stores = names(&catalogue.stores(workspace).await?);
    let longest = NOTICES.iter().copied().max().unwrap_or_default();
    let expiring = catalogue.keys_to_renew(workspace, now, now.plus(longest * DAY)).await?;
    let csrf = visit.csrf(session);
    let main = connectors(&Connectors {
        csrf: &csrf,
        keys: &page.keys,
        stores: &stores,
        filters: &filters,
        later: cursor.is_some(),
        next_cursor: page.next_cursor.as_deref(),
        expiring: (expiring.len(), expiring.first()),
        now,
    });
    let markup = visit.framed(session, "Connectors", Section::Connectors, layer, main);
    Ok(Page::html(status, markup))
}

/// What members see: no controls, and no data behind them.
pub fn restricted(visit: &ConsoleRequest<'_>, session: &Session) -> Page {
    let card = restricted_card("Connectors");
    Page::html(403, visit.framed(session, "Connectors", Section::Connectors, None, card))
}

fn names(stores: &[Store]) -> Vec<(String, String)> {
    stores.iter().map(|store| (store.id.to_string(), store.name.clone())).collect()
}

/// The stores that take keys.
async fn open_stores(visit: &ConsoleRequest<'_>, admin: &Admin) -> Result<Vec<(String, String)>> {
    let mut stores = visit.operations.catalogue.stores(admin.workspace_id).await?;
    stores.retain(|store| store.archived_at.is_none());
    Ok(names(&stores))
}

/// A name for a form: what it mints, it mints once.
pub fn form_id() -> Result<String> {
    Ok(base32(&random::<12>()?).chars().take(20).collect())
}

pub async fn new_key(visit: &ConsoleRequest<'_>, session: &Session) -> Result<Page> {
    let Some(admin) = session.admin() else { return Ok(restricted(visit, session)) };
    let stores = open_stores(visit, &admin).await?;
    let query = visit.query();
    let preset = Source::parse(query.get("preset"));
    let mut typed = typed_for(preset.unwrap_or(Source::Custom));
    let asked = stores.iter().find(|(id, _)| id == query.get("store"));
    if let Some((store, _)) = asked.or_else(|| stores.first()) {
        typed.store_id.clone_from(store);
    }
    let (csrf, form_id) = (visit.csrf(session), form_id()?);
    let layer = key_form(&KeyForm {
        csrf: &csrf,
        form_id: &form_id,
        stores: &stores,
        preset,
        typed: &typed,
        errors: &FormErrors::default(),
    });
    layered(visit, session, 200, layer).await
}

pub async fn create(visit: &ConsoleRequest<'_>, session: &Session, form: &Form) -> Result<Page> {
    let admin = session.require_admin()?;
    let typed = Typed::from_form(form);
    let form_id = checked_form_id(form)?;
    let arguments = typed.arguments().to_string();
    let minted = match CreateIntegrationKey::read(arguments.as_bytes()) {
        Ok(arguments) => {
            let origin = visit.api_origin();
            visit.operations.mint(&admin, arguments, None, Some(form_id), origin).await
        }
        Err(rejection) => Err(rejection),
    };
    match minted {
        Ok(minting) => revealed(visit, session, &minting).await,
        Err(rejection) if rejection.code == Code::ValidationFailed => {
            let stores = open_stores(visit, &admin).await?;
            let csrf = visit.csrf(session);
            let layer = key_form(&KeyForm {
                csrf: &csrf,
                form_id,
                stores: &stores,
                preset: Source::parse(form.get("preset")),
                typed: &typed,
                errors: &FormErrors::of_arguments(&rejection, label),
            });
            layered(visit, session, 422, layer).await
        }
        Err(rejection) => sent_before(visit, &admin, form_id, rejection).await,
    }
}

/// Leads whoever sends a form again to the key that it has minted.
pub async fn sent_before(
    visit: &ConsoleRequest<'_>,
    admin: &Admin,
    form_id: &str,
    rejection: Rejection,
) -> Result<Page> {
    let catalogue = &visit.operations.catalogue;
    let Some(minted) = catalogue.integration_key_of_form(admin.workspace_id, form_id).await? else {
        return Err(rejection);
    };
    let told = format!("This form has minted “{}” already. It was shown then, once.", minted.name);
    Ok(Page::done(&links::key_settings(minted.key_id.as_str()), &told).leading(visit))
}

pub fn checked_form_id(form: &Form) -> Result<&str> {
    let id = form.get("form");
    let plain = id.len() == 20 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if plain {
        Ok(id)
    } else {
        Err(Rejection::new(Code::Forbidden, "This form is not one of ours."))
    }
}

/// Shows a new key and its secret. They are in this answer and nowhere else.
pub async fn revealed(
    visit: &ConsoleRequest<'_>,
    session: &Session,
    minting: &Minting,
) -> Result<Page> {
    let Minting { record, key, secret } = minting;
    let whsec = secret.as_ref().map(SigningSecret::to_whsec);
    let origin = visit.api_origin();
    let native = webhook_url(origin, record.payload_format, record.key_id.as_str());
    let gateway = native.is_none();
    let url = native.unwrap_or_else(|| format!("{origin}/integrations/v1/orders"));
    let command = |query| first_order(&url, query, key.reveal(), secret.as_ref());
    let commands = gateway.then(|| (command(""), command("?dry_run=true")));
    let layer = reveal(&Reveal {
        record,
        key: key.reveal(),
        secret: secret.as_ref().map(SigningSecret::reveal).zip(whsec.as_deref()),
        url: &url,
        commands: commands.as_ref().map(|(first, dry)| (first.as_str(), dry.as_str())),
    });
    let page = layered(visit, session, 200, layer).await?;
    // Reloading then asks for the list, not for the form.
    Ok(page.header("HX-Replace-Url", links::CONNECTORS.to_owned()))
}

/// The 24h cells of the keys that a list shows: one answer for all of them, each from its gate.
pub async fn usage(visit: &ConsoleRequest<'_>, session: &Session) -> Result<Page> {
    let admin = session.require_admin()?;
    let query = visit.query();
    let ids: Vec<KeyId> = query
        .get("keys")
        .split(',')
        .filter_map(|id| KeyId::parse(id, &visit.settings.tag_keys))
        .take(PAGE as usize)
        .collect();
    let asked = ids.iter().map(|id| traffic(visit, &admin, id));
    let traffic = join_all(asked).await;
    let usage: Vec<_> = ids
        .iter()
        .zip(traffic)
        .map(|(id, traffic)| Usage { key_id: id.as_str(), traffic: traffic.ok() })
        .collect();
    Ok(Page::html(200, usage_cells(&usage, visit.operations.now)))
}

async fn traffic(visit: &ConsoleRequest<'_>, admin: &Admin, key_id: &KeyId) -> Result<Traffic> {
    let usage = visit.operations.usage(admin, key_id).await?;
    let operations::Usage { h24, hours, last_used_at, parked, failing: _ } = usage;
    Ok(Traffic { total: h24, hours, last_used_at, parked })
}
