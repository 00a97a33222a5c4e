//! `portolan secret`: values go in and never come out.

use std::fs::{File, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};

use super::home::{Done, Home};

const VALUE: &str = "ghp_never-shown-0123456789";

fn set(home: &Home, name: &str) {
    let done = home.run_with(&["secret", "set", name], &format!("{VALUE}\n"));
    assert!(!done.stderr.contains(VALUE), "{done:#?}");
    let _ = done.ok();
}

fn names(home: &Home) -> Vec<String> {
    let listing = home.run(&["secret", "ls", "--format", "json"]).json();
    let all = listing["secrets"].as_array().unwrap().iter();
    all.map(|secret| secret["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn secrets_are_set_listed_and_removed() {
    let home = Home::new();
    let done = home.run(&["secret", "ls"]);
    assert!(done.stderr.contains("No secrets are set"), "{done:#?}");
    assert!(
        !home.path("portolan/state").exists(),
        "looking makes nothing"
    );

    let done = home.run_with(&["secret", "set", "github.token"], VALUE);
    assert_eq!(done.stderr, "github.token set\n");
    let done = home.run_with(&["secret", "set", "github.token"], VALUE);
    assert_eq!(done.stderr, "github.token replaced\n");
    let words = ["secret", "set", "a.key", "--format", "json"];
    let value = home.run_with(&words, VALUE).json();
    assert_eq!(value["name"], "a.key");
    assert_eq!(value["replaced"], false);

    let done = home.run(&["secret", "ls"]);
    assert!(done.stderr.contains("portolan/state/secrets"), "{done:#?}");
    assert_eq!(done.ok(), "secret\na.key\ngithub.token\n");
    let yaml = home.run(&["secret", "list", "--format", "yaml"]).ok();
    assert!(yaml.contains("name: a.key"), "{yaml}");

    let done = home.run(&["secret", "rm", "a.key", "github.token"]);
    assert_eq!(done.stderr, "a.key removed\ngithub.token removed\n");
    assert_eq!(names(&home), [""; 0]);
}

#[test]
fn no_file_of_ours_holds_a_value() {
    let home = Home::new();
    set(&home, "github.token");
    for name in super::home::names(&home.path("portolan/state")) {
        let path = home.path("portolan/state").join(name);
        let bytes = std::fs::read(&path).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains(VALUE), "{path:?}");
        let mode = path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{path:?}");
    }
}

#[test]
fn a_value_on_the_command_line_is_not_repeated_and_warned_of_or_refused() {
    let home = Home::new();
    for words in [
        &["secret", "set", "github.token", VALUE][..],
        &["secret", "set", "github.token", "=", VALUE],
    ] {
        let said = home.run(words).failed(2);
        assert!(
            said.contains("does not belong on the command line"),
            "{said}"
        );
        assert!(said.contains("portolan secret set github.token"), "{said}");
        assert!(!said.contains(VALUE), "{said}");
    }
    assert_eq!(names(&home), [""; 0]);
    let empty = home.run(&["secret", "set", "github.token="]).failed(2);
    assert!(empty.contains("the value is empty"), "{empty}");
    let nameless = format!("={VALUE}");
    let nameless = home.run(&["secret", "set", &nameless]).failed(2);
    assert!(!nameless.contains(VALUE), "{nameless}");
    let done = home.run(&["secret", "set", &format!("github.token={VALUE}")]);
    assert!(
        done.stderr.contains("stood on the command line"),
        "{done:#?}"
    );
    assert!(!done.stderr.contains(VALUE), "{done:#?}");
    done.ok();
    assert_eq!(names(&home), ["github.token"]);
    let out = home.run(&["secret", "export", "github.token"]).ok();
    assert!(out.contains(VALUE), "{out}");
}

#[test]
fn values_that_cannot_be_are_refused() {
    let home = Home::new();
    let long = "x".repeat(65_537);
    for (value, why) in [
        ("", "is empty"),
        ("\n", "is empty"),
        ("a\0b", "NUL"),
        (&long, "longer than 65536 bytes"),
    ] {
        let said = home.run_with(&["secret", "set", "x"], value).failed(2);
        assert!(said.contains(why), "{said}");
    }
    assert_eq!(names(&home), [""; 0]);
    let _ = home.run_with(&["secret", "set", "x"], &long[1..]).ok();
    let said = home.run(&["secret", "set", "../x"]).failed(2);
    assert!(said.contains("cannot stand there"), "{said}");
}

#[test]
fn an_unknown_name_removes_nothing_and_names_the_nearest() {
    let home = Home::new();
    set(&home, "github.token");
    set(&home, "a.key");
    let said = home
        .run(&["secret", "rm", "a.key", "github.tokn"])
        .failed(3);
    assert!(said.contains("no secret `github.tokn` is set"), "{said}");
    assert!(said.contains("did you mean `github.token`?"), "{said}");
    assert_eq!(names(&home), ["a.key", "github.token"]);
}

#[test]
fn all_are_removed_only_on_purpose() {
    let home = Home::new();
    let _ = home.run(&["secret", "rm", "--all"]).ok();
    set(&home, "a");
    set(&home, "b");
    let _ = home.run(&["secret", "rm"]).failed(2);
    let _ = home.run(&["secret", "rm", "--all", "a"]).failed(2);
    let said = home.run(&["secret", "rm", "--all"]).failed(2);
    assert!(said.contains("portolan secret rm --all --yes"), "{said}");
    assert_eq!(names(&home), ["a", "b"]);
    let removed = home.run(&["secret", "rm", "--all", "--yes", "--format", "json"]);
    assert_eq!(removed.json()["removed"][1], "b");
    assert_eq!(names(&home), [""; 0]);
}

#[test]
fn ten_processes_that_set_at_once_lose_nothing() {
    let home = Home::new();
    let mut children: Vec<_> = (0..10)
        .map(|number| {
            let mut command = home.command(&["secret", "set", &format!("s{number}")]);
            let command = command.stdin(Stdio::piped()).stderr(Stdio::null());
            command.spawn().unwrap()
        })
        .collect();
    // They wait for their values, so that all of them write at about the same time.
    for child in &mut children {
        child
            .stdin
            .as_mut()
            .unwrap()
            .write_all(VALUE.as_bytes())
            .unwrap();
    }
    for child in &mut children {
        drop(child.stdin.take());
    }
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(names(&home).len(), 10);
}

#[test]
fn a_store_that_cannot_be_read_is_left_alone() {
    let home = Home::new();
    set(&home, "x");
    let (file, key) = (
        home.path("portolan/state/secrets"),
        home.path("portolan/state/secrets.key"),
    );
    let whole = std::fs::read(&file).unwrap();
    let refused = |said: &str| {
        let before = std::fs::read(&file).unwrap();
        for words in [
            &["secret", "ls"][..],
            &["secret", "set", "x"],
            &["secret", "rm", "x"],
            &["secret", "rm", "--all", "--yes"],
        ] {
            let told = home.run(words).failed(1);
            assert!(told.contains(said), "{told}");
        }
        assert_eq!(std::fs::read(&file).unwrap(), before);
    };
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    refused("its end is missing");
    std::fs::write(&file, &whole).unwrap();
    std::fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    refused(&format!("chmod 600 {}", key.display()));
    std::fs::remove_file(&key).unwrap();
    refused("is missing");
}

fn on_terminal(home: &Home, words: &[&str], prompt: &str, keys: &str) -> (Option<i32>, String) {
    typed_into(home.command(words), prompt, keys)
}

/// Runs it on a terminal of its own, types, and gives all that the terminal showed.
pub(crate) fn typed_into(mut command: Command, prompt: &str, keys: &str) -> (Option<i32>, String) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
    let theirs = File::from(ioctl_tiocgptpeer(&ours, flags).unwrap());
    command
        .stdin(theirs.try_clone().unwrap())
        .stdout(theirs.try_clone().unwrap())
        .stderr(theirs.try_clone().unwrap());
    let mut child = command.spawn().unwrap();
    drop(command);
    let mut ours = File::from(ours);
    let mut shown = Vec::new();
    let mut piece = [0; 1024];
    // The prompt comes after the echo is off.
    while !String::from_utf8_lossy(&shown).contains(prompt) {
        let read = ours.read(&mut piece).unwrap();
        shown.extend(&piece[..read]);
    }
    ours.write_all(keys.as_bytes()).unwrap();
    let code = child.wait().unwrap().code();
    let modes = rustix::termios::tcgetattr(&theirs).unwrap().local_modes;
    assert!(
        modes.contains(rustix::termios::LocalModes::ECHO),
        "the echo is back"
    );
    drop(theirs);
    // Once nobody holds the other end, reading what is left ends in an error.
    while let Ok(read @ 1..) = ours.read(&mut piece) {
        shown.extend(&piece[..read]);
    }
    (code, String::from_utf8_lossy(&shown).into_owned())
}

