//! Payments and refunds: those that a request records, and the snapshots of native senders.

use super::orders::note_change;
use super::{
    Decision, Identity, MoneyId, NewIdentity, State, Subject, conflict, judge_event, no_payment,
    without_id,
};
use crate::domain::command_hash::CreatingCommand;
use crate::domain::id::{PaymentId, RefundId, Sequence, SequenceId};
use crate::domain::log::Outcome;
use crate::domain::money::Currency;
use crate::domain::order::{
    OrderStatus, PaymentSnapshot, PaymentStatus, RefundSnapshot, ReportedPayment, ReportedRefund,
};
use crate::domain::payment::{
    Payment, PaymentDetail, Refund, RefundDetail, check_remaining, read_amount,
};
use crate::domain::record::{HistoryEntry, OrderRecord, Origin, StoredOrder};
use crate::domain::rejection::{Code, Rejection};
use crate::domain::transition::Action;
use crate::domain::write::{NewPayment, NewRefund};

impl Decision {
    fn of_payment(id: PaymentId, record: OrderRecord, outcome: Outcome) -> Self {
        let subject = Subject::Payment(id);
        Self { subject, ..Self::of_order(record, State::Unchanged, outcome) }
    }

    fn of_refund(id: RefundId, record: OrderRecord, outcome: Outcome) -> Self {
        let subject = Subject::Refund(id);
        Self { subject, ..Self::of_order(record, State::Unchanged, outcome) }
    }

    /// Adds that the payment or refund is new or changed, and its order with it.
    fn writing(mut self, money: MoneyId, state: State) -> Self {
        if let Some((_, state)) = &mut self.order {
            *state = State::Changed;
        }
        self.money = Some((money, state));
        self
    }

    fn identified_by(mut self, identity: Identity, value: Option<String>, row: SequenceId) -> Self {
        self.identities.extend(value.map(|value| NewIdentity { identity, value, row }));
        self
    }
}

/// Records a payment of an order. `existing` is the payment with its external id, of this or of
/// another order.
///
/// # Errors
/// 409 if another command created the existing payment, or the order cannot be paid any more; 422
/// if the amount or the currency does not fit the order.
pub fn pay(
    origin: &Origin,
    mut record: OrderRecord,
    payment: NewPayment,
    existing: Option<SequenceId>,
    sequence: &mut Sequence,
) -> Result<Decision, Rejection> {
    let NewPayment { external_id, amount, currency: given_currency, method, paid_at } = payment;
    let order = &record.order;
    let currency = order.content.currency;
    let amount = read_amount(&amount, given_currency, currency)?;
    let method_given = method.as_deref();
    let command =
        CreatingCommand::Payment { order: order.id, amount, method: method_given, paid_at };
    if let Some(row) = existing {
        let id = PaymentId::new(origin.store_id, row);
        let stored = order.payment(id).and_then(|payment| payment.command_hash.as_deref());
        return if stored.is_some_and(|hash| command.has_hash(hash)) {
            Ok(Decision::of_payment(id, record, Outcome::Duplicate))
        } else {
            Err(conflict("payment", &id))
        };
    }
    let total = order.content.totals.total;
    let outstanding = total.checked_sub(order.account().paid_total()).unwrap_or_default();
    let in_full = amount >= outstanding;
    let status = Action::Pay { in_full }.apply(order.status())?;
    check_remaining(amount, outstanding, currency, "exceeds_outstanding")?;
    let command_hash = Some(command.hash());
    let id = PaymentId::new(origin.store_id, sequence.assign());
    let paid_at = paid_at.or(Some(sequence.now));
    let detail = PaymentDetail {
        payment: ReportedPayment { external_id: external_id.clone(), method, amount, paid_at },
        status: PaymentStatus::Completed,
        refunded: None,
        source: origin.source,
        created_by: origin.author.clone(),
    };
    let before = order.clone();
    let payment = Payment { id, order_id: before.id, detail, command_hash, version: None };
    record.order.payments.push(payment);
    move_to(
        &mut record,
        status,
        &before,
        HistoryEntry::new(origin, "payment.created", None, sequence.now),
    );
    Ok(Decision::of_payment(id, record, Outcome::Accepted)
        .writing(MoneyId::Payment(id), State::New)
        .identified_by(Identity::Payment, external_id, id.row))
}

