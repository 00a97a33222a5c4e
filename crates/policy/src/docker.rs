//! Docker's rules, as its documentation publishes them: JSON with `version`, `default` and `rules`, or an `admin-settings.json`
//! that holds them as a text. Refuses what it does not know: a condition that is passed over makes a rule apply too often.

use serde::Deserialize;

use crate::limits::DOCKER_BYTES_MAX;
use crate::rule::{Decision, Rule, Source};

/// What a file of Docker's says.
#[derive(Clone, Debug, PartialEq)]
pub struct DockerRules {
    /// What happens where no rule applies.
    pub default: Decision,
    /// The rules, in their order.
    pub rules: Vec<Rule>,
}

/// Why a file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DockerError {
    /// What is wrong, lower case.
    pub message: String,
    /// From 1; 0 where there is none.
    pub line: usize,
    /// From 1; 0 where there is none.
    pub column: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: Option<u32>,
    default: Option<Default>,
    #[serde(default)]
    rules: Vec<WrittenRule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Default {
    Allow,
    Deny,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenRule {
    action: Option<Action>,
    server: Option<String>,
    server_type: Option<String>,
    server_source: Option<String>,
    transport: Option<String>,
    tools: Option<Vec<String>>,
    allow: Option<bool>,
    deny: Option<bool>,
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Load,
    Invoke,
    Prompt,
}

/// Of an `admin-settings.json` only this.
#[derive(Deserialize)]
struct Admin {
    #[serde(rename = "mcpPolicy")]
    policy: AdminPolicy,
}

#[derive(Deserialize)]
struct AdminPolicy {
    value: String,
}

/// Reads such a file. `source` is its name, for messages.
///
/// # Errors
/// What is wrong with it, and where.
pub fn read_docker(text: &str, source: &str) -> Result<DockerRules, DockerError> {
    let wrong = |message: String| DockerError {
        message,
        line: 0,
        column: 0,
    };
    if text.len() > DOCKER_BYTES_MAX {
        return Err(wrong(format!(
            "the file is larger than {DOCKER_BYTES_MAX} bytes"
        )));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let written: Written = match text.contains("\"mcpPolicy\"") {
        false => serde_json::from_str(text).map_err(|error| at(&error, ""))?,
        true => {
            let admin: Admin = serde_json::from_str(text).map_err(|error| at(&error, ""))?;
            serde_json::from_str(&admin.policy.value)
                .map_err(|error| wrong(at(&error, "the text of `mcpPolicy`: ").message))?
        }
    };
    if let Some(version) = written.version.filter(|version| *version != 1) {
        return Err(wrong(format!("`version` is {version}; only 1 is known")));
    }
    let rules = written.rules.into_iter().enumerate();
    let rules: Result<Vec<Rule>, DockerError> = rules
        .map(|(at, rule)| {
            let number = at + 1;
            rule.read(number, source)
                .map_err(|message| wrong(format!("rule {number}: {message}")))
        })
        .collect();
    Ok(DockerRules {
        default: match written.default {
            Some(Default::Deny) => Decision::Deny,
            // As Docker has it where nothing is configured.
            Some(Default::Allow) | None => Decision::Allow,
        },
        rules: rules?,
    })
}

fn at(error: &serde_json::Error, prefix: &str) -> DockerError {
    let text = error.to_string();
    // The position is told apart.
    let text = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(text, _)| text);
    DockerError {
        message: format!("{prefix}{text}"),
        line: error.line(),
        column: error.column(),
    }
}

impl WrittenRule {
    fn read(self, number: usize, source: &str) -> Result<Rule, String> {
        let decision = match (self.allow, self.deny) {
            (Some(true), None | Some(false)) | (None, Some(false)) => Decision::Allow,
            (Some(false), None | Some(true)) | (None, Some(true)) => Decision::Deny,
            (None, None) => return Err("says neither `allow` nor `deny`".to_owned()),
            (Some(_), Some(_)) => return Err("`allow` and `deny` contradict each other".to_owned()),
        };
        if self.tools.as_ref().is_some_and(Vec::is_empty) {
            return Err(
                "`tools` is empty and so applies to nothing; leave it out for all".to_owned(),
            );
        }
        let action = match (&self.action, &self.tools) {
            (Some(Action::Load), _) => Some("load"),
            (Some(Action::Invoke), _) | (None, Some(_)) => Some("invoke"),
            (Some(Action::Prompt), _) => Some("prompt"),
            (None, None) => None,
        };
        let one = |text: Option<String>| text.into_iter().collect::<Vec<_>>();
        Ok(Rule {
            name: format!("docker {number}"),
            source: Source {
                file: source.to_owned(),
                line: 0,
                column: 0,
            },
            server: one(self.server),
            server_type: one(self.server_type),
            server_source: one(self.server_source),
            transport: one(self.transport),
            tool: self.tools.unwrap_or_default(),
            actions: action.map(|action| vec![action.to_owned()]),
            decision,
            reason: self.reason,
            is_strict: true,
            ..Rule::default()
        })
    }
}

#[cfg(test)]
mod tests;
