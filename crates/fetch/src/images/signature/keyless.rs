//! Signatures without a key that anybody keeps: a certificate (Fulcio) says who signed, the public log (Rekor) when.
//!
//! Owns whom a rule names, and what a signature has to say to be theirs. The cryptography is `sigstore-verify`'s: the
//! certificate comes from an authority of the trust root and is in the log of certificates, the signature is in the log of
//! signatures and was so while the certificate held. Asks nobody: what is believed stands in the trust root, which comes with
//! the library or from a file of the person's. In a build without the feature `keyless`, `absent.rs` stands in its place.

use serde_json::json;
use sigstore_verify::crypto::parse_certificate_info;
use sigstore_verify::trust_root::{SIGSTORE_PRODUCTION_TRUSTED_ROOT, TrustedRoot};
use sigstore_verify::types::{Artifact, Bundle, DerCertificate, Sha256Hash, SignatureContent};
use sigstore_verify::{
    CertificateError, Error, TimestampError, TransparencyLogError, VerificationPolicy, Verifier,
};

use super::{ANOTHER, Notes, SIGNED};

/// Where cosign puts the certificate of a payload, and what the log says of it.
const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
const LOGGED: &str = "dev.sigstore.cosign/bundle";
/// What a statement is called by which a build says that the image is its own: as good as a signature of that build.
const BUILT: &str = "https://slsa.dev/provenance/v1";
/// How much of what others wrote stands in a refusal.
const QUOTED_CHARS: usize = 300;

/// Somebody whom an issuer knows, who signs without keeping a key.
pub struct Identity {
    identity: String,
    issuer: String,
    verifier: Box<Verifier>,
    bytes: Vec<u8>,
}

impl Identity {
    /// Whom a certificate may name, each exactly or with a star at its end that stands for anything, and who is believed: the
    /// public instance of Sigstore, or what a `trusted_root.json` says.
    ///
    /// # Errors
    /// Everybody would be meant, or nobody is believed; in words.
    pub fn new(identity: &str, issuer: &str, root: Option<&str>) -> Result<Self, String> {
        for (what, text) in [("identity", identity), ("issuer", issuer)] {
            let bare = text.strip_suffix('*').unwrap_or(text);
            if bare.is_empty() {
                return Err(format!("its {what} would be anybody's"));
            }
            if bare.contains('*') {
                return Err(format!("a star may stand at the end of its {what} alone"));
            }
        }
        let text = root.unwrap_or(SIGSTORE_PRODUCTION_TRUSTED_ROOT);
        let believed = TrustedRoot::from_json(text)
            .map_err(|error| format!("its trust root cannot be read: {error}"))?;
        for (is_none, what) in [
            (believed.certificate_authorities.is_empty(), "authority"),
            (believed.ctlogs.is_empty(), "log of certificates"),
            (believed.tlogs.is_empty(), "log of signatures"),
        ] {
            if is_none {
                return Err(format!("its trust root names no {what}"));
            }
        }
        let verifier = Verifier::new(&believed)
            .map_err(|error| format!("its trust root cannot be used: {error}"))?;
        Ok(Self {
            identity: identity.to_owned(),
            issuer: issuer.to_owned(),
            verifier: Box::new(verifier),
            bytes: format!("keyless\n{identity}\n{issuer}\n{text}").into_bytes(),
        })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// That a bundle holds a statement of theirs about the digest, which says that the image is signed or built.
    pub(super) fn has_made_bundle(&self, bundle: &[u8], digest: &str) -> Result<(), String> {
        let hex = digest.trim_start_matches("sha256:");
        let digest = Sha256Hash::from_hex(hex).map_err(|_| ANOTHER.to_owned())?;
        self.has_stated(bundle, digest.into(), &[SIGNED, BUILT])
    }

    /// The same of any digest, and of the kinds of statements that count.
    fn has_stated(
        &self,
        bundle: &[u8],
        of: Artifact<'static>,
        kinds: &[&str],
    ) -> Result<(), String> {
        let bundle: Bundle = serde_json::from_slice(bundle)
            .map_err(|error| quoted(format!("it is no bundle that is understood ({error})")))?;
        if bundle.signing_certificate().is_none() {
            return Err("it is signed by a key, and has no certificate".to_owned());
        }
        let mut entries = bundle.verification_material.tlog_entries.iter();
        if !entries.all(|entry| entry.inclusion_proof.is_some()) {
            return Err("the log of signatures does not prove that it holds it".to_owned());
        }
        let SignatureContent::DsseEnvelope(envelope) = &bundle.content else {
            return Err("its bundle holds no statement".to_owned());
        };
        let statement: serde_json::Value =
            serde_json::from_slice(envelope.payload.as_bytes()).unwrap_or_default();
        let kind = statement["predicateType"].as_str().unwrap_or_default();
        if !kinds.contains(&kind) {
            return Err(quoted(format!(
                "what is stated (\"{kind}\") is neither that it is signed nor how it was built"
            )));
        }
        self.is_theirs(&bundle, of)
    }

    /// That a payload is signed by them, as the older layout has it: the certificate and the log's promise lie beside it.
    pub(super) fn has_signed_payload(
        &self,
        payload: &[u8],
        signature: &str,
        notes: &Notes,
    ) -> Result<(), String> {
        let (Some(certificate), Some(logged)) = (notes.get(CERTIFICATE), notes.get(LOGGED)) else {
            return Err("it is signed by a key, or not in the public log".to_owned());
        };
        let bundle = older(payload, signature, certificate, logged)
            .ok_or("its certificate, or what the log says of it, cannot be read")?;
        self.is_theirs(&bundle, sigstore_verify::crypto::sha256(payload).into())
    }

    /// That everything holds which a signature has to hold, and that it is theirs.
    fn is_theirs(&self, bundle: &Bundle, of: Artifact<'static>) -> Result<(), String> {
        let anybody = VerificationPolicy::any_identity();
        let found = self.verifier.verify(of, bundle, &anybody);
        let found = found.map_err(|error| match (&error, untimely(bundle)) {
            (Error::Certificate(_), Some(why)) => why,
            _ => in_words(&error),
        })?;
        let is_whole = found.certificate_verified()
            && found.sct_verified()
            && found.tlog_verified()
            && !bundle.verification_material.tlog_entries.is_empty();
        if !is_whole {
            return Err("not all of it was verified".to_owned());
        }
        let identity = found.identity().map_or("", |identity| identity.as_str());
        let issuer = found.issuer().unwrap_or("");
        match fits(&self.identity, identity) && fits(&self.issuer, issuer) {
            true => Ok(()),
            false => Err(quoted(format!(
                "it is signed by \"{identity}\" of the issuer \"{issuer}\""
            ))),
        }
    }
}

fn fits(wanted: &str, found: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(beginning) => found.starts_with(beginning),
        None => found == wanted,
    }
}

