//! Which images have to be signed, and by whom.
//!
//! Owns the person's rules: `PATTERN=KEY` for images, `catalog:NAME=KEY` for all images of a catalog, and in the place of the
//! key `keyless:IDENTITY issuer ISSUER`. What was found to be signed once is remembered by its digest and signer, so that it
//! starts with every registry out of reach. Refuses with the rule that was broken.

use std::fs;
use std::path::PathBuf;

use catalog::Entry;
use fetch::Trust;
use fetch::images::{
    Identity, ImageName, Registries, SignatureError, Signer, SigningKey, digest_of,
};

/// The person's rules about signatures.
#[derive(Debug, Clone, Default)]
pub struct Signers {
    /// As they are written.
    pub rules: Vec<String>,
    /// Whether an image that no rule is about is refused.
    pub all: bool,
    /// Where is remembered what was signed.
    pub folder: PathBuf,
    /// What `~` stands for.
    pub home: Option<PathBuf>,
}

impl Signers {
    /// The rules about an image: what is written before the `=`, and who has to have signed.
    fn about<'a>(&'a self, entry: &Entry, name: &ImageName) -> Vec<(&'a str, &'a str)> {
        let whole = format!("{}/{}", name.registry(), name.repository());
        let applies = |left: &str| match left.strip_prefix("catalog:") {
            Some(catalog) => entry.origin.from() == catalog,
            None => match left.strip_suffix('*') {
                Some(beginning) => whole.starts_with(beginning),
                None => whole == left,
            },
        };
        let rules = self.rules.iter().filter_map(|rule| rule.split_once('='));
        let rules = rules.map(|(left, key)| (left.trim(), key.trim()));
        rules.filter(|(left, _)| applies(left)).collect()
    }

    /// Whether anything is wanted of an image.
    pub(crate) fn wants(&self, entry: &Entry, image: &str) -> bool {
        self.all || ImageName::parse(image).is_ok_and(|name| !self.about(entry, &name).is_empty())
    }

    /// That an image of this digest is signed as the rules want it: by whom one of those wants that are about it.
    ///
    /// # Errors
    /// It is not, or it cannot be told; in words.
    pub(crate) async fn check(
        &self,
        entry: &Entry,
        image: &str,
        digest: Option<&str>,
        trust: Trust,
    ) -> Result<(), String> {
        if !self.wants(entry, image) {
            return Ok(());
        }
        let name = ImageName::parse(image).map_err(|error| error.to_string())?;
        let rules = self.about(entry, &name);
        if rules.is_empty() {
            return Err(format!(
                "the image \"{image}\" has to be signed (`verify_signatures`), and no key is known for it; add \"{}/{}=KEY.pub\" to `image_keys`",
                name.registry(),
                name.repository()
            ));
        }
        let Some(digest) = digest else {
            return Err(format!(
                "the image \"{image}\" has to be signed, and was made here: nobody can have signed it; fetch it from its registry"
            ));
        };
        let registries = Registries::new(trust);
        let mut why = String::new();
        for (left, right) in rules {
            let signer = self.signer(right)?;
            let remembered = self.remembered(digest, &signer);
            if remembered.exists() {
                return Ok(());
            }
            match registries.signed(&name, digest, &signer).await {
                Ok(()) => {
                    // What cannot be remembered is asked again.
                    let _ =
                        fs::create_dir_all(&self.folder).and_then(|()| fs::write(remembered, ""));
                    return Ok(());
                }
                Err(
                    error @ (SignatureError::Unsigned
                    | SignatureError::OtherKey
                    | SignatureError::OtherSigner(_)),
                ) => {
                    why = format!(
                        "the image \"{image}\" has to be signed by \"{right}\" (`image_keys`: {left}), and {error}; do not run it unless you know why"
                    );
                }
                Err(error) => {
                    return Err(format!(
                        "the image \"{image}\" has to be signed, and {error}"
                    ));
                }
            }
        }
        Err(why)
    }

    /// What is written after the `=`: the file of a key, or `keyless:IDENTITY issuer ISSUER`, with ` root FILE` after it where
    /// others are believed than the public ones.
    fn signer(&self, right: &str) -> Result<Signer, String> {
        let Some(named) = right.strip_prefix("keyless:") else {
            let key = SigningKey::parse(&self.read("the key", right)?);
            return key
                .map(Signer::Key)
                .map_err(|why| format!("\"{right}\" of `image_keys` is no key: {why}"));
        };
        let (identity, rest) = named.split_once(" issuer ").ok_or_else(|| {
            format!(
                "\"{right}\" of `image_keys` names no issuer; write keyless:IDENTITY issuer ISSUER"
            )
        })?;
        let (issuer, root) = match rest.split_once(" root ") {
            Some((issuer, file)) => (issuer, Some(self.read("the trust root", file.trim())?)),
            None => (rest, None),
        };
        Identity::new(identity.trim(), issuer.trim(), root.as_deref())
            .map(Signer::Identity)
            .map_err(|why| format!("\"{right}\" of `image_keys` cannot be used: {why}"))
    }

    fn read(&self, what: &str, file: &str) -> Result<String, String> {
        let path = match (file.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(file),
        };
        fs::read_to_string(&path)
            .map_err(|error| format!("{what} \"{file}\" of `image_keys` cannot be read: {error}"))
    }

    fn remembered(&self, digest: &str, signer: &Signer) -> PathBuf {
        let mark = digest_of(&[digest.as_bytes(), signer.bytes()].concat());
        self.folder.join(mark.trim_start_matches("sha256:"))
    }
}

