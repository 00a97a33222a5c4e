//! `config.toml`, what the environment says, and files that they name.

use catalog::Problem;

use super::finding::Finding;
use super::scene::Scene;
use crate::error::Kind;
use crate::load::{place, stops};

const CHECK: &str = "settings";

pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    let problems = &scene.loaded.problems;
    let mut found: Vec<Finding> = problems.iter().map(told).collect();
    if found.is_empty() {
        found.push(Finding::good(CHECK, "no mistakes"));
    }
    found
}

fn told(problem: &Problem) -> Finding {
    let finding = match stops(problem) {
        true => Finding::bad(CHECK, Kind::Config, place(problem)),
        false => Finding::warning(CHECK, place(problem)),
    };
    finding.mends_from(problem.hint.clone())
}
