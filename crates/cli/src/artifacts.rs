//! Profiles and catalogs in registries of images, as commands push and pull them. Owns whose account is used (what `docker login`
//! left), what is looked for before anything leaves, and how failures are told.

use catalog::{Artifact, Catalog, Form, ImportFile, Origin, Profile, recognise_catalog};
use config::Login;
use fetch::Why;
use fetch::images::{
    Account, ArtifactError, ArtifactKind, ImageError, ImageName, PulledArtifact, Registries,
};
use secrets::{Depth, scan};
use serde::Serialize;

use crate::engine;
use crate::error::{Failure, Kind};
use crate::own_catalogs::reference;
use crate::profiles;
use crate::surroundings::Surroundings;
use crate::ui::{Label, Line, Ui};

/// How something is pushed.
#[derive(Debug, clap::Args)]
pub(crate) struct Pushing {
    /// Push it although something in it looks like a credential
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
struct Pushed {
    r#ref: String,
    digest: String,
    own_only: Vec<String>,
}

/// Pushes a document, and says so.
pub(crate) fn push(
    ui: &Ui,
    here: &Surroundings,
    word: &str,
    kind: ArtifactKind,
    artifact: &Artifact,
    pushing: &Pushing,
) -> Result<(), Failure> {
    let reference = reference(word)?;
    let name = parsed(&reference)?;
    if let Some(found) = scan(artifact.text.as_bytes(), Depth::Sure).first()
        && !pushing.force
    {
        let message = format!(
            "nothing was pushed: what looks like a credential ({}) stands in it",
            found.rule
        );
        return Err(Failure::new(Kind::Denied, message)
            .hint("keep it with `portolan secret set`, and name it as ${VARIABLE} of a secret")
            .hint("--force pushes it nevertheless"));
    }
    let (registries, helper) = registries(here, name.registry())?;
    let pushed = engine::block_on(engine::unless_interrupted(async {
        let pushed = registries.push_artifact(&name, kind, &artifact.text).await;
        pushed.map_err(|error| failed(&reference, &error, helper.as_deref()))
    }))?;
    let pushed = Pushed {
        r#ref: reference,
        digest: pushed,
        own_only: artifact.own_only.clone(),
    };
    if !pushed.own_only.is_empty() {
        let message = format!(
            "only Portolan can read {} there: others know no servers of their kind",
            pushed.own_only.join(", ")
        );
        ui.warn(&message, &[]);
    }
    ui.value(&pushed, |ui| {
        let line = Line::new().put(Label::Name, pushed.r#ref.clone());
        ui.data(&line.text(format!("@{} is pushed", pushed.digest)));
    })
}

/// A profile of a registry, with its reference as the origin of every server.
pub(crate) fn pull_profile(here: &Surroundings, word: &str) -> Result<Profile, Failure> {
    let (reference, pulled) = pull(here, word, ArtifactKind::Profile)?;
    let stem = parsed(&reference)?
        .repository()
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_owned();
    let origin = Origin::Oci(reference.as_str().into());
    catalog::read_profile(&pulled.text, &stem, &reference, &origin)
        .map_err(|problem| profiles::failed(&problem))
}

/// A catalog of a registry, with its reference as the origin of every server.
pub(crate) fn pull_catalog(here: &Surroundings, word: &str) -> Result<Catalog, Failure> {
    let (reference, pulled) = pull(here, word, ArtifactKind::Catalog)?;
    match recognise_catalog(&pulled.text, &reference) {
        Ok(Form::DockerArtifact) => {}
        Ok(form) => {
            let message = format!(
                "{reference}: its document is a {}, which none of its type is",
                form.as_str()
            );
            return Err(Failure::new(Kind::Config, message));
        }
        Err(problem) => return Err(profiles::failed(&problem)),
    }
    let origin = Origin::Oci(reference.as_str().into());
    let file = ImportFile {
        path: reference.clone(),
        text: pulled.text,
    };
    Ok(Catalog {
        reference: Some(reference),
        ..catalog::import("catalog", &[file], &origin)
    })
}

fn pull(
    here: &Surroundings,
    word: &str,
    kind: ArtifactKind,
) -> Result<(String, PulledArtifact), Failure> {
    // A digest is one, too: then it is the only one that is taken.
    let name = parsed(word)?;
    let reference = match name.digest() {
        Some(_) => name.to_string(),
        None => reference(word)?,
    };
    let (registries, helper) = registries(here, name.registry())?;
    let pulled = engine::block_on(engine::unless_interrupted(async {
        let pulled = registries.pull_artifact(&name, kind).await;
        pulled.map_err(|error| failed(&reference, &error, helper.as_deref()))
    }))?;
    Ok((reference, pulled))
}

fn parsed(word: &str) -> Result<ImageName, Failure> {
    ImageName::parse(word).map_err(|error| Failure::usage(error.to_string()))
}

/// With the account that Docker has there; else the program of Docker's that has it.
fn registries(
    here: &Surroundings,
    registry: &str,
) -> Result<(Registries, Option<String>), Failure> {
    let login = config::docker_login(&here.env, registry).map_err(|why| {
        Failure::new(
            Kind::Config,
            "the accounts of `docker login` cannot be read",
        )
        .hint(why)
    })?;
    let (account, helper) = match login {
        Login::None => (None, None),
        Login::Kept(encoded) => (Account::new(encoded.reveal()), None),
        Login::Helper(helper) => (None, Some(helper)),
    };
    Ok((Registries::for_artifacts(account), helper))
}

fn failed(reference: &str, error: &ArtifactError, helper: Option<&str>) -> Failure {
    let message = format!("{reference}: {error}");
    match error {
        ArtifactError::Image(ImageError::Account(registry)) => {
            let message =
                format!("{reference}: the registry {registry} wants an account that may do this");
            let hint = match helper {
                Some(helper) => format!(
                    "Docker keeps it with `docker-credential-{helper}`, which is not asked: take `credsStore` and `credHelpers` out of its config.json, and `docker login {registry}` again"
                ),
                None => format!("docker login {registry}"),
            };
            Failure::new(Kind::Unauthenticated, message).hint(hint)
        }
        ArtifactError::Image(ImageError::Missing(registry)) => {
            let message = format!(
                "{reference}: the registry has nothing of that name, or does not show it to you"
            );
            Failure::new(Kind::NotFound, message)
                .hint(format!("if it is not public: docker login {registry}"))
        }
        ArtifactError::Image(ImageError::Registry {
            why: Why::Slow(_), ..
        }) => Failure::new(Kind::Timeout, message),
        ArtifactError::Image(ImageError::Registry { .. }) => Failure::new(Kind::Failed, message)
            .hint("check the reference and the network, and try again"),
        ArtifactError::Other { .. } => Failure::new(Kind::Failed, message)
            .hint("`portolan profile pull` is for profiles, `portolan catalog pull` for catalogs"),
        ArtifactError::Version { .. } => {
            Failure::new(Kind::Failed, message).hint("a later Portolan may know it")
        }
        _ => Failure::new(Kind::Failed, message),
    }
}
