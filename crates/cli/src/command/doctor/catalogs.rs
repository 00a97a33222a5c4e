//! Catalogs and profiles: every file can be read, and says what it may.

use super::finding::Finding;
use super::scene::Scene;
use crate::load::place;
use crate::ui::counted;

const CHECK: &str = "catalogs";

pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    let dirs = &scene.here.dirs;
    let catalogs = config::load_catalogs(dirs);
    let problems = catalogs.iter().flat_map(|catalog| &catalog.problems);
    let mut found: Vec<Finding> = problems
        .map(|problem| Finding::warning(CHECK, place(problem)).mends_from(problem.hint.clone()))
        .collect();
    let profiles = config::profile_names(dirs);
    for name in &profiles {
        if let Err(problem) = config::load_profile(dirs, name) {
            found.push(Finding::warning(CHECK, place(&problem)).mends_from(problem.hint.clone()));
        }
    }
    if found.is_empty() {
        let what = format!(
            "{} of your own beside the built-in one, {}",
            catalogs.len(),
            counted(profiles.len(), "profile")
        );
        found.push(Finding::good(CHECK, what));
    }
    found
}
