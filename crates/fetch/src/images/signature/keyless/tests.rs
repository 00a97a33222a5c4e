//! A bundle of the public instance, and made ones of an authority and logs of the tests' own.
//!
//! `npm-sigstore-2.0.0.json` is what npm publishes about `sigstore@2.0.0` (<https://registry.npmjs.org/-/npm/v1/attestations/sigstore@2.0.0>),
//! as sigstore-rust has it among its tests.

mod made;

use serde_json::Value;
use sigstore_verify::types::{ArtifactDigest, HashAlgorithm, Sha512Hash};

use self::made::{IDENTITY, ISSUER, Instance, NOW};
use super::*;
use crate::images::signature::tests::{
    BUNDLE_OF_IT, PAYLOAD, beside_with, digest, referring, verdict_of,
};
use crate::images::signature::{ANNOTATION, SignatureError, Signer};

const NPM: &[u8] = include_bytes!("npm-sigstore-2.0.0.json");
const NPM_DIGEST: &str = "46d4e2f74c4877316640000a6fdf8a8b59f1e0847667973e9859f774dd31b8f1e0937813b777fb66a2ac67d50540fe34640966eee9fc2ccca387082b4c85cd3c";
const NPM_IDENTITY: &str =
    "https://github.com/sigstore/sigstore-js/.github/workflows/release.yml@refs/heads/main";
const GITHUB: &str = "https://token.actions.githubusercontent.com";
const BUNDLE_KIND: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// What is said of npm's bundle.
fn of_npm(identity: &str, issuer: &str, bundle: &[u8], digest: &str) -> Result<(), String> {
    let identity = Identity::new(identity, issuer, None).unwrap();
    let digest = Sha512Hash::from_hex(digest).unwrap();
    let digest = ArtifactDigest::new(HashAlgorithm::Sha2512, digest.as_bytes().to_vec());
    let digest = Artifact::from_digest(digest.unwrap());
    identity.has_stated(bundle, digest, &[BUILT])
}

#[test]
fn what_the_public_instance_has_vouched_for_counts() {
    for (identity, issuer) in [
        (NPM_IDENTITY, GITHUB),
        ("https://github.com/sigstore/sigstore-js/*", GITHUB),
        (NPM_IDENTITY, "https://token.actions.*"),
    ] {
        of_npm(identity, issuer, NPM, NPM_DIGEST).unwrap();
    }
}

#[test]
fn and_only_for_them_and_that_digest() {
    for (identity, issuer) in [
        ("https://github.com/sigstore/sigstore-js", GITHUB),
        ("https://github.com/acme/*", GITHUB),
        (NPM_IDENTITY, "https://accounts.google.com"),
    ] {
        let why = of_npm(identity, issuer, NPM, NPM_DIGEST).unwrap_err();
        assert_eq!(
            why,
            format!("it is signed by \"{NPM_IDENTITY}\" of the issuer \"{GITHUB}\"")
        );
    }
    let another = NPM_DIGEST.replace("46d4", "46d5");
    let why = of_npm(NPM_IDENTITY, GITHUB, NPM, &another).unwrap_err();
    assert_eq!(why, ANOTHER);
    // A package of npm is no image, whatever its digest.
    let named = Identity::new(NPM_IDENTITY, GITHUB, None).unwrap();
    let why = named.has_made_bundle(NPM, &digest()).unwrap_err();
    assert!(!why.is_empty());
    let text = String::from_utf8(NPM.to_vec()).unwrap();
    for (what, with, says) in [
        // The time at which the log has it, which the certificate's ten minutes have to hold.
        ("\"1692374735\"", "\"1692374736\"", "no log of signatures"),
        // The proof that it is in the log.
        ("/pZbqoFwAGIZ", "/pZbqoFwAGIY", "no log of signatures"),
    ] {
        assert!(text.contains(what));
        let changed = text.replace(what, with);
        let why = of_npm(NPM_IDENTITY, GITHUB, changed.as_bytes(), NPM_DIGEST).unwrap_err();
        assert!(why.contains(says), "{why}");
    }
}

fn signer(instance: &Instance, identity: &str, issuer: &str) -> Signer {
    Signer::Identity(Identity::new(identity, issuer, Some(&instance.root())).unwrap())
}

/// A signature in the older layout.
fn beside(payload: &str, notes: &Value) -> Vec<(String, String)> {
    beside_with(payload, notes)
}

