//! "Did you mean …?"

/// The known word that was probably meant, if one is near enough.
pub fn suggest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_ascii_lowercase().replace(['-', '_', ' '], "");
    let given = plain(word);
    if given.is_empty() || given.len() > 64 {
        return None;
    }
    let far = given.chars().count().div_ceil(4).min(3);
    known
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&given, &plain(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= far && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The known words that were probably meant, nearest first: mistyped ones, then those of which the word is a part.
pub(crate) fn nearest<'a>(
    word: &str,
    known: impl Iterator<Item = &'a str>,
    most: usize,
) -> Vec<&'a str> {
    let plain = |text: &str| text.to_ascii_lowercase().replace(['-', '_', ' '], "");
    let given = plain(word);
    if given.is_empty() || given.len() > 64 {
        return Vec::new();
    }
    let far = given.chars().count().div_ceil(4).min(3);
    let mut found: Vec<(usize, usize, &str)> = known
        .filter_map(|candidate| {
            let other = plain(candidate);
            let distance = strsim::osa_distance(&given, &other);
            if distance <= far && distance < other.chars().count() {
                Some((distance, other.len(), candidate))
            } else if given.len() > 2
                && (other.contains(&given) || given.contains(&other) && other.len() > 2)
            {
                Some((far + 1, other.len(), candidate))
            } else {
                None
            }
        })
        .collect();
    found.sort_unstable();
    found
        .into_iter()
        .map(|(_, _, word)| word)
        .take(most)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::suggest;

    #[test]
    fn near_words_only() {
        let known = ["command", "args", "env", "url", "idle_timeout_s"];
        assert_eq!(suggest("comand", known), Some("command"));
        assert_eq!(suggest("Command", known), Some("command"));
        assert_eq!(suggest("agrs", known), Some("args"));
        assert_eq!(suggest("idleTimeoutS", known), Some("idle_timeout_s"));
        assert_eq!(suggest("icon", known), None);
        assert_eq!(suggest("", known), None);
        assert_eq!(suggest(&"x".repeat(10_000), known), None);
    }
}
