//! The catalogs of this person, weakest first. Owns their order and how their mistakes are told.

use std::path::Path;

use catalog::{Catalog, Origin, Problem};

use crate::choice::CatalogChoice;
use crate::error::{Failure, Kind};
use crate::images;
use crate::load::place;
use crate::surroundings::Surroundings;
use crate::ui::Ui;

/// The built-in catalog and the person's own, by name.
pub(crate) fn all(here: &Surroundings) -> Vec<Catalog> {
    let mut catalogs = vec![catalog::builtin().clone()];
    catalogs.extend(config::load_catalogs(&here.dirs));
    catalogs
}

/// The same with those of the command line, which are the strongest.
pub(crate) fn chosen(here: &Surroundings, choice: &CatalogChoice) -> Vec<Catalog> {
    let mut catalogs = all(here);
    if choice.no_builtin_catalog {
        catalogs.remove(0);
    }
    catalogs.extend(choice.catalog.iter().map(|path| named(here, path)));
    catalogs
}

/// Refuses catalogs that are not there, before anything is started.
pub(crate) fn check(choice: &CatalogChoice) -> Result<(), Failure> {
    for path in &choice.catalog {
        if images::image(&path.to_string_lossy()).is_some() {
            continue;
        }
        if path.to_string_lossy().contains("://") {
            return Err(Failure::usage(format!(
                "--catalog takes files, and {} is an address",
                path.display()
            ))
            .hint("fetch it, look at it, and name the file"));
        }
        if let Err(error) = std::fs::metadata(path) {
            let what = format!("the catalog {} cannot be read", path.display());
            return Err(Failure::new(Kind::NotFound, what).because(&error));
        }
    }
    Ok(())
}

/// A catalog that was named on the command line, called as its file is; an image is a catalog of one.
fn named(here: &Surroundings, path: &Path) -> Catalog {
    if let Some(catalog) = of_image(here, &path.to_string_lossy()) {
        return catalog;
    }
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let origin = Origin::Catalog(name.as_ref().into());
    match config::import_files(path) {
        Ok((files, problems)) => {
            let mut catalog = catalog::import(&name, &files, &origin);
            catalog.problems.extend(problems);
            catalog
        }
        Err(error) => Catalog {
            name: name.into_owned(),
            problems: vec![Problem::error(
                path.display().to_string(),
                error.to_string(),
            )],
            ..Catalog::default()
        },
    }
}

fn of_image(here: &Surroundings, name: &str) -> Option<Catalog> {
    let image = images::image(name)?;
    let mut entry = images::entry(name, "--catalog")?;
    #[cfg(target_os = "linux")]
    if let Some(label) = crate::containers::metadata(here, image) {
        catalog::describe(&mut entry, &label);
    }
    let origin = Origin::Catalog(image.into());
    entry.origin = origin.clone();
    Some(Catalog {
        name: image.to_owned(),
        origin,
        entries: vec![entry],
        ..Catalog::default()
    })
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
