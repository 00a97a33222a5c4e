use proptest::prelude::*;

use super::*;

/// The body, and what followed it; shown in pieces of the given lengths.
fn decode(text: &[u8], lengths: &[usize]) -> Result<(Vec<u8>, usize), ChunkError> {
    let mut chunked = Chunked::default();
    let (mut body, mut start, mut end) = (Vec::new(), 0, 0);
    let mut lengths = lengths.iter().cycle();
    loop {
        if start == end {
            if end == text.len() {
                return Ok((body, usize::MAX));
            }
            end = end.saturating_add(*lengths.next().unwrap()).min(text.len());
        }
        match chunked.piece(&text[start..end])? {
            Piece::More => start = end,
            Piece::Data { skip, take } => {
                body.extend_from_slice(&text[start + skip..start + skip + take]);
                start += skip + take;
            }
            Piece::End { skip } => return Ok((body, text.len() - start - skip)),
        }
    }
}

#[track_caller]
fn check(text: &str, body: &str, rest: usize) {
    let whole = decode(text.as_bytes(), &[usize::MAX]).unwrap();
    assert_eq!(whole, (body.as_bytes().to_vec(), rest));
    for at in 1..text.len() {
        assert_eq!(
            decode(text.as_bytes(), &[at, usize::MAX]).unwrap().0,
            body.as_bytes(),
            "cut at {at}"
        );
    }
    assert_eq!(decode(text.as_bytes(), &[1]).unwrap().0, body.as_bytes());
}

#[test]
fn chunks() {
    check("0\r\n\r\n", "", 0);
    check("5\r\nhello\r\n0\r\n\r\n", "hello", 0);
    check(
        "5\r\nhello\r\nA\r\n, new worl\r\n1\r\nd\r\n0\r\n\r\nHTTP",
        "hello, new world",
        4,
    );
    check("0005;a=b;c=\"d\"\r\nhello\r\n00 \r\n\r\n", "hello", 0);
    check("5\r\n\r\n\r\nx\r\n0\r\n\r\n", "\r\n\r\nx", 0);
}

#[test]
fn trailers_are_passed_over() {
    check("1\r\na\r\n0\r\nX: y\r\nZ: w\r\n\r\nrest", "a", 4);
}

#[test]
fn the_end_stays_the_end() {
    let mut chunked = Chunked::default();
    assert_eq!(chunked.piece(b"0\r\n\r\n"), Ok(Piece::End { skip: 5 }));
    assert_eq!(chunked.piece(b"5\r\n"), Ok(Piece::End { skip: 0 }));
}

#[test]
fn a_body_that_is_cut_off_has_no_end() {
    let text = "5\r\nhello\r\n0\r\n\r\n";
    for end in 0..text.len() {
        assert_eq!(decode(&text.as_bytes()[..end], &[3]).unwrap().1, usize::MAX);
    }
}

#[test]
fn refused() {
    for bad in [
        "\r\n",
        "g\r\n",
        "-1\r\n",
        "0x5\r\nhello\r\n",
        " 5\r\nhello\r\n",
        "5\nhello\r\n",
        "5;a\nhello",
        "5\r\rhello",
        "5\r\nhello0\r\n",
        "5\r\nhello\n0\r\n",
        "5\r\nhello\r0\r\n",
        "0\r\nX: y\n\r\n",
        "0\r\n\n",
        "0\r\n\rx",
        "10000000000000000\r\n",
    ] {
        assert_eq!(
            decode(bad.as_bytes(), &[usize::MAX]),
            Err(ChunkError),
            "{bad:?}"
        );
        assert_eq!(decode(bad.as_bytes(), &[1]), Err(ChunkError), "{bad:?}");
    }
    // As large as can be written, and never reached.
    assert!(decode(b"FFFFFFFFFFFFFFFF\r\nabc", &[usize::MAX]).is_ok());
}

#[test]
fn limits() {
    let long = |name: &str, length: usize| {
        format!("5;{}\r\nhello\r\n0\r\n{name}\r\n\r\n", "x".repeat(length))
    };
    assert!(decode(long("", CHUNK_LINE_BYTES_MAX - 10).as_bytes(), &[100]).is_ok());
    assert!(decode(long("", CHUNK_LINE_BYTES_MAX).as_bytes(), &[100]).is_err());
    let zeros = "0".repeat(CHUNK_LINE_BYTES_MAX + 1);
    assert!(decode(zeros.as_bytes(), &[100]).is_err());
    let trailer = format!("a: {}", "b".repeat(HEAD_BYTES_MAX));
    assert!(decode(long(&trailer, 0).as_bytes(), &[100]).is_err());
    let trailers = "a: b\r\n".repeat(HEAD_BYTES_MAX / 6 + 1);
    assert!(decode(format!("0\r\n{trailers}").as_bytes(), &[100]).is_err());
    let trailers = "a: b\r\n".repeat(HEAD_BYTES_MAX / 12);
    assert!(decode(format!("0\r\n{trailers}\r\n").as_bytes(), &[100]).is_ok());
}

proptest! {
    #[test]
    fn what_is_chunked_is_joined(
        chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..8),
        lengths in proptest::collection::vec(1usize..30, 1..8),
    ) {
        let mut text = Vec::new();
        for chunk in &chunks {
            text.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            text.extend_from_slice(chunk);
            text.extend_from_slice(b"\r\n");
        }
        text.extend_from_slice(b"0\r\n\r\n");
        prop_assert_eq!(decode(&text, &lengths).unwrap().0, chunks.concat());
    }

    #[test]
    fn pieces_do_not_matter(
        text in "([0-9a-f]{1,2}|\r\n|\r|\n|;| |[g-z]{0,9}){0,20}",
        lengths in proptest::collection::vec(1usize..5, 1..8),
    ) {
        let whole = decode(text.as_bytes(), &[usize::MAX]);
        let pieces = decode(text.as_bytes(), &lengths);
        prop_assert_eq!(whole.map(|(body, _)| body), pieces.map(|(body, _)| body));
    }
}
