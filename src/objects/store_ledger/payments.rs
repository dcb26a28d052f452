//! The tables `payments` and `refunds`, one row per record. Records are found by their order, and
//! by external id through `identities`.

use serde::Deserialize;

use super::orders::Identity;
use super::{StoreLedger, from_json, to_json};
use crate::platform::sql::{integer, text};
use crate::{Result, internal};
use tidegate_core::domain::id::{OrderId, PaymentId, RefundId, SequenceId, StoreId};
use tidegate_core::domain::ledger::{HistoryEntry, Origin, StoredOrder, judge_event};
use tidegate_core::domain::log::Outcome;
use tidegate_core::domain::order::{PaymentSnapshot, RefundSnapshot, SourceVersion};
use tidegate_core::domain::payment::{Payment, PaymentDetail, Refund, RefundDetail};
use tidegate_core::domain::rejection::{Code, Rejection};
use tidegate_core::domain::time::Timestamp;
use tidegate_core::protocol::store_ledger::LedgerReply;

/// One of the two tables, which have the same columns.
#[derive(Clone, Copy, Debug)]
pub(super) enum Table {
    Payments,
    Refunds,
}

impl Table {
    const fn name(self) -> &'static str {
        match self {
            Self::Payments => "payments",
            Self::Refunds => "refunds",
        }
    }

    const fn identity(self) -> Identity {
        match self {
            Self::Payments => Identity::Payment,
            Self::Refunds => Identity::Refund,
        }
    }
}

/// The columns of a [`MoneyRow`].
const COLUMNS: &str = "id, order_id, detail, command_hash, version";

#[derive(Deserialize)]
pub(super) struct MoneyRow {
    pub id: SequenceId,
    pub order_id: SequenceId,
    detail: String,
    /// The hash of the command that created the record; `None` for records of native senders.
    pub command_hash: Option<String>,
    /// The version of the native sender's event that was applied last.
    version: Option<String>,
}

impl MoneyRow {
    fn payment(self, store: StoreId) -> Result<Payment> {
        Ok(Payment {
            id: PaymentId::new(store, self.id),
            order_id: OrderId::new(store, self.order_id),
            detail: from_json(&self.detail)?,
        })
    }

    fn refund(self, store: StoreId) -> Result<Refund> {
        Ok(Refund {
            id: RefundId::new(store, self.id),
            order_id: OrderId::new(store, self.order_id),
            detail: from_json(&self.detail)?,
        })
    }
}

/// A row of `payments` or `refunds`, to be inserted.
pub(super) struct NewMoneyRow<'a> {
    pub row: SequenceId,
    pub order: SequenceId,
    pub external_id: Option<&'a str>,
    pub detail: String,
    pub command_hash: Option<&'a str>,
    pub version: Option<&'a SourceVersion>,
}

impl StoreLedger {
    /// Loads the payments and refunds of an order into it.
    pub(super) fn load_money(&self, order: &mut StoredOrder) -> Result<()> {
        let (store, row) = (order.id.store, order.id.row);
        let payments = self.money_rows_of_order(Table::Payments, row)?.into_iter();
        order.payments = payments.map(|row| row.payment(store)).collect::<Result<_>>()?;
        let refunds = self.money_rows_of_order(Table::Refunds, row)?.into_iter();
        order.refunds = refunds.map(|row| row.refund(store)).collect::<Result<_>>()?;
        Ok(())
    }

    fn money_rows_of_order(&self, table: Table, order: SequenceId) -> Result<Vec<MoneyRow>> {
        let query =
            format!("SELECT {COLUMNS} FROM {} WHERE order_id = ?1 ORDER BY id", table.name());
        self.sql.rows(&query, &[integer(order.as_i64())])
    }

    pub(super) fn money_row(&self, table: Table, row: SequenceId) -> Result<Option<MoneyRow>> {
        let query = format!("SELECT {COLUMNS} FROM {} WHERE id = ?1", table.name());
        self.sql.first(&query, &[integer(row.as_i64())])
    }

