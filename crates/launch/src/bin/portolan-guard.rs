//! The guard alone, for tests: the shipped program has it as a hidden command. And something to make copies of.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    match args.next() {
        Some(command) if command == "__guard" => guard(args),
        #[cfg(target_os = "linux")]
        Some(command) if command == "__copies" => copies(),
        _ => ExitCode::from(2),
    }
}

/// Each copy says what it is, and does what it is told.
#[cfg(target_os = "linux")]
fn copies() -> ExitCode {
    use std::io::{Read, Write};
    use std::net::Shutdown;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    portolan_launch::nursery::main(
        || Ok(std::process::id()),
        |original| {
            let talk = || -> std::io::Result<u8> {
                let mut channel = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned()?);
                let own = std::process::id();
                let descriptors = std::fs::read_dir("/proc/self/fd")?.count();
                writeln!(channel, "{original} {own} {descriptors}")?;
                channel.shutdown(Shutdown::Write)?;
                let mut told = [0];
                channel.read_exact(&mut told)?;
                Ok(told[0])
            };
            match talk() {
                Ok(b'a') => std::process::abort(),
                Ok(code) => ExitCode::from(code),
                Err(_) => ExitCode::from(2),
            }
        },
    )
}

#[cfg(target_os = "linux")]
fn guard(args: impl Iterator<Item = std::ffi::OsString>) -> ExitCode {
    portolan_launch::guard::main(args)
}

#[cfg(not(target_os = "linux"))]
fn guard(_: impl Iterator<Item = std::ffi::OsString>) -> ExitCode {
    ExitCode::from(2)
}
