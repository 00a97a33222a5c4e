//! Builds the first program of containers, `src/container/enter.c`, into a file that the library includes.

use std::io::Write;
use std::path::PathBuf;

fn main() {
    const SOURCE: &str = "src/container/enter.c";
    // What a build script says to cargo.
    let said = writeln!(std::io::stdout(), "cargo:rerun-if-changed={SOURCE}");
    said.expect("cargo listens");
    // Containers of other systems run in a Linux that is not this machine.
    #[expect(
        clippy::disallowed_methods,
        reason = "cargo tells a build script everything in this way"
    )]
    let var = |name: &str| std::env::var(name).unwrap_or_default();
    if var("CARGO_CFG_TARGET_OS") != "linux" {
        return;
    }
    let built = PathBuf::from(var("OUT_DIR")).join("enter");
    // Without the flags for debugging and for libraries that a build of Rust would add.
    let status = cc::Build::new()
        .no_default_flags(true)
        .get_compiler()
        .to_command()
        .args([
            "-static",
            "-nostdlib",
            "-ffreestanding",
            "-fno-stack-protector",
            "-fno-pie",
            "-no-pie",
            "-O1",
            "-s",
            "-Wl,--build-id=none",
            "-Wl,-z,noexecstack",
            SOURCE,
            "-o",
        ])
        .arg(&built)
        .status();
    match status {
        Ok(status) if status.success() => {}
        Ok(status) => panic!("the C compiler could not build {SOURCE}: {status}"),
        Err(error) => panic!("the C compiler does not start: {error}"),
    }
}
