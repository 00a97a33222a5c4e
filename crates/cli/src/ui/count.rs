//! How many there are of something, as people say it.

/// `1 server`, `2 servers`. For nouns whose plural takes an s and nothing else.
pub(crate) fn counted(count: usize, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

/// The one of two words, such as verbs, that goes with so many.
pub(crate) fn agreeing(count: usize, one: &'static str, many: &'static str) -> &'static str {
    if count == 1 { one } else { many }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_many_and_none_is() {
        for (count, said) in [
            (0, "0 servers cost"),
            (1, "1 server costs"),
            (2, "2 servers cost"),
        ] {
            let verb = agreeing(count, "costs", "cost");
            assert_eq!(format!("{} {verb}", counted(count, "server")), said);
        }
    }
}
