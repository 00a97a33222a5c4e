//! `npx` lines: which package they mean, and what of it runs. Refuses options that a box cannot keep.

use catalog::Registry;

use super::wanted::{Spec, Wanted};

/// Of what follows `npx`, or `npm exec`.
pub(super) fn read(words: &[String]) -> Result<Wanted, String> {
    let mut specs = Vec::new();
    let mut words = words.iter().map(String::as_str);
    let command = loop {
        let Some(word) = words.next() else {
            return Err("it names no package".to_owned());
        };
        match word {
            "-y" | "--yes" | "-q" | "--quiet" | "--silent" | "-s" | "--prefer-offline"
            | "--ignore-scripts" | "--loglevel=error" | "--loglevel=silent" => {}
            "--" => match words.next() {
                Some(command) => break command,
                None => return Err("it names no package".to_owned()),
            },
            "-p" | "--package" => specs.push(Spec::npm(words.next().unwrap_or_default())?),
            option if option.starts_with("--package=") || option.starts_with("-p=") => {
                let (_, package) = option.split_once('=').unwrap_or_default();
                specs.push(Spec::npm(package)?);
            }
            option if option.starts_with('-') => return Err(unknown(option)),
            command => break command,
        }
    };
    let program = match specs.is_empty() {
        true => {
            specs.push(Spec::npm(command)?);
            None
        }
        false => Some(command.to_owned()),
    };
    // What stands behind the command is the command's, but for the one that npm takes away itself.
    let args: Vec<String> = words.map(str::to_owned).collect();
    Wanted {
        registry: Registry::Npm,
        specs,
        program,
        args,
    }
    .checked()
}

fn unknown(option: &str) -> String {
    format!(
        "`npx {option}` has no meaning for a server in a box; leave it out, or run the gateway with --runtime process"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn the_usual_lines() {
        let read = |line: &str| {
            let wanted = read(&words(line)).unwrap();
            let specs: Vec<_> = wanted.specs.into_iter().map(|spec| spec.text).collect();
            (specs.join(" "), wanted.program, wanted.args.join(" "))
        };
        let plain = |spec: &str, args: &str| (spec.to_owned(), None, args.to_owned());
        assert_eq!(read("-y @a/b --port 1 -y"), plain("@a/b", "--port 1 -y"));
        assert_eq!(read("b@latest /x"), plain("b@latest", "/x"));
        assert_eq!(read("-y -- b"), plain("b", ""));
        assert_eq!(
            read("-p @a/b@1 --package=c tool x"),
            (
                "@a/b@1 c".to_owned(),
                Some("tool".to_owned()),
                "x".to_owned()
            )
        );
    }

    #[test]
    fn what_means_something_else_is_refused() {
        for line in [
            "",
            "-y",
            "--",
            "-c echo",
            "--registry=x a",
            "./server",
            "github:a/b",
            "-p",
            "-p ./x y",
        ] {
            assert!(read(&words(line)).is_err(), "{line}");
        }
    }
}
