//! Settings → Stores.

use maud::Markup;

use super::page::Page;
use super::request::{ConsoleRequest, Session};
use crate::Result;
use crate::catalogue::live_keys::StoreKeys;
use crate::catalogue::stores::Store;
use crate::control::OwnedStore;
use crate::control::caller::Admin;
use tidegate_console::components::restricted_card;
use tidegate_console::forms::{Form, FormErrors};
use tidegate_console::layout::Section;
use tidegate_console::links;
use tidegate_console::pages::stores::{
    LiveKeys, ShownStore, Stores, Unfinished, archive_dialog, label, stores,
};
use tidegate_core::api::procedures::stores::read_create_store;
use tidegate_core::domain::id::StoreId;
use tidegate_core::domain::key::ShownStatus;
use tidegate_core::domain::rejection::{Code, Rejection};

pub async fn list(request: &ConsoleRequest<'_>, session: &Session) -> Result<Page> {
    match session.admin() {
        Some(admin) => list_page(request, session, &admin, 200, None, None).await,
        None => Ok(restricted_page(request, session)),
    }
}

async fn list_page(
    request: &ConsoleRequest<'_>,
    session: &Session,
    admin: &Admin,
    status: u16,
    layer: Option<Markup>,
    unfinished: Option<&Unfinished<'_>>,
) -> Result<Page> {
    let catalogue = &request.control_plane.catalogue;
    let keys = catalogue.live_keys_by_store(admin.workspace_id, request.control_plane.now)?;
    let stores_query = request.control_plane.stores(admin)?;
    let (rows, keys) = catalogue.run(stores_query.and(keys)).await?;
    let shown: Vec<_> = rows.iter().map(|store| shown_store(store, &keys)).collect();
    let csrf = request.csrf(session);
    let main = stores(&Stores { csrf: &csrf, stores: &shown, unfinished });
    Ok(Page::html(status, request.page_markup(session, "Stores", Section::Stores, layer, main)))
}

fn restricted_page(request: &ConsoleRequest<'_>, session: &Session) -> Page {
    let card = restricted_card("Stores");
    Page::html(403, request.page_markup(session, "Stores", Section::Stores, None, card))
}

fn shown_store(store: &Store, keys: &[StoreKeys]) -> ShownStore {
    let Store { id, name, created_at, archived_at } = store.clone();
    let count = |status| {
        let row = keys.iter().find(|row| row.store_id == id && row.status == status);
        row.map_or(0, |row| row.keys)
    };
    let keys = LiveKeys {
        active: count(ShownStatus::Active),
        paused: count(ShownStatus::Paused),
        expired: count(ShownStatus::Expired),
    };
    ShownStore { id: id.to_string(), name, created_at, archived_at, keys }
}

pub async fn create(request: &ConsoleRequest<'_>, session: &Session, form: &Form) -> Result<Page> {
    let admin = session.require_admin()?;
    match read_name(form) {
        Ok(name) => {
            let store = request.control_plane.create_store(&admin, &name).await?;
            Ok(Page::redirect_with_flash(
                links::STORES,
                &format!("“{}” is ready. Connect a storefront.", store.name),
            ))
        }
        Err(errors) => {
            let unfinished = Unfinished { store: None, name: form.get("name"), errors };
            list_page(request, session, &admin, 422, None, Some(&unfinished)).await
        }
    }
}

pub async fn rename(
    request: &ConsoleRequest<'_>,
    session: &Session,
    store: &str,
    form: &Form,
) -> Result<Page> {
    let admin = session.require_admin()?;
    let owned = find_store(request, &admin, store).await?;
    match read_name(form) {
        Ok(name) => {
            let store = request.control_plane.rename_store(&admin, &owned, &name).await?;
            Ok(Page::redirect_with_flash(links::STORES, &format!("Renamed to “{}”.", store.name)))
        }
        Err(errors) => {
            let unfinished = Unfinished { store: Some(store), name: form.get("name"), errors };
            list_page(request, session, &admin, 422, None, Some(&unfinished)).await
        }
    }
}

/// The store name in a form, checked by the rules of the RPCs.
fn read_name(form: &Form) -> std::result::Result<String, FormErrors> {
    read_create_store([("p_name", form.get("name").trim().into())].into())
        .map_err(|rejection| FormErrors::of_arguments(&rejection, label))
}

pub async fn confirm_archive(
    request: &ConsoleRequest<'_>,
    session: &Session,
    store: &str,
) -> Result<Page> {
    let Some(admin) = session.admin() else { return Ok(restricted_page(request, session)) };
    let store = find_store(request, &admin, store).await?;
    archive_page(request, session, &admin, &store, 200).await
}

async fn archive_page(
    request: &ConsoleRequest<'_>,
    session: &Session,
    admin: &Admin,
    store: &OwnedStore,
    status: u16,
) -> Result<Page> {
    let catalogue = &request.control_plane.catalogue;
    let keys = catalogue.live_keys_by_store(admin.workspace_id, request.control_plane.now)?;
    let keys = catalogue.run(keys).await?;
    let layer = archive_dialog(&request.csrf(session), &shown_store(store, &keys));
    if request.wants_only("layer") {
        return Ok(Page::html(status, layer));
    }
    list_page(request, session, admin, status, Some(layer), None).await
}

/// Archives a store. D1 refuses while a live key points to it; the dialog then shows those keys.
pub async fn archive(request: &ConsoleRequest<'_>, session: &Session, store: &str) -> Result<Page> {
    let admin = session.require_admin()?;
    let store = find_store(request, &admin, store).await?;
    match request.control_plane.archive_store(&admin, &store, true).await {
        Ok(store) => {
            Ok(Page::redirect_with_flash(links::STORES, &format!("“{}” is archived.", store.name)))
        }
        Err(error) if error.code() == Code::InvalidState => {
            archive_page(request, session, &admin, &store, error.code().status()).await
        }
        Err(error) => Err(error),
    }
}

pub async fn restore(request: &ConsoleRequest<'_>, session: &Session, store: &str) -> Result<Page> {
    let admin = session.require_admin()?;
    let store = find_store(request, &admin, store).await?;
    let store = request.control_plane.archive_store(&admin, &store, false).await?;
    Ok(Page::redirect_with_flash(links::STORES, &format!("“{}” takes keys again.", store.name)))
}

/// The store with the id from the path. Another workspace's store is not found.
async fn find_store(
    request: &ConsoleRequest<'_>,
    admin: &Admin,
    store: &str,
) -> Result<OwnedStore> {
    let not_found = || Rejection::new(Code::NotFound, "There is no such store.");
    let id = StoreId::parse(store).ok_or_else(not_found)?;
    request.control_plane.store(admin, id).await
}
