//! The bearer token of the HTTP front door: given by the environment, or made once and kept. Refuses a file that others can
//! read, and any token that could not travel in a header.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

use crate::env::{MCP_GATEWAY_AUTH_TOKEN, PORTOLAN_AUTH_TOKEN, PORTOLAN_AUTH_TOKEN_FILE};
use crate::files::{create_atomic, is_open_to_others, private_dir, read_bounded};
use crate::limits::{TOKEN_BYTES, TOKEN_FILE_BYTES_MAX};
use crate::{Dirs, Env};

/// A bearer token. It is not printed by accident: [`reveal`](Self::reveal) is the way to its text.
#[derive(Clone)]
pub struct Token(String);

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read or made.
    #[error("cannot use the token file {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody else may have read it.
    #[error("others can read the token file {path}; close it (chmod 600 {path}), or remove it to get a new token", path = path.display())]
    Open {
        /// The file.
        path: PathBuf,
    },
    /// It could not travel in a header, or is empty.
    #[error(
        "the token in {0} is empty or contains something other than visible ASCII characters; put another one there"
    )]
    Unusable(String),
    /// The system has no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(String),
}

/// The token that the environment gives, else the one in our file, else a new one, kept there. The answer says whether it
/// is new: it is shown to a person once.
pub fn load_or_create(dirs: &Dirs, env: &Env) -> Result<(Token, bool), TokenError> {
    for name in [PORTOLAN_AUTH_TOKEN, MCP_GATEWAY_AUTH_TOKEN] {
        if let Some(text) = env.os(name).filter(|text| !text.is_empty()) {
            let token = text.to_str().and_then(Token::new);
            return token
                .map(|token| (token, false))
                .ok_or_else(|| TokenError::Unusable(name.to_owned()));
        }
    }
    if let Some(file) = env
        .os(PORTOLAN_AUTH_TOKEN_FILE)
        .filter(|file| !file.is_empty())
    {
        return read(Path::new(&file), false).map(|token| (token, false));
    }
    let path = dirs.token_file();
    match read(&path, true) {
        Err(TokenError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
        read => return read.map(|token| (token, false)),
    }
    let token = Token::random()?;
    let failed = |source| TokenError::File {
        path: path.clone(),
        source,
    };
    private_dir(&dirs.state).map_err(failed)?;
    match create_atomic(&path, format!("{}\n", token.0).as_bytes(), 0o600) {
        Ok(()) => Ok((token, true)),
        // Another gateway that starts at the same moment was first: its token counts.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            read(&path, true).map(|token| (token, false))
        }
        Err(error) => Err(failed(error)),
    }
}

/// `ours`: a file that only we write, so that only we should be able to read it. Mounted secrets are often open.
fn read(path: &Path, ours: bool) -> Result<Token, TokenError> {
    let failed = |source| TokenError::File {
        path: path.to_owned(),
        source,
    };
    let bytes = read_bounded(path, TOKEN_FILE_BYTES_MAX).map_err(failed)?;
    if ours && is_open_to_others(path).map_err(failed)? {
        return Err(TokenError::Open {
            path: path.to_owned(),
        });
    }
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    Token::new(text.trim()).ok_or_else(|| TokenError::Unusable(path.display().to_string()))
}

impl Token {
    /// A token of this text, if it can travel in a header.
    pub fn new(text: &str) -> Option<Self> {
        let fits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(text.to_owned()))
    }

    /// A new token of 256 random bits.
    pub fn random() -> Result<Self, TokenError> {
        let mut bytes = [0; TOKEN_BYTES];
        getrandom::fill(&mut bytes).map_err(|error| TokenError::Random(error.to_string()))?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Whether somebody presented this token, in a time that does not tell how much of it was right.
    pub fn matches(&self, presented: &str) -> bool {
        self.0.as_bytes().ct_eq(presented.as_bytes()).into()
    }

    /// Its text, to be shown once or written where a client reads it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

#[cfg(test)]
mod tests;
