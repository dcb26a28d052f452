//! The decisions over records in memory: tables of single decisions, and properties of sequences.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::api::orders::input::read_order;
use crate::domain::author::Author;
use crate::domain::event::NativeEvent;
use crate::domain::id::{Namespace, RequestId, Sequence, StoreId, UserId};
use crate::domain::key::Source;
use crate::domain::money::{Amount, Currency};
use crate::domain::order::{
    ClientDetails, ClientSnapshot, OrderSnapshot, OrderStatus, PaymentSnapshot, PaymentStatus,
    RefundSnapshot, ReportedPayment, ReportedRefund,
};
use crate::domain::record::Origin;
use crate::domain::time::Timestamp;
use crate::domain::write::{NewPayment, NewRefund, Target, Write};

/// A ledger in memory, which commits as the StoreLedger does.
#[derive(Clone, Default)]
struct Memory {
    orders: BTreeMap<SequenceId, OrderRecord>,
    clients: BTreeMap<SequenceId, ClientRecord>,
    identities: HashMap<(&'static str, String), SequenceId>,
    last: Option<SequenceId>,
    /// Seconds that have passed.
    time: i64,
}

impl Records for Memory {
    type Error = Rejection;

    fn order(&self, _: &Origin, row: SequenceId) -> Result<Option<OrderRecord>, Rejection> {
        Ok(self.orders.get(&row).cloned())
    }

    fn client(&self, _: &Origin, row: SequenceId) -> Result<ClientRecord, Rejection> {
        Ok(self.clients[&row].clone())
    }

    fn order_of(&self, money: MoneyId) -> Result<Option<SequenceId>, Rejection> {
        let has = |order: &&OrderRecord| match money {
            MoneyId::Payment(id) => order.order.payment(id).is_some(),
            MoneyId::Refund(id) => order.order.refund(id).is_some(),
        };
        Ok(self.orders.values().find(has).map(|record| record.order.id.row))
    }

    fn find_identity(
        &self,
        identity: Identity,
        value: &str,
        _: Namespace,
    ) -> Result<Option<SequenceId>, Rejection> {
        Ok(self.identities.get(&(identity.as_str(), value.to_owned())).copied())
    }
}

impl Memory {
    fn sequence(&mut self) -> Sequence {
        self.time += 1;
        let now = Timestamp::from_millis(1_795_000_000_000 + 1_000 * self.time);
        Sequence { now, last: self.last }
    }

    fn write(&mut self, write: Write) -> Result<Decision, Rejection> {
        let origin = origin();
        let ledger = Ledger { records: &*self, origin: &origin };
        let existing = match created_identity(&write) {
            Some((identity, id)) => ledger.records.find_identity(identity, id, origin.namespace)?,
            None => None,
        };
        let mut sequence = self.clone().sequence();
        let decision = ledger.write(write, existing, &mut sequence)?;
        self.commit(&decision, sequence);
        Ok(decision)
    }

    /// `None` if what the event refers to is unknown.
    fn event(&mut self, event: NativeEvent) -> Result<Option<Decision>, Rejection> {
        let origin = origin();
        let mut sequence = self.clone().sequence();
        let entry = HistoryEntry::new(&origin, "event", None, sequence.now);
        let ledger = Ledger { records: &*self, origin: &origin };
        let decision = ledger.event(event, entry, &mut sequence)?;
        if let Some(decision) = &decision {
            self.commit(decision, sequence);
        }
        Ok(decision)
    }

    /// Applies events in this order. One whose parent is unknown is tried again after each other.
    fn events(&mut self, events: &[NativeEvent]) {
        let mut waiting = Vec::new();
        for event in events {
            waiting.push(event.clone());
            let mut before = usize::MAX;
            while waiting.len() < before {
                before = waiting.len();
                waiting.retain(|event| self.event(event.clone()).unwrap().is_none());
            }
        }
        assert!(waiting.is_empty(), "every parent has arrived");
    }

