//! Whether we want more work: yes once the gateway is ready, no from the first moment of the drain. One value,
//! looked at by the probes of every door.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// See the module. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// We are stopping.
    pub fn drain(&self) {
        self.0.store(true, Relaxed);
    }

    /// Whether we are stopping.
    pub fn is_draining(&self) -> bool {
        self.0.load(Relaxed)
    }
}
