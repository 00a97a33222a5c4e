//! Views are made of servers, so their tests are transcripts; here is only what needs none.

use super::shortened;

#[test]
fn texts_are_shortened_at_characters() {
    assert_eq!(shortened("日本語", 2), "日本…");
    assert_eq!(shortened("abc", 3), "abc");
}
