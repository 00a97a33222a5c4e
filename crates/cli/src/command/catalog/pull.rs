//! `portolan catalog pull`, and when `catalog show` pulls by itself.

use std::time::{Duration, SystemTime};

use catalog::{Catalog, Origin};

use super::import::{How, Source, keep, take};
use crate::choice::duration;
use crate::error::Failure;
use crate::own_catalogs::reference;
use crate::surroundings::Surroundings;
use crate::ui::Ui;

/// Pull a catalog from a registry of images, and keep it as one of your own; again, it is renewed
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which one, such as registry.example/team/ours:1
    #[arg(value_name = "REF")]
    reference: String,
    #[command(flatten)]
    how: How,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    keep(ui, &Source::Oci(reference(&args.reference)?), &args.how)
}

/// When something is pulled before it is shown: `never`, or any of several occasions.
#[derive(Clone, Debug)]
pub(super) struct When(Vec<Occasion>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Occasion {
    Never,
    /// It is not here.
    Missing,
    /// It is here, and older than this.
    Exists(Duration),
    /// It is not here, or older than this.
    Always(Duration),
}

/// `missing`, `exists+initial`, `always@6h`, `30m`.
pub(super) fn when(text: &str) -> Result<When, String> {
    let occasion = |word: &str| {
        let (word, age) = word.split_once('@').unwrap_or((word, ""));
        let age = match age {
            "" => Duration::ZERO,
            age => duration(age)?,
        };
        match word {
            "never" => Ok(Occasion::Never),
            "missing" | "initial" => Ok(Occasion::Missing),
            "exists" => Ok(Occasion::Exists(age)),
            "always" => Ok(Occasion::Always(age)),
            other => duration(other).map(Occasion::Always).map_err(|_| {
                "there are never, missing, always, initial, exists and durations such as 6h, several joined by `+`"
                    .to_owned()
            }),
        }
    };
    text.split('+')
        .map(occasion)
        .collect::<Result<_, _>>()
        .map(When)
}

impl When {
    /// Whether to pull, of something that has been here so long if it is here.
    fn is_now(&self, age: Option<Duration>) -> bool {
        self.0.iter().any(|occasion| match (occasion, age) {
            (Occasion::Never, _) => false,
            (Occasion::Missing, age) => age.is_none(),
            (Occasion::Exists(most), Some(age)) => age >= *most,
            (Occasion::Exists(_), None) => false,
            (Occasion::Always(most), age) => age.is_none_or(|age| age >= *most),
        })
    }
}

/// Pulls what is about to be shown, if it is time. What was made here is never written over.
pub(super) fn pull_if(
    ui: &Ui,
    here: &Surroundings,
    known: Option<&Catalog>,
    word: &str,
    when: &When,
) -> Result<(), Failure> {
    let (name, age) = match known {
        Some(known) if !matches!(known.origin, Origin::Oci(_)) => return Ok(()),
        Some(known) => {
            let file = here.dirs.catalogs().join(format!("{}.yaml", known.name));
            let written = std::fs::metadata(file)
                .and_then(|meta| meta.modified())
                .ok();
            let age = written.and_then(|at| SystemTime::now().duration_since(at).ok());
            (
                known.origin.from().to_owned(),
                Some(age.unwrap_or_default()),
            )
        }
        None if word.contains('/') => (reference(word)?, None),
        None => return Ok(()),
    };
    if !when.is_now(age) {
        return Ok(());
    }
    let how = How::called(known.map(|known| known.name.clone()));
    take(ui, &Source::Oci(name), &how).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn occasions_to_pull() {
        let now =
            |text: &str, age: Option<u64>| when(text).unwrap().is_now(age.map(Duration::from_secs));
        for (text, missing, young, old) in [
            ("never", false, false, false),
            ("missing", true, false, false),
            ("initial", true, false, false),
            ("exists", false, true, true),
            ("always", true, true, true),
            ("6h", true, false, true),
            ("exists@6h", false, false, true),
            ("initial+exists@6h", true, false, true),
        ] {
            let is = (
                now(text, None),
                now(text, Some(60)),
                now(text, Some(7 * 3600)),
            );
            assert_eq!(is, (missing, young, old), "{text}");
        }
        for bad in ["", "sometimes", "exists@x", "missing+"] {
            assert!(when(bad).is_err(), "{bad}");
        }
    }
}
