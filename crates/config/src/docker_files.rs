//! Docker's older files, as its gateway is told of them: where a name that is no path lies, which servers `registry.yaml` switches
//! on, which tools `tools.yaml` leaves. They are read in place and never written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use catalog::Problem;
use catalog::document::Document;
use serde_json::{Map, Value};

use crate::Env;
use crate::docker::folder;
use crate::load::read;

/// What `registry.yaml` says of a server.
#[derive(Debug, Clone, PartialEq)]
pub struct Registered {
    /// Its name in the catalogs.
    pub name: String,
    /// What it is configured with.
    pub config: Map<String, Value>,
}

/// The file of Docker's that a name means: itself where there is such a file, else the one of that name in Docker's folder for
/// such files (`mcp`, or `mcp/catalogs`), if there is one.
pub fn docker_file(env: &Env, below: &str, name: &Path) -> PathBuf {
    if name.is_absolute() || name.exists() {
        return name.to_owned();
    }
    let there = folder(env).map(|folder| folder.join(below).join(name));
    let there = there.filter(|there| there.exists());
    there.unwrap_or_else(|| name.to_owned())
}

/// The servers of a `registry.yaml`, in order.
///
/// # Errors
/// It cannot be read, or is no table of servers.
pub fn docker_registry(file: &Path) -> Result<Vec<Registered>, Problem> {
    let source = file.display().to_string();
    let root = yaml(file)?;
    let servers = match root.get("registry") {
        Some(Value::Object(servers)) => servers.clone(),
        None | Some(Value::Null) => Map::new(),
        Some(_) => {
            return Err(Problem::error(
                source,
                "`registry` must be a table of servers",
            ));
        }
    };
    let registered = servers.into_iter().map(|(name, said)| Registered {
        name,
        config: match said.get("config") {
            Some(Value::Object(config)) => config.clone(),
            _ => Map::new(),
        },
    });
    Ok(registered.collect())
}

/// The tools that a `tools.yaml` leaves of each server that it names.
///
/// # Errors
/// It cannot be read, or is no table of lists.
pub fn docker_tools(file: &Path) -> Result<BTreeMap<String, Vec<String>>, Problem> {
    let source = file.display().to_string();
    yaml(file)?
        .into_iter()
        .map(|(server, tools)| {
            let names = match &tools {
                Value::Null => Some(Vec::new()),
                Value::Array(tools) => tools
                    .iter()
                    .map(|tool| tool.as_str().map(str::to_owned))
                    .collect(),
                _ => None,
            };
            let wrong = || Problem::error(&*source, format!("`{server}` must be a list of tools"));
            names.ok_or_else(wrong).map(|names| (server.clone(), names))
        })
        .collect()
}

fn yaml(file: &Path) -> Result<Map<String, Value>, Problem> {
    let source = file.display().to_string();
    let text = read(file).map_err(|(problem, _)| problem)?;
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    match Document::yaml(&text, &source)?.root.to_json() {
        Value::Object(table) => Ok(table),
        _ => Err(Problem::error(source, "must be a table")),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn names_are_found_where_docker_keeps_them() {
        let home = tempfile::tempdir().unwrap();
        let env = Env::of([("HOME", home.path())]);
        let name = Path::new("portolan-test-registry.yaml");
        assert_eq!(docker_file(&env, "mcp", name), name);
        let folder = home.path().join(".docker/mcp");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), "").unwrap();
        assert_eq!(docker_file(&env, "mcp", name), folder.join(name));
        let absolute = home.path().join("x");
        assert_eq!(docker_file(&env, "mcp", &absolute), absolute);
    }

    #[test]
    fn registries_and_tools_are_read_and_what_is_none_is_told() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("f.yaml");
        let write = |text: &str| fs::write(&file, text).unwrap();
        write("registry:\n  b: {ref: ''}\n  a: {config: {x: 1}}\n  c:\n");
        let registry = docker_registry(&file).unwrap();
        let names: Vec<&str> = registry.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names.len(), 3);
        let a = registry.iter().find(|one| one.name == "a").unwrap();
        assert_eq!(a.config["x"], 1);
        write("a: [x, y]\nb: []\nc:\n");
        let tools = docker_tools(&file).unwrap();
        assert_eq!(tools["a"], ["x", "y"]);
        assert_eq!((tools["b"].len(), tools["c"].len()), (0, 0));
        write("");
        assert!(docker_registry(&file).unwrap().is_empty());
        assert!(docker_tools(&file).unwrap().is_empty());
        for text in ["registry: [a]", "registry: a", "- a"] {
            write(text);
            assert!(docker_registry(&file).is_err(), "{text}");
        }
        for text in ["a: x", "a: [{}]", "- a"] {
            write(text);
            assert!(docker_tools(&file).is_err(), "{text}");
        }
        assert!(docker_tools(&home.path().join("none")).is_err());
    }
}
