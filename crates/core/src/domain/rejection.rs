//! Every reason for which a request can be turned down, and the response to it.

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident = $text:literal, $status:literal, $title:literal;)*) => {
        /// A stable error code. Clients may branch on its text, whose meaning never changes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[$doc])* $code,)*
        }

        impl Code {
            pub const ALL: &[Self] = &[$(Self::$code,)*];

            /// The text in responses, logs and documentation.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$code => $text,)* }
            }

            /// The HTTP status of the response.
            pub const fn status(self) -> u16 {
                match self { $(Self::$code => $status,)* }
            }

            /// The title of the problem, the same for every occurrence (RFC 9457 §3.1.3).
            pub const fn title(self) -> &'static str {
                match self { $(Self::$code => $title,)* }
            }
        }
    };
}

codes! {
    /// The credential is missing, unknown, wrong or revoked.
    InvalidApiKey = "invalid_api_key", 401, "The API key is not valid";
    ApiKeyExpired = "api_key_expired", 401, "The API key has expired";
    KeyPaused = "key_paused", 403, "The API key is paused";
    /// A query string contains a secret key, which ends up in logs that way.
    KeyInQuery = "key_in_query", 400, "A secret key must not stand in a URL";
    SignatureMissing = "signature_missing", 401, "The request is not signed";
    SignatureInvalid = "signature_invalid", 401, "The signature does not match";
    SignatureExpired = "signature_expired", 401, "The signature has expired";
    RateLimited = "rate_limited", 429, "Too many requests";
    InsufficientScope = "insufficient_scope", 403, "The API key lacks a scope";
    /// The key is for another payload format than the path.
    WrongPayloadFormat = "wrong_payload_format", 403, "The API key is for another payload format";
    /// The user's role does not allow it.
    Forbidden = "forbidden", 403, "Not allowed for this role";
    InvalidJson = "invalid_json", 400, "The body is not valid JSON";
    UnsupportedMediaType = "unsupported_media_type", 415, "The content type is not supported";
    ValidationFailed = "validation_failed", 422, "Some fields are not valid";
    InvalidQuery = "invalid_query", 400, "A query parameter is not valid";
    PayloadTooLarge = "payload_too_large", 413, "The body is too large";
    InvalidIdempotencyKey = "invalid_idempotency_key", 400, "The Idempotency-Key is not valid";
    IdempotencyKeyReused = "idempotency_key_reused", 422, "The Idempotency-Key was used for another request";
    ExternalIdConflict = "external_id_conflict", 409, "The external id is taken";
    /// The state of the resource does not allow the request.
    InvalidState = "invalid_state", 409, "The current state does not allow this";
    NotFound = "not_found", 404, "Not found";
    MethodNotAllowed = "method_not_allowed", 405, "The method is not allowed here";
    /// The store's ledger did not answer in time.
    StoreUnavailable = "store_unavailable", 503, "The store is temporarily unavailable";
    /// The KeyGate or the catalogue did not answer in time.
    Unavailable = "unavailable", 503, "Temporarily unavailable";
    /// The parked events of the key fill their reserve.
    ReserveFull = "reserve_full", 503, "Too many events are parked";
    InternalError = "internal_error", 500, "Something went wrong on our side";
}

impl Code {
    /// Whether it concerns the validity of the credential, the signature or the rate limit. Such
    /// refusals are logged one by one only up to a cap, so that somebody who knows a webhook URL
    /// cannot flood a key's log.
    pub const fn is_refusal(self) -> bool {
        matches!(
            self,
            Self::InvalidApiKey
                | Self::ApiKeyExpired
                | Self::KeyPaused
                | Self::SignatureMissing
                | Self::SignatureInvalid
                | Self::SignatureExpired
                | Self::RateLimited
        )
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        let code = Self::ALL.iter().find(|code| code.as_str() == text);
        code.copied().ok_or_else(|| serde::de::Error::custom("not a code"))
    }
}

/// An error in one field of the body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// JSON Pointer (RFC 6901) into the body.
    pub pointer: String,
    /// A stable code: `required`, `invalid_type`, `unknown_field`, `total_mismatch`, …
    pub code: std::borrow::Cow<'static, str>,
    /// What is wrong, for people to read.
    pub detail: String,
}

/// The reason why a request was turned down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    pub code: Code,
    /// For the caller: what is wrong with this request and what to do about it.
    pub detail: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Seconds after which a retry makes sense.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
    /// The id of the resource that conflicts, e.g. of the order that already has this external id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflict: Option<String>,
    /// The current state of the resource, and the requested one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub states: Option<Box<(String, String)>>,
    /// For the operator's log only: never sent to the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagnosis: Option<String>,
}

impl Rejection {
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after: None,
            conflict: None,
            states: None,
            diagnosis: None,
        }
    }

    /// The rejection of a request whose KeyGate did not answer.
    pub fn key_gate_unavailable(retry_after_seconds: u32) -> Self {
        Self::new(Code::Unavailable, "The key's gate did not answer in time. Try again.")
            .retry_after(retry_after_seconds)
    }

    /// A rejection for invalid fields. `errors` must not be empty.
    pub fn fields(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [one] if one.pointer.is_empty() => format!("The body {}", one.detail),
            [one] => format!("{} {}", one.pointer, one.detail),
            many => format!("{} fields are not valid; see errors.", many.len()),
        };
        Self { errors, ..Self::new(Code::ValidationFailed, detail) }
    }

    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    #[must_use]
    pub fn conflicting_with(self, id: String) -> Self {
        Self { conflict: Some(id), ..self }
    }

    #[must_use]
    pub fn between(self, current: &str, wanted: &str) -> Self {
        Self { states: Some(Box::new((current.to_owned(), wanted.to_owned()))), ..self }
    }

    #[must_use]
    pub fn with_diagnosis(self, diagnosis: impl Into<String>) -> Self {
        Self { diagnosis: Some(diagnosis.into()), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique() {
        let mut texts: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), Code::ALL.len());
    }
}