    /// Writes a payment or a refund and its external id.
    pub(super) fn insert_money(
        &self,
        table: Table,
        origin: &Origin,
        money_row: &NewMoneyRow<'_>,
    ) -> Result<()> {
        if let Some(external_id) = money_row.external_id {
            self.insert_identity(table.identity(), external_id, origin.namespace, money_row.row)?;
        }
        let version = money_row.version.map(to_json).transpose()?;
        self.sql.run(
            &format!(
                "INSERT INTO {} (id, order_id, detail, command_hash, version)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                table.name()
            ),
            &[
                integer(money_row.row.as_i64()),
                integer(money_row.order.as_i64()),
                text(Some(&money_row.detail)),
                text(money_row.command_hash),
                text(version.as_deref()),
            ],
        )
    }

    /// Links payment ids to an order, because later events may name the order by them.
    pub(super) fn link_payments(
        &self,
        origin: &Origin,
        ids: &[String],
        order: SequenceId,
    ) -> Result<()> {
        for id in ids {
            let linked = self.find_identity(Identity::OrderOfPayment, id, origin.namespace)?;
            if linked.is_none() {
                self.insert_identity(Identity::OrderOfPayment, id, origin.namespace, order)?;
            }
        }
        Ok(())
    }

    /// The row of the order that a native event is about, found by its own id or by that of a
    /// payment.
    fn find_order_row(
        &self,
        origin: &Origin,
        order: Option<&str>,
        payment: Option<&str>,
    ) -> Result<Option<SequenceId>> {
        if let Some(order) = order {
            return self.find_identity(Identity::Order, order, origin.namespace);
        }
        let Some(payment) = payment else { return Ok(None) };
        if let Some(row) =
            self.find_identity(Identity::OrderOfPayment, payment, origin.namespace)?
        {
            return Ok(Some(row));
        }
        let Some(row) = self.find_identity(Identity::Payment, payment, origin.namespace)? else {
            return Ok(None);
        };
        Ok(self.money_row(Table::Payments, row)?.map(|payment| payment.order_id))
    }

    pub(super) fn apply_payment(
        &self,
        origin: &Origin,
        snapshot: PaymentSnapshot,
        entry: HistoryEntry,
        now: Timestamp,
    ) -> Result<LedgerReply> {
        let PaymentSnapshot { order, payment, status, currency, refunded, version } = snapshot;
        let order_row =
            self.find_order_row(origin, order.as_deref(), payment.external_id.as_deref())?;
        let Some(order_row) = order_row else { return Ok(LedgerReply::ParentUnknown) };
        let external_id = payment.external_id.clone();
        let detail = PaymentDetail {
            payment,
            status,
            refunded,
            source: origin.source,
            created_by: origin.author.clone(),
        };
        self.apply_money(
            Table::Payments,
            origin,
            order_row,
            external_id,
            currency,
            version,
            entry,
            now,
            |stored| {
                to_json(&match stored {
                    None => detail,
                    Some((stored, Outcome::Accepted)) => {
                        let stored = from_json::<PaymentDetail>(stored)?;
                        let created_by = stored.created_by.clone();
                        PaymentDetail { created_by, ..detail.completed_from(stored) }
                    }
                    Some((stored, _)) => from_json::<PaymentDetail>(stored)?.completed_from(detail),
                })
            },
        )
    }

