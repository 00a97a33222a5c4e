//! Tokens that callers of ours show, from an issuer of this machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RSA_PSS_SHA512, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fetch::{Client, Limits};
use serde_json::{Value, json};

use super::fake::Fake;
use crate::limits::{
    ANSWER_BYTES_MAX, AUDIENCES_MAX, CLOCK_SKEW_S, KEYS_AGAIN_S, KEYS_FRESH_S, KEYS_LIFE_S,
    KEYS_PAUSE_S, SUBJECT_BYTES_MAX, TOKENS_SEEN_MAX,
};
use crate::{Issuer, Unfit};

const US: &str = "https://gate.example/mcp";
const NOW_S: u64 = 1_800_000_000;

/// A key of an issuer.
enum Pair {
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

struct Signer {
    id: &'static str,
    pair: Pair,
}

impl Signer {
    fn ec(id: &'static str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self {
            id,
            pair: Pair::Ec(pair),
        }
    }

    /// As it stands in a set of keys.
    fn key(&self) -> Value {
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match &self.pair {
            Pair::Ec(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = (part(&point[1..33]), part(&point[33..]));
                json!({"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": self.id, "use": "sig"})
            }
            Pair::Ed(pair) => {
                let x = part(pair.public_key().as_ref());
                json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": self.id})
            }
            Pair::Rsa(pair) => {
                // A sequence of two whole numbers, the first of 257 bytes of which one is zero.
                let der = pair.public_key().as_ref();
                let (n, e) = (&der[9..265], &der[267..]);
                json!({"kty": "RSA", "n": part(n), "e": part(e), "kid": self.id, "alg": "RS256"})
            }
        }
    }

    fn sign(&self, head: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(head), part(claims));
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::Ec(pair) => pair
                .sign(&random, signed.as_bytes())
                .unwrap()
                .as_ref()
                .to_vec(),
            Pair::Ed(pair) => pair.sign(signed.as_bytes()).as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let how = match head["alg"].as_str() {
                    Some("PS512") => &RSA_PSS_SHA512,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(how, &random, signed.as_bytes(), &mut signature)
                    .unwrap();
                signature
            }
        };
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn token(&self, claims: &Value) -> String {
        self.sign(
            &json!({"alg": "ES256", "kid": self.id, "typ": "at+jwt"}),
            claims,
        )
    }
}

/// An issuer with one key, and what we know of it at a time of ours.
struct Scene {
    fake: Fake,
    signer: Signer,
    issuer: Issuer,
    now_s: Arc<AtomicU64>,
}

impl Scene {
    async fn new() -> Self {
        let (fake, signer) = (Fake::start().await, Signer::ec("one"));
        fake.knobs().keys = json!([signer.key()]);
        let now_s = Arc::new(AtomicU64::new(NOW_S));
        let clock = now_s.clone();
        let limits = Limits {
            body_bytes: ANSWER_BYTES_MAX,
            ..Limits::default()
        };
        let issuer = Issuer::over(Client::new(limits), &fake.url(""), move || {
            clock.load(Ordering::Relaxed)
        });
        Self {
            fake,
            signer,
            issuer,
            now_s,
        }
    }

    /// What a usual token says, with these members instead.
    fn claims(&self, instead: Value) -> Value {
        let mut claims = json!({
            "iss": self.issuer.name(), "sub": "ann", "aud": US, "exp": NOW_S + 300, "scope": "r w",
        });
        for (name, value) in instead.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    }

    fn token(&self, instead: Value) -> String {
        self.signer.token(&self.claims(instead))
    }

    /// As a door does it.
    async fn check(&self, token: &str) -> Result<String, Unfit> {
        let checked = match self.issuer.check(token, &[US]) {
            Err(Unfit::KeysWanted) => {
                self.issuer.fetch_keys().await;
                self.issuer.check(token, &[US])
            }
            checked => checked,
        };
        assert_ne!(checked, Err(Unfit::KeysWanted), "once is enough");
        checked.map(|identity| {
            let (subject, issuer) = identity.caller.rsplit_once(" at ").unwrap();
            assert_eq!(issuer, self.issuer.name());
            format!("{subject} {}", identity.scopes)
        })
    }

    fn later(&self, seconds: u64) {
        self.now_s.fetch_add(seconds, Ordering::Relaxed);
    }

    fn fetched(&self) -> usize {
        self.fake.asked("/jwks").len()
    }
}

#[tokio::test]
async fn a_token_says_who_calls_and_what_it_is_good_for() {
    let scene = Scene::new().await;
    let token = scene.token(json!({"scp": ["x", "r"]}));
    assert_eq!(scene.check(&token).await.unwrap(), "ann r w x");
    for _ in 0..3 {
        assert!(scene.check(&token).await.is_ok());
    }
    assert_eq!(scene.fetched(), 1);
    let several = scene.token(json!({"aud": ["https://other.example", US], "scope": null}));
    assert_eq!(scene.check(&several).await.unwrap(), "ann ");
}

