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

/// The request without such things, and what each of them is, in words.
pub(crate) fn shapes(text: &str) -> (String, Vec<Vec<&'static str>>) {
    let mut rest = String::with_capacity(text.len());
    let mut shapes: Vec<Vec<&'static str>> = Vec::new();
    for token in text.split_inclusive(char::is_whitespace) {
        let bare = token
            .trim_matches(|c: char| c.is_whitespace() || ",;:!?\"'()[]{}<>`".contains(c))
            .trim_end_matches('.');
        let shape = shape(bare);
        if shape.is_empty() {
            rest.push_str(token);
        } else {
            rest.push(' ');
            if !shapes.contains(&shape) {
                shapes.push(shape);
            }
        }
    }
    (rest, shapes)
}

fn shape(token: &str) -> Vec<&'static str> {
    if token.starts_with("http://") || token.starts_with("https://") || token.starts_with("www.") {
        return vec!["url", "web", "page"];
    }
    let ending = token
        .rsplit_once('.')
        .map(|(_, ending)| ending.to_ascii_lowercase());
    let kinds = ending.and_then(|ending| {
        ENDINGS
            .iter()
            .find(|(endings, _)| endings.split(' ').any(|e| e == ending))
            .map(|(_, words)| *words)
    });
    let is_path = (token.starts_with('/')
        || token.starts_with("~/")
        || token.starts_with("./")
        || token.get(1..3) == Some(":\\"))
        && token.len() > 3
        && token[1..].contains(['/', '\\', '.']);
    let mut words = Vec::new();
    if let Some(kinds) = kinds {
        if is_path || token.len() > 4 && token.is_ascii() && !token.starts_with('.') {
            words.extend(kinds);
        }
    }
    if is_path || !words.is_empty() {
        words.push("file");
    }
    if is_path {
        words.push("filesystem");
    }
    words
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
                "convert  ",
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
