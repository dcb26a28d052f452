//! Payments and refunds: what is kept of them, and what they add up to.
//!
//! An order's money is told by up to three voices: what its sender states within the order, events
//! that the sender sends of a payment or a refund by itself, and what was recorded through the
//! integration API. Two of them that have the same external id are one: the record stands, what the
//! order states of it is not counted again. So the sums come out the same in any order of arrival.

use serde::{Deserialize, Serialize};

use super::credential::KeyId;
use super::id::{OrderId, PaymentId, RefundId};
use super::key::Source;
use super::ledger::Stated;
use super::money::{Amount, Currency};
use super::order::{PaymentStatus, StatedPayment, StatedRefund};
use super::rejection::{FieldError, Rejection};

/// A payment as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    pub id: PaymentId,
    pub order_id: OrderId,
    pub detail: PaymentDetail,
}

/// The part of a payment that is kept as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentDetail {
    pub payment: StatedPayment,
    pub status: PaymentStatus,
    /// All that has been given back of it, where its sender keeps count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refunded: Option<Amount>,
    pub source: Source,
    pub key_id: KeyId,
}

/// A refund as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    pub id: RefundId,
    pub order_id: OrderId,
    pub detail: RefundDetail,
}

/// The part of a refund that is kept as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundDetail {
    pub refund: StatedRefund,
    pub status: PaymentStatus,
    /// The payment, where it was named by our id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<PaymentId>,
    /// The payment, where it was named by its sender's own id; it may not be known here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<String>,
    pub source: Source,
    pub key_id: KeyId,
}

impl Refund {
    pub fn is_of(&self, payment: &Payment) -> bool {
        match self.detail.payment_id {
            Some(id) => id == payment.id,
            None => {
                self.detail.payment.is_some()
                    && self.detail.payment == payment.detail.payment.external_id
            }
        }
    }
}

/// All that is known of an order's money.
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    pub stated: &'a Stated,
    pub payments: &'a [Payment],
    pub refunds: &'a [Refund],
}

impl<'a> Account<'a> {
    /// The payments that only the order itself states.
    pub fn stated_payments(self) -> impl Iterator<Item = &'a StatedPayment> {
        self.stated.payments.iter().filter(move |stated| {
            stated.external_id.is_none()
                || !self
                    .payments
                    .iter()
                    .any(|kept| kept.detail.payment.external_id == stated.external_id)
        })
    }

    /// The refunds that only the order itself states.
    pub fn stated_refunds(self) -> impl Iterator<Item = &'a StatedRefund> {
        self.stated.refunds.iter().filter(move |stated| {
            stated.external_id.is_none()
                || !self
                    .refunds
                    .iter()
                    .any(|kept| kept.detail.refund.external_id == stated.external_id)
        })
    }

    pub fn paid_total(self) -> Amount {
        let kept =
            self.payments.iter().filter(|kept| kept.detail.status == PaymentStatus::Completed);
        let kept = kept.map(|kept| kept.detail.payment.amount);
        sum(self.stated_payments().map(|stated| stated.amount).chain(kept))
    }

    /// What has been given back of one payment: its sender's own count, or the refunds known one by
    /// one, whichever is more.
    pub fn refunded_of(self, payment: &Payment) -> Amount {
        let refunds = self.refunds.iter().filter(|refund| refund.is_of(payment));
        completed(refunds).max(payment.detail.refunded.unwrap_or_default())
    }

    pub fn refunded_total(self) -> Amount {
        let of_payments = self.payments.iter().map(|payment| self.refunded_of(payment));
        let others = self
            .refunds
            .iter()
            .filter(|refund| !self.payments.iter().any(|payment| refund.is_of(payment)));
        let stated = self.stated_refunds().map(|stated| stated.amount);
        sum(of_payments.chain([completed(others)]).chain(stated))
    }
}

fn completed<'a>(refunds: impl Iterator<Item = &'a Refund>) -> Amount {
    sum(refunds
        .filter(|refund| refund.detail.status == PaymentStatus::Completed)
        .map(|refund| refund.detail.refund.amount))
}

/// The sum; what cannot be kept exactly is no sum of amounts that were.
fn sum(amounts: impl Iterator<Item = Amount>) -> Amount {
    Amount::sum(amounts).unwrap_or_default()
}

/// Reads the amount of a new payment or refund and holds it to what is left to be paid, or to be
/// given back.
///
/// # Errors
/// 422 naming `/amount` or `/currency`.
pub fn read_amount(
    text: Option<&str>,
    stated: Option<Currency>,
    currency: Currency,
    left: Amount,
    excess: &'static str,
) -> Result<Amount, Rejection> {
    let refuse = |pointer: &str, code: &'static str, detail: String| {
        Rejection::fields(vec![FieldError {
            pointer: pointer.to_owned(),
            code: code.into(),
            detail,
        }])
    };
    if stated.is_some_and(|stated| stated != currency) {
        let detail = format!("must be {}, the order's currency.", currency.as_str());
        return Err(refuse("/currency", "currency_mismatch", detail));
    }
    let amount = match text {
        Some(text) => Amount::parse(text, currency)
            .map_err(|error| refuse("/amount", "invalid_amount", format!("{error}.")))?,
        None => left,
    };
    if amount > left || left <= Amount::ZERO {
        let detail = format!(
            "must be at most {}, which is what is left.",
            left.max(Amount::ZERO).format(currency)
        );
        return Err(refuse("/amount", excess, detail));
    }
    if amount <= Amount::ZERO {
        return Err(refuse("/amount", "not_positive", "must be above 0.".to_owned()));
    }
    Ok(amount)
}
