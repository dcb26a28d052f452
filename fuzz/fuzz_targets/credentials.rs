//! Fuzzes the parsers of keys, key ids and other credentials. An accepted text is unchanged when
//! written again, and a key or key id is not accepted under another tag key.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_core::domain::credential::{ApiSecret, IntegrationKey, KeyId, TagKeys};
use tidegate_core::domain::id::{OrderId, RequestId, StoreId};
use tidegate_core::domain::idempotency::IdempotencyKey;

fn tag_keys(byte: &str) -> TagKeys {
    TagKeys::parse(&byte.repeat(32)).expect("a tag key")
}

fuzz_target!(|text: &str| {
    let (ours, other) = (tag_keys("5a"), tag_keys("a5"));
    if let Some(key) = IntegrationKey::parse(text, &ours) {
        assert_eq!(key.reveal(), text);
        assert!(IntegrationKey::parse(text, &other).is_none());
        assert_eq!(KeyId::mint(key.hash().gate(), &ours).gate(), Some(key.hash().gate()));
    }
    if let Some(secret) = ApiSecret::parse(text, &ours) {
        assert_eq!(secret.reveal(), text);
    }
    if let Some(id) = KeyId::parse(text, &ours) {
        assert_eq!(id.as_str(), text);
        assert!(id.gate().is_some());
        assert!(KeyId::parse(text, &other).is_none());
    }
    if let Some(id) = OrderId::parse(text) {
        assert_eq!(id.to_string(), text);
    }
    if let Some(id) = StoreId::parse(text) {
        assert_eq!(id.to_string(), text);
    }
    if let Some(id) = RequestId::parse(text) {
        assert_eq!(id.to_string(), text);
    }
    if let Some(key) = IdempotencyKey::parse(text) {
        assert_eq!(
            IdempotencyKey::parse(&format!("\"{key}\"")).is_some(),
            !key.as_str().contains(['"', '\\'])
        );
    }
    let _ = TagKeys::parse(text);
    // Mints a valid key from the same bytes, so that the parser sees valid input too.
    if let Some(random) = text.as_bytes().first_chunk::<20>() {
        let key = IntegrationKey::mint(random, &ours);
        assert!(IntegrationKey::parse(key.reveal(), &ours).is_some());
    }
});
