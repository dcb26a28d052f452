//! Calls to the StoreLedger of the key's store.

use super::{KeyGate, decode_message};
use crate::objects::client::CallFailed;
use crate::{Result, internal};
use tidegate_core::domain::key::PayloadFormat;
use tidegate_core::domain::rejection::{Code, Rejection};
use tidegate_core::protocol::Versioned;
use tidegate_core::protocol::frame;
use tidegate_core::protocol::store_ledger::{LedgerCommand, LedgerReply, object_name};

/// The deadline of a call to a ledger, in milliseconds. Wix waits 1,250 ms for the whole delivery.
const fn deadline(format: PayloadFormat) -> u32 {
    match format {
        PayloadFormat::Wix => 700,
        _ => 3_000,
    }
}

impl KeyGate {
    /// Sends a command to the ledger of this key's store. Every command may be repeated: orders are
    /// deduplicated by their idempotency key or external id, events by the sender's version.
    pub(super) async fn call_ledger(
        &self,
        command: LedgerCommand,
    ) -> Result<(LedgerReply, String)> {
        let (store, format) = self.with(|key_state| {
            let record = &key_state.stored.record;
            (record.store_id, record.payload_format)
        })?;
        let command = frame::encode(&Versioned::new(command), &[])
            .map_err(|frame::Malformed| internal("a command that is too large"))?;
        let ledger = self.ledger.as_ref().map_err(|error| internal(error.to_string()))?;
        let reply = ledger
            .command(&object_name(store), &command, deadline(format))
            .await
            .map_err(|CallFailed { .. }| unavailable())?;
        let (reply, body) = decode_message::<LedgerReply>(&reply)?;
        match reply {
            LedgerReply::Failed { temporary: true } => Err(unavailable().into()),
            LedgerReply::Failed { temporary: false } => {
                Err(internal(format!("the ledger of {store} failed")))
            }
            reply => {
                let body = String::from_utf8(body.to_vec())
                    .map_err(|_| internal("a reply that is not UTF-8"))?;
                Ok((reply, body))
            }
        }
    }
}

fn unavailable() -> Rejection {
    Rejection::new(
        Code::StoreUnavailable,
        "The store did not answer in time. Send the same request again: with the same \
         Idempotency-Key or external_id it takes effect once.",
    )
    .retry_after(2)
}
