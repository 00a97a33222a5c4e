//! Rules, compiled, and what follows from them. Owns the order: the first rule that applies decides, else the default. Before
//! there is a call, [`Policy::outlook`] tells whether anything but a refusal can come of it.

pub(crate) mod compiled;
mod index;

use std::sync::Arc;

use crate::arguments::Wanted;
use crate::condition::Scope;
use crate::facts::{Asked, Facts};
use crate::glob;
use crate::limits::RULES_MAX;
use crate::lint;
use crate::rule::{Decision, Rule};
use compiled::{Compiled, Fit};
use index::Index;

/// See the module. Clones share the rules.
#[derive(Clone)]
pub struct Policy(Arc<Inner>);

struct Inner {
    rules: Vec<Compiled>,
    index: Index,
    default: Decision,
    wanted: Wanted,
    reads_annotations: bool,
    reads_time: bool,
    warnings: Vec<(usize, String)>,
}

/// What is decided, and by what.
#[derive(Clone, Debug, PartialEq)]
pub struct Ruling<'p> {
    /// The decision.
    pub decision: Decision,
    /// The rule; none: the default.
    pub rule: Option<&'p Rule>,
    /// Its place among the rules.
    pub at: Option<usize>,
    /// Why it applies although its condition could not be told.
    pub failed: Option<String>,
}

/// What can come of something that is not asked for yet.
#[derive(Clone, Debug, PartialEq)]
pub enum Outlook<'p> {
    /// It may be allowed, or asked about.
    Open,
    /// It is denied, whatever comes; by this rule, or by the default.
    Closed(Option<&'p Rule>),
}

/// How one rule took part in a decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Step<'p> {
    /// The rule.
    pub rule: &'p Rule,
    /// Whether it applied.
    pub verdict: Verdict,
}

/// How a rule fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It decides.
    Applies,
    /// This part of it does not fit.
    Not(Part),
    /// Its condition could not be told, so that it applies, or does not if it allows.
    Failed(String),
}

/// A part of a rule, by the word that files have for it.
pub type Part = &'static str;

/// Why rules cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BuildError {
    /// Which of the rules; none: all of them together.
    pub rule: Option<usize>,
    /// Which part of it.
    pub part: Part,
    /// What is wrong, lower case.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Line and column within that part, from 1; 0 where there are none.
    pub line: usize,
    /// The column in characters.
    pub column: usize,
}

