//! What is said between us and a worker: length, then JSON.
//!
//! Owns the messages and their framing. What comes from a worker is as hostile as the script in it: a frame has a
//! limit, and `run` checks that each message makes sense. Values cross as the JSON text that they are.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::limits::Limits;
use crate::names::Names;

/// To the worker.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToWorker<'a> {
    /// First: what the script may use. The worker confines itself, then says that it is ready.
    Prepare(Cow<'a, Limits>),
    /// The script.
    Run {
        /// Its text, as `script` has prepared it.
        script: Cow<'a, str>,
        /// The servers and tools it sees.
        names: Cow<'a, Names>,
        /// The global `args`, an object.
        #[serde(borrow)]
        args: Cow<'a, RawValue>,
        /// The time that is left, in milliseconds.
        left_ms: u64,
    },
    /// A person is waited for, or no longer: the time that is left.
    Time {
        /// In milliseconds.
        left_ms: u64,
    },
    /// A call or lookup went well.
    Value {
        /// Of what.
        id: u32,
        /// What it gave.
        #[serde(borrow)]
        value: Cow<'a, RawValue>,
        /// The time that is left, in milliseconds.
        left_ms: u64,
    },
    /// A call or lookup failed.
    Failure {
        /// Of what.
        id: u32,
        /// Why.
        why: Why,
        /// The time that is left, in milliseconds.
        left_ms: u64,
    },
}

/// Why a call failed, as its script sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    /// `tool`, `arguments`, `call` or `limit`.
    pub kind: Cow<'static, str>,
    /// In one or a few lines.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Whose tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// Which tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
}

/// From the worker.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromWorker<'a> {
    /// Confined, and waiting for the script.
    Ready(Confinement),
    /// A call of a tool, by its places in the names.
    Call {
        /// Of this and the answer; counts up.
        id: u32,
        /// Place of the server.
        server: u32,
        /// Place of the tool.
        tool: u32,
        /// What it is called with.
        #[serde(borrow)]
        args: Cow<'a, RawValue>,
    },
    /// A question about tools.
    Lookup {
        /// Of this and the answer; counts up together with those of calls.
        id: u32,
        /// What is asked.
        what: Lookup,
    },
    /// A line that was logged.
    Log {
        /// `log`, `warn`, `error` or `note`.
        level: Cow<'a, str>,
        /// The line.
        text: Cow<'a, str>,
    },
    /// The script has ended well.
    Done {
        /// Its result.
        #[serde(borrow)]
        result: Cow<'a, RawValue>,
        /// Calls that nobody waited for.
        unused: Vec<u32>,
        /// What failed, and nobody heard of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unheard: Option<Failed>,
    },
    /// The script has failed.
    Failed(Failed),
}

/// A question about tools.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lookup {
    /// `tools.search`
    Search {
        /// In words.
        query: String,
        /// How many answers.
        limit: u32,
    },
    /// `tools.describe`
    Describe {
        /// `server.tool`
        path: String,
    },
    /// `tools.kept`
    Kept {
        /// Of a kept result.
        handle: String,
        /// First byte of its text.
        from: Option<u64>,
        /// After the last byte.
        to: Option<u64>,
    },
}

/// What holds a worker, as far as the system allows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// The filter of system calls. Without it no script is run.
    pub seccomp: bool,
    /// No files, no sockets, by Landlock.
    pub landlock: bool,
    /// Namespaces of its own.
    pub namespaces: bool,
}

/// Why a script failed, as its worker knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// `syntax`, `thrown`, `time`, `memory`, `result`, `stuck` or `worker`.
    pub kind: String,
    /// The name of the error, as `TypeError`.
    pub name: String,
    /// Its message.
    pub message: String,
    /// What the error says can be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// From 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// From 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
}

/// How long the length before each frame is.
pub const HEAD_BYTES: usize = 4;

/// A frame of this message.
///
/// # Panics
/// Never: our messages are JSON, and shorter than four gigabytes by their limits.
#[must_use]
pub fn frame<M: Serialize>(message: &M) -> Vec<u8> {
    let mut bytes = vec![0; HEAD_BYTES];
    let written = serde_json::to_writer(&mut bytes, message).is_ok();
    debug_assert!(written, "a message is JSON");
    let length = u32::try_from(bytes.len() - HEAD_BYTES).unwrap_or(u32::MAX);
    bytes[..HEAD_BYTES].copy_from_slice(&length.to_le_bytes());
    bytes
}

/// The first whole frame of these bytes, or none yet.
///
/// # Errors
/// If it is longer than `max`.
pub fn first(bytes: &[u8], max: usize) -> Result<Option<&[u8]>, TooLong> {
    let Some(head) = bytes.first_chunk::<HEAD_BYTES>() else {
        return Ok(None);
    };
    let length = usize::try_from(u32::from_le_bytes(*head)).unwrap_or(usize::MAX);
    if length > max {
        return Err(TooLong { length, max });
    }
    Ok(bytes.get(HEAD_BYTES..HEAD_BYTES + length))
}

/// A frame is longer than its limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a frame of {length} bytes, where {max} are the most")]
pub struct TooLong {
    length: usize,
    max: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_back() {
        let raw = serde_json::value::to_raw_value(&serde_json::json!({"a": [1, "x"]})).unwrap();
        let bytes = frame(&FromWorker::Call {
            id: 1,
            server: 2,
            tool: 3,
            args: Cow::Borrowed(&raw),
        });
        let body = first(&bytes, 100).unwrap().unwrap();
        let FromWorker::Call { id, args, .. } = serde_json::from_slice(body).unwrap() else {
            panic!("another message");
        };
        assert_eq!((id, args.get()), (1, r#"{"a":[1,"x"]}"#));
    }

    #[test]
    fn part_of_a_frame_is_none_yet() {
        let bytes = frame(&FromWorker::Ready(Confinement::default()));
        for end in 0..bytes.len() {
            assert_eq!(first(&bytes[..end], 100), Ok(None));
        }
    }

    #[test]
    fn a_long_frame_is_refused_by_its_head() {
        assert_eq!(
            first(&u32::MAX.to_le_bytes(), 100).unwrap_err().to_string(),
            "a frame of 4294967295 bytes, where 100 are the most"
        );
    }
}
