//! Explanations for the person who connects a storefront: why a request ended as it did, and what
//! to do about it. They name the setting or header in the words of the sender's own screens.

mod codes;

use codes::explain_code;

use super::key::{PayloadFormat, Source};
use super::log::Outcome;
use super::parked::{ParkReason, Retry};
use super::rejection::Code;
use super::sender::{MintedSecret, SecretOrigin};

/// The facts about a finished request from which it is explained.
#[derive(Clone, Copy, Debug)]
pub struct FinishedRequest<'a> {
    pub outcome: Outcome,
    pub error_code: Option<Code>,
    /// Why the event is parked, if it is.
    pub park_reason: Option<ParkReason>,
    /// The detail of the log entry.
    pub detail: Option<&'a str>,
    pub source: Source,
    pub format: PayloadFormat,
}

/// An explanation in plain words, as shown to people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What happened.
    pub what: String,
    /// Why it did.
    pub why: String,
    /// The steps to take, in this order. If there is nothing to do, a single step says so.
    pub todo: Vec<String>,
}

impl Explanation {
    fn new(what: &str, why: &str, todo: &[&str]) -> Self {
        let todo = todo.iter().map(|step| (*step).to_owned()).collect();
        Self { what: what.to_owned(), why: why.to_owned(), todo }
    }
}

impl FinishedRequest<'_> {
    /// The screen at the sender that takes this key's minted secret, if its webhooks have one.
    fn minted_secret(&self) -> Option<MintedSecret> {
        match self.format.webhooks()?.secret.origin {
            SecretOrigin::Minted(screen) => Some(screen),
            SecretOrigin::Sender => None,
        }
    }

    /// The name of the sender whose own webhooks the key takes.
    fn sender_title(&self) -> &'static str {
        self.format.sender().map_or("The sender", |sender| sender.title)
    }
}

/// Explains how a request ended.
pub fn explain(ended: &FinishedRequest<'_>) -> Explanation {
    let mut explanation = match (ended.error_code, ended.park_reason) {
        (Some(code), _) => explain_code(code, ended),
        (None, Some(reason)) => explain_reason(reason),
        (None, None) => explain_outcome(ended),
    };
    // The log entry says what was wrong with this particular request.
    if let (Some(_), Some(detail)) = (ended.error_code, ended.detail) {
        explanation.why = format!("{} Noted: {detail}", explanation.why);
    }
    explanation
}

fn explain_outcome(ended: &FinishedRequest<'_>) -> Explanation {
    match ended.outcome {
        Outcome::Accepted => Explanation::new(
            "The request did what it asked for.",
            "Its key, signature and content were in order. What it wrote, if anything, is durable.",
            &["Nothing is to be done."],
        ),
        Outcome::Replayed => Explanation::new(
            "The first answer was given again; nothing was written.",
            "The same request had come before under the same Idempotency-Key, so the sender repeated it.",
            &["Nothing is to be done. If repeats are frequent, see whether the sender's time-out is too short."],
        ),
        Outcome::Duplicate => Explanation::new(
            "What the request says is known already; nothing was written.",
            "The same order, or the same event of the shop, had arrived before.",
            &["Nothing is to be done: senders often tell the same thing twice."],
        ),
        Outcome::Stale => Explanation::new(
            "The event is older than what is stored; nothing was written.",
            "Deliveries overtake each other. By the shop's own clock this one was overtaken by a newer.",
            &["Nothing is to be done: the newer state stands."],
        ),
        Outcome::Ignored => Explanation::new(
            "The event is authentic and has no effect.",
            ended.detail.unwrap_or(
                "It is of a topic that is not kept, a draft, or an error that the shop sent instead of an order.",
            ),
            &[&match ended.minted_secret() {
                Some(MintedSecret { screen, .. }) => format!(
                    "Nothing is to be done. To stop such deliveries, delete their webhook in {screen}."
                ),
                None => "Nothing is to be done. To stop such deliveries, take their topic out of the webhook at the sender.".to_owned(),
            }],
        ),
        Outcome::Parked => Explanation::new(
            "The event is kept with its body, to be applied later.",
            "It could not be applied when it arrived. Nothing of it is lost.",
            &["Open the parked events of this key: each says what it waits for."],
        ),
        Outcome::Ping => Explanation::new(
            "The shop tried whether the delivery URL answers.",
            &format!(
                "{} sends such a ping when a webhook is saved. It is not signed and changes nothing.",
                ended.sender_title(),
            ),
            &["Nothing is to be done. Whether the secret is right shows with the first signed delivery: change an order in the shop."],
        ),
        Outcome::DryRun => Explanation::new(
            "The request was checked and answered as if it had been done; nothing was written.",
            "It asked for that with dry_run=true.",
            &["Send it without dry_run to have it done."],
        ),
        Outcome::Rejected => Explanation::new(
            "The request was turned down for what it says.",
            "Its key and signature were in order, its content was not.",
            &["Look at the answer and the detail, mend the request, and send it again."],
        ),
        Outcome::Refused => Explanation::new(
            "The request was refused before its content was looked at.",
            "Its key, its signature or the rate of requests was not in order.",
            &["Compare the key and the signing secret at the sender with those of this key."],
        ),
        Outcome::Failed => Explanation::new(
            "The request failed on our side.",
            "Nothing about it is known to be wrong.",
            &["Send the same request again: it takes effect once."],
        ),
    }
}

