//! Signatures of images, as cosign makes them.
//!
//! Owns where they lie: beside the image under the tag `sha256-….sig`, or referring to it (OCI 1.1), each as a signed payload
//! or as a bundle. Whoever signed has to have signed the digest that is asked about. Refuses keys that are not of
//! ECDSA P-256, which cosign makes. Who signed without a key is told by `signature/keyless.rs`, where it is built in, and
//! refused by `signature/absent.rs` where it is not.

#[cfg_attr(not(feature = "keyless"), path = "signature/absent.rs")]
mod keyless;

use std::collections::BTreeMap;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

pub use self::keyless::Identity;
use super::{ImageError, ImageName, Registries, is_digest};
use crate::limits::{SIGNATURE_BYTES_MAX, SIGNATURES_MAX};

/// Where cosign puts a signature of a payload.
const ANNOTATION: &str = "dev.cosignproject.cosign/signature";
/// What of an image's referrers is one: a payload as above, or a bundle.
const SIGNATURE: &str = "application/vnd.dev.cosign.artifact.sig.";
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle";
/// What a statement is called that says no more of an image than that it is signed.
const SIGNED: &str = "https://sigstore.dev/cosign/sign/v1";
/// What is said of a signature of something else.
const ANOTHER: &str = "what is signed is another image";
/// How many reasons a refusal names.
const REFUSALS_SAID: usize = 3;
/// What stands before the point of a key of ECDSA P-256.
const P256: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// Who is to have signed.
pub enum Signer {
    /// Whoever has a key.
    Key(SigningKey),
    /// Somebody who was known to an issuer when they signed.
    Identity(Identity),
}

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKey {
    point: Vec<u8>,
}

/// Why an image does not count as signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// Nobody has signed it.
    #[error("nobody has signed it")]
    Unsigned,
    /// Somebody else has.
    #[error("it is signed, and not by that key")]
    OtherKey,
    /// Nobody who counts has.
    #[error("it is signed, and not by them: {0}")]
    OtherSigner(String),
    /// It cannot be told.
    #[error("its signatures could not be read: {0}")]
    Unread(#[from] ImageError),
}

impl SigningKey {
    /// Reads a key in PEM, as `cosign generate-key-pair` writes it.
    ///
    /// # Errors
    /// It is none, or of another kind; in words.
    pub fn parse(pem: &str) -> Result<Self, String> {
        const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
        const END: &str = "-----END PUBLIC KEY-----";
        let inner = pem
            .split_once(BEGIN)
            .and_then(|(_, rest)| rest.split_once(END));
        let (text, _) = inner.ok_or("it holds no public key in PEM")?;
        let text: String = text.split_ascii_whitespace().collect();
        let der = STANDARD.decode(text).map_err(|_| "its key is no base64")?;
        let point = der.strip_prefix(P256).filter(|point| point.len() == 65);
        let point = point.ok_or(
            "its key is not of ECDSA P-256, which cosign makes; other kinds are not known",
        )?;
        Ok(Self {
            point: point.to_vec(),
        })
    }

    fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.point);
        key.verify(message, signature).is_ok()
    }
}

impl Signer {
    /// What tells this one from every other.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Key(key) => &key.point,
            Self::Identity(identity) => identity.bytes(),
        }
    }

    /// That this is a signature of an image of that digest by whom it should be; else why not, where there is more to say
    /// than that it is by another key.
    fn has_made(&self, bytes: &[u8], notes: &Notes, digest: &str) -> Result<(), String> {
        let counts = match (self, notes.get(ANNOTATION)) {
            (Self::Key(key), Some(signature)) => is_payload(bytes, signature, digest, key),
            (Self::Key(key), None) => is_bundle_of(bytes, digest, key),
            (Self::Identity(identity), Some(signature)) => {
                return match is_about(bytes, digest) {
                    true => identity.has_signed_payload(bytes, signature, notes),
                    false => Err(ANOTHER.to_owned()),
                };
            }
            (Self::Identity(identity), None) => return identity.has_made_bundle(bytes, digest),
        };
        counts.then_some(()).ok_or_else(String::new)
    }
}

/// The annotations of a layer.
type Notes = BTreeMap<String, String>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layers {
    #[serde(default)]
    layers: Vec<Layer>,
    #[serde(default)]
    artifact_type: String,
    #[serde(default)]
    config: Option<Kind>,
}

