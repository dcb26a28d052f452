//! Calls to the StoreLedger of the key's store.

use super::KeyGate;
use crate::{Result, internal};
use tidegate_core::domain::key::PayloadFormat;
use tidegate_core::domain::rejection::{Code, Rejection};
use tidegate_core::domain::sender::LEDGER_DEADLINE;
use tidegate_core::protocol::store_ledger::{LedgerCommand, LedgerReply};

/// The deadline of a call to a ledger, in milliseconds.
fn deadline(format: PayloadFormat) -> u32 {
    format.webhooks().map_or(LEDGER_DEADLINE, |webhooks| webhooks.ledger_deadline)
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
        let ledger = self.ledger.as_ref().map_err(|error| internal(error.to_string()))?;
        let reply = ledger.call(&store, &command, deadline(format)).await;
        reply.map_err(|error| error.or(unavailable()))
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
