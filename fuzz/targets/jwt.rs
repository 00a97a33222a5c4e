//! What a caller presents as a token of an identity provider, as it is, or made of its parts in the clear: read before anybody
//! has signed anything. Without keys nobody comes in, and no message has anything of a token.
#![no_main]

use auth::{Issuer, Unfit};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let issuer = Issuer::new("https://id.example");
    check(&issuer, text);
    // As a signer would write it: else hardly anything is more than no base64.
    let parts: Vec<_> = text
        .split('\n')
        .map(|part| URL_SAFE_NO_PAD.encode(part))
        .collect();
    check(&issuer, &parts.join("."));
});

fn check(issuer: &Issuer, token: &str) {
    let told = |unfit: Unfit| match unfit {
        Unfit::KeysWanted => "keys are wanted".to_owned(),
        unfit => unfit.to_string(),
    };
    let refused = issuer.check(token, &["https://here.example/mcp"]);
    let why = told(refused.expect_err("there are no keys by which it could be signed"));
    // What has spaces is no part of a token, and may be words of ours that it was made of.
    let parts = token
        .split('.')
        .filter(|part| part.len() > 16 && !part.contains(' '));
    for part in parts {
        assert!(!why.contains(part), "{why}");
    }
    let again = issuer.check(token, &["https://here.example/mcp"]);
    assert_eq!(again.map_err(told).err(), Some(why));
}
