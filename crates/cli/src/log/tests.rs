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
        outcome: Outcome::Ok,
        bytes_in: 10,
        bytes_out: 1_234,
        trace: None,
        span: 255,
    }
}

#[test]
fn people_read_a_line() {
    let line = |record| line::call(&record, TERMINAL);
    assert_eq!(
        line(record()),
        "00:00:01.120 time get_current_time tools/call 2.1 ms ok 1 kB #7"
    );
    let failed = CallRecord {
        name: Some("x\u{1b}[0m".into()),
        server: None,
        outcome: Outcome::Fault("timed_out"),
        ..record()
    };
    assert_eq!(
        line(failed),
        "00:00:01.120 x\\u{1b}[0m tools/call 2.1 ms failed: timed_out 1 kB #7"
    );
    let start = StartRecord {
        server: "a".into(),
        took: Duration::from_secs(2),
        failure: Some("no such file".into()),
    };
    let at = "1970-01-01T00:00:02Z".parse().unwrap();
    assert_eq!(
        line::start(at, &start, TERMINAL),
        "00:00:02.000 a does not work: no such file"
    );
}

#[test]
fn programs_read_json() {
    let text = line::call(&record(), PIPE);
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
}

#[test]
fn a_full_queue_drops_and_tells() {
    let (queue, records) = sync_channel(2);
    let dropped = Arc::new(AtomicU64::new(0));
    let wanted = Wanted {
        calls: true,
        starts: false,
    };
    let mut log = Log {
        queue: Some(queue),
        dropped: Arc::clone(&dropped),
        wanted,
        writer: None,
    };
    for _ in 0..5 {
        log.call(record());
    }
    log.queue = None;
    let written = RefCell::new(String::new());
    drain(&records, &dropped, PIPE, |text| {
        written.borrow_mut().push_str(text);
    });
    let written = written.into_inner();
    assert_eq!(written.lines().count(), 3);
    assert!(written.contains("\"dropped\":3"), "{written}");
}

#[test]
fn starts_are_for_the_verbose_and_failures_for_all() {
    let (queue, records) = sync_channel(9);
    let wanted = Wanted {
        calls: false,
        starts: false,
    };
    let log = Log {
        queue: Some(queue),
        dropped: Arc::default(),
        wanted,
        writer: None,
    };
    let start = |failure: Option<&str>| StartRecord {
        server: "a".into(),
        took: Duration::ZERO,
        failure: failure.map(str::to_owned),
    };
    log.call(record());
    log.start(start(None));
    log.start(start(Some("why")));
    drop(log);
    assert_eq!(records.iter().count(), 1);
}

#[test]
fn a_flush_waits_for_what_came_before() {
    let settings = Settings::default();
    let log = Log::start(PIPE, &settings, false).unwrap();
    log.flush();
    let (queue, records) = sync_channel(9);
    let wanted = Wanted {
        calls: true,
        starts: false,
    };
    let log = Log {
        queue: Some(queue),
        dropped: Arc::default(),
        wanted,
        writer: None,
    };
    log.call(record());
    let (done, written) = sync_channel(1);
    log.take(Record::Flush(done));
    drop(log);
    drain(&records, &AtomicU64::new(0), PIPE, |text| {
        assert_eq!(text.lines().count(), 1);
    });
    assert!(written.try_recv().is_ok());
}
