//! Signatures against vectors that others made: WooCommerce 9.9.5 itself, and the test suites of
//! the Standard Webhooks libraries. `hmac_sha256` is this file's own, so that a mistake in the
//! verifier cannot hide behind a helper of its own crate.

use std::fs;
use std::path::PathBuf;

use data_encoding::BASE64;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use tidegate::domain::headers::Headers;
use tidegate::domain::secret::SigningSecret;
use tidegate::domain::signature::{SignatureError, verify_api, verify_woocommerce};
use tidegate::domain::time::Timestamp;

fn secret(text: &str) -> SigningSecret {
    SigningSecret::unsealed(text.to_owned())
}

fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().into()
}

mod woocommerce {
    use super::*;

    /// Captured: what WooCommerce signed, its bodies byte for byte in the fixtures.
    const SECRET: &str = "2f9c1d7e4b8a60533c1f0e9d8b7a6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b";
    const DELIVERIES: [(&str, usize, &str); 14] = [
        ("order.created", 4116, "k7X/vzoR+CExtgbgB2OQz4WG/ofE3vEiigNKTdJYkPc="),
        (
            "order.updated.same_body_as_created",
            4116,
            "k7X/vzoR+CExtgbgB2OQz4WG/ofE3vEiigNKTdJYkPc=",
        ),
        ("order.updated.partial_refund", 4280, "lsVKpUq1PzLrFuK5jLe/IwwZKEMfmZaTD+HFsTGKSVA="),
        ("order.updated.full_refund", 4352, "KEJTAssNhP/T1Ne2EsstyKpH4kMczE6+WzNvn6SATv8="),
        ("order.deleted", 9, "KhNxGM9IkeQvMWXOgMB532RNPyhvofmU1lLFTOO0zQE="),
        ("customer.created", 1148, "/8tJDcY8B+yH6ljzmhAw6mg9EYQ8I8Myhi22y17+k9k="),
        ("customer.deleted", 8, "61IYlfa7BPNIqLejC7CfS65SWaA95nH5/5JlbER+dwY="),
        ("product.updated", 1989, "ehmO+2JXAHgU7CPJ935cYDmPeHH08ibMvP7FxcJDOB8="),
        ("coupon.created", 903, "A1wgHaWGZNTu9XXZaPNpDBTj6G4XOkp+sPjlehZO8os="),
        ("action.woocommerce_order_refunded", 48, "Abm74bWqN54LSyLvj7V/JhTXLZBsD2g/bIXgyuaPkDU="),
        ("order.created.gone_before_delivery", 95, "sENnoJEDFKSkC3jawdUE4h/vJuRxh4loNz2Gc6OCXR0="),
        (
            "order.updated.checkout_draft_before_created",
            3099,
            "C1y7I9YRxoi7bTi6D7iPFYMzWD4+oGLJYgjKL3+eo+k=",
        ),
        ("order.created.block_checkout", 3207, "ywkoZhdBH59v106GhqmMtFbojrAkiR0HJ/zWM68L5ns="),
        ("order.created.150_line_items", 55238, "EMWnLYZILpFWDBY+KqUQRA+CyTswvhTweYfy9voBvro="),
    ];

