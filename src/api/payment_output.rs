//! Payments and refunds as every API answers them: by themselves and within their order.

use serde::Serialize;

use super::order_output::{Money, Rfc3339};
use crate::domain::credential::KeyId;
use crate::domain::id::{OrderId, PaymentId, RefundId};
use crate::domain::key::Source;
use crate::domain::ledger::StoredOrder;
use crate::domain::order::{PaymentStatus, StatedPayment, StatedRefund};
use crate::domain::payment::{Payment, Refund};

/// A payment as JSON. What only the order itself states of a payment has no `id`.
#[derive(Debug, Serialize)]
pub struct PaymentOut<'a> {
    id: Option<PaymentId>,
    order_id: OrderId,
    external_id: Option<&'a str>,
    method: Option<&'a str>,
    amount: Money,
    currency: &'a str,
    status: PaymentStatus,
    paid_at: Option<Rfc3339>,
    refunded_total: Money,
    refunds: Vec<RefundOut<'a>>,
    source: Source,
    key_id: &'a KeyId,
    created_at: Rfc3339,
}

/// A refund as JSON. What only the order itself states of a refund has no `id`.
#[derive(Debug, Serialize)]
pub struct RefundOut<'a> {
    id: Option<RefundId>,
    payment_id: Option<PaymentId>,
    order_id: OrderId,
    external_id: Option<&'a str>,
    amount: Money,
    currency: &'a str,
    reason: Option<&'a str>,
    status: PaymentStatus,
    source: Source,
    key_id: &'a KeyId,
    created_at: Rfc3339,
}

/// The payments of an order: those that it states, then those that are kept, oldest first.
pub(super) fn payments(order: &StoredOrder) -> Vec<PaymentOut<'_>> {
    let stated = order.account().stated_payments().map(|stated| {
        let StatedPayment { external_id, method, amount, paid_at } = stated;
        PaymentOut {
            id: None,
            order_id: order.id,
            external_id: external_id.as_deref(),
            method: method.as_deref(),
            amount: Money(*amount, order.content.currency),
            currency: order.content.currency.as_str(),
            status: PaymentStatus::Completed,
            paid_at: paid_at.map(Rfc3339),
            refunded_total: Money(Default::default(), order.content.currency),
            refunds: Vec::new(),
            source: order.source,
            key_id: &order.key_id,
            created_at: Rfc3339(order.created_at),
        }
    });
    stated.chain(order.payments.iter().map(|payment| PaymentOut::of(order, payment))).collect()
}

/// The refunds of an order, in the same order.
pub(super) fn refunds(order: &StoredOrder) -> Vec<RefundOut<'_>> {
    let stated = order.account().stated_refunds().map(|stated| {
        let StatedRefund { external_id, reason, amount } = stated;
        RefundOut {
            id: None,
            payment_id: None,
            order_id: order.id,
            external_id: external_id.as_deref(),
            amount: Money(*amount, order.content.currency),
            currency: order.content.currency.as_str(),
            reason: reason.as_deref(),
            status: PaymentStatus::Completed,
            source: order.source,
            key_id: &order.key_id,
            created_at: Rfc3339(order.created_at),
        }
    });
    stated.chain(order.refunds.iter().map(|refund| RefundOut::of(order, refund))).collect()
}

impl<'a> PaymentOut<'a> {
    /// A payment that is kept of this order.
    pub fn of(order: &'a StoredOrder, payment: &'a Payment) -> Self {
        let detail = &payment.detail;
        let currency = order.content.currency;
        let refunds = order.refunds.iter().filter(|refund| refund.is_of(payment));
        Self {
            id: Some(payment.id),
            order_id: order.id,
            external_id: detail.payment.external_id.as_deref(),
            method: detail.payment.method.as_deref(),
            amount: Money(detail.payment.amount, currency),
            currency: order.content.currency.as_str(),
            status: detail.status,
            paid_at: detail.payment.paid_at.map(Rfc3339),
            refunded_total: Money(order.account().refunded_of(payment), currency),
            refunds: refunds.map(|refund| RefundOut::of(order, refund)).collect(),
            source: detail.source,
            key_id: &detail.key_id,
            created_at: Rfc3339(payment.id.row.time()),
        }
    }
}

impl<'a> RefundOut<'a> {
    /// A refund that is kept of this order.
    pub fn of(order: &'a StoredOrder, refund: &'a Refund) -> Self {
        let detail = &refund.detail;
        let payment = order.payments.iter().find(|payment| refund.is_of(payment));
        Self {
            id: Some(refund.id),
            payment_id: payment.map(|payment| payment.id),
            order_id: order.id,
            external_id: detail.refund.external_id.as_deref(),
            amount: Money(detail.refund.amount, order.content.currency),
            currency: order.content.currency.as_str(),
            reason: detail.refund.reason.as_deref(),
            status: detail.status,
            source: detail.source,
            key_id: &detail.key_id,
            created_at: Rfc3339(refund.id.row.time()),
        }
    }
}
