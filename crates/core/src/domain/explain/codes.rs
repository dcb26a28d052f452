//! Explanations of the error codes, for the person who connects a storefront.

use super::{Explanation, FinishedRequest};
use crate::domain::rejection::Code;
use crate::domain::sender::MintedSecret;

/// Explains a request that was turned down.
pub(super) fn explain_code(code: Code, ended: &FinishedRequest<'_>) -> Explanation {
    let minted = ended.minted_secret();
    let has_own_secret = ended.format.has_own_secret();
    let sender = ended.sender_title();
    let at = ended.source.profile().header_location;
    match code {
        Code::InvalidApiKey => Explanation::new(
            "The request was refused: its key is not one that may be used.",
            "The key has been revoked, or the header held another key than this one. A revoked key stays revoked.",
            &[
                "If you revoked this key, whoever still sends with it needs a new one: create a key and replace the old one there.",
                &match minted {
                    Some(MintedSecret { screen, url_field, secret_field, .. }) => format!(
                        "In {screen}, put the new key's {url_field} and {secret_field} into each webhook."
                    ),
                    None if has_own_secret => "Register the new key's URL at the sender in place of the old one, and paste the secret that it shows.".to_owned(),
                    None => {
                        "Send the new key as the header `Authorization: Bearer pck_int_…`.".to_owned()
                    }
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
                "Resume the key when requests should be taken again.",
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
        Code::SignatureMissing if let Some(minted) = minted => {
            let MintedSecret { screen, secret_field, .. } = minted;
            Explanation::new(
                "The delivery was refused: it carried no signature.",
                &format!(
                    "{sender} signs a delivery only where its webhook has a secret.{}",
                    is_lost(minted, sender),
                ),
                &[
                    &format!(
                        "In {screen}, open the webhook and paste this key's signing secret into {secret_field}."
                    ),
                    "Save, then change an order in the shop to send a new delivery.",
                ],
            )
        }
        Code::SignatureMissing if has_own_secret => Explanation::new(
            "The delivery was refused: it carried no signature of its sender.",
            "This sender signs every delivery of a webhook that is registered as the key's Settings say. One that is registered otherwise, or sent by somebody else, carries none.",
            &[ended.format.webhooks().and_then(|webhooks| webhooks.unsigned.step).unwrap_or(
                "Compare the webhook at the sender with the steps on this key's Settings.",
            )],
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
        Code::SignatureInvalid if let Some(minted) = minted => {
            let MintedSecret { screen, secret_field, .. } = minted;
            Explanation::new(
                "The delivery was refused: its signature does not match.",
                &format!(
                    "The webhook has another secret than this key, or something changed the body on its way.{}",
                    is_lost(minted, sender),
                ),
                &[
                    &format!(
                        "In {screen}, open the webhook, paste this key's signing secret into {secret_field}, and save. Every topic has its own webhook and its own {secret_field}."
                    ),
                    "If you do not have the secret any more, set a new one for this key first.",
                    "If the secret is right, look for a proxy or a plug-in that rewrites outgoing requests.",
                ],
            )
        }
        Code::SignatureInvalid if has_own_secret => Explanation::new(
            "The delivery was refused: its signature does not match the pasted secret.",
            "The sender signs with another secret than the one that this key has, or something changed the body on its way.",
            &[
                "Copy the secret at the sender once more, from the screen that this key's Settings name, and paste it there.",
                &if ended.format.signs_address() {
                    format!(
                        "Compare the URL as registered at {sender} with the one under Settings, letter by letter: {sender} signs it too."
                    )
                } else {
                    "If the secret is right, look for a proxy that rewrites requests on their way here.".to_owned()
                },
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
                "Create a key with the missing scope: orders:write for orders, clients:write for customers, payments:write and payments:refund for payments.",
                "Replace the key where the request is sent from.",
            ],
        ),
        Code::WrongPayloadFormat => Explanation::new(
            "The request was turned down: it went to the path of another payload format.",
            "Each key understands one payload format, and each format has its own path.",
            &[
                &match minted {
                    Some(MintedSecret { url_field, .. }) => format!(
                        "This key takes {sender} webhooks: use its {url_field}, which ends in /webhook/{}/ and the key's id.",
                        ended.format,
                    ),
                    None if has_own_secret => "This key takes its sender's own webhooks: use the webhook URL under Settings.".to_owned(),
                    None => {
                        "This key takes the gateway's own JSON: POST to /integrations/v1/orders.".to_owned()
                    }
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
                "Look at the body that the request log has kept, and run it through a JSON checker.",
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
                "Look at the answer: `errors` names every such field by its path and says what is wrong with it.",
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
            &["Compare the path with the one in the console, letter by letter."],
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

/// A sentence about a refused delivery that will not come again.
fn is_lost(minted: MintedSecret, sender: &str) -> String {
    match minted.redelivers {
        true => String::new(),
        false => format!(" {sender} never sends a delivery again."),
    }
}
