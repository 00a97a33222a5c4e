//! What a person lets servers reach, as it is on the disk now.

use config::Dirs;
use launch::Grants;

/// See the module.
pub(crate) struct LocalGrants {
    dirs: Dirs,
    /// Servers that may have the whole network.
    open: Vec<String>,
}

impl LocalGrants {
    pub(crate) fn new(dirs: &Dirs, open: &[String]) -> Self {
        Self {
            dirs: dirs.clone(),
            open: open.to_vec(),
        }
    }
}

impl Grants for LocalGrants {
    fn hosts(&self, server: &str) -> Result<Vec<String>, String> {
        let all = config::load_reaches(&self.dirs).map_err(|problem| problem.to_string())?;
        Ok(all
            .get(server)
            .map(|reach| reach.allow.clone())
            .unwrap_or_default())
    }

    fn is_open(&self, server: &str) -> bool {
        self.open.iter().any(|name| name == "*" || name == server)
    }

    fn is_denied(&self, server: &str, host: &str) -> bool {
        let all = config::load_reaches(&self.dirs).unwrap_or_default();
        all.get(server)
            .is_some_and(|reach| reach.never.iter().any(|denied| denied == host))
    }

    fn decide(&self, server: &str, host: &str, is_allowed: bool) -> Result<(), String> {
        let decided = config::change_reaches(&self.dirs, |all| {
            let reach = all.entry(server.to_owned()).or_default();
            reach.allow.retain(|known| known != host);
            reach.never.retain(|known| known != host);
            let list = match is_allowed {
                true => &mut reach.allow,
                false => &mut reach.never,
            };
            list.push(host.to_owned());
        });
        decided.map_err(|problem| problem.to_string())
    }
}
