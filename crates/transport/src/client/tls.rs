//! TLS towards servers: the certificates this machine trusts, HTTP/1.1, one configuration for the process.

use std::io;
use std::sync::{Arc, OnceLock};

use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The handshake, as the client. Also for whoever speaks HTTP over it in another way than [`super::post`].
///
/// # Errors
/// The server, or its certificate, is not accepted; or this machine's certificates cannot be read.
pub async fn secure(
    stream: TcpStream,
    name: ServerName<'static>,
) -> io::Result<Box<TlsStream<TcpStream>>> {
    let stream = TlsConnector::from(config().await?)
        .connect(name, stream)
        .await?;
    Ok(Box::new(stream))
}

/// Made when the first https server is spoken to. Reading the machine's certificates takes a while and blocks.
async fn config() -> io::Result<Arc<ClientConfig>> {
    #[cfg(test)]
    if let Some(config) = TRUSTED.with_borrow(Clone::clone) {
        return Ok(config);
    }
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(config.clone());
    }
    let made = spawn_blocking(make).await.map_err(io::Error::other)??;
    Ok(CONFIG.get_or_init(|| made).clone())
}

// The one configuration is for the process; tests bring certificates of their own.
#[cfg(test)]
thread_local! {
    pub(super) static TRUSTED: std::cell::RefCell<Option<Arc<ClientConfig>>> = const { std::cell::RefCell::new(None) };
}

fn make() -> io::Result<Arc<ClientConfig>> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .map_err(io::Error::other)?
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
