//! What is to be installed for a server, and what of it runs.
//!
//! Owns the names and versions that a registry's own client is given. Refuses whatever such a client would take for
//! something else: an option, a path, an address. Next: `npx` and `uvx`, which read command lines.

use catalog::{Launch, Registry};

use super::{npx, uvx};
use crate::limits::PACKAGES_MAX;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) registry: Registry,
    /// What is installed. The first is what the server is in.
    pub(super) specs: Vec<Spec>,
    /// Which program of it runs; `None`: the one it is known for.
    pub(super) program: Option<String>,
    /// Its arguments.
    pub(super) args: Vec<String>,
}

/// A package, and which versions of it will do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spec {
    /// Its name in the registry.
    pub(super) name: String,
    /// As the registry's client reads it: `name@1.2`, `name[extra]==1.2`.
    pub(super) text: String,
}

impl Spec {
    /// Of `name`, `@scope/name`, each with `@version` behind it.
    pub(super) fn npm(text: &str) -> Result<Self, String> {
        let at = text.char_indices().skip(1).find(|(_, c)| *c == '@');
        let name = at.map_or(text, |(at, _)| &text[..at]);
        let version = at.map_or("", |(at, _)| &text[at + 1..]);
        let (scope, own) = match name.split_once('/') {
            Some((scope, own)) => (scope.strip_prefix('@'), own),
            None => (Some("x"), name),
        };
        let is_word = |word: &str| {
            word.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
                && word
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
        };
        let is_version = version
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b".-+^~<>=*|".contains(&b));
        let is_named = scope.is_some_and(is_word) && is_word(own);
        if !is_named || !is_version || (at.is_some() && version.is_empty()) {
            return Err(not_of_registry(text, "npm"));
        }
        Ok(Self {
            name: name.to_owned(),
            text: text.to_owned(),
        })
    }

    /// Of `name`, `name[extra]`, each with `==version` or another comparison behind it.
    pub(super) fn pypi(text: &str) -> Result<Self, String> {
        let end = text
            .find(|c: char| !(c.is_ascii_alphanumeric() || "-._".contains(c)))
            .unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let version = match rest.strip_prefix('[') {
            Some(extras) => extras.split_once(']').map(|(_, version)| version),
            None => Some(rest),
        };
        let is_plain = text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._[],<>=!~*+".contains(&b));
        let is_comparison = version.is_some_and(|version| {
            version.is_empty() || version.starts_with(['=', '<', '>', '!', '~'])
        });
        if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || !is_plain || !is_comparison {
            return Err(not_of_registry(text, "PyPI"));
        }
        Ok(Self {
            name: name.to_owned(),
            text: text.to_owned(),
        })
    }
}

impl Spec {
    /// Of a requirement as Python projects state it: with spaces, and perhaps a condition behind a `;` (PEP 508).
    pub(super) fn requirement(text: &str) -> Result<Self, String> {
        let (spec, condition) = match text.split_once(';') {
            Some((spec, condition)) => (spec, condition.trim()),
            None => (text, ""),
        };
        let spec = Self::pypi(&spec.replace(' ', ""))?;
        let is_plain = condition
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b" '\"()._-+<>=!~".contains(&b));
        match condition {
            _ if !is_plain => Err(not_of_registry(text, "PyPI")),
            "" => Ok(spec),
            condition => Ok(Self {
                text: format!("{} ; {condition}", spec.text),
                name: spec.name,
            }),
        }
    }
}

fn not_of_registry(text: &str, registry: &str) -> String {
    format!(
        "\"{text}\" is not the name of a package of {registry}, with or without a version; others are not installed for servers in boxes"
    )
}

impl Wanted {
    /// Of a `package` entry; an error says why it cannot be had.
    pub(super) fn of_entry(launch: &Launch) -> Result<Self, String> {
        let Launch::Package {
            registry,
            identifier,
            version,
            sha256,
            runtime_args,
            args,
            ..
        } = launch
        else {
            return Err("it is no package".to_owned());
        };
        if *registry == Registry::Mcpb {
            return Err("it is a bundle, which is no package of a registry".to_owned());
        }
        if sha256.is_some() {
            return Err(
                "it says the SHA-256 of a file, which only bundles have; leave it out".to_owned(),
            );
        }
        let version = version.as_deref().filter(|version| !version.is_empty());
        let named = match (registry, version) {
            (_, None) => identifier.clone(),
            (Registry::Pypi, Some("latest")) => identifier.clone(),
            (Registry::Pypi, Some(version)) if version.starts_with(['=', '<', '>', '!', '~']) => {
                format!("{identifier}{version}")
            }
            (Registry::Pypi, Some(version)) => format!("{identifier}=={version}"),
            (_, Some(version)) => format!("{identifier}@{version}"),
        };
        if runtime_args.is_empty() {
            let spec = match registry {
                Registry::Npm => Spec::npm(&named)?,
                _ => Spec::pypi(&named)?,
            };
            return Ok(Self {
                registry: *registry,
                specs: vec![spec],
                program: None,
                args: args.clone(),
            });
        }
        // They are those of the programs that people run such packages with.
        let words: Vec<String> = runtime_args
            .iter()
            .chain([&named])
            .chain(args)
            .cloned()
            .collect();
        match registry {
            Registry::Npm => npx::read(&words),
            _ => uvx::read(&words),
        }
    }

