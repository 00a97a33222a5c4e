//! `portolan-misbehaving`: a server with a habit, over stdio or streamable HTTP.

use std::io::Write;
use std::process::ExitCode;

use portolan_testkit::fixture::Era;
use portolan_testkit::misbehaving::{self, HABITS, Habit};
use tokio::net::TcpListener;

const USAGE: &str = "usage: portolan-misbehaving (HABIT|all) [--era handshake|stateless|both] [--http PORT] | --list";

struct Options {
    /// None: every habit, each at a path of its own.
    habit: Option<&'static Habit>,
    era: Era,
    front: Front,
}

enum Front {
    Stdio(&'static Habit),
    Http(u16),
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("--list") => return list(),
        Some(misbehaving::LEFT_BEHIND) => misbehaving::left_behind(arguments.next().as_deref()),
        _ => {}
    }
    let options = match options(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(why) => {
            say(&format!("{why}\n{USAGE}"));
            return ExitCode::from(2);
        }
    };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    else {
        return ExitCode::FAILURE;
    };
    let served = runtime.block_on(serve(&options));
    // A read of the input that nobody waits for any more must not keep it.
    runtime.shutdown_background();
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("portolan-misbehaving: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn serve(options: &Options) -> std::io::Result<()> {
    match options.front {
        Front::Stdio(habit) => misbehaving::serve_stdio(habit, options.era).await,
        Front::Http(port) => {
            let listener = TcpListener::bind(("127.0.0.1", port)).await?;
            let address = listener.local_addr()?;
            let path = match options.habit {
                Some(_) => "mcp",
                None => "HABIT",
            };
            say(&format!("listening on http://{address}/{path}"));
            misbehaving::serve_http(options.habit, options.era, listener).await?;
        }
    }
    Ok(())
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let name = arguments.next().ok_or("say a habit")?;
    let habit = match name.as_str() {
        "all" => None,
        name => Some(
            misbehaving::habit(name)
                .ok_or_else(|| format!("there is no habit {name:?}; see --list"))?,
        ),
    };
    let (mut era, mut port) = (Era::Both, None);
    while let Some(argument) = arguments.next() {
        let value = arguments
            .next()
            .ok_or_else(|| format!("{argument} needs a value"))?;
        match (argument.as_str(), value.as_str()) {
            ("--era", "handshake") => era = Era::Handshake,
            ("--era", "stateless") => era = Era::Stateless,
            ("--era", "both") => era = Era::Both,
            ("--http", text) => {
                port = Some(text.parse().map_err(|_| format!("{text:?} is no port"))?);
            }
            _ => return Err(format!("{argument} {value} means nothing")),
        }
    }
    let front = match (port, habit) {
        (Some(_), Some(habit)) if !habit.over.http() => {
            return Err(format!("{name} is a habit over stdio"));
        }
        (Some(port), _) => Front::Http(port),
        (None, Some(habit)) if habit.over.stdio() => Front::Stdio(habit),
        (None, _) => return Err(format!("{name} is to be had over HTTP: say --http PORT")),
    };
    Ok(Options { habit, era, front })
}

fn list() -> ExitCode {
    let mut output = std::io::stdout().lock();
    for habit in HABITS {
        // Whoever reads only the beginning has what they want.
        let _ = writeln!(
            output,
            "{:<20} {:<5} {}",
            habit.name,
            habit.over.as_str(),
            habit.doc
        );
    }
    ExitCode::SUCCESS
}

fn say(text: &str) {
    // With stderr closed there is nobody left to tell.
    let _ = writeln!(std::io::stderr(), "{text}");
}
