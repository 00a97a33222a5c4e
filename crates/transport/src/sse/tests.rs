use proptest::prelude::*;

use super::*;

/// Everything that the pieces hold, errors as text.
fn decode(pieces: &[&[u8]]) -> Vec<Result<Event, DecodeError>> {
    decode_with(Decoder::new(), pieces)
}

fn decode_with(mut decoder: Decoder, pieces: &[&[u8]]) -> Vec<Result<Event, DecodeError>> {
    let mut events = Vec::new();
    for piece in pieces {
        decoder.push(Bytes::copy_from_slice(piece));
        while let Some(event) = decoder.next() {
            events.push(event);
        }
    }
    events.extend(decoder.finish());
    events
}

fn event(id: Option<&str>, name: Option<&str>, retry: Option<u64>, data: &str) -> Event {
    Event {
        id: id.map(str::to_owned),
        event: name.map(str::to_owned),
        retry,
        data: Bytes::copy_from_slice(data.as_bytes()),
    }
}

/// Decodes in one piece, in every two pieces, and byte by byte: the same must come out.
#[track_caller]
fn check(text: &[u8], expected: &[Event]) {
    let expected: Vec<_> = expected.iter().cloned().map(Ok).collect();
    assert_eq!(decode(&[text]), expected, "in one piece");
    for at in 0..=text.len() {
        let (one, other) = text.split_at(at);
        assert_eq!(decode(&[one, other]), expected, "split at {at}");
        assert_eq!(decode(&[one, b"", other]), expected, "split at {at}");
    }
    let bytes: Vec<_> = text.chunks(1).collect();
    assert_eq!(decode(&bytes), expected, "byte by byte");
}

#[test]
fn one_message() {
    check(
        b"data: {\"a\":1}\n\n",
        &[event(None, None, None, "{\"a\":1}")],
    );
}

#[test]
fn all_fields() {
    check(
        b"id: 3-7\nevent: message\nretry: 1500\ndata: x\n\n",
        &[event(Some("3-7"), Some("message"), Some(1500), "x")],
    );
}

#[test]
fn any_line_end() {
    let expected = [
        event(None, None, None, "a\nb"),
        event(None, None, None, "c"),
    ];
    check(b"data: a\ndata: b\n\ndata: c\n\n", &expected);
    check(b"data: a\rdata: b\r\rdata: c\r\r", &expected);
    check(b"data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n", &expected);
    check(b"data: a\rdata: b\n\rdata: c\r\n\n", &expected);
}

#[test]
fn an_event_does_not_wait_for_what_may_follow_its_cr() {
    let mut decoder = Decoder::new();
    decoder.push(Bytes::from_static(b"data: a\r\n\r"));
    assert_eq!(decoder.next(), Some(Ok(event(None, None, None, "a"))));
    decoder.push(Bytes::from_static(b"\n"));
    assert_eq!(decoder.next(), None);
    // The second LF is a blank line of its own, not part of the CR before.
    decoder.push(Bytes::from_static(b"\ndata: b\n\n"));
    assert_eq!(decoder.next(), Some(Ok(event(None, None, None, "b"))));
}

#[test]
fn mark_only_at_the_start() {
    check(b"\xEF\xBB\xBFdata: a\n\n", &[event(None, None, None, "a")]);
    check(b"\n\xEF\xBB\xBFdata: a\n\n", &[]);
    check(b"\xEF\xBB\xBF\xEF\xBB\xBFdata: a\n\n", &[]);
}

#[test]
fn comments_and_unknown_fields_are_nothing() {
    check(b": keep-alive\n\n:\n\nfoo: bar\ndatax: y\n\n", &[]);
    check(b":c\ndata: a\n:d\nfoo\n\n", &[event(None, None, None, "a")]);
}

