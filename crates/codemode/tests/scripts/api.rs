//! What a script sees and what an agent gets, in ordinary use.

use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use gateway::scripts::Script;
use portolan_codemode::{CodeMode, FailureKind, Limits, Process};
use serde_json::{Value, json};

use super::world::{World, error, mode, result, run, run_in};

#[tokio::test]
async fn a_call_by_namespace_and_by_exact_names() {
    assert_eq!(
        result("const issue = await github.create_issue({title: 'x'}); return issue.number").await,
        json!(7)
    );
    assert_eq!(
        result("return (await tools.call('github', 'create-issue', {title: 'x'})).title").await,
        json!("x")
    );
    assert_eq!(
        result("return tools.call('github.create-issue', {title: 'x'})").await["number"],
        7
    );
    assert_eq!(
        result("return (await tools.github.createIssue({title: 'x'})).number").await,
        json!(7)
    );
}

#[tokio::test]
async fn what_a_call_gives_is_its_value() {
    assert_eq!(
        result("return (await github.list_issues()).items.length").await,
        json!(10)
    );
    assert_eq!(
        result("return await text.plain()").await,
        json!("just words")
    );
    assert_eq!(result("return await text.number()").await, json!(42));
    assert_eq!(
        result("return (await text.image())[1].mimeType").await,
        json!("image/png")
    );
}

#[tokio::test]
async fn forms_of_a_script() {
    for script in [
        "return 1 + 1",
        "1 + 1",
        "const a = await echo.echo({n: 2}); a.n",
        "async () => { return (await echo.echo({n: 2})).n }",
        "async () => (await echo.echo({n: 2})).n;",
        "(async () => { return 2 })()",
        "async function main() { return 2 }\nmain()",
        "async function main() { return 2 }",
        "export default async function () { return 2 }",
        "module.exports = async () => 2",
        "module.exports = async function ({n = 2}) { return n }",
        "exports.main = () => 2",
        "module.exports = { default: async () => 2 }",
        "```js\nreturn 2\n```",
        "function () { return 2 }",
        "let x = 1; x++; return x",
    ] {
        assert_eq!(result(script).await, json!(2), "{script}");
    }
}