impl Policy {
    /// Compiles rules.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn new(default: Decision, rules: Vec<Rule>) -> Result<Self, Vec<BuildError>> {
        if rules.len() > RULES_MAX {
            return Err(vec![BuildError::of_all(format!(
                "there are {} rules, more than {RULES_MAX}",
                rules.len()
            ))]);
        }
        let (mut compiled, mut errors) = (Vec::new(), Vec::new());
        for (at, rule) in rules.into_iter().enumerate() {
            match Compiled::new(at, rule) {
                Ok(rule) => compiled.push(rule),
                Err(mut of_rule) => errors.append(&mut of_rule),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let mut wanted = Wanted::None;
        let (mut reads_annotations, mut reads_time) = (false, false);
        for rule in &compiled {
            reads_annotations |= !rule.rule.annotations.is_empty();
            if let Some(condition) = &rule.condition {
                wanted.add(&condition.reads.arguments);
                reads_annotations |= condition.reads.annotations;
                reads_time |= condition.reads.time;
            }
        }
        let warnings = lint::warnings(default, &compiled);
        Ok(Self(Arc::new(Inner {
            index: Index::of(&compiled),
            rules: compiled,
            default,
            wanted,
            reads_annotations,
            reads_time,
            warnings,
        })))
    }

    /// The rules that stand where a gateway runs with this profile, or with none.
    #[must_use]
    pub fn of_profile(&self, profile: Option<&str>) -> Self {
        let fits = |pattern: &String| glob::matches(pattern, profile.unwrap_or_default());
        let stands = |rule: &&Rule| rule.profile.is_empty() || rule.profile.iter().any(fits);
        let standing: Vec<Rule> = self.rules().filter(stands).cloned().collect();
        match standing.len() == self.0.rules.len() {
            true => self.clone(),
            false => Self::new(self.0.default, standing).expect("each of them is right"),
        }
    }

    /// Whether it allows everything, so that nobody need ask it.
    pub fn is_empty(&self) -> bool {
        self.0.rules.is_empty() && self.0.default == Decision::Allow
    }

    /// The rules, in their order.
    pub fn rules(&self) -> impl ExactSizeIterator<Item = &Rule> {
        self.0.rules.iter().map(|one| &one.rule)
    }

    /// What happens where no rule applies.
    pub fn default_decision(&self) -> Decision {
        self.0.default
    }

    /// What a person should know of single rules: the number of the rule, and the text.
    pub fn warnings(&self) -> &[(usize, String)] {
        &self.0.warnings
    }

    /// Whether some rule wants to know what servers say of their tools.
    pub fn reads_annotations(&self) -> bool {
        self.0.reads_annotations
    }

    /// Whether some rule wants to know the time.
    pub fn reads_time(&self) -> bool {
        self.0.reads_time
    }

    /// Decides.
    pub fn decide(&self, facts: &Facts<'_>) -> Ruling<'_> {
        let scope = Scope::new(facts, &self.0.wanted);
        for at in self.0.index.candidates(facts) {
            let one = &self.0.rules[at];
            match one.verdict(facts, &scope) {
                Verdict::Applies => return one.ruling(None),
                Verdict::Failed(why) if one.rule.decision != Decision::Allow => {
                    return one.ruling(Some(why));
                }
                Verdict::Failed(_) | Verdict::Not(_) => {}
            }
        }
        self.default_ruling()
    }

    /// Decides, and tells of every rule up to the one that decides.
    pub fn explain(&self, facts: &Facts<'_>) -> (Ruling<'_>, Vec<Step<'_>>) {
        let scope = Scope::new(facts, &self.0.wanted);
        let mut steps = Vec::new();
        for one in &self.0.rules {
            let verdict = one.verdict(facts, &scope);
            let ruling = match &verdict {
                Verdict::Applies => Some(one.ruling(None)),
                Verdict::Failed(why) if one.rule.decision != Decision::Allow => {
                    Some(one.ruling(Some(why.clone())))
                }
                Verdict::Failed(_) | Verdict::Not(_) => None,
            };
            steps.push(Step {
                rule: &one.rule,
                verdict,
            });
            if let Some(ruling) = ruling {
                return (ruling, steps);
            }
        }
        (self.default_ruling(), steps)
    }

    /// What can come of it, where of the facts only those count that are known: no arguments, no time, and no client unless
    /// there is one.
    pub fn outlook(&self, facts: &Facts<'_>) -> Outlook<'_> {
        let scope = Scope::new(facts, &self.0.wanted);
        let is_load = matches!(facts.asked, Asked::Load);
        for one in &self.0.rules {
            let denies = one.rule.decision == Decision::Deny;
            match one.fit(facts, &scope) {
                Fit::Yes if denies => return Outlook::Closed(Some(&one.rule)),
                Fit::Yes | Fit::Maybe if !denies => return Outlook::Open,
                // A server of which something is allowed may be used for that.
                _ if is_load && one.lets_in(facts) => return Outlook::Open,
                _ => {}
            }
        }
        match self.0.default {
            Decision::Deny => Outlook::Closed(None),
            Decision::Allow | Decision::Ask(_) => Outlook::Open,
        }
    }

    /// The rules that may ask about it, where of the facts only those count that are known.
    pub fn asking(&self, facts: &Facts<'_>) -> Vec<&Rule> {
        let scope = Scope::new(facts, &self.0.wanted);
        let asks = |one: &&Compiled| {
            matches!(one.rule.decision, Decision::Ask(_)) && one.fit(facts, &scope) != Fit::No
        };
        let asking = self.0.rules.iter().filter(asks);
        asking.map(|one| &one.rule).collect()
    }

    fn default_ruling(&self) -> Ruling<'_> {
        Ruling {
            decision: self.0.default,
            rule: None,
            at: None,
            failed: None,
        }
    }
}

/// Whether they say the same, in the same places.
impl PartialEq for Policy {
    fn eq(&self, other: &Self) -> bool {
        let same = |a: &Self, b: &Self| a.rules().eq(b.rules());
        self.0.default == other.0.default && same(self, other)
    }
}

/// Without rules everything is allowed.
impl Default for Policy {
    fn default() -> Self {
        Self::new(Decision::Allow, Vec::new()).expect("no rule is wrong where there is none")
    }
}

impl std::fmt::Debug for Policy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Policy")
            .field("rules", &self.0.rules.len())
            .field("default", &self.0.default)
            .finish()
    }
}

impl BuildError {
    fn of_all(message: String) -> Self {
        Self {
            rule: None,
            part: "rules",
            message,
            hint: None,
            line: 0,
            column: 0,
        }
    }
}

#[cfg(test)]
mod tests;
