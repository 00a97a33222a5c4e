//! A request as it was typed: filters, and the text without them.

use crate::limits;
use crate::text::{cut, words};

/// A request, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Request {
    /// What is searched for.
    pub text: String,
    /// Any of these kinds will do; in the form of [`plain`].
    kinds: Vec<String>,
    /// All of these tags are asked for.
    tags: Vec<String>,
}

impl Request {
    /// Never fails: what is no filter is text.
    pub(crate) fn read(request: &str) -> Self {
        let mut read = Self::default();
        for word in cut(request, limits::QUERY_BYTES_MAX).split_inclusive(char::is_whitespace) {
            let filters = match word.trim().split_once(':') {
                Some(("type", kind)) if !plain(kind).is_empty() => Some((&mut read.kinds, kind)),
                Some(("tag", tag)) if !plain(tag).is_empty() => Some((&mut read.tags, tag)),
                _ => None,
            };
            match filters {
                Some((filters, value)) if filters.len() < limits::FILTERS_MAX => {
                    filters.push(plain(value));
                }
                Some(_) => {}
                None => read.text.push_str(word),
            }
        }
        read
    }

    /// Whether a server of this kind with these tags (both in the form of [`plain`]) is asked for.
    pub(crate) fn admits(&self, kind: &str, tags: &[String]) -> bool {
        (self.kinds.is_empty() || self.kinds.iter().any(|k| k == kind))
            && self.tags.iter().all(|tag| tags.contains(tag))
    }
}

/// Kinds and tags are the same if their letters and digits are.
pub(crate) fn plain(label: &str) -> String {
    let label = cut(label, limits::LABEL_BYTES_MAX);
    words(label).into_iter().map(|word| word.whole).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_taken_out_of_the_text() {
        let read = Request::read("type:remote tag:Web-Search find  news");
        assert_eq!(read.text, "find  news");
        assert!(read.admits("remote", &["websearch".into(), "other".into()]));
        assert!(!read.admits("remote", &["other".into()]));
        assert!(!read.admits("container", &["websearch".into()]));
    }

    #[test]
    fn kinds_are_alternatives_tags_are_not() {
        let read = Request::read("type:remote type:container tag:a tag:b");
        assert!(read.admits("container", &["a".into(), "b".into()]));
        assert!(!read.admits("container", &["a".into()]));
        assert!(!read.admits("package", &["a".into(), "b".into()]));
    }

    #[test]
    fn what_is_no_filter_is_text() {
        for text in [
            "type: remote",
            "tag:",
            "state:ready",
            "a:b:c",
            "tag:::",
            "TYPE:x",
        ] {
            assert_eq!(Request::read(text).text, text);
        }
    }

    #[test]
    fn filters_and_text_have_an_end() {
        let many = "tag:x ".repeat(limits::FILTERS_MAX + 5);
        let read = Request::read(&many);
        assert_eq!(read.tags.len(), limits::FILTERS_MAX);
        assert_eq!(read.text, "");
        let long = "é".repeat(limits::QUERY_BYTES_MAX);
        assert_eq!(Request::read(&long).text.len(), limits::QUERY_BYTES_MAX);
    }
}
