//! The command lines of a block: lines that go on are one, and what stands behind `#` is for people.

use super::markdown::{Block, Piece};

pub(super) fn commands(block: &Block) -> Vec<Piece> {
    let mut all: Vec<Piece> = Vec::new();
    let mut goes_on = false;
    for (line, text) in (block.line..).zip(block.text.lines()) {
        let text = without_comment(text).trim();
        let (text, next) = match text.strip_suffix('\\') {
            Some(part) => (part.trim_end(), true),
            None => (text, false),
        };
        match all.last_mut().filter(|_| goes_on) {
            Some(last) => last.text = format!("{} {text}", last.text),
            None if text.is_empty() => {}
            None => all.push(Piece {
                line,
                text: text.to_owned(),
            }),
        }
        goes_on = next;
    }
    all
}

/// A `#` begins a comment where it begins a word, outside of quotes.
fn without_comment(line: &str) -> &str {
    let (mut quote, mut before) = (None, ' ');
    for (at, letter) in line.char_indices() {
        match quote {
            Some(open) if open == letter => quote = None,
            Some(_) => {}
            None if letter == '#' && before.is_whitespace() => return &line[..at],
            None if letter == '\'' || letter == '"' => quote = Some(letter),
            None => {}
        }
        before = letter;
    }
    line
}

#[test]
fn a_line_is_what_a_shell_takes_for_one() {
    let block = Block {
        language: "sh".to_owned(),
        line: 4,
        text: "a b   # c\n\n# d\ne '# f' \\\n   g#h\n".to_owned(),
    };
    let found: Vec<_> = commands(&block)
        .into_iter()
        .map(|piece| (piece.line, piece.text))
        .collect();
    let expected = [(4, "a b".to_owned()), (7, "e '# f' g#h".to_owned())];
    assert_eq!(found, expected);
}