/// Records a refund of a payment of an order. `existing` is the refund with its external id, of
/// this or of another order.
///
/// # Errors
/// 404 if the order has no such payment; 409 if another command created the existing refund, the
/// payment is a native sender's, or the order cannot be refunded any more; 422 if the amount or the
/// currency does not fit the payment.
pub fn refund(
    origin: &Origin,
    mut record: OrderRecord,
    payment_id: PaymentId,
    refund: NewRefund,
    existing: Option<SequenceId>,
    sequence: &mut Sequence,
) -> Result<Decision, Rejection> {
    let NewRefund { external_id, amount, currency: given_currency, reason } = refund;
    let order = &record.order;
    let currency = order.content.currency;
    let requested =
        amount.map(|amount| read_amount(&amount, given_currency, currency)).transpose()?;
    let command = CreatingCommand::Refund {
        payment: payment_id,
        amount: requested,
        reason: reason.as_deref(),
    };
    if let Some(row) = existing {
        let id = RefundId::new(origin.store_id, row);
        let stored = order.refund(id).and_then(|refund| refund.command_hash.as_deref());
        return if stored.is_some_and(|hash| command.has_hash(hash)) {
            Ok(Decision::of_refund(id, record, Outcome::Duplicate))
        } else {
            Err(conflict("refund", &id))
        };
    }
    let payment = order.payment(payment_id).ok_or_else(no_payment)?;
    if payment.command_hash.is_none() {
        return Err(Rejection::new(
            Code::InvalidState,
            format!("{} keeps this payment: refund it there.", payment.detail.source),
        ));
    }
    let account = order.account();
    let refunded = account.refunded_of(payment);
    let refundable = payment.detail.payment.amount.checked_sub(refunded).unwrap_or_default();
    // Check the state before the amount: a fully refunded order has no amount left to report.
    Action::Refund { in_full: false }.apply(order.status())?;
    let amount = requested.unwrap_or(refundable);
    check_remaining(amount, refundable, currency, "exceeds_paid")?;
    let refunded_total = account.refunded_total().checked_add(amount);
    let in_full = refunded_total.is_none_or(|sum| sum >= account.paid_total());
    let status = Action::Refund { in_full }.apply(order.status())?;
    let command_hash = Some(command.hash());
    let id = RefundId::new(origin.store_id, sequence.assign());
    let detail = RefundDetail {
        refund: ReportedRefund { external_id: external_id.clone(), reason, amount },
        status: PaymentStatus::Completed,
        payment_id: Some(payment_id),
        payment: None,
        source: origin.source,
        created_by: origin.author.clone(),
    };
    let before = order.clone();
    let refund = Refund { id, order_id: before.id, detail, command_hash, version: None };
    record.order.refunds.push(refund);
    move_to(
        &mut record,
        status,
        &before,
        HistoryEntry::new(origin, "refund.created", None, sequence.now),
    );
    Ok(Decision::of_refund(id, record, Outcome::Accepted)
        .writing(MoneyId::Refund(id), State::New)
        .identified_by(Identity::Refund, external_id, id.row))
}

