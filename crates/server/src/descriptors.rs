//! How many files this process may have open. The usual soft limit of 1,024 is less than the sessions that one
//! gateway holds; the hard limit is what the administrator meant.

#[cfg(unix)]
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::limits::DESCRIPTORS_WANTED;

/// Raises the soft limit as far as is wanted and allowed. Where that fails we live with what there is.
#[cfg(unix)]
pub(crate) fn raise() {
    let now = getrlimit(Resource::Nofile);
    let allowed = now.maximum.unwrap_or(u64::MAX).min(DESCRIPTORS_WANTED);
    if now.current.is_some_and(|current| current < allowed) {
        let wanted = Rlimit {
            current: Some(allowed),
            maximum: now.maximum,
        };
        let _as_it_was = setrlimit(Resource::Nofile, wanted);
    }
}

/// There is no such limit here.
#[cfg(not(unix))]
pub(crate) fn raise() {
    let _unused = DESCRIPTORS_WANTED;
}