    fn body(name: &str) -> Vec<u8> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/woocommerce");
        fs::read(folder.join(format!("{name}.json"))).unwrap()
    }

    #[test]
    fn every_captured_delivery_verifies_over_its_exact_bytes() {
        for (name, bytes, signature) in DELIVERIES {
            let mut body = body(name);
            assert_eq!(body.len(), bytes, "{name}");
            let secrets = [secret(SECRET)];
            assert_eq!(verify_woocommerce(Some(signature), &secrets, &body), Ok(()), "{name}");
            body.push(b'\n');
            assert_eq!(
                verify_woocommerce(Some(signature), &secrets, &body),
                Err(SignatureError::Mismatch),
                "{name} with a line break more"
            );
        }
    }

    #[test]
    fn every_signed_request_on_the_wire_verifies_under_its_own_secret() {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/woocommerce");
        let wire = fs::read_to_string(folder.join("wire.jsonl")).unwrap();
        let mut signed = 0;
        for line in wire.lines() {
            let request: serde_json::Value = serde_json::from_str(line).unwrap();
            let signature = request["headers"].as_array().unwrap().iter().find_map(|header| {
                let name = header[0].as_str()?;
                name.eq_ignore_ascii_case("x-wc-webhook-signature").then(|| header[1].as_str())?
            });
            let Some(signature) = signature else { continue };
            let body = BASE64.decode(request["body_b64"].as_str().unwrap().as_bytes()).unwrap();
            let secrets = [secret(request["secret"].as_str().unwrap())];
            assert_eq!(verify_woocommerce(Some(signature), &secrets, &body), Ok(()), "{line}");
            signed += 1;
        }
        assert_eq!((wire.lines().count(), signed), (81, 59));
    }

    #[test]
    fn a_secret_is_text_and_not_hex() {
        let body = body("order.deleted");
        let digest = hmac_sha256(&hex::decode(SECRET).unwrap(), &body);
        assert_eq!(
            verify_woocommerce(Some(&BASE64.encode(&digest)), &[secret(SECRET)], &body),
            Err(SignatureError::Mismatch)
        );
    }

    /// Captured from `WC_Webhook::generate_signature`.
    #[test]
    fn odd_secrets_verify_as_woocommerce_uses_them() {
        for (text, signature) in [
            ("a&b<c>d\"e'f", "foZqn443eM0Qybd/duMHEYvbix+l74FOgX4hnUJ+Jpw="),
            ("a&amp;b&lt;c&gt;d&quot;e&#039;f", "foZqn443eM0Qybd/duMHEYvbix+l74FOgX4hnUJ+Jpw="),
            ("p\u{e4}ssw\u{f6}rd \u{1f511}", "VfMSMGZFUhOhD6Ozaz2bVtiJtllpxhuloav728JEXU4="),
            (" lead trail ", "btQIDubKVRpEn7EAjZJQAKVMy4uKd3SCrrDSs+hkZZ8="),
        ] {
            let pasted = SigningSecret::pasted(text).expect(text);
            assert_eq!(
                verify_woocommerce(Some(signature), &[pasted], b"{\"id\":1}"),
                Ok(()),
                "{text}"
            );
        }
    }

    /// WooCommerce signs with an empty key where no secret is set: anybody can do that.
    #[test]
    fn a_signature_under_the_empty_secret_is_refused() {
        const EMPTY: &str = "OH4HrEMyI2Gyl0Nx9AtqhHOTI11vM8Vi/iDRBFu925g=";
        let body = b"{\"id\":1}";
        assert_eq!(EMPTY, BASE64.encode(&hmac_sha256(b"", body)), "the vector is what it says");
        assert!(SigningSecret::pasted("").is_none());
        for secrets in [&[secret("")][..], &[], &[secret(SECRET)]] {
            assert_eq!(
                verify_woocommerce(Some(EMPTY), secrets, body),
                Err(SignatureError::Mismatch)
            );
        }
    }

    #[test]
    fn what_is_no_signature_is_refused() {
        let secrets = [secret(SECRET)];
        let body = body("order.deleted");
        assert_eq!(verify_woocommerce(None, &secrets, &body), Err(SignatureError::Missing));
        let right = "KhNxGM9IkeQvMWXOgMB532RNPyhvofmU1lLFTOO0zQE=";
        let hex = hex::encode(BASE64.decode(right.as_bytes()).unwrap());
        for malformed in ["", "=", "KhNxGM9I", right.trim_end_matches('='), hex.as_str()] {
            assert_eq!(
                verify_woocommerce(Some(malformed), &secrets, &body),
                Err(SignatureError::Malformed),
                "{malformed:?}"
            );
        }
    }

    #[test]
    fn any_of_several_secrets_will_do() {
        let body = body("order.deleted");
        let signature = "KhNxGM9IkeQvMWXOgMB532RNPyhvofmU1lLFTOO0zQE=";
        let secrets = [secret("another secret"), secret(SECRET)];
        assert_eq!(verify_woocommerce(Some(signature), &secrets, &body), Ok(()));
    }
}

