//! Every kind, allowed, refused and broken.

use std::time::Duration;

use zeroize::Zeroizing;

use super::*;

/// Prints its second word, or fails as its first word says.
struct Echo;

impl Runner for Echo {
    fn run(
        &self,
        words: &[String],
        deadline: Duration,
        bytes_max: usize,
    ) -> Result<Zeroizing<Vec<u8>>, RunError> {
        match words[0].as_str() {
            "echo" => Ok(Zeroizing::new(format!("{}\n", words[1]).into_bytes())),
            "flood" => Err(RunError::TooMuch(bytes_max)),
            "hang" => Err(RunError::Deadline(deadline)),
            "long" => Ok(Zeroizing::new(vec![b'x'; bytes_max])),
            _ => Err(RunError::Start(io::ErrorKind::NotFound.into())),
        }
    }
}

struct Place {
    folder: tempfile::TempDir,
    resolver: Resolver,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let env = folder.path().join("s.env");
        std::fs::write(&env, "both=from-file\nsecond=from-file\n").unwrap();
        let store = Store::in_folder(folder.path());
        let both = SecretName::new("both").unwrap();
        store
            .set(&both, &Secret::new("from-store").unwrap())
            .unwrap();
        let resolver = Resolver {
            named: vec![
                Named::Store(store),
                Named::File(EnvFile::read(&env).unwrap()),
            ],
            home: Some(folder.path().to_owned()),
            credentials: Some(folder.path().to_owned()),
            env: Some(Box::new(|name| match name {
                "THERE" => Some("from-env\n".into()),
                "EMPTY" => Some("".into()),
                _ => None,
            })),
            runner: Some(Box::new(Echo)),
        };
        Self { folder, resolver }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn get(&self, text: &str) -> Result<String, String> {
        let found = self.resolver.resolve(&text.parse().unwrap(), Kinds::ALL);
        found
            .map(|secret| secret.reveal().to_owned())
            .map_err(|error| error.to_string())
    }
}

#[test]
fn every_kind_leads_to_its_value() {
    let place = Place::new();
    let path = place.write("key", b"from-disk\n");
    assert_eq!(place.get("store:both").unwrap(), "from-store");
    assert_eq!(place.get("store:second").unwrap(), "from-file");
    assert_eq!(
        place.get(&format!("file:{}", path.display())).unwrap(),
        "from-disk"
    );
    assert_eq!(place.get("file:~/key").unwrap(), "from-disk");
    assert_eq!(place.get("cred:key").unwrap(), "from-disk");
    assert_eq!(place.get("env:THERE").unwrap(), "from-env\n");
    assert_eq!(place.get("cmd:echo 'a b'").unwrap(), "a b");
}

#[test]
fn what_is_not_there_says_what_to_do() {
    let place = Place::new();
    let wrong = |text| place.get(text).unwrap_err();
    assert!(wrong("store:x.y").ends_with("set it: portolan secret set x.y"));
    assert_eq!(wrong("env:GONE"), "the variable GONE is not set");
    assert_eq!(
        wrong("env:EMPTY"),
        "what the variable EMPTY holds is no secret: the value is empty"
    );
    assert!(wrong("file:~/gone").contains("/gone: No such file"));
    assert!(wrong("cred:gone").contains("/gone: No such file"));
    assert!(wrong("file:/dev/zero").contains("not a regular file"));
}

#[test]
fn a_program_that_fails_is_told_without_its_arguments() {
    let place = Place::new();
    for (text, said) in [
        (
            "cmd:none s3cret",
            "cannot get a secret from `none`: it does not start",
        ),
        ("cmd:hang s3cret", "did not end within 30 s"),
        ("cmd:flood s3cret", "more than 65538 bytes"),
        ("cmd:long s3cret", "the value is longer than 65536 bytes"),
        ("cmd:echo ''", "the value is empty"),
    ] {
        let error = place.get(text).unwrap_err();
        assert!(error.contains(said) && !error.contains("s3cret"), "{error}");
    }
}

#[test]
fn values_have_a_limit_wherever_they_come_from() {
    let place = Place::new();
    place.write("max", &vec![b'x'; VALUE_BYTES_MAX]);
    place.write("over", &vec![b'x'; VALUE_BYTES_MAX + 1]);
    place.write("far", &vec![b'x'; VALUE_BYTES_MAX + 3]);
    place.write("binary", b"\xff\xfe");
    assert!(place.get("file:~/max").is_ok());
    assert!(
        place
            .get("file:~/over")
            .unwrap_err()
            .contains("longer than 65536")
    );
    assert!(place.get("file:~/far").unwrap_err().contains("larger than"));
    assert!(place.get("file:~/binary").unwrap_err().contains("no text"));
}

#[test]
fn an_entry_from_outside_can_only_name() {
    let place = Place::new();
    for text in ["file:/etc/passwd", "env:THERE", "cmd:echo x", "cred:key"] {
        let found = place
            .resolver
            .resolve(&text.parse().unwrap(), Kinds::OUTSIDE);
        assert!(matches!(found, Err(ResolveError::NotAllowed(_))), "{text}");
    }
    let named = "store:both".parse().unwrap();
    assert!(place.resolver.resolve(&named, Kinds::OUTSIDE).is_ok());
    // What belongs to a profile is for those who may anything.
    let own: SecretRef = "store:work/both".parse().unwrap();
    for kinds in [Kinds::OUTSIDE, Kinds::APPROVED] {
        let error = place.resolver.resolve(&own, kinds).unwrap_err();
        assert!(matches!(error, ResolveError::OfProfile(_)), "{error}");
    }
    let error = place.resolver.resolve(&own, Kinds::ALL).unwrap_err();
    assert!(matches!(error, ResolveError::NotSet(_)), "{error}");
}

#[test]
fn what_was_not_given_is_not_available() {
    let nothing = Resolver::default();
    for text in ["file:~/x", "env:PATH", "cmd:echo x", "cred:key"] {
        let found = nothing.resolve(&text.parse().unwrap(), Kinds::ALL);
        assert!(matches!(found, Err(ResolveError::Unavailable(_))), "{text}");
    }
    let named = "store:both".parse().unwrap();
    assert!(matches!(
        nothing.resolve(&named, Kinds::ALL),
        Err(ResolveError::NotSet(_))
    ));
}
