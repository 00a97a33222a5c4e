//! What must not silently become worse: the quality of the search over the built-in catalog, and how short everything is.

use wire::Era;

use crate::count::{median, tokens};
use crate::golden::Golden;
use crate::session::{Way, play};
use crate::world::{self, Client};
use crate::{servers, table};

/// Percent of the golden requests whose server is first, and among the first five.
const FIRST_MIN: f64 = 95.0;
const FIVE_MIN: f64 = 99.0;

#[test]
fn the_golden_requests_find_what_a_person_would_expect_in_few_words() {
    let golden = world::run(Golden::ask()).unwrap();
    assert!(golden.len() >= 100);
    for name in golden.expected() {
        let entries = &catalog::builtin().entries;
        assert!(entries.iter().any(|entry| entry.name == *name), "{name}");
    }
    let table = golden.quality();
    assert!(golden.hits(1) >= FIRST_MIN, "{table}");
    assert!(golden.hits(5) >= FIVE_MIN, "{table}");
    let (text, whole) = golden.medians();
    assert!(text <= 250 && whole <= 600, "{}", golden.sizes());
}

#[test]
fn the_menu_is_small() {
    let menu = world::run(async {
        let mut client = Client::with_dynamic_tools(&[], Era::Handshake, &[]).await?;
        let tools = client.tools().await?;
        client.close().await;
        Ok(tools)
    });
    let menu: String = menu.unwrap().iter().map(ToString::to_string).collect();
    assert!(tokens(&menu) <= 900, "{}", tokens(&menu));
}

#[test]
fn the_servers_have_tools_of_the_sizes_that_real_ones_have() {
    let servers = servers::own();
    assert_eq!(servers.len(), 70);
    let tools = servers.iter().flat_map(|server| &server.tools);
    let sizes: Vec<usize> = tools.map(|tool| tokens(&tool.to_string())).collect();
    let mean = sizes.iter().sum::<usize>() / sizes.len();
    assert!((130..=190).contains(&mean), "{mean}");
    assert!((400..=800).contains(&sizes.len()), "{}", sizes.len());
    assert_eq!(tokens(world::RESULT), 102);
}

#[test]
fn with_many_servers_dynamic_tools_cost_less_and_with_one_more() {
    let servers = servers::own();
    let (listed, native, exec, alone) = world::run(async {
        Ok((
            play(Way::Listed, &servers, &[0, 0, 0]).await?,
            play(Way::Native, &servers, &[0, 0, 0]).await?,
            play(Way::Exec, &servers, &[0, 0, 0]).await?,
            play(Way::Listed, &servers[..1], &[0]).await?,
        ))
    })
    .unwrap();
    assert_eq!((listed.turns, native.turns, exec.turns), (4, 6, 6));
    assert!(10 * native.new < listed.new && 10 * exec.new < listed.new);
    assert!(alone.new < native.new);
}

#[test]
fn the_tables_are_the_same_each_time() {
    let servers = &servers::own()[..6];
    let text = world::run(table::tables(servers)).unwrap();
    assert_eq!(text, world::run(table::tables(servers)).unwrap());
}

#[test]
fn tokens_are_those_of_the_vocabulary() {
    assert_eq!(tokens(""), 0);
    assert_eq!(tokens("hello world"), 2);
    assert_eq!(median(vec![3, 1, 2]), 2);
}
