//! Docker's own folders and what `docker login` leaves there, as far as they are ours to know.

use std::path::PathBuf;

use catalog::Secret;
use serde_json::Value;

use crate::Env;
use crate::env::{DOCKER_CONFIG, HOME};
use crate::files::read_bounded;
use crate::limits::DOCKER_CONFIG_BYTES_MAX;

/// Where the `docker` command of this person finds its plugins; none if nothing says where the home folder is.
pub fn plugins(env: &Env) -> Option<PathBuf> {
    Some(folder(env)?.join("cli-plugins"))
}

pub(crate) fn folder(env: &Env) -> Option<PathBuf> {
    let own = || env.folder(HOME).map(|home| home.join(".docker"));
    env.folder(DOCKER_CONFIG).or_else(own)
}

/// The account of a registry of images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// There is none.
    None,
    /// `name:password` in base64.
    Kept(Secret),
    /// A program of Docker's has it, of this name, which is not asked.
    Helper(String),
}

/// What `docker login` left for a registry.
///
/// # Errors
/// The file cannot be read, or is no JSON.
pub fn login(env: &Env, registry: &str) -> Result<Login, String> {
    let Some(file) = folder(env).map(|folder| folder.join("config.json")) else {
        return Ok(Login::None);
    };
    let bytes = match read_bounded(&file, DOCKER_CONFIG_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Login::None),
        Err(error) => return Err(format!("{}: {error}", file.display())),
    };
    // What stands in it is not repeated: it is the place of passwords.
    let said: Value = serde_json::from_slice(&bytes)
        .map_err(|error| format!("{}:{}: not valid JSON", file.display(), error.line()))?;
    let is_meant = |key: &String| host(key) == host_of(registry);
    let helpers = said["credHelpers"].as_object().into_iter().flatten();
    let helper = helpers
        .filter(|(key, _)| is_meant(key))
        .find_map(|(_, name)| name.as_str());
    if let Some(helper) = helper {
        return Ok(Login::Helper(helper.to_owned()));
    }
    let mut kept = said["auths"].as_object().into_iter().flatten();
    let kept = kept.find(|(key, _)| is_meant(key)).map(|(_, kept)| kept);
    match (kept.and_then(|kept| kept["auth"].as_str()), kept) {
        (Some(auth), _) if !auth.is_empty() => Ok(Login::Kept(Secret::new(auth))),
        (_, Some(_)) => Ok(match said["credsStore"].as_str() {
            Some(store) => Login::Helper(store.to_owned()),
            None => Login::None,
        }),
        _ => Ok(Login::None),
    }
}

/// Of `https://host/v1/` the host.
fn host(key: &str) -> &str {
    let bare = key.split("://").last().unwrap_or(key);
    bare.split('/').next().unwrap_or(bare)
}

/// Docker's own registry stands there under an old name.
fn host_of(registry: &str) -> &str {
    match registry {
        "docker.io" => "index.docker.io",
        registry => registry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_says_where() {
        let at = |vars: &[(&str, &str)]| plugins(&Env::of(vars.iter().copied()));
        let home = ("HOME", "/h");
        assert_eq!(at(&[home]), Some("/h/.docker/cli-plugins".into()));
        let own = ("DOCKER_CONFIG", "/d");
        assert_eq!(at(&[home, own]), Some("/d/cli-plugins".into()));
        assert_eq!(at(&[]), None);
    }

    #[test]
    fn what_docker_login_left_is_found() {
        let home = tempfile::tempdir().unwrap();
        let env = Env::of([("DOCKER_CONFIG", home.path().to_str().unwrap())]);
        let at = |registry: &str| login(&env, registry);
        assert_eq!(at("r.example"), Ok(Login::None));
        let file = home.path().join("config.json");
        let text = r#"{"auths": {"r.example:5000": {"auth": "bWU6eA=="}, "https://index.docker.io/v1/": {"auth": "aHVi"}, "k.example": {}},
            "credsStore": "desktop", "credHelpers": {"g.example": "gcloud"}}"#;
        std::fs::write(&file, text).unwrap();
        assert_eq!(
            at("r.example:5000"),
            Ok(Login::Kept(Secret::new("bWU6eA==")))
        );
        assert_eq!(at("docker.io"), Ok(Login::Kept(Secret::new("aHVi"))));
        assert_eq!(at("k.example"), Ok(Login::Helper("desktop".into())));
        assert_eq!(at("g.example"), Ok(Login::Helper("gcloud".into())));
        assert_eq!(at("r.example"), Ok(Login::None));
        assert_eq!(login(&Env::of([("X", "y")]), "r.example"), Ok(Login::None));
        std::fs::write(&file, "{\"auths\": {\"hunter2\": ").unwrap();
        assert!(!at("r").unwrap_err().contains("hunter2"));
        let long = " ".repeat(usize::try_from(DOCKER_CONFIG_BYTES_MAX).unwrap() + 1);
        std::fs::write(&file, long).unwrap();
        assert!(at("r").unwrap_err().contains("larger than"));
    }
}
