//! The authorities that an image trusts: Mozilla's list as a library has it, not what the building machine happens to trust.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// As programs look for them in a file.
pub(super) fn pem() -> String {
    let mut pem = String::new();
    for root in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        pem.push_str("-----BEGIN CERTIFICATE-----\n");
        let text = STANDARD.encode(root);
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(rest.len().min(64));
            pem.push_str(line);
            pem.push('\n');
            rest = after;
        }
        pem.push_str("-----END CERTIFICATE-----\n");
    }
    pem
}
