//! What the rules are asked by `explain` and `test`: a server, and mostly a call of it.

use catalog::{Catalogs, Entry};
use gateway::server_facts;
use jiff::Timestamp;
use policy::{Asked, Decision, Era, Facts, Hints, Outlook, Policy, Rule, ServerFacts, Verdict};
use serde::Deserialize;
use serde_json::Value;

/// See the module.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Question {
    pub(super) server: String,
    pub(super) tool: Option<String>,
    pub(super) prompt: Option<String>,
    pub(super) resource: Option<String>,
    pub(super) arguments: Option<Value>,
    pub(super) caller: Option<String>,
    pub(super) client: Option<String>,
    pub(super) era: Option<String>,
    pub(super) annotations: std::collections::BTreeMap<String, bool>,
    /// RFC 3339; now unless told.
    pub(super) time: Option<String>,
}

/// What the rules say.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) decision: &'static str,
    pub(super) rule: Option<String>,
    pub(super) reason: Option<String>,
    /// Why the rule applies although its condition could not be told.
    pub(super) failed: Option<String>,
    /// Each rule that was looked at, and how it fits.
    pub(super) steps: Vec<(String, String)>,
}

/// The servers that are known.
pub(super) struct Known<'a> {
    pub(super) entries: &'a [Entry],
    pub(super) catalogs: &'a Catalogs,
}

impl Known<'_> {
    /// What rules know of a server; of one that nobody knows only its name.
    pub(super) fn server(&self, name: &str) -> Result<ServerFacts, ServerFacts> {
        let own = self
            .entries
            .iter()
            .find(|entry| entry.name.as_str() == name);
        match own.or_else(|| self.catalogs.get(name)) {
            Some(entry) => Ok(server_facts(entry)),
            None => Err(ServerFacts {
                name: name.to_owned(),
                ..ServerFacts::default()
            }),
        }
    }
}

impl Question {
    /// Asks.
    ///
    /// # Errors
    /// What is wrong with the question.
    pub(super) fn ask(&self, policy: &Policy, server: &ServerFacts) -> Result<Said, String> {
        let arguments = match &self.arguments {
            None => "{}".to_owned(),
            Some(arguments @ Value::Object(_)) => arguments.to_string(),
            Some(_) => return Err("the arguments must be an object".to_owned()),
        };
        let mut hints = Hints::default();
        for (name, value) in &self.annotations {
            if !Hints::NAMES.contains(&name.as_str()) {
                return Err(format!(
                    "there is no annotation `{name}`; there are: {}",
                    Hints::NAMES.join(", ")
                ));
            }
            hints.set(name, *value);
        }
        let asked = match (&self.tool, &self.prompt, &self.resource) {
            (Some(name), None, None) => Asked::Tool {
                name,
                hints,
                arguments: Some(&arguments),
            },
            (None, Some(name), None) => Asked::Prompt(name),
            (None, None, Some(uri)) => Asked::Resource(uri),
            (None, None, None) => Asked::Load,
            _ => return Err("only one of tool, prompt and resource can be meant".to_owned()),
        };
        let era = match self.era.as_deref() {
            None | Some("handshake") => Era::Handshake,
            Some("stateless") => Era::Stateless,
            Some(other) => {
                return Err(format!(
                    "`{other}` is no era; there are handshake and stateless"
                ));
            }
        };
        let time = match &self.time {
            None => Timestamp::now(),
            Some(text) => text
                .parse()
                .map_err(|error| format!("`{text}` is no time: {error}"))?,
        };
        let facts = Facts {
            caller: self.caller.as_deref().unwrap_or("local"),
            scopes: None,
            client: Some(self.client.as_deref().unwrap_or_default()),
            server,
            asked,
            era,
            now_s: Some(time.as_second()),
        };
        Ok(match asked {
            Asked::Load => load(policy, &facts),
            _ => decide(policy, &facts),
        })
    }
}

/// Whether the server may be used at all: what can come of it, whoever's client and whenever.
fn load(policy: &Policy, facts: &Facts<'_>) -> Said {
    let known = Facts {
        client: facts.client.filter(|client| !client.is_empty()),
        now_s: None,
        ..*facts
    };
    let said = |decision, rule: Option<&Rule>| Said {
        decision,
        rule: rule.map(|rule| rule.name.clone()),
        reason: rule.and_then(|rule| rule.reason.clone()),
        failed: None,
        steps: Vec::new(),
    };
    match policy.outlook(&known) {
        Outlook::Open => said("allow", None),
        Outlook::Closed(rule) => said("deny", rule),
    }
}

fn decide(policy: &Policy, facts: &Facts<'_>) -> Said {
    let (ruling, steps) = policy.explain(facts);
    let told = |verdict: Verdict| match verdict {
        Verdict::Applies => "applies".to_owned(),
        Verdict::Not(part) => format!("does not apply: {part}"),
        Verdict::Failed(why) => format!("its condition cannot be told: {why}"),
    };
    Said {
        decision: match ruling.decision {
            Decision::Ask(_) => "ask",
            other => other.as_str(),
        },
        rule: ruling.rule.map(|rule| rule.name.clone()),
        reason: ruling.rule.and_then(|rule| rule.reason.clone()),
        failed: ruling.failed,
        steps: steps
            .into_iter()
            .map(|step| (step.rule.name.clone(), told(step.verdict)))
            .collect(),
    }
}
