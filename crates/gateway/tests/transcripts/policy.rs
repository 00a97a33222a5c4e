//! Rules of a configuration at work: what they deny is neither listed nor started nor called, by whichever way; what they ask
//! about waits for the person, in both eras.

use std::sync::Arc;

use policy::Policy;
use portolan_gateway::Rules;

use super::harness::{World, lock};

/// What a stateless client declares that can show forms.
const ABLE: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{}}}"#;

fn policy(rules: &str) -> Policy {
    let loaded = config::load_text(rules, "config.toml", &config::Env::default());
    assert!(!loaded.has_errors(), "{:?}", loaded.problems);
    loaded.policy
}

fn world(rules: &str) -> World {
    let rules = Arc::new(Rules::new(policy(rules)));
    World::default().with(|options| options.decider = rules)
}

async fn check(rules: &str, script: &str) {
    let mut world = world(rules);
    world.run(&script.replace("~able~", ABLE)).await;
    world.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_denied_tool_is_not_listed_and_its_call_says_why() {
    let mut world = world(
        r#"
        [[policy.rules]]
        name = "no deletes"
        tool = "delete_*"
        decision = "deny"
        reason = "ask the owner of the repository"
        [[policy.rules]]
        prompt = "p"
        decision = "deny"
        "#,
    );
    world
        .run(
            r#"
            server a {"tools":["delete_x","get_x"],"prompts":["p","q"]}
            client 1 hello
            client 1 -> #1 tools/list
            client 1 <- #1 = {"tools":[{"name":"get_x", ...}]}
            client 1 -> #2 tools/call {"name":"delete_x"}
            client 1 <- #2 = {"content":[{"type":"text","text":"denied: ask the owner of the repository (rule \"no deletes\")"}],"isError":true}
            client 1 -> #3 tools/call {"name":"a__delete_x"}
            client 1 <- #3 = {"isError":true, ...}
            client 1 -> #4 prompts/list
            client 1 <- #4 = {"prompts":[{"name":"q", ...}]}
            client 1 -> #5 prompts/get {"name":"p"}
            client 1 <- #5 ! -31006 "denied: rule \"rule 2\" forbids it"
            client 1 -> #6 tools/call {"name":"get_x"}
            server a <- #$6 tools/call *
            server a -> #$6 = {}
            client 1 <- #6 = {}
            "#,
        )
        .await;
    let records = world.records();
    let rules: Vec<_> = lock(&records.calls)
        .iter()
        .map(|record| (record.method.to_string(), record.rule.clone()))
        .filter(|(_, rule)| rule.is_some())
        .collect();
    let named = |method: &str, rule: &str| (method.to_owned(), Some(rule.into()));
    assert_eq!(
        rules,
        [
            named("tools/call", "no deletes"),
            named("tools/call", "no deletes"),
            named("prompts/get", "rule 2")
        ]
    );
    world.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_denied_server_is_neither_started_nor_listed() {
    check(
        r#"
        [[policy.rules]]
        server = ["bad", "worse"]
        decision = "deny"
        reason = "not approved"
        "#,
        r#"
        server bad {"tools":["x"]}
        server good {"tools":["y"]}
        server worse {"catalog":true,"tools":["z"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"bad__x"}
        client 1 <- #1 = {"content":[{"type":"text","text":"denied: not approved (rule \"rule 1\")"}],"isError":true}
        client 1 -> #2 tools/list
        client 1 <- #2 = {"tools":[*,*,*,*,*,{"name":"y", ...}]}
        client 1 -> #3 tools/call {"name":"mcp-add","arguments":{"name":"worse"}}
        client 1 <- #3 = {"content":[{"type":"text","text":"*blocked*not approved*portolan policy explain worse"}],"structuredContent":{"state":"blocked", ...},"isError":true}
        client 1 -> #4 tools/call {"name":"mcp-exec","arguments":{"name":"z","server":"worse"}}
        client 1 <- #4 = {"isError":true,"structuredContent":{"state":"blocked", ...}, ...}
        client 1 -> #5 tools/call {"name":"mcp-exec","arguments":{"name":"x","server":"bad"}}
        client 1 <- #5 = {"content":[{"type":"text","text":"denied: not approved*"}],"isError":true}
        client 1 -> #6 tools/call {"name":"mcp-add","arguments":{"name":"bad"}}
        client 1 <- #6 = {"structuredContent":{"state":"blocked", ...},"isError":true, ...}
        client 1 -> #8 tools/call {"name":"mcp-exec","arguments":{"name":"bad__x"}}
        client 1 <- #8 = {"content":[{"type":"text","text":"denied: not approved*"}],"isError":true}
        client 1 -> #7 tools/call {"name":"mcp-find","arguments":{"query":"worse"}}
        client 1 <- #7 = {"structuredContent":{"servers":[{"name":"worse","state":"blocked", ...}], ...}, ...}
        server bad launches 0
        server worse launches 0
        server good launches 1
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn with_default_deny_only_what_is_allowed_is_there() {
    check(
        r#"
        [policy]
        default = "deny"
        [[policy.rules]]
        server = "a"
        tool = "get_*"
        decision = "allow"
        "#,
        r#"
        server a {"tools":["get_x","put_x"],"resources":["r://1"]}
        server b {"tools":["get_y"]}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = {"tools":[{"name":"get_x", ...}]}
        client 1 -> #2 resources/list
        client 1 <- #2 = {"resources":[]}
        client 1 -> #3 resources/read {"uri":"r://1"}
        client 1 <- #3 ! -31006 "denied: no rule allows it"
        client 1 -> #4 resources/subscribe {"uri":"r://1"}
        client 1 <- #4 ! -31006 *
        server b launches 0
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn conditions_read_the_arguments_by_whichever_way_they_come() {
    check(
        r#"
        [[policy.rules]]
        name = "no etc"
        tool = "write"
        when = 'arguments.path.startsWith("/etc")'
        decision = "deny"
        "#,
        r#"
        server a {"catalog":true,"tools":["write"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"mcp-exec","arguments":{"name":"write","server":"a","arguments":{"path":"/etc/x"}}}
        client 1 <- #1 = {"content":[{"type":"text","text":"denied: rule \"no etc\" forbids it"}],"isError":true}
        client 1 -> #2 tools/call {"name":"mcp-exec","arguments":{"name":"write","server":"a","arguments":"{\"path\":\"/etc/x\"}"}}
        client 1 <- #2 = {"isError":true, ...}
        client 1 -> #3 tools/call {"name":"mcp-exec","arguments":{"name":"write","server":"a","arguments":{"path":"/tmp/x"}}}
        server a <- #$3 tools/call *
        server a -> #$3 = {}
        client 1 <- #3 = {}
        client 1 -> #4 tools/call {"name":"mcp-exec","arguments":{"name":"write","server":"a","arguments":{}}}
        client 1 <- #4 = {"content":[{"type":"text","text":"denied: rule \"no etc\" forbids it; it applies because its condition cannot be told: there is no \"path\"*"}],"isError":true}
        "#,
    )
    .await;
    check(
        r#"
        [[policy.rules]]
        name = "no etc"
        when = 'arguments.path.startsWith("/etc")'
        decision = "deny"
        "#,
        r#"
        server a {"tools":["write"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"write","arguments":{"path":"/tmp","path":"/etc"}}
        client 1 <- #1 = {"content":[{"type":"text","text":"*\"path\" stands there twice*"}],"isError":true}
        client 1 -> #2 tools/call {"name":"write","arguments":{"path":"/tmp","\u0070ath":"/etc"}}
        client 1 <- #2 = {"isError":true, ...}
        client 1 -> #3 tools/call {"name":"write","arguments":{"path":"/\u0065tc"}}
        client 1 <- #3 = {"isError":true, ...}
        server a hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_servers_say_of_their_tools_can_count() {
    check(
        r#"
        [[policy.rules]]
        annotations = { readOnlyHint = false }
        decision = "deny"
        "#,
        r#"
        server a {"tools":[{"name":"safe","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true}},"other"]}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = {"tools":[{"name":"safe", ...}]}
        client 1 -> #2 tools/call {"name":"safe"}
        server a <- #$2 tools/call *
        server a -> #$2 = {}
        client 1 <- #2 = {}
        client 1 -> #3 tools/call {"name":"other"}
        client 1 <- #3 = {"isError":true, ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_calls_and_by_which_client_counts_in_both_eras() {
    check(
        r#"
        [[policy.rules]]
        caller = "bob"
        decision = "deny"
        [[policy.rules]]
        client = "robot"
        tool = "x"
        decision = "deny"
        [[policy.rules]]
        era = "stateless"
        tool = "y"
        decision = "deny"
        "#,
        r#"
        server a {"tools":["x","y"],"share":"all"}
        client 1 opens http as bob
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <- #1 = {"tools":[]}
        client 2 opens http as ann
        client 2 hello
        client 2 -> #1 tools/list
        client 2 <- #1 = {"tools":[{"name":"x", ...},{"name":"y", ...}]}
        caller ann ~> #2 tools/list
        caller ann <- #2 = {"tools":[{"name":"x", ...}],"cacheScope":"private", ...}
        caller ann ~> #3 tools/call {"name":"y"}
        caller ann <- 200 #3 = {"resultType":"complete","isError":true, ...}
        caller ann -> #4 tools/call {"name":"x","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"robot","version":"2"}}}
        caller ann <- 200 #4 = {"isError":true, ...}
        "#,
    )
    .await;
}

const ASKS: &str = r#"
    [[policy.rules]]
    name = "careful"
    tool = "put"
    decision = "ask"
    reason = "it writes"
"#;

#[tokio::test(start_paused = true)]
async fn the_person_is_asked_and_their_answer_holds_as_long_as_they_say() {
    check(
        ASKS,
        r#"
        server a {"tools":["put","get"]}
        client 1 hello {"elicitation":{}}
        client 1 -> #1 tools/list
        client 1 <- #1 = {"tools":[{"name":"put", ...},{"name":"get", ...}]}
        client 1 -> #2 tools/call {"name":"put","arguments":{"a":1}}
        client 1 <- #$q elicitation/create {"mode":"form","message":"Allow the tool put of a to be used with {\"a\":1}? it writes (rule \"careful\").","requestedSchema":{"type":"object","properties":{"answer":{"enum":["once","workspace","always"],"default":"once", ...}}}}
        server a hears nothing
        client 1 -> #$q = {"action":"accept","content":{"answer":"once"}}
        server a <- #$2 tools/call {"name":"put","arguments":{"a":1}}
        server a -> #$2 = {"content":[]}
        client 1 <- #2 = {"content":[]}
        // Once is once.
        client 1 -> #3 tools/call {"name":"put"}
        client 1 <- #$p elicitation/create *
        client 1 -> #$p = {"action":"decline"}
        client 1 <- #3 = {"content":[{"type":"text","text":"denied: rule \"careful\" asks the user first: the user said no; ask them why"}],"isError":true}
        client 1 -> #4 tools/call {"name":"put"}
        client 1 <- #$r elicitation/create *
        client 1 -> #$r = {"action":"accept","content":{"answer":"workspace"}}
        server a <- #$4 tools/call *
        server a -> #$4 = {}
        client 1 <- #4 = {}
        client 1 -> #5 tools/call {"name":"put"}
        server a <- #$5 tools/call *
        server a -> #$5 = {}
        client 1 <- #5 = {}
        // Another conversation is another workspace.
        client 2 hello {"elicitation":{}}
        client 2 -> #1 tools/call {"name":"put"}
        client 2 <- #$s elicitation/create *
        client 2 -> #$s = {"action":"accept","content":{"answer":"never"}}
        client 2 <- #1 = {"content":[{"type":"text","text":"*none of those offered"}],"isError":true}
        client 2 -> #22 tools/call {"name":"get"}
        server a.2 <- #$22 tools/call *
        server a.2 -> #$22 = {}
        client 2 <- #22 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn whoever_cannot_be_asked_is_told_the_command() {
    check(
        &format!("{ASKS}\n[[policy.rules]]\ntool = \"each\"\ndecision = \"ask\"\nremember = \"once\""),
        r#"
        server a {"tools":["put","each"]}
        client 1 opens http as ann
        client 1 hello
        client 1 -> #1 tools/call {"name":"put"}
        client 1 <- #1 = {"content":[{"type":"text","text":"*cannot show them a question. Ask them to run: portolan policy allow a put --caller ann"}],"isError":true}
        caller ann ~> #1 tools/call {"name":"put"}
        caller ann <- 200 #1 = {"content":[{"type":"text","text":"*portolan policy allow a put --caller ann"}],"isError":true, ...}
        client 1 -> #2 tools/call {"name":"each"}
        client 1 <- #2 = {"content":[{"type":"text","text":"*the rule wants one for each call"}],"isError":true}
        server a hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_for_always_outlives_the_process_and_can_be_given_before() {
    let store = store::StoreHandle::start(store::Store::memory().unwrap()).unwrap();
    let with = |store: store::StoreHandle| {
        let rules = Arc::new(Rules::new(policy(ASKS)));
        World::default().with(|options| {
            options.decider = rules;
            options.store = Some(store);
        })
    };
    let mut world = with(store.clone());
    world
        .run(
            r#"
            server a {"tools":["put"]}
            client 1 hello {"elicitation":{}}
            client 1 -> #1 tools/call {"name":"put"}
            client 1 <- #$q elicitation/create *
            client 1 -> #$q = {"action":"accept","content":{"answer":"always"}}
            server a <- #$1 tools/call *
            server a -> #$1 = {}
            client 1 <- #1 = {}
            "#,
        )
        .await;
    world.finish().await;
    let mut world = with(store);
    world
        .run(
            r#"
            server a {"tools":["put"]}
            client 1 hello
            client 1 -> #1 tools/call {"name":"put"}
            server a <- #$1 tools/call *
            server a -> #$1 = {}
            client 1 <- #1 = {}
            "#,
        )
        .await;
    world.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_stateless_client_is_asked_in_the_answer() {
    check(
        ASKS,
        r#"
        server a {"era":"stateless","tools":["put"]}
        caller ann -> #1 tools/call {"name":"put","arguments":{"a":1},~able~}
        caller ann <- 200 #1 = {"resultType":"input_required","inputRequests":{"allow":{"method":"elicitation/create","params":*}},"requestState":$s, ...}
        server a hears nothing
        // Made up, of another request, somebody else's: asked anew.
        caller ann -> #2 tools/call {"name":"put","arguments":{"a":1},"inputResponses":{"allow":{"action":"accept"}},"requestState":"forged",~able~}
        caller ann <- 200 #2 = {"resultType":"input_required", ...}
        caller ann -> #3 tools/call {"name":"put","arguments":{"a":2},"inputResponses":{"allow":{"action":"accept"}},"requestState":$s,~able~}
        caller ann <- 200 #3 = {"resultType":"input_required", ...}
        caller bob -> #3 tools/call {"name":"put","arguments":{"a":1},"inputResponses":{"allow":{"action":"accept"}},"requestState":$s,~able~}
        caller bob <- 200 #3 = {"resultType":"input_required", ...}
        caller ann -> #4 tools/call {"name":"put","arguments":{"a":1},"inputResponses":{"allow":{"action":"decline"}},"requestState":$s,~able~}
        caller ann <- 200 #4 = {"isError":true,"content":[{"type":"text","text":"*the user said no*"}], ...}
        server a hears nothing
        // The server sees nothing of it, and may ask itself.
        caller ann -> #5 tools/call {"name":"put","arguments":{"a":1},"inputResponses":{"allow":{"action":"accept","content":{"answer":"once"}}},"requestState":$s,~able~}
        server a <- #$5 tools/call {"name":"put","arguments":{"a":1},"_meta":*}
        server a -> #$5 = {"resultType":"input_required","inputRequests":{"k":{"method":"elicitation/create","params":{}}},"requestState":"theirs"}
        caller ann <- 200 #5 = {"resultType":"input_required","requestState":"theirs", ...}
        // Whoever makes a state up, or has none, is asked like anybody; so is who brings it with another call, or is another.
        caller ann -> #51 tools/call {"name":"put","arguments":{"a":1},"inputResponses":{"k":{"action":"accept"}},"requestState":"made up",~able~}
        caller ann <- 200 #51 = {"resultType":"input_required","inputRequests":{"allow":*}, ...}
        caller ann -> #52 tools/call {"name":"put","arguments":{"a":2},"inputResponses":{"k":{"action":"accept"}},"requestState":"theirs",~able~}
        caller ann <- 200 #52 = {"resultType":"input_required","inputRequests":{"allow":*}, ...}
        caller bob -> #53 tools/call {"name":"put","arguments":{"a":1},"inputResponses":{"k":{"action":"accept"}},"requestState":"theirs",~able~}
        caller bob <- 200 #53 = {"resultType":"input_required","inputRequests":{"allow":*}, ...}
        server a hears nothing
        caller ann -> #6 tools/call {"name":"put","arguments":{"a":1},"inputResponses":{"k":{"action":"accept"}},"requestState":"theirs",~able~}
        server a <- #$6 tools/call {"inputResponses":{"k":{"action":"accept"}},"requestState":"theirs", ...}
        server a -> #$6 = {"resultType":"complete","content":[]}
        caller ann <- 200 #6 = {"resultType":"complete","content":[]}
        // It was asked once, and answered.
        caller ann -> #61 tools/call {"name":"put","arguments":{"a":1},"inputResponses":{"k":{"action":"accept"}},"requestState":"theirs",~able~}
        caller ann <- 200 #61 = {"resultType":"input_required","inputRequests":{"allow":*}, ...}
        // The next one is another.
        caller ann -> #7 tools/call {"name":"put","arguments":{"a":1},~able~}
        caller ann <- 200 #7 = {"resultType":"input_required", ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stateless_client_before_a_server_of_handshakes_is_asked_too() {
    check(
        ASKS,
        r#"
        server a {"tools":["put"]}
        caller ann -> #1 tools/call {"name":"put",~able~}
        caller ann <- 200 #1 = {"resultType":"input_required","requestState":$s, ...}
        caller ann -> #2 tools/call {"name":"put","inputResponses":{"allow":{"action":"accept","content":{"answer":"workspace"}}},"requestState":$s,~able~}
        server a <- #$2 tools/call *
        server a -> #$2 = {"content":[]}
        caller ann <- 200 #2 = {"content":[], ...}
        caller ann -> #3 tools/call {"name":"put",~able~}
        server a <- #$3 tools/call *
        server a -> #$3 = {"content":[]}
        caller ann <- 200 #3 = {"content":[], ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_question_goes_out_with_its_call_over_http_and_for_a_call_by_exec() {
    check(
        ASKS,
        r#"
        server a {"catalog":true,"tools":["put"]}
        client 1 opens http as ann
        client 1 hello {"elicitation":{}}
        client 1 -> #1 tools/call {"name":"mcp-exec","arguments":{"name":"put","server":"a","arguments":{"a":1}}}
        client 1 <- #$q elicitation/create {"message":"Allow the tool put of a to be used with {\"a\":1}? *", ...}
        client 1 -> #$q = {"action":"accept","content":{"answer":"once"}}
        server a <- #$1 tools/call {"name":"put","arguments":{"a":1}}
        server a -> #$1 = {"content":[]}
        client 1 <- #1 = {"content":[]}
        caller ann -> #2 tools/call {"name":"mcp-exec","arguments":{"name":"put","server":"a","arguments":{"a":1}},~able~}
        caller ann <- 200 #2 = {"resultType":"input_required","requestState":$s, ...}
        caller ann -> #3 tools/call {"name":"mcp-exec","arguments":{"name":"put","server":"a","arguments":{"a":1}},"inputResponses":{"allow":{"action":"accept"}},"requestState":$s,~able~}
        server a.2 <- #$3 tools/call {"name":"put","arguments":{"a":1}}
        server a.2 -> #$3 = {"content":[]}
        caller ann <- 200 #3 = {"content":[], ...}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_cannot_be_changed_into_one_for_another_call() {
    check(
        r#"
        [[policy.rules]]
        name = "each"
        tool = "put"
        decision = "ask"
        remember = "once"
        "#,
        r#"
        server a {"tools":["put"]}
        client 1 hello {"elicitation":{}}
        client 1 -> #1 tools/call {"name":"put"}
        client 1 <- #$q elicitation/create {"requestedSchema":{"type":"object","properties":{}}, ...}
        // More than is offered is not given.
        client 1 -> #$q = {"action":"accept","content":{"answer":"always"}}
        server a <- #$1 tools/call *
        server a -> #$1 = {}
        client 1 <- #1 = {}
        client 1 -> #2 tools/call {"name":"put"}
        client 1 <- #$p elicitation/create *
        client 1 -> #$p ! -32603 "no window"
        client 1 <- #2 = {"content":[{"type":"text","text":"*could not ask the user: no window*"}],"isError":true}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn whoever_is_asked_can_leave() {
    check(
        ASKS,
        r#"
        server a {"tools":["put"]}
        client 1 hello {"elicitation":{}}
        client 1 -> #1 tools/call {"name":"put"}
        client 1 <- #$q elicitation/create *
        client 1 -> notifications/cancelled {"requestId":1}
        client 1 <- silence
        client 1 <- notifications/cancelled {"requestId":$q, ...}
        client 1 -> #$q = {"action":"accept"}
        server a hears nothing
        client 1 -> #2 tools/call {"name":"put"}
        client 1 <- #$p elicitation/create *
        advance 601s
        client 1 <- notifications/cancelled {"requestId":$p, ...}
        client 1 <- #2 = {"content":[{"type":"text","text":"*nobody answered in time*"}],"isError":true}
        server a hears nothing
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn other_rules_take_effect_at_once() {
    let rules = Arc::new(Rules::new(Policy::default()));
    let decider = rules.clone();
    let mut world = World::default().with(|options| options.decider = decider);
    world
        .run(
            r#"
            server a {"tools":["x","y"]}
            client 1 hello
            client 1 -> #1 tools/list
            client 1 <- #1 = {"tools":[*,*]}
            "#,
        )
        .await;
    rules.replace(policy(
        "[[policy.rules]]\ntool = \"x\"\ndecision = \"deny\"",
    ));
    world.gateway().rules_changed();
    world
        .run(
            r#"
            client 1 <- notifications/tools/list_changed
            client 1 <- notifications/prompts/list_changed
            client 1 <- notifications/resources/list_changed
            client 1 -> #2 tools/list
            client 1 <- #2 = {"tools":[{"name":"y", ...}]}
            client 1 -> #3 tools/call {"name":"x"}
            client 1 <- #3 = {"isError":true, ...}
            "#,
        )
        .await;
    world.finish().await;
}
