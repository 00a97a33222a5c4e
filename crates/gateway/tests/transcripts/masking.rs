//! What a server says of the credentials that it was given: nobody hears it.

use super::harness::check;

#[tokio::test(start_paused = true)]
async fn a_server_that_prints_its_environment_shows_no_secret() {
    check(
        r#"
        server a {"tools":["env"],"env":[["API_TOKEN","hunter2-hunter2"],["CITY","Rome"]]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"env"}
        server a <- #$1 tools/call *
        server a -> {"jsonrpc":"2.0","id":$1,"result":{ "content":[{"type":"text","text":"{\"API_TOKEN\": \"hunter2-hunter2\", \"CITY\": \"Rome\"}"}],"x":1.0}}
        client 1 <= {"jsonrpc":"2.0","id":1,"result":{ "content":[{"type":"text","text":"{\"API_TOKEN\": \"***\", \"CITY\": \"Rome\"}"}],"x":1.0}}
        client 1 -> #2 tools/call {"name":"env"}
        server a <- #$2 tools/call *
        server a -> notifications/message {"level":"error","data":"hunter2-hunter2"}
        client 1 <- notifications/message {"level":"error","data":"***"}
        server a -> #$2 ! -32000 "no access with hunter2-hunter2"
        client 1 <- #2 ! -32000 "no access with ***"
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_a_remote_server_says_of_its_headers_is_masked() {
    check(
        r#"
        server a {"http":true,"tools":["x"],"headers":[["Authorization","Bearer hunter2-hunter2"]]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$1 tools/call *
        server a heard {"authorization":"Bearer hunter2-hunter2"}
        server a -> #$1 = {"content":"you are Bearer hunter2-hunter2, aHVudGVyMi1odW50ZXIy"}
        client 1 <- #1 = {"content":"you are ***, ***"}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_secret_of_a_catalog_is_masked_and_what_is_too_short_is_not() {
    check(
        r#"
        server a {"catalog":true,"tools":["x"],"secrets":["a.token","a.pin"],"env":[["A_TOKEN","${A_TOKEN}"]]}
        person keeps a.token hunter2-hunter2
        person keeps a.pin 1234567
        client 1 hello
        client 1 -> #1 tools/call {"name":"mcp-add","arguments":{"name":"a"}}
        client 1 <- #1 = *
        client 1 <- notifications/tools/list_changed
        client 1 -> #2 tools/call {"name":"x"}
        server a <- #$2 tools/call *
        server a -> #$2 = {"content":"hunter2-hunter2 1234567"}
        client 1 <- #2 = {"content":"*** 1234567"}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_without_credentials_is_passed_on_as_it_is() {
    check(
        r#"
        server a {"tools":["x"],"env":[["CITY","hunter2-hunter2"]]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$1 tools/call *
        server a -> #$1 = {"content":"hunter2-hunter2"}
        client 1 <- #1 = {"content":"hunter2-hunter2"}
        "#,
    )
    .await;
}
