//! Plays client habits over the standard input and output of a gateway that the client has started.

use std::io;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::{ClientHabit, Deed, PATIENCE, Tongue, answer_to};

struct Client {
    tongue: Tongue,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
}

/// Does all that the habit does; how often an answer was read that was waited for, and whether the gateway then ended
/// by itself within its time.
///
/// # Errors
///
/// When the gateway cannot be started.
pub async fn play(
    habit: &ClientHabit,
    line: &[String],
    tongue: Tongue,
) -> io::Result<(usize, bool)> {
    let mut gateway = start(line)?;
    let (Some(input), Some(output)) = (gateway.stdin.take(), gateway.stdout.take()) else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    let mut client = Client {
        tongue,
        input: Some(input),
        output: BufReader::new(output).lines(),
    };
    let greeting = tongue.greeting();
    if let Some(greeting) = greeting {
        client.ask(greeting.to_string().as_bytes()).await;
    }
    let mut answered = 0;
    for deed in (habit.deeds)(&tongue) {
        answered += usize::from(client.play(deed).await);
    }
    // However rude it was, a client that closes its end is taken leave of.
    drop(client);
    let ended = tokio::time::timeout(PATIENCE * 5, gateway.wait()).await;
    Ok((answered, ended.is_ok()))
}

fn start(line: &[String]) -> io::Result<Child> {
    let (program, arguments) = line.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    #[expect(clippy::disallowed_methods, reason = "a client starts its gateway")]
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
}

impl Client {
    /// Whether an answer came that was waited for.
    async fn play(&mut self, deed: Deed) -> bool {
        match deed {
            Deed::Send(message) => self.write(message.to_string().as_bytes(), b"\n").await,
            Deed::Many(count, make) => {
                for n in 0..count {
                    let message = make(&self.tongue, n).to_string();
                    self.write(message.as_bytes(), b"\n").await;
                }
            }
            Deed::Ask(message) if is_request(&message) => {
                return self.ask(message.to_string().as_bytes()).await;
            }
            Deed::Ask(message) => self.write(message.to_string().as_bytes(), b"\n").await,
            Deed::Bytes(bytes) => return self.ask(&bytes).await,
            Deed::Part(bytes, _) => self.write(&bytes, b"").await,
            Deed::Answer(message, times) => {
                self.write(message.to_string().as_bytes(), b"\n").await;
                while let Some(heard) = self.next().await {
                    let Some(answer) = answer_to(&heard) else {
                        continue;
                    };
                    for _ in 0..times {
                        self.write(answer.to_string().as_bytes(), b"\n").await;
                    }
                    return true;
                }
            }
            Deed::Leave => self.input = None,
            // Of HTTP alone.
            Deed::Listen | Deed::Raw(_) | Deed::Trickle(_) | Deed::With(..) => {}
        }
        false
    }

    async fn write(&mut self, bytes: &[u8], end: &[u8]) {
        let Some(input) = &mut self.input else { return };
        let written = async {
            input.write_all(bytes).await?;
            input.write_all(end).await
        };
        // A gateway that waits for its answers to be read does not read; so the client gives up too.
        if !matches!(tokio::time::timeout(PATIENCE, written).await, Ok(Ok(()))) {
            self.input = None;
        }
    }

    async fn ask(&mut self, bytes: &[u8]) -> bool {
        self.write(bytes, b"\n").await;
        self.next().await.is_some()
    }

    async fn next(&mut self) -> Option<Value> {
        let line = tokio::time::timeout(PATIENCE / 3, self.output.next_line()).await;
        let line = line.ok()?.ok()??;
        serde_json::from_str(&line).ok()
    }
}

/// Anything else has no answer over stdio.
fn is_request(message: &Value) -> bool {
    message.get("id").is_some() && message.get("method").is_some()
}
