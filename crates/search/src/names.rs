//! Servers that are asked for by name.

use std::collections::BTreeSet;
use std::ops::Bound;

use crate::limits;
use crate::text::{cut, words};

/// What surrounds a name in a request, and says nothing about which.
const AROUND: &[&str] = &[
    "mcp", "server", "servers", "the", "a", "an", "add", "install", "use", "enable", "activate",
    "connect", "to", "please", "official",
];

/// The names and titles of the servers, in a form that spaces, hyphens and capitals do not change.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// The form, then the name that is the key of the server.
    keys: BTreeSet<(String, String)>,
}

impl Names {
    pub(crate) fn insert(&mut self, name: &str, title: &str) {
        let keys = keys(name).into_iter().chain(keys(title));
        self.keys.extend(keys.map(|key| (key, name.to_owned())));
    }

    pub(crate) fn remove(&mut self, name: &str, title: &str) {
        for key in keys(name).into_iter().chain(keys(title)) {
            self.keys.remove(&(key, name.to_owned()));
        }
    }

    /// The servers that are called as the request says: those that are written so first, then by name.
    pub(crate) fn exact(&self, text: &str) -> Vec<&str> {
        let wanted = keys(text);
        let mut exact: Vec<&str> = Vec::new();
        for wanted in wanted {
            for name in self
                .beginning(&wanted)
                .filter(|(key, _)| *key == wanted)
                .map(|(_, name)| name)
            {
                if !exact.contains(&name.as_str()) {
                    exact.push(name);
                }
            }
        }
        exact.sort_by_key(|name| (*name != text.trim(), *name));
        exact
    }

    /// The servers whose names or titles begin with the request: the shortest form first, then by name.
    pub(crate) fn prefixed(&self, text: &str) -> Vec<&str> {
        let [_, wanted] = forms(text);
        if wanted.chars().count() < limits::PREFIX_CHARS_MIN {
            return Vec::new();
        }
        let mut found: Vec<(usize, &str)> = self
            .beginning(&wanted)
            .take(limits::SERVERS_MAX)
            .map(|(key, name)| (key.len(), name.as_str()))
            .collect();
        found.sort_unstable();
        let mut prefixed: Vec<&str> = Vec::new();
        for (_, name) in found {
            if prefixed.len() < limits::PREFIXED_MAX && !prefixed.contains(&name) {
                prefixed.push(name);
            }
        }
        prefixed
    }

    fn beginning<'s, 'w>(
        &'s self,
        wanted: &'w str,
    ) -> impl Iterator<Item = &'s (String, String)> + use<'s, 'w> {
        let from = Bound::Included((wanted.to_owned(), String::new()));
        self.keys
            .range((from, Bound::Unbounded))
            .take_while(move |(key, _)| key.starts_with(wanted))
    }
}

/// A name in the forms that are compared, as far as there is anything to compare.
fn keys(text: &str) -> BTreeSet<String> {
    let mut keys = BTreeSet::from(forms(text));
    keys.remove("");
    keys
}

/// All of a name, and what is left without what surrounds names.
fn forms(text: &str) -> [String; 2] {
    let words: Vec<String> = words(cut(text, limits::LABEL_BYTES_MAX))
        .into_iter()
        .map(|word| word.whole)
        .collect();
    let bare = words
        .iter()
        .filter(|word| !AROUND.contains(&word.as_str()))
        .map(String::as_str);
    [words.concat(), bare.collect()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let mut names = Names::default();
        for (name, title) in [
            ("github-official", "GitHub Official"),
            ("github", ""),
            ("gitlab", "GitLab (Archived)"),
            ("mcp-hackernews", "Hacker News"),
            ("天気", ""),
        ] {
            names.insert(name, title);
        }
        names
    }

    #[test]
    fn exact_names_in_any_dress() {
        for (text, expected) in [
            ("github", vec!["github", "github-official"]),
            (
                "Add the GitHub MCP server, please",
                vec!["github", "github-official"],
            ),
            ("github-official", vec!["github-official", "github"]),
            ("hacker news", vec!["mcp-hackernews"]),
            ("HackerNews", vec!["mcp-hackernews"]),
            ("天気", vec!["天気"]),
            ("git", vec![]),
            ("mcp server", vec![]),
            ("", vec![]),
            ("\u{0}\u{1}", vec![]),
        ] {
            assert_eq!(names().exact(text), expected, "{text}");
        }
    }

    #[test]
    fn beginnings() {
        assert_eq!(
            names().prefixed("git"),
            ["github", "github-official", "gitlab"]
        );
        assert_eq!(names().prefixed("hacker"), ["mcp-hackernews"]);
        assert_eq!(names().prefixed("the mcp server gitl"), ["gitlab"]);
        assert!(names().prefixed("gi").is_empty());
        assert!(names().prefixed("").is_empty());
    }

    #[test]
    fn removed_names_are_gone() {
        let mut names = names();
        names.remove("github", "");
        assert_eq!(names.exact("github"), ["github-official"]);
        names.remove("github-official", "GitHub Official");
        names.remove("gitlab", "GitLab (Archived)");
        assert!(names.prefixed("git").is_empty());
    }

    #[test]
    fn few_are_put_first() {
        let mut names = Names::default();
        for number in 0..2 * limits::PREFIXED_MAX {
            names.insert(&format!("weather-{number}"), "");
        }
        assert_eq!(names.prefixed("weather").len(), limits::PREFIXED_MAX);
    }
}
