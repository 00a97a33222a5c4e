use proptest::prelude::*;

use super::*;
use crate::limits::LINE_BYTES_MAX;

/// What comes out, when so many bytes at most are read at a time.
fn split(input: &[u8], steps: &[usize], limit: usize) -> Vec<Result<Vec<u8>, &'static str>> {
    let mut lines = Lines::new(limit);
    let mut out = Vec::new();
    let mut rest = input;
    let mut steps = steps.iter().copied().cycle();
    while !rest.is_empty() {
        let space = lines.space();
        let read = steps
            .next()
            .unwrap_or(usize::MAX)
            .min(space.len())
            .min(rest.len());
        space[..read].copy_from_slice(&rest[..read]);
        lines.filled(read);
        rest = &rest[read..];
        while let Some(line) = lines.next() {
            out.push(line.map(|line| line.to_vec()).map_err(|_| "too long"));
        }
    }
    out.extend(lines.finish().map(|line| Ok(line.to_vec())));
    out
}

#[test]
fn lines_come_without_their_newlines() {
    let out = split(b"{\"a\":1}\n{\"b\":2}\r\n", &[3], 100);
    assert_eq!(out, [Ok(b"{\"a\":1}".to_vec()), Ok(b"{\"b\":2}".to_vec())]);
}

#[test]
fn blank_lines_are_passed_over() {
    assert_eq!(split(b"\n \r\n\t\na\n\n", &[1], 100), [Ok(b"a".to_vec())]);
    assert_eq!(split(b"\n  ", &[1], 100), []);
}

#[test]
fn the_last_line_needs_no_newline() {
    assert_eq!(
        split(b"a\nb", &[1], 100),
        [Ok(b"a".to_vec()), Ok(b"b".to_vec())]
    );
}

#[test]
fn a_line_at_the_limit_passes_and_one_over_it_is_skipped() {
    let mut input = vec![b'x'; LINE_BYTES_MAX];
    input.push(b'\n');
    input.extend(vec![b'y'; LINE_BYTES_MAX + 1]);
    input.extend(b"\nlast\n");
    let out = split(&input, &[READ_BYTES_MAX], LINE_BYTES_MAX);
    assert_eq!(out.len(), 3);
    assert_eq!(out[0].as_ref().unwrap().len(), LINE_BYTES_MAX);
    assert_eq!(out[1..], [Err("too long"), Ok(b"last".to_vec())]);
}

#[test]
fn a_line_that_is_too_long_is_told_once_and_needs_no_end() {
    assert_eq!(split(&[b'x'; 100], &[7], 10), [Err("too long")]);
    assert_eq!(
        split(b"0123456789a\nb", &[100], 10),
        [Err("too long"), Ok(b"b".to_vec())]
    );
}

#[test]
fn it_is_known_when_nobody_will_get_what_is_read() {
    let mut lines = Lines::new(10);
    let mut feed = |bytes: &[u8]| {
        lines.space()[..bytes.len()].copy_from_slice(bytes);
        lines.filled(bytes.len());
        while lines.next().is_some() {}
        lines.is_skipping()
    };
    assert!(!feed(b"0123456789"));
    assert!(feed(b"a"));
    assert!(feed(b"more of it"));
    assert!(!feed(b"\nnext"));
}

#[test]
fn lines_share_the_buffer_and_a_giant_one_does_not_stay() {
    let mut lines = Lines::new(LINE_BYTES_MAX);
    let space = lines.space();
    space[..4].copy_from_slice(b"a\nb\n");
    let start = space.as_ptr() as usize;
    lines.filled(4);
    let (a, b) = (
        lines.next().unwrap().unwrap(),
        lines.next().unwrap().unwrap(),
    );
    assert_eq!(
        (a.as_ptr() as usize, b.as_ptr() as usize),
        (start, start + 2)
    );

    let mut left = 4 * READ_BYTES_MAX;
    while left > 0 {
        let space = lines.space();
        let read = space.len().min(left);
        space[..read].fill(b'x');
        lines.filled(read);
        left -= read;
        assert!(lines.next().is_none());
    }
    lines.space()[0] = b'\n';
    lines.filled(1);
    assert_eq!(lines.next().unwrap().unwrap().len(), 4 * READ_BYTES_MAX);
    assert!(lines.long.is_empty() && lines.long_bytes == 0);
}

#[test]
fn no_line_takes_more_room_than_the_longest_one() {
    let mut lines = Lines::new(LINE_BYTES_MAX);
    let mut left = 2 * LINE_BYTES_MAX;
    while left > 0 {
        let space = lines.space();
        assert!(space.len() <= READ_BYTES_MAX);
        let read = space.len().min(left);
        lines.filled(read);
        left -= read;
        lines.next();
        assert!(lines.long_bytes <= LINE_BYTES_MAX);
        assert!(lines.long.len() <= 2 * LINE_BYTES_MAX / READ_BYTES_MAX);
    }
}

#[test]
fn long_lines_keep_their_bytes() {
    let long: Vec<u8> = (0..5 * READ_BYTES_MAX)
        .map(|n| b'a' + (n % 26) as u8)
        .collect();
    let mut input = b"first\n".to_vec();
    input.extend(&long);
    input.extend(b"\r\nlast");
    let out = split(&input, &[READ_BYTES_MAX, 1, 4096], LINE_BYTES_MAX);
    assert_eq!(out, [Ok(b"first".to_vec()), Ok(long), Ok(b"last".to_vec())]);
}

proptest! {
    #[test]
    fn how_it_was_cut_makes_no_difference(
        texts in prop::collection::vec("[a-z ]{0,40}", 0..40),
        steps in prop::collection::vec(1usize..60, 1..20),
        ended in any::<bool>(),
    ) {
        let limit = 30;
        let mut input = texts.join("\n").into_bytes();
        if ended {
            input.push(b'\n');
        }
        let cut = split(&input, &steps, limit);
        prop_assert_eq!(&cut, &split(&input, &[usize::MAX], limit));
        let expected: Vec<_> = texts.iter()
            .filter(|text| text.len() > limit || !text.trim().is_empty())
            .map(|text| if text.len() > limit { Err("too long") } else { Ok(text.clone().into_bytes()) })
            .collect();
        prop_assert_eq!(cut, expected);
    }
}