mod standard_webhooks {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const AT: i64 = 1_614_265_330;
    const BODY: &str = "{\"test\": 2432232314}";
    const RIGHT: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    const WRONG: &str = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=";

    /// A delivery, and what the verifier makes of it.
    struct Delivery<'a> {
        secret: &'a str,
        id: Option<&'a str>,
        timestamp: Option<&'a str>,
        signature: Option<&'a str>,
        body: &'a str,
        now: i64,
    }

    impl Default for Delivery<'_> {
        fn default() -> Self {
            Self {
                secret: SECRET,
                id: Some(ID),
                timestamp: Some("1614265330"),
                signature: Some(RIGHT),
                body: BODY,
                now: AT,
            }
        }
    }

    impl Delivery<'_> {
        fn verified(&self) -> Result<(), SignatureError> {
            let headers = Headers::read_api(|name| {
                let value = match name {
                    "webhook-id" => self.id,
                    "webhook-timestamp" => self.timestamp,
                    "webhook-signature" => self.signature,
                    _ => None,
                };
                value.map(str::to_owned)
            });
            let now = Timestamp::from_seconds(self.now);
            verify_api(&headers, &[secret(self.secret)], self.body.as_bytes(), now)
        }
    }

    #[test]
    fn the_published_vector_verifies_with_and_without_the_prefix() {
        assert_eq!(Delivery::default().verified(), Ok(()));
        let bare = SECRET.strip_prefix("whsec_").unwrap();
        assert_eq!(Delivery { secret: bare, ..Delivery::default() }.verified(), Ok(()));
    }

    #[test]
    fn one_right_signature_among_others_is_enough() {
        let list = format!("{WRONG} {} {RIGHT} {WRONG}", WRONG.replace("v1,", "v2,"));
        assert_eq!(Delivery { signature: Some(&list), ..Delivery::default() }.verified(), Ok(()));
    }

    #[test]
    fn the_derived_vectors_verify() {
        let contact = r#"{"type":"contact.created","timestamp":"2022-11-03T20:26:10.344522Z","data":{"id":"1f81eb52-5198-4599-803e-771906343485"}}"#;
        let contact = Delivery {
            id: Some("msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"),
            timestamp: Some("1674087231"),
            signature: Some("v1,ARw42xaAApl/nxRo+iPGYwSaMQaOwMo2eyH5JBRA+bQ="),
            body: contact,
            now: 1_674_087_231,
            ..Delivery::default()
        };
        let empty = Delivery {
            signature: Some("v1,v48jdbgvh29KJz2Qc+ghw8G6vG3nAKnujWBg8oM/62A="),
            body: "",
            ..Delivery::default()
        };
        let utf8 = Delivery {
            signature: Some("v1,NcXQY2E/y7+Z4os/rW+sCT+ElsxC1a+Rc9heCfcuYUc="),
            body: "{\"name\":\"Zo\u{eb} \u{1f6aa}\"}",
            ..Delivery::default()
        };
        for delivery in [contact, empty, utf8] {
            assert_eq!(delivery.verified(), Ok(()), "{}", delivery.body);
        }
    }

    /// Keys as Python's base64 decodes them once the padding is put back.
    #[test]
    fn a_secret_pasted_without_its_padding_verifies() {
        for (text, signature) in [
            ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", "v1,LVOXivKoo4FWasi/IaHvzhE/u+7/cu2AME+zS/nXqzk="),
            (
                "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwBr",
                "v1,yK2tMbA6BHPrMEJ1lLv7UlJJbgFoqGenJkiajZ29evg=",
            ),
        ] {
            for secret in [text.to_owned(), format!("whsec_{text}")] {
                let delivery =
                    Delivery { secret: &secret, signature: Some(signature), ..Delivery::default() };
                assert_eq!(delivery.verified(), Ok(()), "{secret}");
            }
        }
    }

    #[test]
    fn what_is_not_the_signature_is_refused() {
        let start = &RIGHT[..RIGHT.len().min(3 + 8)];
        let version_2 = RIGHT.replace("v1,", "v2,");
        let asymmetric = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";
        let without_version = RIGHT.strip_prefix("v1,").unwrap();
        for signature in [
            "",
            "v1,",
            "v1,dawfeoifkpqwoekfpqoekf",
            start,
            version_2.as_str(),
            asymmetric,
            WRONG,
            without_version,
        ] {
            let refused = Delivery { signature: Some(signature), ..Delivery::default() }.verified();
            assert_eq!(refused, Err(SignatureError::Mismatch), "{signature:?}");
        }
    }

    #[test]
    fn another_id_time_or_body_is_refused() {
        for delivery in [
            Delivery { id: Some("msg_p5jXN8AQM9LWM0D4loKWxJel"), ..Delivery::default() },
            Delivery { timestamp: Some("1614265331"), ..Delivery::default() },
            Delivery { body: "{\"test\":2432232314}", ..Delivery::default() },
        ] {
            assert_eq!(delivery.verified(), Err(SignatureError::Mismatch));
        }
    }

    #[test]
    fn a_timestamp_counts_for_300_seconds_either_way() {
        for off in [-300, -1, 0, 1, 300] {
            let delivery = Delivery { now: AT + off, ..Delivery::default() };
            assert_eq!(delivery.verified(), Ok(()), "{off} s");
        }
        for off in [-301, 301, -100_000, 100_000] {
            let delivery = Delivery { now: AT + off, ..Delivery::default() };
            assert_eq!(delivery.verified(), Err(SignatureError::Expired), "{off} s");
        }
    }

    #[test]
    fn what_is_no_timestamp_is_refused_even_where_it_is_signed() {
        let key = BASE64.decode(SECRET.strip_prefix("whsec_").unwrap().as_bytes()).unwrap();
        for timestamp in ["hello", "", "-1614265330", "+1614265330", " 1614265330", "1614265330.0"]
        {
            let digest = hmac_sha256(&key, format!("{ID}.{timestamp}.{BODY}").as_bytes());
            let signature = format!("v1,{}", BASE64.encode(&digest));
            let refused = Delivery {
                timestamp: Some(timestamp),
                signature: Some(&signature),
                ..Delivery::default()
            };
            assert_eq!(refused.verified(), Err(SignatureError::Malformed), "{timestamp:?}");
        }
    }

    #[test]
    fn all_three_headers_are_needed() {
        for delivery in [
            Delivery { id: None, ..Delivery::default() },
            Delivery { timestamp: None, ..Delivery::default() },
            Delivery { signature: None, ..Delivery::default() },
        ] {
            assert_eq!(delivery.verified(), Err(SignatureError::Malformed));
        }
        let none = Delivery { id: None, timestamp: None, signature: None, ..Delivery::default() };
        assert_eq!(none.verified(), Err(SignatureError::Missing));
    }

    #[test]
    fn an_empty_secret_verifies_nothing() {
        let digest = hmac_sha256(b"", format!("{ID}.{AT}.{BODY}").as_bytes());
        let signature = format!("v1,{}", BASE64.encode(&digest));
        for text in ["", "whsec_"] {
            let delivery =
                Delivery { secret: text, signature: Some(&signature), ..Delivery::default() };
            assert_eq!(delivery.verified(), Err(SignatureError::Mismatch), "{text:?}");
            assert!(SigningSecret::pasted(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn a_minted_secret_verifies_as_its_text_and_in_the_form_that_libraries_take() {
        let minted = SigningSecret::mint(&[7; 32]);
        let shown = minted.to_whsec();
        let key = BASE64.decode(shown.strip_prefix("whsec_").unwrap().as_bytes()).unwrap();
        assert_eq!(key, minted.reveal().as_bytes());
        let digest = hmac_sha256(&key, format!("{ID}.{AT}.{BODY}").as_bytes());
        let signature = format!("v1,{}", BASE64.encode(&digest));
        let delivery = Delivery {
            secret: minted.reveal(),
            signature: Some(&signature),
            ..Delivery::default()
        };
        assert_eq!(delivery.verified(), Ok(()));
    }
}
