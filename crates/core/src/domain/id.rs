//! Public ids: a prefix for the kind of resource, then lower-case base32.
//!
//! Ids of workspaces, stores, users and the like are 80 random bits. Ids of rows inside a Durable
//! Object contain the name of the object, so that requests are routed without an index: `ord_…` and
//! `cli_…` contain their store, `req_…` the KeyGate that logged the request. An id grants no
//! access: the caller's authority is checked first.

use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use super::credential::GateName;
use super::encoding::{base32, base32_decode};
use super::time::Timestamp;

/// The kind of resource that an [`Id`] or a [`LedgerId`] identifies.
pub trait Kind {
    const PREFIX: &'static str;
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident $prefix:literal)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $kind;
        impl Kind for $kind {
            const PREFIX: &'static str = $prefix;
        }
    )*};
}

kinds! {
    Workspace "wks_"
    Store "sto_"
    User "usr_"
    /// An API key's public id.
    ApiKey "api_"
    /// An invitation to a workspace that has not been accepted yet.
    Invite "inv_"
    /// An entry of the audit log.
    Audit "aud_"
    Flow "flw_"
    /// A connection's namespace of external ids. A rotated key inherits its predecessor's.
    NamespaceKind "ns_"
    Order "ord_"
    Client "cli_"
    PaymentKind "pay_"
    RefundKind "ref_"
}

pub type WorkspaceId = Id<Workspace>;
pub type StoreId = Id<Store>;
pub type UserId = Id<User>;
pub type ApiKeyId = Id<ApiKey>;
pub type InviteId = Id<Invite>;
pub type AuditId = Id<Audit>;
pub type FlowId = Id<Flow>;
pub type Namespace = Id<NamespaceKind>;
pub type OrderId = LedgerId<Order>;
pub type ClientId = LedgerId<Client>;
pub type PaymentId = LedgerId<PaymentKind>;
pub type RefundId = LedgerId<RefundKind>;

/// 80 random bits under a prefix, e.g. `sto_mzxw6ytboi2gk3tt`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id<K>([u8; 10], PhantomData<K>);

impl<K: Kind> Id<K> {
    pub const fn from_random(bytes: [u8; 10]) -> Self {
        Self(bytes, PhantomData)
    }

    pub fn parse(text: &str) -> Option<Self> {
        Some(Self::from_random(base32_decode(text.strip_prefix(K::PREFIX)?)?))
    }
}

impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", K::PREFIX, base32(&self.0))
    }
}

/// The id of a row in a store's ledger: 80 bits of the store's id and 56 of the row's, e.g.
/// `ord_…`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LedgerId<K> {
    pub store: StoreId,
    pub row: SequenceId,
    kind: PhantomData<K>,
}

impl<K: Kind> LedgerId<K> {
    pub const fn new(store: StoreId, row: SequenceId) -> Self {
        Self { store, row, kind: PhantomData }
    }

    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 17] = base32_decode(text.strip_prefix(K::PREFIX)?)?;
        let (store, row) = bytes.split_at(10);
        Some(Self::new(Id::from_random(store.try_into().ok()?), SequenceId::from_bytes(row)?))
    }
}

impl<K: Kind> fmt::Display for LedgerId<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.store.0[..], &self.row.to_bytes()].concat();
        write!(f, "{}{}", K::PREFIX, base32(&bytes))
    }
}

/// The id of a request: 96 bits of its key's KeyGate and 56 of its row in that key's log.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId([u8; 19]);

impl RequestId {
    pub fn new(gate: GateName, row: SequenceId) -> Self {
        let mut bytes = [0; 19];
        bytes[..12].copy_from_slice(gate.as_bytes());
        bytes[12..].copy_from_slice(&row.to_bytes());
        Self(bytes)
    }

    /// The id of a request that reached no key's log.
    pub const fn unlogged(random: [u8; 19]) -> Self {
        Self(random)
    }

    pub fn parse(text: &str) -> Option<Self> {
        base32_decode(text.strip_prefix("req_")?).map(Self)
    }

    pub fn row(&self) -> Option<SequenceId> {
        SequenceId::from_bytes(&self.0[12..])
    }

    /// The KeyGate of the key that made the request.
    pub fn gate(&self) -> GateName {
        let mut bytes = [0; 12];
        bytes.copy_from_slice(&self.0[..12]);
        GateName::from_bytes(bytes)
    }

