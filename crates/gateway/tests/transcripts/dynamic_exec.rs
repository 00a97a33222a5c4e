//! `mcp-exec`: any tool by its name; what the server says is said, whatever it is.

use std::sync::Arc;

use policy::{Asked, Facts};
use portolan_gateway::{Decider, Decision, Denial};

use super::bridge_down::play;
use super::harness::{World, check};

#[tokio::test(start_paused = true)]
async fn what_the_tool_answers_is_the_answer() {
    check(
        r#"
        server a {"catalog":true,"tools":["x"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"mcp-exec","arguments":{"name":"x","server":"a","arguments":{"big":123456789012345678901234567890,"n":1.0}}}
        server a <= {"jsonrpc":"2.0","id":$1,"method":"tools/call","params":{"name":"x","arguments":{"big":123456789012345678901234567890,"n":1.0}}}
        server a -> {"jsonrpc":"2.0","id":$1,"result":{"content":[], "odd":1e0}}
        client 1 <= {"jsonrpc":"2.0","id":1,"result":{"content":[], "odd":1e0}}
        recorded initialize - - ok
        recorded tools/call a x ok
        // It came in by that, without being listed.
        client 1 hears nothing
        client 1 -> #2 tools/list
        client 1 <- #2 = {"tools":[*,*,*,*,*]}
        client 1 -> #3 tools/call {"name":"mcp-exec","arguments":{"name":"a__x","arguments":"{\"n\":1.0}"}}
        server a <- #$3 tools/call {"name":"x","arguments":{"n":1.0}}
        server a -> #$3 = {"content":[],"isError":true}
        client 1 <- #3 = {"content":[],"isError":true}
        recorded tools/list - - ok
        recorded tools/call a x tool_error
        client 1 -> #4 tools/call {"name":"mcp-exec","arguments":{"name":"x"}}
        server a <- #$4 tools/call {"name":"x","arguments":{}}
        server a -> #$4 ! -32000 "no" {"why":1}
        client 1 <- #4 ! -32000 "no" {"why":1}
        recorded tools/call a x -32000
        client 1 -> #5 tools/call {"name":"mcp-remove","arguments":{"name":"a"}}
        client 1 <- #5 = {"structuredContent":{"removed":true, ...}, ...}
        client 1 <- notifications/tools/list_changed
        client 1 <- notifications/prompts/list_changed
        client 1 <- notifications/resources/list_changed
        advance 1s
        server a ends
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_the_gateway_itself_answers_is_recorded_as_what_it_is() {
    check(
        r#"
        server a {"catalog":true,"tools":["x"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"mcp-exec","arguments":{"nme":"x"}}
        client 1 <- #1 = {"isError":true, ...}
        recorded initialize - - ok
        recorded tools/call - mcp-exec tool_error
        client 1 -> #2 tools/call {"name":"mcp-find","arguments":{"query":"x"}}
        client 1 <- #2 = {"content":*, ...}
        recorded tools/call - mcp-find ok
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_called_is_told_with_what_could() {
    check(
        r#"
        server a {"catalog":true,"tools":[{"name":"write_file","inputSchema":{"type":"object","properties":{"path":{"type":"string"},"text":{"type":"string"},"mode":{"type":"integer"}},"required":["path","text"]}},"read_file"]}
        server b {"catalog":true,"tools":["x"],"launch":"held"}
        client 1 hello
        client 1 -> #1 tools/call {"name":"mcp-exec","arguments":{"name":"write_file","server":"a","arguments":{"path":"/x"}}}
        client 1 <- #1 = {"content":[{"type":"text","text":"write_file: missing text; it takes {*path: string*}"}],"isError":true}
        client 1 -> #2 tools/call {"name":"mcp-exec","arguments":{"name":"red_file","server":"a"}}
        client 1 <- #2 = {"content":[{"type":"text","text":"a has no tool \"red_file\"; did you mean read_file?"}],"isError":true}
        client 1 -> #3 tools/call {"name":"mcp-exec","arguments":{"name":"frobnicate","server":"a"}}
        client 1 <- #3 = {"content":[{"type":"text","text":"a has no tool \"frobnicate\"; it has: write_file, read_file"}],"isError":true}
        client 1 -> #4 tools/call {"name":"mcp-exec","arguments":{"name":"frobnicate"}}
        client 1 <- #4 = {"content":[{"type":"text","text":"no server of this workspace has a tool \"frobnicate\"; mcp-find finds servers that have one; name one with `server`"}],"isError":true}
        client 1 -> #5 tools/call {"name":"mcp-exec","arguments":{"name":"x","server":"c"}}
        client 1 <- #5 = {"content":[{"type":"text","text":"there is no server \"c\"; *"}],"isError":true}
        client 1 -> #6 tools/call {"name":"mcp-exec","arguments":{"name":"x","server":"b"}}
        server b fails "quux"
        client 1 <- #6 = {"content":[{"type":"text","text":"b does not start: *quux*"}],"isError":true}
        client 1 -> #7 tools/call {"name":"mcp-exec","arguments":{"name":"mcp-exec","server":"a"}}
        client 1 <- #7 = {"isError":true, ...}
        client 1 -> #8 tools/call {"name":"mcp-exec","arguments":{"name":"read_file","arguments":"[]"}}
        client 1 <- #8 = {"content":[{"type":"text","text":"mcp-exec: \"arguments\" must be an object"}],"isError":true}
        server a hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn progress_questions_and_cancellation_are_those_of_the_inner_tool() {
    check(
        r#"
        server a {"catalog":true,"tools":["x"]}
        client 1 hello {"elicitation":{}}
        client 1 -> #1 tools/call {"name":"mcp-exec","arguments":{"name":"x","server":"a"},"_meta":{"progressToken":"t","own":1}}
        server a <- #$1 tools/call {"name":"x","arguments":{},"_meta":{"progressToken":$1,"own":1}}
        server a -> notifications/progress {"progressToken":$1,"progress":1}
        client 1 <- notifications/progress {"progressToken":"t","progress":1}
        server a -> #"q" elicitation/create {"message":"?"}
        client 1 <- #$q elicitation/create {"message":"?"}
        client 1 -> #$q = {"action":"accept","content":{"y":2}}
        server a <- #"q" = {"action":"accept","content":{"y":2}}
        server a -> #$1 = {}
        client 1 <- #1 = {}
        client 1 -> #2 tools/call {"name":"mcp-exec","arguments":{"name":"x"}}
        server a <- #$2 tools/call *
        client 1 -> notifications/cancelled {"requestId":2}
        server a <- notifications/cancelled {"requestId":$2}
        client 1 <- silence
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_question_of_the_inner_tool_parks_the_call_of_a_stateless_client() {
    play(
        r#"
        server a {"catalog":true,"tools":["ask"]}
        caller ann -> #1 tools/call {"name":"mcp-add","arguments":{"name":"a"},~able~}
        caller ann <- #1 = {"structuredContent":{"workspace":$w, ...}, ...}
        caller ann -> #2 tools/call {"name":"mcp-exec","arguments":{"name":"ask","arguments":{"n":1},"workspace":$w},~able~}
        server a <- #$1 tools/call {"name":"ask","arguments":{"n":1}}
        server a -> #"e" elicitation/create {"message":"who?"}
        caller ann <- 200 #2 = {"resultType":"input_required","inputRequests":{"q1":{"method":"elicitation/create","params":{"message":"who?"}}},"requestState":$s, ...}
        caller ann -> #3 tools/call {"name":"mcp-exec","arguments":{"name":"ask","arguments":{"n":2},"workspace":$w},"inputResponses":{"q1":{"action":"accept"}},"requestState":$s,~able~}
        caller ann <- 400 #3 ! -32602 "*requestState belongs to another request*"
        caller ann -> #4 tools/call {"name":"mcp-exec","arguments":{"name":"ask","arguments":{"n":1},"workspace":$w},"inputResponses":{"q1":{"action":"accept"}},"requestState":$s,~able~}
        server a <- #"e" = {"action":"accept"}
        server a -> #$1 = {"content":[]}
        caller ann <- #4 = {"content":[],"resultType":"complete","_meta":*}
        server a launches 1
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn questions_inside_results_pass_through() {
    check(
        r#"
        server a {"catalog":true,"tools":["ask"],"era":"stateless"}
        caller ann ~> #1 tools/call {"name":"mcp-add","arguments":{"name":"a"}}
        caller ann <- #1 = {"structuredContent":{"workspace":$w, ...}, ...}
        caller ann ~> #2 tools/call {"name":"mcp-exec","arguments":{"name":"ask","workspace":$w}}
        server a <- #$2 tools/call {"name":"ask","arguments":{},"_meta":*}
        server a -> #$2 = {"resultType":"input_required","inputRequests":{"k":{"method":"elicitation/create","params":{}}},"requestState":"s"}
        caller ann <- #2 = {"resultType":"input_required","inputRequests":{"k":{"method":"elicitation/create","params":{}}},"requestState":"s"}
        caller ann ~> #3 tools/call {"name":"mcp-exec","arguments":{"name":"ask","workspace":$w},"inputResponses":{"k":{"action":"accept"}},"requestState":"s"}
        server a <- #$3 tools/call {"name":"ask","arguments":{},"inputResponses":{"k":{"action":"accept"}},"requestState":"s","_meta":*}
        server a -> #$3 = {"resultType":"complete","content":[]}
        caller ann <- #3 = {"resultType":"complete","content":[]}
        // The same for a client that answers by requests.
        client 1 hello {"elicitation":{}}
        client 1 -> #1 tools/call {"name":"mcp-exec","arguments":{"name":"ask","server":"a"}}
        server a.2 <- #$4 tools/call {"name":"ask","arguments":{},"_meta":*}
        server a.2 -> #$4 = {"resultType":"input_required","inputRequests":{"k":{"method":"elicitation/create","params":{"message":"?"}}},"requestState":"s"}
        client 1 <- #$q elicitation/create {"message":"?"}
        client 1 -> #$q = {"action":"accept"}
        server a.2 <- #$5 tools/call {"name":"ask","arguments":{},"inputResponses":{"k":{"action":"accept"}},"requestState":"s","_meta":*}
        server a.2 -> #$5 = {"resultType":"complete","content":[]}
        client 1 <- #1 = {"content":[], ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn arguments_that_travel_in_headers_are_written_for_the_inner_tool() {
    check(
        r#"
        server a {"catalog":true,"http":true,"era":"stateless","tools":[{"name":"x","inputSchema":{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}}}}]}
        caller ann ~> #1 tools/call {"name":"mcp-add","arguments":{"name":"a"}}
        caller ann <- #1 = {"structuredContent":{"workspace":$w, ...}, ...}
        caller ann ~> #2 tools/call {"name":"mcp-exec","arguments":{"name":"x","arguments":{"region":"eu"},"workspace":$w}}
        server a <- #$2 tools/call {"name":"x","arguments":{"region":"eu"},"_meta":*}
        server a heard {"mcp-name":"x","mcp-param-region":"eu","mcp-method":"tools/call"}
        server a -> #$2 = {"resultType":"complete","content":[]}
        caller ann <- #2 = {"resultType":"complete","content":[]}
        "#,
    )
    .await;
}

/// Lets nobody write.
struct NoWriting;

impl Decider for NoWriting {
    fn decide(&self, facts: &Facts<'_>) -> Decision {
        match facts.asked {
            Asked::Tool {
                name,
                arguments: Some(arguments),
                ..
            } if name.starts_with("write") && arguments.contains("/etc") => {
                Decision::Deny(Denial {
                    rule: None,
                    reason: format!("{name} of {} is forbidden", facts.server.name),
                })
            }
            _ => Decision::Allow,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn rules_decide_over_the_inner_tool() {
    let mut world = World::default().with(|options| options.decider = Arc::new(NoWriting));
    world
        .run(
            r#"
            server a {"catalog":true,"tools":["write","read"]}
            client 1 hello
            client 1 -> #1 tools/call {"name":"mcp-exec","arguments":{"name":"write","server":"a","arguments":{"path":"/etc/x"}}}
            client 1 <- #1 = {"content":[{"type":"text","text":"*write of a is forbidden*"}],"isError":true}
            client 1 -> #2 tools/call {"name":"mcp-exec","arguments":{"name":"a__write","arguments":{"path":"/etc/x"}}}
            client 1 <- #2 = {"content":[{"type":"text","text":"*write of a is forbidden*"}],"isError":true}
            server a hears nothing
            client 1 -> #3 tools/call {"name":"mcp-exec","arguments":{"name":"read","arguments":{"path":"/etc/x"}}}
            server a <- #$3 tools/call *
            server a -> #$3 = {}
            client 1 <- #3 = {}
            "#,
        )
        .await;
    world.finish().await;
}
