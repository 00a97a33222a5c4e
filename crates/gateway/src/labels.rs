//! Who speaks to the person. A question of a server reaches them through us, and reads as if it were ours, or another server's;
//! where there are several servers its words begin with the name of the one that asks, in both eras and on every way. They lose what
//! nobody sees, as descriptions do.

use wire::{Edits, Frame, Object, method, quote};

use crate::cleaning;
use crate::core::Core;
use crate::server::Server;

/// A server's request to a client; none where it stays as it is.
pub(crate) fn question(core: &Core, server: &Server, frame: &Frame) -> Option<Frame> {
    if frame.method() != method::ELICITATION_CREATE || !are_several(core) {
        return None;
    }
    let params = frame.params_object().ok()?;
    let mut edits = frame.edit();
    label(&mut edits, &params, &server.name);
    Frame::parse(edits.apply()).ok()
}

/// The parameters of a question that a server asks in its answer, where they are made a request of.
pub(crate) fn params(core: &Core, server: &Server, asked: &str, params: &Object<'_>) -> String {
    let raw = params.raw();
    if asked != method::ELICITATION_CREATE || !are_several(core) {
        return raw.to_owned();
    }
    let mut edits = Edits::new(raw);
    label(&mut edits, params, &server.name);
    String::from_utf8(edits.apply().to_vec()).unwrap_or_else(|_| raw.to_owned())
}

/// The same where the answer goes to the client as it is.
pub(crate) fn answer(core: &Core, server: &Server, frame: &Frame) -> Option<Frame> {
    memchr::memmem::find(frame.result()?.as_bytes(), b"\"input_required\"")?;
    if !are_several(core) {
        return None;
    }
    let result = frame.result_object().ok()??;
    let asked = result.object("inputRequests").ok()??;
    let mut edits = frame.edit();
    for (_, raw) in asked.iter() {
        let Ok(one) = Object::of_json(raw) else {
            continue;
        };
        let is_question = one.string("method").ok().flatten();
        if is_question.as_deref() == Some(method::ELICITATION_CREATE)
            && let Ok(Some(params)) = one.object("params")
        {
            label(&mut edits, &params, &server.name);
        }
    }
    if edits.is_empty() {
        return None;
    }
    Frame::parse(edits.apply()).ok()
}

fn label<'a>(edits: &mut Edits<'a>, params: &Object<'a>, name: &str) {
    if let (Ok(Some(raw)), Ok(Some(text))) = (params.get("message"), params.string("message")) {
        let text = cleaning::plain(&text);
        edits.replace(raw, quote(&format!("[{name}] {text}")));
    }
}

fn are_several(core: &Core) -> bool {
    core.all_servers().len() > 1
}
