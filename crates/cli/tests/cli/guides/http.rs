//! `docs/guide/http.md`

use super::super::home::Listening;
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

const TLS: &str = "portolan gateway run --transport streaming --host 0.0.0.0 --tls-cert fullchain.pem --tls-key privkey.pem --allow-host mcp.example.org";

#[test]
fn http() {
    let mut guide = Guide::open("docs/guide/http.md");
    guide.home.write("fullchain.pem", pem("CERTIFICATE"));
    let key = guide.home.write("privkey.pem", pem("PRIVATE KEY"));
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(key, mode).unwrap();
    guide.play_to(TLS);
    let gateway = Listening::begin(guide.next());
    let address = gateway.url().replace("0.0.0.0", "127.0.0.1");
    let health = address.replace("/mcp", "/health");
    guide.runs(&format!("curl -sSf --cacert fullchain.pem {health}"));
    assert!(gateway.stop().success());
    guide.play();
}
