//! Workspaces that clients name: by a handle that only its caller can use, made when it is first needed, forgotten when it
//! has not been used for long.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Core;
use crate::error::Fault;
use crate::front::Caller;
use crate::limits::{HANDLE_BYTES, WORKSPACES_MAX, WORKSPACES_PER_CALLER_MAX};
use crate::outbox::lock;
use crate::workspace::Workspace;

impl Core {
    /// By what a workspace is named from outside.
    ///
    /// # Errors
    /// There are too many, or the system has no randomness to give.
    pub(crate) fn handle_of(&self, workspace: &Arc<Workspace>) -> Result<Arc<str>, Fault> {
        if let Some(handle) = workspace.handle.get() {
            return Ok(handle.clone());
        }
        let mut secret = [0u8; HANDLE_BYTES];
        getrandom::fill(&mut secret).map_err(|_| Fault::Busy("requests for randomness"))?;
        let handle: Arc<str> = format!("w-{}", URL_SAFE_NO_PAD.encode(secret)).into();
        let mut handles = lock(&self.handles);
        // Those of sessions are as many as these at most.
        let is_loose = |known: &Arc<Workspace>| known.session().is_none();
        let all = || handles.values().filter(|known| is_loose(known));
        let of_caller = || all().filter(|known| known.caller == workspace.caller);
        let is_full =
            || all().count() >= WORKSPACES_MAX || of_caller().count() >= WORKSPACES_PER_CALLER_MAX;
        if is_loose(workspace) && is_full() {
            return Err(Fault::Busy("workspaces"));
        }
        let handle = workspace.handle.get_or_init(|| handle).clone();
        workspace.last_named.store(self.now_ms(), Ordering::Relaxed);
        handles.insert(handle.clone(), workspace.clone());
        Ok(handle)
    }

    /// The workspace of a handle, if it is this caller's.
    pub(crate) fn workspace(&self, handle: &str, caller: &Caller) -> Option<Arc<Workspace>> {
        let workspace = lock(&self.handles).get(handle).cloned()?;
        // Somebody else's workspace does not exist.
        if workspace.caller != *caller {
            return None;
        }
        workspace.last_named.store(self.now_ms(), Ordering::Relaxed);
        Some(workspace)
    }

    /// Nobody can name it any more.
    pub(super) fn forget_handle(&self, workspace: &Workspace) {
        if let Some(handle) = workspace.handle.get() {
            lock(&self.handles).remove(handle);
        }
    }

    /// Ends the workspaces that nobody has named for long. Those of sessions end with these.
    pub(super) fn sweep_workspaces(self: &Arc<Self>, now_ms: u64) {
        let idle_ms = self.settings.session_idle.as_millis() as u64;
        if idle_ms == 0 {
            return;
        }
        let idle: Vec<Arc<Workspace>> = lock(&self.handles)
            .values()
            .filter(|workspace| {
                if workspace.upstreams().iter().any(|up| up.is_busy()) {
                    workspace.last_named.store(now_ms, Ordering::Relaxed);
                }
                let since = workspace.last_named.load(Ordering::Relaxed);
                workspace.session().is_none()
                    && workspace.listens().is_empty()
                    && now_ms.saturating_sub(since) > idle_ms
            })
            .cloned()
            .collect();
        for workspace in idle {
            self.leave(&workspace);
        }
    }
}
