//! Settings → Stores.

use maud::Markup;
use serde_json::json;

use super::page::Page;
use super::visit::{ConsoleRequest, Session};
use crate::api::rpc::read_create_store;
use crate::console::components::restricted_card;
use crate::console::forms::{Form, FormErrors};
use crate::console::layout::Section;
use crate::console::links;
use crate::console::pages::stores::{
    LiveKeys, ShownStore, Stores, Unfinished, archive_dialog, label, stores,
};
use crate::domain::id::StoreId;
use crate::domain::key::ShownStatus;
use crate::domain::rejection::{Code, Rejection};
use crate::edge::Result;
use crate::edge::caller::Admin;
use crate::edge::catalogue::live_keys::StoreKeys;
use crate::edge::catalogue::stores::Store;

pub async fn list(visit: &ConsoleRequest<'_>, session: &Session) -> Result<Page> {
    match session.admin() {
        Some(admin) => list_with(visit, session, &admin, 200, None, None).await,
        None => Ok(restricted(visit, session)),
    }
}

async fn list_with(
    visit: &ConsoleRequest<'_>,
    session: &Session,
    admin: &Admin,
    status: u16,
    layer: Option<Markup>,
    unfinished: Option<&Unfinished<'_>>,
) -> Result<Page> {
    let catalogue = &visit.operations.catalogue;
    let keys = catalogue.live_keys_by_store(admin.workspace_id, visit.operations.now).await?;
    let shown = catalogue.stores(admin.workspace_id).await?;
    let shown: Vec<_> = shown.into_iter().map(|store| shown_store(store, &keys)).collect();
    let csrf = visit.csrf(session);
    let main = stores(&Stores { csrf: &csrf, stores: &shown, unfinished });
    Ok(Page::html(status, visit.framed(session, "Stores", Section::Stores, layer, main)))
}

fn restricted(visit: &ConsoleRequest<'_>, session: &Session) -> Page {
    let card = restricted_card("Stores");
    Page::html(403, visit.framed(session, "Stores", Section::Stores, None, card))
}

fn shown_store(store: Store, keys: &[StoreKeys]) -> ShownStore {
    let Store { id, name, created_at, archived_at } = store;
    let count = |status| {
        let of_store = keys.iter().find(|keys| keys.store_id == id && keys.status == status);
        of_store.map_or(0, |keys| keys.keys)
    };
    let keys = LiveKeys {
        active: count(ShownStatus::Active),
        paused: count(ShownStatus::Paused),
        expired: count(ShownStatus::Expired),
    };
    ShownStore { id: id.to_string(), name, created_at, archived_at, keys }
}

pub async fn create(visit: &ConsoleRequest<'_>, session: &Session, form: &Form) -> Result<Page> {
    let admin = session.require_admin()?;
    match typed_name(form) {
        Ok(name) => {
            let store = visit.operations.create_store(&admin, &name).await?;
            Ok(Page::done(
                links::STORES,
                &format!("“{}” is ready. Connect a storefront.", store.name),
            ))
        }
        Err(errors) => {
            let unfinished = Unfinished { store: None, name: form.get("name"), errors };
            list_with(visit, session, &admin, 422, None, Some(&unfinished)).await
        }
    }
}

pub async fn rename(
    visit: &ConsoleRequest<'_>,
    session: &Session,
    store: &str,
    form: &Form,
) -> Result<Page> {
    let admin = session.require_admin()?;
    let id = existing(visit, &admin, store).await?.id;
    match typed_name(form) {
        Ok(name) => {
            let store = visit.operations.rename_store(&admin, id, &name).await?;
            Ok(Page::done(links::STORES, &format!("Renamed to “{}”.", store.name)))
        }
        Err(errors) => {
            let unfinished = Unfinished { store: Some(store), name: form.get("name"), errors };
            list_with(visit, session, &admin, 422, None, Some(&unfinished)).await
        }
    }
}

/// The name that a form holds, by the rules of the procedures.
fn typed_name(form: &Form) -> std::result::Result<String, FormErrors> {
    let name = form.get("name").trim();
    read_create_store(json!({ "p_name": name }).to_string().as_bytes())
        .map_err(|rejection| FormErrors::of_arguments(&rejection, label))
}

pub async fn confirm_archive(
    visit: &ConsoleRequest<'_>,
    session: &Session,
    store: &str,
) -> Result<Page> {
    let Some(admin) = session.admin() else { return Ok(restricted(visit, session)) };
    let store = existing(visit, &admin, store).await?;
    archive_layer(visit, session, &admin, store, 200).await
}

async fn archive_layer(
    visit: &ConsoleRequest<'_>,
    session: &Session,
    admin: &Admin,
    store: Store,
    status: u16,
) -> Result<Page> {
    let catalogue = &visit.operations.catalogue;
    let keys = catalogue.live_keys_by_store(admin.workspace_id, visit.operations.now).await?;
    let layer = archive_dialog(&visit.csrf(session), &shown_store(store, &keys));
    if visit.wants_only("layer") {
        return Ok(Page::html(status, layer));
    }
    list_with(visit, session, admin, status, Some(layer), None).await
}

/// Archives a store. While a live key points to it D1 refuses, and the dialog says which.
pub async fn archive(visit: &ConsoleRequest<'_>, session: &Session, store: &str) -> Result<Page> {
    let admin = session.require_admin()?;
    let store = existing(visit, &admin, store).await?;
    match visit.operations.archive_store(&admin, store.id, true).await {
        Ok(store) => Ok(Page::done(links::STORES, &format!("“{}” is archived.", store.name))),
        Err(rejection) if rejection.code == Code::InvalidState => {
            archive_layer(visit, session, &admin, store, rejection.code.status()).await
        }
        Err(rejection) => Err(rejection),
    }
}

pub async fn restore(visit: &ConsoleRequest<'_>, session: &Session, store: &str) -> Result<Page> {
    let admin = session.require_admin()?;
    let id = existing(visit, &admin, store).await?.id;
    let store = visit.operations.archive_store(&admin, id, false).await?;
    Ok(Page::done(links::STORES, &format!("“{}” takes keys again.", store.name)))
}

/// The store that a path names; another workspace's is not found.
async fn existing(visit: &ConsoleRequest<'_>, admin: &Admin, store: &str) -> Result<Store> {
    let not_found = || Rejection::new(Code::NotFound, "There is no such store.");
    let id = StoreId::parse(store).ok_or_else(not_found)?;
    visit.operations.store(admin, id).await
}