    pub(super) fn checked(self) -> Result<Self, String> {
        match self.specs.len() {
            0 => Err("it names no package".to_owned()),
            n if n > PACKAGES_MAX => Err(format!("it names more than {PACKAGES_MAX} packages")),
            _ => Ok(self),
        }
    }

    /// `npm:name@1.2`, for people.
    pub(super) fn shown(&self) -> String {
        format!("{}:{}", self.registry.as_str(), self.specs[0].text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_packages_and_nothing_else() {
        let npm = |text| Spec::npm(text).map(|spec| spec.name);
        assert_eq!(npm("@scope/name@1.2.3").unwrap(), "@scope/name");
        assert_eq!(npm("name@^1.2").unwrap(), "name");
        assert_eq!(npm("name").unwrap(), "name");
        for other in [
            "",
            "-g",
            "--prefix",
            "./x",
            "../x",
            "/x",
            "a/b",
            "@a",
            "@a/b/c",
            "name@",
            "a b",
            "github:a/b",
            "git+ssh://x",
            "https://x/y.tgz",
            "name@npm:other@1",
            "name@file:x",
            "name@../x",
            "@/x",
            "@a/",
            ".hidden",
        ] {
            assert!(npm(other).is_err(), "{other}");
        }
        let pypi = |text| Spec::pypi(text).map(|spec| spec.name);
        assert_eq!(pypi("mcp[cli]>=1.2,<3").unwrap(), "mcp");
        assert_eq!(
            pypi("mcp-server-time==2026.10.19").unwrap(),
            "mcp-server-time"
        );
        for other in [
            "",
            "-r",
            "--index-url=x",
            "./x",
            "x/y",
            "git+https://x",
            "name @ https://x",
            "a b",
            "name;python_version>'3'",
            "[x]",
            "name[x",
            "name[x]y",
            "https:x",
        ] {
            assert!(pypi(other).is_err(), "{other}");
        }
    }

    #[test]
    fn entries_say_package_version_and_arguments() {
        let launch = |registry, version: Option<&str>, runtime_args: &[&str]| Launch::Package {
            registry,
            identifier: "thing".into(),
            version: version.map(str::to_owned),
            sha256: None,
            runtime: None,
            runtime_args: runtime_args.iter().map(|arg| (*arg).to_owned()).collect(),
            args: vec!["--x".into()],
            env: Vec::new(),
        };
        let text = |launch: &Launch| Wanted::of_entry(launch).map(|w| w.specs[0].text.clone());
        assert_eq!(
            text(&launch(Registry::Npm, Some("1"), &[])).unwrap(),
            "thing@1"
        );
        assert_eq!(
            text(&launch(Registry::Pypi, Some("1"), &[])).unwrap(),
            "thing==1"
        );
        assert_eq!(
            text(&launch(Registry::Pypi, Some(">=1"), &[])).unwrap(),
            "thing>=1"
        );
        assert_eq!(
            text(&launch(Registry::Pypi, Some("latest"), &[])).unwrap(),
            "thing"
        );
        let from = launch(Registry::Pypi, None, &["--from", "other[x]==2"]);
        let wanted = Wanted::of_entry(&from).unwrap();
        assert_eq!(wanted.specs[0].text, "other[x]==2");
        assert_eq!(
            (wanted.program.as_deref(), &*wanted.args),
            (Some("thing"), &["--x".to_owned()][..])
        );
        assert_eq!(wanted.shown(), "pypi:other[x]==2");
        let yes = Wanted::of_entry(&launch(Registry::Npm, Some("1"), &["-y"])).unwrap();
        assert_eq!((yes.specs[0].text.as_str(), yes.args.len()), ("thing@1", 1));
        assert!(text(&launch(Registry::Mcpb, None, &[])).is_err());
        let mut stated = launch(Registry::Npm, None, &[]);
        if let Launch::Package { sha256, .. } = &mut stated {
            *sha256 = Some("00".into());
        }
        assert!(text(&stated).is_err());
        assert!(text(&launch(Registry::Npm, None, &["--registry=http://x"])).is_err());
    }
}