#[cfg(test)]
mod tests {
    #[cfg(feature = "keyless")]
    mod keyless;

    use catalog::{Launch, Origin, ServerName};

    use super::*;

    fn entry() -> Entry {
        let launch = Launch::Unavailable {
            what: String::new(),
            why: String::new(),
        };
        Entry::new(ServerName::new("x").unwrap(), launch)
    }

    fn signers(rules: &[&str], all: bool) -> Signers {
        Signers {
            rules: rules.iter().map(|rule| (*rule).to_owned()).collect(),
            all,
            folder: "/nowhere".into(),
            home: None,
        }
    }

    #[test]
    fn rules_are_about_images_and_catalogs() {
        let mut entry = entry();
        let signers = signers(
            &[
                "ghcr.io/acme/*=a.pub",
                "docker.io/library/x = b.pub",
                "catalog:team=c.pub",
            ],
            false,
        );
        for (image, wanted) in [
            ("ghcr.io/acme/x:1", true),
            ("ghcr.io/acmeevil/x", false),
            ("x", true),
            ("docker.io/library/x@sha256:aa", false),
            ("docker.io/library/xy", false),
            ("other.example/x", false),
        ] {
            assert_eq!(signers.wants(&entry, image), wanted, "{image}");
        }
        entry.origin = Origin::Catalog("team".into());
        assert!(signers.wants(&entry, "other.example/x"));
        assert!(!self::signers(&[], false).wants(&entry, "x"));
    }

    #[tokio::test]
    async fn what_cannot_be_told_is_refused() {
        let digest = digest_of(b"x");
        let check = async |signers: Signers, digest: Option<&str>| {
            let checked = signers
                .check(&entry(), "127.0.0.1:1/x:1", digest, Trust::Person)
                .await;
            checked.unwrap_err()
        };
        let why = check(signers(&[], true), Some(&digest)).await;
        assert!(why.contains("127.0.0.1:1/x=KEY.pub"), "{why}");
        let why = check(signers(&["*=/no/key"], false), None).await;
        assert!(why.contains("was made here"), "{why}");
        let why = check(signers(&["*=/no/key"], false), Some(&digest)).await;
        assert!(
            why.contains("\"/no/key\" of `image_keys` cannot be read"),
            "{why}"
        );
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join("k.pub");
        fs::write(&key, "nonsense").unwrap();
        let rule = format!("*={}", key.display());
        let why = check(signers(&[&rule], false), Some(&digest)).await;
        assert!(why.contains("is no key"), "{why}");
        for (rule, says) in [
            ("*=keyless:me@acme.test", "names no issuer"),
            (
                "*=keyless:me@acme.test issuer https://acme.test root /no/root",
                "the trust root \"/no/root\" of `image_keys` cannot be read",
            ),
            (
                "*=keyless:* issuer https://acme.test",
                match cfg!(feature = "keyless") {
                    true => "cannot be used: its identity would be anybody's",
                    false => "--features keyless",
                },
            ),
        ] {
            let why = check(signers(&[rule], false), Some(&digest)).await;
            assert!(why.contains(says), "{why}");
        }
    }
}
