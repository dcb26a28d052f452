//! The handlers of a key's requests and parked events.

use super::Call;
use crate::Result;
use crate::control::Stats;
use crate::control::caller::Admin;
use tidegate_core::api::output::Rfc3339;
use tidegate_core::api::procedures::Requests;
use tidegate_core::api::procedures::requests::{
    DiscardedOut, ListParked, ListRequests, ParkedEventId, ParkedEventOut, ParkedPageOut,
    RequestOut, RequestPageOut, SettledOut, StatsOut,
};
use tidegate_core::domain::credential::KeyId;

impl Requests for Call<'_> {
    async fn get_integration_key_stats(&self, admin: &Admin, key_id: KeyId) -> Result<StatsOut> {
        let key = self.control_plane.key(admin, &key_id).await?;
        let Stats { h24, d7, d30, last_used_at } = self.control_plane.stats(&key).await?;
        Ok(StatsOut { h24, d7, d30, last_used_at: last_used_at.map(Rfc3339) })
    }

    async fn list_integration_requests(
        &self,
        admin: &Admin,
        arguments: ListRequests,
    ) -> Result<RequestPageOut> {
        let ListRequests { key_id, filter } = arguments;
        let key = self.control_plane.key(admin, &key_id).await?;
        let (requests, next) = self.control_plane.requests(&key, filter).await?;
        Ok(RequestPageOut {
            requests: requests.into_iter().map(RequestOut::from).collect(),
            next_cursor: next.map(|row| row.to_string()),
        })
    }

    async fn list_parked_events(
        &self,
        admin: &Admin,
        arguments: ListParked,
    ) -> Result<ParkedPageOut> {
        let ListParked { key_id, limit, before } = arguments;
        let key = self.control_plane.key(admin, &key_id).await?;
        let (events, next) = self.control_plane.parked(&key, limit, before, None).await?;
        let gate = key.key_hash.gate();
        Ok(ParkedPageOut {
            events: events.into_iter().map(|event| ParkedEventOut::new(gate, event)).collect(),
            next_cursor: next.map(|row| row.to_string()),
        })
    }

    async fn retry_parked_event(
        &self,
        admin: &Admin,
        arguments: ParkedEventId,
    ) -> Result<SettledOut> {
        let ParkedEventId { key_id, row } = arguments;
        let key = self.control_plane.key(admin, &key_id).await?;
        let (outcome, reason) = self.control_plane.retry_parked(&key, row).await?;
        Ok(SettledOut { settled: outcome.is_some(), outcome, reason })
    }

    async fn discard_parked_event(
        &self,
        admin: &Admin,
        arguments: ParkedEventId,
    ) -> Result<DiscardedOut> {
        let ParkedEventId { key_id, row } = arguments;
        let key = self.control_plane.key(admin, &key_id).await?;
        self.control_plane.discard_parked(admin, &key, row).await?;
        Ok(DiscardedOut { discarded: true })
    }
}
