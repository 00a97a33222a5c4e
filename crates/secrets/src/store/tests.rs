//! The store on a real disk, whole and broken.

mod passphrase;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use proptest::prelude::*;

use super::*;
use crate::limits::{STORE_BYTES_MAX, VALUE_BYTES_MAX};

struct Home {
    folder: tempfile::TempDir,
    store: Store,
}

fn home() -> Home {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::in_folder(folder.path());
    Home { folder, store }
}

fn name(text: &str) -> SecretName {
    SecretName::new(text).unwrap()
}

fn secret(text: &str) -> Secret {
    Secret::new(text).unwrap()
}

impl Home {
    /// With two secrets in it.
    fn filled() -> Self {
        let home = home();
        home.set("a.one", "value-one");
        home.set("b.two", "value-two");
        home
    }

    fn set(&self, key: &str, value: &str) -> bool {
        self.store.set(&name(key), &secret(value)).unwrap()
    }

    fn get(&self, key: &str) -> Option<String> {
        let found = self.store.get(&name(key)).unwrap();
        found.map(|secret| secret.reveal().to_owned())
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(self.store.path()).unwrap()
    }

    fn files(&self) -> Vec<String> {
        let all = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> = all
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Every way to use it fails alike, and no byte of it changes.
    fn refuses(&self, said: &str) {
        let before = self.bytes();
        let key = name("a.one");
        let errors = [
            self.store.names().unwrap_err(),
            self.store.get(&key).unwrap_err(),
            self.store.set(&key, &secret("new")).unwrap_err(),
            self.store.set(&name("c"), &secret("new")).unwrap_err(),
            self.store.remove(&[key]).unwrap_err(),
        ];
        for error in errors {
            let error = error.to_string();
            assert!(error.contains(said), "{error}");
            assert!(!error.contains("value-"), "{error}");
        }
        assert_eq!(self.bytes(), before);
    }
}

#[test]
fn what_is_set_is_there() {
    let home = home();
    assert_eq!(home.store.names().unwrap(), []);
    assert_eq!(home.get("x"), None);
    assert_eq!(home.files(), [""; 0], "looking makes no file");
    assert!(!home.set("x", "1"));
    assert!(!home.set("server.key", "two\nlines, é"));
    assert!(home.set("x", "3"));
    assert_eq!(home.store.names().unwrap(), [name("server.key"), name("x")]);
    assert_eq!(home.get("server.key").as_deref(), Some("two\nlines, é"));
    assert_eq!(home.get("x").as_deref(), Some("3"));
    home.store.remove(&[name("x")]).unwrap();
    assert_eq!(home.get("x"), None);
    assert_eq!(home.files(), ["secrets", "secrets.key", "secrets.lock"]);
}

#[test]
fn the_files_tell_nothing_and_are_ours_alone() {
    let home = Home::filled();
    for file in home.files() {
        let path = home.folder.path().join(file);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{path:?}");
        let text = String::from_utf8(fs::read(&path).unwrap()).unwrap();
        assert!(!text.contains("value-"), "{text}");
    }
}

#[test]
fn removing_is_all_or_nothing() {
    let home = Home::filled();
    let error = home.store.remove(&[name("a.one"), name("c")]).unwrap_err();
    assert!(matches!(error, StoreError::NotSet { name, .. } if name.as_str() == "c"));
    assert_eq!(home.store.names().unwrap().len(), 2);
    home.store
        .remove(&[name("a.one"), name("b.two"), name("a.one")])
        .unwrap();
    assert_eq!(home.store.names().unwrap(), []);
    home.store.remove(&[]).unwrap();
    let nowhere = Store::in_folder(&home.folder.path().join("gone"));
    let error = nowhere.remove(&[name("x")]).unwrap_err();
    assert!(matches!(error, StoreError::NotSet { .. }));
}

#[test]
fn every_cut_and_every_changed_byte_is_seen() {
    let home = Home::filled();
    let whole = home.bytes();
    for cut in 0..whole.len() {
        fs::write(home.store.path(), &whole[..cut]).unwrap();
        let error = home.store.names().unwrap_err();
        let seen = matches!(
            error,
            StoreError::Damaged { .. } | StoreError::WrongKey { .. } | StoreError::Newer { .. }
        );
        assert!(seen, "{cut}: {error}");
    }
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(home.store.path(), &bytes).unwrap();
        assert!(home.store.names().is_err(), "byte {at}");
    }
    fs::write(home.store.path(), &whole[..whole.len() - 9]).unwrap();
    home.refuses("are damaged: ");
    fs::write(home.store.path(), &whole).unwrap();
    assert_eq!(home.get("a.one").as_deref(), Some("value-one"));
}

