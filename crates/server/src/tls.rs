//! TLS on our side: a certificate and its key from files, taken up anew when they change, so that a renewal needs no restart.
//! Owns nothing of a connection but its handshake (`connection.rs`). Refuses files that do not belong together, before anybody
//! is let in.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// See the module. Clones are the same.
#[derive(Clone)]
pub struct Tls(Arc<Inner>);

struct Inner {
    certificate: PathBuf,
    key: PathBuf,
    now: RwLock<Now>,
}

struct Now {
    versions: [Option<SystemTime>; 2],
    config: Arc<ServerConfig>,
}

/// Why there is no TLS. Never with anything of the key.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file of the certificate is of no use.
    #[error("the certificate {} cannot be used: {why}", file.display())]
    Certificate {
        /// The file.
        file: PathBuf,
        /// Why.
        why: String,
    },
    /// The file of the key is of no use.
    #[error("the key {} cannot be used: {why}", file.display())]
    Key {
        /// The file.
        file: PathBuf,
        /// Why.
        why: String,
    },
    /// They do not belong together.
    #[error("the certificate {} and the key {} do not belong together: {why}", certificate.display(), key.display())]
    Pair {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// Why.
        why: String,
    },
}

impl Tls {
    /// Reads the files: PEM, the certificate first and then those that lead to its issuer.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn open(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let now = Now {
            versions: versions(certificate, key),
            config: read(certificate, key)?,
        };
        Ok(Self(Arc::new(Inner {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            now: RwLock::new(now),
        })))
    }

    /// Takes the files up if they have changed; whether they had. Where they are of no use, the former ones go on.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn refresh(&self) -> Result<bool, TlsError> {
        let Inner {
            certificate, key, ..
        } = &*self.0;
        let versions = versions(certificate, key);
        let now = |tls: &Self| {
            let now = tls.0.now.read().unwrap_or_else(PoisonError::into_inner);
            now.versions
        };
        if versions == now(self) {
            return Ok(false);
        }
        let read = read(certificate, key);
        let mut now = self.0.now.write().unwrap_or_else(PoisonError::into_inner);
        // Said once for each change.
        now.versions = versions;
        now.config = read?;
        Ok(true)
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let now = self.0.now.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(Arc::clone(&now.config))
    }
}

fn versions(certificate: &Path, key: &Path) -> [Option<SystemTime>; 2] {
    [certificate, key].map(|file| fs::metadata(file).and_then(|meta| meta.modified()).ok())
}

fn read(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let wrong = |why: String| TlsError::Certificate {
        file: certificate.to_owned(),
        why,
    };
    let text = fs::read(certificate).map_err(|error| wrong(error.to_string()))?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let chain = chain.map_err(|error| wrong(error.to_string()))?;
    if chain.is_empty() {
        return Err(wrong(
            "there is no certificate in PEM form in it".to_owned(),
        ));
    }
    let wrong = |why: String| TlsError::Key {
        file: key.to_owned(),
        why,
    };
    let text = zeroize::Zeroizing::new(fs::read(key).map_err(|error| wrong(error.to_string()))?);
    let secret = PrivateKeyDer::from_pem_slice(&text)
        .map_err(|_| wrong("there is no private key in PEM form in it".to_owned()))?;
    let pair = |why: String| TlsError::Pair {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
        why,
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| pair(error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(|error| pair(error.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// A connection, secured or not.
pub(crate) enum Socket {
    Plain(tokio::net::TcpStream),
    Secured(Box<tokio_rustls::server::TlsStream<tokio::net::TcpStream>>),
}

impl Socket {
    /// After the handshake, where there is to be one.
    pub(crate) async fn open(stream: tokio::net::TcpStream, tls: Option<&Tls>) -> io::Result<Self> {
        match tls {
            None => Ok(Self::Plain(stream)),
            Some(tls) => {
                let stream = tls.acceptor().accept(stream).await?;
                Ok(Self::Secured(Box::new(stream)))
            }
        }
    }
}
