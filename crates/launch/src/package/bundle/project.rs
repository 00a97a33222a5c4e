//! What a bundle of the type `uv` needs of PyPI: the dependencies that its `pyproject.toml` names.

use std::path::Path;

use catalog::Registry;
use toml::Table;

use super::super::cache::read_limited;
use super::super::wanted::{Spec, Wanted};

/// The file that says it.
const PROJECT: &str = "pyproject.toml";

/// What is to be installed for an unpacked bundle; none: it needs nothing.
pub(super) fn needs(folder: &Path) -> Result<Option<Wanted>, String> {
    let text = read_limited(&folder.join(PROJECT))
        .map_err(|_| format!("there is no {PROJECT} in it, which a bundle of the type uv has"))?;
    let project: Table = text
        .parse()
        .map_err(|error: toml::de::Error| format!("its {PROJECT}: {}", error.message()))?;
    let named = project
        .get("project")
        .and_then(|project| project.get("dependencies"));
    let named = match named {
        None => return Ok(None),
        Some(named) => named.as_array().map(|names| {
            let text = |name: &toml::Value| name.as_str().map(str::to_owned);
            names.iter().map(text).collect::<Option<Vec<_>>>()
        }),
    };
    let wrong = || format!("its {PROJECT}: `project.dependencies` is no list of texts");
    let named = named.flatten().ok_or_else(wrong)?;
    let specs = named.iter().map(|text| Spec::requirement(text));
    let mut specs = specs
        .collect::<Result<Vec<_>, _>>()
        .map_err(|why| format!("its {PROJECT}: {why}"))?;
    if specs.is_empty() {
        return Ok(None);
    }
    // The first has to be there afterwards, and one with a condition need not.
    specs.sort_by_key(|spec| spec.text.contains(';'));
    let wanted = Wanted {
        registry: Registry::Pypi,
        specs,
        program: Some("python".to_owned()),
        args: Vec::new(),
    };
    wanted.checked().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Option<Vec<String>>, String> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(PROJECT), text).unwrap();
        let texts = |wanted: Wanted| wanted.specs.into_iter().map(|spec| spec.text).collect();
        needs(dir.path()).map(|wanted| wanted.map(texts))
    }

    #[test]
    fn dependencies_are_what_the_project_says() {
        let said = of(r#"
            [project]
            name = "x"
            dependencies = ["tomli >= 2 ; python_version < '3.11'", "mcp[cli] >= 1.2, < 3", "httpx"]
        "#);
        let wanted = [
            "mcp[cli]>=1.2,<3",
            "httpx",
            "tomli>=2 ; python_version < '3.11'",
        ];
        assert_eq!(said.unwrap().unwrap(), wanted);
        assert_eq!(of("[project]\nname = 'x'").unwrap(), None);
        assert_eq!(of("[project]\ndependencies = []").unwrap(), None);
    }

    #[test]
    fn what_is_no_package_of_the_registry_is_refused() {
        for name in [
            "x @ https://example.com/x.whl",
            "--index-url https://example.com",
            "x\n--pre",
            "./x",
            "x ; os_name == 'a' # y",
        ] {
            let text = format!("[project]\ndependencies = [{name:?}]");
            let why = of(&text).unwrap_err();
            assert!(why.starts_with("its pyproject.toml: "), "{why}");
        }
        assert!(of("[project]\ndependencies = 1").is_err());
        assert!(of("[project").unwrap_err().contains("pyproject.toml"));
        let empty = tempfile::tempdir().unwrap();
        assert!(needs(empty.path()).unwrap_err().contains("there is no"));
    }
}