#[test]
fn on_a_terminal_the_value_is_asked_for_and_not_shown() {
    let home = Home::new();
    let words = ["secret", "set", "github.token"];
    let prompt = "Value of github.token: ";
    let (code, shown) = on_terminal(&home, &words, prompt, &format!("{VALUE}\r"));
    assert_eq!(code, Some(0), "{shown}");
    assert!(!shown.contains("ghp_"), "{shown}");
    // Longer than what a terminal's own editing can take.
    let (code, shown) = on_terminal(&home, &words, prompt, &format!("{}\r", "k".repeat(10_000)));
    assert_eq!(code, Some(0), "{shown}");
    assert!(!shown.contains("kk"), "{shown}");
    let (code, _) = on_terminal(&home, &["secret", "set", "other"], "other: ", "half\u{3}");
    assert_eq!(code, Some(130));
    assert_eq!(names(&home), ["github.token"]);
}

#[test]
fn on_a_terminal_a_person_is_asked_before_all_are_removed() {
    let home = Home::new();
    set(&home, "a");
    let words = ["secret", "rm", "--all"];
    let (code, _) = on_terminal(&home, &words, "[y/N] ", "\n");
    assert_eq!(code, Some(1));
    assert_eq!(names(&home), ["a"]);
    let (code, _) = on_terminal(&home, &words, "[y/N] ", "y\n");
    assert_eq!(code, Some(0));
    assert_eq!(names(&home), [""; 0]);
}

