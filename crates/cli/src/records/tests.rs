use std::time::{Duration, SystemTime};

use gateway::{Decided, Outcome};

use super::*;

fn call(name: &str) -> CallRecord {
    CallRecord {
        id: 7,
        at: SystemTime::UNIX_EPOCH + Duration::from_millis(1_120),
        caller: "local".into(),
        client: Some("x/1".into()),
        method: "tools/call".into(),
        server: Some("time".into()),
        name: Some(name.into()),
        took: Duration::from_nanos(2_123_456),
        decision: Decided::Deny,
        rule: Some("no \"x\"".into()),
        arguments: None,
        outcome: Outcome::Fault("denied"),
        bytes_in: 10,
        bytes_out: 1_234,
        trace: None,
        span: 255,
        parent: Some(3),
    }
}

fn written(home: &tempfile::TempDir, records: &[CallRecord]) -> Vec<String> {
    let folder = home.path().join("records");
    let queue = Queue::default();
    for record in records {
        queue.put(Record::Call(record.clone()));
    }
    queue.close();
    let style = Style {
        gateway: "1-a".to_owned(),
        arguments: true,
    };
    let journal = Journal::new(folder.clone(), 1 << 20, 2);
    write(&queue, &AtomicUsize::new(0), journal, &style, None);
    let mut files = open_all(&folder).unwrap();
    let lines = backwards(files.remove(0)).unwrap();
    lines.map(Result::unwrap).collect()
}

#[test]
fn a_line_has_the_facts_in_their_order() {
    let home = tempfile::tempdir().unwrap();
    let lines = written(&home, &[call("a\"b\n")]);
    assert_eq!(
        lines,
        [
            r#"{"at":"1970-01-01T00:00:01.120000Z","kind":"call","id":"00000000000000ff","gateway":"1-a","call":7,"parent":3,"caller":"local","client":"x/1","method":"tools/call","server":"time","name":"a\"b\n","decision":"deny","rule":"no \"x\"","outcome":"denied","ms":2.123,"bytes_in":10,"bytes_out":1234}"#
        ]
    );
    let entry = Entry::parse(&lines[0]).unwrap();
    assert_eq!(entry.name.as_deref(), Some("a\"b\n"));
    assert!(!entry.is_ok());
}

#[test]
fn a_name_is_cut_to_its_limit() {
    let home = tempfile::tempdir().unwrap();
    let lines = written(&home, &[call(&"é".repeat(2_000))]);
    let entry = Entry::parse(&lines[0]).unwrap();
    assert_eq!(entry.name.unwrap().len(), crate::limits::RECORD_NAME_MAX);
}

#[test]
fn lines_are_chosen_by_what_they_say() {
    let home = tempfile::tempdir().unwrap();
    let list = CallRecord {
        method: "tools/list".into(),
        ..call("")
    };
    let lines = written(&home, &[call("get_x"), list]);
    let entries: Vec<Entry> = lines.iter().filter_map(|line| Entry::parse(line)).collect();
    let count = |wanted: Wanted| {
        entries
            .iter()
            .filter(|entry| wanted.includes(entry))
            .count()
    };
    assert_eq!(count(Wanted::default()), 1);
    let all = || Wanted {
        all: true,
        ..Wanted::default()
    };
    assert_eq!(count(all()), 2);
    for (wanted, expected) in [
        (
            Wanted {
                server: Some("t*".into()),
                ..Wanted::default()
            },
            1,
        ),
        (
            Wanted {
                server: Some("x".into()),
                ..Wanted::default()
            },
            0,
        ),
        (
            Wanted {
                tool: Some("get_*".into()),
                ..all()
            },
            1,
        ),
        (
            Wanted {
                caller: Some("LOCAL".into()),
                ..all()
            },
            2,
        ),
        (
            Wanted {
                status: Some(Status::Ok),
                ..all()
            },
            0,
        ),
        (
            Wanted {
                status: Some(Status::Denied),
                ..all()
            },
            2,
        ),
        (
            Wanted {
                status: Some(Status::Asked),
                ..all()
            },
            0,
        ),
        (
            Wanted {
                status: Some(Status::Outcome("denied".into())),
                ..all()
            },
            2,
        ),
        (
            Wanted {
                since: Some(jiff::Timestamp::from_second(2).unwrap()),
                ..all()
            },
            0,
        ),
        (
            Wanted {
                since: Some(jiff::Timestamp::from_second(1).unwrap()),
                ..all()
            },
            2,
        ),
    ] {
        assert_eq!(count(wanted), expected);
    }
}

#[test]
fn what_does_not_fit_is_counted_and_told() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("records");
    let queue = Queue::default();
    for _ in 0..crate::limits::LOG_RECORDS_MAX {
        queue.put(Record::Call(call("x")));
    }
    assert!(queue.dropped() > 0);
    queue.close();
    let style = Style {
        gateway: "1-a".to_owned(),
        arguments: false,
    };
    let journal = Journal::new(folder.clone(), 1 << 30, 2);
    write(&queue, &AtomicUsize::new(0), journal, &style, None);
    let mut files = open_all(&folder).unwrap();
    let last = backwards(files.remove(0)).unwrap().next().unwrap().unwrap();
    let entry = Entry::parse(&last).unwrap();
    assert_eq!(entry.kind, "lost", "{last}");
}
