//! Verification of public-key signatures. WebCrypto does it asynchronously, so it runs before the
//! rest of admission.

use super::KeyGate;
use super::key_state::IncomingRequest;
use crate::platform::web_crypto;
use tidegate_core::domain::admission::Presented;
use tidegate_core::domain::key::PayloadFormat;
use tidegate_core::domain::signature::{Scheme, public_key_checks};
use tidegate_core::domain::time::Timestamp;
use tidegate_core::protocol::key_gate::{Ingest, RequestKind};

impl IncomingRequest {
    pub(super) fn presented<'a>(self, ingest: &'a Ingest, body: &'a [u8]) -> Presented<'a> {
        Presented {
            key_hash: ingest.key_hash.as_ref(),
            headers: &ingest.headers,
            body,
            public_key_verified: self.public_key_verified,
        }
    }
}

impl KeyGate {
    /// Whether the request carries a valid signature under one of this key's public keys. Most
    /// requests have no such signature and cost nothing here.
    pub(super) async fn public_key_verified(
        &self,
        ingest: &Ingest,
        body: &[u8],
        now: Timestamp,
    ) -> bool {
        let format = match ingest.kind {
            RequestKind::Deliver { format } => format,
            _ => PayloadFormat::Gateway,
        };
        let has_asymmetric =
            || ingest.headers.get("webhook-signature").is_some_and(|list| list.contains("v1a,"));
        let may_have_signature = match format.webhooks() {
            Some(webhooks) => webhooks.scheme == Scheme::Token,
            None => has_asymmetric(),
        };
        if !may_have_signature {
            return false;
        }
        let checks = self.with(|key_state| {
            // A key of another format is refused later, whatever the signature.
            let same_format = key_state.stored.record.payload_format == format;
            let secrets = if same_format { key_state.live_secrets(now) } else { Vec::new() };
            public_key_checks(format, &ingest.headers, &secrets, body)
        });
        for check in checks.unwrap_or_default() {
            match web_crypto::check_holds(&check).await {
                Ok(true) => return true,
                Ok(false) => {}
                Err(error) => worker::console_error!("verifying a signature: {error:?}"),
            }
        }
        false
    }
}