    /// Whether the key of this KeyGate made the request.
    pub fn is_of(&self, gate: GateName) -> bool {
        self.0.starts_with(gate.as_bytes())
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "req_{}", base32(&self.0))
    }
}

/// A primary key that increases with time: the millisecond in which the row was created, then 10
/// bits that distinguish rows of the same millisecond.
///
/// Invariant: between 0 and 2^53 − 1, so that it crosses to SQLite exactly (good until the year
/// 2248).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SequenceId(i64);

impl SequenceId {
    const PER_MILLISECOND: i64 = 1 << 10;
    const END: i64 = 1 << 53;

    pub const fn from_i64(value: i64) -> Option<Self> {
        if value >= 0 && value < Self::END { Some(Self(value)) } else { None }
    }

    pub const fn as_i64(self) -> i64 {
        self.0
    }

    /// The first id of the millisecond `now`, or the one after `last` if that is greater.
    pub fn next(now: Timestamp, last: Option<Self>) -> Self {
        let first = now.millis().clamp(0, (Self::END - 1) / Self::PER_MILLISECOND);
        let first = first * Self::PER_MILLISECOND;
        Self(last.map_or(first, |last| first.max(last.0 + 1)))
    }

    /// The lowest id of the millisecond `at`.
    pub fn at(at: Timestamp) -> Self {
        Self::next(at, None)
    }

    /// When the row was created.
    pub const fn time(self) -> Timestamp {
        Timestamp::from_millis(self.0 / Self::PER_MILLISECOND)
    }

    fn to_bytes(self) -> [u8; 7] {
        let [_, bytes @ ..] = self.0.to_be_bytes();
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut all = [0; 8];
        all.get_mut(1..)?.copy_from_slice(bytes.get(..7)?);
        Self::from_i64(i64::from_be_bytes(all))
    }
}

/// The ids and change numbers that one command assigns. Each is greater than the one before.
#[derive(Clone, Copy, Debug)]
pub struct Sequence {
    /// The time of the command.
    pub now: Timestamp,
    /// The greatest id or change number that was assigned before.
    pub last: Option<SequenceId>,
}

impl Sequence {
    pub fn assign(&mut self) -> SequenceId {
        let next = SequenceId::next(self.now, self.last);
        self.last = Some(next);
        next
    }
}

macro_rules! as_text {
    ($([$($generic:ident)?] $name:ty;)*) => {$(
        impl$(<$generic: Kind>)? fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl$(<$generic: Kind>)? Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de $(, $generic: Kind)?> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
                Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not an id of this kind"))
            }
        }
    )*};
}

as_text! {
    [K] Id<K>;
    [K] LedgerId<K>;
    [] RequestId;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_id_contains_its_store_and_row() {
        let store = StoreId::from_random([7; 10]);
        let row = SequenceId::next(Timestamp::from_millis(1_795_000_000_123), None);
        let id = OrderId::new(store, row);
        assert_eq!(OrderId::parse(&id.to_string()), Some(id));
        assert_eq!(id.row.time().millis(), 1_795_000_000_123);
        assert_eq!(ClientId::parse(&id.to_string()), None);
    }

    #[test]
    fn rows_of_one_millisecond_follow_each_other() {
        let now = Timestamp::from_millis(1_795_000_000_123);
        let first = SequenceId::next(now, None);
        let second = SequenceId::next(now, Some(first));
        assert!(second > first);
        assert_eq!(second.time(), now);
        let earlier = SequenceId::next(now.plus(-5), Some(second));
        assert!(earlier > second, "a clock that steps back does not reorder rows");
    }

    #[test]
    fn a_request_id_contains_its_key_gate_and_row() {
        let row = SequenceId::at(Timestamp::from_millis(1_795_000_000_123));
        let id = RequestId::new(GateName::from_bytes([9; 12]), row);
        assert_eq!(RequestId::parse(&id.to_string()).and_then(|id| id.row()), Some(row));
        assert_eq!(id.gate(), GateName::from_bytes([9; 12]));
    }

    #[test]
    fn other_spellings_of_an_id_are_refused() {
        let id = StoreId::from_random([7; 10]).to_string();
        assert!(StoreId::parse(&id).is_some());
        assert_eq!(StoreId::parse(&id.to_uppercase()), None);
        assert_eq!(StoreId::parse(&id.replace("sto_", "wks_")), None);
        assert_eq!(StoreId::parse(&format!("{id}a")), None);
        assert_eq!(StoreId::parse("sto_é"), None);
    }
}
