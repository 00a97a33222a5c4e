use super::*;
use crate::reference::AllTerms;

fn plan_with(text: &str, terms: &[&str]) -> Vec<Need> {
    plan(
        text,
        &AllTerms(terms.iter().map(|term| (*term).to_owned()).collect()),
    )
}

/// The terms that may stand for anything in the request, with how well.
fn terms(text: &str, known: &[&str]) -> Vec<(String, f32)> {
    let needs = plan_with(text, known);
    needs.into_iter().flat_map(|need| need.terms).collect()
}

fn weight_of(term: &str, text: &str, known: &[&str]) -> f32 {
    let terms = terms(text, known).into_iter();
    let weights = terms.filter(|(found, _)| found == term);
    weights.fold(0.0, |best, (_, weight)| best.max(weight))
}

#[test]
fn the_word_itself_stands_for_it_best() {
    assert_eq!(weight_of("email", "emails", &["email", "inbox"]), 1.0);
    let inbox = weight_of("inbox", "emails", &["email", "inbox"]);
    assert!(inbox > 0.0 && inbox < 1.0);
    assert!(terms("emails", &["weather"]).is_empty());
}

#[test]
fn mistakes_are_repaired_in_unknown_words_only() {
    assert_eq!(
        weight_of("calendar", "calnedar", &["calendar"]),
        weights::REPAIRED
    );
    assert_eq!(
        weight_of("zebragiraff", "zerbagiaff", &["zebragiraff"]),
        weights::REPAIRED.powi(2)
    );
    assert_eq!(weight_of("form", "from farm", &["form", "farm"]), 0.0);
    // Too short, and too far.
    assert_eq!(weight_of("map", "mpa", &["map"]), 0.0);
    assert_eq!(weight_of("flight", "flxxht", &["flight"]), 0.0);
}

#[test]
fn words_written_as_one_and_apart() {
    assert_eq!(
        weight_of(
            "homeassist",
            "homeassist",
            &["homeassist", "home", "assist"]
        ),
        1.0
    );
    assert_eq!(
        weight_of("giraff", "zebragiraff", &["zebra", "giraff"]),
        weights::HALF
    );
    assert_eq!(
        weight_of("zebragiraff", "zebra giraff", &["zebragiraff"]),
        1.0
    );
}

#[test]
fn parts_of_a_name_count_where_the_name_is_unknown() {
    assert_eq!(weight_of("git", "GitZebra", &["git", "zebra"]), 1.0);
    assert_eq!(
        weight_of("git", "GitZebra", &["git", "zebra", "gitzebra"]),
        0.0
    );
}

#[test]
fn words_that_say_little_weigh_little() {
    let needs = plan_with("find the giraffe, create it", &["giraff", "find", "creat"]);
    let weights: Vec<f32> = needs.iter().map(|need| need.weight).collect();
    assert_eq!(weights, [weights::DOING, weights::ASKING, 1.0]);
    let twice = plan_with("giraffe and giraffes", &["giraff"]);
    assert_eq!(twice[0].weight, 2.0_f32.sqrt());
}

#[test]
fn long_requests_are_taken_as_they_are() {
    let words = |number: usize| -> String { (0..number).map(|n| format!("w{n}ord ")).collect() };
    let short = format!("{} calnedar", words(limits::REPAIRED_WORDS_MAX - 1));
    let long = format!("{} calnedar", words(limits::REPAIRED_WORDS_MAX));
    assert!(weight_of("calendar", &short, &["calendar"]) > 0.0);
    assert_eq!(weight_of("calendar", &long, &["calendar"]), 0.0);
}

#[test]
fn few_terms_stand_for_a_word() {
    let near: Vec<String> = ('a'..='z').map(|letter| format!("zebr{letter}x")).collect();
    let near: Vec<&str> = near.iter().map(String::as_str).collect();
    let repaired = terms("zebrx", &near);
    let repairs = repaired
        .iter()
        .filter(|(_, weight)| *weight == weights::REPAIRED);
    assert_eq!(repairs.count(), limits::REPAIRS_MAX);
    assert!(repaired.len() <= limits::REPAIRS_MAX + limits::ALIKE_MAX);
    // A word with more related terms than may stand for it.
    let all: Vec<String> = Lexicon::get()
        .related("data")
        .map(|(term, _)| term.to_owned())
        .collect();
    let all: Vec<&str> = all.iter().map(String::as_str).chain(["data"]).collect();
    for need in plan_with("data stocks prices music games weather", &all) {
        assert!(need.terms.len() <= limits::TERMS_PER_WORD_MAX);
    }
}

#[test]
fn shapes_and_other_languages_are_said_in_english() {
    assert_eq!(
        weight_of("filesystem", "read /etc/a.txt", &["filesystem"]),
        weights::SHAPE
    );
    assert_eq!(weight_of("databas", "数据库", &["databas"]), 1.0);
    assert_eq!(weight_of("数据", "数据库", &["数据"]), 1.0);
}

#[test]
fn needs_have_an_end() {
    let many: String = (0..2 * limits::QUERY_WORDS_MAX)
        .map(|n| format!("w{n} "))
        .collect();
    let known: Vec<String> = (0..2 * limits::QUERY_WORDS_MAX)
        .map(|n| format!("w{n}"))
        .collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    assert_eq!(plan_with(&many, &known).len(), limits::QUERY_WORDS_MAX);
}
