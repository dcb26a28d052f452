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
use super::ledger::SenderReported;
use super::money::{Amount, Currency};
use super::order::{PaymentStatus, ReportedPayment, ReportedRefund};
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
    pub payment: ReportedPayment,
    pub status: PaymentStatus,
    /// All that has been given back of it, where its sender keeps count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refunded: Option<Amount>,
    pub source: Source,
    pub key_id: KeyId,
}

impl PaymentDetail {
    /// What an older event of the same payment says and this one does not. What the sender counts as
    /// given back only grows, and not every event says it.
    #[must_use]
    pub fn completed_from(mut self, older: Self) -> Self {
        self.refunded = self.refunded.max(older.refunded);
        self.payment.method = self.payment.method.or(older.payment.method);
        self
    }
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
    pub refund: ReportedRefund,
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
    pub stated: &'a SenderReported,
    pub payments: &'a [Payment],
    pub refunds: &'a [Refund],
}

impl<'a> Account<'a> {
    /// The payments that only the order itself states.
    pub fn stated_payments(self) -> impl Iterator<Item = &'a ReportedPayment> {
        self.stated.payments.iter().filter(move |stated| {
            stated.external_id.is_none()
                || !self
                    .payments
                    .iter()
                    .any(|kept| kept.detail.payment.external_id == stated.external_id)
        })
    }

    /// The refunds that only the order itself states.
    pub fn stated_refunds(self) -> impl Iterator<Item = &'a ReportedRefund> {
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
    /// one, whichever is more. A sender counts a refund when it is made; no event of the payment
    /// follows where that fails.
    pub fn refunded_of(self, payment: &Payment) -> Amount {
        let refunds = || self.refunds.iter().filter(|refund| refund.is_of(payment));
        let undone = refunds().filter(|refund| {
            matches!(refund.detail.status, PaymentStatus::Failed | PaymentStatus::Cancelled)
        });
        let counted = payment.detail.refunded.unwrap_or_default();
        let left = counted.checked_sub(sum(undone.map(|refund| refund.detail.refund.amount)));
        completed(refunds()).max(left.unwrap_or_default())
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

/// Reads the amount of a new payment or refund.
///
/// # Errors
/// 422 naming `/amount` or `/currency`.
pub fn read_amount(
    text: &str,
    stated: Option<Currency>,
    currency: Currency,
) -> Result<Amount, Rejection> {
    if stated.is_some_and(|stated| stated != currency) {
        let detail = format!("must be {}, the order's currency.", currency.as_str());
        return Err(refuse("/currency", "currency_mismatch", detail));
    }
    let amount = Amount::parse(text, currency)
        .map_err(|error| refuse("/amount", "invalid_amount", format!("{error}.")))?;
    if amount <= Amount::ZERO {
        return Err(refuse("/amount", "not_positive", "must be above 0.".to_owned()));
    }
    Ok(amount)
}

/// Holds an amount to what is left to be paid, or to be given back.
///
/// # Errors
/// 422 naming `/amount` with the code `excess`.
pub fn check_left(
    amount: Amount,
    left: Amount,
    currency: Currency,
    excess: &'static str,
) -> Result<(), Rejection> {
    if left <= Amount::ZERO {
        return Err(refuse("/amount", excess, "is too much: nothing is left.".to_owned()));
    }
    if amount > left {
        let detail = format!("must be at most {}, which is what is left.", left.format(currency));
        return Err(refuse("/amount", excess, detail));
    }
    Ok(())
}

fn refuse(pointer: &str, code: &'static str, detail: String) -> Rejection {
    Rejection::fields(vec![FieldError { pointer: pointer.to_owned(), code: code.into(), detail }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::credential::{GateName, TagKeys};
    use crate::domain::id::{SequenceId, StoreId};
    use crate::domain::time::Timestamp;

    fn amount(minor: i64) -> Amount {
        Amount::from_minor(minor).unwrap()
    }

    fn ids(n: i64) -> (StoreId, SequenceId, OrderId, KeyId) {
        let store = StoreId::from_random([1; 10]);
        let tag_keys = TagKeys::parse(&"00".repeat(32)).unwrap();
        let key = KeyId::mint(GateName::from_bytes([0; 12]), &tag_keys);
        (
            store,
            SequenceId::at(Timestamp::from_millis(n)),
            OrderId::new(store, SequenceId::at(Timestamp::default())),
            key,
        )
    }

    fn payment(n: i64, external_id: &str, paid: i64, refunded: Option<i64>) -> Payment {
        let (store, row, order_id, key_id) = ids(n);
        Payment {
            id: PaymentId::new(store, row),
            order_id,
            detail: PaymentDetail {
                payment: stated(external_id, paid),
                status: PaymentStatus::Completed,
                refunded: refunded.map(amount),
                source: Source::StripeCheckout,
                key_id,
            },
        }
    }

    fn refund(n: i64, external_id: &str, payment: Option<&str>, given_back: i64) -> Refund {
        let (store, row, order_id, key_id) = ids(n);
        Refund {
            id: RefundId::new(store, row),
            order_id,
            detail: RefundDetail {
                refund: stated_refund(external_id, given_back),
                status: PaymentStatus::Completed,
                payment_id: None,
                payment: payment.map(str::to_owned),
                source: Source::StripeCheckout,
                key_id,
            },
        }
    }

    fn stated(external_id: &str, paid: i64) -> ReportedPayment {
        ReportedPayment {
            external_id: Some(external_id.to_owned()),
            method: None,
            amount: amount(paid),
            paid_at: None,
        }
    }

    fn stated_refund(external_id: &str, given_back: i64) -> ReportedRefund {
        ReportedRefund {
            external_id: Some(external_id.to_owned()),
            reason: None,
            amount: amount(given_back),
        }
    }

    fn sums(stated: &SenderReported, payments: &[Payment], refunds: &[Refund]) -> (i64, i64) {
        let account = Account { stated, payments, refunds };
        (account.paid_total().minor(), account.refunded_total().minor())
    }

    #[test]
    fn what_two_voices_tell_counts_once() {
        let order = SenderReported {
            payments: vec![stated("pi_1", 2_000)],
            refunds: vec![stated_refund("re_1", 500)],
            ..SenderReported::default()
        };
        assert_eq!(sums(&order, &[], &[]), (2_000, 500));
        let paid = [payment(1, "pi_1", 2_000, None)];
        assert_eq!(sums(&order, &paid, &[]), (2_000, 500));
        let refunds = [refund(2, "re_1", Some("pi_1"), 500)];
        assert_eq!(sums(&order, &paid, &refunds), (2_000, 500));
        let others = [paid[0].clone(), payment(3, "pi_2", 100, None)];
        assert_eq!(sums(&order, &others, &refunds), (2_100, 500));
    }

    #[test]
    fn a_senders_count_and_its_single_refunds_are_the_same_money() {
        let none = SenderReported::default();
        let of = |refunded, refunds: &[Refund]| {
            sums(&none, &[payment(1, "pi_1", 2_000, refunded)], refunds).1
        };
        let refunds = [refund(2, "re_1", Some("pi_1"), 500), refund(3, "re_2", Some("pi_1"), 300)];
        assert_eq!(of(Some(800), &refunds), 800);
        assert_eq!(of(Some(500), &refunds), 800, "an event is still on its way");
        assert_eq!(of(Some(800), &refunds[..1]), 800);
        assert_eq!(of(None, &refunds), 800);
        assert_eq!(sums(&none, &[], &refunds), (0, 800), "before the payment itself has arrived");
    }

    #[test]
    fn only_what_is_completed_counts() {
        let mut failed = payment(1, "pi_1", 2_000, None);
        failed.detail.status = PaymentStatus::Failed;
        let mut pending = refund(2, "re_1", Some("pi_1"), 500);
        pending.detail.status = PaymentStatus::Pending;
        assert_eq!(sums(&SenderReported::default(), &[failed], &[pending]), (0, 0));
    }

    #[test]
    fn a_refund_that_failed_gives_nothing_back_though_its_sender_counted_it() {
        let none = SenderReported::default();
        let counted = [payment(1, "pi_1", 2_000, Some(500))];
        let mut refunds =
            [refund(2, "re_1", Some("pi_1"), 500), refund(3, "re_2", Some("pi_1"), 300)];
        for status in [PaymentStatus::Failed, PaymentStatus::Cancelled] {
            refunds[0].detail.status = status;
            assert_eq!(sums(&none, &counted, &refunds[..1]).1, 0);
            assert_eq!(sums(&none, &counted, &refunds).1, 300);
        }
        refunds[0].detail.status = PaymentStatus::Pending;
        assert_eq!(sums(&none, &counted, &refunds[..1]).1, 500, "the sender counts it");
        refunds[0].detail.refund.amount = amount(900);
        refunds[0].detail.status = PaymentStatus::Failed;
        assert_eq!(sums(&none, &counted, &refunds[..1]).1, 0, "nothing was given back of less");
    }

    #[test]
    fn two_events_of_a_payment_make_one_in_either_order() {
        let mut newer = payment(1, "pi_1", 2_000, None).detail;
        let mut older = payment(1, "pi_1", 1_000, Some(500)).detail;
        older.payment.method = Some("card".to_owned());
        let merged = newer.clone().completed_from(older.clone());
        assert_eq!(merged.payment.amount, amount(2_000));
        assert_eq!(merged.payment.method.as_deref(), Some("card"));
        assert_eq!(merged.refunded, Some(amount(500)));
        newer.payment.method = Some("link".to_owned());
        newer.refunded = Some(amount(700));
        assert_eq!(newer.clone().completed_from(older), newer);
    }

    #[test]
    fn an_amount_is_held_to_what_is_left() {
        let usd = Currency::parse("USD").unwrap();
        let code =
            |result: Result<(), Rejection>| result.err().map(|r| r.errors[0].code.to_string());
        assert_eq!(code(check_left(amount(100), amount(100), usd, "exceeds_paid")), None);
        assert_eq!(
            code(check_left(amount(101), amount(100), usd, "exceeds_paid")),
            Some("exceeds_paid".into())
        );
        assert_eq!(
            code(check_left(amount(0), amount(0), usd, "exceeds_paid")),
            Some("exceeds_paid".into())
        );
        for text in ["0", "-1", "x", "1.001", ""] {
            assert!(read_amount(text, None, usd).is_err(), "{text}");
        }
        assert!(read_amount("1", Currency::parse("EUR"), usd).is_err());
        assert_eq!(read_amount("1", Some(usd), usd), Ok(amount(100)));
    }
}
