//! What the person of this machine has set for servers: secrets, configuration, approvals, profiles, as they are on the disk now.

use std::path::{Path, PathBuf};

use catalog::limits::PROFILE_SERVERS_MAX;
use catalog::{Entry, Origin, Profile, ProfileServer, Secret, SecretSpec};
use config::ServerConfig;
use gateway::SavedProfile;
use secrets::{EnvFile, Kinds, Named, ResolveError, Resolver, SecretName, SecretRef, Store};
use serde_json::{Map, Value};
use store::StoreHandle;

use crate::choice::SecretPlace;
use crate::error::Failure;
use crate::profiles;
use crate::programs::Programs;
use crate::server_config;
use crate::surroundings::Surroundings;

/// What the command line says beside that.
#[derive(Clone, Default)]
pub(crate) struct Said {
    /// What servers are configured with; it counts more than what was set.
    pub(crate) config: ServerConfig,
    /// Where servers are found.
    pub(crate) catalogs: Vec<PathBuf>,
}

/// A place where secrets are found; a file that cannot be read was told of when the command began.
fn named_in(place: &SecretPlace, store: &Store) -> Option<Named> {
    match place {
        SecretPlace::Store => Some(Named::Store(store.clone())),
        SecretPlace::File(file) => EnvFile::read(file).ok().map(Named::File),
    }
}

/// Where references of this person lead; programs are not run.
pub(crate) fn resolver(here: &Surroundings, named: Vec<Named>) -> Resolver {
    let env = here.env.clone();
    Resolver {
        named,
        home: here.env.folder(config::env::HOME),
        credentials: here.env.folder(config::env::CREDENTIALS_DIRECTORY),
        env: Some(Box::new(move |name| env.os(name))),
        runner: None,
    }
}

/// See the module.
pub(crate) struct LocalPerson {
    here: Surroundings,
    said: Said,
    secrets: Store,
    resolver: Resolver,
    /// Where approvals are kept; without it none can be.
    store: Option<StoreHandle>,
    /// The profile that the gateway runs with.
    profile: Option<String>,
}

impl LocalPerson {
    pub(crate) fn new(here: &Surroundings, said: Said, store: Option<StoreHandle>) -> Self {
        let secrets = here.secret_store();
        let named = here.secrets.iter();
        let named = named
            .filter_map(|place| named_in(place, &secrets))
            .collect();
        let resolver = Resolver {
            runner: Some(Box::new(Programs::new())),
            ..resolver(here, named)
        };
        Self {
            here: here.clone(),
            said,
            secrets,
            resolver,
            store,
            profile: None,
        }
    }

    /// With the approvals that are kept; where there is no store, nothing was approved.
    pub(crate) fn as_kept(here: &Surroundings, said: Said) -> Self {
        let file = here.dirs.store_file();
        let store = file
            .exists()
            .then(|| store::Store::open(&file).ok())
            .flatten();
        let store = store.and_then(|store| StoreHandle::start(store).ok());
        Self::new(here, said, store)
    }

    /// With the servers of this profile among the configured ones.
    pub(crate) fn running(self, profile: Option<String>) -> Self {
        Self { profile, ..self }
    }

    /// A secret, from where it is said to lie; none where nothing is set.
    fn find(
        &self,
        entry: &Entry,
        spec: &SecretSpec,
    ) -> Result<Option<secrets::Secret>, ResolveError> {
        if let Some(reference) = entry.references.get(&spec.name) {
            return self.follow(reference, Kinds::ALL);
        }
        if let Ok(name) = SecretName::new(&spec.name)
            && let Some(own) = self.resolver.named(&name)?
        {
            return Ok(Some(own));
        }
        match &spec.from {
            Some(reference) => self.follow(reference, self.kinds(entry)),
            None => Ok(None),
        }
    }

