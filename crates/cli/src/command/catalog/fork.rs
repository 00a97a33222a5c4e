//! `portolan catalog fork` and `tag`: a copy of a catalog that is one's own.

use catalog::{Catalog, Origin, ServerName};

use super::create::taken;
use crate::catalogs;
use crate::error::Failure;
use crate::own_catalogs::{Called, called, get, reference};
use crate::profiles;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};

/// Copy a catalog, also the built-in one, to change the copy
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which one
    #[arg(value_name = "CATALOG")]
    catalog: String,
    /// What the copy is to be called
    #[arg(value_name = "NAME")]
    name: String,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    copy(ui, &args.catalog, &args.name, None)
}

/// Copy a catalog under another reference, to push it there
#[derive(Debug, clap::Args)]
pub(crate) struct TagArgs {
    /// Which one
    #[arg(value_name = "CATALOG")]
    catalog: String,
    /// The reference, such as registry.example/team/ours:2
    #[arg(value_name = "REF")]
    reference: String,
    /// What the copy is called here [default: the last step of REF, without its tag]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

pub(crate) fn tag(ui: &Ui, args: &TagArgs) -> Result<(), Failure> {
    reference(&args.reference)?;
    let here = Surroundings::of_process()?;
    let all = catalogs::all(&here);
    let source = get(&all, &args.catalog)?;
    // One that has no reference yet just gets it.
    let name = args.name.as_deref().unwrap_or(&source.name);
    if source.reference.is_none() && source.origin != Origin::Builtin && name == source.name {
        let wanted = reference(&args.reference)?;
        crate::own_catalogs::change(ui, &here, &args.catalog, |catalog| {
            catalog.reference = Some(wanted.clone());
            Ok(())
        })?;
        let line = Line::new().put(Label::Name, source.name.clone());
        ui.note(&line.text(format!(" is {wanted} now")));
        return Ok(());
    }
    copy(ui, &args.catalog, &args.reference, args.name.as_deref())
}

fn copy(ui: &Ui, from: &str, word: &str, name: Option<&str>) -> Result<(), Failure> {
    let here = Surroundings::of_process()?;
    let all = catalogs::all(&here);
    let source = get(&all, from)?;
    if let Some(problem) = source.problems.iter().find(|problem| problem.is_error()) {
        return Err(profiles::failed(problem));
    }
    let word = match word.contains(['/', ':', '@']) {
        true => word.to_owned(),
        false => ServerName::new(word)
            .map_err(|error| Failure::usage(format!("`{word}`: {error}")))?
            .to_string(),
    };
    let Called { name, reference } = called(&all, &word, name)?;
    if all.iter().any(|known| known.name == name.as_str()) {
        return Err(taken(name.as_str()));
    }
    let own = Origin::Catalog(name.as_str().into());
    let mut copy = Catalog {
        name: name.to_string(),
        reference,
        ..source.clone()
    };
    if !copy.origin.is_foreign() {
        copy.origin = own.clone();
    }
    for entry in &mut copy.entries {
        if !entry.origin.is_foreign() {
            entry.origin = own.clone();
        }
    }
    let of = (source.origin != Origin::Builtin)
        .then(|| ServerName::new(&source.name).ok())
        .flatten();
    let file = config::fork_catalog(&here.dirs, of.as_ref(), &name, &copy)
        .map_err(|problem| profiles::failed(&problem))?;
    let line = Line::new().put(Label::Name, name.to_string());
    ui.note(&line.text(format!(" is a copy of {}, {}", source.name, file.display())));
    Ok(())
}
