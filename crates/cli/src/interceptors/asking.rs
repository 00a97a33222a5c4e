//! How one interceptor is asked: a program by its stdin and stdout, an address by POST, an image as a program in a container of
//! its own. Dropping the future ends whatever was begun.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use config::How;
use launch::ProgramRunner;
use transport::client::{Body, Endpoint, Timeouts, post};

use crate::limits::{INTERCEPTOR_CLEANUP, INTERCEPTOR_OUTPUT_MAX};

/// See the module.
pub(super) enum Asking {
    Exec(ProgramRunner, Vec<String>),
    Http(Endpoint),
    Docker(ProgramRunner, Vec<String>),
}

/// What was said, and what is for the person.
type Said = (Vec<u8>, Vec<String>);

impl Asking {
    pub(super) fn new(how: &How, runner: &ProgramRunner) -> Result<Self, String> {
        match how {
            How::Exec(words) => Ok(Self::Exec(runner.clone(), words.clone())),
            How::Http(url) => match Endpoint::new(url, &[]) {
                Ok(endpoint) => Ok(Self::Http(endpoint)),
                Err(error) => Err(error.to_string()),
            },
            How::Docker(words) => Ok(Self::Docker(runner.clone(), words.clone())),
        }
    }

    pub(super) async fn ask(
        &self,
        told: String,
        deadline: Duration,
        late: &impl Fn() -> String,
    ) -> Result<Said, String> {
        match self {
            Self::Exec(runner, words) => program(runner, words, told, deadline).await,
            Self::Http(endpoint) => in_time(address(endpoint, told), deadline, late).await,
            Self::Docker(runner, words) => container(runner, words, told, deadline).await,
        }
    }
}

async fn in_time<T>(
    work: impl Future<Output = Result<T, String>>,
    deadline: Duration,
    late: &impl Fn() -> String,
) -> Result<T, String> {
    match tokio::time::timeout(deadline, work).await {
        Ok(done) => done,
        Err(_) => Err(late()),
    }
}

async fn program(
    runner: &ProgramRunner,
    words: &[String],
    told: String,
    deadline: Duration,
) -> Result<Said, String> {
    let asked = runner.ask(words, told.into_bytes(), deadline, INTERCEPTOR_OUTPUT_MAX);
    asked.await.map_err(|error| error.to_string())
}

async fn address(endpoint: &Endpoint, told: String) -> Result<Said, String> {
    let reply = post(endpoint, &[], Bytes::from(told), &Timeouts::default()).await;
    let reply = reply.map_err(|error| error.to_string())?;
    let body = match reply.body {
        Body::Full(body) => body,
        Body::Events(_) => return Err("it answered with a stream of events".to_owned()),
    };
    match reply.status {
        200..=299 if body.len() > INTERCEPTOR_OUTPUT_MAX => Err(format!(
            "it answered with more than {INTERCEPTOR_OUTPUT_MAX} bytes"
        )),
        200..=299 => Ok((body.to_vec(), Vec::new())),
        status => Err(format!("it answered with status {status}")),
    }
}

/// A container with nothing of this machine. Its name is ours, so that it can be removed where the client of the engine was
/// killed, which ends no container.
async fn container(
    runner: &ProgramRunner,
    words: &[String],
    told: String,
    deadline: Duration,
) -> Result<Said, String> {
    let name = format!("portolan-interceptor-{}", config::running::new_id());
    let own = [
        "docker",
        "run",
        "--rm",
        "--init",
        "--interactive",
        "--name",
        &name,
    ];
    let all: Vec<String> = own
        .into_iter()
        .map(str::to_owned)
        .chain(words.iter().cloned())
        .collect();
    let mut leftover = Leftover {
        runner: Some(runner.clone()),
        name,
    };
    let said = program(runner, &all, told, deadline).await;
    if said.is_ok() {
        leftover.runner = None;
    }
    said
}

/// A container that may still be there.
struct Leftover {
    runner: Option<ProgramRunner>,
    name: String,
}

impl Drop for Leftover {
    fn drop(&mut self) {
        let Some(runner) = self.runner.take() else {
            return;
        };
        let words = ["docker", "rm", "--force", &self.name].map(str::to_owned);
        // On a thread of its own: whoever dropped it does not wait, and the runtime may be ending.
        let removing = std::thread::Builder::new().name("interceptor-end".into());
        let _ = removing.spawn(move || {
            let _ =
                secrets::Runner::run(&runner, &words, INTERCEPTOR_CLEANUP, INTERCEPTOR_OUTPUT_MAX);
        });
    }
}
