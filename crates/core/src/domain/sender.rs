//! What Tidegate knows of a sender beyond the conversion of its payloads: how its deliveries are
//! authenticated, what it expects of a receiver, and the texts with which it is connected.
//!
//! The facts are those of the senders' own documentation and use its terms. Each module in
//! [`crate::storefront`] has the profile of its sender as the constant `PROFILE`;
//! `Source::profile` and `PayloadFormat::sender`, which look one up, stand there too.

use super::event::Subject;
use super::failing::FailureBudget;
use super::headers::Headers;
use super::key::{PayloadFormat, Scope, Source};
use super::secret::SecretFormat;
use super::signature::{Prefix, Scheme};

/// Whether a request with this content type and body only tries the address of a webhook.
pub type IsPing = fn(content_type: Option<&str>, body: &[u8]) -> bool;

/// Everything in which one sender differs from another.
#[derive(Clone, Copy, Debug)]
pub struct SenderProfile {
    pub source: Source,
    /// Its name where it is connected.
    pub title: &'static str,
    /// Its name as the label of a key or order.
    pub label: &'static str,
    pub kind: SenderKind,
    /// What it sends, in a few words.
    pub summary: &'static str,
    /// How it is connected, in one or two sentences.
    pub instructions: &'static str,
    /// The steps at the sender, once a key is minted.
    pub steps: &'static [Step],
    /// The scopes that its requests need.
    pub scopes: &'static [Scope],
    pub signing: Signing,
    /// Where the headers of its requests are set, after "Send the header …".
    pub header_location: &'static str,
    /// Its own webhooks; `None` for a sender that posts Tidegate's own format.
    pub webhooks: Option<Webhooks>,
}

/// The kinds of sender that look different in the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SenderKind {
    Shop,
    Payments,
    Automation,
    Code,
    Anything,
}

/// Whether the keys of a source require a signature on requests in Tidegate's own format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signing {
    /// Always; D1 refuses other keys.
    Required,
    /// Unless the operator decides otherwise.
    Preferred,
    /// Only if the operator decides so: the sender cannot compute a signature without code.
    Optional,
}

/// The webhooks that a sender has of its own.
#[derive(Clone, Copy, Debug)]
pub struct Webhooks {
    pub format: PayloadFormat,
    /// The display name of the format.
    pub label: &'static str,
    /// The names, in lower case, of the headers that are read and captured.
    pub headers: &'static [&'static str],
    pub topic: TopicPlace,
    /// The topics that are processed, by what they are about.
    pub topics: &'static [(Subject, &'static [&'static str])],
    pub scheme: Scheme,
    pub unsigned: Unsigned,
    pub secret: SecretProfile,
    /// The deadline of a call to the ledger, in milliseconds.
    pub ledger_deadline: u32,
    /// When it switches a webhook off, if that is counted here.
    pub failure_budget: Option<FailureBudget>,
    /// Recognises, by content type and body, the unsigned request with which it tests a URL.
    pub is_ping: Option<IsPing>,
}

/// The deadline of a call to the ledger for senders that wait long enough, in milliseconds.
pub const LEDGER_DEADLINE: u32 = 3_000;

/// Where a delivery names its topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopicPlace {
    /// In the first of these headers that is sent. It is known before the signature is checked.
    Headers(&'static [&'static str]),
    /// In this member of the body.
    Body(&'static str),
}

/// The texts about a delivery without a signature.
#[derive(Clone, Copy, Debug)]
pub struct Unsigned {
    /// Where the signature should be, as the subject of a sentence.
    pub place: &'static str,
    /// What to do, in half a sentence for the caller.
    pub remedy: &'static str,
    /// What the operator does, where comparing with the steps is not the usual answer.
    pub step: Option<&'static str>,
}

/// The signing secret of a sender's webhooks.
#[derive(Clone, Copy, Debug)]
pub struct SecretProfile {
    pub origin: SecretOrigin,
    pub format: SecretFormat,
    /// Says on which screen of the sender it is shown.
    pub screen: &'static str,
}

/// Who makes a signing secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretOrigin {
    /// Tidegate mints it with the key, and the operator pastes it at the sender.
    Minted(MintedSecret),
    /// The sender, which often reveals it only after the webhook's URL is registered. So a new key
    /// first waits for its secret.
    Sender,
}

/// The screen of a sender that takes a minted secret. Each of its topics has a webhook of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MintedSecret {
    /// The path to the list of webhooks.
    pub screen: &'static str,
    /// The labels of the fields for URL and secret.
    pub url_field: &'static str,
    pub secret_field: &'static str,
    /// Whether it sends a failed delivery again.
    pub redelivers: bool,
}

/// One step of connecting a storefront. The text says what to do at the sender.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// Any other action.
    Do(&'static str),
    /// Paste the key's URL at the sender.
    Url(&'static str),
    /// Choose these topics at the sender.
    Topics(&'static str, &'static [&'static str]),
    /// Paste the key's signing secret at the sender.
    Secret(&'static str),
    /// Paste the key at the sender, as the value of the header `Authorization`.
    Bearer(&'static str),
    /// Run a command. `{url}` is replaced by the key's URL; the operator replaces words in
    /// capitals.
    Command(&'static str, &'static str),
    /// Paste the sender's secret in the console.
    Paste(&'static str),
}

impl Webhooks {
    /// The topic from the headers of a delivery, before its signature is checked. `None` for
    /// senders that put the topic in the body.
    pub fn announced_topic<'a>(&self, headers: &'a Headers) -> Option<&'a str> {
        match self.topic {
            TopicPlace::Headers(names) => names.iter().find_map(|name| headers.get(name)),
            TopicPlace::Body(_) => None,
        }
    }
}

impl PayloadFormat {
    /// The webhooks in this format; `None` for Tidegate's own.
    pub fn webhooks(self) -> Option<&'static Webhooks> {
        self.sender()?.webhooks.as_ref()
    }

    /// How deliveries in this format are signed; `None` for Tidegate's own.
    pub fn scheme(self) -> Option<Scheme> {
        self.webhooks().map(|webhooks| webhooks.scheme)
    }

    /// Whether deliveries in this format must be signed, whatever the key's own setting.
    pub fn requires_signature(self) -> bool {
        self.webhooks().is_some()
    }

    /// Whether senders of this format also sign the URL of the webhook.
    pub fn signs_address(self) -> bool {
        let scheme = self.webhooks().map(|webhooks| webhooks.scheme);
        matches!(scheme, Some(Scheme::Digest { prefix: Prefix::Address, .. }))
    }

    /// Whether senders of this format generate the signing secret themselves.
    pub fn has_own_secret(self) -> bool {
        self.webhooks().is_some_and(|webhooks| webhooks.secret.origin == SecretOrigin::Sender)
    }
}
