//! Whether an upstream has served more than one caller: what comes without a reference is then for nobody, since calls
//! that were taken back may go on unseen.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::front::Caller;

/// See the module.
#[derive(Default)]
pub(crate) struct Callers {
    first: OnceLock<Caller>,
    are_several: AtomicBool,
}

impl Callers {
    pub(super) fn meet(&self, caller: &Caller) {
        if self.first.get_or_init(|| caller.clone()) != caller {
            self.are_several.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn are_several(&self) -> bool {
        self.are_several.load(Ordering::Relaxed)
    }
}
