//! Any bytes as an event stream: the events are those that a plain reading of the specification finds, however the
//! stream is cut, and what is written is read back.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use transport::sse::{DecodeError, Decoder, Event, encode};

fuzz_target!(|data: &[u8]| {
    let Some(([cut, small], text)) = data.split_first_chunk() else {
        return;
    };
    let whole = decode(Decoder::new(), text, usize::MAX);
    let expected = plainly(text);
    assert!(
        whole
            .iter()
            .map(|event| event.as_ref().ok())
            .eq(expected.iter().map(Some))
    );
    assert_eq!(decode(Decoder::new(), text, usize::from(*cut) + 1), whole);

    // With a limit that is hit, cuts still make no difference.
    let limited = || Decoder::with_limit(usize::from(*small));
    let refused = decode(limited(), text, usize::MAX);
    assert_eq!(decode(limited(), text, usize::from(*cut) + 1), refused);
    assert!(
        refused
            .iter()
            .flatten()
            .all(|event| event.data.len() <= usize::from(*small))
    );

    for event in expected {
        // What has line ends in it is JSON with blanks, or nobody's business.
        if !event.data.contains(&b'\r') {
            assert_eq!(
                decode(Decoder::new(), &encode(&event), usize::MAX),
                [Ok(event)]
            );
        }
    }
});

fn decode(mut decoder: Decoder, text: &[u8], cut: usize) -> Vec<Result<Event, DecodeError>> {
    let mut events = Vec::new();
    for piece in text.chunks(cut) {
        decoder.push(Bytes::copy_from_slice(piece));
        events.extend(std::iter::from_fn(|| decoder.next()));
    }
    events.extend(decoder.finish());
    events
}

/// The specification, line by line.
fn plainly(text: &[u8]) -> Vec<Event> {
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    let mut events = Vec::new();
    let (mut event, mut data): (Event, Option<Vec<u8>>) = (Event::default(), None);
    let mut has_field = false;
    let mut rest = text;
    loop {
        let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
        let line = &rest[..end.unwrap_or(rest.len())];
        if line.is_empty() && end.is_some() {
            if has_field {
                event.data = data.take().unwrap_or_default().into();
                events.push(std::mem::take(&mut event));
            }
            has_field = false;
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let (name, value) = colon.map_or((line, &b""[..]), |at| (&line[..at], &line[at + 1..]));
        let value = value.strip_prefix(b" ").unwrap_or(value);
        let as_text = || Some(String::from_utf8_lossy(value).into_owned());
        let number = || {
            value
                .iter()
                .all(u8::is_ascii_digit)
                .then(|| std::str::from_utf8(value).ok()?.parse().ok())
        };
        match name {
            b"data" => match &mut data {
                None => data = Some(value.to_vec()),
                Some(lines) => lines.extend([b"\n", value].concat()),
            },
            b"event" => event.event = as_text(),
            b"id" if !value.contains(&0) => event.id = as_text(),
            b"retry" if number().flatten().is_some() => event.retry = number().flatten(),
            _ => {
                let Some(end) = end else { break };
                rest = after(rest, end);
                continue;
            }
        }
        has_field = true;
        let Some(end) = end else { break };
        rest = after(rest, end);
    }
    // The one liberty that is taken: data without its blank line counts.
    if data.is_some() {
        event.data = data.unwrap_or_default().into();
        events.push(event);
    }
    events
}

fn after(text: &[u8], end: usize) -> &[u8] {
    &text[end
        + if text[end..].starts_with(b"\r\n") {
            2
        } else {
            1
        }..]
}