/// With the passphrase in a file, as a gateway has it that nobody can be asked for.
fn with_passphrase(home: &Home, words: &[&str], passphrase: &str, input: &str) -> Done {
    let file = home.write("passphrase", passphrase);
    let mut command = home.command(words);
    command.env("PORTOLAN_PASSPHRASE_FILE", file);
    Done::fed(command, input)
}

#[test]
fn a_passphrase_locks_the_secrets_and_is_never_on_a_command_line() {
    let home = Home::new();
    set(&home, "github.token");
    let file = home.path("portolan/state/secrets");
    let said = home
        .run_with(&["secret", "passphrase", "set"], "short")
        .failed(1);
    assert!(said.contains("at least 8 characters"), "{said}");
    let done = home.run_with(&["secret", "passphrase", "set"], "right horse\n");
    assert!(done.stderr.contains("are locked"), "{done:#?}");
    let before = std::fs::read(&file).unwrap();
    for words in [
        &["secret", "ls"][..],
        &["secret", "set", "x"],
        &["secret", "rm", "github.token"],
        &["secret", "export", "--all"],
        &["secret", "passphrase", "rm"],
    ] {
        let said = home.run(words).failed(1);
        assert!(
            said.contains("PORTOLAN_PASSPHRASE_FILE may name a file"),
            "{said}"
        );
    }
    let said = with_passphrase(&home, &["secret", "ls"], "wrong horse", "").failed(1);
    assert!(said.contains("that is not the passphrase"), "{said}");
    assert_eq!(std::fs::read(&file).unwrap(), before);
    let words = ["secret", "set", "x"];
    let _ = with_passphrase(&home, &words, "right horse\n", VALUE).ok();
    let (code, shown) = on_terminal(
        &home,
        &["secret", "ls"],
        "Passphrase of your secrets: ",
        "right horse\r",
    );
    assert_eq!(code, Some(0), "{shown}");
    assert!(
        shown.contains("locked with a passphrase") && !shown.contains("horse"),
        "{shown}"
    );
    let words = ["secret", "passphrase", "rm"];
    let _ = with_passphrase(&home, &words, "right horse", "").ok();
    assert_eq!(names(&home), ["github.token", "x"]);
}

