//! Documents in registries of images: profiles and catalogs, as OCI artifacts of the kinds that Docker made for them. Owns what one
//! is made of, that it is what its digests say, and how it gets there. Refuses whatever is of another kind, version or size, and to
//! carry anything to a host that nobody named.

use std::fmt;

use catalog::Secret;
use hyper::Method;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{ImageError, ImageName, Registries, digest_of, is_digest, key};
use crate::client::{Client, Put, Told, Trust};
use crate::error::{Why, shown};
use crate::limits::{ARTIFACT_BYTES_MAX, ARTIFACT_TIME, Limits, PULL_CONNECT_TIME};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";
const JSON: &str = "application/json";

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArtifactKind {
    /// A profile.
    Profile,
    /// A catalog.
    Catalog,
}

impl ArtifactKind {
    /// The type that its manifest has.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Profile => "application/vnd.docker.mcp.profile.v1+json",
            Self::Catalog => "application/vnd.docker.mcp.catalog.v1+json",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Catalog => "catalog",
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Profile => Self::Catalog,
            Self::Catalog => Self::Profile,
        }
    }

    /// The same without its version.
    fn family(self) -> &'static str {
        self.media_type().trim_end_matches("1+json")
    }
}

/// A name and a password for one registry, as they are sent.
#[derive(Clone)]
pub struct Account(Secret);

impl Account {
    /// Of `name:password` in base64, as Docker keeps it; `None` where it can stand in no header.
    #[must_use]
    pub fn new(encoded: &str) -> Option<Self> {
        let is_encoded = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=-_".contains(&byte);
        let is_one = !encoded.is_empty() && encoded.bytes().all(is_encoded);
        is_one.then(|| Self(Secret::new(encoded)))
    }

    pub(super) fn header(&self) -> String {
        format!("Basic {}", self.0.reveal())
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Account(***)")
    }
}

/// A document that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PulledArtifact {
    /// `sha256:…` of its manifest.
    pub digest: String,
    /// The document.
    pub text: String,
}

