//! Phase 2: who speaks, in which era, and whether the message is what its era demands.

use wire::{Era, Object, Version, from_header, meta, method};

use crate::asks::Asks;
use crate::call::Call;
use crate::error::Fault;
use crate::front::StatelessHeaders;
use crate::session::level_index;

/// Checks a request against the rules of its era.
pub(crate) fn check(call: &mut Call) -> Result<(), Fault> {
    match call.era {
        Era::Handshake => handshake(call),
        Era::Stateless => {
            let (asks, log_level) = stateless(call)?;
            (call.asks, call.log_level) = (asks, log_level);
            Ok(())
        }
    }
}

/// Before `initialize` only `initialize` and `ping` are answered.
fn handshake(call: &Call) -> Result<(), Fault> {
    let is_greeted = call
        .session
        .as_ref()
        .is_some_and(|session| session.hello().is_some());
    match call.frame.method() {
        method::INITIALIZE if is_greeted => Err(Fault::Invalid(
            "the session is initialized already".to_owned(),
        )),
        method::INITIALIZE | method::PING => Ok(()),
        _ if is_greeted => Ok(()),
        other => Err(Fault::Invalid(format!(
            "{other} came before initialize; send initialize first, or _meta with {:?} for the stateless protocol",
            meta::PROTOCOL_VERSION
        ))),
    }
}

/// Each request says for itself what a handshake says once (2026-07-28, "requests"): what its client can be asked, and from
/// which level on it wants to hear log messages.
fn stateless(call: &Call) -> Result<(Asks, Option<u8>), Fault> {
    let params = call.params()?;
    let missing = |key: &str| {
        Fault::Params(format!(
            "_meta lacks {key:?}, which every request must carry"
        ))
    };
    let object = params
        .object("_meta")
        .map_err(|e| Fault::Params(format!("_meta: {e}")))?;
    let object = object.ok_or_else(|| missing(meta::PROTOCOL_VERSION))?;
    let version = object
        .string(meta::PROTOCOL_VERSION)
        .map_err(|e| Fault::Params(format!("_meta: {e}")))?;
    let version = version.ok_or_else(|| missing(meta::PROTOCOL_VERSION))?;
    if let Some(headers) = &call.headers {
        headers_agree(call, headers, &version, &params)?;
    }
    if Version::parse(&version).is_none_or(|version| version.era() != Era::Stateless) {
        return Err(Fault::Version(version.into_owned()));
    }
    let capabilities = object
        .object(meta::CLIENT_CAPABILITIES)
        .map_err(|e| Fault::Params(format!("_meta: {e}")))?
        .ok_or_else(|| missing(meta::CLIENT_CAPABILITIES))?;
    let is_of_tasks = matches!(
        call.frame.method(),
        method::TASKS_GET | method::TASKS_UPDATE | method::TASKS_CANCEL
    );
    if is_of_tasks && !declares(&capabilities, TASKS) {
        return Err(Fault::NotDeclared(TASKS));
    }
    let level = object.string(meta::LOG_LEVEL).ok().flatten();
    let level = level.and_then(|level| level_index(&level));
    Ok((Asks::read(&capabilities), level))
}

/// The extension that the `tasks/*` methods of the stateless era belong to.
const TASKS: &str = "io.modelcontextprotocol/tasks";

fn declares(capabilities: &Object<'_>, extension: &str) -> bool {
    let extensions = capabilities.object("extensions").ok().flatten();
    extensions.is_some_and(|extensions| matches!(extensions.get(extension), Ok(Some(_))))
}

/// What is in the headers and in the body must be the same, or what a proxy read and what a server does differ.
fn headers_agree(
    call: &Call,
    headers: &StatelessHeaders,
    version: &str,
    params: &Object<'_>,
) -> Result<(), Fault> {
    let asked = call.frame.method();
    match headers.version.as_deref() {
        Some(header) if header == version => {}
        Some(header) => {
            return Err(Fault::Header(format!(
                "MCP-Protocol-Version is {header:?}, the body says {version:?}"
            )));
        }
        None => return Err(Fault::Header("MCP-Protocol-Version is missing".to_owned())),
    }
    match headers.method.as_deref() {
        Some(header) if header == asked => {}
        Some(header) => {
            return Err(Fault::Header(format!(
                "Mcp-Method is {header:?}, the body says {asked:?}"
            )));
        }
        None => return Err(Fault::Header("Mcp-Method is missing".to_owned())),
    }
    let Some(member) = named_by(asked) else {
        return Ok(());
    };
    let body = params
        .string(member)
        .map_err(|e| Fault::Params(e.to_string()))?;
    let header =
        match headers.name.as_deref() {
            None => None,
            Some(raw) => Some(from_header(raw).ok_or_else(|| {
                Fault::Header(format!("Mcp-Name {raw:?} is not properly encoded"))
            })?),
        };
    match (body.as_deref(), header.as_deref()) {
        (Some(body), Some(header)) if body == header => Ok(()),
        (Some(body), Some(header)) => Err(Fault::Header(format!(
            "Mcp-Name is {header:?}, the body says {body:?}"
        ))),
        (Some(_), None) => Err(Fault::Header("Mcp-Name is missing".to_owned())),
        // The body is wrong, which is said when it is read.
        (None, _) => Ok(()),
    }
}

/// The member of `params` that `Mcp-Name` repeats.
pub(crate) fn named_by(asked: &str) -> Option<&'static str> {
    match asked {
        method::TOOLS_CALL | method::PROMPTS_GET => Some("name"),
        method::RESOURCES_READ => Some("uri"),
        method::TASKS_GET | method::TASKS_UPDATE | method::TASKS_CANCEL => Some("taskId"),
        _ => None,
    }
}