    fn follow(
        &self,
        reference: &str,
        kinds: Kinds,
    ) -> Result<Option<secrets::Secret>, ResolveError> {
        let Ok(reference) = reference.parse::<SecretRef>() else {
            return Ok(None);
        };
        match self.resolver.resolve(&reference, kinds) {
            Err(
                ResolveError::NotSet(_)
                | ResolveError::NoVariable(_)
                | ResolveError::NotAllowed(_)
                | ResolveError::OfProfile(_),
            ) => Ok(None),
            other => other.map(Some),
        }
    }

    /// What an entry itself may refer to.
    fn kinds(&self, entry: &Entry) -> Kinds {
        match &entry.origin {
            Origin::Own => Kinds::ALL,
            _ if gateway::Person::is_approved(self, entry) => Kinds::APPROVED,
            _ => Kinds::OUTSIDE,
        }
    }

    /// Whether a program tells this secret. It is not run to find out whether it would.
    fn is_told_by_a_program(&self, entry: &Entry, spec: &SecretSpec) -> bool {
        let (reference, kinds) = match (entry.references.get(&spec.name), &spec.from) {
            (Some(reference), _) => (reference, Kinds::ALL),
            (None, Some(from)) => (from, self.kinds(entry)),
            (None, None) => return false,
        };
        let reference: Result<SecretRef, _> = reference.parse();
        reference.is_ok_and(|one| one.kind() == secrets::Kind::Cmd && kinds.allow(one.kind()))
    }

    /// The secrets that a profile has of its own come before the others, unless it says where they come from.
    pub(crate) fn with_own_secrets(&self, profile: &mut Profile) {
        // What cannot be read is told when it is needed.
        let known = self.secrets.names().unwrap_or_default();
        for server in &mut profile.servers {
            for spec in &server.entry.about.secrets {
                let own = SecretName::new(&spec.name);
                let own = own.and_then(|name| name.in_profile(&profile.name));
                if let Ok(own) = own
                    && known.contains(&own)
                {
                    let reference = SecretRef::Store(own).to_string();
                    server.secrets.entry(spec.name.clone()).or_insert(reference);
                }
            }
        }
    }
}

impl gateway::Person for LocalPerson {
    fn has_secret(&self, entry: &Entry, spec: &SecretSpec) -> bool {
        self.is_told_by_a_program(entry, spec)
            || self.find(entry, spec).is_ok_and(|found| found.is_some())
    }

    fn secret(&self, entry: &Entry, spec: &SecretSpec) -> Result<Option<Secret>, String> {
        let found = self.find(entry, spec).map_err(|error| error.to_string())?;
        Ok(found.map(|secret| Secret::new(secret.reveal())))
    }

    fn config(&self, server: &str) -> Map<String, Value> {
        // A file that cannot be read sets nothing; what then is missing is told with its name.
        let all = config::load_server_config(&self.here.dirs).unwrap_or_default();
        let mut config = all.get(server).cloned().unwrap_or_default();
        config.extend(self.said.config.get(server).cloned().unwrap_or_default());
        config
    }

    fn is_approved(&self, entry: &Entry) -> bool {
        let Some(store) = &self.store else {
            return false;
        };
        let known = store.with(|store| store.meta_get(&approval(entry)));
        known.is_ok_and(|known| known.is_some())
    }

    fn approve(&self, entry: &Entry) -> Result<(), String> {
        let store = self.store.as_ref().ok_or("there is no store")?;
        store
            .with(|store| store.meta_put(&approval(entry), entry.name.as_str()))
            .map_err(|error| error.to_string())
    }

    fn profile(&self, name: &str) -> Result<Profile, String> {
        let mut profile = profiles::get(&self.here, name).map_err(|failure| told(&failure))?;
        if let Some(problem) = profile.problems.iter().find(|problem| problem.is_error()) {
            return Err(problem.to_string());
        }
        self.with_own_secrets(&mut profile);
        let vouched = profiles::vouched(&self.here);
        for server in &mut profile.servers {
            server.entry.is_approved = vouched.contains(&server.entry.mark());
        }
        Ok(profile)
    }

