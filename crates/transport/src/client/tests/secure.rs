//! https, with certificates made for the test.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::client::tls::TRUSTED;

/// The key of both certificates (PKCS #8). It guards nothing.
const KEY: &str = "\
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgXpHWYtGyMjWGV1pCySOiZAiMYZfO2yM4gzsTYRiYMV\
    OhRANCAAQc96ivMMttf+W0SbN60o4BB8QC/Ls7Wq0MmrwVCQ9WcpJ2S+IXSRzsazBseclRGTGRA34uDovaNo88uqB7\
    EB3f";

/// For localhost and 127.0.0.1; valid for a hundred years.
const LOCAL: &str = "\
    MIIBbDCCARKgAwIBAgIBATAKBggqhkjOPQQDAjAYMRYwFAYDVQQDDA1wb3J0b2xhbiB0ZXN0MCAXDTIwMDEwMTAwMD\
    AwMFoYDzIxMjAwMTAxMDAwMDAwWjAYMRYwFAYDVQQDDA1wb3J0b2xhbiB0ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0D\
    AQcDQgAEHPeorzDLbX/ltEmzetKOAQfEAvy7O1qtDJq8FQkPVnKSdkviF0kc7GswbHnJURkxkQN+Lg6L2jaPPLqgex\
    Ad36NLMEkwGgYDVR0RBBMwEYIJbG9jYWxob3N0hwR/AAABMAwGA1UdEwEB/wQCMAAwHQYDVR0OBBYEFKj6pakMg17g\
    2g7oR5IoRWpE+qQoMAoGCCqGSM49BAMCA0gAMEUCIQC3qWYkXMBjGm9sUX4cuTToUFpEMrRyZZLwEaZNfojbagIgWS\
    O2/NVd8ACClUgF608An1m3oqTc8agFbCcNKHz85zg=";

/// For other.example.
const OTHER: &str = "\
    MIIBajCCARCgAwIBAgIBATAKBggqhkjOPQQDAjAYMRYwFAYDVQQDDA1wb3J0b2xhbiB0ZXN0MCAXDTIwMDEwMTAwMD\
    AwMFoYDzIxMjAwMTAxMDAwMDAwWjAYMRYwFAYDVQQDDA1wb3J0b2xhbiB0ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0D\
    AQcDQgAEHPeorzDLbX/ltEmzetKOAQfEAvy7O1qtDJq8FQkPVnKSdkviF0kc7GswbHnJURkxkQN+Lg6L2jaPPLqgex\
    Ad36NJMEcwGAYDVR0RBBEwD4INb3RoZXIuZXhhbXBsZTAMBgNVHRMBAf8EAjAAMB0GA1UdDgQWBBSo+qWpDINe4NoO\
    6EeSKEVqRPqkKDAKBggqhkjOPQQDAgNIADBFAiARK9LXBjaAF0xIVOYQcdkWMdeVU3QoeIwtf+ucuAcxHgIhAPDyns\
    FXeBmNXZ6YLPqKsLmWh4owZkcS+n+hyfTVtW0F";

fn der(text: &str) -> Vec<u8> {
    BASE64_STANDARD.decode(text).unwrap()
}

/// Answers two requests on one connection. With `trust`, this thread accepts its certificate.
async fn serve(certificate: &str, trust: bool) -> u16 {
    let certificate = CertificateDer::from(der(certificate));
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(der(KEY)));
    let server = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    if trust {
        let mut roots = RootCertStore::empty();
        roots.add(certificate).unwrap();
        let client = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        TRUSTED.set(Some(Arc::new(client)));
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(Arc::new(server));
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let Ok(mut stream) = acceptor.accept(stream).await else {
            return;
        };
        for reply in [
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none",
            "HTTP/1.1 200 OK\r\n\r\ntwo",
        ] {
            let mut request = Vec::new();
            while !request.ends_with(b"{}") {
                stream.read_buf(&mut request).await.unwrap();
            }
            stream.write_all(reply.as_bytes()).await.unwrap();
        }
        stream.shutdown().await.unwrap();
    });
    port
}

fn https(port: u16, host: &str) -> Endpoint {
    Endpoint::new(&format!("https://{host}:{port}/"), &[]).unwrap()
}

#[tokio::test]
async fn a_certificate_that_is_trusted() {
    let endpoint = https(serve(LOCAL, true).await, "localhost");
    assert_eq!(full(ask(&endpoint).await.unwrap()), "one");
    assert_eq!(
        full(ask(&endpoint).await.unwrap()),
        "two",
        "on the same connection"
    );
}

#[tokio::test]
async fn a_certificate_of_somebody_else() {
    let endpoint = https(serve(OTHER, true).await, "localhost");
    let error = ask(&endpoint).await.unwrap_err();
    assert!(matches!(error, HttpError::Tls { .. }), "{error}");
    assert!(error.is_unsent());
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for() {
    let endpoint = https(serve(LOCAL, false).await, "localhost");
    let error = ask(&endpoint).await.unwrap_err();
    assert!(matches!(error, HttpError::Tls { .. }), "{error}");
}

#[tokio::test]
async fn an_address_as_the_name() {
    let endpoint = https(serve(LOCAL, true).await, "127.0.0.1");
    assert_eq!(full(ask(&endpoint).await.unwrap()), "one");
}
