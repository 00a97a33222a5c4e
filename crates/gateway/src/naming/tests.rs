//! Names: cases one by one, and what holds for all of them.

use proptest::prelude::*;

use super::*;

fn owned(text: &str) -> Owned {
    let (server, own) = text.split_once('/').unwrap();
    Owned {
        server: server.into(),
        own: own.into(),
    }
}

fn check(given: &[(&str, &str)], wanted: &[&str], expected: &[&str]) {
    let given = given
        .iter()
        .map(|(item, name)| (owned(item), Box::from(*name)))
        .collect();
    let wanted: Vec<Owned> = wanted.iter().map(|text| owned(text)).collect();
    let servers = wanted.iter().map(|item| &*item.server);
    let names = assign(&wanted, &given, servers, false);
    assert_eq!(names.iter().map(|n| &**n).collect::<Vec<_>>(), expected);
}

#[test]
fn unique_names_stay() {
    check(&[], &["a/read", "b/write"], &["read", "write"]);
}

#[test]
fn clashing_names_are_prefixed_on_both_sides() {
    check(
        &[],
        &["a/read", "b/read", "b/write"],
        &["a__read", "b__read", "write"],
    );
}

#[test]
fn a_given_name_stays_and_only_the_newcomer_is_prefixed() {
    check(
        &[("a/read", "read")],
        &["a/read", "b/read"],
        &["read", "b__read"],
    );
}

#[test]
fn a_prefixed_name_stays_after_its_rival_is_gone() {
    check(&[("a/read", "a__read")], &["a/read"], &["a__read"]);
}

#[test]
fn the_gateways_own_names_cannot_be_taken() {
    check(
        &[],
        &["a/mcp-find", "a/code-mode-x"],
        &["a__mcp-find", "a__code-mode-x"],
    );
}

#[test]
fn a_clash_of_prefixed_names_is_numbered() {
    check(
        &[],
        &["a/b__c", "a__b/c", "x/c", "x/b__c"],
        &["a__b__c", "a__b__c_2", "x__c", "x__b__c"],
    );
}

#[test]
fn the_name_of_what_is_away_at_the_moment_is_not_given_to_another() {
    check(&[("a/read", "read")], &["b/read"], &["b__read"]);
}

#[test]
fn no_server_takes_a_name_that_reads_as_anothers() {
    check(&[], &["a/b__read", "b/write"], &["a__b__read", "write"]);
    check(&[], &["a/a__read"], &["a__read"]);
}

#[test]
fn the_first_server_keeps_a_shared_uri() {
    let wanted = [owned("a/x:1"), owned("9_b/x:1")];
    let names = assign_uris(&wanted, &HashMap::new());
    assert_eq!(
        names.iter().map(|n| &**n).collect::<Vec<_>>(),
        ["x:1", "s-9-b+x:1"]
    );
}

#[test]
fn illegal_names_are_repaired_and_stay_apart() {
    assert_eq!(&*legal("files.read"), "files_read");
    assert_ne!(legal("日本"), legal("中国"));
    let long = "x".repeat(80);
    assert_eq!(legal(&long).len(), NAME_MAX);
    assert_ne!(legal(&long), legal(&"x".repeat(81)));
    assert_eq!(legal("").len(), 9);
}

#[test]
fn nearest_offers_what_was_meant() {
    assert_eq!(
        nearest("ecoh", ["echo", "add"].into_iter()),
        Vec::<String>::new()
    );
    assert_eq!(
        nearest("get-weathr", ["get-weather", "get-sum"].into_iter()),
        ["get-weather"]
    );
    assert_eq!(
        nearest("read", ["files__read"].into_iter()),
        ["files__read"]
    );
}

#[test]
fn of_very_many_names_only_the_first_are_looked_at() {
    let before = |others: usize| {
        let mut names = vec!["completely-different"; others];
        names.push("get-weather");
        nearest("get-weathr", names.into_iter()).len()
    };
    assert_eq!(before(NEAREST_AMONG_MAX - 1), 1);
    assert_eq!(before(NEAREST_AMONG_MAX), 0);
}

/// A short name of few letters, so that clashes are common, or one that needs repair.
fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[ab]{1,2}",
        2 => "(a|b|s)(__|_)(a|b|__a)",
        1 => "[a.é/ ]{1,3}",
        1 => "x{60,70}",
        1 => prop::sample::select(vec!["mcp-find".to_owned(), "code-mode-x".to_owned(), String::new()]),
    ]
}

/// What a workspace wants at one moment: no server lists a name twice.
fn any_wanted() -> impl Strategy<Value = Vec<Owned>> {
    let server = prop::sample::select(vec!["a", "b", "a__b", "s.t", "s_t"]);
    prop::collection::vec((server, any_name()), 0..12).prop_map(|items| {
        let mut seen = HashSet::new();
        let items = items.into_iter().map(|(server, own)| Owned {
            server: server.into(),
            own: own.into(),
        });
        items.filter(|item| seen.insert(item.clone())).collect()
    })
}

proptest! {
    /// Over a whole conversation, whatever comes and goes.
    #[test]
    fn names_are_legal_unique_and_stay(moments in prop::collection::vec(any_wanted(), 1..6)) {
        let mut given: HashMap<Owned, Box<str>> = HashMap::new();
        let servers = ["a", "b", "a__b", "s.t", "s_t"];
        for wanted in moments {
            let names = assign(&wanted, &given, servers.into_iter(), false);
            for (item, name) in wanted.into_iter().zip(names) {
                let is_legal = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
                prop_assert!(!name.is_empty() && name.len() <= NAME_MAX && name.bytes().all(is_legal), "{name}");
                prop_assert!(!is_reserved(&name), "{name}");
                let before = given.insert(item, name.clone());
                prop_assert!(before.is_none_or(|before| before == name));
            }
            let different: HashSet<_> = given.values().collect();
            prop_assert_eq!(different.len(), given.len(), "{:?}", given);
        }
    }

    #[test]
    fn uris_are_unique_and_stay(moments in prop::collection::vec(any_wanted(), 1..6)) {
        let mut given: HashMap<Owned, Box<str>> = HashMap::new();
        for wanted in moments {
            let names = assign_uris(&wanted, &given);
            for (item, name) in wanted.into_iter().zip(names) {
                prop_assert!(name.ends_with(&*item.own));
                let before = given.insert(item, name.clone());
                prop_assert!(before.is_none_or(|before| before == name));
            }
            let different: HashSet<_> = given.values().collect();
            prop_assert_eq!(different.len(), given.len(), "{:?}", given);
        }
    }
}
