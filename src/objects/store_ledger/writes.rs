//! The writes of the integration API, each in one transaction with its idempotency row.

use super::clients::merged;
use super::orders::{Identity, OrderRecord, conflict, done, not_found};
use super::payments::{NewMoneyRow, Table};
use super::{StoreLedger, to_json};
use crate::{Result, internal};
use tidegate_core::api::orders::output::OrderOut;
use tidegate_core::api::payments::output::{PaymentOut, RefundOut};
use tidegate_core::domain::command_hash::CreatingCommand;
use tidegate_core::domain::id::{ClientId, PaymentId, RefundId, SequenceId};
use tidegate_core::domain::ledger::{HistoryEntry, Origin};
use tidegate_core::domain::log::Outcome;
use tidegate_core::domain::order::{
    ClientDetails, OrderStatus, PaymentStatus, ReportedPayment, ReportedRefund,
};
use tidegate_core::domain::payment::{PaymentDetail, RefundDetail, check_remaining, read_amount};
use tidegate_core::domain::rejection::{Code, Rejection};
use tidegate_core::domain::time::Timestamp;
use tidegate_core::domain::transition::Action;
use tidegate_core::domain::write::{NewPayment, NewRefund, Target, Write};
use tidegate_core::protocol::store_ledger::{Idempotency, LedgerCommand, LedgerReply};

/// The result of a write: the fields of its reply, and the response body.
struct Written {
    status: u16,
    outcome: Outcome,
    id: String,
    external_id: Option<String>,
    body: String,
}

/// A payment or a refund that a request creates.
struct MoneyRecord<'a> {
    table: Table,
    external_id: Option<&'a str>,
    detail: String,
    command_hash: String,
    /// The name of the event in the order's history.
    event: &'static str,
}

impl StoreLedger {
    /// Carries out each command of a batch by itself, so the failure of one does not affect the
    /// others.
    pub(super) fn batch(
        &self,
        commands: Vec<LedgerCommand>,
        now: Timestamp,
    ) -> Result<(LedgerReply, String)> {
        let replies = commands.into_iter().map(|command| match command {
            LedgerCommand::Batch { .. } => {
                (LedgerReply::Failed { temporary: false }, String::new())
            }
            command => self.reply_to(command, now),
        });
        Ok((LedgerReply::Batch { replies: replies.collect() }, String::new()))
    }

    /// Carries out a write, or a dry run of it.
    pub(super) fn write(
        &self,
        origin: &Origin,
        idempotency: Option<&Idempotency>,
        write: Write,
        dry_run: bool,
        now: Timestamp,
    ) -> Result<(LedgerReply, String)> {
        if !dry_run {
            return self.apply_write(origin, idempotency, write, now);
        }
        // A dry run is carried out and rolled back, so its reply is exactly that of the real write.
        let mut result = None;
        let rolled_back = self.transaction(|| {
            result = Some(self.apply_write(origin, None, write, now));
            Err::<(), _>(internal("a dry run is undone"))
        });
        match (result, rolled_back) {
            (Some(result), Err(_)) => result,
            _ => Err(internal("a dry run did not run")),
        }
    }

