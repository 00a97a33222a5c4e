//! `logging/setLevel`: remembered for the conversation and passed on to its servers.

use wire::Era;

use crate::call::Call;
use crate::error::Fault;
use crate::session::{LEVELS, level_index};

pub(super) fn set(call: &Call) -> Result<String, Fault> {
    let params = call.params()?;
    let level = params
        .string("level")
        .map_err(|e| Fault::Params(e.to_string()))?;
    let index = level
        .as_deref()
        .and_then(level_index)
        .ok_or_else(|| Fault::Params(format!("level must be one of {}", LEVELS.join(", "))))?;
    if let Some(session) = &call.session {
        session.set_level(index);
    }
    for upstream in call
        .workspace
        .upstreams()
        .iter()
        .filter(|upstream| upstream.era() == Era::Handshake)
    {
        upstream.wish_level(index);
    }
    Ok("{}".to_owned())
}
