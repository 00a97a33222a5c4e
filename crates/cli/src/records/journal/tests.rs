use std::sync::{Arc, Barrier};

use super::super::backwards;
use super::*;

fn folder() -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("records");
    (home, folder)
}

/// All lines, oldest first.
fn all(folder: &Path) -> Vec<String> {
    let files = open_all(folder).unwrap();
    let lines = files.into_iter().flat_map(|file| backwards(file).unwrap());
    let mut lines: Vec<String> = lines.map(Result::unwrap).collect();
    lines.reverse();
    lines
}

#[test]
fn what_is_full_is_moved_on_and_the_oldest_goes() {
    let (_home, folder) = folder();
    let mut journal = Journal::new(folder.clone(), 20, 3);
    for number in 0..10 {
        journal
            .append(format!("line {number:03}\n").as_bytes())
            .unwrap();
    }
    // Two lines of nine bytes fit into each of the three.
    let expected: Vec<String> = (4..10).map(|number| format!("line {number:03}")).collect();
    assert_eq!(all(&folder), expected);
    assert!(!numbered(&folder, 3).exists());

    // A lower limit takes what is too much with it.
    let mut journal = Journal::new(folder.clone(), 20, 1);
    journal.append(b"a line of many bytes\n").unwrap();
    journal.append(b"last\n").unwrap();
    assert_eq!(all(&folder), ["last"]);
    assert!(!numbered(&folder, 1).exists() && !numbered(&folder, 2).exists());
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_them() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_home, folder) = folder();
    Journal::new(folder.clone(), 20, 3).append(b"x\n").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&current(&folder)), 0o600);
}

#[test]
fn several_writers_lose_nothing_and_split_nothing() {
    let (_home, folder) = folder();
    let start = Arc::new(Barrier::new(4));
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (folder, start) = (folder.clone(), start.clone());
            std::thread::spawn(move || {
                let mut journal = Journal::new(folder, 1_000, 1_000);
                start.wait();
                for number in 0..250 {
                    let line = format!("{writer} {number} {}\n", "x".repeat(number % 60));
                    journal.append(line.as_bytes()).unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    let lines = all(&folder);
    assert_eq!(lines.len(), 1_000);
    for writer in 0..4 {
        let own = lines
            .iter()
            .filter(|line| line.starts_with(&format!("{writer} ")));
        let numbers: std::collections::BTreeSet<usize> = own
            .map(|line| {
                let mut words = line.split(' ').skip(1);
                let number: usize = words.next().unwrap().parse().unwrap();
                assert_eq!(words.next().unwrap().len(), number % 60);
                number
            })
            .collect();
        assert_eq!(numbers.len(), 250);
    }
}

#[test]
fn who_follows_sees_each_line_once_through_moves() {
    let (_home, folder) = folder();
    let mut journal = Journal::new(folder.clone(), 30, 20);
    journal.append(b"before\n").unwrap();
    let mut follower = Follower::at_end(&folder).unwrap();
    assert!(follower.more().unwrap().is_empty());
    let mut seen = Vec::new();
    for number in 0..30 {
        journal
            .append(format!("line {number:03}\n").as_bytes())
            .unwrap();
        // No move, one, or several between two looks.
        if matches!(number, 0 | 1 | 4 | 29) {
            seen.extend(follower.more().unwrap());
        }
    }
    let expected: Vec<String> = (0..30).map(|number| format!("line {number:03}")).collect();
    assert_eq!(seen, expected);
    // Half a line waits for its end.
    let mut file = create(&current(&folder)).unwrap();
    file.write_all(b"half ").unwrap();
    assert!(follower.more().unwrap().is_empty());
    file.write_all(b"and whole\n").unwrap();
    assert_eq!(follower.more().unwrap(), ["half and whole"]);
}

#[test]
fn who_follows_may_come_before_the_first_line() {
    let (_home, folder) = folder();
    let mut follower = Follower::at_end(&folder).unwrap();
    assert!(follower.more().unwrap().is_empty());
    let mut journal = Journal::new(folder.clone(), 30, 10);
    journal.append(b"first\n").unwrap();
    assert_eq!(follower.more().unwrap(), ["first"]);
}

#[test]
fn a_disk_that_fails_is_told_and_tried_again() {
    let (home, folder) = folder();
    fs::write(&folder, "a file where the folder should be").unwrap();
    let mut journal = Journal::new(folder.clone(), 30, 10);
    assert!(journal.append(b"x\n").is_err());
    assert!(journal.has_failed());
    fs::remove_file(&folder).unwrap();
    journal.append(b"y\n").unwrap();
    assert!(!journal.has_failed());
    assert_eq!(all(&folder), ["y"]);
    drop(home);
}

#[test]
fn lines_are_read_from_the_end_whatever_their_length() {
    let (_home, folder) = folder();
    let lines: Vec<String> = (0..40)
        .map(|n| format!("{n} {}", "y".repeat(n * 1_000)))
        .collect();
    let mut journal = Journal::new(folder.clone(), 1 << 30, 2);
    for line in &lines {
        journal.append(format!("{line}\n").as_bytes()).unwrap();
    }
    assert_eq!(all(&folder), lines);
    // What is longer than any line of ours is not read into memory.
    let mut file = create(&current(&folder)).unwrap();
    file.write_all(&vec![b'z'; RECORD_LINE_MAX + 200_000])
        .unwrap();
    assert!(all(&folder).is_empty());
}