    fn apply_write(
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
        let prior =
            self.find_prior(origin.store_id, origin.namespace, idempotency, identity, now)?;
        if let Some(reply) = prior.reply {
            return Ok(reply);
        }
        let written = self.transaction(|| {
            let written = match write {
                Write::CancelOrder { order, reason } => self.cancel(origin, &order, reason, now),
                Write::CreatePayment { order, payment } => {
                    self.pay(origin, &order, payment, prior.row, now)
                }
                Write::CreateRefund { payment, refund } => {
                    self.refund(origin, &payment, refund, prior.row, now)
                }
                Write::UpsertClient { client } => self.write_client(origin, &client, now),
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
            Err(error) if error.code().status() == 409 => {
                let rejection = error.into_rejection();
                self.remember_conflict(origin, idempotency, &rejection, now)?;
                Ok((LedgerReply::Rejected { rejection }, String::new()))
            }
            Err(error) => Err(error),
        }
    }

    fn cancel(
        &self,
        origin: &Origin,
        order: &Target,
        reason: String,
        now: Timestamp,
    ) -> Result<Written> {
        let mut record = self.target_order(origin, order)?;
        let local = &mut record.order.reported.local;
        // The same cancellation was requested before.
        let repeated = local.cancel_reason.as_ref() == Some(&reason);
        if !repeated {
            let before = record.order.clone();
            let status = Action::Cancel.apply(before.status())?;
            let local = &mut record.order.reported.local;
            local.status = Some(status);
            local.cancelled_at = Some(now);
            local.cancel_reason = Some(reason);
            let entry = HistoryEntry::new(origin, "cancelled", None, now);
            self.change_order(&before, &mut record, entry, now)?;
        }
        Ok(Written {
            status: 200,
            outcome: if repeated { Outcome::Duplicate } else { Outcome::Accepted },
            id: record.order.id.to_string(),
            external_id: record.order.content.external_id.clone(),
            body: to_json(&OrderOut::from(&record.order))?,
        })
    }

    fn pay(
        &self,
        origin: &Origin,
        order: &Target,
        payment: NewPayment,
        existing: Option<SequenceId>,
        now: Timestamp,
    ) -> Result<Written> {
        let mut record = self.target_order(origin, order)?;
        let NewPayment { external_id, amount, currency: given_currency, method, paid_at } = payment;
        let currency = record.order.content.currency;
        let amount = read_amount(&amount, given_currency, currency)?;
        let command = CreatingCommand::Payment {
            order: record.order.id,
            amount,
            method: method.as_deref(),
            paid_at,
        };
        if let Some(row) = existing {
            self.check_same_command(
                Table::Payments,
                "payment",
                row,
                command,
                PaymentId::new(origin.store_id, row),
            )?;
            return Self::payment_written(&record, row, 200, Outcome::Duplicate);
        }
        let total = record.order.content.totals.total;
        let paid = record.order.account().paid_total();
        let outstanding = total.checked_sub(paid).unwrap_or_default();
        let in_full = amount >= outstanding;
        let status = Action::Pay { in_full }.apply(record.order.status())?;
        check_remaining(amount, outstanding, currency, "exceeds_outstanding")?;
        let detail = PaymentDetail {
            payment: ReportedPayment {
                external_id: external_id.clone(),
                method: method.clone(),
                amount,
                paid_at: paid_at.or(Some(now)),
            },
            status: PaymentStatus::Completed,
            refunded: None,
            source: origin.source,
            created_by: origin.author.clone(),
        };
        let money = MoneyRecord {
            table: Table::Payments,
            external_id: external_id.as_deref(),
            detail: to_json(&detail)?,
            command_hash: command.hash(),
            event: "payment.created",
        };
        let row = self.add_money(origin, &mut record, money, status, now)?;
        Self::payment_written(&record, row, 201, Outcome::Accepted)
    }

    fn payment_written(
        record: &OrderRecord,
        row: SequenceId,
        status: u16,
        outcome: Outcome,
    ) -> Result<Written> {
        let payment = record.order.payments.iter().find(|payment| payment.id.row == row);
        let payment = payment.ok_or_else(|| internal("a payment without its order"))?;
        Ok(Written {
            status,
            outcome,
            id: payment.id.to_string(),
            external_id: payment.detail.payment.external_id.clone(),
            body: to_json(&PaymentOut::of(&record.order, payment))?,
        })
    }

    fn refund(
        &self,
        origin: &Origin,
        target: &Target,
        refund: NewRefund,
        existing: Option<SequenceId>,
        now: Timestamp,
    ) -> Result<Written> {
        let no_payment = || Rejection::new(Code::NotFound, "There is no such payment.");
        let payment_row =
            self.target_row(origin, target, Identity::Payment)?.ok_or_else(no_payment)?;
        let money_row = self.money_row(Table::Payments, payment_row)?.ok_or_else(no_payment)?;
        let mut record = self.order(origin.store_id, money_row.order_id)?;
        let NewRefund { external_id, amount, currency: given_currency, reason } = refund;
        let currency = record.order.content.currency;
        let requested =
            amount.map(|amount| read_amount(&amount, given_currency, currency)).transpose()?;
        let command = CreatingCommand::Refund {
            payment: PaymentId::new(origin.store_id, payment_row),
            amount: requested,
            reason: reason.as_deref(),
        };
        if let Some(row) = existing {
            self.check_same_command(
                Table::Refunds,
                "refund",
                row,
                command,
                RefundId::new(origin.store_id, row),
            )?;
            return Self::refund_written(&record, row, 200, Outcome::Duplicate);
        }
        let account = record.order.account();
        let payment = record.order.payments.iter().find(|payment| payment.id.row == payment_row);
        let payment = payment.ok_or_else(no_payment)?;
        if money_row.command_hash.is_none() {
            return Err(Rejection::new(
                Code::InvalidState,
                format!("{} keeps this payment: refund it there.", payment.detail.source),
            )
            .into());
        }
        let refunded_before = account.refunded_of(payment);
        let refundable =
            payment.detail.payment.amount.checked_sub(refunded_before).unwrap_or_default();
        let (paid, refunded) = (account.paid_total(), account.refunded_total());
        // Check the state before the amount: a fully refunded order has no amount left to report.
        Action::Refund { in_full: false }.apply(record.order.status())?;
        let amount = requested.unwrap_or(refundable);
        check_remaining(amount, refundable, currency, "exceeds_paid")?;
        let in_full = refunded.checked_add(amount).is_none_or(|sum| sum >= paid);
        let status = Action::Refund { in_full }.apply(record.order.status())?;
        let detail = RefundDetail {
            refund: ReportedRefund {
                external_id: external_id.clone(),
                reason: reason.clone(),
                amount,
            },
            status: PaymentStatus::Completed,
            payment_id: Some(payment.id),
            payment: None,
            source: origin.source,
            created_by: origin.author.clone(),
        };
        let money = MoneyRecord {
            table: Table::Refunds,
            external_id: external_id.as_deref(),
            detail: to_json(&detail)?,
            command_hash: command.hash(),
            event: "refund.created",
        };
        let row = self.add_money(origin, &mut record, money, status, now)?;
        Self::refund_written(&record, row, 201, Outcome::Accepted)
    }

    fn refund_written(
        record: &OrderRecord,
        row: SequenceId,
        status: u16,
        outcome: Outcome,
    ) -> Result<Written> {
        let refund = record.order.refunds.iter().find(|refund| refund.id.row == row);
        let refund = refund.ok_or_else(|| internal("a refund without its order"))?;
        Ok(Written {
            status,
            outcome,
            id: refund.id.to_string(),
            external_id: refund.detail.refund.external_id.clone(),
            body: to_json(&RefundOut::of(&record.order, refund))?,
        })
    }

    fn write_client(
        &self,
        origin: &Origin,
        details: &ClientDetails,
        now: Timestamp,
    ) -> Result<Written> {
        let (status, outcome, row) = match self.find_client(origin, details)? {
            None => {
                let entry = HistoryEntry::new(origin, "created", None, now);
                let row = self.insert_client(origin, details, None, entry, now)?;
                (201, Outcome::Accepted, row)
            }
            Some(mut client) => {
                let merged = merged(&client.details, details);
                if merged == client.details {
                    (200, Outcome::Duplicate, client.row)
                } else {
                    let entry = HistoryEntry::new(origin, "updated", None, now);
                    self.change_client(origin, &mut client, merged, entry, now)?;
                    (200, Outcome::Accepted, client.row)
                }
            }
        };
        let client = self.client(row)?;
        let id = ClientId::new(origin.store_id, row);
        let body = to_json(&client.output(origin.store_id))?;
        let external_id = client.details.external_id;
        Ok(Written { status, outcome, id: id.to_string(), external_id, body })
    }

    /// Loads the order that a request names.
    fn target_order(&self, origin: &Origin, order: &Target) -> Result<OrderRecord> {
        let row = self.target_row(origin, order, Identity::Order)?.ok_or_else(not_found)?;
        self.order(origin.store_id, row)
    }

    /// The row that a request names, by our id or by an external id in the key's namespace.
    fn target_row(
        &self,
        origin: &Origin,
        target: &Target,
        identity: Identity,
    ) -> Result<Option<SequenceId>> {
        match target {
            Target::Id(row) => Ok(Some(*row)),
            Target::External(id) => self.find_identity(identity, id, origin.namespace),
        }
    }

    /// Returns a conflict unless the record with the command's external id was created by the same
    /// command.
    fn check_same_command(
        &self,
        table: Table,
        what: &str,
        row: SequenceId,
        command: CreatingCommand<'_>,
        id: impl ToString,
    ) -> Result<()> {
        let hash = self.money_row(table, row)?.and_then(|money_row| money_row.command_hash);
        let same = hash.is_some_and(|hash| command.has_hash(&hash));
        if same { Ok(()) } else { Err(conflict(what, id.to_string()).into()) }
    }

    /// Inserts a payment or a refund and updates the status and history of its order. Returns the
    /// new row.
    fn add_money(
        &self,
        origin: &Origin,
        record: &mut OrderRecord,
        money: MoneyRecord<'_>,
        status: OrderStatus,
        now: Timestamp,
    ) -> Result<SequenceId> {
        let MoneyRecord { table, external_id, detail, command_hash, event } = money;
        let row = self.next_sequence_id(now)?;
        let order = record.order.id.row;
        let command_hash = Some(&*command_hash);
        let money_row =
            NewMoneyRow { row, order, external_id, detail, command_hash, version: None };
        self.insert_money(table, origin, &money_row)?;
        let before = record.order.clone();
        record.order.reported.local.status = Some(status);
        self.load_money(&mut record.order)?;
        let entry = HistoryEntry::new(origin, event, None, now);
        self.change_order(&before, record, entry, now)?;
        Ok(row)
    }
}