#[tokio::test]
async fn both_layouts_count_through_a_registry() {
    let instance = Instance::new();
    let theirs = signer(&instance, IDENTITY, ISSUER);
    let others = signer(&instance, "https://ci.test/other/*", ISSUER);
    let bundle = instance.bundle(SIGNED, &digest(), NOW).to_string();
    let built = instance.bundle(BUILT, &digest(), NOW).to_string();
    let notes = instance.notes(PAYLOAD, NOW);
    for (manifests, blob) in [
        (referring(BUNDLE_KIND, &bundle, ""), bundle.as_str()),
        (referring(BUNDLE_KIND, &built, ""), &built),
        (beside(PAYLOAD, &notes), PAYLOAD),
    ] {
        verdict_of(&manifests, &[blob], &theirs).await.unwrap();
        let got = verdict_of(&manifests, &[blob], &others).await;
        let Err(SignatureError::OtherSigner(why)) = &got else {
            panic!("{got:?}");
        };
        assert_eq!(
            why,
            &format!("it is signed by \"{IDENTITY}\" of the issuer \"{ISSUER}\"")
        );
        // Where the signature itself is gone, it is none.
        let gone = verdict_of(&manifests, &[], &theirs).await;
        assert!(matches!(gone, Err(SignatureError::Unsigned)), "{gone:?}");
    }
    let none = verdict_of(&[], &[], &theirs).await;
    assert!(matches!(none, Err(SignatureError::Unsigned)), "{none:?}");
    // By a key, which nobody here is.
    let keyed = referring(BUNDLE_KIND, BUNDLE_OF_IT, "");
    let keyed = verdict_of(&keyed, &[BUNDLE_OF_IT], &theirs);
    let why = keyed.await.unwrap_err().to_string();
    assert_eq!(
        why,
        "it is signed, and not by them: it is signed by a key, and has no certificate"
    );
}

/// What is said of a bundle.
fn verdict(instance: &Instance, bundle: &Value) -> Result<(), String> {
    let root = instance.root();
    let identity = Identity::new(IDENTITY, ISSUER, Some(&root)).unwrap();
    identity.has_made_bundle(bundle.to_string().as_bytes(), &digest())
}

#[test]
fn a_bundle_that_breaks_one_thing_is_refused_for_it() {
    let instance = Instance::new();
    let good = instance.bundle(SIGNED, &digest(), NOW);
    verdict(&instance, &good).unwrap();
    let another = format!("sha256:{}", "b".repeat(64));
    let changed = |path: &str, value: Value| {
        let mut bundle = good.clone();
        *bundle.pointer_mut(path).unwrap() = value;
        bundle
    };
    let other = Instance::new();
    let (entries, entry) = (
        "/verificationMaterial/tlogEntries",
        "/verificationMaterial/tlogEntries/0",
    );
    let at = |name: &str| format!("{entry}/{name}");
    let other_entry = other.bundle(SIGNED, &digest(), NOW);
    for (bundle, says) in [
        (instance.bundle(SIGNED, &another, NOW), ANOTHER),
        // An hour after the certificate: what it signed then is not theirs.
        (
            instance.bundle(SIGNED, &digest(), NOW + 3600),
            "it was signed at 2025-06-01T13:05:00Z, and its certificate holds from 2025-06-01T12:00:00Z to",
        ),
        (
            instance.bundle(SIGNED, &digest(), NOW - 3600),
            "it was signed at 2025-06-01T11:05:00Z, and its",
        ),
        (
            instance.bundle("https://example.test/scan/v1", &digest(), NOW),
            "neither that it is signed nor how it was built",
        ),
        (
            changed(
                "/dsseEnvelope/payload",
                other.bundle(SIGNED, &another, NOW)["dsseEnvelope"]["payload"].clone(),
            ),
            "its signature does not fit",
        ),
        (
            changed(
                "/dsseEnvelope/signatures/0/sig",
                other_entry["dsseEnvelope"]["signatures"][0]["sig"].clone(),
            ),
            "its signature does not fit",
        ),
        (
            changed(entries, Value::Array(Vec::new())),
            "no log of signatures",
        ),
        // An entry of the same log that is another signature's.
        (
            changed(entry, {
                let another = instance.bundle(SIGNED, &another, NOW);
                another.pointer(entry).unwrap().clone()
            }),
            "what the log holds is another signature",
        ),
        (
            changed(&at("integratedTime"), (NOW + 1).to_string().into()),
            "no log of signatures",
        ),
        (
            changed(&at("inclusionProof/hashes/0"), "A".repeat(43).into()),
            "vouches for it (invalid inclusion proof",
        ),
        (
            changed(
                &at("inclusionProof"),
                other_entry.pointer(&at("inclusionProof")).unwrap().clone(),
            ),
            "no log of signatures",
        ),
        (
            changed(&at("inclusionProof"), Value::Null),
            "does not prove that it holds it",
        ),
        (changed("/mediaType", "text/plain".into()), "no bundle"),
        // From another instance, whose authority and logs are others.
        (other_entry, "no log of signatures"),
    ] {
        let why = verdict(&instance, &bundle).unwrap_err();
        assert!(why.contains(says), "{says}: {why}");
    }
}

