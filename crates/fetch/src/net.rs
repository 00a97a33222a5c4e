//! The way to the network: names, connections, TLS. A trait, so that tests can have public addresses without a network.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};

/// A future that is sent about.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Bytes both ways.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// See the module.
pub(crate) trait Net: Send + Sync {
    /// The addresses of a name, as the system knows them.
    fn look_up<'a>(
        &'a self,
        name: &'a str,
        port: u16,
    ) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>>;

    /// A connection to exactly this address.
    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<TcpStream>>;

    /// TLS over it, with a certificate for this name.
    fn secure(
        &self,
        stream: TcpStream,
        name: ServerName<'static>,
    ) -> BoxFuture<'_, io::Result<Box<dyn Stream>>>;
}

/// The real one.
pub(crate) struct System;

impl Net for System {
    fn look_up<'a>(
        &'a self,
        name: &'a str,
        port: u16,
    ) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(lookup_host((name, port)).await?.collect()) })
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<TcpStream>> {
        Box::pin(TcpStream::connect(address))
    }

    fn secure(
        &self,
        stream: TcpStream,
        name: ServerName<'static>,
    ) -> BoxFuture<'_, io::Result<Box<dyn Stream>>> {
        Box::pin(async move {
            let secured = transport::client::secure(stream, name).await?;
            Ok(secured as Box<dyn Stream>)
        })
    }
}
