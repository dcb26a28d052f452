//! Fuzzes the signature verification of every dialect. No made-up signature verifies, and a right one
//! does.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_core::domain::headers::Headers;
use tidegate_core::domain::key::PayloadFormat;
use tidegate_core::domain::secret::SigningSecret;
use tidegate_core::domain::signature::{
    diagnose, diagnose_native, public_key_checks, sign_own, verify_api, verify_native, verify_time,
};
use tidegate_core::domain::time::Timestamp;

const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);

// The input is three header values and the body, separated by NUL, which no header can contain.
fuzz_target!(|data: &[u8]| {
    let mut parts = data.splitn(4, |byte| *byte == 0);
    let mut text = || String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let (first, second, third) = (text(), text(), text());
    let body = parts.next().unwrap_or_default();
    let secrets = [
        SigningSecret::mint(&[7; 32]),
        SigningSecret::unsealed("whsec_AAECAwQFBgcICQoLDA0ODw==".to_owned()),
    ];
    // A public key in the form that Wix uses, and one in the form of Standard Webhooks.
    let public_keys =
        ["MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A", "whpk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="]
            .map(|text| SigningSecret::unsealed(text.to_owned()));
    let _ = diagnose(&first, &secrets[..1], &secrets[1..], body);
    let own = Headers::from([("x-pck-signature", first.as_str())]);
    assert!(verify_api(&own, &secrets, body, NOW).is_err());
    let webhook = Headers::from([
        ("webhook-id", first.as_str()),
        ("webhook-timestamp", second.as_str()),
        ("webhook-signature", third.as_str()),
    ]);
    assert!(verify_api(&webhook, &secrets, body, NOW).is_err());
    for format in PayloadFormat::ALL {
        let mut values = [first.as_str(), &second, &third].into_iter().cycle();
        let names = format.webhooks().map_or(&[][..], |webhooks| webhooks.headers);
        let headers = Headers::read(names.iter().copied(), |_| values.next().map(str::to_owned));
        let url = Some("https://api.example.com/integrations/v1/webhook/square/key_x");
        assert!(verify_native(*format, &headers, url, &secrets, body, NOW).is_err(), "{format}");
        let _ = diagnose_native(*format, &headers, url, &secrets[..1], &secrets[1..], body);
        let checks = public_key_checks(*format, &headers, &public_keys, body);
        assert!(checks.len() <= 64, "{format}: {} checks of one delivery", checks.len());
        let _ = verify_time(*format, &headers, body, NOW);
    }
    let right = sign_own(&secrets[0], body);
    let right = Headers::from([("x-pck-signature", right.as_str())]);
    assert_eq!(verify_api(&right, &secrets, body, NOW), Ok(()));
});
