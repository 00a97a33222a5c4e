//! Plays habits over standard input and output, each message in a task of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Stdout};
use tokio::sync::Mutex;

use super::{Asked, Habit, Step, process, sound};
use crate::fixture::Era;

/// What the messages of one process share.
struct Shared {
    output: Mutex<Stdout>,
    reads: AtomicBool,
    is_deaf: AtomicBool,
}

/// Serves until the input ends, or for ever where that is the habit.
pub async fn serve(habit: &'static Habit, era: Era) {
    let shared = Arc::new(Shared {
        output: Mutex::new(tokio::io::stdout()),
        reads: AtomicBool::new(true),
        is_deaf: AtomicBool::new(false),
    });
    let start = Asked {
        message: Value::Null,
        era,
        n: 0,
    };
    begin(habit, start, &shared);
    let mut lines = BufReader::new(tokio::io::stdin()).split(b'\n');
    let mut n = 0;
    while let Ok(Some(line)) = lines.next_segment().await {
        let Ok(message) = serde_json::from_slice(&line) else {
            continue;
        };
        n += 1;
        begin(habit, Asked { message, era, n }, &shared);
        // What the habit does about it may be to read no further.
        tokio::task::yield_now().await;
        if !shared.reads.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    }
    if shared.is_deaf.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}

fn begin(habit: &'static Habit, asked: Asked, shared: &Arc<Shared>) {
    let shared = shared.clone();
    tokio::spawn(async move {
        for step in habit.steps(&asked) {
            if play(&step, &asked, &shared).await.is_err() {
                return;
            }
        }
    });
}

async fn play(step: &Step, asked: &Asked, shared: &Shared) -> std::io::Result<()> {
    match step {
        Step::Say(message) => say(shared, message).await?,
        Step::Bytes(bytes) => write(shared, &[bytes, b"\n"]).await?,
        Step::Long(length) => {
            let mut output = shared.output.lock().await;
            for piece in long(asked, *length) {
                output.write_all(&piece).await?;
            }
            output.write_all(b"\n").await?;
            output.flush().await?;
        }
        Step::Wait(pause) => tokio::time::sleep(*pause).await,
        Step::Again(pause, times, messages) => {
            for _ in 0..*times {
                for message in messages {
                    say(shared, message).await?;
                }
                tokio::time::sleep(*pause).await;
            }
        }
        Step::Never => std::future::pending().await,
        Step::Exit(code, last_words) => {
            write(shared, &[last_words.as_bytes()]).await?;
            exit(*code);
        }
        Step::CloseOutput => {
            let _alone = shared.output.lock().await;
            process::close_output();
        }
        Step::StopReading => shared.reads.store(false, Ordering::Relaxed),
        Step::BeDeaf => {
            shared.is_deaf.store(true, Ordering::Relaxed);
            process::be_deaf();
        }
        Step::Fork => process::fork(),
        Step::Complain => process::complain(),
    }
    Ok(())
}

async fn say(shared: &Shared, message: &Value) -> std::io::Result<()> {
    write(shared, &[message.to_string().as_bytes(), b"\n"]).await
}

async fn write(shared: &Shared, pieces: &[&[u8]]) -> std::io::Result<()> {
    let mut output = shared.output.lock().await;
    for piece in pieces {
        output.write_all(piece).await?;
    }
    output.flush().await
}

/// The sound answer with a text that is much longer, in pieces.
pub(super) fn long(asked: &Asked, length: usize) -> impl Iterator<Item = Vec<u8>> + use<> {
    const PIECE: usize = 64 << 10;
    const MARK: &str = "#";
    let answer = sound::said(asked, MARK).to_string();
    let (before, after) = answer.split_once(MARK).unwrap_or_default();
    let (before, after) = (before.as_bytes().to_vec(), after.as_bytes().to_vec());
    let pieces = std::iter::repeat_n(vec![b'x'; PIECE], length / PIECE);
    std::iter::once(before)
        .chain(pieces)
        .chain(std::iter::once(after))
}

#[expect(clippy::exit, reason = "a server that dies does not say good-bye")]
fn exit(code: u8) -> ! {
    std::process::exit(code.into())
}