    fn save_profile(
        &self,
        name: &str,
        servers: Vec<ProfileServer>,
        configured: &[String],
    ) -> Result<SavedProfile, String> {
        let running = self.profile.as_ref();
        let running = running.and_then(|running| profiles::get(&self.here, running).ok());
        let carried = configured
            .iter()
            .filter_map(|name| running.as_ref()?.get(name).cloned())
            .collect();
        let name = profiles::name(name).map_err(|failure| told(&failure))?;
        let saved = config::change_profile(&self.here.dirs, &name, |known| {
            let is_new = known.is_none();
            let profile = known.get_or_insert_with(|| Profile::new(&name));
            put_in(profile, servers, carried)?;
            Ok(SavedProfile {
                servers: profile.names().map(str::to_owned).collect(),
                is_new,
            })
        });
        saved.map_err(|problem| problem.to_string())?
    }

    fn how_to_approve(&self, entry: &Entry) -> String {
        // What only this command line names, the other has to name too.
        let given = self.said.catalogs.iter();
        match given
            .rev()
            .find(|path| Path::new(&entry.source).starts_with(path))
        {
            Some(path) => {
                let cwd = self.here.cwd.as_deref().unwrap_or(Path::new(""));
                format!(
                    "portolan server enable {} --catalog {}",
                    entry.name,
                    quoted(&cwd.join(path))
                )
            }
            None => gateway::enable_command(entry),
        }
    }

    fn keep_secret(
        &self,
        _: &Entry,
        spec: &SecretSpec,
        value: &secrets::Secret,
    ) -> Result<(), String> {
        let name = SecretName::new(&spec.name).map_err(|error| error.to_string())?;
        config::private_dir(&self.here.dirs.state).map_err(|error| error.to_string())?;
        let kept = self.secrets.set(&name, value);
        kept.map(drop).map_err(|error| error.to_string())
    }

    fn keeps_secrets_in(&self) -> String {
        format!("the encrypted file {}", self.secrets.path().display())
    }
}

/// Puts servers in. One that is there keeps its snapshot and what the person has set; of another snapshot nothing is known that
/// a model may set here.
fn put_in(
    profile: &mut Profile,
    servers: Vec<ProfileServer>,
    carried: Vec<ProfileServer>,
) -> Result<(), String> {
    for server in servers {
        match profile.get_mut(server.entry.name.as_str()) {
            Some(known) if known.entry.mark() == server.entry.mark() => {
                server_config::extend(&mut known.config, server.config);
            }
            Some(_) => {}
            None => profile.servers.push(server),
        }
    }
    for server in carried {
        if profile.get(server.entry.name.as_str()).is_none() {
            profile.servers.push(server);
        }
    }
    match profile.servers.len() {
        0 => Err(
            "the servers of this conversation are there in every other, too; add one with mcp-add"
                .to_owned(),
        ),
        1..=PROFILE_SERVERS_MAX => Ok(()),
        _ => Err(format!(
            "a profile has at most {PROFILE_SERVERS_MAX} servers"
        )),
    }
}

/// In one line.
fn told(failure: &Failure) -> String {
    let mut line = failure.message().to_owned();
    for hint in failure.hints() {
        line.push_str(&format!("; {hint}"));
    }
    line
}

/// As a shell takes it for one word.
pub(crate) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@%:,".contains(c);
    match text.chars().all(is_plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// What the names of all approvals begin with.
pub(crate) const APPROVALS: &str = "approved/";

/// Under what an approval is kept: an entry that changes needs a new one.
pub(crate) fn approval(entry: &Entry) -> String {
    format!("{APPROVALS}{}", entry.mark())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_one_word_for_a_shell() {
        for (path, word) in [
            ("/a/b-c_1.yaml", "/a/b-c_1.yaml"),
            ("/a b/c", "'/a b/c'"),
            ("/it's", r"'/it'\''s'"),
            ("/$(x)", "'/$(x)'"),
        ] {
            assert_eq!(quoted(Path::new(path)), word);
        }
    }
}
