//! `portolan-fixture`: the fixture server, over stdio or streamable HTTP.

use std::io::Write;
use std::process::ExitCode;

use portolan_testkit::fixture::{Era, Fixture, Options, http};
use rmcp::ServiceExt;
use tokio::net::TcpListener;

const USAGE: &str = "usage: portolan-fixture (--stdio | --http PORT) [--era handshake|stateless|both] [--page-size N]";

enum Front {
    Stdio,
    Http(u16),
}

fn main() -> ExitCode {
    let (front, options) = match arguments(std::env::args().skip(1)) {
        Ok(parsed) => parsed,
        Err(why) => {
            say(&format!("{why}\n{USAGE}"));
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let served = runtime
        .map_err(Into::into)
        .and_then(|runtime| runtime.block_on(serve(front, options)));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("portolan-fixture: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn serve(front: Front, options: Options) -> Result<(), Box<dyn std::error::Error>> {
    let fixture = Fixture::new(options);
    match front {
        Front::Stdio => {
            fixture
                .serve(rmcp::transport::stdio())
                .await?
                .waiting()
                .await?;
        }
        Front::Http(port) => {
            let listener = TcpListener::bind(("127.0.0.1", port)).await?;
            say(&format!(
                "listening on http://{}/mcp",
                listener.local_addr()?
            ));
            http::serve(fixture, listener).await?;
        }
    }
    Ok(())
}

fn arguments(mut arguments: impl Iterator<Item = String>) -> Result<(Front, Options), String> {
    let mut front = None;
    let mut options = Options::default();
    while let Some(argument) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .ok_or_else(|| format!("{argument} needs a value"))
        };
        match argument.as_str() {
            "--stdio" => front = Some(Front::Stdio),
            "--http" => front = Some(Front::Http(number(&value()?)?)),
            "--page-size" => options.page_size = number(&value()?)?,
            "--era" => {
                options.era = match value()?.as_str() {
                    "handshake" => Era::Handshake,
                    "stateless" => Era::Stateless,
                    "both" => Era::Both,
                    other => return Err(format!("there is no era {other:?}")),
                };
            }
            other => return Err(format!("there is no argument {other:?}")),
        }
    }
    Ok((front.ok_or("say --stdio or --http PORT")?, options))
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is not a number that fits"))
}

fn say(text: &str) {
    // With stderr closed there is nobody left to tell.
    let _ = writeln!(std::io::stderr(), "{text}");
}