#[tokio::test]
async fn arguments_are_given_to_functions_and_as_a_global() {
    let args: Box<serde_json::value::RawValue> = serde_json::from_str(r#"{"n": 3}"#).unwrap();
    for text in [
        "return args.n",
        "async (args) => args.n",
        "async ({n}) => n",
    ] {
        let script = Script {
            text,
            args: Some(&args),
            owner: "test",
        };
        let outcome = mode(Limits::default()).run(script, &World::default()).await;
        assert_eq!(outcome.result.get(), "3", "{}", outcome.text());
    }
}

#[tokio::test]
async fn calls_run_side_by_side_within_their_number() {
    let world = World::default();
    let outcome = run_in(
        &mode(Limits::default()),
        &world,
        "const all = await Promise.all(Array.from({length: 20}, (_, n) => echo.slow({ms: 20, n}))); return all.map(one => one.n)",
    )
    .await;
    let result: Vec<u64> = serde_json::from_str(outcome.result.get()).unwrap();
    assert_eq!(result, (0..20).collect::<Vec<_>>(), "{}", outcome.text());
    assert_eq!(world.most_at_once.load(Ordering::SeqCst), 8);
    assert_eq!(outcome.calls.len(), 20);
    assert!(
        outcome
            .calls
            .iter()
            .all(|call| call.ok && call.tool == "echo.slow" && call.ms >= 20.0)
    );
}

#[tokio::test]
async fn a_failure_throws_and_can_be_caught() {
    assert_eq!(
        result("try { await bad.fails() } catch (e) { return [e.name, e.server, e.tool, e.message, e.hint, e instanceof ToolError, e instanceof Error] }").await,
        json!(["ToolError", "bad", "fails", "bad.fails: it broke: invalid argument", "call it as bad.fails()", true, true])
    );
    let outcome = run(
        "const a = 1;\nawait github.get_issue({number: 1});\nawait github.get_issue({number: 13});",
    )
    .await;
    let error = outcome.error.as_ref().unwrap();
    assert_eq!(error.kind, FailureKind::Tool);
    assert_eq!(
        (error.line, error.message.as_str()),
        (Some(3), "github.get_issue: issue 13 not found")
    );
    assert!(
        outcome.text().contains(
            "- github.get_issue: ok\n- github.get_issue: github.get_issue: issue 13 not found"
        ),
        "{}",
        outcome.text()
    );
}

#[tokio::test]
async fn arguments_are_checked_before_anything_is_sent() {
    let world = World::default();
    let outcome = run_in(
        &mode(Limits::default()),
        &world,
        "await github.create_issue({name: 'x', labels: 'bug'})",
    )
    .await;
    let error = outcome.error.unwrap();
    assert!(
        error.message.contains("\"title\" is a required property"),
        "{}",
        error.message
    );
    assert_eq!(
        error.hint.as_deref(),
        Some("call it as github.create_issue({title: string, labels?: string[]})")
    );
    assert_eq!(world.count("github"), 0);
    assert!(!outcome.calls[0].ok);
}

#[tokio::test]
async fn tools_are_searched_and_described() {
    assert_eq!(
        result("return await tools.search('weather city', {limit: 1})").await,
        json!([{"path": "weather.forecast", "summary": "The weather in a city."}])
    );
    let described = result("return await tools.describe('github.create-issue')").await;
    assert_eq!(
        described,
        "/** Creates an issue. */\ngithub.create_issue(args: {\n  title: string;\n  labels?: string[];\n}): Promise<{\n  number: number;\n  title: string;\n}>"
            .replace("  number: number;", "  /** integer */\n  number: number;")
    );
    assert!(
        error("return await tools.describe('github.nothing')")
            .await
            .contains("github has no tool")
    );
}

#[tokio::test]
async fn the_shape_of_real_results_is_remembered() {
    let mode = mode(Limits::default());
    let world = World::default();
    let script = "return await tools.describe('github.get_issue')";
    let before = run_in(&mode, &world, script).await;
    assert!(
        before.result.get().contains("not declared"),
        "{}",
        before.text()
    );
    run_in(&mode, &world, "await github.get_issue({number: 4})").await;
    let after = run_in(&mode, &world, script).await;
    assert!(
        after
            .result
            .get()
            .contains("Promise<{body: string, comments: number, number: number}> // observed"),
        "{}",
        after.text()
    );
}

#[tokio::test]
async fn a_large_result_is_kept_and_read_by_another_script() {
    let mode = mode(Limits::default());
    let world = World::default();
    let first = run_in(
        &mode,
        &world,
        "return Array.from({length: 5000}, (_, n) => ({n, name: 'name ' + n}))",
    )
    .await;
    let kept = first.kept.as_ref().unwrap();
    assert_eq!(kept.shape, "{n: number, name: string}[]");
    assert!(first.text().len() < 3_000 && first.structured().get().len() < 3_500);
    let handle = &kept.kept;
    let second = run_in(
        &mode,
        &world,
        &format!("const all = await tools.kept('{handle}'); return all.slice(4998)"),
    )
    .await;
    assert_eq!(
        second.result.get(),
        r#"[{"n":4998,"name":"name 4998"},{"n":4999,"name":"name 4999"}]"#
    );
    let part = run_in(
        &mode,
        &world,
        &format!("return await tools.kept('{handle}', {{from: 1, to: 24}})"),
    )
    .await;
    assert_eq!(part.result.get(), r#""{\"n\":0,\"name\":\"name 0\"}""#);
    let text = format!("return await tools.kept('{handle}')");
    let script = Script {
        text: &text,
        args: None,
        owner: "somebody else",
    };
    assert!(!mode.run(script, &world).await.ok);
}

#[tokio::test]
async fn what_is_logged_is_returned() {
    let outcome = run("console.log('a', 1, {b: [true, null]}, undefined); console.warn('careful'); console.error(new TypeError('x')); console.log(github.list_issues())").await;
    assert_eq!(
        outcome.logs,
        [
            "a 1 {b: [true, null]} undefined",
            "warn: careful",
            "error: TypeError: x",
            "[promise of github.list_issues(…): \"await\" is missing]",
            "note: github.list_issues: not awaited; the script waited at its end. Write await before calls",
        ]
    );
}

#[tokio::test]
async fn sleep_and_timers() {
    assert_eq!(
        result("const order = []; setTimeout(() => order.push(2), 20); const gone = setTimeout(() => order.push(9), 10); clearTimeout(gone); setTimeout((a) => order.push(a), 0, 1); await sleep(40); return order").await,
        json!([1, 2])
    );
}

#[tokio::test]
async fn errors_point_to_the_scripts_own_place() {
    for (script, line, column) in [
        ("const a = 1;\nconst b = a.x.y;", 2, None),
        ("return 1;\n\n  nothing();", 3, Some(3)),
        (
            "const f = (x) => {\n  throw new Error('deep');\n};\nawait sleep(1);\nreturn [1].map(f);",
            2,
            None,
        ),
        ("const a = ;\n", 1, Some(11)),
        ("return 1;\nconst b = {;\n", 2, None),
        ("```js\nconst a = 1;\nnothing();\n```", 3, Some(1)),
    ] {
        let outcome = run(script).await;
        let error = outcome.error.clone();
        if line == 3 && script.starts_with("return") {
            assert!(
                outcome.ok,
                "unreachable code is no error: {}",
                outcome.text()
            );
            continue;
        }
        let error = error.unwrap_or_else(|| panic!("{script}: {}", outcome.text()));
        assert_eq!(error.line, Some(line), "{script}: {}", outcome.text());
        if column.is_some() {
            assert_eq!(error.column, column, "{script}: {}", outcome.text());
        }
        assert_eq!(
            error.source.as_deref(),
            script.split('\n').nth(line as usize - 1),
            "{script}"
        );
    }
}

#[tokio::test]
async fn a_person_is_waited_for_outside_of_the_time() {
    let limits = Limits {
        wall: Duration::from_millis(400),
        ..Limits::default()
    };
    let outcome = run_in(
        &mode(limits),
        &World::default(),
        "return (await person.ask()).answer",
    )
    .await;
    assert_eq!(outcome.result.get(), "\"yes\"", "{}", outcome.text());
}

#[tokio::test]
async fn a_script_goes_on_while_a_person_is_waited_for() {
    let limits = Limits {
        wall: Duration::from_millis(400),
        ..Limits::default()
    };
    let script = "const answer = person.ask(); let n = 0; while (n < 10) { await sleep(60); n++ } return [n, (await answer).answer]";
    let outcome = run_in(&mode(limits), &World::default(), script).await;
    assert_eq!(outcome.result.get(), "[10,\"yes\"]", "{}", outcome.text());
}

#[tokio::test]
async fn dropping_a_run_cancels_its_calls() {
    let world = World::default();
    let mode = mode(Limits::default());
    {
        let run = run_in(
            &mode,
            &world,
            "await Promise.all([bad.never(), bad.never(), bad.never()])",
        );
        tokio::pin!(run);
        loop {
            tokio::select! {
                outcome = &mut run => panic!("{}", outcome.text()),
                () = tokio::time::sleep(Duration::from_millis(5)) => {}
            }
            if world.count("bad.never") == 3 {
                break;
            }
        }
    }
    assert_eq!(world.cancelled.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_run_that_is_dropped_at_any_await_leaves_nothing() {
    const SCRIPT: &str = "
        await echo.slow({ ms: 1 });
        const found = await tools.search('weather');
        await Promise.all([text.number(), echo.slow({ ms: 2 }), echo.slow({ ms: 1 })]);
        await sleep(1);
        return found.length;
    ";
    let mut cut = 0;
    for polls in 0.. {
        let (world, pids) = (World::default(), Arc::new(Mutex::new(Vec::new())));
        let started = pids.clone();
        let start = move |channel: OwnedFd| -> std::io::Result<Box<dyn Process>> {
            let process = launch::OwnProcess::start(super::world::worker_program(), &[], channel)?;
            started.lock().unwrap().push(process.pid());
            Ok(Box::new(super::world::Worker(process)))
        };
        let mode = CodeMode::new(Arc::new(start), Limits::default(), 0);
        let is_whole = {
            let mut run = std::pin::pin!(run_in(&mode, &world, SCRIPT));
            let mut left = polls;
            std::future::poll_fn(|cx| {
                if left == 0 {
                    return Poll::Ready(false);
                }
                left -= 1;
                run.as_mut().poll(cx).map(|outcome| outcome.ok)
            })
            .await
        };
        let under_way = world.at_once.load(Ordering::SeqCst);
        assert_eq!(world.cancelled.load(Ordering::SeqCst), under_way, "{polls}");
        // One that was being started when it was not wanted any more ends as well.
        drop(mode);
        let pids = pids.lock().unwrap().clone();
        for pid in pids {
            while std::path::Path::new(&format!("/proc/{pid}")).exists() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        if is_whole {
            break;
        }
        cut += 1;
    }
    assert!(cut >= 8, "there were {cut} places to drop it at");
}

#[tokio::test]
async fn progress_says_what_runs() {
    let world = World::default();
    run_in(
        &mode(Limits::default()),
        &world,
        "await echo.slow({}); await text.plain()",
    )
    .await;
    assert_eq!(
        *world.progress.lock().unwrap(),
        [
            "echo.slow runs",
            "1 call done, the script runs",
            "1 call done, text.plain runs",
            "2 calls done, the script runs"
        ]
    );
}

#[tokio::test]
async fn two_servers_may_have_the_same_tool() {
    assert_eq!(
        result("return [await files.read({path: 'a'}), await other.read()]").await,
        json!(["line one\nline two\nline three\n", "something else"])
    );
}

#[tokio::test]
async fn servers_and_tools_can_be_listed() {
    assert_eq!(
        result("return Object.keys(github)").await,
        json!(["create_issue", "list_issues", "get_issue"])
    );
    let listed = result("return Object.keys(tools)").await;
    assert!(
        listed.as_array().unwrap().contains(&Value::from("weather")),
        "{listed}"
    );
    assert_eq!(
        result("return ['list_issues' in github, 'x' in github, typeof github.list_issues]").await,
        json!([true, false, "function"])
    );
}

#[tokio::test]
async fn waiting_workers_take_scripts() {
    let mode = portolan_codemode::CodeMode::new(
        std::sync::Arc::new(super::world::start),
        Limits::default(),
        2,
    );
    let world = World::default();
    mode.warm();
    while mode.waiting() < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    for _ in 0..5 {
        assert_eq!(
            run_in(
                &mode,
                &world,
                "globalThis.seen = (globalThis.seen ?? 0) + 1"
            )
            .await
            .result
            .get(),
            "1"
        );
    }
}
