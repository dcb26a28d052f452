//! The handlers of integration keys.

use super::Call;
use crate::Result;
use crate::control::caller::Admin;
use crate::control::{ChangedKey, MintedKey};
use tidegate_core::api::procedures::Keys;
use tidegate_core::api::procedures::key_outputs::{
    ChangedKeyOut, KeyOut, KeyPageOut, MintedKeyOut, ResealedOut,
};
use tidegate_core::api::procedures::keys::{
    CreateIntegrationKey, ListIntegrationKeys, RotateIntegrationKey, SetSigningSecret,
};
use tidegate_core::domain::credential::KeyId;
use tidegate_core::domain::key::{KeyChange, KeyRecord};

impl Keys for Call<'_> {
    async fn create_integration_key(
        &self,
        admin: &Admin,
        arguments: CreateIntegrationKey,
    ) -> Result<MintedKeyOut> {
        let origin = self.api_origin;
        let store = self.control_plane.store(admin, arguments.store_id).await?;
        let minted = self.control_plane.mint(admin, &store, arguments, None, None, origin).await?;
        Ok(self.minted_key_out(minted))
    }

    /// The old key works until it is revoked.
    async fn rotate_integration_key(
        &self,
        admin: &Admin,
        arguments: RotateIntegrationKey,
    ) -> Result<MintedKeyOut> {
        let RotateIntegrationKey { key_id, name, expires_in_days } = arguments;
        let old = self.control_plane.key(admin, &key_id).await?;
        let name = name.unwrap_or_else(|| old.name.clone());
        let origin = self.api_origin;
        let minted =
            self.control_plane.rotate(admin, &old, name, expires_in_days, None, origin).await?;
        Ok(self.minted_key_out(minted))
    }

    async fn list_integration_keys(
        &self,
        admin: &Admin,
        arguments: ListIntegrationKeys,
    ) -> Result<KeyPageOut> {
        let page = self.control_plane.key_page(admin, &arguments).await?;
        let keys = page.keys.into_iter().map(|key| self.key_out(key.into_record())).collect();
        Ok(KeyPageOut { keys, next_cursor: page.next_cursor })
    }

    async fn revoke_integration_key(&self, admin: &Admin, key_id: KeyId) -> Result<ChangedKeyOut> {
        self.change(admin, &key_id, KeyChange::Revoke).await
    }

    async fn pause_integration_key(&self, admin: &Admin, key_id: KeyId) -> Result<ChangedKeyOut> {
        self.change(admin, &key_id, KeyChange::Pause).await
    }

    async fn resume_integration_key(&self, admin: &Admin, key_id: KeyId) -> Result<ChangedKeyOut> {
        self.change(admin, &key_id, KeyChange::Resume).await
    }

    async fn set_signing_secret(
        &self,
        admin: &Admin,
        arguments: SetSigningSecret,
    ) -> Result<ChangedKeyOut> {
        let key = self.control_plane.key(admin, &arguments.key_id).await?;
        let changed = self.control_plane.set_signing_secret(admin, &key, arguments).await?;
        Ok(self.changed_key_out(changed))
    }

    async fn reseal_secrets(
        &self,
        admin: &Admin,
        arguments: ListIntegrationKeys,
    ) -> Result<ResealedOut> {
        let (resealed, next_cursor) = self.control_plane.reseal_secrets(admin, &arguments).await?;
        Ok(ResealedOut { resealed, next_cursor })
    }
}

impl Call<'_> {
    async fn change(
        &self,
        admin: &Admin,
        key_id: &KeyId,
        change: KeyChange,
    ) -> Result<ChangedKeyOut> {
        let key = self.control_plane.key(admin, key_id).await?;
        let changed = self.control_plane.change(admin, &key, change).await?;
        Ok(self.changed_key_out(changed))
    }

    fn minted_key_out(&self, minted: MintedKey) -> MintedKeyOut {
        let MintedKey { record, key, secret } = minted;
        MintedKeyOut::new(self.key_out(record), key, secret)
    }

    fn changed_key_out(&self, changed: ChangedKey) -> ChangedKeyOut {
        let ChangedKey { record, in_flight } = changed;
        ChangedKeyOut { key: self.key_out(*record), in_flight }
    }

    fn key_out(&self, record: KeyRecord) -> KeyOut {
        KeyOut::new(record, self.api_origin, self.control_plane.now)
    }
}
