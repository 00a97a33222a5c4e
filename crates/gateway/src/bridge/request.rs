//! A request as it leaves towards a server of the other era: what a stateless request says of itself is put in or taken
//! out, everything else stays.

use wire::{Edits, Frame, Object, ObjectError, Version, meta, method, quote};

use crate::session::{LEVELS, Session};
use crate::upstream::may_ask;

/// What a stateless request says of itself, of the revision, of the client and of what it wants to hear.
const OF_THE_HOP: [&str; 4] = [
    meta::PROTOCOL_VERSION,
    meta::CLIENT_INFO,
    meta::CLIENT_CAPABILITIES,
    meta::LOG_LEVEL,
];

/// Whether a member of `_meta` is about the hop alone.
fn is_hop(key: &str) -> bool {
    OF_THE_HOP.contains(&key)
}

/// Takes out what a server of the handshake era has been told once, and what answers its questions.
pub(crate) fn strip<'a>(
    asked: &str,
    params: &Object<'a>,
    edits: &mut Edits<'a>,
) -> Result<(), ObjectError> {
    if may_ask(asked) {
        edits.remove(params, "inputResponses");
        edits.remove(params, "requestState");
    }
    let Some(meta) = params.object("_meta")? else {
        return Ok(());
    };
    if meta.iter().all(|(key, _)| is_hop(key)) {
        edits.remove(params, "_meta");
        return Ok(());
    }
    for key in OF_THE_HOP {
        edits.remove(&meta, key);
    }
    Ok(())
}

/// What is stamped on each request of a session to a stateless server.
pub(crate) struct Stamp([(&'static str, String); 4]);

impl Stamp {
    /// What the client has said once.
    pub(crate) fn of(session: &Session) -> Self {
        let (info, capabilities) = session.hello().map_or_else(
            || (crate::about::info().to_owned(), "{}".to_owned()),
            |hello| (info_of(&hello.client), declared(&hello.capabilities.raw)),
        );
        // Who never chose a level leaves the choice to the server; a stateless one says nothing then.
        let level = session
            .chosen_level()
            .map_or("info", |level| LEVELS[usize::from(level)]);
        Self([
            (meta::PROTOCOL_VERSION, quote(Version::LATEST.as_str())),
            (meta::CLIENT_INFO, info),
            (meta::CLIENT_CAPABILITIES, capabilities),
            (meta::LOG_LEVEL, quote(level)),
        ])
    }

    fn text(&self) -> String {
        let members = self
            .0
            .iter()
            .map(|(key, value)| format!("\"{key}\":{value}"));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    }
}

/// Puts in what a stateless server wants to be told with each request. A task is not asked for: it would be one of the
/// other era.
pub(crate) fn stamp<'a>(
    frame: &'a Frame,
    params: &Object<'a>,
    stamp: Stamp,
    edits: &mut Edits<'a>,
) -> Result<(), ObjectError> {
    if frame.method() == method::TOOLS_CALL {
        edits.remove(params, "task");
    }
    if frame.params().is_none() {
        let whole = frame.object()?;
        edits.set(&whole, "params", format!(r#"{{"_meta":{}}}"#, stamp.text()));
        return Ok(());
    }
    match params.object("_meta")? {
        None => edits.set(params, "_meta", stamp.text()),
        Some(meta) => {
            for (key, value) in stamp.0 {
                edits.set(&meta, key, value);
            }
        }
    }
    Ok(())
}

/// `name/version`, as it is kept of a client, as an implementation info.
fn info_of(client: &str) -> String {
    let (name, version) = client.rsplit_once('/').unwrap_or((client, "0"));
    format!(r#"{{"name":{},"version":{}}}"#, quote(name), quote(version))
}

/// The capabilities without those of tasks: what a server would do with them cannot cross.
fn declared(capabilities: &str) -> String {
    let unchanged = || capabilities.to_owned();
    if !capabilities.contains("tasks") {
        return unchanged();
    }
    let Ok(object) = Object::parse(capabilities) else {
        return unchanged();
    };
    let mut edits = Edits::new(capabilities);
    edits.remove(&object, "tasks");
    let extensions = object.object("extensions").ok().flatten();
    if let Some(extensions) = &extensions {
        for (name, _) in extensions.iter() {
            if !super::extension_crosses(name) {
                edits.remove(extensions, name);
            }
        }
    }
    String::from_utf8(edits.apply().to_vec()).unwrap_or_else(|_| unchanged())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn stripped(params: &str) -> String {
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#);
        let frame = Frame::parse(Bytes::from(text)).unwrap();
        let object = frame.params_object().unwrap();
        let mut edits = frame.edit();
        strip(frame.method(), &object, &mut edits).unwrap();
        let out = Frame::parse(edits.apply()).unwrap();
        out.params().unwrap().to_owned()
    }

    #[test]
    fn what_is_about_the_hop_stays_on_it() {
        let hop = r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}"#;
        assert_eq!(
            stripped(&format!(r#"{{"name":"x","_meta":{{{hop}}}}}"#)),
            r#"{"name":"x"}"#
        );
        assert_eq!(
            stripped(&format!(
                r#"{{"_meta":{{{hop},"a":1}},"requestState":"s","name":"x","inputResponses":{{}}}}"#
            )),
            r#"{"_meta":{"a":1},"name":"x"}"#
        );
        assert_eq!(stripped(r#"{"name":"x"}"#), r#"{"name":"x"}"#);
    }

    #[test]
    fn tasks_are_not_declared_across() {
        assert_eq!(
            declared(
                r#"{"tasks":{"x":1},"roots":{},"extensions":{"io.modelcontextprotocol/tasks":{},"a":{}}}"#
            ),
            r#"{"roots":{},"extensions":{"a":{}}}"#
        );
        assert_eq!(declared(r#"{"roots":{}}"#), r#"{"roots":{}}"#);
    }
}
