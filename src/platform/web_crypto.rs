//! Verifies signatures with public keys, by the platform's WebCrypto.

use worker::js_sys::{Array, Object, Promise, Reflect, Uint8Array, futures::JsFuture};
use worker::wasm_bindgen::{JsValue, prelude::wasm_bindgen};

use tidegate_core::domain::signature::{Algorithm, PublicKeyCheck};

#[wasm_bindgen(wasm_bindgen = ::worker::wasm_bindgen)]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"], js_name = importKey)]
    fn import_key(
        format: &str,
        key: &Object,
        algorithm: &Object,
        extractable: bool,
        usages: &Array,
    ) -> Result<Promise, JsValue>;

    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"], js_name = verify)]
    fn verify(
        algorithm: &Object,
        key: &JsValue,
        signature: &Uint8Array,
        signed: &Uint8Array,
    ) -> Result<Promise, JsValue>;
}

/// Whether the key made the signature. An error means that the key cannot be used.
pub async fn check_holds(check: &PublicKeyCheck) -> Result<bool, JsValue> {
    let PublicKeyCheck { algorithm, key, signature, signed } = check;
    let format = match algorithm {
        Algorithm::Rs256 => "spki",
        Algorithm::Ed25519 => "raw",
    };
    signature_is_valid(*algorithm, format, &Uint8Array::from(&key[..]), signature, signed).await
}

/// Whether the key made the signature. The key may be in any format of WebCrypto.
pub async fn signature_is_valid(
    algorithm: Algorithm,
    format: &str,
    key: &Object,
    signature: &[u8],
    signed: &[u8],
) -> Result<bool, JsValue> {
    let name = match algorithm {
        Algorithm::Rs256 => "RSASSA-PKCS1-v1_5",
        Algorithm::Ed25519 => "Ed25519",
    };
    let algorithm = object([("name", name.into()), ("hash", "SHA-256".into())])?;
    let usages = Array::of1(&"verify".into());
    let key = JsFuture::from(import_key(format, key, &algorithm, false, &usages)?).await?;
    let (signature, signed) = (Uint8Array::from(signature), Uint8Array::from(signed));
    let valid = JsFuture::from(verify(&algorithm, &key, &signature, &signed)?).await?;
    Ok(valid.is_truthy())
}

/// A JavaScript object with these properties.
pub fn object<const N: usize>(properties: [(&str, JsValue); N]) -> Result<Object, JsValue> {
    let object = Object::new();
    for (name, value) in properties {
        Reflect::set(&object, &name.into(), &value)?;
    }
    Ok(object)
}
