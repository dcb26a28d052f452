//! The RPCs for a key's requests and parked events.

use serde_json::{Value, json};

use super::{Call, json};
use crate::Result;
use crate::control::Stats;
use crate::control::caller::Admin;
use crate::platform::answer::Answer;
use tidegate_core::domain::credential::KeyId;
use tidegate_core::domain::id::{RequestId, SequenceId};
use tidegate_core::domain::time::Timestamp;
use tidegate_core::protocol::key_gate::RequestFilter;

impl Call<'_> {
    pub(super) async fn stats(&self, admin: &Admin, key_id: &KeyId) -> Result<Answer> {
        let Stats { h24, d7, d30, last_used_at } =
            self.control_plane.stats(&self.control_plane.key(admin, key_id).await?).await?;
        let last_used_at = last_used_at.map(Timestamp::to_rfc3339);
        Answer::serialized(
            200,
            &json!({ "h24": h24, "d7": d7, "d30": d30, "last_used_at": last_used_at }),
        )
    }

    pub(super) async fn list_requests(
        &self,
        admin: &Admin,
        key_id: &KeyId,
        filter: RequestFilter,
    ) -> Result<Answer> {
        let key = self.control_plane.key(admin, key_id).await?;
        let (requests, next) = self.control_plane.requests(&key, filter).await?;
        let requests: Vec<Value> = requests.iter().map(json::request).collect();
        let next_cursor = next.map(|row| row.to_string());
        Answer::serialized(200, &json!({ "requests": requests, "next_cursor": next_cursor }))
    }

    pub(super) async fn list_parked(
        &self,
        admin: &Admin,
        key_id: &KeyId,
        limit: u32,
        before: Option<i64>,
    ) -> Result<Answer> {
        let key = self.control_plane.key(admin, key_id).await?;
        let (events, next) = self.control_plane.parked(&key, limit, before, None).await?;
        let gate = key.key_hash.gate();
        let event_id = |row| SequenceId::from_i64(row).map(|id| RequestId::new(gate, id));
        let events: Vec<Value> =
            events.iter().map(|event| json::parked(event, event_id(event.row))).collect();
        let next_cursor = next.map(|row| row.to_string());
        Answer::serialized(200, &json!({ "events": events, "next_cursor": next_cursor }))
    }

    pub(super) async fn retry_parked(
        &self,
        admin: &Admin,
        key_id: &KeyId,
        row: SequenceId,
    ) -> Result<Answer> {
        let key = self.control_plane.key(admin, key_id).await?;
        let (outcome, reason) = self.control_plane.retry_parked(&key, row).await?;
        let settled = outcome.is_some();
        Answer::serialized(
            200,
            &json!({ "settled": settled, "outcome": outcome, "reason": reason }),
        )
    }

    pub(super) async fn discard_parked(
        &self,
        admin: &Admin,
        key_id: &KeyId,
        row: SequenceId,
    ) -> Result<Answer> {
        let key = self.control_plane.key(admin, key_id).await?;
        self.control_plane.discard_parked(admin, &key, row).await?;
        Answer::serialized(200, &json!({ "discarded": true }))
    }
}
