//! Which hosts a person lets servers reach, beyond what their entries say, and which they shall not be asked about any more:
//! `network.yaml` in the folder of `config.toml`, a table per server. Owns its reading and writing. Refuses to write over a
//! file that it cannot read.

use std::collections::BTreeMap;

use catalog::Problem;
use catalog::document::Document;
use serde::{Deserialize, Serialize};

use crate::Dirs;
use crate::load::read;
use crate::table;

/// By the names of the servers.
pub type Reaches = BTreeMap<String, Reach>;

/// What was decided for one server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reach {
    /// Hosts that it may reach, as in `network`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    /// Hosts that it may not, and nobody wants to hear of again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub never: Vec<String>,
}

/// Reads it; empty where there is none.
///
/// # Errors
/// The file cannot be read, or has another form.
pub fn load_reaches(dirs: &Dirs) -> Result<Reaches, Problem> {
    let file = dirs.network_file();
    if !file.exists() {
        return Ok(Reaches::new());
    }
    let text = read(&file).map_err(|(problem, _)| problem)?;
    let source = file.display().to_string();
    if text.trim().is_empty() {
        return Ok(Reaches::new());
    }
    let document = Document::yaml(&text, &source)?;
    serde_json::from_value(document.root.to_json()).map_err(|error| {
        Problem::error(
            source,
            format!("must be a table of servers, each with lists `allow` and `never`: {error}"),
        )
    })
}

/// Changes it, as a whole or not at all; processes that do so at once wait for each other.
///
/// # Errors
/// It cannot be read, or not written.
pub fn change_reaches<T>(
    dirs: &Dirs,
    change: impl FnOnce(&mut Reaches) -> T,
) -> Result<T, Problem> {
    table::change(
        dirs,
        (&dirs.network_file(), ".network.lock"),
        || load_reaches(dirs),
        change,
        |reaches| reaches.retain(|_, reach| *reach != Reach::default()),
    )
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_a_broken_file_stays() {
        let home = tempfile::tempdir().unwrap();
        let dirs = Dirs::under(home.path());
        assert!(load_reaches(&dirs).unwrap().is_empty());
        let reach = Reach {
            allow: vec!["*.a.example:8443".into(), "db:5432=10.0.0.1".into()],
            never: vec!["b.example".into()],
        };
        change_reaches(&dirs, |all| {
            all.insert("s".into(), reach.clone());
            all.insert("empty".into(), Reach::default());
        })
        .unwrap();
        assert_eq!(
            load_reaches(&dirs).unwrap(),
            [("s".to_owned(), reach)].into()
        );
        for broken in ["s: [", "s: text", "s: {allow: 1}", "s: {alow: []}"] {
            fs::write(dirs.network_file(), broken).unwrap();
            assert!(change_reaches(&dirs, |_| ()).is_err(), "{broken}");
            assert_eq!(fs::read_to_string(dirs.network_file()).unwrap(), broken);
        }
    }
}
