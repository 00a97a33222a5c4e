//! Tasks: their ids are sealed for their caller, on every way.

use super::harness::check;

const TASKS: &str = r#"{"tools":["x"],"capabilities":{"tasks":{"list":{},"cancel":{},"requests":{"tools":{"call":{}}}}}}"#;

#[tokio::test(start_paused = true)]
async fn a_task_of_the_handshake_era_is_followed_by_its_sealed_id() {
    check(&format!(
        r#"
        server a {TASKS}
        server b {{"tools":["y"]}}
        client 1 hello
        client 1 -> #1 tools/call {{"name":"x","task":{{"ttl":1e3}}}}
        server a <- #$1 tools/call {{"name":"x","task":{{"ttl":1e3}}}}
        server a -> #$1 = {{"task":{{"taskId":"t-1","status":"working","n":1.0}},"_meta":{{"io.modelcontextprotocol/related-task":{{"taskId":"t-1"}}}}}}
        client 1 <- #1 = {{"task":{{"taskId":$t,"status":"working","n":1.0}},"_meta":{{"io.modelcontextprotocol/related-task":{{"taskId":$t}}}}}}
        client 1 -> #2 tasks/get {{"taskId":$t}}
        server a <- #$2 tasks/get {{"taskId":"t-1"}}
        server a -> #$2 = {{"taskId":"t-1","status":"working"}}
        client 1 <- #2 = {{"taskId":$t,"status":"working"}}
        client 1 -> #3 tasks/result {{"taskId":$t}}
        server a <- #$3 tasks/result {{"taskId":"t-1"}}
        server a -> #$3 = {{"content":[],"_meta":{{"io.modelcontextprotocol/related-task":{{"taskId":"t-1"}}}}}}
        client 1 <- #3 = {{"content":[],"_meta":{{"io.modelcontextprotocol/related-task":{{"taskId":$t}}}}}}
        client 1 -> #4 tasks/cancel {{"taskId":$t}}
        server a <- #$4 tasks/cancel {{"taskId":"t-1"}}
        server a -> #$4 ! -32602 "over already"
        client 1 <- #4 ! -32602 "over already"
        server a -> notifications/tasks/status {{"taskId":"t-1","status":"completed"}}
        client 1 <- notifications/tasks/status {{"taskId":$t,"status":"completed"}}
        "#
    ))
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_sealed_id_is_worth_nothing_to_another_caller() {
    check(&format!(
        r#"
        server a {TASKS}
        client 1 opens http as ann
        client 1 hello
        client 2 opens http as bob
        client 2 hello
        client 3 opens http as ann
        client 3 hello
        client 1 -> #1 tools/call {{"name":"x","task":{{}}}}
        server a <- #$1 tools/call *
        server a -> #$1 = {{"task":{{"taskId":"t-1"}}}}
        client 1 <- #1 = {{"task":{{"taskId":$t}}}}
        client 2 -> #1 tasks/get {{"taskId":$t}}
        client 2 <- #1 ! -32602 "unknown task*"
        client 2 -> #2 tasks/cancel {{"taskId":"t-1"}}
        client 2 <- #2 ! -32602 "unknown task*"
        client 2 -> #3 tasks/get {{}}
        client 2 <- #3 ! -32602 "*taskId*"
        "#
    ))
    .await;
}

#[tokio::test(start_paused = true)]
async fn tasks_of_all_servers_are_listed_together() {
    check(&format!(
        r#"
        server a {TASKS}
        server b {}
        server c {{"tools":["z"]}}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = *
        client 1 -> #2 tasks/list
        server a <- #$a tasks/list {{}}
        server a -> #$a = {{"tasks":[{{"taskId":"t","n":1.0}}],"nextCursor":"more"}}
        server a <- #$a2 tasks/list {{"cursor":"more"}}
        server a -> #$a2 = {{"tasks":[{{"taskId":"u"}}]}}
        server b <- #$b tasks/list {{}}
        server b -> #$b = {{"tasks":[{{"taskId":"t"}}]}}
        client 1 <- #2 = {{"tasks":[{{"taskId":$one,"n":1.0}},{{"taskId":$two}},{{"taskId":$three}}]}}
        client 1 -> #3 tasks/get {{"taskId":$three}}
        server b <- #$3 tasks/get {{"taskId":"t"}}
        server b -> #$3 = {{"taskId":"t"}}
        client 1 <- #3 = {{"taskId":$three}}
        "#,
        TASKS.replace("\"x\"", "\"y\"")
    ))
    .await;
    check(
        r#"
        server a {"tools":["x"]}
        client 1 hello
        client 1 -> #1 tasks/list
        client 1 <- #1 ! -32601 *
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_cannot_list_its_tasks_does_not_cost_the_others() {
    check(&format!(
        r#"
        server a {TASKS}
        server b {}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = *
        client 1 -> #2 tasks/list
        server a <- #$a tasks/list {{}}
        server a -> #$a ! -32601 "no such method"
        server b <- #$b tasks/list {{}}
        server b -> #$b = {{"tasks":[{{"taskId":"t"}}]}}
        client 1 <- #2 = {{"tasks":[{{"taskId":*}}]}}
        client 1 -> #3 tasks/list
        server a <- #$c tasks/list {{}}
        server a dies
        server b <- #$d tasks/list {{}}
        server b -> #$d = {{"tasks":[]}}
        client 1 <- #3 = {{"tasks":[]}}
        "#,
        TASKS.replace("\"x\"", "\"y\"")
    ))
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_tasks_nothing_is_sealed() {
    check(
        r#"
        server a {"tools":["x"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$1 tools/call *
        server a -> {"jsonrpc":"2.0","id":$1,"result":{"taskId":"mine", "task":{"taskId":"mine"}}}
        client 1 <= {"jsonrpc":"2.0","id":1,"result":{"taskId":"mine", "task":{"taskId":"mine"}}}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_clients_own_task_reports_to_the_server_that_asked() {
    check(
        r#"
        server a {"tools":["x"]}
        client 1 hello {"sampling":{},"tasks":{"requests":{"sampling":{"createMessage":{}}}}}
        client 1 -> #1 tools/call {"name":"x"}
        server a <- #$1 tools/call *
        server a -> #"q" sampling/createMessage {"task":{}}
        client 1 <- #$q sampling/createMessage {"task":{}}
        client 1 -> #$q = {"task":{"taskId":"clients-own"}}
        server a <- #"q" = {"task":{"taskId":"clients-own"}}
        client 1 -> notifications/tasks/status {"taskId":"clients-own","status":"working"}
        server a <- notifications/tasks/status {"taskId":"clients-own","status":"working"}
        server a -> #$1 = {}
        client 1 <- #1 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_question_about_a_task_names_it_by_the_id_that_the_client_knows() {
    check(&format!(
        r#"
        server a {TASKS}
        client 1 hello {{"elicitation":{{}}}}
        client 1 -> #1 tools/call {{"name":"x","task":{{}}}}
        server a <- #$1 tools/call *
        server a -> #$1 = {{"task":{{"taskId":"t-1"}}}}
        client 1 <- #1 = {{"task":{{"taskId":$t}}}}
        server a -> #"q" elicitation/create {{"message":"?","_meta":{{"io.modelcontextprotocol/related-task":{{"taskId":"t-1"}}}}}}
        client 1 <- #$q elicitation/create {{"message":"?","_meta":{{"io.modelcontextprotocol/related-task":{{"taskId":$t}}}}}}
        client 1 -> #$q = {{"action":"accept","_meta":{{"io.modelcontextprotocol/related-task":{{"taskId":$t}}}}}}
        server a <- #"q" = {{"action":"accept","_meta":{{"io.modelcontextprotocol/related-task":{{"taskId":"t-1"}}}}}}
        "#
    ))
    .await;
}

const EXTENSION: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"extensions":{"io.modelcontextprotocol/tasks":{}}}}"#;

#[tokio::test(start_paused = true)]
async fn a_task_of_the_stateless_era_is_followed_and_listened_to() {
    check(&format!(
        r#"
        server a {{"era":"stateless","tools":["x"],"capabilities":{{"extensions":{{"io.modelcontextprotocol/tasks":{{}}}}}}}}
        caller ann -> #1 tools/call {{{EXTENSION},"name":"x"}}
        server a <- #$1 tools/call {{"name":"x","_meta":{{"io.modelcontextprotocol/clientCapabilities":{{"extensions":{{"io.modelcontextprotocol/tasks":{{}}}}}}, ...}}}}
        server a -> #$1 = {{"resultType":"task","taskId":"t-1","status":"working"}}
        caller ann <- #1 = {{"resultType":"task","taskId":$t,"status":"working"}}
        caller ann -> #2 tasks/get {{{EXTENSION},"taskId":$t}}
        server a <- #$2 tasks/get {{"taskId":"t-1","_meta":*}}
        server a -> #$2 = {{"resultType":"complete","taskId":"t-1","status":"working"}}
        caller ann <- #2 = {{"resultType":"complete","taskId":$t,"status":"working"}}
        caller ann -> #3 subscriptions/listen {{{EXTENSION},"notifications":{{"taskIds":[$t]}}}}
        caller ann <- notifications/subscriptions/acknowledged {{"notifications":{{"taskIds":[$t]}}, ...}}
        server a -> notifications/tasks {{"taskId":"t-1","status":"completed"}}
        caller ann <- notifications/tasks {{"taskId":$t,"status":"completed","_meta":{{"io.modelcontextprotocol/subscriptionId":3}}}}
        server a -> notifications/tasks {{"taskId":"t-2","status":"completed"}}
        caller ann hears nothing
        // Somebody else.
        caller bob -> #4 tasks/get {{{EXTENSION},"taskId":$t}}
        caller bob <- 200 #4 ! -32602 "unknown task*"
        // Without the extension there are no such methods for the client.
        caller ann ~> #5 tasks/get {{"taskId":$t}}
        caller ann <- 400 #5 ! -32021 * {{"requiredCapabilities":{{"extensions":{{"io.modelcontextprotocol/tasks":{{}}}}}}}}
        // The header names it too.
        caller ann headers {{"name":"t-1"}}
        caller ann -> #6 tasks/get {{{EXTENSION},"taskId":$t}}
        caller ann <- 400 #6 ! -32020 "*Mcp-Name*"
        "#
    ))
    .await;
}
