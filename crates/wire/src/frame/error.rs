//! Why a message was refused, and the answer that says so.

use std::borrow::Cow;

use bytes::Bytes;

use crate::build;
use crate::code::{INVALID_REQUEST, PARSE_ERROR};
use crate::id::Id;

/// Why a message was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FrameError {
    code: i64,
    /// The id of the refused message, if it could be read.
    pub id: Option<Id>,
    /// What was wrong and, where that helps, where.
    pub message: Cow<'static, str>,
}

impl FrameError {
    /// [`PARSE_ERROR`] or [`INVALID_REQUEST`].
    #[must_use]
    pub const fn code(&self) -> i64 {
        self.code
    }

    /// The error message to send back.
    #[must_use]
    pub fn reply(&self) -> Bytes {
        build::error(
            self.id.as_ref().map(Id::as_json),
            self.code,
            &self.message,
            None,
        )
    }

    pub(crate) fn parse(message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code: PARSE_ERROR,
            id: None,
            message: message.into(),
        }
    }

    pub(crate) fn invalid(id: Option<Id>, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code: INVALID_REQUEST,
            id,
            message: message.into(),
        }
    }
}
