//! `docs/guide/http.md`

use super::play::Guide;

/// Where a certificate and its key stand, for 127.0.0.1.
const PEM: &str = include_str!("../../../../server/tests/doors/tls.rs");

fn pem(kind: &str) -> &'static str {
    let (begin, end) = (
        format!("-----BEGIN {kind}-----"),
        format!("-----END {kind}-----\n"),
    );
    let from = PEM.find(&begin).unwrap();
    let to = PEM.find(&end).unwrap() + end.len();
    &PEM[from..to]
}

#[test]
fn http() {
    let guide = Guide::open("docs/guide/http.md");
    guide.home.write("fullchain.pem", pem("CERTIFICATE"));
    let key = guide.home.write("privkey.pem", pem("PRIVATE KEY"));
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(key, mode).unwrap();
    guide.play();
}
