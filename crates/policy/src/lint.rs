//! What a person should know of rules that can be used: those that can never apply, and those that will surprise.

use crate::glob;
use crate::policy::compiled::{Compiled, lists};
use crate::rule::{Actions, Decision};

/// The number of a rule and what is to be said of it.
pub(crate) fn warnings(default: Decision, rules: &[Compiled]) -> Vec<(usize, String)> {
    let mut warnings = Vec::new();
    for (at, rule) in rules.iter().enumerate() {
        if let Some(before) = rules[..at].iter().find(|before| covers(before, rule)) {
            warnings.push((
                at,
                format!(
                    "rule {:?} can never apply: {:?} ({}) comes first and applies to all of it",
                    rule.rule.name, before.rule.name, before.rule.source
                ),
            ));
            continue;
        }
        let Some(condition) = &rule.condition else {
            continue;
        };
        if let Some(member) = condition.reads.unguarded.first()
            && rule.rule.tool.is_empty()
            && rule.rule.decision != Decision::Allow
        {
            warnings.push((
                at,
                format!(
                    "rule {:?} reads `arguments.{member}` of every tool and so applies to each call without it: write has(arguments.{member}) && … , or name tools",
                    rule.rule.name
                ),
            ));
        }
    }
    let denies = |rule: &Compiled| rule.rule.decision == Decision::Deny;
    if default == Decision::Deny && !rules.is_empty() && rules.iter().all(denies) {
        warnings.push((
            rules.len() - 1,
            "nothing is allowed: every rule denies, and so does the default".to_owned(),
        ));
    }
    warnings
}

/// Whether the second rule applies only where the first does.
fn covers(first: &Compiled, second: &Compiled) -> bool {
    let (a, b) = (&first.rule, &second.rule);
    first.condition.is_none()
        && within(second.actions, first.actions)
        && lists(a)
            .iter()
            .zip(lists(b))
            .all(|((_, wide), (_, narrow))| list_covers(wide, narrow))
        && words_cover(&a.server_type, &b.server_type)
        && words_cover(&a.transport, &b.transport)
        && a.annotations.iter().all(|one| b.annotations.contains(one))
        && (a.era.is_none() || a.era == b.era)
}

fn within(inner: Actions, outer: Actions) -> bool {
    outer.and(inner) == outer
}

fn list_covers(wide: &[String], narrow: &[String]) -> bool {
    let is_covered = |one: &String| wide.iter().any(|w| glob::covers(w, one));
    wide.is_empty()
        || wide.iter().any(|one| one == "*")
        || (!narrow.is_empty() && narrow.iter().all(is_covered))
}

fn words_cover(wide: &[String], narrow: &[String]) -> bool {
    wide.is_empty() || (!narrow.is_empty() && narrow.iter().all(|one| wide.contains(one)))
}
