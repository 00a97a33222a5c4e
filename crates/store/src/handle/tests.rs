//! The writer thread, held up by the tests themselves: no test waits for time to pass.

use super::*;
use crate::limits::VALUE_BYTES_MAX;

fn handle() -> StoreHandle {
    StoreHandle::start(Store::memory().unwrap()).unwrap()
}

#[test]
fn what_was_put_is_seen_before_and_after_it_is_written() {
    let handle = handle();
    handle.with(|_| {
        // The writer cannot have the store now.
        assert!(handle.put("k", "t", b"one".to_vec()));
        assert!(handle.put("k", "t", b"two".to_vec()));
        assert_eq!(handle.get("k", "t").unwrap().as_deref(), Some(&b"two"[..]));
        assert_eq!(handle.health().pending, 1, "the latest only");
        assert!(handle.put("gone", "t", b"x".to_vec()) && handle.remove("gone", "t"));
    });
    handle.flush().unwrap();
    assert_eq!(
        handle.with(|store| store.learnt_all("t")).unwrap(),
        [("k".to_owned(), b"two".to_vec())]
    );
    assert_eq!(handle.get("k", "t").unwrap().as_deref(), Some(&b"two"[..]));
    assert_eq!(handle.health(), Health::default());
}

#[test]
fn putting_never_waits_and_the_queue_is_bounded() {
    let handle = handle();
    handle.with(|_| {
        for number in 0..PENDING_KEYS_MAX {
            assert!(handle.put(&number.to_string(), "t", Vec::new()));
        }
        assert!(!handle.put("one more", "t", Vec::new()));
        assert!(handle.put("7", "t", b"known keys are replaced".to_vec()));
        assert_eq!(
            (handle.health().pending, handle.health().refused),
            (PENDING_KEYS_MAX, 1)
        );
    });
    handle.flush().unwrap();
    assert!(handle.put("one more", "t", Vec::new()));
}

#[test]
fn waiting_bytes_are_bounded() {
    let handle = handle();
    let large = vec![0; VALUE_BYTES_MAX];
    let fit = PENDING_BYTES_MAX / VALUE_BYTES_MAX;
    handle.with(|_| {
        for number in 0..fit {
            assert!(handle.put(&number.to_string(), "t", large.clone()));
        }
        assert!(!handle.put("one more", "t", vec![0]));
        assert!(
            !handle.put("0", "t", vec![0; VALUE_BYTES_MAX + 1]),
            "larger than a value may be"
        );
        assert!(handle.put("0", "t", vec![0]), "smaller than before");
        assert!(handle.put("one more", "t", vec![0]));
        assert_eq!(handle.health().refused, 2);
        for number in 0..fit {
            handle.remove(&number.to_string(), "t");
        }
    });
    handle.flush().unwrap();
}

#[test]
fn the_last_clone_writes_what_waits() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("s/portolan.db");
    let handle = StoreHandle::start(Store::open(&file).unwrap()).unwrap();
    let clone = handle.clone();
    drop(handle);
    for number in 0..100 {
        assert!(clone.put(&number.to_string(), "t", b"v".to_vec()));
    }
    drop(clone);
    assert_eq!(
        Store::open(&file).unwrap().learnt_all("t").unwrap().len(),
        100
    );
}

#[test]
fn a_failing_disk_is_told_and_does_not_stop_the_writer() {
    let handle = handle();
    handle.with(|store| store.break_for_test());
    assert!(handle.put("k", "t", b"v".to_vec()));
    let error = handle.flush().unwrap_err();
    assert!(error.contains("learnt"), "{error}");
    assert_eq!(handle.health().lost, 1);
    handle.put("k", "t", b"v".to_vec());
    handle.flush().unwrap_err();
    assert_eq!(handle.health().lost, 2);
}

#[test]
fn many_threads_put_at_once() {
    let handle = handle();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let handle = handle.clone();
            scope.spawn(move || {
                for number in 0..200 {
                    assert!(handle.put(&format!("{thread}-{number}"), "t", b"v".to_vec()));
                }
            });
        }
    });
    handle.flush().unwrap();
    assert_eq!(
        handle.with(|store| store.learnt_all("t")).unwrap().len(),
        800
    );
}

#[test]
fn nobody_waits_for_a_writer_that_is_gone() {
    let handle = handle();
    handle.with(|_| {
        assert!(handle.put("k", "t", b"v".to_vec()));
        drop(Gone(&handle.0.shared));
        assert!(handle.flush().unwrap_err().contains("is gone"));
        assert!(!handle.put("other", "t", b"v".to_vec()));
    });
}
