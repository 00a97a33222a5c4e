//! What a crash of ours says and leaves behind: where it was, and nothing of what passed through. The words of a panic may quote a
//! text that was being cut, and an image of our memory holds every secret that is in use.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::Location;

use crate::ui::write_err;

/// For the whole process, and for what it starts.
pub(crate) fn prepare() {
    std::panic::set_hook(Box::new(|info| {
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("?");
        let mut text = told(name, info.location(), info.payload());
        // Addresses and names of functions; only where it was asked for.
        let trace = Backtrace::capture();
        if trace.status() == BacktraceStatus::Captured {
            text.push_str(&format!("{trace}\n"));
        }
        write_err(&text);
    }));
    #[cfg(target_os = "linux")]
    leave_no_image();
}

/// The words are ours if they were written out; what they were put together from is not told.
fn told(thread: &str, place: Option<&Location<'_>>, payload: &dyn Any) -> String {
    let place = place.map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    match payload.downcast_ref::<&'static str>() {
        Some(words) => format!("thread '{thread}' broke down at {place}: {words}\n"),
        None => format!("thread '{thread}' broke down at {place}\n"),
    }
}

/// Neither a file, nor what other programs of the same person could read of us. The limit is one byte, because with none the
/// system still hands an image to a program that collects them; it holds for what we start, too.
#[cfg(target_os = "linux")]
fn leave_no_image() {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let most = getrlimit(Resource::Core)
        .maximum
        .map_or(1, |most| most.min(1));
    let least = Rlimit {
        current: Some(most),
        maximum: Some(most),
    };
    let _ = setrlimit(Resource::Core, least);
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_were_put_together_are_not_told() {
        let here = Location::caller();
        let secret: Box<dyn Any> = Box::new(format!("byte index 5 is not in `{}`", "s3cr3t"));
        let said = told("watch", Some(here), &*secret);
        assert!(
            said.contains("thread 'watch' broke down at crates/cli/src/crash.rs:"),
            "{said}"
        );
        assert!(!said.contains("s3cr3t"));
        let plain: Box<dyn Any> = Box::new("the lists agree");
        assert!(told("x", None, &*plain).ends_with("an unknown place: the lists agree\n"));
    }
}
