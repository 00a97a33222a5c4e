//! What proves that whoever comes back is whoever left: PKCE (RFC 7636) and the state. Random bytes and hash are aws-lc-rs'.

use aws_lc_rs::{digest, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrets::Secret;

use crate::AuthError;

/// 256 random bits as text.
pub(crate) fn random() -> Result<Secret, AuthError> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|_| AuthError::Random)?;
    let text = zeroize::Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes));
    Secret::new(&text).map_err(|_| AuthError::Random)
}

/// What of a verifier is shown beforehand, by the method S256.
pub(crate) fn challenge(verifier: &Secret) -> String {
    let hash = digest::digest(&digest::SHA256, verifier.reveal().as_bytes());
    URL_SAFE_NO_PAD.encode(hash)
}

/// A short name for a text, for files.
pub(crate) fn mark(text: &str) -> String {
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..18])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_one_of_the_standard() {
        // RFC 7636, appendix B.
        let verifier = Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
        assert_eq!(
            challenge(&verifier),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn no_two_are_the_same() {
        let (one, two) = (random().unwrap(), random().unwrap());
        assert!(one != two && one.reveal().len() == 43);
        assert!(mark("a") != mark("b") && mark("a").len() == 24);
    }
}
