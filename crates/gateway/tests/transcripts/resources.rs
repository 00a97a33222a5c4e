//! Resources: which server reads a URI, who is told of updates, what completes a template.

use super::harness::check;

const TWO: &str = r#"
    server a {"resources":["file:///x"],"templates":["greeting://{name}"]}
    server b {"resources":["db://1","db://2"],"templates":["db://{id}/rows"]}
    client 1 hello
"#;

#[tokio::test(start_paused = true)]
async fn a_uri_leads_to_who_lists_it_else_to_a_template_else_to_its_scheme() {
    check(&format!(
        r#"
        {TWO}
        client 1 -> #1 resources/read {{"uri":"db://2"}}
        server b <- #$1 resources/read {{"uri":"db://2"}}
        server b -> #$1 = {{"contents":[]}}
        client 1 <- #1 = {{"contents":[]}}
        client 1 -> #2 resources/read {{"uri":"greeting://Alice"}}
        server a <- #$2 resources/read {{"uri":"greeting://Alice"}}
        server a -> #$2 = {{}}
        client 1 <- #2 = {{}}
        client 1 -> #3 resources/read {{"uri":"db://unlisted"}}
        server b <- #$3 resources/read {{"uri":"db://unlisted"}}
        server b -> #$3 ! -32002 "Resource not found" {{"uri":"db://unlisted"}}
        client 1 <- #3 ! -32002 "Resource not found" {{"uri":"db://unlisted"}}
        client 1 -> #4 resources/read {{"uri":"other://x"}}
        client 1 <- #4 ! -32002 "*other://x*" {{"uri":"other://x"}}
        client 1 -> #5 resources/read {{}}
        client 1 <- #5 ! -32602 "*uri*"
        "#
    ))
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_only_server_with_resources_gets_every_uri() {
    check(
        r#"
        server a {"resources":["file:///x"]}
        server b {"tools":["y"]}
        client 1 hello
        client 1 -> #1 resources/read {"uri":"who://knows"}
        server a <- #$id resources/read {"uri":"who://knows"}
        server a -> #$id = {}
        client 1 <- #1 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_two_servers_with_one_uri_the_second_has_a_prefix() {
    check(
        r#"
        server a {"resources":["x://1"],"templates":["t://{n}"]}
        server b {"resources":["x://1"],"templates":["t://{n}"]}
        client 1 hello
        client 1 -> #1 resources/list
        client 1 <- #1 = {"resources":[{"uri":"x://1","name":"x://1"},{"uri":"b+x://1","name":"x://1"}]}
        client 1 -> #2 resources/templates/list
        client 1 <- #2 = {"resourceTemplates":[{"uriTemplate":"t://{n}","name":"t://{n}"},{"uriTemplate":"b+t://{n}","name":"t://{n}"}]}
        client 1 -> #3 resources/read {"uri":"b+x://1"}
        server b <- #$3 resources/read {"uri":"x://1"}
        server b -> #$3 = {}
        client 1 <- #3 = {}
        client 1 -> #4 resources/read {"uri":"b+t://7"}
        server b <- #$4 resources/read {"uri":"t://7"}
        server b -> #$4 = {}
        client 1 <- #4 = {}
        client 1 -> #5 resources/subscribe {"uri":"b+t://7"}
        server b <- #$5 resources/subscribe {"uri":"t://7"}
        server b -> #$5 = {}
        client 1 <- #5 = {}
        server b -> notifications/resources/updated {"uri":"t://7"}
        client 1 <- notifications/resources/updated {"uri":"b+t://7"}
        client 1 -> #6 resources/subscribe {"uri":"b+x://1"}
        server b <- #$6 resources/subscribe {"uri":"x://1"}
        server b -> #$6 = {}
        client 1 <- #6 = {}
        server b -> notifications/resources/updated {"uri":"x://1","title":"T"}
        client 1 <- notifications/resources/updated {"uri":"b+x://1","title":"T"}
        server a -> notifications/resources/updated {"uri":"x://1"}
        client 1 hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn only_subscribers_hear_of_updates() {
    check(
        r#"
        server a {"resources":["x://1","x://2"],"share":"all"}
        client 1 hello
        client 2 hello
        client 1 -> #1 resources/subscribe {"uri":"x://1"}
        server a <- #$1 resources/subscribe {"uri":"x://1"}
        server a -> #$1 = {}
        client 1 <- #1 = {}
        client 2 -> #1 resources/read {"uri":"x://1"}
        server a <- #$r resources/read *
        server a -> #$r = {}
        client 2 <- #1 = {}
        server a -> notifications/resources/updated {"uri":"x://1"}
        client 1 <- notifications/resources/updated {"uri":"x://1"}
        server a -> notifications/resources/updated {"uri":"x://2"}
        server a -> notifications/resources/updated {}
        client 1 hears nothing
        client 2 hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_update_of_a_part_is_one_of_the_whole() {
    check(
        r#"
        server a {"resources":["x://dir"],"templates":["y://{n}"]}
        server b {"resources":["x://dir"]}
        client 1 hello
        client 1 -> #1 resources/list
        client 1 <- #1 = *
        client 1 -> #2 resources/subscribe {"uri":"b+x://dir"}
        server b <- #$2 resources/subscribe {"uri":"x://dir"}
        server b -> #$2 = {}
        client 1 <- #2 = {}
        server b -> notifications/resources/updated {"uri":"x://dir/file"}
        client 1 <- notifications/resources/updated {"uri":"b+x://dir/file"}
        server b -> notifications/resources/updated {"uri":"x://directory"}
        server a -> notifications/resources/updated {"uri":"x://dir/file"}
        client 1 hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn subscriptions_are_counted_for_the_server() {
    check(
        r#"
        server a {"resources":["x://1"],"share":"all"}
        client 1 hello
        client 2 hello
        client 3 hello
        client 1 -> #1 resources/subscribe {"uri":"x://1"}
        server a <- #$1 resources/subscribe {"uri":"x://1"}
        server a -> #$1 = {}
        client 1 <- #1 = {}
        client 1 -> #2 resources/subscribe {"uri":"x://1"}
        client 1 <- #2 = {}
        client 2 -> #1 resources/subscribe {"uri":"x://1"}
        client 2 <- #1 = {}
        client 3 -> #1 resources/unsubscribe {"uri":"x://1"}
        client 3 <- #1 = {}
        server a hears nothing
        client 1 -> #3 resources/unsubscribe {"uri":"x://1"}
        client 1 <- #3 = {}
        server a -> notifications/resources/updated {"uri":"x://1"}
        client 2 <- notifications/resources/updated {"uri":"x://1"}
        client 1 hears nothing
        client 2 -> #2 resources/unsubscribe {"uri":"x://1"}
        server a <- #$2 resources/unsubscribe {"uri":"x://1"}
        server a -> #$2 = {}
        client 2 <- #2 = {}
        client 2 -> #3 resources/unsubscribe {"uri":"x://1"}
        client 2 <- #3 = {}
        server a hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_the_server_refuses_does_not_count() {
    check(
        r#"
        server a {"resources":["x://1"],"share":"all"}
        client 1 hello
        client 2 hello
        client 1 -> #1 resources/subscribe {"uri":"x://1"}
        server a <- #$1 resources/subscribe *
        server a -> #$1 ! -32601 "no subscriptions here"
        client 1 <- #1 ! -32601 "no subscriptions here"
        server a -> notifications/resources/updated {"uri":"x://1"}
        client 1 hears nothing
        client 1 -> #2 resources/subscribe {"uri":"x://1"}
        server a <- #$2 resources/subscribe *
        server a -> #$2 ! -32601 "still none"
        client 1 <- #2 ! -32601 "still none"
        client 2 -> #1 resources/subscribe {"uri":"x://1"}
        server a <- #$3 resources/subscribe *
        client 2 -> notifications/cancelled {"requestId":1}
        server a <- notifications/cancelled {"requestId":$3}
        client 2 <- silence
        client 2 -> #2 resources/subscribe {"uri":"x://1"}
        server a <- #$4 resources/subscribe *
        server a -> #$4 = {}
        client 2 <- #2 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_leaves_has_no_subscriptions() {
    check(
        r#"
        server a {"resources":["x://1"],"share":"all"}
        client 1 hello
        client 2 hello
        client 1 -> #1 resources/subscribe {"uri":"x://1"}
        server a <- #$1 resources/subscribe *
        server a -> #$1 = {}
        client 1 <- #1 = {}
        client 2 -> #1 resources/subscribe {"uri":"x://1"}
        client 2 <- #1 = {}
        client 1 closes
        server a hears nothing
        client 2 closes
        server a <- #$2 resources/unsubscribe {"uri":"x://1"}
        server a -> #$2 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_restarted_server_is_subscribed_again_and_a_subscribed_one_is_never_idle() {
    check(
        r#"
        server a {"resources":["x://1"],"idle_timeout_s":60}
        client 1 hello
        client 1 -> #1 resources/subscribe {"uri":"x://1"}
        server a <- #$1 resources/subscribe *
        server a -> #$1 = {}
        client 1 <- #1 = {}
        advance 10m
        server a -> notifications/resources/updated {"uri":"x://1"}
        client 1 <- notifications/resources/updated {"uri":"x://1"}
        server a dies
        client 1 -> #2 resources/read {"uri":"x://1"}
        server a.2 <- #$2 resources/subscribe {"uri":"x://1"}
        server a.2 -> #$2 = {}
        server a.2 <- #$3 resources/read *
        server a.2 -> #$3 = {}
        client 1 <- #2 = {}
        server a.2 -> notifications/resources/updated {"uri":"x://1"}
        client 1 <- notifications/resources/updated {"uri":"x://1"}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn completions_go_by_prompt_and_template() {
    check(&format!(
        r#"
        {TWO}
        server c {{"prompts":["write"]}}
        server d {{"prompts":["write"]}}
        client 1 -> #1 completion/complete {{"ref":{{"type":"ref/prompt","name":"d__write"}},"argument":{{"name":"d__write","value":"x"}}}}
        server d <- #$1 completion/complete {{"ref":{{"type":"ref/prompt","name":"write"}},"argument":{{"name":"d__write","value":"x"}}}}
        server d -> #$1 = {{"completion":{{"values":["xy"]}}}}
        client 1 <- #1 = {{"completion":{{"values":["xy"]}}}}
        client 1 -> #2 completion/complete {{"ref":{{"type":"ref/resource","uri":"greeting://{{name}}"}},"argument":{{"name":"name","value":"A"}}}}
        server a <- #$2 completion/complete {{"ref":{{"type":"ref/resource","uri":"greeting://{{name}}"}},"argument":{{"name":"name","value":"A"}}}}
        server a -> #$2 = {{"completion":{{"values":["Alice"]}}}}
        client 1 <- #2 = {{"completion":{{"values":["Alice"]}}}}
        client 1 -> #3 completion/complete {{"ref":{{"type":"ref/prompt","name":"wrote"}},"argument":{{"name":"a","value":""}}}}
        client 1 <- #3 ! -32602 "*unknown prompt*wrote*"
        client 1 -> #4 completion/complete {{"ref":{{"type":"ref/tool","name":"x"}}}}
        client 1 <- #4 ! -32602 "*ref.type*"
        client 1 -> #5 completion/complete {{}}
        client 1 <- #5 ! -32602 "*ref*"
        client 1 -> #6 completion/complete {{"ref":{{"type":"ref/resource","uri":"nothing://{{x}}"}},"argument":{{"name":"x","value":""}}}}
        client 1 <- #6 ! -32002 "*nothing*" *
        "#
    ).replace("client 1 hello\n", "").replacen("client 1 ->", "client 1 hello\nclient 1 ->", 1))
    .await;
}

#[tokio::test(start_paused = true)]
async fn prompts_go_to_their_server_under_their_own_name() {
    check(
        r#"
        server a {"prompts":[{"name":"write","arguments":[{"name":"x"}]}]}
        server b {"prompts":["write","sum"]}
        client 1 hello
        client 1 -> #1 prompts/list
        client 1 <- #1 = {"prompts":[{"name":"a__write","arguments":[{"name":"x"}]},{"name":"b__write"},{"name":"sum"}]}
        client 1 -> #2 prompts/get {"name":"b__write","arguments":{"name":"b__write"}}
        server b <- #$2 prompts/get {"name":"write","arguments":{"name":"b__write"}}
        server b -> #$2 = {"messages":[]}
        client 1 <- #2 = {"messages":[]}
        client 1 -> #3 prompts/get {"name":"b__sum"}
        server b <- #$3 prompts/get {"name":"sum"}
        server b -> #$3 = {"messages":[]}
        client 1 <- #3 = {"messages":[]}
        client 1 -> #4 prompts/get {"name":"write"}
        client 1 <- #4 ! -32602 "unknown prompt \"write\"; did you mean a__write or b__write?"
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_nobody_lists_waits_for_servers_that_are_still_starting() {
    check(
        r#"
        server a {"resources":["a://1"]}
        server b {"resources":["b://1"],"launch":"held"}
        gateway {"list_wait":2}
        client 1 hello
        client 1 -> #1 resources/list
        advance 2s
        client 1 <- #1 = {"resources":[{"uri":"a://1", ...}]}
        client 1 -> #2 resources/read {"uri":"b://1"}
        server a hears nothing
        server b starts
        client 1 <- notifications/resources/list_changed
        server b <- #$2 resources/read {"uri":"b://1"}
        server b -> #$2 = {"contents":[]}
        client 1 <- #2 = {"contents":[]}
        "#,
    )
    .await;
}
