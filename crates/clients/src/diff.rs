//! What an edit changes, as lines: enough for one contiguous change, which is all that we make.

/// The changed lines of a text with up to three around them, as `diff -u` shows them; empty if there is no difference.
pub fn diff(before: &str, after: &str) -> String {
    const AROUND: usize = 3;
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let start = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let same = old[start..].iter().rev().zip(new[start..].iter().rev());
    let end = same.take_while(|(a, b)| a == b).count();
    let (removed, added) = (&old[start..old.len() - end], &new[start..new.len() - end]);
    if removed.is_empty() && added.is_empty() {
        return String::new();
    }
    let from = start.saturating_sub(AROUND);
    let behind = &old[old.len() - end..(old.len() - end + AROUND).min(old.len())];
    let count = |changed: usize| start - from + changed + behind.len();
    let mut text = format!(
        "@@ -{},{} +{},{} @@\n",
        from + usize::from(!old.is_empty()),
        count(removed.len()),
        from + usize::from(!new.is_empty()),
        count(added.len())
    );
    let mut lines = |sign: &str, lines: &[&str]| {
        for line in lines {
            text.push_str(&format!("{sign}{line}\n"));
        }
    };
    lines(" ", &old[from..start]);
    lines("-", removed);
    lines("+", added);
    lines(" ", behind);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_shown_with_what_is_around() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n";
        let after = "1\n2\n3\n4\nnew\n6\n7\n8\n";
        assert_eq!(
            diff(before, after),
            "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+new\n 6\n 7\n 8\n"
        );
        assert_eq!(diff("", "a\n"), "@@ -0,0 +1,1 @@\n+a\n");
        assert_eq!(diff("a\n", "a\n"), "");
        assert_eq!(diff("a\n", ""), "@@ -1,1 +0,0 @@\n-a\n");
    }
}
