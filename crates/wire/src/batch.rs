//! Several messages in one JSON array, which exactly one revision allows (2025-03-26).
//!
//! Owns: taking a batch apart. Refuses: to know whether the sender may send one; that is the gateway's question. Read
//! next: `frame.rs`, which reads each of the parts.

use bytes::Bytes;

use crate::depth;
use crate::frame::{FrameError, into_text};
use crate::limits::{BATCH_MAX, DEPTH_MAX};
use crate::object::{ObjectError, elements};

/// The messages of a batch, unread and uncopied; `None` if the bytes do not begin an array.
///
/// # Errors
/// If they do, and it is not JSON, empty, or longer than [`BATCH_MAX`].
pub fn batch(bytes: &Bytes) -> Result<Option<Vec<Bytes>>, FrameError> {
    let first = bytes
        .iter()
        .find(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    if first != Some(&b'[') {
        return Ok(None);
    }
    let text = into_text(bytes.clone())?;
    // One level more than a message has: the array itself.
    if !depth::is_within(text.as_bytes(), DEPTH_MAX + 1) {
        return Err(FrameError::invalid(
            None,
            format!("message nested deeper than {DEPTH_MAX} levels"),
        ));
    }
    let messages = match elements(&text) {
        Ok(messages) => messages,
        Err(ObjectError::TooMany) => return Err(too_many()),
        Err(error) => return Err(FrameError::parse(error.to_string())),
    };
    match messages.len() {
        0 => Err(FrameError::invalid(
            None,
            "a batch needs at least one message",
        )),
        count if count > BATCH_MAX => Err(too_many()),
        _ => Ok(Some(
            messages
                .into_iter()
                .map(|message| text.as_bytes().slice_ref(message.as_bytes()))
                .collect(),
        )),
    }
}

fn too_many() -> FrameError {
    FrameError::invalid(
        None,
        format!("a batch may have at most {BATCH_MAX} messages"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::{INVALID_REQUEST, PARSE_ERROR};

    fn of(text: &str) -> Result<Option<Vec<Bytes>>, FrameError> {
        batch(&Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn one_message_is_no_batch() {
        for text in ["{}", " {\"a\":[1]}", "", "nonsense", "\"[\""] {
            assert_eq!(of(text), Ok(None), "{text}");
        }
    }

    #[test]
    fn parts_are_slices_of_the_whole() {
        let whole = Bytes::from_static(b" [ {\"a\":1} , 2,{}]\n");
        let parts = batch(&whole).unwrap().unwrap();
        assert_eq!(parts, ["{\"a\":1}", "2", "{}"]);
        assert_eq!(parts[0].as_ptr(), whole[3..].as_ptr());
    }

    #[test]
    fn bad_batches_have_their_errors() {
        assert_eq!(of("[]").unwrap_err().code(), INVALID_REQUEST);
        for text in ["[", "[1,]", "[1]]", "[{]"] {
            assert_eq!(of(text).unwrap_err().code(), PARSE_ERROR, "{text}");
        }
        assert_eq!(
            batch(&Bytes::from_static(b"[\"\xff\"]"))
                .unwrap_err()
                .code(),
            PARSE_ERROR
        );
    }

    #[test]
    fn length_and_depth_have_limits() {
        let many = |count: usize| format!("[{}]", vec!["{}"; count].join(","));
        assert_eq!(of(&many(BATCH_MAX)).unwrap().unwrap().len(), BATCH_MAX);
        assert_eq!(
            of(&many(BATCH_MAX + 1)).unwrap_err().code(),
            INVALID_REQUEST
        );
        assert_eq!(of(&many(70_000)).unwrap_err().code(), INVALID_REQUEST);
        let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(of(&deep(DEPTH_MAX + 1)).is_ok());
        assert_eq!(
            of(&deep(DEPTH_MAX + 2)).unwrap_err().code(),
            INVALID_REQUEST
        );
    }
}