#[test]
fn one_space_after_the_colon_goes() {
    check(b"data:a\n\n", &[event(None, None, None, "a")]);
    check(b"data:  a \n\n", &[event(None, None, None, " a ")]);
    check(b"data:a:b\n\n", &[event(None, None, None, "a:b")]);
    check(b"data\n\n", &[event(None, None, None, "")]);
    check(b"data\ndata\n\n", &[event(None, None, None, "\n")]);
    check(b" data: a\n\n", &[]);
}

#[test]
fn what_primes_a_client_has_no_data() {
    check(b"id: 0-1\ndata:\n\n", &[event(Some("0-1"), None, None, "")]);
    check(
        b"id: 0-1\nretry: 50\n\n",
        &[event(Some("0-1"), None, Some(50), "")],
    );
}

#[test]
fn bad_values_are_passed_over() {
    check(
        b"retry: 5s\nretry: -1\nretry:\nretry: 99999999999999999999\n\n",
        &[],
    );
    check(b"id: a\0b\n\n", &[]);
    check(
        b"id: a\nid: a\0b\nid\ndata: x\n\n",
        &[event(Some(""), None, None, "x")],
    );
    check(
        b"event: \xFF\ndata: x\n\n",
        &[event(None, Some("\u{FFFD}"), None, "x")],
    );
}

#[test]
fn fields_do_not_carry_over() {
    check(
        b"id: 1\nevent: ping\ndata: a\n\ndata: b\n\n",
        &[
            event(Some("1"), Some("ping"), None, "a"),
            event(None, None, None, "b"),
        ],
    );
}

#[test]
fn the_last_blank_line_may_be_missing() {
    check(
        b"data: a\n\ndata: b\n",
        &[event(None, None, None, "a"), event(None, None, None, "b")],
    );
    check(
        b"data: a\n\ndata: b",
        &[event(None, None, None, "a"), event(None, None, None, "b")],
    );
    check(b"id: 1", &[]);
    check(b"", &[]);
}

#[test]
fn data_is_not_copied_out_of_its_piece() {
    let piece = Bytes::from_static(b"data: hello\n\n");
    let mut decoder = Decoder::new();
    decoder.push(piece.clone());
    let data = decoder.next().unwrap().unwrap().data;
    assert_eq!(data.as_ptr(), piece[6..].as_ptr());
}

#[test]
fn too_long_an_event_is_skipped_and_reading_goes_on() {
    let small = || Decoder::with_limit(20);
    let expected = [
        Err(DecodeError::TooLong { limit: 20 }),
        Ok(event(None, None, None, "after")),
    ];
    let long_line = b"data: 123456789012345678901\nid: 1\n\ndata: after\n\n".as_slice();
    let long_sum = b"data: 1234567890\r\ndata: 1234567890\r\nid: 1\r\n\r\ndata: after\r\n\r\n";
    let long_id = b"id: 123456789012345678901\n\ndata: after\n\n";
    let long_field = b"data: 1\nunknown: 12345678901234567890123456789012345\n\ndata: after\n\n";
    for text in [long_line, long_sum, long_id, long_field] {
        for at in 0..=text.len() {
            let (one, other) = text.split_at(at);
            let events = decode_with(small(), &[one, other]);
            assert_eq!(events, expected, "split at {at}");
        }
        let bytes: Vec<_> = text.chunks(1).collect();
        assert_eq!(decode_with(small(), &bytes), expected);
    }
    let fits = decode_with(small(), &[b"data: 12345678901234567890\n\n"]);
    assert_eq!(fits, [Ok(event(None, None, None, "12345678901234567890"))]);
}

#[test]
fn a_line_without_end_is_refused_before_it_is_whole() {
    let mut decoder = Decoder::with_limit(1000);
    let mut refused = 0;
    for _ in 0..100 {
        decoder.push(Bytes::from_static(&[b'x'; 100]));
        if let Some(event) = decoder.next() {
            assert_eq!(event, Err(DecodeError::TooLong { limit: 1000 }));
            refused += 1;
        }
    }
    assert_eq!(refused, 1, "one event was too long, so one error");
    assert_eq!(decoder.finish(), None);
}

