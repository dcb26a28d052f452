//! What requests of the integration API write: each in one transaction with its idempotency.

use super::clients::merged;
use super::orders::{Identity, OrderRecord, conflict, done, not_found};
use super::payments::{NewMoneyRow, Table};
use super::{StoreLedger, to_json};
use crate::api::client_output::ClientOut;
use crate::api::order_output::OrderOut;
use crate::api::payment_output::{PaymentOut, RefundOut};
use crate::domain::id::{ClientId, PaymentId, RefundId, SequenceId};
use crate::domain::ledger::{HistoryEntry, Origin, append_history, hash_of};
use crate::domain::log::Outcome;
use crate::domain::order::{
    ClientDetails, OrderStatus, PaymentStatus, ReportedPayment, ReportedRefund,
};
use crate::domain::payment::{PaymentDetail, RefundDetail, check_left, read_amount};
use crate::domain::rejection::{Code, Rejection};
use crate::domain::time::Timestamp;
use crate::domain::transition::Action;
use crate::domain::write::{NewPayment, NewRefund, Target, Write};
use crate::edge::{Result, internal};
use crate::protocol::store_ledger::{Idempotency, LedgerCommand, LedgerReply};

/// What came of a write: how it is answered, and about what.
struct Written {
    status: u16,
    outcome: Outcome,
    id: String,
    external_id: Option<String>,
    body: String,
}

/// A payment or a refund that a request asks to be kept.
struct MoneyRecord<'a> {
    table: Table,
    external_id: Option<&'a str>,
    detail: String,
    command_hash: &'a str,
    /// What the history of its order calls it.
    event: &'static str,
}

impl StoreLedger {
    /// Each command of a batch by itself.
    pub(super) fn batch(
        &self,
        commands: Vec<LedgerCommand>,
        now: Timestamp,
    ) -> Result<(LedgerReply, String)> {
        let replies = commands.into_iter().map(|command| match command {
            LedgerCommand::Batch { .. } => (LedgerReply::Failed { for_now: false }, String::new()),
            command => self.answered(command, now),
        });
        Ok((LedgerReply::Batch { replies: replies.collect() }, String::new()))
    }

    pub(super) fn write(
        &self,
        origin: &Origin,
        idempotency: Option<&Idempotency>,
        write: Write,
        dry_run: bool,
        now: Timestamp,
    ) -> Result<(LedgerReply, String)> {
        if !dry_run {
            return self.written(origin, idempotency, write, now);
        }
        // Done, and rolled back: so its answer is what it would have been.
        let mut answered = None;
        let undone = self.transaction(|| {
            answered = Some(self.written(origin, None, write, now));
            Err::<(), _>(internal("a dry run is undone"))
        });
        match (answered, undone) {
            (Some(answered), Err(_)) => answered,
            _ => Err(internal("a dry run did not run")),
        }
    }

    fn written(
        &self,
        origin: &Origin,
        idempotency: Option<&Idempotency>,
        write: Write,
        now: Timestamp,
    ) -> Result<(LedgerReply, String)> {
        let write = match write {
            Write::CreateOrder { order } => {
                return self.create_order(origin, idempotency, *order, now);
            }
            write => write,
        };
        let external_id = write.external_id().map(str::to_owned);
        let identity = match &write {
            Write::CreatePayment { .. } => Some(Identity::Payment),
            Write::CreateRefund { .. } => Some(Identity::Refund),
            _ => None,
        };
        let identity = identity.zip(external_id.as_deref());
        let known = self.known(origin.store_id, origin.namespace, idempotency, identity, now)?;
        if let Some(answer) = known.answer {
            return Ok(answer);
        }
        let written = self.transaction(|| {
            let written = match write {
                Write::CancelOrder { order, reason } => self.cancel(origin, &order, reason, now),
                Write::CreatePayment { order, payment } => {
                    self.pay(origin, &order, payment, known.row, now)
                }
                Write::CreateRefund { payment, refund } => {
                    self.refund(origin, &payment, refund, known.row, now)
                }
                Write::UpsertClient { client } => self.put_client(origin, &client, now),
                Write::CreateOrder { .. } => Err(internal("an order is created elsewhere")),
            }?;
            if let Some(idempotency) = idempotency {
                let Written { status, id, body, .. } = &written;
                self.remember(origin.namespace, idempotency, *status, id, body, now)?;
            }
            Ok(written)
        });
        match written {
            Ok(Written { status, outcome, id, external_id, body }) => {
                Ok((done(status, outcome, id, external_id), body))
            }
            Err(rejection) if rejection.code.status() == 409 => {
                self.remember_conflict(origin, idempotency, &rejection, now)?;
                Ok((LedgerReply::Rejected { rejection }, String::new()))
            }
            Err(rejection) => Err(rejection),
        }
    }