/// Why a document did not come, or was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArtifactError {
    /// The registry, its account, a digest.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// It is another kind of document.
    #[error("this is a {} and no {}", .wanted.other().word(), .wanted.word())]
    Other {
        /// What was asked for.
        wanted: ArtifactKind,
    },
    /// It is of a later version.
    #[error("it is a {} of a version that is not known here ({got})", .wanted.word())]
    Version {
        /// What was asked for.
        wanted: ArtifactKind,
        /// Its type.
        got: String,
    },
    /// It is an image, or of a type that has nothing to do with us.
    #[error("it is no {}, {got}", .wanted.word())]
    Kind {
        /// What was asked for.
        wanted: ArtifactKind,
        /// What it is.
        got: String,
    },
    /// Its manifest cannot be used.
    #[error("its manifest is broken: {0}")]
    Manifest(String),
    /// It is too large.
    #[error("it has {0} bytes, and at most {ARTIFACT_BYTES_MAX} are taken")]
    Large(u64),
    /// It is not as long as its manifest says.
    #[error("it has not the {0} bytes that its manifest says")]
    Size(u64),
    /// It is no text.
    #[error("its document is not text in UTF-8")]
    NotText,
    /// The registry does not take it.
    #[error("the registry {registry} does not take it: {says}")]
    Refused {
        /// Its host.
        registry: String,
        /// In its words.
        says: String,
    },
    /// The registry wants it to be sent elsewhere.
    #[error("the registry wants it to be sent to {0}, which nobody named")]
    Elsewhere(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Read {
    schema_version: Option<u64>,
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<Part>,
    #[serde(default)]
    layers: Vec<Part>,
    manifests: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    media_type: String,
    digest: String,
    size: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    schema_version: u64,
    media_type: &'a str,
    artifact_type: &'a str,
    config: Part,
    layers: [Part; 1],
}

impl Registries {
    /// For documents that a person names, with the account that they have there.
    #[must_use]
    pub fn for_artifacts(account: Option<Account>) -> Self {
        let limits = Limits {
            body_bytes: ARTIFACT_BYTES_MAX,
            time: ARTIFACT_TIME,
            connect_time: PULL_CONNECT_TIME,
        };
        Self {
            account,
            ..Self::over(Client::new(limits), Trust::Person)
        }
    }

    /// The document of a name.
    ///
    /// # Errors
    /// See [`ArtifactError`].
    pub async fn pull_artifact(
        &self,
        name: &ImageName,
        kind: ArtifactKind,
    ) -> Result<PulledArtifact, ArtifactError> {
        let manifest = self.manifest(name, name.reference()).await?;
        let part = document(&manifest.bytes, kind)?;
        let mut bytes = Vec::new();
        let mut keep = |piece: &[u8]| {
            bytes.extend_from_slice(piece);
            Ok(())
        };
        let got = self.blob(name, &part.digest, part.size, &mut keep).await;
        got.map_err(|error| match error {
            ImageError::Registry {
                why: Why::Large(_), ..
            } => ArtifactError::Size(part.size),
            error => error.into(),
        })?;
        if bytes.len() as u64 != part.size {
            return Err(ArtifactError::Size(part.size));
        }
        let text = String::from_utf8(bytes).map_err(|_| ArtifactError::NotText)?;
        Ok(PulledArtifact {
            digest: manifest.digest,
            text,
        })
    }

    /// Puts a document under a name; the digest of its manifest.
    ///
    /// # Errors
    /// See [`ArtifactError`].
    pub async fn push_artifact(
        &self,
        name: &ImageName,
        kind: ArtifactKind,
        text: &str,
    ) -> Result<String, ArtifactError> {
        if text.len() > ARTIFACT_BYTES_MAX {
            return Err(ArtifactError::Large(text.len() as u64));
        }
        let config = self.push_blob(name, EMPTY, b"{}").await?;
        let layer = self.push_blob(name, JSON, text.as_bytes()).await?;
        let manifest = Written {
            schema_version: 2,
            media_type: MANIFEST,
            artifact_type: kind.media_type(),
            config,
            layers: [layer],
        };
        let manifest = serde_json::to_vec(&manifest)
            .map_err(|error| ArtifactError::Manifest(error.to_string()))?;
        let base = self.base(name);
        let url = format!("{base}/manifests/{}", name.reference());
        let told = self
            .put(name, &url, Method::PUT, MANIFEST, &manifest)
            .await?;
        match told.status {
            201 => Ok(digest_of(&manifest)),
            _ => Err(refused(name, &told)),
        }
    }

    async fn push_blob(
        &self,
        name: &ImageName,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<Part, ArtifactError> {
        let digest = digest_of(bytes);
        let url = format!("{}/blobs/uploads/", self.base(name));
        let told = self.put(name, &url, Method::POST, JSON, b"").await?;
        if told.status != 202 {
            return Err(refused(name, &told));
        }
        let location = told.location.as_deref().unwrap_or_default();
        let mut place = upload(&url, location)?;
        place.query_pairs_mut().append_pair("digest", &digest);
        let kind = "application/octet-stream";
        let told = self
            .put(name, place.as_str(), Method::PUT, kind, bytes)
            .await?;
        match told.status {
            201 => Ok(Part {
                media_type: media_type.to_owned(),
                digest,
                size: bytes.len() as u64,
            }),
            _ => Err(refused(name, &told)),
        }
    }

    fn base(&self, name: &ImageName) -> String {
        format!("{}/v2/{}", name.origin(self.trust), name.repository())
    }

    async fn put(
        &self,
        name: &ImageName,
        url: &str,
        method: Method,
        media_type: &str,
        body: &[u8],
    ) -> Result<Told, ArtifactError> {
        let registry = name.registry();
        for is_last in [false, true] {
            let authorization = self.lock().get(&key(name)).cloned();
            let put = Put {
                method: method.clone(),
                media_type,
                body,
                authorization: authorization.as_deref(),
            };
            let told = self.client.put(url, self.trust, &put).await;
            let told = told.map_err(|error| ImageError::Registry {
                registry: registry.to_owned(),
                why: error.why,
            })?;
            match told.status {
                401 if !is_last => {
                    self.sign_in(url, told.challenge.as_deref(), name, "pull,push")
                        .await?;
                }
                401 | 403 => return Err(ImageError::Account(registry.to_owned()).into()),
                404 => return Err(ImageError::Missing(registry.to_owned()).into()),
                _ => return Ok(told),
            }
        }
        Err(ImageError::Account(registry.to_owned()).into())
    }
}

/// The document of a manifest.
fn document(manifest: &[u8], wanted: ArtifactKind) -> Result<Part, ArtifactError> {
    let broken = |why: &str| ArtifactError::Manifest(why.to_owned());
    let read: Read = serde_json::from_slice(manifest)
        .map_err(|error| ArtifactError::Manifest(error.to_string()))?;
    let is_manifest = read
        .media_type
        .as_deref()
        .is_none_or(|kind| kind == MANIFEST);
    match read.artifact_type.as_deref() {
        Some(kind) if kind == wanted.media_type() => {}
        Some(kind) if kind == wanted.other().media_type() => {
            return Err(ArtifactError::Other { wanted });
        }
        Some(kind) if kind.starts_with(wanted.family()) => {
            return Err(ArtifactError::Version {
                wanted,
                got: shown(kind),
            });
        }
        Some(kind) => {
            let got = format!("but of the type {}", shown(kind));
            return Err(ArtifactError::Kind { wanted, got });
        }
        None => {
            let got = match read.manifests.is_some() || read.config.is_some() {
                true => "but an image".to_owned(),
                false => "it says no type".to_owned(),
            };
            return Err(ArtifactError::Kind { wanted, got });
        }
    }
    if !is_manifest || read.schema_version != Some(2) {
        return Err(broken("it is no OCI image manifest of version 2"));
    }
    let mut layers = read.layers.into_iter();
    let (Some(part), None) = (layers.next(), layers.next()) else {
        return Err(broken("it has not exactly one document"));
    };
    if part.media_type != JSON && part.media_type != wanted.media_type() {
        return Err(broken(&format!(
            "its document is {}",
            shown(&part.media_type)
        )));
    }
    if !is_digest(&part.digest) {
        return Err(broken("its document has no digest that can be checked"));
    }
    match part.size > ARTIFACT_BYTES_MAX as u64 {
        true => Err(ArtifactError::Large(part.size)),
        false => Ok(part),
    }
}

/// Where a registry wants something: nowhere but where the registry is.
fn upload(registry: &str, location: &str) -> Result<Url, ArtifactError> {
    let broken = || ArtifactError::Manifest("the registry says no place to send it to".to_owned());
    let registry = Url::parse(registry).map_err(|_| broken())?;
    if location.is_empty() {
        return Err(broken());
    }
    let place = registry.join(location).map_err(|_| broken())?;
    match place.origin() == registry.origin() {
        true => Ok(place),
        false => Err(ArtifactError::Elsewhere(shown(place.as_str()))),
    }
}

/// In the words of the registry, where it has some.
fn refused(name: &ImageName, told: &Told) -> ArtifactError {
    #[derive(Deserialize)]
    struct Says {
        errors: Vec<Said>,
    }
    #[derive(Deserialize)]
    struct Said {
        #[serde(default)]
        code: String,
        #[serde(default)]
        message: String,
    }
    let says = serde_json::from_slice::<Says>(&told.body).ok();
    let says = says.and_then(|says| says.errors.into_iter().next());
    let says = says.map(|said| match said.message.is_empty() {
        true => said.code,
        false => said.message,
    });
    let words = says.map(|says| format!(", {}", shown(&says)));
    ArtifactError::Refused {
        registry: name.registry().to_owned(),
        says: format!("status {}{}", told.status, words.unwrap_or_default()),
    }
}
