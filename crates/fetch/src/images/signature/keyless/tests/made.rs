//! An instance of Sigstore in memory: an authority, a log of certificates and a log of signatures, with what they sign.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sigstore_verify::crypto::sha256;

use super::{ANNOTATION, CERTIFICATE, LOGGED};
use crate::images::signature::P256;

pub(super) const IDENTITY: &str = "https://ci.test/acme/build.yml@refs/heads/main";
pub(super) const ISSUER: &str = "https://token.ci.test";
/// 1 June 2025, 12:05 UTC: the middle of what each certificate holds.
pub(super) const NOW: i64 = 1_748_779_500;
const HOLDS: [&str; 2] = ["250601120000Z", "250601121000Z"];

const ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const BASIC: &[u8] = &[0x55, 0x1d, 0x13];
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const EXTENDED_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
const CODE_SIGNING: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x03];
const ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 0x11];
const ISSUER_NAME: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xbf, 0x30, 0x01, 0x08];
const TIMESTAMPS: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xd6, 0x79, 0x02, 0x04, 0x02];

struct Key(EcdsaKeyPair);

impl Key {
    fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap())
    }

    /// The key with its kind.
    fn public(&self) -> Vec<u8> {
        [P256, self.0.public_key().as_ref()].concat()
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature = self.0.sign(&SystemRandom::new(), message).unwrap();
        signature.as_ref().to_vec()
    }

    /// What logs are known by.
    fn id(&self) -> [u8; 32] {
        *sha256(&self.public()).as_bytes()
    }
}

pub(super) struct Instance {
    authority: Key,
    certificates: Key,
    signatures: Key,
}

impl Instance {
    pub(super) fn new() -> Self {
        Self {
            authority: Key::new(),
            certificates: Key::new(),
            signatures: Key::new(),
        }
    }

    /// What is believed of it, as a file.
    pub(super) fn root(&self) -> String {
        let key = &self.authority;
        let uses: [&[u8]; 2] = [
            &extension(BASIC, &sequence(&[&[0x01, 0x01, 0xff]])),
            &extension(KEY_USAGE, &[0x03, 0x02, 0x01, 0x06]),
        ];
        let holds = ["200101000000Z", "490101000000Z"];
        let authority = certificate(key, key, &name(), holds, &uses);
        let log = |key: &Key| {
            json!([{
                "baseUrl": "https://log.test",
                "hashAlgorithm": "SHA2_256",
                "publicKey": {
                    "rawBytes": base64(&key.public()),
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "validFor": {"start": "2020-01-01T00:00:00Z"},
                },
                "logId": {"keyId": base64(&key.id())},
            }])
        };
        json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": log(&self.signatures),
            "ctlogs": log(&self.certificates),
            "certificateAuthorities": [{
                "uri": "https://authority.test",
                "certChain": {"certificates": [{"rawBytes": base64(&authority)}]},
                "validFor": {"start": "2020-01-01T00:00:00Z"},
            }],
        })
        .to_string()
    }

    /// A certificate for a key of whoever signs.
    fn certify(&self, key: &Key) -> Vec<u8> {
        let usage = [0x06, u8::try_from(CODE_SIGNING.len()).unwrap()];
        let usage = sequence(&[&[&usage, CODE_SIGNING].concat()]);
        let names = sequence(&[&tagged(0x86, &[IDENTITY.as_bytes()])]);
        let mut uses = vec![
            extension(KEY_USAGE, &[0x03, 0x02, 0x07, 0x80]),
            extension(EXTENDED_USAGE, &usage),
            extension(ALTERNATIVE_NAME, &names),
            extension(ISSUER_NAME, &tagged(0x0c, &[ISSUER.as_bytes()])),
        ];
        // The log signs the certificate as it is without the log's word.
        let bare = body(key, &sequence(&[]), HOLDS, &parts(&uses));
        let when = u64::try_from(NOW * 1000).unwrap().to_be_bytes();
        let length = u32::try_from(bare.len()).unwrap().to_be_bytes();
        let issuer = sha256(&self.authority.public());
        let signed = [
            &[0, 0],
            when.as_slice(),
            &[0, 1],
            issuer.as_bytes(),
            &length[1..],
            &bare,
            &[0, 0],
        ];
        let signature = self.certificates.sign(&signed.concat());
        let id = self.certificates.id();
        let word = [&[0], id.as_slice(), &when, &[0, 0, 4, 3], &long(&signature)];
        let words = tagged(0x04, &[&long(&long(&word.concat()))]);
        uses.push(extension(TIMESTAMPS, &words));
        certificate(&self.authority, key, &sequence(&[]), HOLDS, &parts(&uses))
    }

    /// An entry of the log of signatures, as a bundle holds it.
    fn logged(&self, kind: &str, what: &Value, at: i64) -> Value {
        let body = json!({"apiVersion": "0.0.1", "kind": kind, "spec": what}).to_string();
        let leaf = sha256(&[&[0], body.as_bytes()].concat());
        let beside = sha256(b"another");
        let root = sha256(&[&[1], leaf.as_bytes().as_slice(), beside.as_bytes()].concat());
        let note = format!("log.test - 1\n2\n{}\n", root.to_base64());
        let signature = [
            &self.signatures.id()[..4],
            &self.signatures.sign(note.as_bytes()),
        ];
        let checkpoint = format!("{note}\n— log.test {}\n", base64(&signature.concat()));
        json!({
            "logIndex": "7",
            "logId": {"keyId": base64(&self.signatures.id())},
            "kindVersion": {"kind": kind, "version": "0.0.1"},
            "integratedTime": at.to_string(),
            "inclusionPromise": {"signedEntryTimestamp": self.promise(&body, at)},
            "inclusionProof": {
                "logIndex": "0",
                "rootHash": root.to_base64(),
                "treeSize": "2",
                "hashes": [beside.to_base64()],
                "checkpoint": {"envelope": checkpoint},
            },
            "canonicalizedBody": base64(body.as_bytes()),
        })
    }

    /// What the log is called in what it says of an entry.
    fn log_id(&self) -> String {
        let id = self.signatures.id();
        id.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What the log says of an entry that it has not yet, in the order of names.
    fn promise(&self, body: &str, at: i64) -> String {
        let id = self.log_id();
        let body = base64(body.as_bytes());
        let said =
            format!(r#"{{"body":"{body}","integratedTime":{at},"logID":"{id}","logIndex":7}}"#);
        base64(&self.signatures.sign(said.as_bytes()))
    }

    /// A statement of this kind about the digest, signed and logged at this time.
    pub(super) fn bundle(&self, kind: &str, digest: &str, at: i64) -> Value {
        let hex = digest.trim_start_matches("sha256:");
        let statement = json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "", "digest": {"sha256": hex}}],
            "predicateType": kind,
            "predicate": {},
        })
        .to_string();
        let payload_type = "application/vnd.in-toto+json";
        let head = format!(
            "DSSEv1 {} {payload_type} {} ",
            payload_type.len(),
            statement.len()
        );
        let key = Key::new();
        let signature = base64(&key.sign(&[head.as_bytes(), statement.as_bytes()].concat()));
        let certificate = self.certify(&key);
        let hash = sha256(statement.as_bytes()).to_hex();
        let entry = self.logged(
            "dsse",
            &json!({
                "envelopeHash": {"algorithm": "sha256", "value": hash},
                "payloadHash": {"algorithm": "sha256", "value": hash},
                "signatures": [{
                    "signature": signature,
                    "verifier": base64(pem(&certificate).as_bytes()),
                }],
            }),
            at,
        );
        json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": {"rawBytes": base64(&certificate)},
                "tlogEntries": [entry],
            },
            "dsseEnvelope": {
                "payload": base64(statement.as_bytes()),
                "payloadType": payload_type,
                "signatures": [{"sig": signature}],
            },
        })
    }

    /// The annotations of a payload that was signed and logged at this time.
    pub(super) fn notes(&self, payload: &str, at: i64) -> Value {
        let key = Key::new();
        let signature = base64(&key.sign(payload.as_bytes()));
        let certificate = pem(&self.certify(&key));
        let hash = sha256(payload.as_bytes()).to_hex();
        let entry = self.logged(
            "hashedrekord",
            &json!({
                "data": {"hash": {"algorithm": "sha256", "value": hash}},
                "signature": {
                    "content": signature,
                    "publicKey": {"content": base64(certificate.as_bytes())},
                },
            }),
            at,
        );
        let id = self.log_id();
        let logged = json!({
            "SignedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"],
            "Payload": {
                "body": entry["canonicalizedBody"],
                "integratedTime": at,
                "logIndex": 7,
                "logID": id,
            },
        });
        json!({ANNOTATION: signature, CERTIFICATE: certificate, LOGGED: logged.to_string()})
    }
}

fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

fn pem(certificate: &[u8]) -> String {
    let text = base64(certificate);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        lines.join("\n")
    )
}

/// Bytes behind their number in two.
fn long(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
    [&length, bytes].concat()
}

/// A value of DER.
fn tagged(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let inner = parts.concat();
    let length = u16::try_from(inner.len()).unwrap();
    let [high, low] = length.to_be_bytes();
    let head: &[u8] = match length {
        0..0x80 => &[tag, low],
        0x80..0x100 => &[tag, 0x81, low],
        _ => &[tag, 0x82, high, low],
    };
    [head, &inner].concat()
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tagged(0x30, parts)
}

fn parts(all: &[Vec<u8>]) -> Vec<&[u8]> {
    all.iter().map(Vec::as_slice).collect()
}

fn extension(kind: &[u8], value: &[u8]) -> Vec<u8> {
    sequence(&[&tagged(0x06, &[kind]), &tagged(0x04, &[value])])
}

fn name() -> Vec<u8> {
    let common = sequence(&[
        &tagged(0x06, &[COMMON_NAME]),
        &tagged(0x0c, &[b"authority"]),
    ]);
    sequence(&[&tagged(0x31, &[&common])])
}

/// What of a certificate is signed.
fn body(key: &Key, subject: &[u8], holds: [&str; 2], extensions: &[&[u8]]) -> Vec<u8> {
    let [from, until] = holds.map(|time| tagged(0x17, &[time.as_bytes()]));
    sequence(&[
        &tagged(0xa0, &[&[0x02, 0x01, 0x02]]),
        &[0x02, 0x01, 0x01],
        &sequence(&[&tagged(0x06, &[ECDSA_SHA256])]),
        &name(),
        &sequence(&[&from, &until]),
        subject,
        &key.public(),
        &tagged(0xa3, &[&sequence(extensions)]),
    ])
}

fn certificate(
    by: &Key,
    key: &Key,
    subject: &[u8],
    holds: [&str; 2],
    extensions: &[&[u8]],
) -> Vec<u8> {
    let body = body(key, subject, holds, extensions);
    let signature = by.sign(&body);
    sequence(&[
        &body,
        &sequence(&[&tagged(0x06, &[ECDSA_SHA256])]),
        &tagged(0x03, &[&[0], &signature]),
    ])
}
