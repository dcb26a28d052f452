//! Why a request ended as it did and what to do about it, for whoever connects a storefront. Says
//! which setting or header it is, in the words of the sender's own screens.

use super::key::{PayloadFormat, Source};
use super::log::Outcome;
use super::parked::{ParkReason, Retry};
use super::rejection::Code;

/// What is known of a request that ended.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    pub outcome: Outcome,
    pub error_code: Option<Code>,
    /// The text of its log entry. For a parked event it begins with the reason.
    pub detail: Option<&'a str>,
    pub source: Source,
    pub format: PayloadFormat,
}

/// An explanation in plain words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What happened.
    pub what: String,
    /// Why it did.
    pub why: String,
    /// What to do, in this order; one step says so where nothing is to be done.
    pub todo: Vec<String>,
}

impl Explanation {
    fn new(what: &str, why: &str, todo: &[&str]) -> Self {
        let todo = todo.iter().map(|step| (*step).to_owned()).collect();
        Self { what: what.to_owned(), why: why.to_owned(), todo }
    }
}

/// Where a WooCommerce webhook is set up.
const WEBHOOKS: &str = "WooCommerce → Settings → Advanced → Webhooks";

/// Explains how a request ended.
pub fn explain(ended: &Ended<'_>) -> Explanation {
    let mut explanation = match (ended.error_code, parked_for(ended)) {
        (Some(code), _) => of_code(code, ended),
        (None, Some(reason)) => of_reason(reason),
        (None, None) => of_outcome(ended),
    };
    // The entry of the log says what was wrong with this very request.
    if let (Some(_), Some(detail)) = (ended.error_code, ended.detail) {
        explanation.why = format!("{} Noted: {detail}", explanation.why);
    }
    explanation
}

/// The reason that the entry of a parked event, or of its retry, begins with.
fn parked_for(ended: &Ended<'_>) -> Option<ParkReason> {
    if ended.outcome != Outcome::Parked {
        return None;
    }
    let detail = ended.detail?;
    let detail = match detail.strip_prefix("Retry of ") {
        Some(retry) => retry.split_once(". ")?.1,
        None => detail,
    };
    ParkReason::parse(detail.split(':').next()?.trim())
}

/// Where the sender of a request sets its headers.
const fn headers_are_set(source: Source) -> &'static str {
    match source {
        Source::Zapier => "in the Zap, in the step “Webhooks by Zapier”, under Headers",
        Source::Make => "in the scenario, in the HTTP module, under Headers",
        Source::Custom
        | Source::WooCommerce
        | Source::Shopify
        | Source::Square
        | Source::BigCommerce
        | Source::StripeCheckout
        | Source::Squarespace
        | Source::Wix
        | Source::Webflow
        | Source::Other => "in the code that sends the request",
    }
}

