//! The RPCs for integration keys.

use serde_json::{Value, json};

use super::{Call, json};
use crate::Result;
use crate::control::caller::Admin;
use crate::control::{ChangedKey, MintedKey};
use crate::platform::answer::Answer;
use tidegate_core::api::procedures::keys::{
    CreateIntegrationKey, ListIntegrationKeys, SetSigningSecret,
};
use tidegate_core::api::procedures::team::RotateIntegrationKey;
use tidegate_core::domain::credential::KeyId;
use tidegate_core::domain::key::{KeyChange, KeyRecord};
use tidegate_core::domain::secret::SigningSecret;

impl Call<'_> {
    pub(super) async fn create_integration_key(
        &self,
        admin: &Admin,
        arguments: CreateIntegrationKey,
    ) -> Result<Answer> {
        let store = self.control_plane.store(admin, arguments.store_id).await?;
        self.minted_key_answer(
            &self.control_plane.mint(admin, &store, arguments, None, None, self.api_origin).await?,
        )
    }

    /// Mints a key that replaces another. The old key works until it is revoked.
    pub(super) async fn rotate_integration_key(
        &self,
        admin: &Admin,
        arguments: RotateIntegrationKey,
    ) -> Result<Answer> {
        let RotateIntegrationKey { key_id, name, expires_in_days } = arguments;
        let old = self.control_plane.key(admin, &key_id).await?;
        let name = name.unwrap_or_else(|| old.name.clone());
        let origin = self.api_origin;
        let minted =
            self.control_plane.rotate(admin, &old, name, expires_in_days, None, origin).await?;
        self.minted_key_answer(&minted)
    }

    /// The key and its signing secret are in this response and nowhere else.
    fn minted_key_answer(&self, minted: &MintedKey) -> Result<Answer> {
        let MintedKey { record, key, secret } = minted;
        let mut body = self.key_json(record);
        body["api_key"] = json!(key.reveal());
        body["signing_secret"] = json!(secret.as_ref().map(SigningSecret::reveal));
        body["signing_secret_whsec"] = json!(secret.as_ref().map(SigningSecret::to_whsec));
        Answer::serialized(201, &body)
    }

    pub(super) async fn list_integration_keys(
        &self,
        admin: &Admin,
        arguments: ListIntegrationKeys,
    ) -> Result<Answer> {
        let page = self.control_plane.key_page(admin, &arguments).await?;
        let keys: Vec<Value> = page.keys.iter().map(|record| self.key_json(record)).collect();
        Answer::serialized(200, &json!({ "keys": keys, "next_cursor": page.next_cursor }))
    }

    pub(super) async fn change(
        &self,
        admin: &Admin,
        key_id: &KeyId,
        change: KeyChange,
    ) -> Result<Answer> {
        let key = self.control_plane.key(admin, key_id).await?;
        self.changed_key_answer(&self.control_plane.change(admin, &key, change).await?)
    }

    pub(super) async fn set_signing_secret(
        &self,
        admin: &Admin,
        arguments: SetSigningSecret,
    ) -> Result<Answer> {
        let key = self.control_plane.key(admin, &arguments.key_id).await?;
        let changed = self.control_plane.set_signing_secret(admin, &key, arguments).await?;
        self.changed_key_answer(&changed)
    }

    pub(super) async fn reseal_secrets(
        &self,
        admin: &Admin,
        arguments: ListIntegrationKeys,
    ) -> Result<Answer> {
        let (resealed, next_cursor) = self.control_plane.reseal_secrets(admin, &arguments).await?;
        Answer::serialized(200, &json!({ "resealed": resealed, "next_cursor": next_cursor }))
    }

    fn changed_key_answer(&self, changed: &ChangedKey) -> Result<Answer> {
        let mut body = self.key_json(&changed.record);
        body["in_flight"] = json!(changed.in_flight);
        Answer::serialized(200, &body)
    }

    fn key_json(&self, record: &KeyRecord) -> Value {
        json::key(record, self.api_origin, self.control_plane.now)
    }
}