/// What the older layout says in annotations, as the first kind of bundle: there the log's promise stands for its proof.
fn older(payload: &[u8], signature: &str, certificate: &str, logged: &str) -> Option<Bundle> {
    let logged: serde_json::Value = serde_json::from_str(logged).ok()?;
    let entry = &logged["Payload"];
    let log = Sha256Hash::from_hex(entry["logID"].as_str()?).ok()?;
    let certificate = DerCertificate::from_pem(certificate).ok()?;
    let bundle = json!({
        "mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.1",
        "verificationMaterial": {
            "x509CertificateChain": {"certificates": [{"rawBytes": certificate}]},
            "tlogEntries": [{
                "logIndex": entry["logIndex"].as_u64()?.to_string(),
                "logId": {"keyId": log.to_base64()},
                "kindVersion": {"kind": "hashedrekord", "version": "0.0.1"},
                "integratedTime": entry["integratedTime"].as_i64()?.to_string(),
                "inclusionPromise": {"signedEntryTimestamp": logged["SignedEntryTimestamp"]},
                "canonicalizedBody": entry["body"],
            }],
        },
        "messageSignature": {
            "messageDigest": {
                "algorithm": "SHA2_256",
                "digest": sigstore_verify::crypto::sha256(payload).to_base64(),
            },
            "signature": signature.trim(),
        },
    });
    serde_json::from_value(bundle).ok()
}

/// How it was signed before or after its certificate held, if it was.
fn untimely(bundle: &Bundle) -> Option<String> {
    let certificate = parse_certificate_info(bundle.signing_certificate()?).ok()?;
    let (from, until) = (certificate.not_before, certificate.not_after);
    let entries = bundle.verification_material.tlog_entries.iter();
    let mut times = entries.filter_map(|entry| entry.integrated_time);
    let time = times.find(|time| *time < from || *time > until)?;
    Some(format!(
        "it was signed at {time}, and its certificate holds from {from} to {until}"
    ))
}

/// Why a signature does not count.
fn in_words(error: &Error) -> String {
    use {CertificateError as Certificate, TransparencyLogError as Log};
    let why = match error {
        Error::ArtifactMismatch(_) => ANOTHER.to_owned(),
        Error::SignatureInvalid(_) => "its signature does not fit what is signed".to_owned(),
        Error::Certificate(Certificate::ChainInvalid(_) | Certificate::NoValidAuthority { .. }) => {
            format!("its certificate comes from nobody whom the trust root names ({error})")
        }
        Error::Certificate(Certificate::Expired { .. } | Certificate::NotYetValid { .. }) => {
            format!("it was not signed while its certificate held ({error})")
        }
        Error::Certificate(Certificate::Sct(_)) => {
            format!(
                "no log of certificates that the trust root names has its certificate ({error})"
            )
        }
        Error::TransparencyLog(Log::EntryMismatch(_)) => {
            format!("what the log holds is another signature ({error})")
        }
        Error::TransparencyLog(_) | Error::Bundle(_) => {
            format!("no log of signatures that the trust root names vouches for it ({error})")
        }
        Error::Timestamp(TimestampError::NoVerifiedTimestamp(_)) => {
            "nobody whom the trust root names says when it was signed".to_owned()
        }
        _ => error.to_string(),
    };
    quoted(why)
}

/// What others wrote, without what a terminal would obey.
fn quoted(text: String) -> String {
    text.chars()
        .filter(|one| !one.is_control())
        .take(QUOTED_CHARS)
        .collect()
}

#[cfg(test)]
mod tests;
