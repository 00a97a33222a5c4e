use proptest::prelude::*;

use super::*;
use crate::document::Tool;

fn server(name: &str, description: &str) -> Document {
    Document {
        name: name.into(),
        description: description.into(),
        ..Document::default()
    }
}

fn tools(names: &[&str]) -> Vec<Tool> {
    let tool = |name: &&str| Tool {
        name: (*name).into(),
        description: String::new(),
    };
    names.iter().map(tool).collect()
}

fn some() -> Index {
    Index::build([
        Document {
            title: "Sky".into(),
            kind: "remote".into(),
            tags: vec!["Weather Data".into()],
            tools: tools(&["get_forecast", "list_stations", "get_air_quality"]),
            ..server("sky", "Weather forecasts for every place")
        },
        Document {
            kind: "container".into(),
            tags: vec!["sql".into(), "Database".into()],
            tools: tools(&["runQuery", "listTables"]),
            ..server("tables", "Ask a relational database")
        },
        Document {
            tools: tools(&["create_issue", "create_pull_request", "search_code"]),
            ..server("forge", "Code hosting with issues and reviews")
        },
        server("letters", "Reads and sends electronic mail"),
        server("must", "中文天气预报服务"),
    ])
}

fn names(index: &Index, request: &str) -> Vec<String> {
    let hits = index.search(request, 10, |_| true).hits;
    hits.into_iter().map(|hit| hit.name).collect()
}

fn first(request: &str) -> String {
    names(&some(), request)
        .into_iter()
        .next()
        .unwrap_or_default()
}

#[test]
fn requests_of_every_kind_find_what_they_mean() {
    for (request, expected) in [
        ("what will the weather be like tomorrow", "sky"),
        ("wether forcast", "sky"),
        ("will it rain", "sky"),
        ("list tables", "tables"),
        ("listTables", "tables"),
        ("open a pull request", "forge"),
        ("email", "letters"),
        ("发送一封电子邮件", "letters"),
        ("天气预报", "must"),
        ("データベース", "tables"),
        ("погода", "sky"),
        ("Datenbank", "tables"),
        ("save the rows to /tmp/out.sql", "tables"),
        ("SKY", "sky"),
        ("add the forge mcp server", "forge"),
        ("let", "letters"),
    ] {
        assert_eq!(first(request), expected, "{request}");
    }
}

#[test]
fn hits_name_the_tools_that_match_best() {
    let found = some().search("what is the air quality", 1, |_| true);
    assert_eq!(found.hits[0].name, "sky");
    assert_eq!(found.hits[0].tools, ["get_air_quality"]);
    let found = some().search("letters", 1, |_| true);
    assert!(found.hits[0].tools.is_empty());
}

#[test]
fn filters_and_the_predicate_both_count() {
    let index = some();
    assert_eq!(names(&index, "type:container"), ["tables"]);
    assert_eq!(names(&index, "tag:weather-data"), ["sky"]);
    assert!(names(&index, "weather type:container").is_empty());
    let found = index.search("weather forecast", 10, |name| name != "sky");
    assert!(found.hits.iter().all(|hit| hit.name != "sky"));
    assert!(index.search("sky", 10, |_| false).hits.is_empty());
}

#[test]
fn a_request_without_words_gives_all_by_name() {
    for request in ["", "  ", "\u{0}\u{7f}\u{200b}", "?!", "。"] {
        let found = some().search(request, 3, |_| true);
        assert_eq!(found.total_matches, 5, "{request:?}");
        let names: Vec<&str> = found.hits.iter().map(|hit| hit.name.as_str()).collect();
        assert_eq!(names, ["forge", "letters", "must"]);
        assert!(found.hits.iter().all(|hit| hit.score == 0.0));
    }
}

#[test]
fn what_nobody_has_is_not_found() {
    let found = some().search("xyzzy qwrtp", 10, |_| true);
    assert_eq!(found, Found::default());
    assert_eq!(
        Index::new().search("weather", 10, |_| true),
        Found::default()
    );
}

#[test]
fn scores_are_shares_and_a_name_is_the_whole() {
    for hit in some()
        .search("weather database issues mail", 10, |_| true)
        .hits
    {
        assert!(hit.score > 0.0 && hit.score <= 1.0, "{hit:?}");
    }
    assert_eq!(some().search("letters", 10, |_| true).hits[0].score, 1.0);
}

#[test]
fn near_duplicates_make_room() {
    let mut index = some();
    for number in 0..10 {
        index.insert(server(
            &format!("weather-{number}"),
            "Weather forecasts for any place, by the hour",
        ));
    }
    let names = names(&index, "weather for this place");
    assert!(names[..5].contains(&"sky".to_owned()), "{names:?}");
}

#[test]
fn a_replaced_server_is_found_by_what_it_is_now() {
    let mut index = some();
    assert!(index.insert(server("sky", "Paints pictures of clouds")));
    assert_eq!(index.len(), 5);
    assert_ne!(
        names(&index, "forecast").first().map(String::as_str),
        Some("sky")
    );
    assert_eq!(names(&index, "paint pictures")[0], "sky");
    assert!(index.remove("sky"));
    assert!(!index.remove("sky"));
    assert!(!index.contains("sky") && !index.is_empty());
    assert!(names(&index, "paint pictures").is_empty());
}