#[test]
fn each_of_the_trust_root_is_needed() {
    let instance = Instance::new();
    let bundle = instance.bundle(SIGNED, &digest(), NOW);
    let other = Instance::new();
    for (part, says) in [
        ("tlogs", "no log of signatures that the trust root names"),
        ("ctlogs", "no log of certificates that the trust root names"),
        ("certificateAuthorities", "nobody whom the trust root names"),
    ] {
        let with = |value: Value| {
            let mut root: Value = serde_json::from_str(&instance.root()).unwrap();
            root[part] = value;
            Identity::new(IDENTITY, ISSUER, Some(&root.to_string()))
        };
        let others: Value = serde_json::from_str(&other.root()).unwrap();
        let identity = with(others[part].clone()).unwrap();
        let why = identity.has_made_bundle(bundle.to_string().as_bytes(), &digest());
        let why = why.unwrap_err();
        assert!(why.contains(says), "{part}: {why}");
        let why = with(Value::Array(Vec::new())).err().unwrap();
        assert!(why.contains("its trust root names no"), "{why}");
    }
}

#[tokio::test]
async fn a_payload_that_breaks_one_thing_is_refused_for_it() {
    let instance = Instance::new();
    let theirs = signer(&instance, IDENTITY, ISSUER);
    let good = instance.notes(PAYLOAD, NOW);
    let without = |name: &str| {
        let mut notes = good.clone();
        notes.as_object_mut().unwrap().remove(name).unwrap();
        notes
    };
    let with = |name: &str, value: &str| {
        let mut notes = good.clone();
        notes[name] = value.into();
        notes
    };
    let other = Instance::new().notes(PAYLOAD, NOW);
    let changed = PAYLOAD.replace("\"optional\":null", "\"optional\":{}");
    let another = PAYLOAD.replace("sha256:aaaa", "sha256:bbbb");
    let later: Value = serde_json::from_str(good[LOGGED].as_str().unwrap()).unwrap();
    let later = later
        .to_string()
        .replace(&NOW.to_string(), &(NOW + 1).to_string());
    for (payload, notes, says) in [
        (another.as_str(), instance.notes(&another, NOW), ANOTHER),
        (&changed, good.clone(), "its signature does not fit"),
        (
            PAYLOAD,
            instance.notes(PAYLOAD, NOW + 3600),
            "it was signed at 2025-06-01T13:05:00Z",
        ),
        (
            PAYLOAD,
            without(LOGGED),
            "by a key, or not in the public log",
        ),
        (
            PAYLOAD,
            without(CERTIFICATE),
            "by a key, or not in the public log",
        ),
        (PAYLOAD, with(LOGGED, "{}"), "cannot be read"),
        (PAYLOAD, with(LOGGED, &later), "no log of signatures"),
        (
            PAYLOAD,
            with(CERTIFICATE, other[CERTIFICATE].as_str().unwrap()),
            "its certificate comes from nobody",
        ),
        (
            PAYLOAD,
            with(ANNOTATION, other[ANNOTATION].as_str().unwrap()),
            "its signature does not fit",
        ),
        (PAYLOAD, other.clone(), "no log of signatures"),
    ] {
        let got = verdict_of(&beside(payload, &notes), &[payload], &theirs).await;
        let Err(SignatureError::OtherSigner(why)) = &got else {
            panic!("{says}: {got:?}");
        };
        assert!(why.contains(says), "{says}: {why}");
    }
}

#[test]
fn nobody_in_particular_is_refused() {
    for (identity, issuer, root, says) in [
        ("*", GITHUB, None, "its identity would be anybody's"),
        ("", GITHUB, None, "its identity would be anybody's"),
        (IDENTITY, "*", None, "its issuer would be anybody's"),
        (
            "https://*.test/x",
            GITHUB,
            None,
            "at the end of its identity alone",
        ),
        (
            "https://ci.test/**",
            GITHUB,
            None,
            "at the end of its identity alone",
        ),
        (
            IDENTITY,
            ISSUER,
            Some("{}"),
            "its trust root cannot be read",
        ),
    ] {
        let why = Identity::new(identity, issuer, root).err().unwrap();
        assert!(why.contains(says), "{why}");
    }
}

#[test]
fn what_others_wrote_is_quoted_without_what_a_terminal_obeys() {
    let said = quoted(format!("a\u{1b}[2J\n{}", "b".repeat(400)));
    assert!(said.starts_with("a[2Jbbb"), "{said}");
    assert_eq!(said.chars().count(), QUOTED_CHARS);
}
