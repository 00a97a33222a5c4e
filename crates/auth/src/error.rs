//! Why there is no token, and what to do about it. Never has a token, a code or a state in it; what servers say is cut short
//! and freed of what cannot be seen.

use fetch::FetchError;
use secrets::StoreError;

use crate::limits::SAID_CHARS_MAX;

/// See the module.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// Only the person can go on: nobody has signed in, or what they had is over.
    #[error("{0}")]
    NeedsPerson(&'static str),
    /// It had what it asked for, and refuses all the same.
    #[error(
        "it refuses a token that has all that it asked for ({0}); more rights have to be given to the account there"
    )]
    StillRefused(String),
    /// Nothing tells how to sign in.
    #[error("it does not say how to sign in: {0}")]
    NotDescribed(String),
    /// What was fetched on the way.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The description is of another server.
    #[error(
        "its description is of {said}, not of {asked}: a token for it would be somebody else's"
    )]
    OtherResource {
        /// What it says it describes.
        said: String,
        /// The server.
        asked: String,
    },
    /// The authorization server calls itself something else.
    #[error(
        "the authorization server of {asked} calls itself {said}; the two must be the same, letter by letter"
    )]
    OtherIssuer {
        /// What it calls itself.
        said: String,
        /// What it was asked as.
        asked: String,
    },
    /// Configured for another one.
    #[error(
        "the client id is for the authorization server {configured}, and this server uses {found}"
    )]
    OtherProvider {
        /// For which it is configured.
        configured: String,
        /// Those that there are.
        found: String,
    },
    /// No PKCE.
    #[error(
        "the authorization server {0} does not say that it can do PKCE with S256, without which a sign-in can be stolen"
    )]
    NoProof(String),
    /// Lacks something that is needed.
    #[error("the authorization server {issuer} {what}")]
    Unusable {
        /// Which one.
        issuer: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// No client id.
    #[error(
        "the authorization server {0} registers nobody by itself: register Portolan there, and give the client id as `oauth.client_id` of this server"
    )]
    NoClient(String),
    /// It answers with an error.
    #[error("the authorization server refuses {doing}: {said}")]
    Refused {
        /// What was asked of it.
        doing: &'static str,
        /// Its word for it.
        code: String,
        /// The same and what else it says.
        said: String,
    },
    /// It answers with something else.
    #[error("the answer of the authorization server to {doing} cannot be used: {why}")]
    Answer {
        /// What was asked of it.
        doing: &'static str,
        /// What is wrong.
        why: String,
    },
    /// A state that is not this sign-in's.
    #[error(
        "this is not the answer to this sign-in: its state is another one, or was used before; begin again"
    )]
    State,
    /// An answer of somebody else.
    #[error(
        "the answer comes from another authorization server than the one that was asked: the sign-in was broken off"
    )]
    Mixed,
    /// The person, or the server, does not want to.
    #[error("the sign-in was refused: {0}")]
    Declined(String),
    /// Nothing to read in it.
    #[error("the browser came back without a code")]
    NoCode,
    /// Nobody came in time.
    #[error("nobody signed in within {0} s")]
    Late(u64),
    /// No account of the name.
    #[error("there is no account of {0:?}")]
    Unknown(String),
    /// What is kept cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The same, of its lock.
    #[error("the accounts cannot be used: {0}")]
    Disk(std::io::Error),
    /// Another process takes too long.
    #[error("another process has been renewing this account for too long; try again")]
    Busy,
    /// No random bytes.
    #[error("this system gives no random bytes")]
    Random,
}

impl AuthError {
    /// Whether a person who signs in can mend it.
    pub fn is_for_person(&self) -> bool {
        matches!(self, Self::NeedsPerson(_))
    }

    /// Whether the person, or somebody for them, said no.
    pub fn is_declined(&self) -> bool {
        matches!(self, Self::Declined(_))
    }
}

/// What a stranger says, as it may be shown.
pub(crate) fn said(text: &str) -> String {
    let is_shown = |c: &char| {
        !c.is_control()
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{e0000}'..='\u{e0fff}')
    };
    text.chars().filter(is_shown).take(SAID_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strangers_say_is_short_and_seen() {
        assert_eq!(said("a\u{1b}[2J\u{202e}b\n"), "a[2Jb");
        assert_eq!(said(&"x".repeat(9_999)).len(), SAID_CHARS_MAX);
    }
}
