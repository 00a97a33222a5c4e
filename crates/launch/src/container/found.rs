//! Where container engines listen.
//!
//! Owns the order in which sockets are tried. Refuses engines on other machines: what a container is given by file would
//! not be there, and the way there is another one's network.

use std::path::{Path, PathBuf};

/// Which engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Which {
    /// Docker, else Podman.
    #[default]
    Any,
    /// Docker, or what `DOCKER_HOST` names.
    Docker,
    /// Podman.
    Podman,
}

/// What of the surroundings says where engines listen.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// `DOCKER_HOST`.
    pub docker_host: Option<String>,
    /// `XDG_RUNTIME_DIR`.
    pub runtime_dir: Option<PathBuf>,
    /// The person's home.
    pub home: Option<PathBuf>,
}

impl Places {
    /// The sockets to try, the best first.
    ///
    /// # Errors
    /// `DOCKER_HOST` names an engine that cannot be used; in words.
    pub(super) fn sockets(&self, which: Which) -> Result<Vec<PathBuf>, String> {
        let mut out = Vec::new();
        if which != Which::Podman {
            if let Some(host) = self.docker_host.as_deref().filter(|host| !host.is_empty()) {
                return match host.strip_prefix("unix://") {
                    Some(path) if path.starts_with('/') => Ok(vec![path.into()]),
                    _ => Err(format!(
                        "DOCKER_HOST is \"{}\", and only engines on this machine can be used: set it to unix:///PATH, or unset it",
                        super::api::cut(host)
                    )),
                };
            }
            out.push("/var/run/docker.sock".into());
            out.extend(below(self.runtime_dir.as_deref(), "docker.sock"));
            out.extend(below(self.home.as_deref(), ".docker/run/docker.sock"));
            out.extend(below(self.home.as_deref(), ".docker/desktop/docker.sock"));
        }
        if which != Which::Docker {
            out.extend(below(self.runtime_dir.as_deref(), "podman/podman.sock"));
            out.push("/run/podman/podman.sock".into());
        }
        Ok(out)
    }
}

fn below(folder: Option<&Path>, name: &str) -> Option<PathBuf> {
    Some(folder?.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_docker_then_podman_and_docker_host_is_the_last_word() {
        let mut places = Places {
            docker_host: None,
            runtime_dir: Some("/run/user/7".into()),
            home: Some("/home/me".into()),
        };
        let sockets = |places: &Places, which| {
            places.sockets(which).map(|sockets| {
                let shown = sockets.iter().map(|path| path.display().to_string());
                shown.collect::<Vec<_>>()
            })
        };
        let docker = [
            "/var/run/docker.sock",
            "/run/user/7/docker.sock",
            "/home/me/.docker/run/docker.sock",
            "/home/me/.docker/desktop/docker.sock",
        ];
        let podman = ["/run/user/7/podman/podman.sock", "/run/podman/podman.sock"];
        assert_eq!(sockets(&places, Which::Docker).unwrap(), docker);
        assert_eq!(sockets(&places, Which::Podman).unwrap(), podman);
        assert_eq!(
            sockets(&places, Which::Any).unwrap(),
            [&docker[..], &podman[..]].concat()
        );
        places.docker_host = Some("unix:///tmp/d.sock".into());
        assert_eq!(sockets(&places, Which::Any).unwrap(), ["/tmp/d.sock"]);
        assert_eq!(sockets(&places, Which::Podman).unwrap(), podman);
        for host in ["tcp://10.0.0.1:2375", "ssh://me@there", "unix://relative"] {
            places.docker_host = Some(host.into());
            let error = sockets(&places, Which::Docker).unwrap_err();
            assert!(
                error.contains(host) && error.contains("unix:///PATH"),
                "{error}"
            );
        }
    }
}
