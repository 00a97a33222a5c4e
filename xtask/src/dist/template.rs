//! The words of packages: files in `packaging/` with `{{name}}` where something of the release stands.

use std::fs;

use super::release::Release;
use crate::root;

/// A template with what every one may name, and what this one needs besides.
pub(super) fn filled(
    release: &Release,
    name: &str,
    more: &[(&str, &str)],
) -> Result<String, String> {
    let path = root().join("packaging").join(name);
    let text = fs::read_to_string(&path).map_err(|error| format!("packaging/{name}: {error}"))?;
    let common = [
        ("version", release.version.as_str()),
        ("repository", release.repository.as_str()),
        ("license", release.license.as_str()),
        ("description", DESCRIPTION),
        ("server", SERVER),
    ];
    fill(&text, &[&common[..], more].concat()).map_err(|error| format!("packaging/{name}: {error}"))
}

/// What it is, in the hundred letters that registries allow.
pub(super) const DESCRIPTION: &str =
    "One gateway between AI applications and any number of MCP servers, with a say over every call";
/// Its name in registries of servers.
pub(super) const SERVER: &str = "io.github.portolan-mcp/portolan";

fn fill(text: &str, values: &[(&str, &str)]) -> Result<String, String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after
            .split_once("}}")
            .ok_or("a `{{` without its `}}`".to_owned())?;
        let (_, value) = values
            .iter()
            .find(|(known, _)| *known == name)
            .ok_or(format!("`{name}` stands for nothing"))?;
        filled.push_str(before);
        filled.push_str(value);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_replaced_and_an_unknown_one_refused() {
        let values = [("a", "1"), ("b", "{{a}}")];
        assert_eq!(fill("{{a}}-{{b}}-{{a}}", &values).unwrap(), "1-{{a}}-1");
        assert!(fill("{{c}}", &values).unwrap_err().contains("`c`"));
        assert!(fill("{{a", &values).is_err());
    }

    #[test]
    fn the_description_is_short_enough_for_registries() {
        assert!(DESCRIPTION.len() <= 100);
    }
}
