//! The keys and signatures were made by OpenSSL.

use super::*;
use crate::Trust;
use crate::images::digest_of;
use crate::tests::{Server, Step, document};

const KEY: &str = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEhFMGfxsomihDnPV3ykJuPfkwkOCB\ne3qQyPTtPKvOUWP2bQfTQaXgtcEQMoNjibFrRreZ/0KFskDpOcM69SnYMw==\n-----END PUBLIC KEY-----\n";
const OTHER: &str = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEWA2reAqmzLhIvE+JY/nUPNuLcNAY\nQHRsZ2qJDYKAJjUudy8zba5Y/jXqRgGVqHDnSexQCehy9npXWO8Z6hduIw==\n-----END PUBLIC KEY-----\n";
pub(super) const PAYLOAD: &str = r#"{"critical":{"identity":{"docker-reference":"registry.test/a/b"},"image":{"docker-manifest-digest":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},"type":"cosign container image signature"},"optional":null}"#;
const SIGNATURE_OF_IT: &str = "MEQCIFQvS60aQCET4nIjk/eL0jS1m3lbuB5rJWkMZ+TetW23AiAkAjq57ipuk+TSwFdP7cXsFDTDv3SwQ+DjuKRX6w04kQ==";
pub(super) const BUNDLE_OF_IT: &str = r#"{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"x"}},"dsseEnvelope":{"payload":"eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEiLCJzdWJqZWN0IjpbeyJuYW1lIjoiIiwiZGlnZXN0Ijp7InNoYTI1NiI6ImFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWEifX1dLCJwcmVkaWNhdGVUeXBlIjoiaHR0cHM6Ly9zaWdzdG9yZS5kZXYvY29zaWduL3NpZ24vdjEiLCJwcmVkaWNhdGUiOnt9fQ==","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"MEUCIQCZzy7sunZnYbrFAiBd62vGsCmC6fxXHoMd1JZsngXZbwIgHw7O+d2ngX8+fv5RJpKlY6MrZM2RXAHXx55jOSU9wT4="}]}}"#;

pub(super) fn digest() -> String {
    format!("sha256:{}", "a".repeat(64))
}

/// A registry with these, beside the documents that their layers are.
async fn verdict(
    manifests: &[(String, String)],
    blobs: &[&str],
    key: &str,
) -> Result<(), SignatureError> {
    let key = Signer::Key(SigningKey::parse(key).unwrap());
    verdict_of(manifests, blobs, &key).await
}

/// The same of any signer.
pub(super) async fn verdict_of(
    manifests: &[(String, String)],
    blobs: &[&str],
    signer: &Signer,
) -> Result<(), SignatureError> {
    let mut steps: Vec<(String, Step)> = manifests
        .iter()
        .map(|(reference, text)| (format!("/v2/a/b/manifests/{reference}"), document(text)))
        .collect();
    for blob in blobs {
        steps.push((
            format!("/v2/a/b/blobs/{}", digest_of(blob.as_bytes())),
            document(blob),
        ));
    }
    // As many as the server takes.
    steps.resize_with(6, || ("/nothing".to_owned(), document("")));
    let steps: [(String, Step); 6] = steps.try_into().ok().unwrap();
    let steps = steps
        .each_ref()
        .map(|(path, step)| (path.as_str(), step.clone()));
    let server = Server::start(steps).await;
    let name = ImageName::parse(&format!("{}/a/b", server.address)).unwrap();
    Registries::new(Trust::Person)
        .signed(&name, &digest(), signer)
        .await
}

fn beside(payload: &str, signature: &str) -> Vec<(String, String)> {
    beside_with(payload, &serde_json::json!({ANNOTATION: signature}))
}

/// The same with any annotations.
pub(super) fn beside_with(payload: &str, annotations: &Value) -> Vec<(String, String)> {
    let manifest = format!(
        r#"{{"config":{{"mediaType":"application/vnd.oci.image.config.v1+json"}},"layers":[{{"digest":"{}","annotations":{annotations}}}]}}"#,
        digest_of(payload.as_bytes())
    );
    vec![(format!("sha256-{}.sig", "a".repeat(64)), manifest)]
}

