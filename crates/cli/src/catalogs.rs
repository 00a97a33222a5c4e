//! The catalogs of this person, weakest first. Owns their order and how their mistakes are told.

use catalog::{Catalog, Problem};

use crate::load::place;
use crate::surroundings::Surroundings;
use crate::ui::Ui;

/// The built-in catalog and the person's own, by name.
pub(crate) fn all(here: &Surroundings) -> Vec<Catalog> {
    let mut catalogs = vec![catalog::builtin().clone()];
    catalogs.extend(config::load_catalogs(&here.dirs));
    catalogs
}

/// Tells what is wrong with a catalog.
pub(crate) fn tell(ui: &Ui, problems: &[Problem]) {
    for problem in problems {
        ui.warn(&place(problem), problem.hint.as_slice());
    }
}

/// How many of these are mistakes that cost something.
pub(crate) fn errors(problems: &[Problem]) -> usize {
    problems.iter().filter(|problem| problem.is_error()).count()
}
