//! One call from a client to its server and back.

use super::harness::check;

#[tokio::test(start_paused = true)]
async fn a_call_goes_to_its_server_and_the_answer_comes_back() {
    check(
        r#"
        server a {"tools":["echo"]}
        client 1 hello
        client 1 -> #7 tools/call {"name":"echo","arguments":{"text":"hi"}}
        server a <- #$id tools/call {"name":"echo","arguments":{"text":"hi"}}
        server a -> #$id = {"content":[{"type":"text","text":"hi"}]}
        client 1 <- #7 = {"content":[{"type":"text","text":"hi"}]}
        "#,
    )
    .await;
}
