//! What a page of the guide holds: its fenced blocks and its code spans, each with the line where it stands.

use std::path::{Path, PathBuf};

/// One file of the documentation.
pub(super) struct Page {
    /// As messages name it, from the root of the project.
    pub(super) name: String,
    pub(super) blocks: Vec<Block>,
    pub(super) spans: Vec<Piece>,
}

/// A fenced block; `line` is that of its first line of text.
pub(super) struct Block {
    pub(super) language: String,
    pub(super) line: usize,
    pub(super) text: String,
}

/// Some text, and where it stands.
#[derive(Clone)]
pub(super) struct Piece {
    pub(super) line: usize,
    pub(super) text: String,
}

pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The README and every page of the guide.
pub(super) fn pages() -> Vec<Page> {
    let folder = root().join("docs/guide");
    let files = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".md"))
        .map(|name| format!("docs/guide/{name}"))
        .collect();
    names.push("README.md".to_owned());
    names.sort();
    names.iter().map(|name| Page::read(name)).collect()
}

impl Page {
    pub(super) fn read(name: &str) -> Self {
        let text = std::fs::read_to_string(root().join(name)).expect(name);
        Self::parse(name, &text)
    }

    fn parse(name: &str, text: &str) -> Self {
        let mut page = Self {
            name: name.to_owned(),
            blocks: Vec::new(),
            spans: Vec::new(),
        };
        let mut open: Option<(Block, usize)> = None;
        let mut paragraph = Piece {
            line: 1,
            text: String::new(),
        };
        for (line, text) in (1..).zip(text.lines()) {
            let inner = text.trim_start();
            match (&mut open, inner.strip_prefix("```")) {
                (None, Some(language)) => {
                    page.end_of(&mut paragraph, line);
                    let block = Block {
                        language: language.to_owned(),
                        line: line + 1,
                        text: String::new(),
                    };
                    open = Some((block, text.len() - inner.len()));
                }
                (Some(_), Some(_)) => {
                    page.blocks.extend(open.take().map(|(block, _)| block));
                    paragraph.line = line + 1;
                }
                (Some((block, indent)), None) => {
                    // A block of a list is indented as a whole.
                    let cut = text.len().min(*indent);
                    assert!(text[..cut].trim().is_empty(), "{name}:{line}: {text}");
                    block.text.push_str(&text[cut..]);
                    block.text.push('\n');
                }
                (None, None) if inner.is_empty() => page.end_of(&mut paragraph, line),
                (None, None) => {
                    paragraph.text.push_str(text);
                    paragraph.text.push('\n');
                }
            }
        }
        assert!(open.is_none(), "{name}: the last block is not closed");
        page.end_of(&mut paragraph, 0);
        page
    }

    /// Takes the code spans of a paragraph, which may go over the end of a line; the next one begins after `line`.
    fn end_of(&mut self, paragraph: &mut Piece, line: usize) {
        let mut at = paragraph.line;
        for (nth, piece) in paragraph.text.split('`').enumerate() {
            if nth % 2 == 1 {
                self.spans.push(Piece {
                    line: at,
                    text: piece.replace('\n', " "),
                });
            }
            at += piece.matches('\n').count();
        }
        *paragraph = Piece {
            line: line + 1,
            text: String::new(),
        };
    }
}

#[test]
fn blocks_and_spans_are_found_with_their_lines() {
    let text = "# A\n\nsay `b\nc` and `d`\n\n1. e\n\n   ```toml\n   f = 1\n     g\n   ```\n`h`\n";
    let page = Page::parse("x.md", text);
    let spans: Vec<_> = page.spans.iter().map(|s| (s.line, &*s.text)).collect();
    assert_eq!(spans, [(3, "b c"), (4, "d"), (12, "h")]);
    let [block] = &page.blocks[..] else { panic!() };
    assert_eq!(
        (block.line, &*block.language, &*block.text),
        (9, "toml", "f = 1\n  g\n")
    );
}
