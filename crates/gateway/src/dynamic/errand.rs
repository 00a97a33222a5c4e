//! What one of our tools is carried out with: who asks, in which workspace, and what a call brings along.

use std::sync::Arc;

use wire::{Era, Object};

use super::arguments::Arguments;
use super::menu::Tool;
use super::reply::Reply;
use crate::asks::{Asks, Side};
use crate::bridge::request_digest;
use crate::call::Call;
use crate::calls::CallHandle;
use crate::core::Core;
use crate::dynamic::Directory;
use crate::lists::Kind;
use crate::phase::Whose;
use crate::session::Session;
use crate::workspace::Workspace;

/// See the module.
pub(crate) struct Errand {
    pub(super) core: Arc<Core>,
    pub(super) directory: Arc<Directory>,
    pub(super) era: Era,
    pub(super) asks: Asks,
    pub(super) session: Option<Arc<Session>>,
    pub(super) workspace: Arc<Workspace>,
    /// Nobody named the workspace, and the conversation has none of its own.
    pub(super) is_nameless: bool,
    pub(super) is_endpoint: bool,
    pub(super) handle: Arc<CallHandle>,
    /// What the client answers with this request: `inputResponses` and `requestState`.
    pub(super) responses: Option<String>,
    pub(super) state: Option<String>,
    pub(super) digest: [u8; 32],
}

impl Errand {
    pub(super) fn new(call: &Call, tool: Tool, arguments: &Arguments) -> Result<Self, Reply> {
        let params = call.params().unwrap_or_else(|_| Object::empty());
        let named = arguments.text_if_any("workspace")?;
        let has_own = call.session.is_some() || call.is_endpoint;
        let workspace = match named {
            None => call.workspace.clone(),
            Some(handle) => {
                let workspace = call.core.workspace(handle, &call.workspace.caller);
                let is_own = |w: &Arc<Workspace>| !has_own || Arc::ptr_eq(w, &call.workspace);
                workspace
                    .filter(is_own)
                    .ok_or_else(|| no_workspace(has_own))?
            }
        };
        let directory = call.core.directory.clone();
        Ok(Self {
            core: call.core.clone(),
            directory: directory
                .ok_or_else(|| Reply::error("the dynamic tools are switched off"))?,
            era: call.era,
            asks: asks_of(call),
            session: call.session.clone(),
            is_nameless: named.is_none() && !has_own,
            is_endpoint: call.is_endpoint,
            workspace,
            handle: call.handle.clone(),
            responses: raw(&params, "inputResponses"),
            state: state_of(&params),
            digest: request_digest(tool.name(), &params),
        })
    }

    /// Whether whoever asks is somebody else than the person who runs the gateway. They agree to nothing for that person, give
    /// nothing that is kept for them, and sign in to nothing in their name.
    pub(super) fn is_guest(&self) -> bool {
        let admission = self.core.admission.as_ref();
        admission.is_some_and(|admission| admission.is_guest(&self.workspace.caller.0))
    }

    /// Whether they have or may have accounts that they sign in to themselves.
    pub(super) fn may_sign_in(&self) -> bool {
        !self.is_guest() || self.holder().is_some()
    }

    /// The caller who has accounts of their own alone; none: whoever uses the person's.
    pub(super) fn holder(&self) -> Option<&str> {
        let caller = &self.workspace.caller.0;
        let admission = self.core.admission.as_ref()?;
        matches!(admission.accounts(caller), Whose::Own(_)).then_some(caller)
    }

    /// Whoever can do something about what stands in the way.
    pub(super) fn who(&self) -> &'static str {
        match self.is_guest() {
            true => "whoever runs the gateway",
            false => "the user",
        }
    }

    /// A workspace of its own where nobody named one, before anything comes into it. What it says is for [`Errand::end`].
    pub(super) fn begin(&mut self) -> bool {
        let is_fresh = self.is_nameless;
        if is_fresh {
            let (id, caller) = (self.core.next_id(), self.workspace.caller.clone());
            self.workspace = Arc::new(Workspace::new(id, caller));
            self.is_nameless = false;
        }
        is_fresh
    }

    /// A fresh workspace that nobody has heard of ends with the errand.
    pub(super) fn end(&self, is_fresh: bool) {
        if is_fresh && self.workspace.handle.get().is_none() {
            self.core.leave(&self.workspace);
        }
    }

    /// To ask the person about a call that is none of our tools'. `digest`: of its request.
    pub(super) fn of_call(call: &Call, digest: [u8; 32]) -> Self {
        let params = call.params().unwrap_or_else(|_| Object::empty());
        Self {
            core: call.core.clone(),
            directory: call
                .core
                .directory
                .clone()
                .unwrap_or_else(|| Arc::new(Directory::none())),
            era: call.era,
            asks: asks_of(call),
            session: call.session.clone(),
            workspace: call.workspace.clone(),
            is_nameless: false,
            is_endpoint: call.is_endpoint,
            handle: call.handle.clone(),
            responses: raw(&params, "inputResponses"),
            state: state_of(&params),
            digest,
        }
    }

    /// From where it sees the servers.
    pub(super) fn side(&self) -> Side<'_> {
        Side {
            workspace: &self.workspace,
            era: self.era,
            only: None,
            is_endpoint: self.is_endpoint,
            asks: match self.era {
                Era::Handshake => Asks::NONE,
                Era::Stateless => self.asks,
            },
        }
    }

    /// Tells the conversation that these lists changed.
    pub(super) fn tell(&self, kinds: &[Kind]) {
        self.core.changed();
        // Who listens at the endpoint of a workspace hears of it, from wherever it was changed.
        let follows = self.era == Era::Handshake || self.session.is_none();
        for kind in kinds.iter().filter(|_| follows) {
            self.workspace.list_changed(*kind, self.era);
        }
    }
}

/// What the client can be asked.
fn asks_of(call: &Call) -> Asks {
    match (&call.session, call.era) {
        (Some(session), Era::Handshake) => {
            session.capabilities().map(|c| c.asks).unwrap_or_default()
        }
        _ => call.asks,
    }
}

fn state_of(params: &Object<'_>) -> Option<String> {
    let state = params.string("requestState").ok().flatten();
    state.map(std::borrow::Cow::into_owned)
}

fn raw(params: &Object<'_>, name: &str) -> Option<String> {
    params.get(name).ok().flatten().map(str::to_owned)
}

fn no_workspace(has_own: bool) -> Reply {
    Reply::error(match has_own {
        true => "this conversation has a workspace of its own; leave `workspace` out",
        false => {
            "there is no such workspace: it has expired, or belongs to somebody else; mcp-add without `workspace` makes a new one"
        }
    })
}
