//! The procedures of a key's requests and parked events.

use serde_json::{Value, json};

use super::{Call, unfitting};
use crate::domain::credential::KeyId;
use crate::domain::id::{AuditId, RequestId, Row};
use crate::domain::time::Timestamp;
use crate::edge::Result;
use crate::edge::answer::Answer;
use crate::edge::caller::Admin;
use crate::edge::platform::random;
use crate::protocol::key_gate::{
    GateCommand, GateReply, LoggedRequest, ParkedEvent, RequestFilter,
};

impl Call<'_> {
    pub(super) async fn stats(&self, admin: &Admin, key_id: &KeyId) -> Result<Answer> {
        let gate = self.gate_of(admin, key_id).await?;
        let command = GateCommand::Stats;
        let GateReply::Stats { h24, d7, d30, last_used_at } = self.command(gate, command).await?
        else {
            return Err(unfitting());
        };
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
        let gate = self.gate_of(admin, key_id).await?;
        let command = GateCommand::ListRequests { filter };
        let GateReply::Requests { requests, next } = self.command(gate, command).await? else {
            return Err(unfitting());
        };
        let requests: Vec<Value> = requests.iter().map(request_json).collect();
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
        let gate = self.gate_of(admin, key_id).await?;
        let command = GateCommand::ListParked { limit, before };
        let GateReply::Parked { events, next } = self.command(gate, command).await? else {
            return Err(unfitting());
        };
        let event_id = |row| Row::from_i64(row).map(|row| RequestId::new(gate, row));
        let events: Vec<Value> =
            events.iter().map(|event| parked_json(event, event_id(event.row))).collect();
        let next_cursor = next.map(|row| row.to_string());
        Answer::serialized(200, &json!({ "events": events, "next_cursor": next_cursor }))
    }

    pub(super) async fn retry_parked(
        &self,
        admin: &Admin,
        key_id: &KeyId,
        row: Row,
    ) -> Result<Answer> {
        let gate = self.gate_of(admin, key_id).await?;
        let command = GateCommand::RetryParked { row: row.as_i64() };
        let GateReply::Settled { outcome, reason } = self.command(gate, command).await? else {
            return Err(unfitting());
        };
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
        row: Row,
    ) -> Result<Answer> {
        let gate = self.gate_of(admin, key_id).await?;
        let (actor, audit_id) = (admin.actor.clone(), AuditId::from_random(random()?));
        let row = row.as_i64();
        self.command(gate, GateCommand::DiscardParked { row, actor, audit_id }).await?;
        Answer::serialized(200, &json!({ "discarded": true }))
    }
}

fn request_json(request: &LoggedRequest) -> Value {
    let mut value = serde_json::to_value(request).unwrap_or_default();
    value["received_at"] = json!(request.received_at.to_rfc3339());
    value
}

fn parked_json(event: &ParkedEvent, id: Option<RequestId>) -> Value {
    json!({
        "event_id": id,
        "received_at": event.received_at.to_rfc3339(),
        "reason": event.reason,
        "detail": event.detail,
        "topic": event.topic,
        "attempts": event.attempts,
        "next_attempt_at": event.next_attempt_at.map(Timestamp::to_rfc3339),
        "bytes": event.bytes,
    })
}
