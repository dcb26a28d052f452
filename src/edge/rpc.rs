//! `POST /rpc/core.rpc_*`: everything the console does, for scripts, by an owner's or admin's API
//! key. A member gets 403; what belongs to another workspace is not found.

use std::rc::Rc;

use serde_json::{Value, json};
use subtle::ConstantTimeEq;
use worker::Env;
use worker::worker_sys::web_sys::{Request, Response};

use super::answer::Answer;
use super::caller::{Admin, Caller, bearer};
use super::catalogue::Catalogue;
use super::catalogue::audit_log::AuditEntry;
use super::catalogue::workspaces::NewOwner;
use super::objects::{Method, Objects};
use super::platform::{Settings, header, now, random, unlogged_request_id};
use super::worker::Target;
use super::{Result, integrations, internal};
use crate::api::routes::webhook_path;
use crate::api::rpc::{
    CreateIntegrationKey, ListIntegrationKeys, Procedure, SetSigningSecret, SetupWorkspace,
    read_create_store, read_key_id, read_list_parked, read_list_requests, read_nothing,
    read_parked_event,
};
use crate::domain::credential::{ApiSecret, GateName, IntegrationKey, KeyId};
use crate::domain::id::{
    ApiKeyId, AuditId, Namespace, RequestId, Row, StoreId, UserId, WorkspaceId,
};
use crate::domain::key::{KeyChange, KeyRecord, KeyStatus, PayloadFormat, SealedSecret, Source};
use crate::domain::password;
use crate::domain::rejection::{Code, Rejection};
use crate::domain::sealing::{Place, Sealed};
use crate::domain::secret::SigningSecret;
use crate::domain::time::Timestamp;
use crate::protocol::Versioned;
use crate::protocol::frame;
use crate::protocol::key_gate::{
    Actor, GateCommand, GateReply, GateResult, LoggedRequest, object_name,
};

/// How long a KeyGate may take over a command: a revoke waits up to 5 s for requests in flight.
const DEADLINE_MS: u32 = 15_000;

/// What a procedure needs besides its arguments.
struct Call<'a> {
    env: &'a Env,
    settings: &'a Rc<Settings>,
    catalogue: Catalogue,
    now: Timestamp,
    /// Where storefronts reach this deployment.
    api_origin: &'a str,
}

pub async fn handle(
    request: &Request,
    env: &Env,
    settings: &Rc<Settings>,
    procedure: &str,
    target: &Target<'_>,
) -> Result<Response> {
    let body = integrations::body(request).await?;
    let procedure = Procedure::parse(procedure)
        .ok_or_else(|| Rejection::new(Code::NotFound, "There is no such procedure."))?;
    let call = Call {
        env,
        settings,
        catalogue: Catalogue::open(env)?,
        now: now(),
        api_origin: settings.public_api_url.as_deref().unwrap_or(target.origin),
    };
    let answer = if procedure == Procedure::SetupWorkspace {
        check_setup_token(request, settings)?;
        call.setup_workspace(&body).await?
    } else {
        let caller = Caller::of(request, env, &call.catalogue).await?;
        call.as_admin(&caller.into_admin()?, procedure, &body).await?
    };
    Ok(answer.into_response(&unlogged_request_id())?)
}

/// The set-up of the first workspace takes the deployment's one-time token.
fn check_setup_token(request: &Request, settings: &Settings) -> Result<()> {
    let authorization = header(request, "authorization")?.unwrap_or_default();
    let presented = bearer(&authorization).unwrap_or_default();
    let valid = settings
        .setup_token
        .as_deref()
        .is_some_and(|token| token.as_bytes().ct_eq(presented.as_bytes()).into());
    if valid {
        return Ok(());
    }
    Err(Rejection::new(
        Code::InvalidApiKey,
        "Send the deployment's SETUP_TOKEN as `Authorization: Bearer …`.",
    ))
}