fn of_code(code: Code, ended: &Ended<'_>) -> Explanation {
    let is_woocommerce = matches!(ended.format, PayloadFormat::WooCommerce);
    let at = headers_are_set(ended.source);
    match code {
        Code::InvalidApiKey => Explanation::new(
            "The request was refused: its key is not one that may be used.",
            "The key has been revoked, or the header held another key than this one. A revoked key stays revoked.",
            &[
                "If you revoked this key, whoever still sends with it needs a new one: create a key and replace the old one there.",
                if is_woocommerce {
                    "In WooCommerce → Settings → Advanced → Webhooks, put the new key's Delivery URL and Secret into each webhook."
                } else {
                    "Send the new key as the header `Authorization: Bearer pck_int_…`."
                },
            ],
        ),
        Code::ApiKeyExpired => Explanation::new(
            "The request was refused: the key has expired.",
            "The key was created with an end date, and that date has passed. It cannot be extended.",
            &[
                "Rotate the key to get one with the same settings.",
                "Put the new key, its URL and its secret where the old ones are.",
            ],
        ),
        Code::KeyPaused => Explanation::new(
            "The request was refused: the key is paused.",
            "An owner or admin paused this key, so that nothing is written with it.",
            &[
                "Resume the key on this page when requests should be taken again.",
                "Send the refused requests again: they have had no effect.",
            ],
        ),
        Code::KeyInQuery => Explanation::new(
            "The request was refused: a secret key stood in its URL.",
            "URLs end up in logs and histories, so the key must count as known to others.",
            &[
                "Revoke this key and create a new one.",
                "Take the key out of the URL and send it as the header `Authorization: Bearer pck_int_…`; a webhook's URL takes the public key id instead, `?key=key_…`.",
            ],
        ),
        Code::SignatureMissing if is_woocommerce => Explanation::new(
            "The delivery was refused: it carried no signature.",
            "WooCommerce signs a delivery only where its webhook has a secret. WooCommerce never sends a delivery again.",
            &[
                &format!(
                    "In {WEBHOOKS}, open the webhook and paste this key's signing secret into Secret."
                ),
                "Save, then change an order in the shop to send a new delivery.",
            ],
        ),
        Code::SignatureMissing => Explanation::new(
            "The request was refused: it carried no signature.",
            "This key requires a signature, so that nobody who only knows the key can send orders with it.",
            &[
                &format!(
                    "Send the header `X-Pck-Signature: sha256=` followed by the hex HMAC-SHA256 of the exact body under the key's signing secret, {at}."
                ),
                "Where the sender cannot compute a signature, create a key that does not require one.",
            ],
        ),
        Code::SignatureInvalid if is_woocommerce => Explanation::new(
            "The delivery was refused: its signature does not match.",
            "The webhook has another secret than this key, or something changed the body on its way. WooCommerce never sends a delivery again.",
            &[
                &format!(
                    "In {WEBHOOKS}, open the webhook, paste this key's signing secret into Secret, and save. Every topic has its own webhook and its own Secret."
                ),
                "If you do not have the secret any more, set a new one for this key first.",
                "If the secret is right, look for a proxy or a plug-in that rewrites outgoing requests.",
            ],
        ),
        Code::SignatureInvalid => Explanation::new(
            "The request was refused: its signature does not match.",
            "The signature was made with another secret, of another body than the one that was sent, or written in another form.",
            &[
                "Sign the exact bytes that are sent: make the body once, sign it, and send that same text.",
                &format!(
                    "Send the header `X-Pck-Signature: sha256=<hex>` {at}; the key of the HMAC is the signing secret as text."
                ),
                "If the secret may be wrong, set a new one for this key.",
            ],
        ),
        Code::SignatureExpired => Explanation::new(
            "The request was refused: its signature is too old, or from the future.",
            "A signature with a time counts for 300 seconds. The sender's clock is wrong, or the request was held up on its way.",
            &[
                "Set the sender's clock by NTP.",
                "Sign each attempt anew: `t=` (or `webhook-timestamp`) is the time of sending in seconds.",
            ],
        ),
        Code::RateLimited => Explanation::new(
            "The request was refused: too many came within a minute.",
            "The key's limit of requests in any 60 seconds was used up. A refused request takes nothing from the limit.",
            &[
                "Wait as long as the header `Retry-After` says and send the same request again.",
                "If this happens in normal use, rotate the key to one with a higher limit; 6,000 a minute is the most.",
            ],
        ),
        Code::InsufficientScope => Explanation::new(
            "The request was turned down: the key may not do this.",
            "The key lacks the scope that this request needs, and the scopes of a key never change.",
            &[
                "Create a key with the missing scope: orders:write for orders, clients:write for customers.",
                "Replace the key where the request is sent from.",
            ],
        ),
        Code::WrongPayloadFormat => Explanation::new(
            "The request was turned down: it went to the path of another payload format.",
            "Each key understands one payload format, and each format has its own path.",
            &[
                if is_woocommerce {
                    "This key takes WooCommerce webhooks: use its Delivery URL, which ends in /webhook/woocommerce/ and the key's id."
                } else {
                    "This key takes the gateway's own JSON: POST to /integrations/v1/orders."
                },
                "For the other format, create another key.",
            ],
        ),
        Code::Forbidden => Explanation::new(
            "It was turned down: the user's role does not allow it.",
            "Only owners and admins of a workspace may do this.",
            &["Ask an owner or admin to do it, or to change the role under Settings → Team."],
        ),
        Code::InvalidJson => Explanation::new(
            "The request was turned down: its body is not JSON.",
            "The body could not be read as JSON: it is cut off, empty, or written in another format.",
            &[
                "Look at the kept body below and run it through a JSON checker.",
                "Build the body with a JSON library rather than by joining text: quotation marks in names and notes break it otherwise.",
            ],
        ),
        Code::UnsupportedMediaType => Explanation::new(
            "The request was turned down: its content type is not supported.",
            "The body must be declared as JSON.",
            &[&format!("Send the header `Content-Type: application/json`, {at}.")],
        ),
        Code::ValidationFailed => Explanation::new(
            "The order was turned down: some of its fields are not valid.",
            "The body is JSON, but fields are missing, unknown, of the wrong type, or do not add up.",
            &[
                "Look at the answer below: `errors` names every such field by its path and says what is wrong with it.",
                "Mend them all and send the order again; the same Idempotency-Key may be used.",
            ],
        ),
        Code::InvalidQuery => Explanation::new(
            "The request was turned down: its URL has a query parameter that is not valid.",
            "A parameter that is unknown or malformed is refused rather than ignored.",
            &[
                "Take everything after the question mark out of the URL, or write the parameter as documented.",
            ],
        ),
        Code::PayloadTooLarge => Explanation::new(
            "The request was turned down: its body is too large.",
            "A body may have at most 1 MiB.",
            &["Send one order per request, without files or images in it."],
        ),
        Code::InvalidIdempotencyKey => Explanation::new(
            "The request was turned down: its Idempotency-Key is not valid.",
            "An Idempotency-Key has 1 to 255 visible ASCII characters, bare or in quotation marks.",
            &[&format!("Use a UUID or the order's own id as the header `Idempotency-Key`, {at}.")],
        ),
        Code::IdempotencyKeyReused => Explanation::new(
            "The request was turned down: its Idempotency-Key belongs to another request.",
            "The same key came within 30 days with another path or body, so one of the two would have been lost.",
            &[
                "Use a new Idempotency-Key for every order, and the same one only to repeat the same order.",
                "If the order was changed on purpose, send it with a new Idempotency-Key.",
            ],
        ),
        Code::ExternalIdConflict => Explanation::new(
            "The order was turned down: another order has its external id.",
            "This key has brought an order with the same `external_id` and other content. Orders are never overwritten.",
            &[
                "Open the order that the answer names and compare.",
                "Send an order that is new with an `external_id` of its own.",
            ],
        ),
        Code::InvalidState => Explanation::new(
            "It was turned down: it does not fit the state that things are in.",
            "What was asked for was possible only earlier, or is being done at this moment.",
            &["Look at the present state and ask again if it still makes sense."],
        ),
        Code::NotFound => Explanation::new(
            "What was asked for does not exist.",
            "The path or the id names nothing that this key can see.",
            &["Compare the path with the one on the key's page, letter by letter."],
        ),
        Code::MethodNotAllowed => Explanation::new(
            "The request was turned down: this path does not take its method.",
            "Orders and webhooks are sent with POST. A redirect on the way turns POST into GET.",
            &[
                "Send POST.",
                "Use the URL exactly as shown, with https and without a slash at the end, so that nothing redirects it.",
            ],
        ),
        Code::StoreUnavailable => Explanation::new(
            "The request failed: the store did not answer in time.",
            "It was our side; nothing was wrong with the request.",
            &[
                "Send the same request again, with the same Idempotency-Key or external_id: it takes effect once.",
            ],
        ),
        Code::Unavailable => Explanation::new(
            "The request failed: the gateway was not ready for this key.",
            "It was our side, and usually lasts for seconds.",
            &["Send the same request again as soon as the header `Retry-After` says."],
        ),
        Code::ReserveFull => Explanation::new(
            "The delivery failed: the parked events of this key fill their reserve.",
            "Up to 1 GiB of events can wait for each key, and none is ever dropped to make room. The sender may not send this one again.",
            &[
                "Open the parked events of this key and retry or discard them.",
                "Resolve what they wait for, so that new ones are not parked too.",
            ],
        ),
        Code::InternalError => Explanation::new(
            "The request failed: something went wrong on our side.",
            "It is a fault of the gateway, not of the request.",
            &[
                "Send the same request again, with the same Idempotency-Key or external_id.",
                "If it fails again, tell your operator the request id.",
            ],
        ),
    }
}

