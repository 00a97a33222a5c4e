//! The catalogs of this person, weakest first. Owns their order and how their mistakes are told. Next: `catalogs/pending.rs`,
//! those that are fetched.

mod pending;

use std::path::{Path, PathBuf};
use std::time::Duration;

use catalog::{Catalog, Entry, Layer, Origin, Problem, ServerName};
use fetch::{FetchError, Pulled, Trust, Why};

use crate::choice::CatalogChoice;
use crate::engine;
use crate::error::{Failure, Kind};
use crate::images;
use crate::limits::{
    CATALOG_WAIT, CATALOG_WAIT_PATIENT, FILE_FETCH_TIME, IMAGE_LABEL_WAIT_PATIENT,
};
use crate::load::place;
use crate::surroundings::Surroundings;
use crate::ui::Ui;
use pending::Pending;

/// The built-in catalog and the person's own, by name.
pub(crate) fn all(here: &Surroundings) -> Vec<Catalog> {
    let mut catalogs = vec![catalog::builtin().clone()];
    catalogs.extend(config::load_catalogs(&here.dirs));
    catalogs
}

/// The same with those of the command line, which are the strongest. Waits for those that are fetched, and not for ever.
pub(crate) fn chosen(here: &Surroundings, chosen: &Chosen) -> Vec<Catalog> {
    let mut catalogs = all(here);
    if chosen.no_builtin {
        catalogs.remove(0);
    }
    catalogs.extend(chosen.named.iter().map(|named| match named {
        Named::File(path) => file(here, path),
        Named::Url(pending) => pending.wait(chosen.wait),
    }));
    catalogs
}

/// The catalogs of a command line. Those at addresses are on their way.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    no_builtin: bool,
    named: Vec<Named>,
    wait: Duration,
}

#[derive(Clone, Debug)]
enum Named {
    File(PathBuf),
    Url(Pending),
}

impl Chosen {
    /// Begins to fetch those at addresses; see [`check`] before.
    pub(crate) fn begin(here: &Surroundings, choice: &CatalogChoice) -> Self {
        let named = choice.catalog.iter().map(|path| match address(path) {
            Some(url) => Named::Url(Pending::begin(&here.dirs, url)),
            None => Named::File(path.clone()),
        });
        Self {
            no_builtin: choice.no_builtin_catalog,
            named: named.collect(),
            wait: CATALOG_WAIT,
        }
    }

    /// The files and folders among them.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        self.named.iter().filter_map(|named| match named {
            Named::File(path) => Some(path.as_path()),
            Named::Url(_) => None,
        })
    }

    /// For a command that does nothing else: waits until they have come or failed, and tells what is wrong with them.
    pub(crate) fn patient(mut self, ui: &Ui) -> Self {
        self.wait = CATALOG_WAIT_PATIENT;
        for named in &self.named {
            if let Named::Url(pending) = named {
                tell(ui, &pending.wait(self.wait).problems);
            }
        }
        self
    }
}

/// Refuses catalogs that are not there, and addresses that are none, before anything is started.
pub(crate) fn check(choice: &CatalogChoice) -> Result<(), Failure> {
    for path in &choice.catalog {
        if images::image(&path.to_string_lossy()).is_some() {
            continue;
        }
        if let Some(url) = address(path) {
            name_of(url)?;
        } else if let Err(error) = std::fs::metadata(path) {
            let what = format!("the catalog {} cannot be read", path.display());
            return Err(Failure::new(Kind::NotFound, what).because(&error));
        }
    }
    Ok(())
}

/// What was named, if it is an address and no path.
pub(crate) fn address(path: &Path) -> Option<&str> {
    let is_address = |text: &&str| text.contains("://") && images::image(text).is_none();
    path.to_str().filter(is_address)
}

/// What a catalog at an address is called, if the address says it.
pub(crate) fn name_of(url: &str) -> Result<Option<ServerName>, Failure> {
    fetch::check_address(url).map_err(|error| unfetched(&error))
}

/// A catalog at an address that a person names.
pub(crate) fn pull(url: &str) -> Result<Pulled, Failure> {
    engine::block_on(engine::unless_interrupted(async {
        let client = fetch::Client::default();
        let pulled = fetch::pull(&client, url, Trust::Person).await;
        pulled.map_err(|error| unfetched(&error))
    }))
}

/// A catalog that a model names: from public addresses only.
pub(crate) async fn pull_for_model(url: String) -> Result<Catalog, String> {
    let client = fetch::Client::default();
    let pulled = fetch::pull(&client, &url, Trust::Outside).await;
    pulled
        .map(|pulled| pulled.catalog)
        .map_err(|error| format!("{error}; {}", error.hint()))
}

/// A file that an entry names, such as a bundle. Whose address that is does not matter: its digest is known before.
pub(crate) async fn fetch_file(url: String, bytes_max: usize) -> Result<Vec<u8>, String> {
    let limits = fetch::Limits {
        body_bytes: bytes_max,
        time: FILE_FETCH_TIME,
        ..fetch::Limits::default()
    };
    let got = fetch::Client::new(limits).get(&url, Trust::Outside).await;
    got.map(|document| document.body)
        .map_err(|error| format!("{error}; {}", error.hint()))
}

fn unfetched(error: &FetchError) -> Failure {
    let kind = match &error.why {
        Why::Slow(_) => Kind::Timeout,
        Why::Malformed(_) | Why::Scheme(_) | Why::Credentials | Why::Host | Why::Long => {
            Kind::Usage
        }
        Why::Status(404 | 410) => Kind::NotFound,
        _ => Kind::Failed,
    };
    Failure::new(kind, error.to_string()).hint(error.hint())
}

/// All servers of a file or folder of any form, as somebody else's text.
pub(crate) fn of_file(path: &Path) -> Result<Catalog, Failure> {
    let path = std::path::absolute(path)
        .map_err(|error| Failure::new(Kind::NotFound, "there is no such path").because(&error))?;
    let (files, unread) = config::import_files(&path).map_err(|error| {
        Failure::new(Kind::NotFound, format!("cannot read {}", path.display())).because(&error)
    })?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let origin = Origin::File(path.to_string_lossy().as_ref().into());
    let mut catalog = catalog::import(&name, &files, &origin);
    catalog.problems.extend(unread);
    Ok(catalog)
}

/// A catalog that was named on the command line, called as its file is; an image is a catalog of one.
fn file(here: &Surroundings, path: &Path) -> Catalog {
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
    let origin = Origin::Catalog(image.into());
    let entry = Entry {
        source: "--catalog".to_owned(),
        layer: Layer::Flag,
        origin: origin.clone(),
        ..images::entry(name, Some((here, IMAGE_LABEL_WAIT_PATIENT)))?
    };
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
