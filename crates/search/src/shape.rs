//! Things in a request that tell by their shape what they are: addresses, paths, names of files.

/// What kinds of files are called, by their ending.
const ENDINGS: &[(&str, &[&str])] = &[
    ("csv xls xlsx ods tsv", &["spreadsheet", "excel"]),
    ("doc docx odt rtf", &["word", "document"]),
    ("ppt pptx odp key", &["powerpoint", "presentation"]),
    ("pdf", &["pdf", "document"]),
    ("md mdx", &["markdown"]),
    ("txt log", &["text"]),
    ("png jpg jpeg gif webp svg bmp tif tiff heic", &["image"]),
    ("mp3 wav flac ogg m4a aac", &["audio"]),
    ("mp4 mov avi mkv webm", &["video"]),
    ("py ipynb", &["python", "code"]),
    ("js jsx ts tsx", &["javascript", "code"]),
    ("rs go java c h cpp cs rb php swift kt sh", &["code"]),
    ("sql db sqlite sqlite3", &["database", "sql"]),
    ("json yaml yml toml xml", &["json"]),
    ("html htm css", &["web", "page"]),
    ("zip tar gz tgz 7z rar", &["archive"]),
    ("bib", &["citation"]),
    ("tf", &["terraform"]),
];

/// Kinds whose endings names of products have too (`node.js`).
const AMBIGUOUS: &[&str] = &["code", "javascript", "python"];

/// The request without paths and addresses, and what each of them and each name of a file is, in words.
pub(crate) fn shapes(text: &str) -> (String, Vec<Vec<&'static str>>) {
    let mut rest = String::with_capacity(text.len());
    let mut shapes: Vec<Vec<&'static str>> = Vec::new();
    for token in text.split_inclusive(char::is_whitespace) {
        let around = |c: char| c.is_whitespace() || ",;:!?\"'()[]{}<>`".contains(c);
        let bare = token.trim_matches(around).trim_end_matches('.');
        let is_address = ["http://", "https://", "www."]
            .iter()
            .any(|start| bare.starts_with(start));
        let is_path = !is_address && is_path(bare);
        let shape = if is_address {
            vec!["url", "web", "page"]
        } else {
            file(bare, is_path)
        };
        if is_address || is_path {
            rest.push(' ');
        } else {
            rest.push_str(token);
        }
        if !shape.is_empty() && !shapes.contains(&shape) {
            shapes.push(shape);
        }
    }
    (rest, shapes)
}

fn is_path(token: &str) -> bool {
    let rooted = ["/", "~/", "./", "../"]
        .iter()
        .any(|start| token.starts_with(start));
    let drive =
        token.get(1..3) == Some(":\\") && token.starts_with(|c: char| c.is_ascii_alphabetic());
    let parts = token
        .split(['/', '\\'])
        .filter(|part| part.contains(char::is_alphanumeric));
    drive || rooted && parts.count() > usize::from(token.starts_with('/') && !token.contains('.'))
}

/// What kind of file a path or a name is of.
fn file(token: &str, is_path: bool) -> Vec<&'static str> {
    let ending = token.rsplit_once('.').filter(|(name, _)| !name.is_empty());
    let ending = ending
        .map(|(_, ending)| ending.to_ascii_lowercase())
        .unwrap_or_default();
    let kinds = ENDINGS
        .iter()
        .find(|(endings, _)| endings.split(' ').any(|e| e == ending));
    let kinds = kinds.map_or(&[][..], |(_, words)| *words);
    let ambiguous = kinds.iter().any(|kind| AMBIGUOUS.contains(kind));
    match (is_path, kinds) {
        (true, kinds) => kinds
            .iter()
            .copied()
            .chain(["file", "filesystem"])
            .collect(),
        (false, []) => Vec::new(),
        (false, _) if ambiguous => Vec::new(),
        (false, kinds) => kinds.iter().copied().chain(["file"]).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_that_tell_what_they_are() {
        for (text, rest, expected) in [
            (
                "read /root/csv/a.csv, please",
                "read  please",
                vec![vec!["spreadsheet", "excel", "file", "filesystem"]],
            ),
            (
                "open https://a.b/c?d=e now",
                "open  now",
                vec![vec!["url", "web", "page"]],
            ),
            (
                "convert report.docx",
                "convert report.docx",
                vec![vec!["word", "document", "file"]],
            ),
            (
                r"list C:\Users\me",
                "list  ",
                vec![vec!["file", "filesystem"]],
            ),
            (
                "in ~/notes/ and ~/notes/",
                "in  and  ",
                vec![vec!["file", "filesystem"]],
            ),
        ] {
            let (found, shapes) = shapes(text);
            assert_eq!((found.as_str(), shapes), (rest, expected), "{text}");
        }
    }

    #[test]
    fn things_that_do_not() {
        for text in [
            "node.js", "and/or", "/", "//", "1.5 GB", ".md", "a.b.c", "e.g.", "ci/cd", "...",
            "é:\\",
        ] {
            assert_eq!(shapes(text), (text.to_owned(), Vec::new()), "{text}");
        }
    }
}