fn explain_reason(reason: ParkReason) -> Explanation {
    let what = match reason.retry() {
        Retry::Alarm => "The event is parked and will be tried again by itself.",
        Retry::OnResume => "The event is parked until the key is resumed.",
        Retry::OnParent => "The event is parked until what it changes arrives.",
        Retry::ByHand if reason == ParkReason::AwaitingDetails => {
            "The event is kept until its details are fetched."
        }
        Retry::ByHand => "The event is parked until somebody decides about it.",
    };
    let (why, todo): (&str, &[&str]) = match reason {
        ParkReason::RateLimited => (
            "It came when the key's limit was used up. The shop was answered 200, as it never sends a delivery again.",
            &[
                "Nothing is to be done: it is applied with the budget that live traffic leaves.",
                "If this happens in normal use, rotate the key to one with a higher limit.",
            ],
        ),
        ParkReason::KeyPaused => (
            "It came while the key was paused.",
            &[
                "Resume the key: its parked events are applied then.",
                "Or discard the event if it is not wanted.",
            ],
        ),
        ParkReason::InsufficientScope => (
            "The key lacks the scope for this topic: orders need orders:write, customers clients:write, payments payments:write, refunds payments:refund. The scopes of a key never change.",
            &[
                "Create a key with the missing scope and put its URL and secret into the webhook.",
                "Discard the event, or keep it for the record.",
            ],
        ),
        ParkReason::StoreUnavailable => (
            "The store did not answer in time.",
            &[
                "Nothing is to be done: it is tried after 2 seconds, then at longer and longer intervals, at most an hour.",
            ],
        ),
        ParkReason::Unmappable => (
            "The body does not say what its topic promises: a field is missing or of another form, often because of a plug-in.",
            &[
                "Look at the kept body and the field that the detail names.",
                "Mend it in the shop, which sends a new delivery, and discard this one; or retry it after an update of the gateway.",
            ],
        ),
        ParkReason::ParentUnknown => (
            "It changes an order or a customer that has not arrived yet.",
            &[
                "Wait: it is applied as soon as that arrives.",
                "If it never does, check that the webhook for the created topic exists and is active.",
            ],
        ),
        ParkReason::AwaitingDetails => (
            "This sender's event only names what changed and carries none of it.",
            &[
                "Nothing is to be done: the event is kept with its body, and a later release fetches the details.",
                "If you need the order here before that, post it to the integration API.",
            ],
        ),
        ParkReason::SourceChanged => (
            "It comes from another shop address than the first signed delivery of this key. The shop has moved, or is a copy such as a staging site.",
            &[
                "If it is a copy, remove its webhooks and discard the event.",
                "If the shop has moved, create a key for the new address and put its URL and secret into the webhooks.",
            ],
        ),
    };
    Explanation::new(what, why, todo)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn ended(outcome: Outcome) -> FinishedRequest<'static> {
        FinishedRequest {
            outcome,
            error_code: None,
            park_reason: None,
            detail: None,
            source: Source::Custom,
            format: PayloadFormat::Gateway,
        }
    }

    fn shop(outcome: Outcome) -> FinishedRequest<'static> {
        let (source, format) = (Source::WooCommerce, PayloadFormat::WooCommerce);
        FinishedRequest { source, format, ..ended(outcome) }
    }

    fn coded(code: Code) -> FinishedRequest<'static> {
        FinishedRequest { error_code: Some(code), ..ended(Outcome::of(code)) }
    }

    #[test]
    fn every_outcome_code_and_reason_has_an_explanation_of_its_own_with_a_step_to_take() {
        let outcomes = Outcome::ALL.map(|outcome| explain(&ended(outcome)));
        let codes = Code::ALL.iter().map(|code| explain(&coded(*code)));
        let reasons = ParkReason::ALL.map(|reason| {
            explain(&FinishedRequest { park_reason: Some(reason), ..shop(Outcome::Parked) })
        });
        let all: Vec<_> = outcomes.into_iter().chain(codes).chain(reasons).collect();
        for Explanation { what, why, todo } in &all {
            for text in [what, why].into_iter().chain(todo) {
                assert!(text.trim() == text && text.ends_with('.'), "{text:?}");
            }
            assert!(!todo.is_empty(), "{what}");
        }
        let whys: HashSet<_> = all.iter().map(|explanation| &explanation.why).collect();
        let todos: HashSet<_> = all.iter().map(|explanation| &explanation.todo).collect();
        assert_eq!((whys.len(), todos.len()), (all.len(), all.len()));
        // Reasons that are retried in the same way share the text of what happened.
        let others = all.len() - ParkReason::ALL.len();
        let whats: HashSet<_> = all.iter().take(others).map(|other| &other.what).collect();
        assert_eq!(whats.len(), others);
    }

    #[test]
    fn a_wrong_signature_is_explained_by_the_senders_own_setting() {
        let code = Code::SignatureInvalid;
        for (ended, named) in [
            (
                FinishedRequest { error_code: Some(code), ..shop(Outcome::Refused) },
                "Advanced → Webhooks",
            ),
            (coded(code), "X-Pck-Signature"),
            (FinishedRequest { source: Source::Zapier, ..coded(code) }, "Webhooks by Zapier"),
            (FinishedRequest { source: Source::Make, ..coded(code) }, "HTTP module"),
            (
                FinishedRequest { format: PayloadFormat::Square, ..coded(code) },
                "registered at Square",
            ),
            (
                FinishedRequest { format: PayloadFormat::Wix, ..coded(code) },
                "this key's Settings name",
            ),
        ] {
            let todo = explain(&ended).todo.join(" ");
            assert!(todo.contains(named), "{named}: {todo}");
        }
    }

    #[test]
    fn the_detail_of_the_log_entry_is_part_of_the_explanation() {
        let noted = "It is signed under the previous secret.";
        let why =
            explain(&FinishedRequest { detail: Some(noted), ..coded(Code::SignatureInvalid) }).why;
        assert!(why.ends_with(&format!("Noted: {noted}")), "{why}");
    }
}