#[tokio::test]
async fn only_for_us_from_them_and_now() {
    let scene = Scene::new().await;
    for (instead, unfit) in [
        (json!({"aud": "https://other.example/mcp"}), Unfit::Audience),
        (json!({"aud": format!("{US}/")}), Unfit::Audience),
        (json!({"aud": []}), Unfit::Audience),
        (json!({"aud": null}), Unfit::Audience),
        (json!({"iss": "https://evil.example"}), Unfit::Issuer),
        (
            json!({"iss": format!("{}/", scene.issuer.name())}),
            Unfit::Issuer,
        ),
        (json!({"iss": null}), Unfit::Issuer),
        (json!({"exp": NOW_S - CLOCK_SKEW_S}), Unfit::Expired),
        (json!({"exp": null}), Unfit::Form),
        (json!({"nbf": NOW_S + CLOCK_SKEW_S + 1}), Unfit::Early),
        (json!({"cnf": {"jkt": "x"}}), Unfit::Bound),
        (json!({"sub": null}), Unfit::Subject),
        (json!({"sub": " "}), Unfit::Subject),
        (json!({"sub": "a\nb"}), Unfit::Subject),
        (
            json!({"sub": "x".repeat(SUBJECT_BYTES_MAX + 1)}),
            Unfit::Subject,
        ),
        (json!({"aud": vec![US; AUDIENCES_MAX + 1]}), Unfit::Form),
    ] {
        let checked = scene.check(&scene.token(instead.clone())).await;
        assert_eq!(checked.unwrap_err(), unfit, "{instead}");
    }
    for fine in [
        json!({"exp": NOW_S - CLOCK_SKEW_S + 1}),
        json!({"nbf": NOW_S + CLOCK_SKEW_S}),
        json!({"sub": "x".repeat(SUBJECT_BYTES_MAX)}),
        json!({"aud": vec![US; AUDIENCES_MAX]}),
    ] {
        assert!(
            scene.check(&scene.token(fine.clone())).await.is_ok(),
            "{fine}"
        );
    }
}

#[tokio::test]
async fn a_remembered_token_ends_all_the_same() {
    let scene = Scene::new().await;
    let token = scene.token(json!({}));
    assert!(scene.check(&token).await.is_ok());
    assert_eq!(
        scene
            .issuer
            .check(&token, &["https://other.example"])
            .unwrap_err(),
        Unfit::Audience
    );
    scene.later(300 + CLOCK_SKEW_S);
    assert_eq!(scene.check(&token).await.unwrap_err(), Unfit::Expired);
}

#[tokio::test]
async fn what_is_signed_otherwise_is_refused() {
    let scene = Scene::new().await;
    let claims = scene.claims(json!({}));
    let good = scene.signer.token(&claims);
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let other = Signer::ec("one").token(&claims);
    let foreign = scene.signer.token(&scene.claims(json!({"sub": "root"})));
    let mixed = format!("{}.{signature}", foreign.rsplit_once('.').unwrap().0);
    for (token, unfit) in [
        (other, Unfit::Signature),
        (mixed, Unfit::Signature),
        (format!("{signed}."), Unfit::Signature),
        (
            scene.signer.sign(&json!({"alg": "none"}), &claims),
            Unfit::Algorithm,
        ),
        (
            scene
                .signer
                .sign(&json!({"alg": "HS256", "kid": "one"}), &claims),
            Unfit::Algorithm,
        ),
        (
            scene
                .signer
                .sign(&json!({"alg": "RS256", "kid": "one"}), &claims),
            Unfit::Key,
        ),
        (
            scene
                .signer
                .sign(&json!({"alg": "ES384", "kid": "one"}), &claims),
            Unfit::Key,
        ),
        ("opaque".to_owned(), Unfit::Form),
    ] {
        assert_eq!(scene.check(&token).await.unwrap_err(), unfit, "{token}");
    }
    let unnamed = scene.signer.sign(&json!({"alg": "ES256"}), &claims);
    assert!(scene.check(&unnamed).await.is_ok());
}

#[tokio::test]
async fn each_kind_of_key_signs_in_its_own_way() {
    let scene = Scene::new().await;
    let rsa = Signer {
        id: "r",
        pair: Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()),
    };
    let ed = Signer {
        id: "e",
        pair: Pair::Ed(Ed25519KeyPair::generate().unwrap()),
    };
    scene.fake.knobs().keys = json!([rsa.key(), ed.key()]);
    let claims = scene.claims(json!({}));
    let of = |signer: &Signer, algorithm| {
        signer.sign(&json!({"alg": algorithm, "kid": signer.id}), &claims)
    };
    assert!(scene.check(&of(&rsa, "RS256")).await.is_ok());
    assert!(scene.check(&of(&ed, "EdDSA")).await.is_ok());
    // The key says that it is for RS256.
    assert_eq!(
        scene.check(&of(&rsa, "PS512")).await.unwrap_err(),
        Unfit::Key
    );
    let mut any = rsa.key();
    any.as_object_mut().unwrap().remove("alg");
    scene.fake.knobs().keys = json!([any]);
    scene.later(KEYS_PAUSE_S);
    assert!(scene.check(&of(&rsa, "PS512")).await.is_ok());
    // Where two keys fit, a token has to say which.
    let twins = [Signer::ec("a"), Signer::ec("b")];
    scene.fake.knobs().keys = json!([twins[0].key(), twins[1].key()]);
    scene.later(KEYS_PAUSE_S);
    let unnamed = twins[0].sign(&json!({"alg": "ES256"}), &claims);
    assert_eq!(scene.check(&unnamed).await.unwrap_err(), Unfit::Key);
}

