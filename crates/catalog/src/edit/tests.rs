use super::*;
use crate::ServerName;

const TEXT: &str = "# Ours.
catalog: mine   # as the file is
title: Servers
servers:
  # The first.
  a:
    image: acme/a:1     # pinned
    env: {B: \"c\"}

  # The second.
  b: {image: acme/b}
  # Nothing more yet.

# The end.
";

fn catalog(text: &str) -> Catalog {
    read_catalog(text, "mine", "f", &Origin::Catalog("mine".into())).unwrap()
}

fn entry(name: &str) -> Entry {
    Entry::remote(ServerName::new(name).unwrap(), "https://h.example/mcp")
}

fn edited(text: &str, change: impl FnOnce(&mut Catalog)) -> String {
    let mut wanted = catalog(text);
    change(&mut wanted);
    let edited = edit_catalog(text, &wanted).unwrap();
    assert!(!edited.is_whole, "{}", edited.text);
    let is = catalog(&edited.text);
    let names = |catalog: &Catalog| -> Vec<String> {
        catalog.entries.iter().map(|e| e.name.to_string()).collect()
    };
    assert_eq!(names(&is), names(&wanted));
    edited.text
}

#[test]
fn a_server_that_comes_leaves_every_other_byte() {
    let text = edited(TEXT, |all| all.entries.push(entry("c")));
    let block = "  c:\n    url: https://h.example/mcp\n";
    assert_eq!(
        text,
        TEXT.replace("  # Nothing more", &format!("{block}  # Nothing more"))
    );
    let text = edited(&TEXT.replace('\n', "\r\n"), |all| {
        all.entries.push(entry("c"));
    });
    assert!(text.contains("\r\n  c:\r\n    url:"), "{text:?}");
    for empty in [
        "catalog: mine\n",
        "catalog: mine\nservers: {} # none\n# end\n",
        "catalog: mine\nservers:\n",
    ] {
        let text = edited(empty, |all| all.entries.push(entry("c")));
        assert!(text.contains(&format!("\n{block}")), "{text}");
        assert_eq!(text.contains('#'), empty.contains("# end"), "{text}");
    }
}

#[test]
fn a_server_that_goes_takes_its_lines_and_no_comment_of_others() {
    let text = edited(TEXT, |all| drop(all.entries.remove(0)));
    assert!(
        text.contains("# The first.") && text.contains("\n  # The second.\n  b: {image"),
        "{text}"
    );
    assert!(!text.contains("acme/a"), "{text}");
    let text = edited(TEXT, |all| all.entries.clear());
    assert!(
        text.contains("# The end.") && text.contains("servers:\n  # The first."),
        "{text}"
    );
    // And back again.
    let text = edited(&text, |all| all.entries.push(entry("c")));
    assert!(text.contains("# The end."), "{text}");
}

#[test]
fn a_server_that_changes_is_written_anew_where_it_was() {
    let text = edited(TEXT, |all| {
        all.entries[0].title = Some("A".into());
        all.title = None;
        all.reference = Some("h/a:1".into());
    });
    let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part}: {text}"));
    assert!(at("title: A") < at("# The second."), "{text}");
    assert!(at("ref: h/a:1") < at("servers:"), "{text}");
    assert!(!text.contains("title: Servers"), "{text}");
}

#[test]
fn where_single_entries_came_from_and_what_was_approved_is_noted() {
    let foreign = |approved| Entry {
        origin: Origin::Url("https://h/c".into()),
        is_approved: approved,
        ..entry("c")
    };
    let text = edited(TEXT, |all| all.entries.push(foreign(true)));
    let read = catalog(&text);
    let c = &read.entries[2];
    assert!(c.origin.is_foreign() && c.is_approved, "{text}");
    assert!(!read.entries[0].origin.is_foreign());
    let text = edited(&text, |all| all.entries[2].is_approved = false);
    assert!(!text.contains("approved"), "{text}");
    let text = edited(&text, |all| drop(all.entries.pop()));
    assert_eq!(text, TEXT);
    // From elsewhere, no text says so of itself.
    let sly = "catalog: c\norigins: {a: {kind: file, from: x}}\nservers: {a: {image: i}}";
    let read = read_catalog(sly, "c", "f", &Origin::Url("u".into())).unwrap();
    assert_eq!(read.entries[0].origin, Origin::Url("u".into()));
    assert_eq!(
        catalog(&sly.replace("kind: file", "kind: own")).entries[0].origin,
        Origin::Catalog("mine".into())
    );
}

#[test]
fn what_has_no_lines_of_its_own_is_written_as_a_whole() {
    for text in [
        "catalog: mine\nservers: {a: {image: i}, b: {image: j}} # both\n",
        "{\"catalog\": \"mine\", \"servers\": {}}",
        "registry: {a: {image: i}, b: {image: j}} # of another form",
        "catalog: mine\nservers:\n  a: &x {image: i} # one\n  b: *x\n",
    ] {
        let mut wanted = catalog(text);
        wanted.entries.push(entry("c"));
        wanted.entries.retain(|entry| entry.name != "a");
        let edited = edit_catalog(text, &wanted).unwrap();
        assert!(edited.is_whole, "{}", edited.text);
        assert_eq!(catalog(&edited.text).entries.len(), wanted.entries.len());
    }
}

#[test]
fn many_changes_at_once_are_no_single_ones() {
    for (count, is_whole) in [(EDITS_MAX, false), (EDITS_MAX + 1, true)] {
        let mut wanted = catalog(TEXT);
        let more = (0..count).map(|at| entry(&format!("more{at}")));
        wanted.entries.extend(more);
        assert_eq!(edit_catalog(TEXT, &wanted).unwrap().is_whole, is_whole);
    }
}

proptest::proptest! {
    #[test]
    fn any_change_of_any_text_is_what_was_wanted(
        lines in proptest::collection::vec(0..6_usize, 0..14), gone in 0..8_usize, indent in 1..5_usize,
    ) {
        let mut text = "catalog: mine\nservers:\n".to_owned();
        let by = " ".repeat(indent);
        for (at, kind) in lines.iter().enumerate() {
            text.push_str(&match kind {
                0 => format!("{by}# note\n"),
                1 => "\n".to_owned(),
                2 => format!("{by}{by}# deep\n"),
                3 => format!("{by}s{at}: {{image: a}} # here\n"),
                4 => format!("{by}s{at}:\n{by}{by}image: b # there\n"),
                _ => format!("{by}\"s{at}\": {{url: 'https://h.example'}}\n"),
            });
        }
        let mut wanted = catalog(&text);
        let was = wanted.entries.len();
        if gone < was {
            wanted.entries.remove(gone);
        }
        wanted.entries.push(entry("new"));
        let edited = edit_catalog(&text, &wanted).unwrap();
        let is = catalog(&edited.text);
        let names = |all: &Catalog| all.entries.iter().map(|e| e.name.clone()).collect::<Vec<_>>();
        proptest::prop_assert_eq!(names(&is), names(&wanted));
        proptest::prop_assert!(!edited.is_whole, "{}", &edited.text);
        if gone >= was && was > 0 {
            let block = format!("{by}new:\n{by}  url: https://h.example/mcp\n");
            proptest::prop_assert_eq!(edited.text.replace(&block, ""), text);
        }
    }
}