#[test]
fn values_are_exported_to_a_file_or_a_pipe_and_to_no_terminal() {
    let home = Home::new();
    set(&home, "github.token");
    set(&home, "github.other");
    let _ = home
        .run_with(&["secret", "set", "tls.key"], "two\nlines")
        .ok();
    let _ = home
        .run_with(
            &["secret", "set", "github.token", "--profile", "work"],
            "at-work",
        )
        .ok();

    let out = home.run(&["secret", "export", "github"]).ok();
    assert_eq!(out, format!("github.other={VALUE}\ngithub.token={VALUE}\n"));
    let out = home
        .run(&["secret", "export", "github.token", "--profile", "work"])
        .ok();
    assert_eq!(out, "github.token=at-work\n");
    let said = home.run(&["secret", "export", "--all"]).failed(2);
    assert!(
        said.contains("tls.key") && said.contains("--format json"),
        "{said}"
    );
    let all = home
        .run(&["secret", "export", "--all", "--format", "json"])
        .json();
    assert_eq!(all["tls.key"], "two\nlines");
    assert_eq!(all["work/github.token"], "at-work");
    let said = home.run(&["secret", "export", "gitlab"]).failed(3);
    assert!(said.contains("no secret `gitlab` is set"), "{said}");

    let words = ["secret", "export", "github", "--output", "out.env"];
    let done = home.run(&words);
    assert_eq!(
        (done.stdout.as_str(), done.stderr.as_str()),
        ("", "2 secrets written to out.env\n")
    );
    let mode = home
        .path("out.env")
        .metadata()
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let said = home.run(&words).failed(1);
    assert!(
        said.contains("cannot write the secrets to out.env"),
        "{said}"
    );
}

#[test]
fn a_profile_has_secrets_of_its_own() {
    let home = Home::new();
    set(&home, "github.token");
    let words = ["secret", "set", "github.token", "--profile", "work"];
    let done = home.run_with(&words, VALUE);
    assert_eq!(done.stderr, "work/github.token set\n");
    let listed = home
        .run(&["secret", "ls", "--profile", "work", "--format", "json"])
        .json();
    assert_eq!(
        listed["secrets"],
        serde_json::json!([{"name": "work/github.token", "profile": "work"}])
    );
    assert_eq!(names(&home), ["github.token", "work/github.token"]);
    let said = home
        .run_with(&["secret", "set", "work/github.token"], VALUE)
        .failed(2);
    assert!(said.contains("`/` cannot stand there"), "{said}");
    let _ = home
        .run(&["secret", "rm", "--all", "--yes", "--profile", "work"])
        .ok();
    assert_eq!(names(&home), ["github.token"]);
}

#[test]
fn a_folder_that_cannot_be_used_is_named_with_what_to_do() {
    let home = Home::new();
    let file = home.write("a-file", "");
    for words in [&["client", "connect", "zed"][..], &["up"]] {
        let mut command = home.command(words);
        let done = command.env("PORTOLAN_HOME", &file).output().unwrap();
        let told = String::from_utf8_lossy(&done.stderr);
        assert!(
            !done.status.success() && told.contains("hint: `portolan doctor` says which"),
            "{words:?}: {told}"
        );
    }
}
