//! Panics of tasks, which nobody waits for, would go unseen: they are kept for whoever plays on the same thread.

use std::cell::RefCell;

thread_local! {
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Keeps panics from now on, beside printing them.
pub(crate) fn keep() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        LAST.with(|last| *last.borrow_mut() = Some(panic.to_string()));
        before(panic);
    }));
}

/// The last panic since the last look.
pub(crate) fn take() -> Option<String> {
    LAST.with(|last| last.borrow_mut().take())
}
