//! Which names there are now: of servers, profiles, clients, catalogs, secrets, callers and features. Owns the table of what
//! stands where on the command line, so that commands need not know of completion.

use catalog::ServerName;
use clap::Command;
use clap_complete::{ArgValueCandidates, CompletionCandidate};

use crate::choice::Choice;
use crate::load;
use crate::surroundings::Surroundings;

/// All names of one sort. What cannot be read has none: this is no place for warnings.
type Names = fn(&Surroundings) -> Vec<String>;

/// What the positional arguments of a command are: by its first words, of several rows the first counts.
const PLACES: [(&[&str], Names); 15] = [
    (&["client", "connect"], clients),
    (&["client", "disconnect"], clients),
    (&["profile", "create"], none),
    (&["profile", "import"], none),
    (&["profile"], profiles),
    (&["server"], servers),
    (&["catalog", "import"], none),
    (&["catalog"], catalogs),
    (&["secret", "set"], none),
    (&["secret"], secrets),
    (&["oauth"], servers),
    (&["config", "read"], servers),
    (&["config", "rm"], servers),
    (&["caller", "rm"], callers),
    (&["tools", "approve"], servers),
];

/// What a flag takes, by its name, in every command.
const FLAGS: [(&str, Names); 3] = [
    ("profile", profiles),
    ("servers", servers),
    ("gateway", gateways),
];

/// The command line with the names in it.
pub(super) fn known(command: Command) -> Command {
    below(command, &[])
}

fn below(command: Command, path: &[&str]) -> Command {
    let place = PLACES
        .iter()
        .find(|(words, _)| path.starts_with(words))
        .map(|(_, names)| *names);
    let flag = |name: Option<&str>| {
        let row = FLAGS.iter().find(|(flag, _)| Some(*flag) == name);
        row.map(|(_, names)| *names)
    };
    let command = command.mut_args(|arg| {
        let names = match arg.is_positional() {
            true => place,
            false => flag(arg.get_long()),
        };
        match names {
            Some(names) => arg.add(ArgValueCandidates::new(move || candidates(names))),
            None => arg,
        }
    });
    command.mut_subcommands(|sub| {
        let name = sub.get_name().to_owned();
        let path: Vec<&str> = path.iter().copied().chain([name.as_str()]).collect();
        below(sub, &path)
    })
}

fn candidates(names: Names) -> Vec<CompletionCandidate> {
    let here = Surroundings::of_process();
    let names = here.map(|here| names(&here)).unwrap_or_default();
    names.into_iter().map(CompletionCandidate::new).collect()
}

fn none(_: &Surroundings) -> Vec<String> {
    Vec::new()
}

fn clients(_: &Surroundings) -> Vec<String> {
    let all = clients::clients().iter();
    all.filter(|client| client.instead.is_none())
        .map(|client| client.id.clone())
        .collect()
}

fn profiles(here: &Surroundings) -> Vec<String> {
    texts(&config::profile_names(&here.dirs))
}

fn texts(names: &[ServerName]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

/// Those that are configured, and those of catalogs that one has made oneself; the built-in ones are too many.
fn servers(here: &Surroundings) -> Vec<String> {
    let configured = load::read(here, &Choice::default(), &[]).entries;
    let own = config::load_catalogs(&here.dirs);
    let of_catalogs = own.iter().flat_map(|catalog| &catalog.entries);
    let mut names: Vec<String> = configured
        .iter()
        .chain(of_catalogs)
        .map(|entry| entry.name.to_string())
        .collect();
    names.sort();
    names.dedup();
    names
}

fn catalogs(here: &Surroundings) -> Vec<String> {
    let all = config::load_catalogs(&here.dirs);
    let own = all.into_iter().map(|catalog| catalog.name);
    own.chain(["built-in".to_owned()]).collect()
}

fn secrets(here: &Surroundings) -> Vec<String> {
    let names = ::secrets::Store::in_folder(&here.dirs.state).names();
    let names = names.unwrap_or_default();
    names.iter().map(ToString::to_string).collect()
}

fn callers(here: &Surroundings) -> Vec<String> {
    let callers = config::callers::load(&here.dirs);
    let callers = callers.map(|callers| callers.callers).unwrap_or_default();
    callers.into_iter().map(|caller| caller.name).collect()
}

fn gateways(here: &Surroundings) -> Vec<String> {
    let all = config::running::list(&here.dirs).unwrap_or_default();
    all.into_iter().map(|gateway| gateway.id).collect()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn every_place_is_a_command() {
        let root = Cli::command();
        for (words, _) in PLACES {
            let at = words
                .iter()
                .try_fold(&root, |at, word| at.find_subcommand(word));
            assert!(at.is_some(), "{words:?}");
        }
    }

    #[test]
    fn the_command_line_stays_what_it_was() {
        known(Cli::command()).debug_assert();
    }
}