#[tokio::test]
async fn keys_change_and_are_fetched_no_more_often_than_they_may() {
    let scene = Scene::new().await;
    let old = scene.token(json!({}));
    assert!(scene.check(&old).await.is_ok());
    let next = Signer::ec("two");
    let new = next.token(&scene.claims(json!({})));
    for _ in 0..5 {
        assert_eq!(scene.check(&new).await.unwrap_err(), Unfit::Key);
    }
    assert_eq!(scene.fetched(), 1);
    scene.fake.knobs().keys = json!([next.key()]);
    scene.later(KEYS_PAUSE_S);
    assert!(scene.check(&new).await.is_ok());
    assert_eq!(scene.fetched(), 2);
    // What the issuer does not vouch for any more is not remembered.
    assert_eq!(scene.check(&old).await.unwrap_err(), Unfit::Key);
    // Nothing of another issuer has anything fetched.
    scene.later(KEYS_PAUSE_S);
    let foreign = scene.token(json!({"iss": "https://evil.example"}));
    assert_eq!(scene.check(&foreign).await.unwrap_err(), Unfit::Issuer);
    assert_eq!(scene.fetched(), 2);
    // Many at once are one.
    let unknown = scene.token(json!({}));
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let issuer = scene.issuer.clone();
        asking.spawn(async move { issuer.fetch_keys().await });
    }
    asking.join_all().await;
    assert_eq!(scene.fetched(), 3);
    assert_eq!(scene.check(&unknown).await.unwrap_err(), Unfit::Key);
}

#[tokio::test]
async fn old_keys_are_looked_at_again_and_believed_for_a_day() {
    let scene = Scene::new().await;
    assert_eq!(scene.issuer.tend().await, None);
    assert_eq!(scene.issuer.tend().await, None);
    assert_eq!(scene.fetched(), 1);
    scene.later(KEYS_FRESH_S);
    scene.fake.knobs().missing = vec!["/jwks"];
    assert!(scene.issuer.tend().await.unwrap().contains("404"));
    assert_eq!(scene.issuer.tend().await, None, "not at once again");
    assert!(
        scene.check(&scene.token(json!({}))).await.is_err(),
        "it has ended by then"
    );
    let long = scene.token(json!({"exp": NOW_S + 10 * KEYS_LIFE_S}));
    assert!(scene.check(&long).await.is_ok());
    scene.later(KEYS_LIFE_S);
    assert!(
        matches!(scene.check(&long).await.unwrap_err(), Unfit::Unavailable(why) if why.contains("404"))
    );
    scene.fake.knobs().missing.clear();
    scene.later(KEYS_AGAIN_S);
    assert!(scene.check(&long).await.is_ok());
}

#[tokio::test]
async fn an_issuer_that_is_not_what_it_says_has_no_keys() {
    for (metadata, says) in [
        (
            json!({"issuer": "https://evil.example"}),
            "calls itself https://evil.example",
        ),
        (json!({"jwks_uri": null}), "jwks_uri"),
        (json!({"jwks_uri": "file:///etc/passwd"}), "file"),
    ] {
        let scene = Scene::new().await;
        scene.fake.knobs().metadata = metadata.clone();
        let failed = scene.check(&scene.token(json!({}))).await.unwrap_err();
        assert!(failed.to_string().contains(says), "{metadata}: {failed}");
    }
    let scene = Scene::new().await;
    scene.fake.knobs().keys = json!([{"kty": "oct", "k": "AAAA", "kid": "one"}]);
    let failed = scene.check(&scene.token(json!({}))).await.unwrap_err();
    assert!(failed.to_string().contains("no key"), "{failed}");
}

#[tokio::test]
async fn no_more_tokens_are_remembered_than_may() {
    let scene = Scene::new().await;
    let identity = scene.check(&scene.token(json!({}))).await;
    assert!(identity.is_ok());
    scene.issuer.fill(TOKENS_SEEN_MAX);
    assert!(
        scene
            .check(&scene.token(json!({"jti": "one more"})))
            .await
            .is_ok()
    );
    assert_eq!(scene.issuer.remembered(), TOKENS_SEEN_MAX);
    scene.later(200);
    let last = scene.token(json!({"exp": NOW_S + 900}));
    assert!(scene.check(&last).await.is_ok());
    assert!(
        scene.issuer.remembered() <= 3,
        "those that are over have gone"
    );
}

#[test]
fn what_is_said_of_a_token_is_never_the_token() {
    for unfit in [Unfit::Form, Unfit::Audience, Unfit::Subject, Unfit::Key] {
        assert!(!unfit.to_string().contains("eyJ"), "{unfit}");
    }
}
