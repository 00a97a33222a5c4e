use proptest::prelude::*;

use super::*;

fn all(text: &str) -> Vec<String> {
    let words = words(text).into_iter().map(|word| match &word.parts[..] {
        [] => word.whole,
        parts => format!("{}={}", word.whole, parts.join("+")),
    });
    words.collect()
}

#[test]
fn what_a_word_is() {
    for (text, expected) in [
        ("List all  files!", vec!["list", "all", "files"]),
        ("list_all-files", vec!["list", "all", "files"]),
        ("listAllFiles", vec!["listallfiles=list+all+files"]),
        ("HTTPServer", vec!["httpserver=http+server"]),
        ("GitHub", vec!["github=git+hub"]),
        ("S3 mp4 12306", vec!["s3", "mp4", "12306"]),
        (
            "the patient's don’t users' '",
            vec!["the", "patient", "dont", "users"],
        ),
        ("Crème BRÛLÉE e\u{301}té", vec!["creme", "brulee", "ete"]),
        ("ﬁle №5 ½", vec!["file", "no5", "1", "2"]),
        ("天气预报", vec!["天气", "气预", "预报"]),
        ("图 a图b", vec!["图", "a", "图", "b"]),
        ("スーパー", vec!["スー", "ーパ", "パー"]),
        ("날씨 예보", vec!["날씨", "예보"]),
        ("погода", vec!["погода"]),
        ("", vec![]),
        ("\u{0}\u{1b}[31m🧠", vec!["31m"]),
    ] {
        assert_eq!(all(text), expected, "{text}");
    }
}

#[test]
fn words_have_an_end() {
    let long = words(&"a".repeat(1_000));
    assert_eq!(long[0].whole.len(), limits::WORD_CHARS_MAX);
    assert_eq!(long.len(), 1);
}

#[test]
fn texts_are_cut_at_characters() {
    assert_eq!(cut("äöü", 3), "ä");
    assert_eq!(cut("abc", 9), "abc");
    assert_eq!(cut("", 0), "");
}

proptest! {
    #[test]
    fn the_quick_way_is_the_same_way(text in "[a-cA-C1' -]{0,80}") {
        prop_assert_eq!(words(&text), any_words(&text));
        let mut all = Vec::new();
        each(&text, |word| all.push(word.to_owned()));
        let expected = words(&text).into_iter().flat_map(|word| std::iter::once(word.whole).chain(word.parts));
        prop_assert_eq!(all, expected.collect::<Vec<_>>());
    }

    #[test]
    fn no_word_is_empty(text in any::<String>()) {
        for word in words(&text) {
            prop_assert!(!word.whole.is_empty());
            prop_assert!(word.parts.iter().all(|part| !part.is_empty()));
        }
    }
}
