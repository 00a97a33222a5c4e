//! What happens between the moment in which a call finds its server and the one in which it reaches it.

use std::sync::Arc;

use portolan_gateway::{CallFacts, Interceptor, Verdict, When};
use tokio::sync::Notify;
use transport::BoxFuture;

use super::harness::World;

/// Holds calls back until it is told to let one pass.
struct Gate(Arc<Notify>);

impl Interceptor for Gate {
    fn name(&self) -> &str {
        "gate"
    }

    fn when(&self) -> When {
        When::Before
    }

    fn wants(&self, _: &str, _: &str) -> bool {
        true
    }

    fn see<'a>(&'a self, _: &'a CallFacts, _: Option<&'a str>) -> BoxFuture<'a, Verdict> {
        Box::pin(async move {
            self.0.notified().await;
            Verdict::Allow
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_on_its_way_does_not_start_a_removed_server_again() {
    for (server, removed) in [
        (r#"{"catalog":true,"tools":["x"]}"#, 0),
        (r#"{"catalog":true,"tools":["x"],"share":"caller"}"#, 0),
        // One that is configured goes on for the others.
        (r#"{"tools":["x"],"share":"all"}"#, 1),
    ] {
        let opened = Arc::new(Notify::new());
        let gate = Gate(opened.clone());
        let mut world =
            World::default().with(|options| options.interceptors = vec![Arc::new(gate)]);
        world
            .run(&format!(
                r#"
                server a {server}
                server other {{"catalog":true,"tools":["y"]}}
                client 1 hello
                client 1 -> #1 tools/call {{"name":"mcp-add","arguments":{{"name":"a","activate":false}}}}
                client 1 <- #1 = {{"structuredContent":{{"state":"active", ...}}, ...}}
                client 1 -> #2 tools/call {{"name":"mcp-exec","arguments":{{"name":"x","server":"a"}}}}
                client 1 -> #3 tools/call {{"name":"mcp-remove","arguments":{{"name":"a"}}}}
                client 1 <- #3 = {{"structuredContent":{{"removed":true, ...}}, ...}}
                advance 2s
                "#
            ))
            .await;
        world.heard_by_client("client 1");
        opened.notify_one();
        world
            .run(
                r#"
                client 1 <- #2 = {"content":[{"type":"text","text":"*a* is no longer in this conversation; mcp-add brings it back*"}],"isError":true}
                advance 60s
                server a launches 1
                "#,
            )
            .await;
        assert_eq!(world.running("a"), removed, "{server}");
        world.finish().await;
    }
}
