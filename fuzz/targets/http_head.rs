//! Any bytes as the reply of an HTTP server: its head is whole at one place and nowhere before, where the body ends is
//! what the fields say, and chunks do not depend on how they arrive.
#![no_main]

use libfuzzer_sys::fuzz_target;
use transport::client::chunked::{Chunked, Piece};
use transport::client::head::{Framing, Head};

fuzz_target!(|data: &[u8]| {
    let Some((&cut, reply)) = data.split_first() else {
        return;
    };
    let cut = usize::from(cut) + 1;
    if let Ok(Some(head)) = Head::parse(reply) {
        is_whole_there(reply, &head);
        says_what_its_fields_say(&reply[..head.bytes], &head);
        if head.framing == Framing::Chunked {
            chunks(&reply[head.bytes..], cut);
        }
    }
    chunks(reply, cut);
});

fn is_whole_there(reply: &[u8], head: &Head) {
    let again = Head::parse(&reply[..head.bytes])
        .expect("the rest has no say")
        .expect("it is whole");
    assert_eq!(
        (again.status, again.framing, again.bytes),
        (head.status, head.framing, head.bytes)
    );
    for end in (0..head.bytes).step_by(1 + head.bytes / 64) {
        assert!(
            Head::parse(&reply[..end])
                .expect("its start is no worse")
                .is_none()
        );
    }
}

fn says_what_its_fields_say(text: &[u8], head: &Head) {
    assert!((100..=599).contains(&head.status) && head.status != 101);
    let text = String::from_utf8_lossy(text).to_ascii_lowercase();
    let values = |name: &str| {
        let fields = text.lines().filter_map(|line| line.split_once(':'));
        fields
            .filter(|field| field.0 == name)
            .map(|field| field.1.trim().to_owned())
            .collect::<Vec<_>>()
    };
    let (lengths, codings) = (values("content-length"), values("transfer-encoding"));
    match head.framing {
        _ if head.status < 200 || matches!(head.status, 204 | 304) => {
            assert_eq!(head.framing, Framing::Length(0));
        }
        Framing::Chunked => assert_eq!(codings, ["chunked"]),
        Framing::Length(length) => {
            assert!(codings.is_empty() && !lengths.is_empty());
            let mut each = lengths.iter().flat_map(|value| value.split(','));
            assert!(each.all(|value| value.trim().parse() == Ok(length)));
        }
        Framing::Close => assert!(lengths.is_empty() && codings.is_empty()),
    }
    if head.keep_alive {
        assert!(
            !values("connection")
                .iter()
                .any(|value| value.split(',').any(|option| option.trim() == "close"))
        );
        assert!(codings.is_empty() || lengths.is_empty());
    }
}

/// The body and where it ended, if it did; `None` if it is malformed.
type Body = Option<(Vec<u8>, Option<usize>)>;

fn chunks(text: &[u8], cut: usize) {
    let whole = decode(text, usize::MAX);
    assert_eq!(decode(text, cut), whole);
    if let Some((body, Some(end))) = whole {
        let mut again: Vec<u8> = Vec::new();
        for piece in body.chunks(cut) {
            again.extend(
                format!("{:X};x\r\n", piece.len())
                    .bytes()
                    .chain(piece.iter().copied())
                    .chain(*b"\r\n"),
            );
        }
        again.extend(b"0\r\na: b\r\n\r\n");
        assert_eq!(decode(&again, cut), Some((body, Some(again.len()))));
        assert!(text[..end].ends_with(b"\r\n\r\n"));
    }
}

fn decode(text: &[u8], cut: usize) -> Body {
    let (mut chunked, mut body, mut at) = (Chunked::default(), Vec::new(), 0);
    for piece in text.chunks(cut) {
        let end = at + piece.len();
        while at < end {
            match chunked.piece(&text[at..end]).ok()? {
                Piece::More => at = end,
                Piece::Data { skip, take } => {
                    assert!(take > 0);
                    body.extend_from_slice(&text[at + skip..at + skip + take]);
                    at += skip + take;
                }
                Piece::End { skip } => return Some((body, Some(at + skip))),
            }
        }
    }
    Some((body, None))
}
