//! The door with a certificate of its own.

use std::sync::Arc;

use portolan_server::{Tls, TlsError};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::harness::House;

/// For localhost; valid for a hundred years. Its key guards nothing.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----
MIIBbDCCARKgAwIBAgIBATAKBggqhkjOPQQDAjAYMRYwFAYDVQQDDA1wb3J0b2xh
biB0ZXN0MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAYMRYwFAYD
VQQDDA1wb3J0b2xhbiB0ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEHPeo
rzDLbX/ltEmzetKOAQfEAvy7O1qtDJq8FQkPVnKSdkviF0kc7GswbHnJURkxkQN+
Lg6L2jaPPLqgexAd36NLMEkwGgYDVR0RBBMwEYIJbG9jYWxob3N0hwR/AAABMAwG
A1UdEwEB/wQCMAAwHQYDVR0OBBYEFKj6pakMg17g2g7oR5IoRWpE+qQoMAoGCCqG
SM49BAMCA0gAMEUCIQC3qWYkXMBjGm9sUX4cuTToUFpEMrRyZZLwEaZNfojbagIg
WSO2/NVd8ACClUgF608An1m3oqTc8agFbCcNKHz85zg=
-----END CERTIFICATE-----
";
const KEY: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgXpHWYtGyMjWGV1pC
ySOiZAiMYZfO2yM4gzsTYRiYMVOhRANCAAQc96ivMMttf+W0SbN60o4BB8QC/Ls7
Wq0MmrwVCQ9WcpJ2S+IXSRzsazBseclRGTGRA34uDovaNo88uqB7EB3f
-----END PRIVATE KEY-----
";

struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        files.write("cert.pem", CERTIFICATE);
        files.write("key.pem", KEY);
        files
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.path().join(name), text).unwrap();
    }

    fn open(&self) -> Result<Tls, TlsError> {
        Tls::open(
            &self.0.path().join("cert.pem"),
            &self.0.path().join("key.pem"),
        )
    }
}

fn connector() -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(CERTIFICATE.as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

#[tokio::test]
async fn requests_are_answered_over_tls_and_in_no_other_way() {
    let tls = Files::new().open().unwrap();
    let house = House::with(|options| options.tls = Some(tls)).await;
    let stream = TcpStream::connect(house.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = connector().connect(name, stream).await.unwrap();
    for _ in 0..2 {
        let head = format!("GET /health HTTP/1.1\r\nHost: {}\r\n\r\n", house.address);
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = vec![0; 4_096];
        let read = stream.read(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    drop(stream);
    // In the clear nothing is answered, least of all with what was asked.
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    stream
        .write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    house.close().await;
}

#[test]
fn files_of_no_use_are_told_apart() {
    let files = Files::new();
    let said = |files: &Files| files.open().err().unwrap().to_string();
    files.write("key.pem", "nonsense");
    assert!(said(&files).contains("no private key in PEM form"));
    files.write("cert.pem", "nonsense");
    assert!(said(&files).contains("no certificate in PEM form"));
    let files = Files::new();
    std::fs::remove_file(files.0.path().join("key.pem")).unwrap();
    assert!(said(&files).contains("key.pem cannot be used"));
}

#[test]
fn a_renewal_is_taken_up_and_a_broken_one_is_not() {
    let files = Files::new();
    let tls = files.open().unwrap();
    assert!(!tls.refresh().unwrap());
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
    let touch = |at| {
        let file = std::fs::File::options()
            .write(true)
            .open(files.0.path().join("cert.pem"))
            .unwrap();
        file.set_modified(at).unwrap();
    };
    touch(later);
    assert!(tls.refresh().unwrap());
    files.write("cert.pem", "nonsense");
    touch(later + std::time::Duration::from_secs(5));
    assert!(tls.refresh().is_err());
    // It is said once.
    assert!(!tls.refresh().unwrap());
}
