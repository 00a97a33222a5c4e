use catalog::{Origin, read_catalog};

use super::*;

const URL: &str = "https://h.example/c.yaml";

fn catalog(text: &str, origin: Origin) -> Catalog {
    let catalog = read_catalog(&format!("catalog: c\nservers: {text}"), "c", "c", &origin).unwrap();
    assert_eq!(catalog.problems, []);
    catalog
}

fn foreign(text: &str) -> Catalog {
    catalog(text, Origin::Url(URL.into()))
}

fn known() -> Catalogs {
    Catalogs::merge([catalog("{known: {image: i}}", Origin::Builtin)])
}

/// What of a catalog is taken in, and what is said of the rest.
fn sorted(
    catalog: Catalog,
    known: &Catalogs,
    before: &HashSet<ServerName>,
) -> (Vec<String>, Vec<String>) {
    let mut imported = Imported::default();
    let chosen = chosen(catalog, &["own".into()], known, before, &mut imported);
    assert!(
        chosen
            .iter()
            .all(|entry| !entry.is_approved && !entry.concerns(true).is_empty())
    );
    let names: Vec<String> = chosen.iter().map(|entry| entry.name.to_string()).collect();
    assert_eq!(names, imported.added);
    let refused = imported.refused.into_iter();
    (
        names,
        refused
            .map(|one| format!("{}: {}", one.server, one.why))
            .collect(),
    )
}

#[test]
fn nothing_takes_the_place_of_what_is_there_or_uses_this_machine() {
    let text = r#"{
        fine: {image: i},
        far: {url: "https://h.example/mcp"},
        own: {image: i},
        known: {image: i},
        prog: {command: sh},
        box: {image: i, volumes: ["/etc:/e", "cache:/c"]},
        env: {image: i, secrets: [{env: T, from: "env:T"}]}
    }"#;
    let mut catalog = foreign(text);
    for entry in &mut catalog.entries {
        entry.is_approved = true;
    }
    let (added, refused) = sorted(catalog, &known(), &HashSet::new());
    assert_eq!(added, ["fine", "far"]);
    let person = "; only the user imports that: portolan catalog import URL";
    assert_eq!(
        refused,
        [
            "own: a configured server has this name".to_owned(),
            "known: the built-in catalog has a server of this name".to_owned(),
            format!("prog: it would run the command `sh` of this machine{person}"),
            format!("box: it would see `/etc` of this machine{person}"),
            format!("env: it would take the secret `env.t` from `env:T`{person}"),
        ]
    );
    for origin in [Origin::Own, Origin::Builtin, Origin::Catalog("c".into())] {
        let (added, _) = sorted(
            super::tests::catalog("{a: {image: i}}", origin),
            &known(),
            &HashSet::new(),
        );
        assert!(added.is_empty());
    }
}

#[test]
fn an_address_renews_what_came_from_it_and_nothing_else() {
    let mut known = known();
    for entry in foreign("{a: {image: i}, b: {image: i}}").entries {
        known.insert(entry);
    }
    let before: HashSet<ServerName> = ["a", "known"]
        .map(|name| ServerName::new(name).unwrap())
        .into();
    let text = "{a: {image: j}, b: {image: j}, known: {image: j}}";
    let (added, refused) = sorted(foreign(text), &known, &before);
    // `b` came from there too, but by the person's import.
    assert_eq!((added.len(), refused.len()), (1, 2), "{refused:?}");
    assert_eq!(added, ["a"]);
    let other = catalog(text, Origin::Url("https://other.example/c".into()));
    assert!(sorted(other, &known, &before).0.is_empty());
}

#[test]
fn there_is_an_end_to_it() {
    let before: HashSet<ServerName> = (0..IMPORTED_MAX - 1)
        .map(|at| ServerName::new(&format!("s{at}")).unwrap())
        .collect();
    let (added, refused) = sorted(
        foreign("{a: {image: i}, b: {image: i}, s1: {image: i}}"),
        &known(),
        &before,
    );
    assert_eq!(added, ["a", "s1"]);
    assert_eq!(refused, ["b: too many servers were imported"]);
}