#[test]
fn comments_have_no_limit_because_they_are_not_kept() {
    let mut decoder = Decoder::with_limit(100);
    decoder.push(Bytes::from_static(b":"));
    for _ in 0..100 {
        decoder.push(Bytes::from_static(&[b'x'; 100]));
        assert_eq!(decoder.next(), None);
    }
    decoder.push(Bytes::from_static(b"\ndata: a\n\n"));
    assert_eq!(decoder.next(), Some(Ok(event(None, None, None, "a"))));
}

#[test]
fn encoding() {
    let full = event(Some("1-2"), Some("message"), Some(3), "{\n}");
    assert_eq!(
        encode(&full),
        "id: 1-2\nevent: message\nretry: 3\ndata: {\ndata: }\n\n"
    );
    assert_eq!(encode(&Event::default()), "data: \n\n");
    assert_eq!(
        encode(&event(None, None, None, "a\r\nb\rc\n")),
        "data: a\ndata: b\ndata: c\ndata: \n\n"
    );
}

#[test]
fn nothing_can_be_smuggled_through_the_id() {
    let bad = event(Some("1\ndata: evil\r\n\0"), Some("a\n\nb"), None, "x");
    assert_eq!(encode(&bad), "id: 1data: evil\nevent: ab\ndata: x\n\n");
}

#[test]
fn what_is_a_message() {
    assert!(Event::message(Bytes::new()).is_message());
    assert!(event(None, Some("message"), None, "").is_message());
    assert!(event(None, Some(""), None, "").is_message());
    assert!(!event(None, Some("ping"), None, "").is_message());
}

fn any_event() -> impl Strategy<Value = Event> {
    let word = || proptest::option::of("[^\r\n\0]{0,12}");
    let data = "([ -~\u{e9}]{0,20}\n){0,3}[ -~]{0,30}";
    (word(), word(), any::<Option<u64>>(), data).prop_map(|(id, event, retry, data)| Event {
        id,
        event,
        retry,
        data: data.into(),
    })
}

/// Cuts a text into pieces of the given lengths, round and round.
fn cut<'a>(mut text: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for length in lengths.iter().cycle() {
        if text.is_empty() {
            break;
        }
        let (piece, rest) = text.split_at((*length).min(text.len()));
        pieces.push(piece);
        text = rest;
    }
    pieces
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(
        events in proptest::collection::vec(any_event(), 0..8),
        lengths in proptest::collection::vec(1usize..20, 1..8),
        comments: bool,
    ) {
        let mut text = BytesMut::new();
        for event in &events {
            encode_into(event, &mut text);
            if comments {
                text.extend_from_slice(KEEP_ALIVE);
            }
        }
        let decoded = decode(&cut(&text, &lengths));
        prop_assert_eq!(decoded, events.into_iter().map(Ok).collect::<Vec<_>>());
    }

    #[test]
    fn pieces_do_not_matter(
        text in proptest::collection::vec(prop_oneof![
            Just(b"data".to_vec()), Just(b"id".to_vec()), Just(b"event".to_vec()), Just(b"retry: 1".to_vec()),
            Just(b":".to_vec()), Just(b" ".to_vec()), Just(b"\r".to_vec()), Just(b"\n".to_vec()), Just(b"\r\n".to_vec()),
            Just(b"\n\n".to_vec()), Just(b"\xEF\xBB\xBF".to_vec()), proptest::collection::vec(any::<u8>(), 0..6),
        ], 0..40),
        lengths in proptest::collection::vec(1usize..10, 1..8),
        limit in 1usize..60,
    ) {
        let text = text.concat();
        let whole = decode_with(Decoder::with_limit(limit), &[&text]);
        let pieces = decode_with(Decoder::with_limit(limit), &cut(&text, &lengths));
        prop_assert_eq!(whole, pieces);
    }
}
