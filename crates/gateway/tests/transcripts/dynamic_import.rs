//! Catalogs that come while the gateway runs.

use std::sync::Arc;

use catalog::{Catalog, Origin, Problem, read_catalog};

use super::harness::World;

const MINE: &str = "catalog: mine\nservers: {weather: {image: i, description: Tells the weather.}}";
const PULLED: &str = "catalog: far\nservers: {charts: {url: 'https://h.example/mcp', description: Draws sea charts.}, \
    weather: {image: j}, sly: {command: sh}}";

/// A gateway that knows one server, and to which one address leads to more.
fn world() -> World {
    World::real().with(|options| {
        let mine = read_catalog(MINE, "mine", "mine", &Origin::Catalog("mine".into())).unwrap();
        let catalogs = catalog::Catalogs::merge([mine]);
        let pull = |url: &str| {
            let url = url.to_owned();
            let pulled = async move {
                match url.as_str() {
                    "https://h.example/c.yaml" => {
                        let mut pulled: Catalog =
                            read_catalog(PULLED, "far", &url, &Origin::Url(url.as_str().into()))
                                .unwrap();
                        pulled
                            .problems
                            .push(Problem::error(&url, "one more is broken"));
                        Ok(pulled)
                    }
                    _ => Err(format!(
                        "cannot fetch {url}: it is not https; name its https address"
                    )),
                }
            };
            Box::pin(pulled) as transport::BoxFuture<'static, _>
        };
        options.dynamic = Some(portolan_gateway::Dynamic {
            catalogs: Arc::new(move || catalogs.clone()),
            person: Arc::new(super::harness::Somebody::default()),
            pull: Some(Arc::new(pull)),
        });
    })
}

#[tokio::test(start_paused = true)]
async fn servers_of_an_imported_catalog_are_found_and_wait_for_approval() {
    let mut world = world();
    let gateway = world.gateway();
    let imported = gateway.import("https://h.example/c.yaml").await.unwrap();
    assert_eq!(
        (imported.catalog.as_str(), imported.added),
        ("far", vec!["charts".to_owned()])
    );
    let refused: Vec<String> = imported
        .refused
        .iter()
        .map(|one| one.server.clone())
        .collect();
    assert_eq!(refused, ["weather", "sly"]);
    assert_eq!(
        imported.problems,
        ["https://h.example/c.yaml: one more is broken"]
    );
    // The same again renews what came.
    let again = gateway.import("https://h.example/c.yaml").await.unwrap();
    assert_eq!(again.added, ["charts"]);
    world
        .run(
            r#"
            client 1 hello
            client 1 -> #1 tools/call {"name":"mcp-find","arguments":{"query":"sea charts"}}
            client 1 <- #1 = {"content":[{"type":"text","text":"charts (needs-approval): Draws sea charts"}],"structuredContent":{"total_matches":1,"servers":[{"name":"charts","title":"charts","description":"Draws sea charts","type":"remote","state":"needs-approval","trust":"url","score":*,"tools":[]}]}}
            client 1 -> #2 tools/call {"name":"mcp-find","arguments":{"query":"sly"}}
            client 1 <- #2 = {"content":[{"type":"text","text":"no server matches;*"}],"structuredContent":{"total_matches":0,"servers":[]}}
            "#,
        )
        .await;
    world.finish().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_fetched_is_told_and_changes_nothing() {
    let mut world = world();
    let gateway = world.gateway();
    let why = gateway.import("http://127.0.0.1/c.yaml").await.unwrap_err();
    assert!(
        why.contains("is not https; name its https address"),
        "{why}"
    );
    world.finish().await;
    let why = World::real()
        .gateway()
        .import("https://h")
        .await
        .unwrap_err();
    assert!(why.starts_with("no servers can be added"), "{why}");
}