    fn cancel(
        &self,
        origin: &Origin,
        order: &Target,
        reason: String,
        now: Timestamp,
    ) -> Result<Written> {
        let mut kept = self.targeted_order(origin, order)?;
        let here = &mut kept.order.stated.here;
        // The same cancellation once more.
        let repeated = here.cancel_reason.as_ref() == Some(&reason);
        if !repeated {
            let status = Action::Cancel.apply(kept.order.status())?;
            let here = &mut kept.order.stated.here;
            here.status = Some(status);
            here.cancelled_at = Some(now);
            here.cancel_reason = Some(reason);
            self.change_order(origin, &mut kept, "cancelled", now)?;
        }
        Ok(Written {
            status: 200,
            outcome: if repeated { Outcome::Duplicate } else { Outcome::Accepted },
            id: kept.order.id.to_string(),
            external_id: kept.order.content.external_id.clone(),
            body: to_json(&OrderOut::from(&kept.order))?,
        })
    }

    fn pay(
        &self,
        origin: &Origin,
        order: &Target,
        payment: NewPayment,
        known: Option<SequenceId>,
        now: Timestamp,
    ) -> Result<Written> {
        let mut kept = self.targeted_order(origin, order)?;
        let NewPayment { external_id, amount: text, currency: stated, method, paid_at } = payment;
        let currency = kept.order.content.currency;
        let amount = read_amount(&text, stated, currency)?;
        let hash = hash_of(&(kept.order.id, amount, &method, paid_at));
        if let Some(row) = known {
            self.check_repetition(
                Table::Payments,
                "payment",
                row,
                &hash,
                PaymentId::new(origin.store_id, row),
            )?;
            return Self::payment_written(&kept, row, 200, Outcome::Duplicate);
        }
        let total = kept.order.content.totals.total;
        let paid = kept.order.account().paid_total();
        let left = total.checked_sub(paid).unwrap_or_default();
        let in_full = amount >= left;
        let status = Action::Pay { in_full }.apply(kept.order.status())?;
        check_left(amount, left, currency, "exceeds_outstanding")?;
        let detail = PaymentDetail {
            payment: ReportedPayment {
                external_id: external_id.clone(),
                method,
                amount,
                paid_at: paid_at.or(Some(now)),
            },
            status: PaymentStatus::Completed,
            refunded: None,
            source: origin.source,
            key_id: origin.key_id.clone(),
        };
        let record = MoneyRecord {
            table: Table::Payments,
            external_id: external_id.as_deref(),
            detail: to_json(&detail)?,
            command_hash: &hash,
            event: "payment.created",
        };
        let row = self.add_money(origin, &mut kept, record, status, now)?;
        Self::payment_written(&kept, row, 201, Outcome::Accepted)
    }

    fn payment_written(
        kept: &OrderRecord,
        row: SequenceId,
        status: u16,
        outcome: Outcome,
    ) -> Result<Written> {
        let payment = kept.order.payments.iter().find(|payment| payment.id.row == row);
        let payment = payment.ok_or_else(|| internal("a payment without its order"))?;
        Ok(Written {
            status,
            outcome,
            id: payment.id.to_string(),
            external_id: payment.detail.payment.external_id.clone(),
            body: to_json(&PaymentOut::of(&kept.order, payment))?,
        })
    }

    fn refund(
        &self,
        origin: &Origin,
        payment: &Target,
        refund: NewRefund,
        known: Option<SequenceId>,
        now: Timestamp,
    ) -> Result<Written> {
        let no_payment = || Rejection::new(Code::NotFound, "There is no such payment.");
        let payment_row =
            self.targeted(origin, payment, Identity::Payment)?.ok_or_else(no_payment)?;
        let record = self.money_row(Table::Payments, payment_row)?.ok_or_else(no_payment)?;
        let mut kept = self.order(origin.store_id, record.order_id)?;
        let NewRefund { external_id, amount: text, currency: stated, reason } = refund;
        let currency = kept.order.content.currency;
        let asked = text.map(|text| read_amount(&text, stated, currency)).transpose()?;
        let hash = hash_of(&(payment_row, asked, &reason));
        if let Some(row) = known {
            self.check_repetition(
                Table::Refunds,
                "refund",
                row,
                &hash,
                RefundId::new(origin.store_id, row),
            )?;
            return Self::refund_written(&kept, row, 200, Outcome::Duplicate);
        }
        let account = kept.order.account();
        let of = kept.order.payments.iter().find(|payment| payment.id.row == payment_row);
        let of = of.ok_or_else(no_payment)?;
        if record.command_hash.is_none() {
            return Err(Rejection::new(
                Code::InvalidState,
                format!("{} keeps this payment: refund it there.", of.detail.source),
            ));
        }
        let left =
            of.detail.payment.amount.checked_sub(account.refunded_of(of)).unwrap_or_default();
        let (paid, refunded) = (account.paid_total(), account.refunded_total());
        // The state comes first: of a refunded order nothing is left to name.
        Action::Refund { in_full: false }.apply(kept.order.status())?;
        let amount = asked.unwrap_or(left);
        check_left(amount, left, currency, "exceeds_paid")?;
        let in_full = refunded.checked_add(amount).is_none_or(|sum| sum >= paid);
        let status = Action::Refund { in_full }.apply(kept.order.status())?;
        let detail = RefundDetail {
            refund: ReportedRefund { external_id: external_id.clone(), reason, amount },
            status: PaymentStatus::Completed,
            payment_id: Some(of.id),
            payment: None,
            source: origin.source,
            key_id: origin.key_id.clone(),
        };
        let record = MoneyRecord {
            table: Table::Refunds,
            external_id: external_id.as_deref(),
            detail: to_json(&detail)?,
            command_hash: &hash,
            event: "refund.created",
        };
        let row = self.add_money(origin, &mut kept, record, status, now)?;
        Self::refund_written(&kept, row, 201, Outcome::Accepted)
    }

