//! What scripts save on the twelve tasks must not silently become less.
#![expect(clippy::disallowed_methods, reason = "the program is what is tested")]
#![cfg(target_os = "linux")]

use std::process::Command;

#[test]
fn scripts_save_what_they_should() {
    let program = env!("CARGO_BIN_EXE_token-bench");
    let done = Command::new(program).arg("--tasks").output();
    let done = done.expect("our own program starts");
    let (said, why) = (
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr),
    );
    assert!(done.status.success(), "{said}\n{why}");
    assert_eq!(said.matches(" % | ").count(), 12, "{said}");
}
