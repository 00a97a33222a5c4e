//! The worker alone, for tests: the shipped program has it as a hidden command.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    match (args.next().as_deref(), args.next()) {
        #[cfg(target_os = "linux")]
        (Some("--try"), Some(what)) => attempt(&what),
        _ => portolan_codemode::worker::main(),
    }
}

/// Does what no worker does, confined as a worker is, and says on standard output what came of it.
#[cfg(target_os = "linux")]
#[expect(
    clippy::disallowed_methods,
    reason = "that it cannot start anything is what is tested"
)]
fn attempt(what: &str) -> ExitCode {
    use std::io::Write;

    use portolan_codemode::Limits;
    use portolan_codemode::worker::confine;

    let Some((how, what)) = what.split_once('-') else {
        return ExitCode::from(2);
    };
    if confine::leave().is_err() || confine::limit(&Limits::default()).is_err() {
        return ExitCode::from(2);
    }
    if how == "filtered" && confine::filter().is_err() {
        return ExitCode::from(2);
    }
    let outcome = match what {
        "open" => std::fs::File::open("/etc/passwd").map(drop),
        "list" => std::fs::read_dir("/").map(drop),
        "connect" => std::net::TcpStream::connect("127.0.0.1:9").map(drop),
        "start" => std::process::Command::new("/bin/true").status().map(drop),
        "thread" => std::thread::Builder::new().spawn(|| {}).map(drop),
        _ => return ExitCode::from(2),
    };
    let said = match outcome {
        Ok(()) => "it worked".to_owned(),
        Err(error) => format!("refused: {error}"),
    };
    let _ = std::io::stdout().write_all(said.as_bytes());
    ExitCode::SUCCESS
}
