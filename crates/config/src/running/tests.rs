//! The registry on a real disk.

use std::sync::Barrier;

use super::*;

fn info(dirs: &Dirs, id: &str, started: u64) -> Info {
    Info {
        pid: 7,
        id: id.into(),
        transport: "streaming".into(),
        address: Some("http://127.0.0.1:8811/mcp".into()),
        started,
        version: "0.1.0".into(),
        admin_socket: dirs.admin_socket(id),
        attach_socket: Some(dirs.attach_socket(id)),
    }
}

fn files(dirs: &Dirs) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(&dirs.runtime)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn who_lives_is_listed_and_who_is_dropped_leaves_nothing() {
    let temp = tempfile::tempdir().unwrap();
    let dirs = Dirs::under(temp.path());
    assert_eq!(list(&dirs).unwrap(), []);
    let late = register(&dirs, info(&dirs, "late", 20)).unwrap();
    let early = register(&dirs, info(&dirs, "early", 10)).unwrap();
    fs::write(&late.info().admin_socket, "").unwrap();
    assert_eq!(
        list(&dirs).unwrap(),
        [early.info().clone(), late.info().clone()]
    );
    drop(late);
    assert_eq!(list(&dirs).unwrap(), [early.info().clone()]);
    drop(early);
    assert_eq!(files(&dirs), [".registry.lock"]);
}

#[test]
fn what_the_dead_left_is_removed_with_its_socket() {
    let temp = tempfile::tempdir().unwrap();
    let dirs = Dirs::under(temp.path());
    let living = register(&dirs, info(&dirs, "living", 1)).unwrap();
    let dead = info(&dirs, "dead", 2);
    let outside = temp.path().join("outside.sock");
    let liar = Info {
        admin_socket: outside.clone(),
        ..info(&dirs, "liar", 3)
    };
    for left in [&dead, &liar] {
        fs::write(dirs.runtime.join(lock_name(&left.id)), "").unwrap();
        fs::write(
            dirs.runtime.join(info_name(&left.id)),
            serde_json::to_vec(left).unwrap(),
        )
        .unwrap();
        fs::write(&left.admin_socket, "").unwrap();
    }
    fs::write(dirs.runtime.join("half.lock"), "").unwrap();
    fs::write(dirs.runtime.join("broken.lock"), "").unwrap();
    fs::write(dirs.runtime.join("broken.json"), "{").unwrap();
    assert_eq!(list(&dirs).unwrap(), [living.info().clone()]);
    assert_eq!(
        files(&dirs),
        [".registry.lock", "living.json", "living.lock"]
    );
    assert!(outside.exists(), "nothing outside the folder is touched");
}

#[test]
fn an_id_is_a_name_and_only_one_gateway_has_it() {
    let temp = tempfile::tempdir().unwrap();
    let dirs = Dirs::under(temp.path());
    let first = register(&dirs, info(&dirs, "a", 1)).unwrap();
    let error = register(&dirs, info(&dirs, "a", 2)).unwrap_err();
    assert!(
        error.to_string().contains("a running gateway has it"),
        "{error}"
    );
    assert_eq!(
        list(&dirs).unwrap(),
        [first.info().clone()],
        "the first is not disturbed"
    );
    for id in ["", "../x", ".registry", "a b", &"x".repeat(65)] {
        assert!(
            matches!(
                register(&dirs, info(&dirs, id, 1)),
                Err(RunningError::Id { .. })
            ),
            "{id}"
        );
    }
    drop(first);
    assert!(register(&dirs, info(&dirs, "a", 3)).is_ok());
    assert_ne!(new_id(), new_id());
    assert!(register(&dirs, info(&dirs, &new_id(), 3)).is_ok());
}

#[cfg(unix)]
#[test]
fn nobody_else_can_look() {
    use std::os::unix::fs::PermissionsExt as _;
    let temp = tempfile::tempdir().unwrap();
    let dirs = Dirs::under(temp.path());
    let _a = register(&dirs, info(&dirs, "a", 1)).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dirs.runtime), 0o700);
    for name in files(&dirs) {
        assert_eq!(mode(&dirs.runtime.join(&name)), 0o600, "{name}");
    }
}

#[test]
fn coming_going_and_looking_at_once() {
    let temp = tempfile::tempdir().unwrap();
    let dirs = Dirs::under(temp.path());
    let start = Barrier::new(6);
    std::thread::scope(|scope| {
        for thread in 0..6 {
            let (dirs, start) = (&dirs, &start);
            scope.spawn(move || {
                start.wait();
                for round in 0..20 {
                    let id = format!("g{thread}-{round}");
                    let held = register(dirs, info(dirs, &id, round)).unwrap();
                    assert!(list(dirs).unwrap().contains(held.info()));
                    drop(held);
                    assert!(list(dirs).unwrap().iter().all(|other| other.id != id));
                }
            });
        }
    });
    assert_eq!(files(&dirs), [".registry.lock"]);
}

#[test]
fn what_is_held_is_known_to_live_and_is_no_gateway() {
    let temp = tempfile::tempdir().unwrap();
    let dirs = Dirs::under(temp.path());
    let hold = hold(&dirs, "1-a".to_owned()).unwrap();
    assert_eq!(hold.id(), "1-a");
    assert!(super::hold(&dirs, "1-a".to_owned()).is_err());
    assert!(is_held(&dirs, "1-a"));
    assert_eq!(list(&dirs).unwrap(), []);
    assert!(is_held(&dirs, "1-a"));
    drop(hold);
    for id in ["1-a", "2-b", "", "../1-a"] {
        assert!(!is_held(&dirs, id), "{id}");
    }
    // What a killed one left is held by nobody, and is cleared away.
    fs::write(dirs.runtime.join(lock_name("3-c")), "").unwrap();
    assert!(!is_held(&dirs, "3-c"));
    assert_eq!(list(&dirs).unwrap(), []);
    assert!(!dirs.runtime.join(lock_name("3-c")).exists());
}