#[test]
fn an_emptied_index_holds_nothing() {
    let mut index = some();
    for name in ["sky", "tables", "forge", "letters", "must"] {
        assert!(index.remove(name));
    }
    assert!(index.is_empty());
    assert_eq!(index.tools, 0);
    assert!(
        index
            .postings
            .iter()
            .all(|p| p.servers.is_empty() && p.tools.is_empty())
    );
    assert_eq!(index.search("weather", 10, |_| true), Found::default());
}

#[test]
fn the_end_of_a_long_request_is_not_read() {
    let long = format!("{} database", " weather".repeat(10_000 / 8));
    assert_eq!(first(&long), "sky");
    assert!(!names(&some(), &long).contains(&"tables".to_owned()));
    let many: Vec<String> = (0..limits::QUERY_WORDS_MAX)
        .map(|n| format!("forecast{n}"))
        .collect();
    let many = format!("{} database", many.join(" "));
    assert!(names(&some(), &many).is_empty());
}

#[test]
fn results_and_their_tools_are_limited() {
    let many = (0..limits::RESULTS_MAX + 50).map(|number| Document {
        tools: (0..2 * limits::TOOLS_PER_RESULT_MAX)
            .map(|tool| Tool {
                name: format!("forecast_{tool}"),
                description: "weather".into(),
            })
            .collect(),
        ..server(&format!("s{number}"), "weather")
    });
    let found = Index::build(many).search("weather", usize::MAX, |_| true);
    assert_eq!(found.hits.len(), limits::RESULTS_MAX);
    assert_eq!(found.total_matches, limits::RESULTS_MAX + 50);
    assert_eq!(found.hits[0].tools.len(), limits::TOOLS_PER_RESULT_MAX);
    assert!(some().search("weather", 0, |_| true).hits.is_empty());
}

#[test]
fn a_full_index_takes_no_more_servers() {
    let mut index =
        Index::build((0..limits::SERVERS_MAX).map(|number| server(&number.to_string(), "")));
    assert_eq!(index.len(), limits::SERVERS_MAX);
    assert!(!index.insert(server("one more", "")));
    assert!(!index.contains("one more"));
    assert!(index.insert(server("7", "another description")));
    assert!(index.remove("7"));
    assert!(index.insert(server("one more", "")));
}

#[test]
fn documents_are_indexed_up_to_the_limits() {
    let long = |word: &str, bytes: usize| format!("{} {word}", "x".repeat(bytes));
    let index = Index::build([Document {
        title: long("beginning", limits::LABEL_BYTES_MAX),
        tags: (0..=limits::LABELS_MAX)
            .map(|number| format!("label{number}"))
            .collect(),
        facts: (0..=limits::LABELS_MAX)
            .map(|number| format!("fact{number}"))
            .collect(),
        tools: (0..=limits::TOOLS_MAX)
            .map(|number| Tool {
                name: format!("tool{number}"),
                description: String::new(),
            })
            .collect(),
        ..server("big", &long("elephant", limits::TEXT_BYTES_MAX))
    }]);
    assert_eq!(index.tools, limits::TOOLS_MAX);
    for (inside, outside) in [
        ("label0".to_owned(), format!("label{}", limits::LABELS_MAX)),
        ("fact0".to_owned(), format!("fact{}", limits::LABELS_MAX)),
        ("tool0".to_owned(), format!("tool{}", limits::TOOLS_MAX)),
    ] {
        assert!(index.vocabulary.get(&inside).is_some(), "{inside}");
        assert!(index.vocabulary.get(&outside).is_none(), "{outside}");
    }
    assert!(index.vocabulary.get("begin").is_none());
    assert!(index.vocabulary.get("eleph").is_none());
}

proptest! {
    #[test]
    fn anything_may_be_asked(request in "\\PC{0,80}", limit in 0..200_usize) {
        let found = some().search(&request, limit, |_| true);
        prop_assert!(found.hits.len() <= limit.min(found.total_matches));
        prop_assert!(found.hits.iter().all(|hit| hit.score.is_finite()));
    }

    #[test]
    fn anything_may_be_indexed(name in any::<String>(), title in any::<String>(), text in any::<String>()) {
        let mut index = some();
        let document = Document {
            title,
            tags: vec![text.clone()],
            tools: vec![Tool { name: text.clone(), description: text.clone() }],
            ..server(&name, &text)
        };
        prop_assert!(index.insert(document));
        // What a name is made of finds it, if it is made of anything that can be said.
        let found = index.search(&name, 10, |_| true);
        if name.chars().any(|c| c.is_ascii_alphanumeric()) && !name.contains(':') && name.len() < 64 {
            prop_assert!(found.hits.iter().any(|hit| hit.name == name), "{found:?}");
        }
        prop_assert!(index.remove(&name));
    }

    #[test]
    fn the_order_of_insertion_is_forgotten(order in Just((0..5_usize).collect::<Vec<_>>()).prop_shuffle()) {
        let documents = ["alpha weather", "beta weather", "gamma weather rain", "delta", "rain forecast"];
        let document = |number: &usize| server(&format!("s{number}"), documents[*number]);
        let expected = Index::build((0..5).map(|number| document(&number)));
        let shuffled = Index::build(order.iter().map(document));
        for request in ["weather", "rain tomorrow", "forecst", "s1"] {
            prop_assert_eq!(
                expected.search(request, 10, |_| true),
                shuffled.search(request, 10, |_| true)
            );
        }
    }
}
