//! Payments and refunds: their records, and the totals of an order.
//!
//! Up to three sources report the payments and refunds of an order: the sender within the order,
//! the sender in separate events about a payment or a refund, and the integration API. The latter
//! two make records of their own. A record and a report within the order that have the same
//! external id are the same money: only the record counts. So the totals are the same in any order
//! of arrival.

use serde::{Deserialize, Serialize};

use super::author::Author;
use super::id::{OrderId, PaymentId, RefundId};
use super::key::Source;
use super::money::{Amount, Currency};
use super::order::{PaymentStatus, ReportedPayment, ReportedRefund, SourceVersion};
use super::rejection::{FieldError, Rejection};
use super::reported::SenderReported;

/// A payment record in a store's ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    pub id: PaymentId,
    pub order_id: OrderId,
    pub detail: PaymentDetail,
    /// The hash of the command that created the record; `None` for records of native senders.
    pub command_hash: Option<String>,
    /// The version of the native sender's event that was applied last.
    pub version: Option<SourceVersion>,
}

/// The part of a payment record that is stored as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentDetail {
    pub payment: ReportedPayment,
    pub status: PaymentStatus,
    /// The total refunded, if the sender reports such a total.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refunded: Option<Amount>,
    pub source: Source,
    /// Stored under the name that it had when only integration keys made payments.
    #[serde(rename = "key_id")]
    pub created_by: Author,
}

impl PaymentDetail {
    /// Adds what only an older event of the same payment reported. Takes the greater refunded
    /// total, because that total only grows and not every event reports it.
    #[must_use]
    pub fn completed_from(mut self, older: Self) -> Self {
        self.refunded = self.refunded.max(older.refunded);
        self.payment.method = self.payment.method.or(older.payment.method);
        self
    }
}

/// A refund record in a store's ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    pub id: RefundId,
    pub order_id: OrderId,
    pub detail: RefundDetail,
    /// The hash of the command that created the record; `None` for records of native senders.
    pub command_hash: Option<String>,
    /// The version of the native sender's event that was applied last.
    pub version: Option<SourceVersion>,
}

/// The part of a refund record that is stored as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundDetail {
    pub refund: ReportedRefund,
    pub status: PaymentStatus,
    /// Our id of the payment, if the payment was named by that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<PaymentId>,
    /// The sender's own id of the payment, if the payment was named by that. The payment may have
    /// no record here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<String>,
    pub source: Source,
    /// Stored under the name that it had when only integration keys made refunds.
    #[serde(rename = "key_id")]
    pub created_by: Author,
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

/// The payments and refunds of an order from all sources.
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    pub reported: &'a SenderReported,
    pub payments: &'a [Payment],
    pub refunds: &'a [Refund],
}

impl<'a> Account<'a> {
    /// The payments that are reported within the order and have no record of their own.
    pub fn reported_payments(self) -> impl Iterator<Item = &'a ReportedPayment> {
        self.reported.payments.iter().filter(move |reported| {
            reported.external_id.is_none()
                || !self
                    .payments
                    .iter()
                    .any(|payment| payment.detail.payment.external_id == reported.external_id)
        })
    }

    /// The refunds that are reported within the order and have no record of their own.
    pub fn reported_refunds(self) -> impl Iterator<Item = &'a ReportedRefund> {
        self.reported.refunds.iter().filter(move |reported| {
            reported.external_id.is_none()
                || !self
                    .refunds
                    .iter()
                    .any(|refund| refund.detail.refund.external_id == reported.external_id)
        })
    }

    pub fn paid_total(self) -> Amount {
        let completed = self
            .payments
            .iter()
            .filter(|payment| payment.detail.status == PaymentStatus::Completed);
        let recorded = completed.map(|payment| payment.detail.payment.amount);
        sum(self.reported_payments().map(|reported| reported.amount).chain(recorded))
    }

    /// The amount refunded of one payment: the total that its sender reports, or the sum of its
    /// completed refunds, whichever is greater. A sender adds a refund to its total when the refund
    /// is made and sends no event of the payment if the refund then fails, so failed and cancelled
    /// refunds are subtracted from the reported total.
    pub fn refunded_of(self, payment: &Payment) -> Amount {
        let refunds = || self.refunds.iter().filter(|refund| refund.is_of(payment));
        let undone = refunds().filter(|refund| {
            matches!(refund.detail.status, PaymentStatus::Failed | PaymentStatus::Cancelled)
        });
        let reported = payment.detail.refunded.unwrap_or_default();
        let remaining = reported.checked_sub(sum(undone.map(|refund| refund.detail.refund.amount)));
        sum_of_completed(refunds()).max(remaining.unwrap_or_default())
    }

    pub fn refunded_total(self) -> Amount {
        let of_payments = self.payments.iter().map(|payment| self.refunded_of(payment));
        let others = self
            .refunds
            .iter()
            .filter(|refund| !self.payments.iter().any(|payment| refund.is_of(payment)));
        let reported = self.reported_refunds().map(|reported| reported.amount);
        sum(of_payments.chain([sum_of_completed(others)]).chain(reported))
    }
}

fn sum_of_completed<'a>(refunds: impl Iterator<Item = &'a Refund>) -> Amount {
    sum(refunds
        .filter(|refund| refund.detail.status == PaymentStatus::Completed)
        .map(|refund| refund.detail.refund.amount))
}

