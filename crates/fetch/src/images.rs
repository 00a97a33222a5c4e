//! Images of containers in registries, by the protocol of OCI distribution. Owns their names, the token that registries
//! hand out to whoever may read, and that what came is what its digest says. Asks for images as a stranger: whoever has a password
//! for a registry has an engine that knows it. Next: `images/name.rs`; `images/artifact.rs` for documents that lie there.

mod artifact;
mod name;
mod signature;
mod token;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{Context, SHA256};
use url::Url;

pub use self::artifact::{Account, ArtifactError, ArtifactKind, PulledArtifact};
pub use self::name::{ImageName, NameError, is_digest};
pub use self::signature::{Identity, SignatureError, Signer, SigningKey};
use crate::client::{Ask, Client, Got, Trust};
use crate::error::{FetchError, Why};
use crate::limits::{
    Limits, MANIFEST_BYTES_MAX, PULL_CONNECT_TIME, PULL_IMAGE_TIME, TOKEN_BYTES_MAX,
};

/// What kinds of manifests are understood.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// Why an image did not come.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// The registry has none of that name, or shows none to strangers.
    #[error(
        "the registry {0} has no such image, or does not show it to anybody without an account"
    )]
    Missing(String),
    /// The registry wants to know who asks.
    #[error(
        "the registry {0} wants an account, which is never sent; fetch it with an engine that knows it, such as Docker"
    )]
    Account(String),
    /// The registry was not reached, or broke off.
    #[error("the registry {registry} cannot be used: {why}")]
    Registry {
        /// Its host.
        registry: String,
        /// What happened.
        why: Why,
    },
    /// What came is something else than what was asked for.
    #[error(
        "what came is not what its digest says ({got} in the place of {wanted}); do not use it, and tell whoever runs the registry"
    )]
    Digest {
        /// As it was asked for.
        wanted: String,
        /// Of what came.
        got: String,
    },
    /// What came could not be kept.
    #[error("{0}")]
    Kept(std::io::Error),
}

/// A registry's answer to the question for a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// As it came: its digest is over these bytes.
    pub bytes: Vec<u8>,
    /// `sha256:…` of the bytes.
    pub digest: String,
}

/// Registries, as one pull sees them: tokens are forgotten with it.
pub struct Registries {
    client: Client,
    trust: Trust,
    /// What each repository is shown, as it stands in the header.
    tokens: Mutex<BTreeMap<String, String>>,
    /// The account that the person has there.
    account: Option<Account>,
}

impl Registries {
    /// As whoever names the image may reach them. A person may name one on this machine or in its network.
    #[must_use]
    pub fn new(trust: Trust) -> Self {
        let limits = Limits {
            body_bytes: MANIFEST_BYTES_MAX,
            time: PULL_IMAGE_TIME,
            connect_time: PULL_CONNECT_TIME,
        };
        Self::over(Client::new(limits), trust)
    }

    pub(crate) fn over(client: Client, trust: Trust) -> Self {
        Self {
            client,
            trust,
            tokens: Mutex::default(),
            account: None,
        }
    }

    /// The manifest that a tag or digest stands for, checked if it is a digest.
    ///
    /// # Errors
    /// See [`ImageError`].
    pub async fn manifest(
        &self,
        name: &ImageName,
        reference: &str,
    ) -> Result<Manifest, ImageError> {
        let mut bytes = Vec::new();
        let path = format!("manifests/{reference}");
        self.read(
            name,
            &path,
            MANIFESTS,
            MANIFEST_BYTES_MAX as u64,
            &mut |piece| {
                bytes.extend_from_slice(piece);
                Ok(())
            },
        )
        .await?;
        let digest = digest_of(&bytes);
        if is_digest(reference) && digest != reference {
            return Err(ImageError::Digest {
                wanted: reference.to_owned(),
                got: digest,
            });
        }
        Ok(Manifest { bytes, digest })
    }

    /// What a digest stands for, of at most so many bytes, piece by piece. It is checked at the end: nothing of it may be used
    /// before this returns.
    ///
    /// # Errors
    /// See [`ImageError`]; also what `keep` returns.
    pub async fn blob(
        &self,
        name: &ImageName,
        digest: &str,
        bytes_max: u64,
        keep: &mut (dyn FnMut(&[u8]) -> std::io::Result<()> + Send),
    ) -> Result<(), ImageError> {
        let mut context = Context::new(&SHA256);
        let path = format!("blobs/{digest}");
        self.read(name, &path, "*/*", bytes_max, &mut |piece| {
            context.update(piece);
            keep(piece)
        })
        .await?;
        let got = written(context.finish().as_ref());
        match got == digest {
            true => Ok(()),
            false => Err(ImageError::Digest {
                wanted: digest.to_owned(),
                got,
            }),
        }
    }