/// Applies a native sender's snapshot of a payment to its order. `existing` is the payment of the
/// order that has its sender's id.
///
/// # Errors
/// 422 if the currency is not the order's, or the snapshot has no id of its sender.
pub fn apply_payment(
    origin: &Origin,
    mut record: OrderRecord,
    existing: Option<PaymentId>,
    snapshot: PaymentSnapshot,
    entry: HistoryEntry,
    sequence: &mut Sequence,
) -> Result<Decision, Rejection> {
    let PaymentSnapshot { order: _, payment, status, currency, refunded, version } = snapshot;
    check_currency(&record.order, currency)?;
    let external_id = payment.external_id.clone().ok_or_else(|| without_id("payment"))?;
    let source = origin.source;
    let created_by = origin.author.clone();
    let detail = PaymentDetail { payment, status, refunded, source, created_by };
    let before = record.order.clone();
    let stored = record.order.payments.iter_mut().find(|payment| Some(payment.id) == existing);
    let Some(stored) = stored else {
        let id = PaymentId::new(origin.store_id, sequence.assign());
        let version = Some(version);
        let payment = Payment { id, order_id: before.id, detail, command_hash: None, version };
        record.order.payments.push(payment);
        note_change(&mut record, &before, entry);
        return Ok(Decision::of_payment(id, record, Outcome::Accepted)
            .writing(MoneyId::Payment(id), State::New)
            .identified_by(Identity::Payment, Some(external_id), id.row));
    };
    let id = stored.id;
    let outcome = judge_event(stored.version.as_ref(), &version);
    match outcome {
        Outcome::Accepted => {
            let older = stored.detail.clone();
            let created_by = older.created_by.clone();
            stored.detail = PaymentDetail { created_by, ..detail.completed_from(older) };
            stored.version = Some(version);
        }
        Outcome::Stale => stored.detail = stored.detail.clone().completed_from(detail),
        _ => {}
    }
    if outcome != Outcome::Accepted && record.order == before {
        return Ok(Decision::of_payment(id, record, outcome));
    }
    note_change(&mut record, &before, entry);
    Ok(Decision::of_payment(id, record, outcome).writing(MoneyId::Payment(id), State::Changed))
}

/// Applies a native sender's snapshot of a refund to its order. `existing` is the refund of the
/// order that has its sender's id.
///
/// # Errors
/// 422 if the currency is not the order's, or the snapshot has no id of its sender.
pub fn apply_refund(
    origin: &Origin,
    mut record: OrderRecord,
    existing: Option<RefundId>,
    snapshot: RefundSnapshot,
    entry: HistoryEntry,
    sequence: &mut Sequence,
) -> Result<Decision, Rejection> {
    let RefundSnapshot { order: _, payment, refund, status, currency, version } = snapshot;
    check_currency(&record.order, currency)?;
    let external_id = refund.external_id.clone().ok_or_else(|| without_id("refund"))?;
    let source = origin.source;
    let created_by = origin.author.clone();
    let detail = RefundDetail { refund, status, payment_id: None, payment, source, created_by };
    let before = record.order.clone();
    let stored = record.order.refunds.iter_mut().find(|refund| Some(refund.id) == existing);
    let Some(stored) = stored else {
        let id = RefundId::new(origin.store_id, sequence.assign());
        let version = Some(version);
        let refund = Refund { id, order_id: before.id, detail, command_hash: None, version };
        record.order.refunds.push(refund);
        note_change(&mut record, &before, entry);
        return Ok(Decision::of_refund(id, record, Outcome::Accepted)
            .writing(MoneyId::Refund(id), State::New)
            .identified_by(Identity::Refund, Some(external_id), id.row));
    };
    let id = stored.id;
    let outcome = judge_event(stored.version.as_ref(), &version);
    if outcome != Outcome::Accepted {
        return Ok(Decision::of_refund(id, record, outcome));
    }
    let created_by = stored.detail.created_by.clone();
    stored.detail = RefundDetail { created_by, ..detail };
    stored.version = Some(version);
    note_change(&mut record, &before, entry);
    Ok(Decision::of_refund(id, record, outcome).writing(MoneyId::Refund(id), State::Changed))
}

fn check_currency(order: &StoredOrder, currency: Currency) -> Result<(), Rejection> {
    let expected = order.content.currency;
    if currency == expected {
        return Ok(());
    }
    let detail = format!("is in {}, but its order in {}", currency.as_str(), expected.as_str());
    Err(Rejection::new(Code::ValidationFailed, detail))
}

/// Gives an order the status that a request leads to, and an entry in its history.
fn move_to(
    record: &mut OrderRecord,
    status: OrderStatus,
    before: &StoredOrder,
    entry: HistoryEntry,
) {
    record.order.reported.local.status = Some(status);
    note_change(record, before, entry);
}