fn of_outcome(ended: &Ended<'_>) -> Explanation {
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
            &[&format!(
                "Nothing is to be done. To stop such deliveries, delete their webhook in {WEBHOOKS}."
            )],
        ),
        Outcome::Parked => Explanation::new(
            "The event is kept with its body, to be applied later.",
            "It could not be applied when it arrived. Nothing of it is lost.",
            &["Open the parked events of this key: each says what it waits for."],
        ),
        Outcome::Ping => Explanation::new(
            "The shop tried whether the delivery URL answers.",
            "WooCommerce sends such a ping when a webhook is saved. It is not signed and changes nothing.",
            &["Nothing is to be done. Whether the secret is right shows with the first signed delivery: change an order in the shop."],
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

fn of_reason(reason: ParkReason) -> Explanation {
    let what = match reason.retry() {
        Retry::Alarm => "The event is parked and will be tried again by itself.",
        Retry::OnResume => "The event is parked until the key is resumed.",
        Retry::OnParent => "The event is parked until what it changes arrives.",
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
            "The key lacks the scope for this topic: orders need orders:write, customers clients:write. The scopes of a key never change.",
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

    fn ended(outcome: Outcome) -> Ended<'static> {
        Ended {
            outcome,
            error_code: None,
            detail: None,
            source: Source::Custom,
            format: PayloadFormat::Gateway,
        }
    }

    fn shop(outcome: Outcome) -> Ended<'static> {
        let (source, format) = (Source::WooCommerce, PayloadFormat::WooCommerce);
        Ended { source, format, ..ended(outcome) }
    }

    fn coded(code: Code) -> Ended<'static> {
        Ended { error_code: Some(code), ..ended(Outcome::of(code)) }
    }

    #[test]
    fn every_end_has_an_explanation_of_its_own_with_something_to_do() {
        let outcomes = Outcome::ALL.map(|outcome| explain(&ended(outcome)));
        let codes = Code::ALL.iter().map(|code| explain(&coded(*code)));
        let reasons = ParkReason::ALL.map(|reason| {
            explain(&Ended { detail: Some(reason.as_str()), ..shop(Outcome::Parked) })
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
        // Reasons that are retried in the same way say the same of what happens.
        let others = all.len() - ParkReason::ALL.len();
        let whats: HashSet<_> = all.iter().take(others).map(|other| &other.what).collect();
        assert_eq!(whats.len(), others);
    }

    #[test]
    fn a_wrong_signature_is_explained_by_the_senders_own_setting() {
        let code = Code::SignatureInvalid;
        for (ended, named) in [
            (Ended { error_code: Some(code), ..shop(Outcome::Refused) }, "Advanced → Webhooks"),
            (coded(code), "X-Pck-Signature"),
            (Ended { source: Source::Zapier, ..coded(code) }, "Webhooks by Zapier"),
            (Ended { source: Source::Make, ..coded(code) }, "HTTP module"),
        ] {
            let todo = explain(&ended).todo.join(" ");
            assert!(todo.contains(named), "{named}: {todo}");
        }
    }

    #[test]
    fn what_was_noted_of_this_very_request_is_told() {
        let noted = "It is signed under the previous secret.";
        let why = explain(&Ended { detail: Some(noted), ..coded(Code::SignatureInvalid) }).why;
        assert!(why.ends_with(&format!("Noted: {noted}")), "{why}");
    }

    #[test]
    fn the_reason_of_a_parked_event_is_read_from_its_entry_and_from_that_of_its_retry() {
        let plain = explain(&Ended { detail: Some("parent_unknown"), ..shop(Outcome::Parked) });
        for detail in [
            "parent_unknown: order 15 has not arrived yet",
            "Retry of req_abc. parent_unknown: order 15 has not arrived yet",
        ] {
            assert_eq!(explain(&Ended { detail: Some(detail), ..shop(Outcome::Parked) }), plain);
        }
        let unknown = explain(&Ended { detail: Some("other"), ..shop(Outcome::Parked) });
        assert_eq!(unknown, explain(&shop(Outcome::Parked)));
        assert_ne!(unknown, plain);
    }
}
