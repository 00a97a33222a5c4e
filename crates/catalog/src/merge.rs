//! Entries of several sources as one list. Refuses to replace anything in silence.

use std::collections::HashMap;

use crate::{Entry, Problem, ServerName};

/// Entries of several sources as one list, weakest source first. Of two with one name the later is used, at the place of
/// the earlier, and a warning says so: nobody should have to guess which definition runs.
pub fn merge(sources: impl IntoIterator<Item = Vec<Entry>>) -> (Vec<Entry>, Vec<Problem>) {
    let mut merged: Vec<Entry> = Vec::new();
    let mut places: HashMap<ServerName, usize> = HashMap::new();
    let mut problems = Vec::new();
    for entry in sources.into_iter().flatten() {
        match places.get(&entry.name) {
            Some(&at) => {
                let former = std::mem::replace(&mut merged[at], entry);
                let now = &merged[at];
                if former.launch != now.launch || former.disabled != now.disabled {
                    let message = format!(
                        "server `{}` replaces the one of {}",
                        now.name, former.source
                    );
                    problems.push(
                        Problem::warning(now.source.clone(), message)
                            .hint("rename one of them to keep both"),
                    );
                }
            }
            None => {
                places.insert(entry.name.clone(), merged.len());
                merged.push(entry);
            }
        }
    }
    (merged, problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, command: &str, source: &str) -> Entry {
        Entry {
            source: source.into(),
            ..Entry::command(ServerName::new(name).unwrap(), command, [""; 0])
        }
    }

    #[test]
    fn later_wins_in_the_earlier_place_and_says_so() {
        let (entries, problems) = merge([
            vec![entry("a", "1", "user"), entry("b", "2", "user")],
            vec![entry("c", "3", "project"), entry("a", "4", "project")],
            vec![entry("b", "2", "flag")],
        ]);
        let shown: Vec<_> = entries
            .iter()
            .map(|e| (e.name.as_str(), e.source.as_str()))
            .collect();
        assert_eq!(shown, [("a", "project"), ("b", "flag"), ("c", "project")]);
        let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            ["project: server `a` replaces the one of user (rename one of them to keep both)"]
        );
    }
}
