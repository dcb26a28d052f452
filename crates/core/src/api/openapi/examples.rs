//! The document's examples. Request bodies are accepted by the real readers. Responses are serialised
//! from the real response types, except where those types belong to the platform's code.

use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::api::clients::output::ClientOut;
use crate::api::orders::input::read_order;
use crate::api::orders::output::OrderOut;
use crate::api::payments::output::{PaymentOut, RefundOut};
use crate::api::problem;
use crate::domain::admission::invalid_key;
use crate::domain::author::Author;
use crate::domain::credential::{GateName, KeyId, TagKeys};
use crate::domain::id::{
    ApiKeyId, AuditId, ClientId, InviteId, Namespace, OrderId, PaymentId, RefundId, RequestId,
    SequenceId, StoreId, UserId, WorkspaceId,
};
use crate::domain::key::Source;
use crate::domain::money::Amount;
use crate::domain::order::{OrderStatus, PaymentStatus, ReportedPayment, ReportedRefund};
use crate::domain::payment::{Payment, PaymentDetail, Refund, RefundDetail};
use crate::domain::record::StoredOrder;
use crate::domain::rejection::{Code, Rejection};
use crate::domain::reported::SenderReported;
use crate::domain::time::Timestamp;
use crate::domain::transition::Action;

/// The time of everything in the examples.
pub fn now() -> Timestamp {
    Timestamp::from_millis(1_795_608_485_000)
}

pub fn time() -> String {
    now().to_rfc3339()
}

/// Tag keys that no deployment has.
pub fn tag_keys() -> TagKeys {
    TagKeys::parse(&"00".repeat(32)).expect("a tag key")
}

/// Bytes that depend on the label alone.
fn bytes<const N: usize>(label: &str) -> [u8; N] {
    let digest: [u8; 32] = Sha256::digest(label).into();
    digest[..N].try_into().expect("at most 32 bytes")
}

fn gate_name() -> GateName {
    GateName::from_bytes(bytes("gate"))
}

pub fn sequence_id() -> SequenceId {
    SequenceId::at(now())
}

pub fn key_id() -> KeyId {
    KeyId::mint(gate_name(), &tag_keys())
}

pub fn store_id() -> StoreId {
    StoreId::from_random(bytes("store"))
}

pub fn workspace_id() -> WorkspaceId {
    WorkspaceId::from_random(bytes("workspace"))
}

pub fn user_id() -> UserId {
    UserId::from_random(bytes("user"))
}

/// The author of the examples.
pub fn author() -> Author {
    Author::IntegrationKey(key_id())
}

pub fn api_key_id() -> ApiKeyId {
    ApiKeyId::from_random(bytes("api key"))
}

pub fn invite_id() -> InviteId {
    InviteId::from_random(bytes("invite"))
}

pub fn audit_id() -> AuditId {
    AuditId::from_random(bytes("audit"))
}

pub fn namespace() -> Namespace {
    Namespace::from_random(bytes("namespace"))
}

pub fn order_id() -> OrderId {
    OrderId::new(store_id(), sequence_id())
}

pub fn client_id() -> ClientId {
    ClientId::new(store_id(), sequence_id())
}

pub fn payment_id() -> PaymentId {
    PaymentId::new(store_id(), sequence_id())
}

pub fn refund_id() -> RefundId {
    RefundId::new(store_id(), sequence_id())
}

/// A request of [`key_id`].
pub fn request_id() -> RequestId {
    RequestId::new(gate_name(), sequence_id())
}

/// An order with the required fields only.
pub fn minimal_order() -> Value {
    json!({
        "external_id": "A-1",
        "currency": "USD",
        "lines": [{ "name": "Thing", "quantity": 2, "unit_price": "10.00" }],
        "total": "20.00",
    })
}

/// An order with every field.
pub fn full_order() -> Value {
    let address = json!({
        "name": "Zoë Example", "company": "Example Ltd", "line1": "1 High Street",
        "line2": "Flat 2", "city": "London", "region": "Greater London",
        "postal_code": "N1 1AA", "country": "GB", "phone": "+44 20 7946 0000",
    });
    json!({
        "external_id": "A-2",
        "number": "#1002",
        "status": "processing",
        "currency": "GBP",
        "placed_at": time(),
        "client": {
            "external_id": "C-7", "email": "zoe@example.com", "name": "Zoë Example",
            "phone": "+44 20 7946 0000",
        },
        "billing_address": address,
        "shipping_address": address,
        "lines": [{
            "external_id": "L-1", "sku": "TEA-500", "name": "Tea, loose", "quantity": "1.5",
            "unit_price": "12.00", "discount": "3.00", "tax": "3.00", "total": "15.00",
        }],
        "subtotal": "18.00",
        "discount_total": "4.00",
        "shipping_total": "4.50",
        "fee_total": "0.50",
        "tax_total": "3.00",
        "total": "22.00",
        "note": "Please ring twice.",
        "metadata": { "campaign": "autumn" },
    })
}

/// The stored form of [`full_order`].
fn stored_order() -> StoredOrder {
    let content = read_order(full_order().to_string().as_bytes(), now()).expect("an order");
    StoredOrder {
        id: order_id(),
        source: Source::Custom,
        created_by: author(),
        client_id: Some(client_id()),
        content,
        created: None,
        reported: SenderReported::default(),
        payments: Vec::new(),
        refunds: Vec::new(),
        created_at: now(),
        updated_at: now(),
    }
}