/// Under the tag, as registries have it that do not know the question for referrers.
pub(super) fn referring(kind: &str, layer: &str, annotations: &str) -> Vec<(String, String)> {
    let manifest = format!(
        r#"{{"artifactType":"{kind}","layers":[{{"digest":"{}"{annotations}}}]}}"#,
        digest_of(layer.as_bytes())
    );
    let digest = digest_of(manifest.as_bytes());
    let index = format!(r#"{{"manifests":[{{"digest":"{digest}"}}]}}"#);
    vec![
        (format!("sha256-{}", "a".repeat(64)), index),
        (digest, manifest),
    ]
}

#[tokio::test]
async fn both_layouts_count_and_only_by_the_key() {
    let annotations = format!(r#","annotations":{{"{ANNOTATION}":"{SIGNATURE_OF_IT}"}}"#);
    for (manifests, blob) in [
        (beside(PAYLOAD, SIGNATURE_OF_IT), PAYLOAD),
        (
            referring(
                "application/vnd.dev.cosign.artifact.sig.v1+json",
                PAYLOAD,
                &annotations,
            ),
            PAYLOAD,
        ),
        (
            referring(
                "application/vnd.dev.sigstore.bundle.v0.3+json",
                BUNDLE_OF_IT,
                "",
            ),
            BUNDLE_OF_IT,
        ),
    ] {
        verdict(&manifests, &[blob], KEY).await.unwrap();
        let other = verdict(&manifests, &[blob], OTHER).await;
        assert!(matches!(other, Err(SignatureError::OtherKey)), "{other:?}");
        let gone = verdict(&manifests, &[], KEY).await;
        assert!(matches!(gone, Err(SignatureError::Unsigned)), "{gone:?}");
    }
    let none = verdict(&[], &[], KEY).await;
    assert!(matches!(none, Err(SignatureError::Unsigned)), "{none:?}");
}

#[tokio::test]
async fn what_was_changed_or_is_about_another_does_not_count() {
    let changed = PAYLOAD.replace("\"optional\":null", "\"optional\":{}");
    let got = verdict(&beside(&changed, SIGNATURE_OF_IT), &[&changed], KEY).await;
    assert!(matches!(got, Err(SignatureError::OtherKey)), "{got:?}");
    let bundle = BUNDLE_OF_IT.replace("vnd.in-toto+json", "vnd.in-toto+jso");
    let kind = "application/vnd.dev.sigstore.bundle.v0.3+json";
    let got = verdict(&referring(kind, &bundle, ""), &[&bundle], KEY).await;
    assert!(matches!(got, Err(SignatureError::OtherKey)), "{got:?}");
    // Signed by the key, for another image.
    let key = SigningKey::parse(KEY).unwrap();
    let another = format!("sha256:{}", "b".repeat(64));
    assert!(is_payload(
        PAYLOAD.as_bytes(),
        SIGNATURE_OF_IT,
        &digest(),
        &key
    ));
    assert!(!is_payload(
        PAYLOAD.as_bytes(),
        SIGNATURE_OF_IT,
        &another,
        &key
    ));
    assert!(is_bundle_of(BUNDLE_OF_IT.as_bytes(), &digest(), &key));
    assert!(!is_bundle_of(BUNDLE_OF_IT.as_bytes(), &another, &key));
}

#[test]
fn keys_are_of_one_kind() {
    for (bad, says) in [
        ("", "no public key"),
        (
            "-----BEGIN PUBLIC KEY-----\n!!\n-----END PUBLIC KEY-----",
            "no base64",
        ),
        (
            "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----",
            "not of ECDSA P-256",
        ),
    ] {
        let why = SigningKey::parse(bad).unwrap_err();
        assert!(why.contains(says), "{why}");
    }
}
