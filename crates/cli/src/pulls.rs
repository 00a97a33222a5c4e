//! Tells of images that come: a line that is written over on a terminal, two lines in a log.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use launch::container::{OnProgress, Progress};

use crate::limits::PULL_TOLD_EVERY;
use crate::log::{Log, Notice};
use crate::ui::{self, Ui};

/// Tells whoever looks: the log if there is one, else the terminal.
pub(crate) fn told(ui: &Ui, log: Option<Arc<Log>>) -> OnProgress {
    let is_terminal = ui.err().terminal;
    let last = Mutex::new(None::<Instant>);
    Arc::new(move |progress: &Progress| {
        if let Some(log) = &log {
            if progress.is_done || progress.of == 0 {
                log.notice(notice(progress));
            }
        } else if is_terminal {
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            let is_soon = last.is_some_and(|last| last.elapsed() < PULL_TOLD_EVERY);
            if progress.is_done || !is_soon {
                *last = Some(Instant::now());
                ui::write_err(&line(progress));
            }
        }
    })
}

fn notice(progress: &Progress) -> Notice {
    let image = &progress.image;
    let message = match progress.is_done {
        true => format!("fetching the image {image} has ended"),
        false => format!("fetching the image {image}"),
    };
    Notice {
        is_warning: false,
        target: "container",
        message,
        hint: None,
        members: vec![("image", image.as_str().into())],
    }
}

/// Written over what was written before, and cleared at the end.
fn line(progress: &Progress) -> String {
    const CLEAR: &str = "\r\u{1b}[K";
    let image = ui::clean(&progress.image, false);
    let mb = |bytes: u64| bytes / 1_000_000;
    match (progress.is_done, progress.of) {
        (true, _) => CLEAR.to_owned(),
        (false, 0) => format!("{CLEAR}fetching {image}"),
        (false, of) => format!(
            "{CLEAR}fetching {image}: {} of {} MB",
            mb(progress.bytes),
            mb(of)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_says_how_far_it_is_and_goes_away() {
        let mut progress = Progress {
            image: "acme/x:1".to_owned(),
            bytes: 0,
            of: 0,
            is_done: false,
        };
        assert_eq!(line(&progress), "\r\u{1b}[Kfetching acme/x:1");
        (progress.bytes, progress.of) = (12_345_678, 99_000_000);
        assert_eq!(line(&progress), "\r\u{1b}[Kfetching acme/x:1: 12 of 99 MB");
        progress.is_done = true;
        assert_eq!(line(&progress), "\r\u{1b}[K");
        assert!(notice(&progress).message.ends_with("has ended"));
    }
}