#[test]
fn lines_that_are_lost_or_moved_are_seen() {
    let home = Home::filled();
    let text = String::from_utf8(home.bytes()).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let [head, one, two, end] = lines[..] else {
        panic!("{text}");
    };
    let renamed = one.replace("a.one", "a.two");
    for broken in [
        [head, two, end].join("\n"),
        [head, two, one, end].join("\n"),
        [head, &renamed, two, end].join("\n"),
        [head, one, two, end, end].join("\n"),
        [head, one, two].join("\n"),
    ] {
        fs::write(home.store.path(), format!("{broken}\n")).unwrap();
        home.refuses("are damaged: ");
    }
    fs::write(home.store.path(), "").unwrap();
    home.refuses("does not begin as our files do");
}

#[test]
fn a_file_of_tomorrow_is_left_alone() {
    let home = Home::filled();
    let text = String::from_utf8(home.bytes()).unwrap();
    for newer in [
        text.replace("secrets 1 ", "secrets 2 "),
        text.replace(" keyfile ", " passphrase "),
    ] {
        fs::write(home.store.path(), newer).unwrap();
        home.refuses("was written by a newer version");
    }
}

#[test]
fn a_key_that_is_wrong_missing_or_broken_is_told_and_never_replaced() {
    let home = Home::filled();
    let key = home.folder.path().join("secrets.key");
    let right = fs::read(&key).unwrap();
    let other = Home::filled();
    fs::write(
        &key,
        fs::read(other.folder.path().join("secrets.key")).unwrap(),
    )
    .unwrap();
    home.refuses("does not belong to");
    fs::write(&key, &right[..20]).unwrap();
    home.refuses("it holds no key");
    fs::write(&key, vec![b'x'; crate::limits::KEY_FILE_BYTES_MAX + 1]).unwrap();
    home.refuses("larger than 4096 bytes");
    fs::remove_file(&key).unwrap();
    home.refuses("is missing");
    assert!(!key.exists());
    std::os::unix::fs::symlink(home.folder.path().join("unplugged"), &key).unwrap();
    home.refuses("secrets.key");
}

#[test]
fn a_key_that_others_can_read_is_refused_with_the_way_to_close_it() {
    let home = Home::filled();
    let key = home.folder.path().join("secrets.key");
    for mode in [0o640, 0o604, 0o602] {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        home.refuses(&format!(
            "(mode {mode:o}); close it: chmod 600 {}",
            key.display()
        ));
    }
    fs::set_permissions(&key, fs::Permissions::from_mode(0o400)).unwrap();
    assert_eq!(home.get("a.one").as_deref(), Some("value-one"));
}

#[test]
fn a_key_that_is_there_before_the_store_is_used() {
    let home = Home::filled();
    fs::remove_file(home.store.path()).unwrap();
    let key = fs::read(home.folder.path().join("secrets.key")).unwrap();
    home.set("x", "1");
    assert_eq!(
        fs::read(home.folder.path().join("secrets.key")).unwrap(),
        key
    );
}

#[test]
fn a_link_is_followed() {
    let home = Home::filled();
    let elsewhere = home.folder.path().join("elsewhere");
    fs::rename(home.store.path(), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, home.store.path()).unwrap();
    home.set("c", "3");
    assert!(home.store.path().is_symlink());
    assert_eq!(home.store.names().unwrap().len(), 3);
}

#[test]
fn a_change_that_cannot_be_written_leaves_the_store_as_it_was() {
    let home = Home::filled();
    let in_the_way = home.folder.path().join("secrets.new");
    fs::create_dir(&in_the_way).unwrap();
    let before = home.bytes();
    let error = home.store.set(&name("c"), &secret("x")).unwrap_err();
    assert!(
        matches!(error, StoreError::File { doing: "write", .. }),
        "{error}"
    );
    assert_eq!(home.bytes(), before);
    fs::remove_dir(&in_the_way).unwrap();
    fs::write(
        &in_the_way,
        "half of a file, left by somebody who was killed",
    )
    .unwrap();
    home.set("c", "x");
    assert!(!in_the_way.exists());
}

