use std::cell::RefCell;
use std::time::{Duration, SystemTime};

use gateway::Outcome;

use super::*;

const PIPE: Stream = Stream {
    terminal: false,
    colour: false,
    columns: None,
};
const TERMINAL: Stream = Stream {
    terminal: true,
    colour: false,
    columns: None,
};

fn record() -> CallRecord {
    CallRecord {
        id: 7,
        at: SystemTime::UNIX_EPOCH + Duration::from_millis(1_120),
        caller: "local".into(),
        client: None,
        method: "tools/call".into(),
        server: Some("time".into()),
        name: Some("get_current_time".into()),
        took: Duration::from_nanos(2_123_456),
        decision: gateway::Decided::Allow,
        rule: None,
        arguments: None,
        outcome: Outcome::Ok,
        bytes_in: 10,
        bytes_out: 1_234,
        trace: None,
        span: 255,
        parent: None,
    }
}

fn log(calls: bool) -> Log {
    Log {
        queue: Arc::default(),
        wanted: Wanted {
            calls,
            starts: false,
        },
        writer: None,
    }
}

/// What the writer makes of everything that was queued.
fn written(log: Log) -> String {
    let queue = Arc::clone(&log.queue);
    drop(log);
    let text = RefCell::new(String::new());
    write(&queue, PIPE, |more| text.borrow_mut().push_str(more));
    text.into_inner()
}

#[test]
fn people_read_a_line() {
    let line = |record| {
        let mut out = String::new();
        line::call(&record, TERMINAL, &mut out);
        out
    };
    assert_eq!(
        line(record()),
        "00:00:01.120 time get_current_time tools/call 2.1 ms ok 1 kB #7\n"
    );
    let failed = CallRecord {
        name: Some("x\u{1b}[0m".into()),
        server: None,
        outcome: Outcome::Fault("timed_out"),
        ..record()
    };
    assert_eq!(
        line(failed),
        "00:00:01.120 x\\u{1b}[0m tools/call 2.1 ms failed: timed_out 1 kB #7\n"
    );
    let start = StartRecord {
        server: "a".into(),
        took: Duration::from_secs(2),
        failure: Some("no such file".into()),
    };
    let mut out = String::new();
    line::start(
        "1970-01-01T00:00:02Z".parse().unwrap(),
        &start,
        TERMINAL,
        &mut out,
    );
    assert_eq!(out, "00:00:02.000 a does not work: no such file\n");
}

#[test]
fn programs_read_json() {
    let mut text = String::new();
    line::call(
        &CallRecord {
            name: Some("a\"b\n".into()),
            ..record()
        },
        PIPE,
        &mut text,
    );
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["timestamp"], "1970-01-01T00:00:01.120Z");
    assert_eq!(
        (&value["ms"], &value["outcome"], &value["bytes_out"]),
        (&2.123.into(), &"ok".into(), &1_234.into())
    );
    assert_eq!(
        (&value["span_id"], value.get("trace_id")),
        (&"00000000000000ff".into(), None)
    );
    assert_eq!(value["name"], "a\"b\n");
    assert_eq!(text.lines().count(), 1);
}

#[test]
fn notices_are_told_whatever_else_is_wanted() {
    let notice = Notice {
        is_warning: true,
        target: "config",
        message: "a.json:1:2: odd".into(),
        hint: Some("mend \"it\"".into()),
        members: vec![("line", 1.into())],
    };
    let mut out = String::new();
    let at = "1970-01-01T00:00:02Z".parse().unwrap();
    line::notice(at, &notice, TERMINAL, &mut out);
    assert_eq!(
        out,
        "00:00:02.000 config a.json:1:2: odd\n  hint: mend \"it\"\n"
    );
    let log = log(false);
    log.notice(notice);
    let value: serde_json::Value = serde_json::from_str(&written(log)).unwrap();
    assert_eq!(
        (&value["level"], &value["target"], &value["line"]),
        (&"warn".into(), &"config".into(), &1.into())
    );
    assert_eq!(value["hint"], "mend \"it\"");
}

#[test]
fn a_full_queue_drops_and_tells() {
    let log = log(true);
    let many = crate::limits::LOG_RECORDS_MAX;
    for _ in 0..many {
        log.call(record());
    }
    let lost = log.queue.dropped();
    assert!(lost > 0);
    let written = written(log);
    assert_eq!(written.lines().count() as u64, many as u64 - lost + 1);
    assert!(written.contains(&format!("\"dropped\":{lost}")));
}

#[test]
fn starts_are_for_the_verbose_and_failures_for_all() {
    let log = log(false);
    let start = |failure: Option<&str>| StartRecord {
        server: "a".into(),
        took: Duration::ZERO,
        failure: failure.map(str::to_owned),
    };
    log.call(record());
    log.start(start(None));
    log.start(start(Some("why")));
    let written = written(log);
    assert!(
        written.lines().count() == 1 && written.contains("\"error\":\"why\""),
        "{written}"
    );
}

/// Records of many threads while the writer sleeps and wakes: each is written once, and a flush sees them.
#[test]
fn nothing_is_lost_between_threads() {
    let queue = Arc::new(Queue::default());
    let (count, lines) = sync_channel(256);
    let records = Arc::clone(&queue);
    let writer = std::thread::spawn(move || {
        write(&records, PIPE, |text| {
            count.send(text.lines().count()).unwrap();
        });
    });
    queue.attend(writer.thread().clone());
    let log = Log {
        queue,
        wanted: Wanted {
            calls: true,
            starts: true,
        },
        writer: Some(writer),
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    log.call(record());
                    std::thread::yield_now();
                }
            });
        }
    });
    log.flush();
    drop(log);
    assert_eq!(lines.iter().sum::<usize>(), 200);
}
