//! What need not change leaves byte for byte, in both directions.

use super::harness::check;

#[tokio::test(start_paused = true)]
async fn a_request_leaves_as_it_came_but_for_its_id() {
    check(
        r#"
        server a {"tools":["echo"]}
        client 1 hello
        client 1 -> { "jsonrpc" : "2.0","x-top":[1.0,{}], "id":"q\u0041", "method":"tools/call","params":{"name":"echo" , "arguments":{"n":1E+2,"m":-0,"big":123456789012345678901234567890,"é":"\u00e9\/","d":1,"d":2},"x-new":null} }
        server a <= { "jsonrpc" : "2.0","x-top":[1.0,{}], "id":$id, "method":"tools/call","params":{"name":"echo" , "arguments":{"n":1E+2,"m":-0,"big":123456789012345678901234567890,"é":"\u00e9\/","d":1,"d":2},"x-new":null} }
        server a -> #$id = {}
        client 1 <= {"jsonrpc":"2.0","id":"q\u0041","result":{}}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_returns_as_it_came_but_for_its_id() {
    check(
        r#"
        server a {"tools":["echo"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"echo"}
        server a <- #$id tools/call {"name":"echo"}
        server a -> { "result" : {"content":[],"structuredContent":{"f":1.50e-3,"same":1,"same":2},"_meta":{"a/b":0.10}}, "vendor":true,"id" : $id ,"jsonrpc":"2.0"}
        client 1 <= { "result" : {"content":[],"structuredContent":{"f":1.50e-3,"same":1,"same":2},"_meta":{"a/b":0.10}}, "vendor":true,"id" : 1 ,"jsonrpc":"2.0"}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_error_returns_with_its_code_and_data() {
    check(
        r#"
        server a {"tools":["echo"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"echo"}
        server a <- #$id tools/call {"name":"echo"}
        server a -> {"jsonrpc":"2.0","id":$id,"error":{"code":-32042,"message":"visit","data":{"elicitations":[{"url":"x"}]},"hint":1e0}}
        client 1 <= {"jsonrpc":"2.0","id":1,"error":{"code":-32042,"message":"visit","data":{"elicitations":[{"url":"x"}]},"hint":1e0}}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn name_token_and_trace_are_spliced_and_nothing_else() {
    check(
        r#"
        server a {"tools":["read"]}
        server b {"tools":["read"]}
        client 1 hello
        client 1 -> {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{"progressToken" : "p 1","traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","tracestate":"v=1","x":1.0},"name":"b__read","arguments":{"name":"b__read"}}}
        server b <- #$id tools/call {"_meta":{"progressToken":$id,"traceparent":$trace,"tracestate":"v=1","x":1.0},"name":"read","arguments":{"name":"b__read"}}
        server b -> #$id = {}
        client 1 <- #1 = {}
        client 1 -> {"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"_meta":{"progressToken" : "p 1","x":1.0},"name":"b__read","arguments":{"name":"b__read"}}}
        server b <= {"jsonrpc":"2.0","id":$two,"method":"tools/call","params":{"_meta":{"progressToken" : $two,"x":1.0},"name":"read","arguments":{"name":"b__read"}}}
        server b -> #$two = {}
        client 1 <- #2 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn notifications_of_servers_keep_their_bytes() {
    check(
        r#"
        server a {"tools":["echo"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"echo","_meta":{"progressToken":3}}
        server a <- #$id tools/call {"name":"echo","_meta":{"progressToken":$id}}
        server a -> {"jsonrpc":"2.0", "method":"notifications/progress","params":{"progress":1.0,"progressToken":$id,"total":2.50,"message":"\u00fc"},"x":1e1}
        client 1 <= {"jsonrpc":"2.0", "method":"notifications/progress","params":{"progress":1.0,"progressToken":3,"total":2.50,"message":"\u00fc"},"x":1e1}
        server a -> {"jsonrpc":"2.0","method":"notifications/vendor/thing","params":{"q":1E0, "z":[ ]}}
        client 1 <= {"jsonrpc":"2.0","method":"notifications/vendor/thing","params":{"q":1E0, "z":[ ]}}
        server a -> #$id = {}
        client 1 <- #1 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn questions_and_their_answers_keep_their_bytes() {
    check(
        r#"
        server a {"tools":["ask"]}
        client 1 hello {"sampling":{}}
        client 1 -> #1 tools/call {"name":"ask"}
        server a <- #$id tools/call {"name":"ask"}
        server a -> { "jsonrpc":"2.0","method":"sampling/createMessage","id" : "s-1","params":{"maxTokens":1e3,"messages":[ ]},"v":0.0}
        client 1 <= { "jsonrpc":"2.0","method":"sampling/createMessage","id" : $q,"params":{"maxTokens":1e3,"messages":[ ]},"v":0.0}
        client 1 -> {"id":$q, "jsonrpc":"2.0","result":{"role":"assistant","model":"m\u0061","temperature":1.00}}
        server a <= {"id":"s-1", "jsonrpc":"2.0","result":{"role":"assistant","model":"m\u0061","temperature":1.00}}
        server a -> #$id = {}
        client 1 <- #1 = {}
        "#,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn listed_items_keep_their_bytes_and_order() {
    check(
        r#"
        server a {"tools":[{"name":"z","inputSchema":{"type":"object"},"x-new":1e400,"_meta":{"k":0.50}},{ "title":"T","name":"b","inputSchema":{ "type":"object","$ref":"https://example.com/x"}}]}
        client 1 hello
        client 1 -> #1 tools/list
        client 1 <= {"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"z","inputSchema":{"type":"object"},"x-new":1e400,"_meta":{"k":0.50}},{ "title":"T","name":"b","inputSchema":{ "type":"object","$ref":"https://example.com/x"}}]}}
        client 1 -> #2 tools/list
        client 1 <= {"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"z","inputSchema":{"type":"object"},"x-new":1e400,"_meta":{"k":0.50}},{ "title":"T","name":"b","inputSchema":{ "type":"object","$ref":"https://example.com/x"}}]}}
        "#
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_member_that_is_read_may_not_come_twice() {
    check(
        r#"
        server a {"tools":["echo","other"]}
        client 1 hello
        client 1 -> #1 tools/call {"name":"echo","name":"other"}
        client 1 <- #1 ! -32602 "*name*"
        client 1 -> #2 tools/call {"name":"echo","_meta":{"progressToken":1,"progressToken":2}}
        client 1 <- #2 ! -32602 "*progressToken*"
        "#,
    )
    .await;
}
