//! The values of an entry in which templates may stand, each with where that is. Owns the list; next: `resolve`, which
//! fills them in, and `privileged`, which judges by the place.

use crate::template::Template;
use crate::{Entry, Launch, Network, TemplateError, USER_CONFIG};

/// Where a template stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    /// The program, an argument, or whom it runs as.
    CommandLine,
    /// A variable of the environment.
    Env(&'a str),
    /// A volume.
    Volume,
    /// The address of a remote server.
    Url,
    /// A header.
    Header,
    /// A host that may be reached, or is given an address.
    Host,
}

impl<'a> Place<'a> {
    /// What a package is given under this name. What is set for a bundle may stand in its command line: nothing tells where
    /// before it is unpacked.
    pub(crate) fn of_pair(name: &'a str) -> Self {
        match name.starts_with(USER_CONFIG) {
            true => Self::CommandLine,
            false => Self::Env(name),
        }
    }
}

impl Entry {
    /// Every value that may hold a template.
    pub(crate) fn places(&self) -> Vec<(Place<'_>, &str)> {
        let mut out: Vec<(Place<'_>, &str)> = Vec::new();
        match &self.launch {
            Launch::Command {
                command, args, env, ..
            } => {
                out.push((Place::CommandLine, command));
                all(&mut out, Place::CommandLine, args);
                named(&mut out, Place::Env, env);
            }
            Launch::Package {
                runtime_args,
                args,
                env,
                ..
            } => {
                all(&mut out, Place::CommandLine, runtime_args);
                all(&mut out, Place::CommandLine, args);
                named(&mut out, Place::of_pair, env);
            }
            Launch::Container {
                command,
                env,
                user,
                extra_hosts,
                ..
            } => {
                all(&mut out, Place::CommandLine, command);
                named(&mut out, Place::Env, env);
                out.extend(user.iter().map(|user| (Place::CommandLine, user.as_str())));
                all(&mut out, Place::Host, extra_hosts);
            }
            Launch::Remote { url, headers, .. } => {
                out.push((Place::Url, url));
                named(&mut out, |_| Place::Header, headers);
            }
            Launch::OneShot { env, .. } => named(&mut out, Place::Env, env),
            Launch::Unavailable { .. } => {}
        }
        all(&mut out, Place::Volume, &self.volumes);
        if let Network::Hosts(hosts) = &self.network {
            all(&mut out, Place::Host, hosts);
        }
        out
    }

    /// A value of this entry, taken apart.
    pub(crate) fn template(&self, text: &str) -> Result<Template, (TemplateError, usize)> {
        let is_secret = |name: &str| self.about.secrets.iter().any(|secret| secret.env == name);
        Template::parse(text, self.name.as_str(), &is_secret)
    }
}

fn all<'a>(out: &mut Vec<(Place<'a>, &'a str)>, place: Place<'a>, texts: &'a [String]) {
    out.extend(texts.iter().map(|text| (place, text.as_str())));
}

fn named<'a>(
    out: &mut Vec<(Place<'a>, &'a str)>,
    place: impl Fn(&'a str) -> Place<'a>,
    pairs: &'a [(String, String)],
) {
    out.extend(
        pairs
            .iter()
            .map(|(name, text)| (place(name), text.as_str())),
    );
}