/// The sum, or 0 if it exceeds [`Amount::MAX`], which the sum of real amounts never does.
fn sum(amounts: impl Iterator<Item = Amount>) -> Amount {
    Amount::sum(amounts).unwrap_or_default()
}

/// Reads the amount of a new payment or refund. `given` is the currency that the request names, if
/// any.
///
/// # Errors
/// 422 naming `/amount` or `/currency`.
pub fn read_amount(
    text: &str,
    given: Option<Currency>,
    currency: Currency,
) -> Result<Amount, Rejection> {
    if given.is_some_and(|given| given != currency) {
        let detail = format!("must be {}, the order's currency.", currency.as_str());
        return Err(field_rejection("/currency", "currency_mismatch", detail));
    }
    let amount = Amount::parse(text, currency)
        .map_err(|error| field_rejection("/amount", "invalid_amount", format!("{error}.")))?;
    if amount <= Amount::ZERO {
        return Err(field_rejection("/amount", "not_positive", "must be above 0.".to_owned()));
    }
    Ok(amount)
}

/// Returns an error if the amount exceeds what remains to be paid (payments) or to be refunded
/// (refunds).
///
/// # Errors
/// 422 naming `/amount` with the code `excess_code`.
pub fn check_remaining(
    amount: Amount,
    remaining: Amount,
    currency: Currency,
    excess_code: &'static str,
) -> Result<(), Rejection> {
    if remaining <= Amount::ZERO {
        return Err(field_rejection(
            "/amount",
            excess_code,
            "is too much: nothing is left.".to_owned(),
        ));
    }
    if amount > remaining {
        let detail =
            format!("must be at most {}, which is what is left.", remaining.format(currency));
        return Err(field_rejection("/amount", excess_code, detail));
    }
    Ok(())
}

fn field_rejection(pointer: &str, code: &'static str, detail: String) -> Rejection {
    Rejection::fields(vec![FieldError { pointer: pointer.to_owned(), code: code.into(), detail }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::credential::{GateName, KeyId, TagKeys};
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
                payment: reported_payment(external_id, paid),
                status: PaymentStatus::Completed,
                refunded: refunded.map(amount),
                source: Source::StripeCheckout,
                created_by: Author::IntegrationKey(key_id),
            },
            command_hash: None,
            version: None,
        }
    }

    fn refund(n: i64, external_id: &str, payment: Option<&str>, refunded: i64) -> Refund {
        let (store, row, order_id, key_id) = ids(n);
        Refund {
            id: RefundId::new(store, row),
            order_id,
            detail: RefundDetail {
                refund: reported_refund(external_id, refunded),
                status: PaymentStatus::Completed,
                payment_id: None,
                payment: payment.map(str::to_owned),
                source: Source::StripeCheckout,
                created_by: Author::IntegrationKey(key_id),
            },
            command_hash: None,
            version: None,
        }
    }

    fn reported_payment(external_id: &str, paid: i64) -> ReportedPayment {
        ReportedPayment {
            external_id: Some(external_id.to_owned()),
            method: None,
            amount: amount(paid),
            paid_at: None,
        }
    }

    fn reported_refund(external_id: &str, refunded: i64) -> ReportedRefund {
        ReportedRefund {
            external_id: Some(external_id.to_owned()),
            reason: None,
            amount: amount(refunded),
        }
    }

    /// The paid and the refunded total in minor units.
    fn sums(reported: &SenderReported, payments: &[Payment], refunds: &[Refund]) -> (i64, i64) {
        let account = Account { reported, payments, refunds };
        (account.paid_total().minor(), account.refunded_total().minor())
    }

    #[test]
    fn money_that_two_sources_report_counts_once() {
        let order = SenderReported {
            payments: vec![reported_payment("pi_1", 2_000)],
            refunds: vec![reported_refund("re_1", 500)],
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
    fn a_senders_refunded_total_and_its_single_refunds_count_once() {
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
    fn only_completed_payments_and_refunds_count() {
        let mut failed = payment(1, "pi_1", 2_000, None);
        failed.detail.status = PaymentStatus::Failed;
        let mut pending = refund(2, "re_1", Some("pi_1"), 500);
        pending.detail.status = PaymentStatus::Pending;
        assert_eq!(sums(&SenderReported::default(), &[failed], &[pending]), (0, 0));
    }

    #[test]
    fn a_failed_refund_does_not_count_though_the_senders_total_includes_it() {
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
    fn an_older_event_of_a_payment_only_adds_what_the_newer_one_lacks() {
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
    fn an_amount_above_what_remains_is_refused() {
        let usd = Currency::parse("USD").unwrap();
        let code =
            |result: Result<(), Rejection>| result.err().map(|r| r.errors[0].code.to_string());
        assert_eq!(code(check_remaining(amount(100), amount(100), usd, "exceeds_paid")), None);
        assert_eq!(
            code(check_remaining(amount(101), amount(100), usd, "exceeds_paid")),
            Some("exceeds_paid".into())
        );
        assert_eq!(
            code(check_remaining(amount(0), amount(0), usd, "exceeds_paid")),
            Some("exceeds_paid".into())
        );
        for text in ["0", "-1", "x", "1.001", ""] {
            assert!(read_amount(text, None, usd).is_err(), "{text}");
        }
        assert!(read_amount("1", Currency::parse("EUR"), usd).is_err());
        assert_eq!(read_amount("1", Some(usd), usd), Ok(amount(100)));
    }
}
