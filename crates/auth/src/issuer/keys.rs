//! The keys of an issuer (RFC 7517), and what is signed with them. Owns which algorithms there are: asymmetric ones only, each
//! with the kind of key that it is made for, and where a key names its algorithm, no other. Signatures are aws-lc-rs'.

use aws_lc_rs::signature::{self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::limits::KEYS_MAX;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Keys(Vec<Key>);

#[derive(Debug)]
struct Key {
    id: Option<String>,
    algorithm: Option<Algorithm>,
    material: Material,
}

#[derive(Debug, PartialEq, Eq)]
enum Material {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// On the curve of this algorithm.
    Ec(Algorithm, Vec<u8>),
    Ed25519(Vec<u8>),
}

/// How something is signed (RFC 7518, RFC 8037).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    Es512,
    EdDsa,
}

/// Why a signature is none.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unsigned {
    /// No key of the issuer could have made it.
    Unknown,
    /// The key did not make it.
    Wrong,
}

impl Algorithm {
    /// By its name; `none` and whatever works with a shared secret have none here.
    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "PS256" => Self::Ps256,
            "PS384" => Self::Ps384,
            "PS512" => Self::Ps512,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "ES512" => Self::Es512,
            "EdDSA" | "Ed25519" => Self::EdDsa,
            _ => return None,
        })
    }

    fn rsa(self) -> Option<&'static RsaParameters> {
        Some(match self {
            Self::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Self::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
            Self::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
            Self::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
            Self::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
            Self::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
            _ => return None,
        })
    }

    fn ec(self) -> Option<&'static signature::EcdsaVerificationAlgorithm> {
        Some(match self {
            Self::Es256 => &signature::ECDSA_P256_SHA256_FIXED,
            Self::Es384 => &signature::ECDSA_P384_SHA384_FIXED,
            Self::Es512 => &signature::ECDSA_P521_SHA512_FIXED,
            _ => return None,
        })
    }
}

impl Keys {
    /// Reads a set of keys. Those that are of no use here are left out; nothing: it is no set.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let set: Set = serde_json::from_slice(body).ok()?;
        let usable = set.keys.into_iter().filter_map(Key::read);
        Some(Self(usable.take(KEYS_MAX).collect()))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// That one of them has signed this. A token that names no key is good only where a single one fits.
    pub(super) fn verify(
        &self,
        (algorithm, id): (Algorithm, Option<&str>),
        signed: &[u8],
        signature: &[u8],
    ) -> Result<(), Unsigned> {
        let fits =
            |key: &&Key| key.makes(algorithm) && id.is_none_or(|id| key.id.as_deref() == Some(id));
        let mut fitting = self.0.iter().filter(fits);
        let key = fitting.next().ok_or(Unsigned::Unknown)?;
        if id.is_none() && fitting.next().is_some() {
            return Err(Unsigned::Unknown);
        }
        match key.material.verify(algorithm, signed, signature) {
            true => Ok(()),
            false => Err(Unsigned::Wrong),
        }
    }
}

impl Key {
    fn read(written: Written) -> Option<Self> {
        let is_for_signing = written
            .purpose
            .as_deref()
            .is_none_or(|purpose| purpose == "sig");
        let operations = written.operations.as_ref();
        let may_verify = operations.is_none_or(|all| all.iter().any(|one| one == "verify"));
        if !is_for_signing || !may_verify {
            return None;
        }
        let part = |part: &Option<String>| URL_SAFE_NO_PAD.decode(part.as_deref()?).ok();
        let material = match (written.kind.as_str(), written.curve.as_deref()) {
            ("RSA", _) => Material::Rsa {
                n: part(&written.n)?,
                e: part(&written.e)?,
            },
            ("EC", Some(curve)) => {
                let (algorithm, length) = match curve {
                    "P-256" => (Algorithm::Es256, 32),
                    "P-384" => (Algorithm::Es384, 48),
                    "P-521" => (Algorithm::Es512, 66),
                    _ => return None,
                };
                let (x, y) = (part(&written.x)?, part(&written.y)?);
                if x.len() != length || y.len() != length {
                    return None;
                }
                // As SEC 1 writes a point that is not shortened.
                Material::Ec(algorithm, [&[4], &*x, &*y].concat())
            }
            ("OKP", Some("Ed25519")) => Material::Ed25519(part(&written.x)?),
            _ => return None,
        };
        let algorithm = match &written.algorithm {
            // A key for something that we do not know is not for us.
            Some(name) => Some(Algorithm::parse(name)?),
            None => None,
        };
        Some(Self {
            id: written.id,
            algorithm,
            material,
        })
    }

