//! Where nothing can be kept apart: servers that run elsewhere are reached, and no program is started.

use catalog::{Entry, Launch};
use transport::BoxFuture;

use crate::{Isolation, LaunchError, Launched, Launcher, Options, ProcessLauncher};

/// Reaches remote servers, and starts no program, for nobody has said that it may run without isolation.
#[derive(Debug)]
pub struct RemoteLauncher {
    missing: String,
    plain: ProcessLauncher,
}

impl RemoteLauncher {
    /// One that gives this as the reason.
    #[must_use]
    pub fn new(missing: impl Into<String>) -> Self {
        Self {
            missing: missing.into(),
            plain: ProcessLauncher::new(Options::default()),
        }
    }

    fn unsandboxed(&self) -> LaunchError {
        LaunchError::Unsandboxed {
            missing: self.missing.clone(),
        }
    }
}

impl Launcher for RemoteLauncher {
    fn launch<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<Launched, LaunchError>> {
        match entry.launch {
            Launch::Command { .. } => Box::pin(std::future::ready(Err(self.unsandboxed()))),
            _ => self.plain.launch(entry),
        }
    }

    fn isolation(&self, entry: &Entry) -> Option<Isolation> {
        entry.launch.is_local().then(|| Isolation {
            level: "none, it is not started".to_owned(),
            missing: vec![self.missing.clone()],
        })
    }

    fn refuses(&self, entry: &Entry) -> Option<String> {
        match entry.launch {
            Launch::Command { .. } => Some(self.unsandboxed().to_string()),
            _ => self.plain.refuses(entry),
        }
    }
}

#[cfg(test)]
mod tests {
    use catalog::ServerName;

    use super::*;

    #[tokio::test]
    async fn programs_are_refused_with_what_would_allow_them() {
        let launcher = RemoteLauncher::new("there are boxes on Linux only");
        let program = Entry::command(ServerName::new("a").unwrap(), "true", [""; 0]);
        let Err(error) = launcher.launch(&program).await else {
            panic!("it was started");
        };
        let words = error.to_string();
        assert!(
            words.contains("on Linux only") && words.contains("--allow-unsandboxed"),
            "{words}"
        );
        assert_eq!(launcher.refuses(&program), Some(words));
        assert!(!launcher.is_boxed(&program));
    }
}
