//! `portolan-rmcp-client`: plays the plan on stdin with the official Rust SDK, and prints what came of it as JSON.

use std::io::{Read, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    match play() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // With stderr closed there is nobody left to tell.
            let _ = writeln!(std::io::stderr(), "portolan-rmcp-client: {error}");
            ExitCode::FAILURE
        }
    }
}

fn play() -> Result<(), Box<dyn std::error::Error>> {
    let mut plan = String::new();
    std::io::stdin().read_to_string(&mut plan)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(portolan_testkit::client::play(&serde_json::from_str(
        &plan,
    )?))?;
    writeln!(std::io::stdout(), "{result}")?;
    Ok(())
}