    /// What refers to a digest, as a list of manifests; `None` where the registry does not know such questions.
    ///
    /// # Errors
    /// See [`ImageError`].
    pub async fn referrers(
        &self,
        name: &ImageName,
        digest: &str,
    ) -> Result<Option<Vec<u8>>, ImageError> {
        let mut bytes = Vec::new();
        let path = format!("referrers/{digest}");
        let mut keep = |piece: &[u8]| {
            bytes.extend_from_slice(piece);
            Ok(())
        };
        let read = self.read(name, &path, MANIFESTS, MANIFEST_BYTES_MAX as u64, &mut keep);
        match read.await {
            Ok(()) => Ok(Some(bytes)),
            Err(ImageError::Missing(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn read(
        &self,
        name: &ImageName,
        path: &str,
        accept: &str,
        bytes_max: u64,
        keep: &mut (dyn FnMut(&[u8]) -> std::io::Result<()> + Send),
    ) -> Result<(), ImageError> {
        let registry = name.registry();
        let told = |why| ImageError::Registry {
            registry: registry.to_owned(),
            why,
        };
        let url = format!(
            "{}/v2/{}/{path}",
            name.origin(self.trust),
            name.repository()
        );
        let key = key(name);
        // Once as a stranger or with what is known, and once with what was handed out meanwhile.
        for is_last in [false, true] {
            let authorization = self.lock().get(&key).cloned();
            let ask = Ask {
                accept,
                authorization: authorization.as_deref(),
                bytes_max,
            };
            let got = self.client.ask(&url, self.trust, &ask, keep).await;
            match got.map_err(|error| kept_or(error, &told))? {
                Got::All => return Ok(()),
                Got::Refused {
                    status: 401 | 403,
                    challenge,
                } if !is_last => {
                    self.sign_in(&url, challenge.as_deref(), name, "pull")
                        .await?;
                }
                Got::Refused {
                    status: 401 | 403, ..
                }
                | Got::Refused { status: 404, .. } => {
                    return Err(ImageError::Missing(registry.to_owned()));
                }
                Got::Refused { status, .. } => return Err(told(Why::Status(status))),
            }
        }
        Err(ImageError::Missing(registry.to_owned()))
    }

    /// Gets what a repository wants to be shown: a token, for whoever has no account too, or the account itself.
    async fn sign_in(
        &self,
        url: &str,
        challenge: Option<&str>,
        name: &ImageName,
        actions: &str,
    ) -> Result<(), ImageError> {
        let registry = name.registry();
        let wants_account = || ImageError::Account(registry.to_owned());
        let authorization = match (challenge.and_then(token::Challenge::parse), &self.account) {
            (Some(challenge), _) => {
                let token = self.token(url, &challenge, name, actions).await;
                let token = token.map_err(|error| match error.why {
                    Why::Status(400..=499) => wants_account(),
                    why => ImageError::Registry {
                        registry: registry.to_owned(),
                        why,
                    },
                })?;
                format!("Bearer {token}")
            }
            (None, Some(account)) if challenge.is_some_and(token::is_basic) => account.header(),
            (None, _) => return Err(wants_account()),
        };
        self.lock().insert(key(name), authorization);
        Ok(())
    }

    /// Where tokens are handed out is the registry's word: over https, or where the registry itself is.
    async fn token(
        &self,
        registry: &str,
        challenge: &token::Challenge,
        name: &ImageName,
        actions: &str,
    ) -> Result<String, FetchError> {
        let shown = &challenge.realm;
        let malformed = |error| FetchError::new(shown, Why::Malformed(error));
        let mut url = Url::parse(&challenge.realm).map_err(malformed)?;
        let own = Url::parse(registry).map_err(malformed)?;
        if url.scheme() != "https" && url.origin() != own.origin() {
            return Err(FetchError::new(shown, Why::Insecure));
        }
        if let Some(service) = &challenge.service {
            url.query_pairs_mut().append_pair("service", service);
        }
        let scope = format!("repository:{}:{actions}", name.repository());
        url.query_pairs_mut().append_pair("scope", &scope);
        let account = self.account.as_ref().map(Account::header);
        let ask = Ask {
            accept: "application/json",
            authorization: account.as_deref(),
            bytes_max: TOKEN_BYTES_MAX,
        };
        let mut body = Vec::new();
        let mut keep = |piece: &[u8]| {
            body.extend_from_slice(piece);
            Ok(())
        };
        match self
            .client
            .ask(url.as_str(), self.trust, &ask, &mut keep)
            .await?
        {
            Got::All => {}
            Got::Refused { status, .. } => {
                return Err(FetchError::new(shown, Why::Status(status)));
            }
        }
        token::read(&body).ok_or_else(|| FetchError::new(shown, Why::NoToken))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, String>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Under what a token of a repository is kept.
fn key(name: &ImageName) -> String {
    format!("{}/{}", name.registry(), name.repository())
}

fn kept_or(error: FetchError, told: &dyn Fn(Why) -> ImageError) -> ImageError {
    match error.why {
        Why::Kept(error) => ImageError::Kept(error),
        why => told(why),
    }
}

/// `sha256:…` of bytes.
#[must_use]
pub fn digest_of(bytes: &[u8]) -> String {
    written(aws_lc_rs::digest::digest(&SHA256, bytes).as_ref())
}

fn written(hash: &[u8]) -> String {
    let mut out = "sha256:".to_owned();
    for byte in hash {
        out.push_str(&format!("{byte:02x}"));
    }
    out
}
