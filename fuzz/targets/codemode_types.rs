//! TypeScript as JavaScript: what is left of a script stands where it stood, and nothing came to it.
#![no_main]

use codemode::worker::types::blanked;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|script: &str| {
    let Some(text) = blanked(script) else { return };
    assert_ne!(text, script, "something was found");
    let mut left = text.chars();
    for letter in script.chars() {
        let now = left.next().expect("as long as it was");
        // A type may span lines, whose ends stay.
        assert!(now == letter || (now == ' ' && letter != '\n'));
    }
    assert_eq!(left.next(), None);
});