impl Call<'_> {
    async fn as_admin(&self, admin: &Admin, procedure: Procedure, body: &[u8]) -> Result<Answer> {
        let tag_keys = &self.settings.tag_keys;
        match procedure {
            Procedure::SetupWorkspace => Err(internal("the set-up has its own credential")),
            Procedure::CreateStore => self.create_store(admin, &read_create_store(body)?).await,
            Procedure::ListStores => {
                read_nothing(body)?;
                let stores = self.catalogue.stores(admin.workspace_id).await?;
                Answer::serialized(200, &json!({ "stores": stores }))
            }
            Procedure::CreateIntegrationKey => {
                self.create_integration_key(admin, CreateIntegrationKey::read(body)?).await
            }
            Procedure::ListIntegrationKeys => {
                self.list_integration_keys(admin, ListIntegrationKeys::read(body)?).await
            }
            Procedure::RevokeIntegrationKey => {
                self.change(admin, &read_key_id(body, tag_keys)?, KeyChange::Revoke).await
            }
            Procedure::PauseIntegrationKey => {
                self.change(admin, &read_key_id(body, tag_keys)?, KeyChange::Pause).await
            }
            Procedure::ResumeIntegrationKey => {
                self.change(admin, &read_key_id(body, tag_keys)?, KeyChange::Resume).await
            }
            Procedure::SetSigningSecret => {
                let SetSigningSecret { key_id, secret, overlap } =
                    SetSigningSecret::read(body, tag_keys)?;
                self.set_signing_secret(admin, &key_id, &secret, overlap).await
            }
            Procedure::ResealSecrets => {
                self.reseal_secrets(admin, ListIntegrationKeys::read(body)?).await
            }
            Procedure::GetIntegrationKeyStats => {
                self.stats(admin, &read_key_id(body, tag_keys)?).await
            }
            Procedure::ListIntegrationRequests => {
                let (key_id, filter) = read_list_requests(body, tag_keys)?;
                let gate = self.gate_of(admin, &key_id).await?;
                let command = |gate| GateCommand::ListRequests { gate, filter };
                let GateReply::Requests { requests, next } = self.ask(gate, command).await? else {
                    return Err(unfitting());
                };
                let requests: Vec<Value> = requests.iter().map(request_json).collect();
                let next_cursor = next.map(|row| row.to_string());
                Answer::serialized(
                    200,
                    &json!({ "requests": requests, "next_cursor": next_cursor }),
                )
            }
            Procedure::ListParkedEvents => {
                let (key_id, limit, before) = read_list_parked(body, tag_keys)?;
                let gate = self.gate_of(admin, &key_id).await?;
                let command = |gate| GateCommand::ListParked { gate, limit, before };
                let GateReply::Parked { events, next } = self.ask(gate, command).await? else {
                    return Err(unfitting());
                };
                let events: Vec<Value> = events
                    .iter()
                    .map(|event| {
                        json!({
                            "event_id": Row::from_i64(event.row).map(|row| RequestId::new(gate, row)),
                            "received_at": event.received_at.to_rfc3339(),
                            "reason": event.reason,
                            "detail": event.detail,
                            "topic": event.topic,
                            "attempts": event.attempts,
                            "next_attempt_at": event.next_attempt_at.map(Timestamp::to_rfc3339),
                            "bytes": event.bytes,
                        })
                    })
                    .collect();
                let next_cursor = next.map(|row| row.to_string());
                Answer::serialized(200, &json!({ "events": events, "next_cursor": next_cursor }))
            }
            Procedure::RetryParkedEvent => {
                let (key_id, row) = read_parked_event(body, tag_keys)?;
                let gate = self.gate_of(admin, &key_id).await?;
                let command = |gate| GateCommand::RetryParked { gate, row: row.as_i64() };
                let GateReply::Settled { outcome, reason } = self.ask(gate, command).await? else {
                    return Err(unfitting());
                };
                let settled = outcome.is_some();
                Answer::serialized(
                    200,
                    &json!({ "settled": settled, "outcome": outcome, "reason": reason }),
                )
            }
            Procedure::DiscardParkedEvent => {
                let (key_id, row) = read_parked_event(body, tag_keys)?;
                let gate = self.gate_of(admin, &key_id).await?;
                let (actor, audit_id) = (admin.actor.clone(), AuditId::from_random(random()?));
                let row = row.as_i64();
                self.ask(gate, |gate| GateCommand::DiscardParked { gate, row, actor, audit_id })
                    .await?;
                Answer::serialized(200, &json!({ "discarded": true }))
            }
        }
    }

    async fn setup_workspace(&self, body: &[u8]) -> Result<Answer> {
        let arguments = SetupWorkspace::read(body)?;
        let exists = || {
            Rejection::new(
                Code::InvalidState,
                "This deployment has been set up: it has a workspace.",
            )
        };
        if self.catalogue.has_workspace().await? {
            return Err(exists());
        }
        let workspace = WorkspaceId::from_random(random()?);
        let user = UserId::from_random(random()?);
        let store = StoreId::from_random(random()?);
        let api_key_id = ApiKeyId::from_random(random()?);
        let api_key = ApiSecret::mint(&random()?, &self.settings.tag_keys);
        let password_hash = password::hash(&arguments.owner_password, &random()?)
            .ok_or_else(|| internal("a password that cannot be hashed"))?;
        let owner = NewOwner {
            user_id: user,
            email: &arguments.owner_email,
            password_hash: &password_hash,
        };
        let name = &arguments.workspace_name;
        let mut batch = self.catalogue.insert_first_workspace(workspace, name, &owner, self.now)?;
        let (catalogue, now) = (&self.catalogue, self.now);
        batch.push(catalogue.insert_store(store, workspace, &arguments.store_name, now)?);
        batch.push(catalogue.insert_api_key(api_key_id, &api_key, workspace, user, "Set-up", now)?);
        let actor = Actor { user_id: user, api_key_id: None, address: None };
        batch.push(self.audit(
            workspace,
            &actor,
            "workspace.created",
            &workspace.to_string(),
            name,
        )?);
        if catalogue.batch(batch).await.is_err() {
            return match catalogue.has_workspace().await? {
                true => Err(exists()),
                false => Err(internal("the set-up was not written")),
            };
        }
        Answer::serialized(
            201,
            &json!({
                "workspace_id": workspace, "user_id": user, "store_id": store,
                "api_key_id": api_key_id, "api_key": api_key.reveal(),
            }),
        )
    }

    async fn create_store(&self, admin: &Admin, name: &str) -> Result<Answer> {
        let store = StoreId::from_random(random()?);
        let workspace = admin.workspace_id;
        let insert = self.catalogue.insert_store(store, workspace, name, self.now)?;
        let subject = store.to_string();
        let audit = self.audit(workspace, &admin.actor, "store.created", &subject, name)?;
        self.catalogue.batch(vec![insert, audit]).await?;
        let created_at = self.now.to_rfc3339();
        Answer::serialized(
            201,
            &json!({ "store_id": store, "name": name, "created_at": created_at }),
        )
    }

    /// Mints a key: D1 and the audit log in one batch, then the KeyGate, then the answer that
    /// reveals it.
    async fn create_integration_key(
        &self,
        admin: &Admin,
        arguments: CreateIntegrationKey,
    ) -> Result<Answer> {
        let stores = self.catalogue.stores(admin.workspace_id).await?;
        if !stores.iter().any(|store| store.store_id == arguments.store_id) {
            return Err(Rejection::new(Code::NotFound, "There is no such store."));
        }
        let tag_keys = &self.settings.tag_keys;
        let key = IntegrationKey::mint(&random()?, tag_keys);
        let key_hash = key.hash();
        let key_id = KeyId::mint(key_hash.gate(), tag_keys);
        let expires_at = arguments.expires_at(self.now);
        let pasted = arguments.signing_secret.is_some();
        let secret = match arguments.signing_secret {
            Some(secret) => Some(secret),
            // Senders with a secret of their own reveal it later.
            None if awaits_secret(arguments.payload_format) => None,
            None => Some(SigningSecret::mint(&random()?)),
        };
        let sealed = secret.as_ref().map(|secret| self.seal(admin.workspace_id, &key_id, secret));
        let secrets = sealed.transpose()?.into_iter();
        let record = KeyRecord {
            key_hash,
            preview: key.preview().to_owned(),
            workspace_id: admin.workspace_id,
            store_id: arguments.store_id,
            namespace: Namespace::from_random(random()?),
            name: arguments.name,
            source: arguments.source,
            payload_format: arguments.payload_format,
            scopes: arguments.scopes,
            rate_limit: arguments.rate_limit,
            require_signature: arguments.require_signature,
            capture_bodies: arguments.capture_bodies,
            status: KeyStatus::Active,
            created_at: self.now,
            expires_at,
            revoked_at: None,
            secrets: secrets.map(|sealed| SealedSecret { sealed, valid_until: None }).collect(),
            key_id,
        };
        let user = admin.actor.user_id;
        let insert = self.catalogue.insert_integration_key(&record, user)?;
        let audit = self.audit(
            admin.workspace_id,
            &admin.actor,
            "integration_key.created",
            record.key_id.as_str(),
            &record.name,
        )?;
        self.catalogue.batch(vec![insert, audit]).await?;
        let install = GateCommand::Install { record: Box::new(record.clone()) };
        // Where this fails, the KeyGate looks itself up in D1 when it is first used.
        if let Err(rejection) = self.command(record.key_hash.gate(), install).await {
            worker::console_warn!("install {}: {}", record.key_id, rejection.detail);
        }
        let mut body = self.key_json(&record);
        body["api_key"] = json!(key.reveal());
        // A secret that was pasted is never shown.
        let revealed = secret.filter(|_| !pasted);
        body["signing_secret"] = json!(revealed.as_ref().map(SigningSecret::reveal));
        body["signing_secret_whsec"] = json!(revealed.as_ref().map(SigningSecret::to_whsec));
        Answer::serialized(201, &body)
    }

    async fn list_integration_keys(
        &self,
        admin: &Admin,
        arguments: ListIntegrationKeys,
    ) -> Result<Answer> {
        let page = self.key_page(admin, &arguments).await?;
        let keys: Vec<Value> = page.keys.iter().map(|record| self.key_json(record)).collect();
        Answer::serialized(200, &json!({ "keys": keys, "next_cursor": page.next_cursor }))
    }

    async fn key_page(
        &self,
        admin: &Admin,
        arguments: &ListIntegrationKeys,
    ) -> Result<super::catalogue::integration_keys::KeyPage> {
        let cursor = match arguments.cursor.as_deref() {
            None => None,
            Some(text) => {
                let parts = text.split_once('.');
                let parts = parts.and_then(|(at, id)| Some((at.parse::<i64>().ok()?, id)));
                Some(parts.ok_or_else(|| {
                    Rejection::new(
                        Code::InvalidQuery,
                        "p_cursor must be the next_cursor of an earlier page.",
                    )
                })?)
            }
        };
        let (workspace, store) = (admin.workspace_id, arguments.store_id);
        self.catalogue.integration_keys(workspace, store, cursor, arguments.limit).await
    }

    /// A key without its secrets, as lists and answers show it.
    fn key_json(&self, record: &KeyRecord) -> Value {
        let status = match record.status {
            KeyStatus::Active if record.is_expired(self.now) => "expired",
            status => status.as_str(),
        };
        // Without a webhook of its own, a source posts to the integration API.
        let webhook = Source::parse(record.payload_format.as_str())
            .map(|source| webhook_path(source, record.key_id.as_str()))
            .map(|path| format!("{}{path}", self.api_origin));
        json!({
            "key_id": record.key_id,
            "preview": record.preview,
            "store_id": record.store_id,
            "namespace": record.namespace,
            "name": record.name,
            "source": record.source,
            "payload_format": record.payload_format,
            "scopes": record.scopes,
            "rate_limit_per_minute": record.rate_limit.per_minute(),
            "require_signature": record.require_signature,
            "capture_bodies": record.capture_bodies,
            "status": status,
            "awaiting_secret": record.awaits_secret(),
            "webhook_url": webhook,
            "created_at": record.created_at.to_rfc3339(),
            "expires_at": record.expires_at.map(Timestamp::to_rfc3339),
            "revoked_at": record.revoked_at.map(Timestamp::to_rfc3339),
        })
    }

    async fn change(&self, admin: &Admin, key_id: &KeyId, change: KeyChange) -> Result<Answer> {
        let gate = self.gate_of(admin, key_id).await?;
        let (record, in_flight) = self.change_gate(admin, gate, change).await?;
        let mut body = self.key_json(&record);
        body["in_flight"] = json!(in_flight);
        Answer::serialized(200, &body)
    }

    async fn change_gate(
        &self,
        admin: &Admin,
        gate: GateName,
        change: KeyChange,
    ) -> Result<(Box<KeyRecord>, u32)> {
        let (actor, audit_id) = (admin.actor.clone(), AuditId::from_random(random()?));
        let command = |gate| GateCommand::Change { gate, change, actor, audit_id };
        match self.ask(gate, command).await? {
            GateReply::Changed { record, in_flight } => Ok((record, in_flight)),
            _ => Err(unfitting()),
        }
    }

    async fn set_signing_secret(
        &self,
        admin: &Admin,
        key_id: &KeyId,
        secret: &SigningSecret,
        overlap: i64,
    ) -> Result<Answer> {
        let sealed = self.seal(admin.workspace_id, key_id, secret)?;
        let overlap_until = self.now.plus(overlap);
        self.change(admin, key_id, KeyChange::SetSecret { sealed, overlap_until }).await
    }

    /// Seals the secrets of a page of keys anew, where they are under an older sealing key. To be
    /// called until it answers no `next_cursor`; then the older key may be dropped.
    async fn reseal_secrets(
        &self,
        admin: &Admin,
        arguments: ListIntegrationKeys,
    ) -> Result<Answer> {
        let page = self.key_page(admin, &arguments).await?;
        let keys = &self.settings.sealing_keys;
        let mut resealed = 0;
        for record in &page.keys {
            let current = |secret: &SealedSecret| keys.is_current(&secret.sealed);
            if record.status == KeyStatus::Revoked || record.secrets.iter().all(current) {
                continue;
            }
            let secrets = record.secrets.iter().map(|secret| {
                let place = place(record.workspace_id, &record.key_id);
                let text = keys
                    .unseal(&secret.sealed, place)
                    .map_err(|error| internal(&format!("{}: {error:?}", record.key_id)))?;
                let secret_text = SigningSecret::unsealed(text);
                let sealed = self.seal(record.workspace_id, &record.key_id, &secret_text)?;
                Ok(SealedSecret { sealed, valid_until: secret.valid_until })
            });
            let secrets = secrets.collect::<Result<Vec<_>>>()?;
            self.change_gate(admin, record.key_hash.gate(), KeyChange::Reseal { secrets }).await?;
            resealed += 1;
        }
        Answer::serialized(200, &json!({ "resealed": resealed, "next_cursor": page.next_cursor }))
    }

    async fn stats(&self, admin: &Admin, key_id: &KeyId) -> Result<Answer> {
        let gate = self.gate_of(admin, key_id).await?;
        let command = |gate| GateCommand::Stats { gate };
        let GateReply::Stats { h24, d7, d30, last_used_at } = self.ask(gate, command).await? else {
            return Err(unfitting());
        };
        let last_used_at = last_used_at.map(Timestamp::to_rfc3339);
        Answer::serialized(
            200,
            &json!({ "h24": h24, "d7": d7, "d30": d30, "last_used_at": last_used_at }),
        )
    }

    /// The KeyGate of a key of the admin's workspace.
    async fn gate_of(&self, admin: &Admin, key_id: &KeyId) -> Result<GateName> {
        let not_found = || Rejection::new(Code::NotFound, "There is no such key.");
        let gate = key_id.gate().ok_or_else(not_found)?;
        let record = self.catalogue.integration_key(admin.workspace_id, gate).await?;
        record.map(|_| gate).ok_or_else(not_found)
    }

    async fn ask(
        &self,
        gate: GateName,
        command: impl FnOnce(String) -> GateCommand,
    ) -> Result<GateReply> {
        self.command(gate, command(object_name(&gate))).await
    }

    async fn command(&self, gate: GateName, command: GateCommand) -> Result<GateReply> {
        let unavailable = |_| {
            Rejection::new(Code::Unavailable, "The key's gate did not answer in time. Try again.")
                .retry_after(2)
        };
        let frame = frame::encode(&Versioned::new(command), &[])
            .map_err(|frame::Malformed| internal("a command that is too large"))?;
        let reply = Objects::key_gates(self.env)?
            .call(&object_name(&gate), Method::Command, &frame, DEADLINE_MS)
            .await
            .map_err(unavailable)?;
        let (reply, _) = frame::decode::<GateResult>(&reply)
            .map_err(|frame::Malformed| internal("a malformed reply"))?;
        reply
    }

    fn seal(
        &self,
        workspace: WorkspaceId,
        key_id: &KeyId,
        secret: &SigningSecret,
    ) -> Result<Sealed> {
        let keys = &self.settings.sealing_keys;
        keys.seal(secret.reveal(), place(workspace, key_id), random()?)
            .ok_or_else(|| internal("a secret that cannot be sealed"))
    }

    fn audit(
        &self,
        workspace: WorkspaceId,
        actor: &Actor,
        action: &str,
        subject: &str,
        name: &str,
    ) -> Result<worker::D1PreparedStatement> {
        self.catalogue.insert_audit(&AuditEntry {
            id: AuditId::from_random(random()?),
            workspace,
            at: self.now,
            action,
            actor,
            subject,
            detail: json!({ "name": name }),
        })
    }
}

fn place(workspace: WorkspaceId, key_id: &KeyId) -> Place<'_> {
    Place { workspace, table: KeyRecord::TABLE, row: key_id.as_str() }
}

/// Whether senders in this format make a secret of their own, often only after the URL is known to
/// them.
const fn awaits_secret(format: PayloadFormat) -> bool {
    !matches!(format, PayloadFormat::Gateway | PayloadFormat::WooCommerce)
}

fn request_json(request: &LoggedRequest) -> Value {
    let mut value = serde_json::to_value(request).unwrap_or_default();
    value["received_at"] = json!(request.received_at.to_rfc3339());
    value
}

fn unfitting() -> Rejection {
    internal("the gate's reply does not fit the command")
}
