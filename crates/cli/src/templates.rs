//! Starter sets: profiles that somebody can begin with, of servers that the built-in catalog has. Owns which there are.

use crate::error::{Failure, Kind};
use crate::tool::did_you_mean;

/// A starter set.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Template {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) description: &'static str,
    /// Of the built-in catalog.
    pub(crate) servers: &'static [&'static str],
}

pub(crate) const TEMPLATES: &[Template] = &[
    Template {
        id: "ai-coding",
        title: "AI coding",
        description: "Read and change code, look up libraries, think in steps",
        servers: &["filesystem", "git", "context7", "sequentialthinking"],
    },
    Template {
        id: "dev-workflow",
        title: "Dev workflow",
        description: "Issues, pull requests, tickets and notes of a team",
        servers: &["github", "atlassian", "notion"],
    },
    Template {
        id: "terminal-control",
        title: "Terminal control",
        description: "Run commands, work with files and pages",
        servers: &["desktop-commander", "filesystem", "fetch"],
    },
];

/// The template of an id.
pub(crate) fn get(id: &str) -> Result<&'static Template, Failure> {
    let found = TEMPLATES.iter().find(|template| template.id == id);
    found.ok_or_else(|| {
        let ids: Vec<&str> = TEMPLATES.iter().map(|template| template.id).collect();
        Failure::new(Kind::NotFound, format!("there is no template `{id}`"))
            .hints_from(did_you_mean(id, ids.iter().copied()))
            .hint(format!("there are: {}", ids.join(", ")))
    })
}

impl Template {
    /// Its servers as `--server` takes them.
    pub(crate) fn words(&self) -> Vec<String> {
        vec![format!("catalog://built-in/{}", self.servers.join("+"))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_server_of_a_template_is_in_the_catalog() {
        for template in TEMPLATES {
            assert_eq!(get(template.id).unwrap(), template);
            for server in template.servers {
                let known = catalog::builtin().entries.iter();
                assert!(known.clone().any(|entry| entry.name == *server), "{server}");
            }
        }
        assert_eq!(
            get("ai-codin").unwrap_err().hints()[0],
            "did you mean `ai-coding`?"
        );
    }
}