    pub(super) fn apply_refund(
        &self,
        origin: &Origin,
        snapshot: RefundSnapshot,
        entry: HistoryEntry,
        now: Timestamp,
    ) -> Result<LedgerReply> {
        let RefundSnapshot { order, payment, refund, status, currency, version } = snapshot;
        let order_row = self.find_order_row(origin, order.as_deref(), payment.as_deref())?;
        let Some(order_row) = order_row else { return Ok(LedgerReply::ParentUnknown) };
        let external_id = refund.external_id.clone();
        let detail = RefundDetail {
            refund,
            status,
            payment_id: None,
            payment,
            source: origin.source,
            created_by: origin.author.clone(),
        };
        self.apply_money(
            Table::Refunds,
            origin,
            order_row,
            external_id,
            currency,
            version,
            entry,
            now,
            |stored| match stored {
                None => to_json(&detail),
                Some((stored, Outcome::Accepted)) => {
                    let RefundDetail { created_by, .. } = from_json(stored)?;
                    to_json(&RefundDetail { created_by, ..detail })
                }
                Some((stored, _)) => Ok(stored.to_owned()),
            },
        )
    }

    /// Inserts or updates the payment or refund that an event reports. `detail` returns the JSON to
    /// store. Its argument is `None` for a new record, or else the stored JSON and whether the
    /// event is accepted or stale beside it.
    #[expect(
        clippy::too_many_arguments,
        reason = "an event, and the function in which payments and refunds differ"
    )]
    fn apply_money(
        &self,
        table: Table,
        origin: &Origin,
        order: SequenceId,
        external_id: Option<String>,
        currency: tidegate_core::domain::money::Currency,
        version: SourceVersion,
        entry: HistoryEntry,
        now: Timestamp,
        detail: impl FnOnce(Option<(&str, Outcome)>) -> Result<String>,
    ) -> Result<LedgerReply> {
        let mut order_record = self.order(origin.store_id, order)?;
        let before = order_record.order.clone();
        if order_record.order.content.currency != currency {
            return Err(Rejection::new(
                Code::ValidationFailed,
                format!(
                    "is in {}, but its order in {}",
                    currency.as_str(),
                    order_record.order.content.currency.as_str()
                ),
            )
            .into());
        }
        let id =
            external_id.as_deref().ok_or_else(|| internal("a record without its sender's id"))?;
        let existing = match self.find_identity(table.identity(), id, origin.namespace)? {
            Some(row) => self.money_row(table, row)?,
            None => None,
        };
        let internal_id = |row| match table {
            Table::Payments => PaymentId::new(origin.store_id, row).to_string(),
            Table::Refunds => RefundId::new(origin.store_id, row).to_string(),
        };
        let row = match existing {
            None => {
                let row = self.next_sequence_id(now)?;
                let detail = detail(None)?;
                let version = Some(&version);
                let external_id = Some(id);
                let money_row =
                    NewMoneyRow { row, order, external_id, detail, command_hash: None, version };
                self.insert_money(table, origin, &money_row)?;
                row
            }
            Some(stored) => {
                let stored_version = stored.version.as_deref().map(from_json).transpose()?;
                let outcome = judge_event(stored_version.as_ref(), &version);
                let reply = done(outcome, internal_id(stored.id), external_id.clone());
                if outcome == Outcome::Duplicate {
                    return Ok(reply);
                }
                let detail = detail(Some((&stored.detail, outcome)))?;
                let newest =
                    (outcome == Outcome::Accepted).then(|| to_json(&version)).transpose()?;
                if newest.is_some() || detail != stored.detail {
                    self.sql.run(
                        &format!(
                            "UPDATE {} SET detail = ?2, version = coalesce(?3, version) WHERE id = ?1",
                            table.name()
                        ),
                        &[integer(stored.id.as_i64()), text(Some(&detail)), text(newest.as_deref())],
                    )?;
                }
                if outcome != Outcome::Accepted {
                    return Ok(reply);
                }
                stored.id
            }
        };
        self.load_money(&mut order_record.order)?;
        self.change_order(&before, &mut order_record, entry, now)?;
        Ok(done(Outcome::Accepted, internal_id(row), external_id))
    }
}

fn done(outcome: Outcome, id: String, external_id: Option<String>) -> LedgerReply {
    LedgerReply::Done { status: 200, outcome, internal_id: Some(id), external_id }
}
