//! A key that a passphrase locks: who has it, who has not, and that nothing is lost on the way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// The store of a home as somebody opens it who says this; and how often that was asked for.
fn opened(home: &Home, says: &'static str) -> (Store, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let store = Store {
        cost: Cost {
            memory_kib: 32,
            passes: 1,
        },
        ..home.store.clone()
    };
    let store = store.opened_by(Passphrase::asked_by(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        Secret::new(says).map_err(|_| "there is none".to_owned())
    }));
    (store, asked)
}

fn locked() -> Home {
    let home = Home::filled();
    let (store, _) = opened(&home, "");
    store.lock_with(Some(&secret("right horse"))).unwrap();
    home
}

#[test]
fn it_is_asked_for_once_and_everything_is_as_before() {
    let home = locked();
    let (store, asked) = opened(&home, "right horse");
    assert!(store.is_locked().unwrap());
    assert_eq!(
        store.get(&name("a.one")).unwrap(),
        Some(secret("value-one"))
    );
    store.set(&name("c"), &secret("x")).unwrap();
    assert_eq!(store.names().unwrap().len(), 3);
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    // Neither the key nor a value stands anywhere.
    let key = fs::read_to_string(home.folder.path().join("secrets.key")).unwrap();
    assert!(
        key.starts_with("portolan-secrets-key-2 argon2id 32 1 "),
        "{key}"
    );
    assert!(!key.contains("right horse"));
}

#[test]
fn without_it_nothing_is_read_and_nothing_is_written() {
    let key = |home: &Home| fs::read(home.folder.path().join("secrets.key")).unwrap();
    let mut home = locked();
    let before = key(&home);
    home.refuses("nobody is there to be asked");
    for (says, said) in [("", "there is none"), ("wrong horse", "not the passphrase")] {
        let (store, asked) = opened(&home, says);
        home.store = store;
        home.refuses(said);
        let error = home.store.lock_with(None).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
        // Each time, for it may be another now.
        assert_eq!(asked.load(Ordering::Relaxed), 6);
    }
    assert_eq!(key(&home), before);
    assert_eq!(opened(&home, "right horse").0.names().unwrap().len(), 2);
}

#[test]
fn it_can_be_changed_and_taken_off() {
    let home = locked();
    let (store, _) = opened(&home, "right horse");
    store.lock_with(Some(&secret("other horse"))).unwrap();
    assert!(opened(&home, "right horse").0.names().is_err());
    let (store, _) = opened(&home, "other horse");
    store.lock_with(None).unwrap();
    assert!(!home.store.is_locked().unwrap());
    assert_eq!(home.get("b.two").as_deref(), Some("value-two"));
}

#[test]
fn a_new_store_can_begin_locked_and_a_short_passphrase_locks_none() {
    let home = home();
    let (store, _) = opened(&home, "right horse");
    let error = store.lock_with(Some(&secret("horse"))).unwrap_err();
    assert!(
        error.to_string().contains("at least 8 characters"),
        "{error}"
    );
    store.lock_with(Some(&secret("right horse"))).unwrap();
    store.set(&name("a"), &secret("x")).unwrap();
    assert!(home.store.names().is_err());
    assert_eq!(opened(&home, "right horse").0.names().unwrap(), [name("a")]);
}

#[test]
fn a_key_of_another_store_is_not_written_over() {
    let home = Home::filled();
    let key = home.folder.path().join("secrets.key");
    fs::write(&key, key::line(&key::random().unwrap()).as_bytes()).unwrap();
    let before = fs::read(&key).unwrap();
    let (store, _) = opened(&home, "right horse");
    let error = store.lock_with(Some(&secret("right horse"))).unwrap_err();
    assert!(matches!(error, StoreError::WrongKey { .. }), "{error}");
    assert_eq!(fs::read(&key).unwrap(), before);
}

#[test]
fn what_is_remembered_has_an_end() {
    let home = home();
    let passphrase = Passphrase::asked_by(|| Ok(Secret::new("right horse").unwrap()));
    let cost = Cost {
        memory_kib: 32,
        passes: 1,
    };
    for _ in 0..crate::limits::PASSPHRASES_KEPT_MAX + 3 {
        let line = locked::line(&key::random().unwrap(), &secret("right horse"), cost).unwrap();
        passphrase.open(home.store.path(), line.as_bytes()).unwrap();
    }
    assert_eq!(passphrase.kept(), crate::limits::PASSPHRASES_KEPT_MAX);
}