    fn commit(&mut self, decision: &Decision, sequence: Sequence) {
        self.time += 1;
        self.last = sequence.last;
        if let Some((order, state)) = &decision.order {
            let row = order.order.id.row;
            let stored = self.orders.get(&row);
            assert_eq!(*state == State::New, stored.is_none());
            assert_eq!(*state == State::Unchanged, stored == Some(order), "what is new is written");
            if let Some(id) = order.order.content.external_id.clone()
                && *state == State::New
            {
                assert_eq!(self.identities.insert((Identity::Order.as_str(), id), row), None);
            }
            self.orders.insert(row, order.clone());
        }
        if let Some((client, state)) = &decision.client {
            let stored = self.clients.get(&client.id.row);
            assert_eq!(*state == State::New, stored.is_none());
            assert_eq!(
                *state == State::Unchanged,
                stored == Some(client),
                "what is new is written"
            );
            self.clients.insert(client.id.row, client.clone());
        }
        for NewIdentity { identity, value, row } in &decision.identities {
            let known = self.identities.entry((identity.as_str(), value.clone())).or_insert(*row);
            assert!(known == row || identity.may_be_taken(), "{identity:?} {value} is taken");
        }
    }

    fn only_order(&self) -> &OrderRecord {
        assert_eq!(self.orders.len(), 1);
        self.orders.values().next().unwrap()
    }

