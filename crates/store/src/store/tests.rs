//! The state file on a real disk.

use std::fs;
use std::sync::Barrier;

use super::*;
use crate::limits::{KEY_BYTES_MAX, VALUE_BYTES_MAX};

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("state/portolan.db")
    }

    fn open(&self) -> Store {
        Store::open(&self.file()).unwrap()
    }
}

#[test]
fn what_was_put_is_there_after_opening_again() {
    let place = Place::new();
    let mut store = place.open();
    assert_eq!(store.learnt_get("k", "tools").unwrap(), None);
    store.learnt_put("k", "tools", b"one", 1).unwrap();
    store.learnt_put("k", "tools", b"\0\xfftwo", 2).unwrap();
    store.learnt_put("k", "shapes", b"", 2).unwrap();
    store.meta_put("a", "1").unwrap();
    store.meta_put("a", "2").unwrap();
    drop(store);
    let mut store = place.open();
    assert_eq!(
        store.learnt_get("k", "tools").unwrap().as_deref(),
        Some(&b"\0\xfftwo"[..])
    );
    assert_eq!(
        store.learnt_get("k", "shapes").unwrap().as_deref(),
        Some(&b""[..])
    );
    assert_eq!(
        store.learnt_all("tools").unwrap(),
        [("k".to_owned(), b"\0\xfftwo".to_vec())]
    );
    assert_eq!(
        (
            store.meta_get("a").unwrap().as_deref(),
            store.meta_get("b").unwrap()
        ),
        (Some("2"), None)
    );
    store.learnt_remove("k", "tools").unwrap();
    store.learnt_remove("k", "tools").unwrap();
    assert_eq!(store.learnt_get("k", "tools").unwrap(), None);
    assert_eq!(store.path(), place.file());
}

#[test]
fn pruning_forgets_the_old_and_then_the_oldest() {
    let mut store = Store::memory().unwrap();
    for age in 0..10 {
        store.learnt_put(&format!("k{age}"), "t", b"", age).unwrap();
    }
    assert_eq!(store.learnt_prune(3, 5).unwrap(), 5);
    let left: Vec<_> = store
        .learnt_all("t")
        .unwrap()
        .into_iter()
        .map(|(key, _)| key)
        .collect();
    assert_eq!(left, ["k5", "k6", "k7", "k8", "k9"]);
    assert_eq!(store.learnt_prune(0, usize::MAX).unwrap(), 0);
    assert_eq!(store.learnt_prune(i64::MAX, 5).unwrap(), 5);
}

#[test]
fn sizes_are_bounded() {
    let mut store = Store::memory().unwrap();
    let long = "k".repeat(KEY_BYTES_MAX + 1);
    assert!(matches!(
        store.learnt_put(&long, "t", b"", 0),
        Err(StoreError::TooLarge { what: "a key", .. })
    ));
    assert!(matches!(
        store.learnt_put("k", &long, b"", 0),
        Err(StoreError::TooLarge { what: "a kind", .. })
    ));
    let large = vec![0; VALUE_BYTES_MAX + 1];
    assert!(matches!(
        store.learnt_put("k", "t", &large, 0),
        Err(StoreError::TooLarge {
            what: "a value",
            ..
        })
    ));
    assert!(store.learnt_put("k", "t", &large[1..], 0).is_ok());
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let mut store = place.open();
    store.learnt_put("k", "t", b"v", 0).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(place.file().parent().unwrap()), 0o700);
    for entry in fs::read_dir(place.file().parent().unwrap()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    drop(store);
    fs::set_permissions(place.file(), fs::Permissions::from_mode(0o644)).unwrap();
    drop(place.open());
    assert_eq!(mode(&place.file()), 0o600, "one that was open is closed");
}

#[test]
fn two_at_once_see_what_the_other_wrote() {
    let place = Place::new();
    let (mut one, mut two) = (place.open(), place.open());
    one.learnt_put("k", "t", b"one", 1).unwrap();
    assert_eq!(
        two.learnt_get("k", "t").unwrap().as_deref(),
        Some(&b"one"[..])
    );
    two.learnt_put("k", "t", b"two", 2).unwrap();
    assert_eq!(
        one.learnt_get("k", "t").unwrap().as_deref(),
        Some(&b"two"[..])
    );
}

