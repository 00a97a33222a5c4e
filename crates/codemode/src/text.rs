//! Text that must not be longer than so much.

/// Cuts at a whole character, and says so by `…`.
pub(crate) fn cut(mut text: String, max: usize) -> String {
    if text.len() > max {
        text.truncate(text.floor_char_boundary(max.saturating_sub('…'.len_utf8())));
        text.push('…');
    }
    text
}

/// The first sentence or line, cut to `max` bytes.
pub(crate) fn first_sentence(text: &str, max: usize) -> String {
    let line = text.trim().lines().next().unwrap_or_default().trim();
    let end = line.find(". ").map_or(line.len(), |at| at + 1);
    cut(line[..end].to_owned(), max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_keeps_characters_whole() {
        assert_eq!(cut("äöü".into(), 5), "ä…");
        assert_eq!(cut("äöü".into(), 6), "äöü");
    }

    #[test]
    fn the_first_sentence_is_enough() {
        assert_eq!(
            first_sentence("\n Lists issues. Also closed ones.\nMore", 100),
            "Lists issues."
        );
        assert_eq!(
            first_sentence("Version 1.2 of it", 100),
            "Version 1.2 of it"
        );
        assert_eq!(first_sentence("", 100), "");
    }
}
