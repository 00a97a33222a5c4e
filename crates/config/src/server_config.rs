//! What the person has configured servers with: `servers.yaml` in the folder of `config.toml`, a table per server, as Docker's
//! `config.yaml` has it. Owns its reading and writing. Refuses to write over a file that it cannot read.

use std::collections::BTreeMap;

use catalog::Problem;
use catalog::document::Document;
use serde_json::{Map, Value};

use crate::Dirs;
use crate::load::read;
use crate::table;

/// By the names of the servers.
pub type ServerConfig = BTreeMap<String, Map<String, Value>>;

/// Reads it; empty where there is none.
///
/// # Errors
/// The file cannot be read, is no YAML, or is no table of tables.
pub fn load_server_config(dirs: &Dirs) -> Result<ServerConfig, Problem> {
    let file = dirs.server_config_file();
    if !file.exists() {
        return Ok(ServerConfig::new());
    }
    let text = read(&file).map_err(|(problem, _)| problem)?;
    read_server_config(&text, &file.display().to_string())
}

/// Reads one text of this form.
///
/// # Errors
/// It is no YAML, or no table of tables.
pub fn read_server_config(text: &str, source: &str) -> Result<ServerConfig, Problem> {
    let document = Document::yaml(text, source)?;
    let Value::Object(servers) = document.root.to_json() else {
        return match text.trim().is_empty() {
            true => Ok(ServerConfig::new()),
            false => Err(Problem::error(source, "must be a table of servers")),
        };
    };
    servers
        .into_iter()
        .map(|(name, config)| match config {
            Value::Object(config) => Ok((name, config)),
            Value::Null => Ok((name, Map::new())),
            _ => Err(Problem::error(
                source,
                format!("the configuration of `{name}` must be a table"),
            )),
        })
        .collect()
}

/// Changes it, as a whole or not at all; processes that do so at once wait for each other.
///
/// # Errors
/// It cannot be read, or not written.
pub fn change_server_config<T>(
    dirs: &Dirs,
    change: impl FnOnce(&mut ServerConfig) -> T,
) -> Result<T, Problem> {
    table::change(
        dirs,
        (&dirs.server_config_file(), ".servers.lock"),
        || load_server_config(dirs),
        change,
        |config| config.retain(|_, config| !config.is_empty()),
    )
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_a_broken_file_stays() {
        let home = tempfile::tempdir().unwrap();
        let dirs = Dirs::under(home.path());
        assert!(load_server_config(&dirs).unwrap().is_empty());
        let value = json!({"paths": ["/a", "b: c"], "deep": {"n": 1, "t": true, "s": "yes"}});
        change_server_config(&dirs, |all| {
            all.insert("fs".into(), value.as_object().unwrap().clone());
            all.insert("empty".into(), Map::new());
        })
        .unwrap();
        let all = load_server_config(&dirs).unwrap();
        assert_eq!(all.len(), 1);
        assert_eq!(Value::Object(all["fs"].clone()), value);

        let broken = "fs: [";
        fs::write(dirs.server_config_file(), broken).unwrap();
        assert!(change_server_config(&dirs, |_| ()).is_err());
        assert_eq!(
            fs::read_to_string(dirs.server_config_file()).unwrap(),
            broken
        );
        fs::write(dirs.server_config_file(), "fs: text").unwrap();
        let problem = load_server_config(&dirs).unwrap_err();
        assert!(problem.message.contains("`fs` must be a table"));
    }
}
