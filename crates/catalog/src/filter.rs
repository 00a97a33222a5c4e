//! Which tools are offered: the `--tools` flag and the `tools` lists of entries.

/// Which tools of which servers are offered, as `--tools` says: `tool`, `server:tool`, `server:*` or `*`.
/// `*` stands for any characters, case does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ToolFilter(Option<Vec<Rule>>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    server: Option<String>,
    tool: String,
}

impl ToolFilter {
    /// Everything is offered.
    pub fn all() -> Self {
        Self(None)
    }

    /// Only what one of these names; the items may themselves be lists separated by commas.
    pub fn only<S: AsRef<str>>(items: impl IntoIterator<Item = S>) -> Self {
        let mut rules = Vec::new();
        for item in items {
            for one in item
                .as_ref()
                .split(',')
                .map(str::trim)
                .filter(|one| !one.is_empty())
            {
                let (server, tool) = match one.split_once(':') {
                    Some((server, tool)) => (Some(server.to_owned()), tool),
                    None => (None, one),
                };
                rules.push(Rule {
                    server,
                    tool: tool.to_owned(),
                });
            }
        }
        Self(Some(rules))
    }

    /// Whether nothing is left out.
    pub fn is_all(&self) -> bool {
        self.0.is_none()
    }

    /// Whether this tool of this server is offered.
    pub fn allows(&self, server: &str, tool: &str) -> bool {
        self.0.as_ref().is_none_or(|rules| {
            rules.iter().any(|rule| {
                rule.server
                    .as_deref()
                    .is_none_or(|pattern| matches(pattern, server))
                    && matches(&rule.tool, tool)
            })
        })
    }
}

/// Whether a name is what the pattern says, `*` being any characters. Linear in practice: one point of return, no recursion.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p + 1, n));
            p += 1;
        } else if pattern
            .get(p)
            .is_some_and(|c| c.eq_ignore_ascii_case(&name[n]))
        {
            p += 1;
            n += 1;
        } else if let Some((after, taken)) = star {
            (p, n) = (after, taken + 1);
            star = Some((after, taken + 1));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name) in [
            ("*", ""),
            ("*", "x"),
            ("a*c", "abbc"),
            ("A", "a"),
            ("*b*", "abc"),
            ("**a", "za"),
            ("é", "é"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("", "x"),
            ("a", ""),
            ("a*c", "abd"),
            ("ab", "abc"),
            ("*x", "xy"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn docker_forms() {
        let filter = ToolFilter::only(["search, github:*", "fs:read_*"]);
        assert!(filter.allows("any", "Search"));
        assert!(filter.allows("GitHub", "create_issue"));
        assert!(filter.allows("fs", "read_file") && !filter.allows("fs", "write"));
        assert!(ToolFilter::all().allows("a", "b") && ToolFilter::only(["*"]).allows("a", "b"));
        assert!(!ToolFilter::only([""; 0]).allows("a", "b"));
    }

    proptest::proptest! {
        #[test]
        fn a_name_with_stars_put_in_still_matches(name in "[a-c*]{0,8}", at in 0usize..9) {
            let at = at.min(name.len());
            let pattern = format!("{}*{}", &name[..at], &name[at..]);
            proptest::prop_assert!(matches(&pattern, &name));
        }
    }
}