    fn makes(&self, algorithm: Algorithm) -> bool {
        let is_its_kind = match &self.material {
            Material::Rsa { .. } => algorithm.rsa().is_some(),
            Material::Ec(of, _) => *of == algorithm,
            Material::Ed25519(_) => algorithm == Algorithm::EdDsa,
        };
        is_its_kind && self.algorithm.is_none_or(|own| own == algorithm)
    }
}

impl Material {
    fn verify(&self, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> bool {
        match (self, algorithm.rsa(), algorithm.ec()) {
            (Self::Rsa { n, e }, Some(parameters), _) => {
                let key = RsaPublicKeyComponents { n, e };
                key.verify(parameters, signed, signature).is_ok()
            }
            (Self::Ec(_, point), _, Some(curve)) => {
                let key = UnparsedPublicKey::new(curve, point);
                key.verify(signed, signature).is_ok()
            }
            (Self::Ed25519(point), None, None) => {
                let key = UnparsedPublicKey::new(&signature::ED25519, point);
                key.verify(signed, signature).is_ok()
            }
            _ => false,
        }
    }
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Written>,
}

#[derive(Deserialize)]
struct Written {
    #[serde(rename = "kty", default)]
    kind: String,
    #[serde(rename = "kid")]
    id: Option<String>,
    #[serde(rename = "alg")]
    algorithm: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    #[serde(rename = "key_ops")]
    operations: Option<Vec<String>>,
    #[serde(rename = "crv")]
    curve: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kinds(keys: serde_json::Value) -> usize {
        Keys::read(json!({ "keys": keys }).to_string().as_bytes())
            .unwrap()
            .0
            .len()
    }

    #[test]
    fn keys_of_no_use_are_left_out() {
        let part = URL_SAFE_NO_PAD.encode([7; 32]);
        assert_eq!(
            kinds(json!([{"kty": "OKP", "crv": "Ed25519", "x": part}])),
            1
        );
        assert_eq!(
            kinds(json!([{"kty": "EC", "crv": "P-256", "x": part, "y": part}])),
            1
        );
        for key in [
            json!({"kty": "oct", "k": part}),
            json!({"kty": "oct", "k": part, "alg": "HS256"}),
            json!({"kty": "OKP", "crv": "X25519", "x": part}),
            json!({"kty": "EC", "crv": "P-384", "x": part, "y": part}),
            json!({"kty": "EC", "crv": "secp256k1", "x": part, "y": part}),
            json!({"kty": "OKP", "crv": "Ed25519", "x": part, "use": "enc"}),
            json!({"kty": "OKP", "crv": "Ed25519", "x": part, "key_ops": ["sign"]}),
            json!({"kty": "OKP", "crv": "Ed25519", "x": part, "alg": "HS256"}),
            json!({"kty": "OKP", "crv": "Ed25519", "x": "a b"}),
            json!({"kty": "RSA", "n": part}),
            json!({}),
        ] {
            assert_eq!(kinds(json!([key])), 0, "{key}");
        }
        assert!(Keys::read(b"[]").is_none() && Keys::read(b"{}").is_none());
    }

    #[test]
    fn there_is_an_end_to_them() {
        let part = URL_SAFE_NO_PAD.encode([7; 32]);
        let many = vec![json!({"kty": "OKP", "crv": "Ed25519", "x": part}); KEYS_MAX + 1];
        assert_eq!(kinds(json!(many)), KEYS_MAX);
    }

    #[test]
    fn no_algorithm_works_with_a_shared_secret() {
        for name in ["none", "None", "HS256", "HS512", "rs256", "A128KW", ""] {
            assert_eq!(Algorithm::parse(name), None, "{name}");
        }
    }
}
