//! `docker mcp gateway run … --watch`: Docker's older files change while it runs.

use super::super::home::wait_until;
use super::run::{Client, with_sums};

#[test]
fn files_change_while_it_runs() {
    let docker = with_sums();
    let home = &docker.home;
    let catalog = std::fs::read_to_string(home.path("portolan/catalogs/small.yaml")).unwrap();
    home.write(".docker/mcp/catalogs/theirs.yaml", &catalog);
    home.write(".docker/mcp/registry.yaml", "registry: {sums: {ref: ''}}\n");
    home.write(".docker/mcp/tools.yaml", "sums: [get-sum]\n");
    let mut deaf = Client::of(
        &docker,
        "docker mcp gateway run --catalog theirs.yaml --registry registry.yaml --tools-config tools.yaml --watch=false",
    );
    let mut watching = Client::of(
        &docker,
        "docker mcp gateway run --catalog theirs.yaml --registry registry.yaml --tools-config tools.yaml --watch",
    );
    assert_eq!(watching.listed(), ["get-sum"]);
    assert_eq!(deaf.listed(), ["get-sum"]);
    let watching = std::cell::RefCell::new(watching);
    let becomes = |tools: &[&str]| wait_until(|| watching.borrow_mut().listed() == tools);
    home.replace(".docker/mcp/tools.yaml", "sums: [get-sum, echo]\n");
    becomes(&["echo", "get-sum"]);
    home.replace(".docker/mcp/registry.yaml", "registry: {}\n");
    becomes(&[]);
    // Who does not watch has not heard of it, when the other one has.
    assert_eq!(deaf.listed(), ["get-sum"]);
    home.replace(".docker/mcp/registry.yaml", "registry: {sums: {ref: ''}}\n");
    becomes(&["echo", "get-sum"]);
    assert_eq!(deaf.listed(), ["get-sum"]);
}