    fn refund_written(
        kept: &OrderRecord,
        row: SequenceId,
        status: u16,
        outcome: Outcome,
    ) -> Result<Written> {
        let refund = kept.order.refunds.iter().find(|refund| refund.id.row == row);
        let refund = refund.ok_or_else(|| internal("a refund without its order"))?;
        Ok(Written {
            status,
            outcome,
            id: refund.id.to_string(),
            external_id: refund.detail.refund.external_id.clone(),
            body: to_json(&RefundOut::of(&kept.order, refund))?,
        })
    }

    fn put_client(
        &self,
        origin: &Origin,
        details: &ClientDetails,
        now: Timestamp,
    ) -> Result<Written> {
        let (status, outcome, row) = match self.find_client(origin, details)? {
            None => {
                let row = self.insert_client(origin, details, None, "created", None, now)?;
                (201, Outcome::Accepted, row)
            }
            Some(mut kept) => {
                let merged = merged(&kept.details, details);
                if merged == kept.details {
                    (200, Outcome::Duplicate, kept.row)
                } else {
                    self.identify_client(origin, &kept.details, &merged, kept.row)?;
                    kept.details = merged;
                    append_history(&mut kept.history, entry(origin, "updated", now));
                    self.update_client(&kept, now)?;
                    (200, Outcome::Accepted, kept.row)
                }
            }
        };
        let kept = self.client(row)?;
        let id = ClientId::new(origin.store_id, row);
        let body = to_json(&ClientOut::new(id, &kept.details, kept.created_at, kept.updated_at))?;
        let external_id = kept.details.external_id;
        Ok(Written { status, outcome, id: id.to_string(), external_id, body })
    }

    /// The order that a request names.
    fn targeted_order(&self, origin: &Origin, order: &Target) -> Result<OrderRecord> {
        let row = self.targeted(origin, order, Identity::Order)?.ok_or_else(not_found)?;
        self.order(origin.store_id, row)
    }

    fn targeted(
        &self,
        origin: &Origin,
        target: &Target,
        identity: Identity,
    ) -> Result<Option<SequenceId>> {
        match target {
            Target::Id(row) => Ok(Some(*row)),
            Target::External(id) => self.identified(identity, id, origin.namespace),
        }
    }

    /// Whether what has the external id of a command was made by the same command.
    fn check_repetition(
        &self,
        table: Table,
        what: &str,
        row: SequenceId,
        hash: &str,
        id: impl ToString,
    ) -> Result<()> {
        let same = self
            .money_row(table, row)?
            .is_some_and(|record| record.command_hash.as_deref() == Some(hash));
        if same { Ok(()) } else { Err(conflict(what, id.to_string())) }
    }

    /// Writes a payment or a refund and what becomes of its order.
    fn add_money(
        &self,
        origin: &Origin,
        kept: &mut OrderRecord,
        record: MoneyRecord<'_>,
        status: OrderStatus,
        now: Timestamp,
    ) -> Result<SequenceId> {
        let MoneyRecord { table, external_id, detail, command_hash, event } = record;
        let row = self.next_row(now)?;
        let order = kept.order.id.row;
        let command_hash = Some(command_hash);
        let record = NewMoneyRow { row, order, external_id, detail, command_hash, version: None };
        self.insert_money(table, origin, &record)?;
        kept.order.stated.here.status = Some(status);
        self.change_order(origin, kept, event, now)?;
        self.load_money(&mut kept.order)?;
        Ok(row)
    }

    fn change_order(
        &self,
        origin: &Origin,
        kept: &mut OrderRecord,
        event: &str,
        now: Timestamp,
    ) -> Result<()> {
        append_history(&mut kept.history, entry(origin, event, now));
        kept.order.updated_at = now;
        self.update_order(kept)
    }
}

fn entry(origin: &Origin, event: &str, now: Timestamp) -> HistoryEntry {
    HistoryEntry { at: now, request_id: origin.request_id, event: event.to_owned(), delivery: None }
}
