//! Many files as one catalog: a folder of Docker's registry, a folder of `server.json` files, or any mixture. Owns which
//! files belong together. Refuses nothing for the sake of one bad file. Next: `read`.

use std::collections::HashMap;

use crate::schema::broken;
use crate::{Catalog, Entry, Level, Origin, Problem, ServerName, read_catalog, read_docker_server};

/// A file to import.
#[derive(Debug, Clone)]
pub struct ImportFile {
    /// Its path, `/` between the steps, for messages and for what belongs together.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// Reads files into one catalog. Where there are `server.yaml` files, each with the `tools.json` beside it is one server
/// and other files are passed over; else every file is a catalog of its own. Of two servers with one name the later is
/// used, and a problem says so.
pub fn import(name: &str, files: &[ImportFile], origin: &Origin) -> Catalog {
    let folder = |path: &str| {
        path.rsplit_once('/')
            .map_or("", |(folder, _)| folder)
            .to_owned()
    };
    let last = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let tools: HashMap<String, &ImportFile> = files
        .iter()
        .filter(|file| last(&file.path) == "tools.json")
        .map(|file| (folder(&file.path), file))
        .collect();
    let is_registry = files.iter().any(|file| last(&file.path) == "server.yaml");
    let mut merged = Catalog {
        name: name.to_owned(),
        origin: origin.clone(),
        ..Catalog::default()
    };
    let mut places: HashMap<ServerName, usize> = HashMap::new();
    for file in files {
        let read = match (is_registry, last(&file.path) == "server.yaml") {
            (true, true) => {
                let tools = tools.get(&folder(&file.path));
                let tools = tools.map(|file| (file.text.as_str(), file.path.as_str()));
                read_docker_server(&file.text, tools, &file.path, origin)
            }
            (true, false) => continue,
            (false, _) => read_catalog(&file.text, name, &file.path, origin),
        };
        let catalog = match read {
            Ok(catalog) => catalog,
            Err(problem) => {
                merged.problems.push(problem);
                continue;
            }
        };
        if files.len() == 1 {
            merged.title = catalog.title;
        }
        merged.problems.extend(catalog.problems);
        for entry in catalog.entries {
            merged.problems.extend(schema_problem(&entry));
            match places.get(&entry.name) {
                Some(&at) => {
                    let former = &merged.entries[at].source;
                    let message = format!(
                        "server `{}` is also in {former}; the later one is used",
                        entry.name
                    );
                    merged.problems.push(Problem {
                        level: Level::Warning,
                        ..Problem::error(&file.path, message).hint("rename one of them")
                    });
                    merged.entries[at] = entry;
                }
                None => {
                    places.insert(entry.name.clone(), merged.entries.len());
                    merged.entries.push(entry);
                }
            }
        }
    }
    merged
}

/// A schema that cannot be used costs no server, but its configuration cannot be checked.
fn schema_problem(entry: &Entry) -> Option<Problem> {
    let why = broken(entry.about.config.as_ref()?)?;
    let message = format!(
        "server `{}`: `config` is no proper JSON Schema, {why}",
        entry.name
    );
    Some(Problem::warning(&entry.source, message).hint("mend it: nothing can be configured by it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> ImportFile {
        ImportFile {
            path: path.into(),
            text: text.into(),
        }
    }

    fn names(catalog: &Catalog) -> Vec<&str> {
        catalog.entries.iter().map(|e| e.name.as_str()).collect()
    }

    #[test]
    fn folders_of_a_registry() {
        let files = [
            file("r/a/server.yaml", "name: a\nimage: x"),
            file("r/a/tools.json", "[{\"name\": \"t\"}]"),
            file("r/b/server.yaml", "name: b\nimage: ["),
            file("r/c/server.yaml", "name: c\nimage: y"),
            file("r/c/readme.json", "{}"),
        ];
        let catalog = import("mine", &files, &Origin::File("r".into()));
        assert_eq!(names(&catalog), ["a", "c"]);
        assert_eq!(catalog.entries[0].about.tools.len(), 1);
        assert_eq!(catalog.problems.len(), 1);
        assert!(catalog.entries[1].origin.is_foreign());
    }

    #[test]
    fn a_broken_schema_is_told_and_costs_nothing_else() {
        let text = "catalog: c\nservers: {a: {image: x, config: {type: object, properties: {k: {type: colour}}}}}";
        let catalog = import("mine", &[file("c.yaml", text)], &Origin::Own);
        assert_eq!(names(&catalog), ["a"]);
        let told = catalog.problems[0].to_string();
        assert!(
            told.starts_with(
                "c.yaml: server `a`: `config` is no proper JSON Schema, at /properties/k"
            ),
            "{told}"
        );
        let config = serde_json::json!({"k": 1});
        let problems = catalog.entries[0]
            .check_config(config.as_object().unwrap())
            .unwrap_err();
        assert!(
            problems[0]
                .message
                .contains("the schema of this server is broken"),
            "{problems:?}"
        );
    }

    #[test]
    fn files_of_every_form() {
        let files = [
            file("1.json", r#"{"mcpServers": {"a": {"command": "x"}}}"#),
            file(
                "2.yaml",
                "catalog: other\nservers: {a: {image: y}, b: {image: z}}",
            ),
            file("3.json", "{}"),
        ];
        let catalog = import("mine", &files, &Origin::File("r".into()));
        assert_eq!(
            (catalog.name.as_str(), names(&catalog)),
            ("mine", vec!["a", "b"])
        );
        assert_eq!(catalog.entries[0].kind(), "container");
        let told: Vec<String> = catalog.problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            told[0],
            "2.yaml: server `a` is also in 1.json; the later one is used (rename one of them)"
        );
        assert!(
            told[1].starts_with("3.json:1:1: this is no catalog"),
            "{told:?}"
        );
    }
}