#[derive(Deserialize)]
struct Layer {
    digest: String,
    #[serde(default)]
    annotations: Notes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind {
    #[serde(default)]
    media_type: String,
}

#[derive(Deserialize)]
struct Index {
    #[serde(default)]
    manifests: Vec<Referrer>,
}

#[derive(Deserialize)]
struct Referrer {
    digest: String,
}

impl Registries {
    /// That an image of this digest was signed by whom it should be.
    ///
    /// # Errors
    /// See [`SignatureError`].
    pub async fn signed(
        &self,
        name: &ImageName,
        digest: &str,
        signer: &Signer,
    ) -> Result<(), SignatureError> {
        let dashed = digest.replace(':', "-");
        let mut manifests = Vec::new();
        manifests.extend(self.there(name, &format!("{dashed}.sig")).await?);
        let referrers = match self.referrers(name, digest).await? {
            Some(index) => Some(index),
            // A registry that does not know the question has them under a tag.
            None => self.there(name, &dashed).await?,
        };
        let index = referrers.and_then(|index| serde_json::from_slice::<Index>(&index).ok());
        let all = index.map(|index| index.manifests).unwrap_or_default();
        for one in all
            .iter()
            .filter(|one| is_digest(&one.digest))
            .take(SIGNATURES_MAX)
        {
            manifests.extend(self.there(name, &one.digest).await?);
        }
        let mut refusals: Option<Vec<String>> = None;
        for manifest in manifests {
            let Ok(manifest) = serde_json::from_slice::<Layers>(&manifest) else {
                continue;
            };
            let kind = match &manifest.config {
                Some(config) if manifest.artifact_type.is_empty() => config.media_type.as_str(),
                _ => manifest.artifact_type.as_str(),
            };
            let is_bundle = kind.starts_with(BUNDLE);
            let layers = manifest
                .layers
                .iter()
                .filter(|layer| is_digest(&layer.digest));
            for layer in layers.take(SIGNATURES_MAX) {
                let is_payload = layer.annotations.contains_key(ANNOTATION);
                if !is_payload && !is_bundle && !kind.starts_with(SIGNATURE) {
                    continue;
                }
                let mut bytes = Vec::new();
                let mut keep = |piece: &[u8]| {
                    bytes.extend_from_slice(piece);
                    Ok(())
                };
                match self
                    .blob(name, &layer.digest, SIGNATURE_BYTES_MAX, &mut keep)
                    .await
                {
                    // One that is gone or broken is not one that counts; others may.
                    Ok(()) => {}
                    Err(ImageError::Missing(_) | ImageError::Digest { .. }) => continue,
                    Err(error) => return Err(error.into()),
                }
                let refusals = refusals.get_or_insert_default();
                match signer.has_made(&bytes, &layer.annotations, digest) {
                    Ok(()) => return Ok(()),
                    Err(why) if refusals.contains(&why) => {}
                    Err(why) => refusals.push(why),
                }
            }
        }
        Err(match (refusals, signer) {
            (None, _) => SignatureError::Unsigned,
            (Some(_), Signer::Key(_)) => SignatureError::OtherKey,
            (Some(mut whys), Signer::Identity(_)) => {
                whys.truncate(REFUSALS_SAID);
                SignatureError::OtherSigner(whys.join("; "))
            }
        })
    }

    async fn there(
        &self,
        name: &ImageName,
        reference: &str,
    ) -> Result<Option<Vec<u8>>, ImageError> {
        match self.manifest(name, reference).await {
            Ok(manifest) => Ok(Some(manifest.bytes)),
            Err(ImageError::Missing(_) | ImageError::Digest { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A payload that names the digest, signed.
fn is_payload(payload: &[u8], signature: &str, digest: &str, key: &SigningKey) -> bool {
    let Ok(signature) = STANDARD.decode(signature.trim()) else {
        return false;
    };
    is_about(payload, digest) && key.has_signed(payload, &signature)
}

/// Whether a payload names the digest.
fn is_about(payload: &[u8], digest: &str) -> bool {
    let said: Value = serde_json::from_slice(payload).unwrap_or_default();
    let critical = &said["critical"];
    critical["image"]["docker-manifest-digest"] == digest
        && critical["type"] == "cosign container image signature"
}

/// A bundle whose envelope holds a statement about the digest, signed.
fn is_bundle_of(bundle: &[u8], digest: &str, key: &SigningKey) -> bool {
    let said: Value = serde_json::from_slice(bundle).unwrap_or_default();
    let envelope = &said["dsseEnvelope"];
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let (Some(kind), Some(payload)) = (text(&envelope["payloadType"]), text(&envelope["payload"]))
    else {
        return false;
    };
    let Ok(payload) = STANDARD.decode(payload) else {
        return false;
    };
    let statement: Value = serde_json::from_slice(&payload).unwrap_or_default();
    let hex = digest.trim_start_matches("sha256:");
    let mut subjects = statement["subject"].as_array().into_iter().flatten();
    let is_about = kind == "application/vnd.in-toto+json"
        && statement["predicateType"] == SIGNED
        && subjects.any(|subject| subject["digest"]["sha256"] == hex);
    // What is signed says of each part how long it is, so that none can be read as another.
    let head = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len());
    let signed = [head.as_bytes(), &payload].concat();
    let signatures = envelope["signatures"].as_array().into_iter().flatten();
    is_about
        && signatures.take(SIGNATURES_MAX).any(|one| {
            let signature = one["sig"]
                .as_str()
                .and_then(|text| STANDARD.decode(text).ok());
            signature.is_some_and(|signature| key.has_signed(&signed, &signature))
        })
}

#[cfg(test)]
mod tests;