    /// The public JSON of every order by its external id, without ids and times of ours.
    fn public(&self) -> BTreeMap<String, Value> {
        let orders = self.orders.values().map(|record| {
            let mut order = serde_json::to_value(OrderOut::from(&record.order)).unwrap();
            let fields = order.as_object_mut().unwrap();
            for field in ["id", "created_at", "updated_at"] {
                fields.remove(field);
            }
            fields["client"].as_object_mut().map(|client| client.remove("id"));
            for list in ["payments", "refunds"] {
                let entries = fields[list].as_array_mut().unwrap();
                entries.iter_mut().for_each(|entry| {
                    entry["id"] = Value::Null;
                    entry.as_object_mut().unwrap().remove("payment_id");
                });
                entries.sort_by_key(|entry| entry["external_id"].to_string());
            }
            (fields["external_id"].to_string(), order)
        });
        orders.collect()
    }
}

fn origin() -> Origin {
    Origin {
        store_id: StoreId::from_random([7; 10]),
        namespace: Namespace::from_random([1; 10]),
        author: Author::Operator(UserId::from_random([1; 10])),
        request_id: RequestId::unlogged([0; 19]),
        source: Source::Custom,
    }
}

fn usd() -> Currency {
    Currency::parse("USD").unwrap()
}

fn cents(minor: i64) -> Amount {
    Amount::from_minor(minor).unwrap()
}

/// Creates an order of 20.00 USD.
fn create(external_id: &str) -> Write {
    order_with(external_id, &json!({ "email": "a@example.com" }))
}

fn order_with(external_id: &str, client: &Value) -> Write {
    let body = json!({ "external_id": external_id, "currency": "USD", "total": "20.00",
        "client": client, "lines": [{ "name": "Thing", "quantity": 2, "unit_price": "10.00" }] });
    let now = Timestamp::from_millis(1_795_000_000_000);
    let order = read_order(body.to_string().as_bytes(), now).unwrap();
    Write::CreateOrder { order: Box::new(order) }
}

fn pay(order: &str, external_id: &str, amount: &str) -> Write {
    Write::CreatePayment {
        order: Target::External(order.to_owned()),
        payment: NewPayment {
            external_id: Some(external_id.to_owned()),
            amount: amount.to_owned(),
            currency: None,
            method: None,
            paid_at: None,
        },
    }
}

fn refund(payment: &str, external_id: &str, amount: Option<&str>) -> Write {
    Write::CreateRefund {
        payment: Target::External(payment.to_owned()),
        refund: NewRefund {
            external_id: Some(external_id.to_owned()),
            amount: amount.map(str::to_owned),
            currency: None,
            reason: None,
        },
    }
}

fn cancel(order: &str, reason: &str) -> Write {
    Write::CancelOrder { order: Target::External(order.to_owned()), reason: reason.to_owned() }
}

fn code(result: Result<Decision, Rejection>) -> String {
    let rejection = result.expect_err("a rejection");
    rejection.errors.first().map_or(rejection.code.as_str(), |error| &error.code).to_owned()
}

#[test]
fn the_senders_time_decides_then_refunds_then_status_then_hash() {
    let stored = version(1_000, 1, 2, "b");
    for (incoming, outcome) in [
        (version(1_000, 1, 2, "b"), Outcome::Duplicate),
        (version(2_000, 0, 0, "a"), Outcome::Accepted),
        (version(999, 9, 9, "z"), Outcome::Stale),
        (version(1_000, 2, 0, "a"), Outcome::Accepted),
        (version(1_000, 0, 9, "z"), Outcome::Stale),
        (version(1_000, 1, 3, "a"), Outcome::Accepted),
        (version(1_000, 1, 2, "c"), Outcome::Accepted),
        (version(1_000, 1, 2, "a"), Outcome::Stale),
    ] {
        assert_eq!(judge_event(Some(&stored), &incoming), outcome, "{incoming:?}");
    }
    assert_eq!(judge_event(None, &stored), Outcome::Accepted);
}

#[test]
fn a_repeated_command_changes_nothing_and_another_with_its_external_id_conflicts() {
    let mut ledger = Memory::default();
    for (command, other) in [
        (create("A"), order_with("A", &json!({ "email": "b@example.com" }))),
        (pay("A", "p", "20"), pay("A", "p", "19")),
        (refund("p", "r", Some("5")), refund("p", "r", Some("6"))),
    ] {
        let first = ledger.write(command.clone()).unwrap();
        assert_eq!((first.outcome, first.status()), (Outcome::Accepted, 201));
        let again = ledger.write(command).unwrap();
        assert_eq!((again.outcome, again.status()), (Outcome::Duplicate, 200));
        assert!(again.is_unchanged());
        assert_eq!(again.id(), first.id());
        let conflict = ledger.write(other).expect_err("a conflict");
        assert_eq!(conflict.code, Code::ExternalIdConflict);
        assert_eq!(conflict.conflict, Some(first.id()));
    }
    ledger.write(create("B")).unwrap();
    let other_order = ledger.write(pay("B", "p", "20")).expect_err("a conflict");
    assert_eq!(other_order.code, Code::ExternalIdConflict);
    assert!(other_order.conflict.is_some_and(|id| id.starts_with("pay_")));
}

#[test]
fn a_request_reaches_only_what_exists() {
    let mut ledger = Memory::default();
    for command in [cancel("A", "why"), pay("A", "p", "1"), refund("p", "r", None)] {
        assert_eq!(code(ledger.write(command)), "not_found");
    }
    assert!(ledger.orders.is_empty());
}

#[test]
fn payments_and_refunds_move_the_order_and_never_exceed_what_is_open() {
    let mut ledger = Memory::default();
    ledger.write(create("A")).unwrap();
    let status = |ledger: &Memory| ledger.only_order().order.status();
    assert_eq!(code(ledger.write(pay("A", "p0", "20.01"))), "exceeds_outstanding");
    assert_eq!(code(ledger.write(pay("A", "p0", "0"))), "not_positive");
    ledger.write(pay("A", "p1", "5")).unwrap();
    assert_eq!(status(&ledger), OrderStatus::Pending, "15 are outstanding");
    ledger.write(pay("A", "p2", "15")).unwrap();
    assert_eq!(status(&ledger), OrderStatus::Processing);
    assert_eq!(code(ledger.write(pay("A", "p3", "1"))), "exceeds_outstanding");
    assert_eq!(code(ledger.write(refund("p1", "r0", Some("5.01")))), "exceeds_paid");
    ledger.write(refund("p1", "r1", None)).unwrap();
    assert_eq!(status(&ledger), OrderStatus::Processing, "15 are not refunded");
    assert_eq!(code(ledger.write(refund("p1", "r2", None))), "exceeds_paid");
    ledger.write(refund("p2", "r3", Some("15"))).unwrap();
    assert_eq!(status(&ledger), OrderStatus::Refunded);
    assert_eq!(code(ledger.write(refund("p2", "r4", None))), "invalid_state");
    assert_eq!(code(ledger.write(pay("A", "p3", "1"))), "invalid_state");
    assert_eq!(code(ledger.write(cancel("A", "why"))), "invalid_state");
    let events: Vec<_> =
        ledger.only_order().history.iter().map(|entry| entry.event.as_str()).collect();
    let [paid, refunded] = ["payment.created", "refund.created"];
    assert_eq!(events, ["created", paid, paid, refunded, refunded]);
}

#[test]
fn the_history_names_the_fields_that_changed() {
    let mut ledger = Memory::default();
    ledger.write(create("A")).unwrap();
    ledger.write(pay("A", "p", "20")).unwrap();
    ledger.write(cancel("A", "why")).unwrap();
    let again = ledger.write(cancel("A", "why")).unwrap();
    assert_eq!(again.outcome, Outcome::Duplicate);
    let changes: Vec<_> =
        ledger.only_order().history.iter().map(|entry| entry.changes.join(" ")).collect();
    let [paid, cancelled] = ["paid_total payments status", "cancel_reason cancelled_at status"];
    assert_eq!(
        changes.iter().map(|names| sorted(names)).collect::<Vec<_>>(),
        ["", paid, cancelled]
    );
}

fn sorted(names: &str) -> String {
    let mut names: Vec<_> = names.split(' ').collect();
    names.sort_unstable();
    names.join(" ")
}

#[test]
fn a_native_senders_payment_is_refunded_at_the_sender() {
    let mut ledger = Memory::default();
    ledger.write(create("A")).unwrap();
    ledger.events(&[payment_event("p", 1_000, PaymentStatus::Completed, 2_000, None)]);
    assert_eq!(code(ledger.write(refund("p", "r", None))), "invalid_state");
}

#[test]
fn money_in_another_currency_than_the_orders_is_refused() {
    let mut ledger = Memory::default();
    ledger.write(create("A")).unwrap();
    let mut event = payment_event("p", 1_000, PaymentStatus::Completed, 2_000, None);
    if let NativeEvent::Payment { snapshot } = &mut event {
        snapshot.currency = Currency::parse("EUR").unwrap();
    }
    let rejection = ledger.event(event).expect_err("another currency");
    assert_eq!(rejection.detail, "is in EUR, but its order in USD");
}

#[test]
fn a_client_is_told_from_another_with_the_same_address() {
    let client = |id: Option<&str>, name: &str| ClientDetails {
        external_id: id.map(str::to_owned),
        email: Some("Shared@example.com".to_owned()),
        name: Some(name.to_owned()),
        phone: None,
    };
    let mut ledger = Memory::default();
    let mut upsert = |details| {
        let decision = ledger.write(Write::UpsertClient { client: details }).unwrap();
        (decision.id(), decision.outcome, decision.client.unwrap().0.details)
    };
    let (unnamed, ..) = upsert(client(None, "A"));
    let (first, outcome, details) = upsert(client(Some("1"), "B"));
    assert_eq!((&first, outcome), (&unnamed, Outcome::Accepted), "it gets its external id");
    assert_eq!(details.name.as_deref(), Some("B"));
    let (second, ..) = upsert(client(Some("2"), "C"));
    assert_ne!(second, first, "two external ids are two clients");
    let (by_address, _, details) = upsert(client(None, "B"));
    assert_eq!(by_address, first, "the address remains with the first");
    assert_eq!(details.external_id.as_deref(), Some("1"), "an external id is never lost");
    let (_, outcome, _) = upsert(client(Some("1"), "B"));
    assert_eq!(outcome, Outcome::Duplicate);
}

#[test]
fn an_order_does_not_overwrite_a_client_that_its_sender_updates() {
    let mut ledger = Memory::default();
    let details = |name: &str| ClientDetails {
        external_id: Some("1".to_owned()),
        email: None,
        name: Some(name.to_owned()),
        phone: None,
    };
    let snapshot =
        ClientSnapshot { details: details("By the sender"), version: version(1, 0, 0, "a") };
    ledger.event(NativeEvent::Client { snapshot }).unwrap();
    let order =
        ledger.write(order_with("A", &json!({ "external_id": "1", "name": "Old" }))).unwrap();
    let (client, state) = order.client.unwrap();
    assert_eq!((client.details, state), (details("By the sender"), State::Unchanged));
    assert_eq!(order.order.unwrap().0.order.client_id, Some(client.id));
}

#[test]
fn a_deletion_at_the_sender_is_noted_once_and_destroys_nothing() {
    let mut ledger = Memory::default();
    assert_eq!(ledger.event(NativeEvent::OrderDeleted { external_id: "A".into() }), Ok(None));
    ledger.write(create("A")).unwrap();
    let before = ledger.only_order().order.clone();
    let origin = origin();
    let entry = HistoryEntry::new(&origin, "order.deleted", Some("d1".into()), before.created_at);
    let noted = orders::note_deletion(ledger.only_order().clone(), entry.clone());
    assert_eq!(noted.outcome, Outcome::Accepted);
    let (record, state) = noted.order.unwrap();
    assert_eq!((&record.order, state), (&before, State::Noted));
    let again = orders::note_deletion(record, entry);
    assert_eq!((again.outcome, again.is_unchanged()), (Outcome::Duplicate, true));
}

fn version(modified: i64, refunds: u32, progress: u8, hash: &str) -> SourceVersion {
    SourceVersion {
        sequence: 0,
        modified_at: Timestamp::from_millis(modified),
        refunds,
        progress,
        body_hash: hash.to_owned(),
    }
}

/// A payment event of the order `A`.
fn payment_event(
    id: &str,
    modified: i64,
    status: PaymentStatus,
    amount: i64,
    refunded: Option<i64>,
) -> NativeEvent {
    let payment = ReportedPayment {
        external_id: Some(id.to_owned()),
        method: (amount % 2 == 0).then(|| "card".to_owned()),
        amount: cents(amount),
        paid_at: None,
    };
    NativeEvent::Payment {
        snapshot: Box::new(PaymentSnapshot {
            order: Some("A".to_owned()),
            payment,
            status,
            currency: usd(),
            refunded: refunded.map(cents),
            version: version(modified, 0, status.progress(), &format!("{id}{amount}{refunded:?}")),
        }),
    }
}

/// A refund event, which names the payment and not the order.
fn refund_event(
    id: &str,
    payment: &str,
    modified: i64,
    status: PaymentStatus,
    amount: i64,
) -> NativeEvent {
    let refund =
        ReportedRefund { external_id: Some(id.to_owned()), reason: None, amount: cents(amount) };
    NativeEvent::Refund {
        snapshot: Box::new(RefundSnapshot {
            order: None,
            payment: Some(payment.to_owned()),
            refund,
            status,
            currency: usd(),
            version: version(modified, 0, status.progress(), &format!("{id}{amount}")),
        }),
    }
}

/// An event of the order `A`, whose payments are `p0` and `p1`.
fn order_event(modified: i64, status: OrderStatus, note: u8) -> NativeEvent {
    let Write::CreateOrder { order } = create("A") else { unreachable!() };
    let mut content = *order;
    content.status = status;
    content.note = Some(note.to_string());
    let version = version(modified, 0, status.progress(), &format!("order {note}"));
    let payment_ids = vec!["p0".to_owned(), "p1".to_owned()];
    let snapshot =
        OrderSnapshot { content, payments: vec![], refunds: vec![], payment_ids, version };
    NativeEvent::Order { snapshot: Box::new(snapshot) }
}

fn any_status() -> impl Strategy<Value = PaymentStatus> {
    use PaymentStatus::{Cancelled, Completed, Failed, Pending};
    prop::sample::select(vec![Pending, Failed, Cancelled, Completed])
}

fn any_event() -> impl Strategy<Value = NativeEvent> {
    let id = prop::sample::select(vec!["0", "1"]);
    prop_oneof![
        (0..5_i64, prop::sample::select(OrderStatus::ALL.to_vec()), 0..3_u8)
            .prop_map(|(modified, status, note)| order_event(modified, status, note)),
        (id.clone(), 0..5_i64, any_status(), 1..4_i64, prop::option::of(0..3_i64)).prop_map(
            |(id, modified, status, amount, refunded)| {
                payment_event(&format!("p{id}"), modified, status, amount, refunded)
            }
        ),
        (id.clone(), id, 0..5_i64, any_status(), 1..4_i64).prop_map(
            |(id, payment, modified, status, amount)| {
                // The refund's id tells its payment, as it does at every sender.
                let refund = format!("r{id} of {payment}");
                refund_event(&refund, &format!("p{payment}"), modified, status, amount)
            }
        ),
    ]
}

fn any_write() -> impl Strategy<Value = Write> {
    let order = prop::sample::select(vec!["A", "B"]);
    let id = prop::sample::select(vec!["0", "1", "2"]);
    let amount = prop::sample::select(vec!["0.01", "5", "10", "19.99", "20", "20.01"]);
    prop_oneof![
        order.clone().prop_map(create),
        (order.clone(), id.clone(), amount.clone())
            .prop_map(|(order, id, amount)| pay(order, id, amount)),
        (id.clone(), id.clone(), prop::option::of(amount))
            .prop_map(|(payment, id, amount)| refund(payment, id, amount)),
        (order, id).prop_map(|(order, reason)| cancel(order, reason)),
    ]
}

proptest! {
    /// The guarantee to shops: whatever the order in which a sender's events arrive, and however
    /// often, the store ends in the same state.
    #[test]
    fn native_events_in_any_order_end_in_the_same_state(
        events in prop::collection::vec(any_event(), 0..8),
        shuffled in Just(()).prop_perturb(|(), mut random| random.random::<u64>()),
    ) {
        let events: Vec<_> =
            std::iter::once(order_event(0, OrderStatus::Pending, 0)).chain(events).collect();
        let mut in_order = Memory::default();
        in_order.events(&events);
        let mut reordered: Vec<_> = events.iter().cloned().chain(events.clone()).collect();
        let mut seed = shuffled;
        for last in (1..reordered.len()).rev() {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            reordered.swap(last, (seed >> 33) as usize % (last + 1));
        }
        let mut other = Memory::default();
        other.events(&reordered);
        prop_assert_eq!(in_order.public(), other.public());
    }

    /// Whatever requests come, an order is never paid above its total nor refunded above what was
    /// paid, and a rejected or repeated request writes nothing.
    #[test]
    fn requests_never_move_more_money_than_there_is(
        writes in prop::collection::vec(any_write(), 0..20),
    ) {
        let mut ledger = Memory::default();
        for write in writes {
            let before = (ledger.orders.clone(), ledger.clients.clone());
            let is_written =
                ledger.write(write.clone()).is_ok_and(|decision| !decision.is_unchanged());
            prop_assert!(is_written || before == (ledger.orders.clone(), ledger.clients.clone()));
            for record in ledger.orders.values() {
                let account = record.order.account();
                prop_assert!(account.paid_total() <= record.order.content.totals.total);
                prop_assert!(account.refunded_total() <= account.paid_total());
            }
            if let Ok(again) = ledger.write(write)
                && is_written
            {
                prop_assert_eq!(again.outcome, Outcome::Duplicate);
                prop_assert!(again.is_unchanged());
            }
        }
    }
}