#[test]
fn many_open_and_write_a_new_file_at_once() {
    let place = Place::new();
    let start = Barrier::new(8);
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let (place, start) = (&place, &start);
            scope.spawn(move || {
                start.wait();
                let mut store = place.open();
                for number in 0..20 {
                    store
                        .learnt_put(&format!("{writer}-{number}"), "t", b"v", number)
                        .unwrap();
                }
            });
        }
    });
    assert_eq!(place.open().learnt_all("t").unwrap().len(), 160);
}

#[test]
fn every_earlier_schema_is_brought_up_to_date() {
    for earlier in 0..=migrations::STEPS.len() {
        let place = Place::new();
        fs::create_dir(place.file().parent().unwrap()).unwrap();
        let connection = Connection::open(place.file()).unwrap();
        for step in &migrations::STEPS[..earlier] {
            connection.execute_batch(step).unwrap();
        }
        if earlier >= 1 {
            let put =
                "INSERT INTO learnt (key, kind, value, updated_at) VALUES ('k', 't', x'01', 7)";
            connection.execute_batch(put).unwrap();
        }
        connection
            .pragma_update(None, "user_version", earlier as i64)
            .unwrap();
        drop(connection);

        let mut store = place.open();
        assert_eq!(
            migrations::version(&store.connection).unwrap(),
            migrations::NEWEST
        );
        let kept = store.learnt_get("k", "t").unwrap();
        assert_eq!(
            kept.is_some(),
            earlier >= 1,
            "what schema {earlier} held is still there"
        );
        store.learnt_put("new", "t", b"v", 8).unwrap();
    }
}

#[test]
fn a_newer_schema_is_left_alone() {
    let place = Place::new();
    let store = place.open();
    store
        .connection
        .pragma_update(None, "user_version", migrations::NEWEST + 1)
        .unwrap();
    drop(store);
    let before = fs::read(place.file()).unwrap();
    let error = Store::open(&place.file()).err().unwrap();
    assert!(
        matches!(error, StoreError::Newer { found, known, .. } if (found, known) == (migrations::NEWEST + 1, migrations::NEWEST))
    );
    assert!(
        error.to_string().contains("use the newer version"),
        "{error}"
    );
    assert_eq!(fs::read(place.file()).unwrap(), before);
}

#[test]
fn a_damaged_file_is_named_with_the_way_out() {
    let place = Place::new();
    drop(place.open());
    let good = fs::read(place.file()).unwrap();
    let mut torn = good.clone();
    for byte in &mut torn[100..] {
        *byte = 0xA5;
    }
    for bytes in [
        b"this is no database, whatever its name says".repeat(100),
        torn,
    ] {
        fs::write(place.file(), &bytes).unwrap();
        let error = Store::open(&place.file())
            .and_then(|store| store.learnt_get("k", "t"))
            .err()
            .unwrap();
        let file = place.file().display().to_string();
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
        assert!(
            error
                .to_string()
                .contains(&format!("mv {file} {file}.damaged")),
            "{error}"
        );
        assert_eq!(fs::read(place.file()).unwrap(), bytes, "it is not touched");
    }
}

#[test]
fn a_place_where_nothing_can_be_made() {
    let place = Place::new();
    fs::write(place.0.path().join("state"), "a file, no folder").unwrap();
    let error = Store::open(&place.file()).err().unwrap();
    assert!(matches!(error, StoreError::Open { .. }), "{error}");
    assert!(error.to_string().contains("portolan.db"), "{error}");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn any_key_and_value_comes_back(key in ".{0,40}", kind in ".{0,9}", value in proptest::collection::vec(0_u8.., 0..99)) {
        let mut store = Store::memory().unwrap();
        store.learnt_put(&key, &kind, &value, 0).unwrap();
        proptest::prop_assert_eq!(store.learnt_get(&key, &kind).unwrap(), Some(value));
    }
}
