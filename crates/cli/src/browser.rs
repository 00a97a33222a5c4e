//! Opens a web page for the person: `$BROWSER`, else what the desktop has for it. Refuses everything that is not a web page, and
//! every shell: the address is one argument.

use std::process::{Command, Stdio};

use config::Env;
use config::env::BROWSER;

/// Whether somebody was asked to open it; whether they could is theirs to say.
pub(crate) fn open(env: &Env, url: &str) -> bool {
    let is_page = url.starts_with("https://") || url.starts_with("http://");
    is_page && program(env).is_some_and(|program| started(&program, url))
}

fn program(env: &Env) -> Option<String> {
    if let Some(named) = env.text(BROWSER).filter(|named| !named.is_empty()) {
        return named.split(':').next().map(str::to_owned);
    }
    let has_screen = |name: &str| env.filled(name).is_some();
    match cfg!(target_os = "macos") {
        true => Some("open".to_owned()),
        false if has_screen("WAYLAND_DISPLAY") || has_screen("DISPLAY") => {
            Some("xdg-open".to_owned())
        }
        false => None,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the person's own browser is no server, and outlives us"
)]
fn started(program: &str, url: &str) -> bool {
    let mut command = Command::new(program);
    command.arg(url);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().is_ok()
}
