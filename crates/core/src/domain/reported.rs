//! What a native sender reports of an order's money, and what the integration API changed.

use serde::{Deserialize, Serialize};

use super::order::{OrderStatus, ReportedPayment, ReportedRefund};
use super::time::Timestamp;

/// Changes that the integration API made to an order, whatever its native sender reports.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LocalState {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<OrderStatus>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_reason: Option<String>,
}

/// The payments and refunds that a native sender's latest event reports, and the local state of the
/// order.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SenderReported {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub payments: Vec<ReportedPayment>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refunds: Vec<ReportedRefund>,
    /// The sender's events do not replace this.
    #[serde(default)]
    #[serde(rename = "here")]
    pub local: LocalState,
}
