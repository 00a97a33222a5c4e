//! How many tokens a text is.

/// Counted with the o200k vocabulary. Other models' vocabularies give other numbers, in much the same proportions.
pub(crate) fn tokens(text: &str) -> usize {
    bpe_openai::o200k_base().count(text)
}

/// The value in the middle, the larger of two.
pub(crate) fn median(mut values: Vec<usize>) -> usize {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}
