//! Payments and refunds in the APIs' responses: on their own, and in a shorter form within their
//! order.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::api::output::{CreatedBy, Money, Rfc3339};
use crate::domain::credential::KeyId;
use crate::domain::id::{OrderId, PaymentId, RefundId};
use crate::domain::key::Source;
use crate::domain::order::{PaymentStatus, ReportedPayment, ReportedRefund};
use crate::domain::payment::{Payment, Refund};
use crate::domain::record::StoredOrder;

/// A payment within its order. A payment that only the sender's order reports has no `id`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentEntry<'a> {
    pub id: Option<PaymentId>,
    pub external_id: Option<Cow<'a, str>>,
    pub method: Option<Cow<'a, str>>,
    pub amount: Money,
    pub status: PaymentStatus,
    pub paid_at: Option<Rfc3339>,
    pub refunded_total: Money,
}

/// A refund within its order. A refund that only the sender's order reports has no `id`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundEntry<'a> {
    pub id: Option<RefundId>,
    pub payment_id: Option<PaymentId>,
    pub external_id: Option<Cow<'a, str>>,
    pub amount: Money,
    pub reason: Option<Cow<'a, str>>,
    pub status: PaymentStatus,
}

/// A payment on its own.
#[derive(Debug, Serialize)]
pub struct PaymentOut<'a> {
    id: PaymentId,
    order_id: OrderId,
    external_id: Option<&'a str>,
    method: Option<&'a str>,
    amount: Money,
    currency: &'a str,
    status: PaymentStatus,
    paid_at: Option<Rfc3339>,
    refunded_total: Money,
    refunds: Vec<RefundEntry<'a>>,
    source: Source,
    key_id: Option<&'a KeyId>,
    created_by: CreatedBy,
    created_at: Rfc3339,
}

/// A refund on its own.
#[derive(Debug, Serialize)]
pub struct RefundOut<'a> {
    id: RefundId,
    payment_id: Option<PaymentId>,
    order_id: OrderId,
    external_id: Option<&'a str>,
    amount: Money,
    currency: &'a str,
    reason: Option<&'a str>,
    status: PaymentStatus,
    source: Source,
    key_id: Option<&'a KeyId>,
    created_by: CreatedBy,
    created_at: Rfc3339,
}

/// The payments of an order: those that only the sender's order reports, then the stored ones,
/// oldest first.
pub(crate) fn payments(order: &StoredOrder) -> Vec<PaymentEntry<'_>> {
    let reported = order.account().reported_payments();
    let reported = reported.map(|payment| (None, payment, PaymentStatus::Completed, None));
    let stored = order.payments.iter().map(|payment| {
        let detail = &payment.detail;
        let refunded = Some(order.account().refunded_of(payment));
        (Some(payment.id), &detail.payment, detail.status, refunded)
    });
    let money = |amount| Money::new(amount, order.content.currency);
    let entries = reported.chain(stored).map(|(id, payment, status, refunded)| {
        let ReportedPayment { external_id, method, amount, paid_at } = payment;
        PaymentEntry {
            id,
            external_id: external_id.as_deref().map(Cow::from),
            method: method.as_deref().map(Cow::from),
            amount: money(*amount),
            status,
            paid_at: paid_at.map(Rfc3339),
            refunded_total: money(refunded.unwrap_or_default()),
        }
    });
    entries.collect()
}

/// The refunds of an order, in the same sequence as [`payments`].
pub(crate) fn refunds(order: &StoredOrder) -> Vec<RefundEntry<'_>> {
    let reported = order.account().reported_refunds();
    let reported = reported.map(|refund| (None, None, refund, PaymentStatus::Completed));
    let stored = order.refunds.iter().map(|refund| stored_refund(order, refund));
    reported.chain(stored).map(|refund| refund_entry(order, refund)).collect()
}

type RefundParts<'a> = (Option<RefundId>, Option<PaymentId>, &'a ReportedRefund, PaymentStatus);

fn stored_refund<'a>(order: &StoredOrder, refund: &'a Refund) -> RefundParts<'a> {
    (Some(refund.id), payment_of(order, refund), &refund.detail.refund, refund.detail.status)
}

fn payment_of(order: &StoredOrder, refund: &Refund) -> Option<PaymentId> {
    order.payments.iter().find(|payment| refund.is_of(payment)).map(|payment| payment.id)
}

fn refund_entry<'a>(
    order: &StoredOrder,
    (id, payment_id, refund, status): RefundParts<'a>,
) -> RefundEntry<'a> {
    let ReportedRefund { external_id, reason, amount } = refund;
    RefundEntry {
        id,
        payment_id,
        external_id: external_id.as_deref().map(Cow::from),
        amount: Money::new(*amount, order.content.currency),
        reason: reason.as_deref().map(Cow::from),
        status,
    }
}

impl<'a> PaymentOut<'a> {
    /// A stored payment of this order.
    pub fn of(order: &'a StoredOrder, payment: &'a Payment) -> Self {
        let detail = &payment.detail;
        let currency = order.content.currency;
        let refunds = order.refunds.iter().filter(|refund| refund.is_of(payment));
        let refunds = refunds.map(|refund| refund_entry(order, stored_refund(order, refund)));
        Self {
            id: payment.id,
            order_id: order.id,
            external_id: detail.payment.external_id.as_deref(),
            method: detail.payment.method.as_deref(),
            amount: Money::new(detail.payment.amount, currency),
            currency: order.content.currency.as_str(),
            status: detail.status,
            paid_at: detail.payment.paid_at.map(Rfc3339),
            refunded_total: Money::new(order.account().refunded_of(payment), currency),
            refunds: refunds.collect(),
            source: detail.source,
            key_id: detail.created_by.integration_key(),
            created_by: (&detail.created_by).into(),
            created_at: Rfc3339(payment.id.row.time()),
        }
    }
}

impl<'a> RefundOut<'a> {
    /// A stored refund of this order.
    pub fn of(order: &'a StoredOrder, refund: &'a Refund) -> Self {
        let detail = &refund.detail;
        Self {
            id: refund.id,
            payment_id: payment_of(order, refund),
            order_id: order.id,
            external_id: detail.refund.external_id.as_deref(),
            amount: Money::new(detail.refund.amount, order.content.currency),
            currency: order.content.currency.as_str(),
            reason: detail.refund.reason.as_deref(),
            status: detail.status,
            source: detail.source,
            key_id: detail.created_by.integration_key(),
            created_by: (&detail.created_by).into(),
            created_at: Rfc3339(refund.id.row.time()),
        }
    }
}
