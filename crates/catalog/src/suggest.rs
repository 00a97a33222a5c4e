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
