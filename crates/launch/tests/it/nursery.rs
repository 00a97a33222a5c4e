//! Copies of one process, and what becomes of them and it.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use portolan_launch::OwnProcess;
use portolan_launch::nursery::Nursery;

/// The channel to a copy, the copy, and what it says: its original's id, its own, and how many descriptors it has.
type Made = (UnixStream, OwnProcess, Vec<u32>);

fn nursery() -> Nursery {
    Nursery::new(env!("CARGO_BIN_EXE_portolan-guard"), &["__copies"])
}

fn copy(nursery: &Nursery) -> Made {
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let process = nursery.copy(&OwnedFd::from(theirs)).unwrap();
    let mut said = String::new();
    ours.read_to_string(&mut said).unwrap();
    let said = said
        .split_whitespace()
        .map(|word| word.parse().unwrap())
        .collect();
    (ours, process, said)
}

/// Waits until it has, by itself.
fn has_ended(process: &OwnProcess) {
    let stat = format!("/proc/{}/stat", process.pid());
    while !std::fs::read_to_string(&stat).unwrap().contains(") Z ") {
        std::thread::yield_now();
    }
}

fn is_there(pid: u32) -> bool {
    std::path::Path::new(&format!("/proc/{pid}")).exists()
}

#[test]
fn copies_have_one_original_and_are_children_of_ours() {
    let nursery = nursery();
    let (mut one, mut first, said) = copy(&nursery);
    let (mut two, mut second, said_too) = copy(&nursery);
    assert_eq!((said[1], said_too[1]), (first.pid(), second.pid()));
    assert_eq!(said[0], said_too[0]);
    // The channel in two places while it writes, the two outputs, and the folder that it reads.
    assert_eq!(
        said[2], 5,
        "and nothing else: not what leads to the original"
    );
    one.write_all(&[0]).unwrap();
    two.write_all(&[3]).unwrap();
    for (channel, process) in [(&mut one, &mut first), (&mut two, &mut second)] {
        has_ended(process);
        assert_eq!(process.end(), None);
        assert_eq!(process.end(), None, "once more is no harm");
        assert_eq!(channel.read(&mut [0]).unwrap(), 0);
        assert!(!is_there(process.pid()), "it is no zombie");
    }
    assert!(is_there(said[0]));
    drop(nursery);
    assert!(!is_there(said[0]));
}

#[test]
fn whoever_drops_a_copy_ends_it() {
    let nursery = nursery();
    let (_one, mut first, said) = copy(&nursery);
    assert_eq!(first.end(), Some(9));
    let (_two, second, said_too) = copy(&nursery);
    assert_eq!(said[0], said_too[0], "ended by us is no crash");
    let pid = second.pid();
    drop(nursery);
    assert!(is_there(pid), "copies outlive their original");
    drop(second);
    assert!(!is_there(pid));
}

#[test]
fn after_a_crash_there_is_a_new_original() {
    let nursery = nursery();
    let (mut one, mut first, said) = copy(&nursery);
    one.write_all(b"a").unwrap();
    has_ended(&first);
    assert_eq!(first.end(), Some(6));
    let (_two, _second, said_too) = copy(&nursery);
    assert_ne!(said[0], said_too[0]);
    assert!(!is_there(said[0]));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "somebody else ends it")]
fn an_original_that_is_gone_is_replaced() {
    let nursery = nursery();
    let (_one, _first, said) = copy(&nursery);
    let killed = std::process::Command::new("kill")
        .args(["-9", &said[0].to_string()])
        .status();
    assert!(killed.unwrap().success());
    let (_two, _second, said_too) = copy(&nursery);
    assert_ne!(said[0], said_too[0]);
}

#[test]
fn where_there_is_no_original_there_is_no_copy() {
    let (_ours, theirs) = UnixStream::pair().unwrap();
    let theirs = OwnedFd::from(theirs);
    assert!(Nursery::new("/nowhere", &[]).copy(&theirs).is_err());
    // It ends without a word.
    assert!(Nursery::new("/bin/true", &[]).copy(&theirs).is_err());
}
