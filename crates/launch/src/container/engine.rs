//! A container engine that answers, and what it can do.

use serde::Deserialize;

use super::api::{Api, ApiError};
use super::found::{Places, Which};
use crate::limits::ENGINE_ANSWER;

/// The newest version of the API that is spoken; older ones if the engine has no newer.
const NEWEST: (u32, u32) = (1, 47);
/// The oldest, of Docker 20.10 and Podman 4.
const OLDEST: (u32, u32) = (1, 41);

/// An engine that answered, as it was then.
#[derive(Debug, Clone)]
pub(super) struct Engine {
    pub(super) api: Api,
    /// `Docker 20.10.24` or `Podman 4.3.1`.
    pub(super) name: String,
    /// It is Podman, which knows fewer options.
    pub(super) is_podman: bool,
    /// As images have it: `amd64`, `arm64`.
    pub(super) arch: String,
    /// Whether it runs as an ordinary user, so that root in a container is that user.
    pub(super) rootless: bool,
    /// What it does not do for containers, one sentence each.
    pub(super) missing: Vec<String>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Version {
    version: String,
    api_version: String,
    #[serde(rename = "MinAPIVersion")]
    min_api_version: String,
    os: String,
    arch: String,
    components: Vec<Component>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Component {
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Info {
    security_options: Vec<String>,
    memory_limit: bool,
    pids_limit: bool,
    #[serde(rename = "CpuCfsQuota")]
    cpu_cfs_quota: bool,
}

impl Default for Info {
    /// Of what an engine says nothing, it is taken to have it.
    fn default() -> Self {
        Self {
            security_options: Vec::new(),
            memory_limit: true,
            pids_limit: true,
            cpu_cfs_quota: true,
        }
    }
}

impl Engine {
    /// The first that answers. Takes the time of one answer at most for each socket that is there.
    ///
    /// # Errors
    /// There is none; in words, with what to do.
    pub(super) async fn find(places: &Places, which: Which) -> Result<Self, String> {
        let sockets = places.sockets(which)?;
        let mut why: Option<String> = None;
        for socket in &sockets {
            match Self::ask(Api::new(socket.clone())).await {
                Ok(engine) => return Ok(engine),
                Err(ApiError::Connect { error, .. })
                    if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => {
                    why.get_or_insert(explained(&error));
                }
            }
        }
        let name = match which {
            Which::Any => "no container engine",
            Which::Docker => "no Docker engine",
            Which::Podman => "no Podman engine",
        };
        Err(match why {
            Some(why) => format!("{name} can be used: {why}"),
            None => {
                let looked: Vec<String> = sockets
                    .iter()
                    .map(|socket| socket.display().to_string())
                    .collect();
                format!(
                    "{name} is running (looked for {}); install and start Docker or Podman, or set DOCKER_HOST",
                    looked.join(", ")
                )
            }
        })
    }

    async fn ask(api: Api) -> Result<Self, ApiError> {
        let version: Version = api.get("/version", ENGINE_ANSWER).await?;
        let (Some(newest), Some(oldest)) = (
            numbers(&version.api_version),
            // Podman says it of the version before last.
            numbers(&version.min_api_version).or(Some(OLDEST)),
        ) else {
            return Err(api.garbage("it does not say which API it has"));
        };
        let spoken = newest.min(NEWEST);
        if spoken < OLDEST || spoken < oldest {
            return Err(ApiError::Refused {
                status: 0,
                message: format!(
                    "the engine at {} speaks API {}.{} to {}.{}, and {}.{} to {}.{} can be used; update it, or Portolan",
                    api.socket().display(),
                    oldest.0,
                    oldest.1,
                    newest.0,
                    newest.1,
                    OLDEST.0,
                    OLDEST.1,
                    NEWEST.0,
                    NEWEST.1
                ),
            });
        }
        let is_podman = version
            .components
            .iter()
            .any(|component| component.name.contains("Podman"));
        if !version.os.is_empty() && version.os != "linux" {
            return Err(ApiError::Refused {
                status: 0,
                message: format!(
                    "the engine at {} runs containers of {}, and servers need those of Linux",
                    api.socket().display(),
                    super::api::cut(&version.os)
                ),
            });
        }
        let api = api.speaking(&format!("{}.{}", spoken.0, spoken.1));
        let info: Info = api.get("/info", ENGINE_ANSWER).await?;
        let says = |word: &str| {
            let mut options = info.security_options.iter();
            options.any(|option| option.split(',').any(|part| part == word))
        };
        let mut missing = Vec::new();
        let rootless = says("name=rootless");
        if !rootless && !says("name=userns") {
            missing.push(
                "the engine runs as root without a namespace of users: a server that runs as root in its image is root on this machine, without its rights"
                    .to_owned(),
            );
        }
        if !says("name=seccomp") {
            missing.push("the engine filters no system calls (no seccomp)".to_owned());
        }
        let limits = [
            (info.memory_limit, "memory"),
            (info.pids_limit, "processes"),
            (info.cpu_cfs_quota, "processor time"),
        ];
        for (_, what) in limits.iter().filter(|(has, _)| !has) {
            missing.push(format!(
                "the engine cannot limit {what}: its control groups lack it"
            ));
        }
        Ok(Self {
            api,
            name: format!(
                "{} {}",
                if is_podman { "Podman" } else { "Docker" },
                short(&version.version)
            ),
            is_podman,
            arch: version.arch,
            rootless,
            missing,
        })
    }
}

/// With the usual remedy.
fn explained(error: &ApiError) -> String {
    match error {
        ApiError::Connect { error: io, .. }
            if io.kind() == std::io::ErrorKind::PermissionDenied =>
        {
            format!("{error}; add yourself to its group (docker), or use a rootless engine")
        }
        ApiError::Connect { error: io, .. }
            if io.kind() == std::io::ErrorKind::ConnectionRefused =>
        {
            format!("{error}; start the engine")
        }
        _ => error.to_string(),
    }
}

fn numbers(version: &str) -> Option<(u32, u32)> {
    let (major, minor) = version.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Without what distributions append.
fn short(version: &str) -> String {
    let end = version.find(['+', '-', '~']).unwrap_or(version.len());
    super::api::cut(&version[..end])
}