#[test]
fn a_lock_that_is_held_is_waited_for_and_then_told() {
    let home = Home::filled();
    let held = disk::lock(&home.store.lock, LOCK_WAIT).unwrap();
    let impatient = Store {
        wait: Duration::ZERO,
        ..home.store.clone()
    };
    for error in [
        impatient.set(&name("a.one"), &secret("x")).unwrap_err(),
        impatient.remove(&[name("a.one")]).unwrap_err(),
    ] {
        assert!(error.to_string().contains("secrets.lock"), "{error}");
        assert!(matches!(error, StoreError::Busy { .. }));
    }
    assert_eq!(
        impatient.get(&name("a.one")).unwrap(),
        Some(secret("value-one"))
    );
    let waiting = home.store.clone();
    let thread = std::thread::spawn(move || waiting.set(&name("c"), &secret("x")));
    drop(held);
    thread.join().unwrap().unwrap();
    assert_eq!(home.store.names().unwrap().len(), 3);
}

#[test]
fn threads_that_set_at_once_lose_nothing() {
    let home = home();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let store = &home.store;
            scope.spawn(move || {
                for turn in 0..5 {
                    store
                        .set(&name(&format!("t{thread}.{turn}")), &secret("x"))
                        .unwrap();
                }
            });
        }
    });
    assert_eq!(home.store.names().unwrap().len(), 40);
}

#[test]
fn the_store_has_limits() {
    let home = home();
    let keys = Keys::of(&key::random().unwrap()).unwrap();
    let mut sealed = Sealed::default();
    for number in 0..SECRETS_MAX {
        sealed.insert(name(&format!("n{number}")), vec![0; 40]);
    }
    fs::create_dir_all(home.folder.path()).unwrap();
    let text = file::write(home.store.path(), &sealed, &keys).unwrap();
    assert!(text.len() < STORE_BYTES_MAX);
    for number in 0..300 {
        sealed.insert(name(&format!("n{number}")), vec![0; VALUE_BYTES_MAX]);
    }
    let error = file::write(home.store.path(), &sealed, &keys);
    assert!(matches!(error, Err(StoreError::TooLarge { .. })));

    home.set("n0", "x"); // makes the key
    let keys = Keys::of(&home.store.own_key().unwrap()).unwrap();
    let mut sealed = Sealed::default();
    for number in 0..SECRETS_MAX {
        sealed.insert(name(&format!("n{number}")), vec![0; 40]);
    }
    home.store.write(&keys, &sealed).unwrap();
    assert!(home.set("n1", "in the place of another"));
    let error = home.store.set(&name("one-more"), &secret("x")).unwrap_err();
    assert!(matches!(error, StoreError::TooMany { .. }), "{error}");
    assert_eq!(home.store.names().unwrap().len(), SECRETS_MAX);
    home.set("n2", &"x".repeat(VALUE_BYTES_MAX));
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let home = Home::filled();
    let file = fs::OpenOptions::new()
        .write(true)
        .open(home.store.path())
        .unwrap();
    file.set_len(STORE_BYTES_MAX as u64 + 1).unwrap();
    let error = home.store.names().unwrap_err();
    assert!(error.to_string().contains("larger than"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn it_is_a_map(steps in prop::collection::vec(("[a-e]", prop::option::of("[^\0]{1,40}")), 1..16)) {
        let home = home();
        let mut model = BTreeMap::new();
        for (key, value) in steps {
            match value {
                Some(value) => prop_assert_eq!(home.set(&key, &value), model.insert(key, value).is_some()),
                None => prop_assert_eq!(home.store.remove(&[name(&key)]).is_ok(), model.remove(&key).is_some()),
            }
        }
        let names: Vec<_> = model.keys().map(|key| name(key)).collect();
        prop_assert_eq!(home.store.names().unwrap(), names);
        for (key, value) in model {
            prop_assert_eq!(home.get(&key), Some(value));
        }
    }

    #[test]
    fn no_file_makes_it_fail_otherwise_than_by_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200), head: bool) {
        let home = Home::filled();
        let mut all = if head { home.bytes()[..60].to_vec() } else { Vec::new() };
        all.extend(bytes);
        fs::write(home.store.path(), all).unwrap();
        prop_assert!(home.store.names().is_err());
    }
}