/// The same order after it was paid, and refunded in part.
pub fn paid_order() -> StoredOrder {
    let amount = |minor| Amount::from_minor(minor).expect("in range");
    let payment = Payment {
        id: payment_id(),
        order_id: order_id(),
        detail: PaymentDetail {
            payment: ReportedPayment {
                external_id: Some("P-1".to_owned()),
                method: Some("card".to_owned()),
                amount: amount(2_200),
                paid_at: Some(now()),
            },
            status: PaymentStatus::Completed,
            refunded: None,
            source: Source::Custom,
            created_by: author(),
        },
        command_hash: None,
        version: None,
    };
    let refund = Refund {
        id: refund_id(),
        order_id: order_id(),
        detail: RefundDetail {
            refund: ReportedRefund {
                external_id: Some("R-1".to_owned()),
                reason: Some("Damaged.".to_owned()),
                amount: amount(1_000),
            },
            status: PaymentStatus::Completed,
            payment_id: Some(payment_id()),
            payment: None,
            source: Source::Custom,
            created_by: author(),
        },
        command_hash: None,
        version: None,
    };
    StoredOrder { payments: vec![payment], refunds: vec![refund], ..stored_order() }
}

pub fn order() -> Value {
    serialized(&OrderOut::from(&stored_order()))
}

pub fn cancelled_order() -> Value {
    let mut order = stored_order();
    order.reported.local.status = Some(OrderStatus::Cancelled);
    order.reported.local.cancelled_at = Some(now());
    order.reported.local.cancel_reason = Some("The client changed their mind.".to_owned());
    serialized(&OrderOut::from(&order))
}

/// A payment that was just recorded.
pub fn payment() -> Value {
    let order = StoredOrder { refunds: Vec::new(), ..paid_order() };
    serialized(&PaymentOut::of(&order, &order.payments[0]))
}

pub fn refund() -> Value {
    let order = paid_order();
    serialized(&RefundOut::of(&order, &order.refunds[0]))
}

pub fn client() -> Value {
    let details = stored_order().content.client.expect("a client");
    serialized(&ClientOut::new(client_id(), &details, Some(&author()), now(), now()))
}

/// The response body as JSON.
pub fn serialized(response: &impl Serialize) -> Value {
    serde_json::to_value(response).expect("a response serialises")
}

/// The body of an error response with this code.
pub fn problem(code: Code) -> Value {
    let rejection = match code {
        Code::InvalidApiKey => invalid_key(),
        Code::ValidationFailed => {
            let mut order = minimal_order();
            order["total"] = json!("20.01");
            read_order(order.to_string().as_bytes(), now()).expect_err("a total that is wrong")
        }
        Code::InvalidJson => read_order(b"{", now()).expect_err("no JSON"),
        Code::InvalidState => {
            let refused = Action::Cancel.apply(OrderStatus::Completed);
            refused.expect_err("a completed order is not cancelled")
        }
        Code::ExternalIdConflict => Rejection::new(code, "The order has other content.")
            .conflicting_with(order_id().to_string()),
        code => Rejection::new(code, detail(code)),
    };
    let body = problem::body(&rejection, &request_id().to_string());
    serde_json::from_str(&body).expect("a problem is JSON")
}

/// A detail that a rejection with this code may have; empty for the codes whose rejections
/// [`problem`] takes from the domain.
const fn detail(code: Code) -> &'static str {
    match code {
        Code::InvalidApiKey
        | Code::ValidationFailed
        | Code::InvalidJson
        | Code::InvalidState
        | Code::ExternalIdConflict => "",
        Code::ApiKeyExpired => "This key expired at 2026-11-22T00:00:00Z. Mint a new one.",
        Code::KeyPaused => "This key is paused. An owner or admin of the workspace can resume it.",
        Code::KeyInQuery => "A secret key in a URL ends up in logs: revoke this one.",
        Code::SignatureMissing => "This key requires a signature.",
        Code::SignatureInvalid => {
            "The signature is not of this exact body under this key's signing secret."
        }
        Code::SignatureExpired => "The signed timestamp is more than 300 s from now.",
        Code::RateLimited => "This key may make 120 requests in any 60 seconds. Try again in 7 s.",
        Code::InsufficientScope => {
            "This key lacks the scope orders:write. Scopes are fixed when a key is minted."
        }
        Code::WrongPayloadFormat => {
            "This key is for the payload format woocommerce: use /integrations/v1/webhook/woocommerce."
        }
        Code::Forbidden => "Ask an owner or admin of the workspace.",
        Code::UnsupportedMediaType => {
            "Send the order as JSON with `Content-Type: application/json`."
        }
        Code::InvalidQuery => "The query parameter limit must be 1 to 100.",
        Code::PayloadTooLarge => "A body may have at most 1 MiB (1048576 bytes).",
        Code::InvalidIdempotencyKey => {
            "An Idempotency-Key has 1 to 255 visible ASCII characters, bare or in quotes."
        }
        Code::IdempotencyKeyReused => "This Idempotency-Key was used for another request.",
        Code::NotFound => "There is no such order.",
        Code::MethodNotAllowed => "/integrations/v1/orders takes POST.",
        Code::StoreUnavailable => "The store did not answer in time. Send the same request again.",
        Code::Unavailable => "The key's gate did not answer in time. Try again.",
        Code::ReserveFull => {
            "The parked events of this key fill their reserve. Retry or discard some."
        }
        Code::InternalError => "Something went wrong on our side.",
    }
}
