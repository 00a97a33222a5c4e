//! Scripts as models write them, with their habits. Most work; the rest are told exactly what to change.

use super::world::{World, mode, run_in};
use portolan_codemode::Limits;

/// A script, and its result as JSON; or a part of what its author is told.
enum Gets {
    Result(&'static str),
    Told(&'static [&'static str]),
}

use Gets::{Result, Told};

const SCRIPTS: &[(&str, Gets)] = &[
    // -- as it should be
    (
        "const issue = await github.create_issue({ title: 'Bug' });\nreturn issue;",
        Result(r#"{"number":7,"title":"Bug"}"#),
    ),
    (
        "const { items } = await github.list_issues({ page: 1 });\nreturn items.filter(i => i.state === 'open').map(i => i.number);",
        Result("[10,12,14,16,18]"),
    ),
    (
        "const all = [];\nlet page = 1;\nwhile (page) {\n  const r = await github.list_issues({ page });\n  all.push(...r.items);\n  page = r.next;\n}\nreturn all.length;",
        Result("30"),
    ),
    (
        "const cities = ['Oslo', 'Bern', 'Lima'];\nconst out = await Promise.all(cities.map(city => weather.forecast({ city })));\nreturn Object.fromEntries(out.map(o => [o.city, o.celsius]));",
        Result(r#"{"Oslo":4,"Bern":4,"Lima":4}"#),
    ),
    (
        "const lines = (await files.read({ path: '/x' })).split('\\n').filter(Boolean);\nreturn { count: lines.length, first: lines[0] };",
        Result(r#"{"count":3,"first":"line one"}"#),
    ),
    (
        "const results = await Promise.allSettled([1, 13, 2].map(number => github.get_issue({ number })));\nreturn results.map(r => r.status);",
        Result(r#"["fulfilled","rejected","fulfilled"]"#),
    ),
    (
        "for (let attempt = 1; ; attempt++) {\n  try {\n    return await github.get_issue({ number: attempt === 1 ? 13 : attempt });\n  } catch (error) {\n    if (attempt >= 3) throw error;\n    await sleep(5);\n  }\n}",
        Result(r#"{"body":"text","comments":2,"number":2}"#),
    ),
    (
        "for await (const issue of [1, 2].map(number => github.get_issue({ number }))) console.log(issue.number);\nreturn 'done'",
        Result("\"done\""),
    ),
    (
        "const found = await tools.search('weather');\nreturn found[0].path",
        Result("\"weather.forecast\""),
    ),
    (
        "const [hit] = await tools.search('weather', { limit: 1 });\nconst [server, tool] = hit.path.split('.');\nreturn await tools.call(server, tool, { city: 'Rome' })",
        Result(r#"{"celsius":4,"city":"Rome"}"#),
    ),
    (
        "return await tools[\"weather\"][\"forecast\"]({ city: 'Rome' })",
        Result(r#"{"celsius":4,"city":"Rome"}"#),
    ),
    (
        "const call = github.get_issue;\nreturn (await call({ number: 3 })).comments",
        Result("0"),
    ),
    (
        "return [await github.get_issue({ number: 1 }), await github.get_issue({ number: 2 })].reduce((sum, i) => sum + i.comments, 0)",
        Result("3"),
    ),
    // -- around the code
    (
        "```javascript\nconst r = await text.number();\nreturn r;\n```",
        Result("42"),
    ),
    (
        "Here's the script:\n\n```js\nreturn await text.number();\n```",
        Result("42"),
    ),
    (
        "// counts\nreturn await text.number(); // done",
        Result("42"),
    ),
    (
        "\"use strict\";\nconst n = await text.number();\nreturn n;",
        Result("42"),
    ),
    ("#!/usr/bin/env node\nreturn 42", Result("42")),
    // -- forms
    (
        "async () => {\n  const n = await text.number();\n  return n;\n}",
        Result("42"),
    ),
    (
        "(async () => {\n  const n = await text.number();\n  return n;\n})();",
        Result("42"),
    ),
    (
        "async function main() {\n  return await text.number();\n}\n\nmain();",
        Result("42"),
    ),
    (
        "async function main() {\n  return await text.number();\n}\nreturn main();",
        Result("42"),
    ),
    (
        "async function run() {\n  return await text.number();\n}\n\nawait run();",
        Result("42"),
    ),
    (
        "async function main() {\n  return await text.number();\n}\nmodule.exports = main;",
        Result("42"),
    ),
    (
        "module.exports = async function () {\n  return await text.number();\n};",
        Result("42"),
    ),
    (
        "export default async function main() {\n  return await text.number();\n}",
        Result("42"),
    ),
    (
        "export async function main() {\n  return await text.number();\n}",
        Result("42"),
    ),
    ("const result = await text.number();\nresult", Result("42")),
    (
        "const n = await text.number();\n({ n })",
        Result(r#"{"n":42}"#),
    ),
    (
        "total = 0;\nfor (const number of [1, 2]) { total += (await github.get_issue({ number })).comments; }\nreturn total;",
        Result("3"),
    ),
    (
        "var n = await text.number()\nif (n > 40) {\n  return 'large'\n} else {\n  return 'small'\n}",
        Result("\"large\""),
    ),
    (
        "main().then(r => r).catch(console.error);\nasync function main() { return await text.number(); }",
        Result("42"),
    ),
    ("return text.number().then(n => n + 1)", Result("43")),
    // -- JSON
    (
        "const r = JSON.parse(await github.list_issues());\nreturn r.items.length;",
        Result("10"),
    ),
    (
        "const raw = await github.list_issues();\nconst data = typeof raw === 'string' ? JSON.parse(raw) : raw;\nreturn data.next;",
        Result("2"),
    ),
    (
        "return JSON.stringify({ n: await text.number() });",
        Result(r#""{\"n\":42}""#),
    ),
    (
        "return JSON.parse(JSON.stringify(await github.get_issue({ number: 4 })));",
        Result(r#"{"body":"text","comments":1,"number":4}"#),
    ),
    // -- promises in the result
    (
        "return [1, 2].map(async number => (await github.get_issue({ number })).comments)",
        Result("[1,2]"),
    ),
    (
        "return { a: github.get_issue({ number: 1 }), b: 2 }",
        Result(r#"{"a":{"body":"text","comments":1,"number":1},"b":2}"#),
    ),
    (
        "return github.get_issue({ number: 1 })",
        Result(r#"{"body":"text","comments":1,"number":1}"#),
    ),
    // -- what is not awaited is waited for
    (
        "const seen = [];\n[1, 2].forEach(async number => { seen.push((await github.get_issue({ number })).number); });\nreturn seen;",
        Result("[1,2]"),
    ),
    (
        "async function main() {\n  await sleep(1);\n  await github.create_issue({ title: 'x' });\n}\nmain();\nreturn 'started';",
        Result("\"started\""),
    ),
    (
        "const timeout = sleep(10).then(() => 'late');\nreturn await Promise.race([bad.never(), timeout]);",
        Result("\"late\""),
    ),
    (
        "return await Promise.any([bad.fails(), text.number()])",
        Result("42"),
    ),
    // -- names
    (
        "return (await github.createIssue({ title: 'x' })).number",
        Result("7"),
    ),
    (
        "return (await github['create-issue']({ title: 'x' })).number",
        Result("7"),
    ),
    (
        "return (await tools.call('github', 'create_issue', { title: 'x' })).number",
        Result("7"),
    ),
    (
        "return (await tools.call('github.create_issue', { title: 'x' })).number",
        Result("7"),
    ),
    // -- small things of other systems
    (
        "await new Promise(resolve => setTimeout(resolve, 5));\nreturn 1",
        Result("1"),
    ),
    (
        "const t = performance.now();\nreturn typeof t",
        Result("\"number\""),
    ),
    (
        "const copy = structuredClone(await github.get_issue({ number: 1 }));\nreturn copy.number",
        Result("1"),
    ),
    (
        "console.table([{ a: 1 }]);\nconsole.time('x');\nconsole.timeEnd('x');\nreturn new Date(0).toISOString().slice(0, 10)",
        Result("\"1970-01-01\""),
    ),
    (
        "const seen = new Set();\nfor (const n of [1, 1, 2]) seen.add(n);\nreturn [...seen]",
        Result("[1,2]"),
    ),
    (
        "const groups = Object.groupBy([1, 2, 3], n => n % 2 ? 'odd' : 'even');\nreturn groups",
        Result(r#"{"odd":[1,3],"even":[2]}"#),
    ),
    (
        "return `${await text.number()} issues`.padStart(10).trim()",
        Result("\"42 issues\""),
    ),
    ("return atob(btoa('hi'))", Result("\"hi\"")),
    // -- what must be said
    (
        "[13].forEach(async number => { await github.get_issue({ number }); });\nreturn 'done';",
        Told(&[
            "nobody awaited what failed: github.get_issue: issue 13 not found",
            "line 1",
            "for…of in place of forEach",
        ]),
    ),
    (
        "const r = github.list_issues();\nreturn r.items.length;",
        Told(&[
            "github.list_issues(…) is a promise",
            "(await github.list_issues({…})).items",
            "line 2",
        ]),
    ),
    (
        "for (const i of github.list_issues()) console.log(i)",
        Told(&[
            "github.list_issues(…) is a promise",
            "write \"await\" before the call",
        ]),
    ),
    (
        "const n = text.number() + 1;\nreturn n",
        Told(&["text.number(…) is a promise and was used as a value"]),
    ),
    (
        "return `${text.number()}`",
        Told(&["text.number(…) is a promise and was used as a value"]),
    ),
    (
        "const r = JSON.parse(github.list_issues());\nreturn r",
        Told(&["github.list_issues(…) is a promise"]),
    ),
    (
        "await github.create_issue({ title: text.plain() })",
        Told(&[
            "the argument.title is the promise of text.plain(…)",
            "await",
        ]),
    ),
    (
        "github.list_issues().items.forEach(i => console.log(i))",
        Told(&["(await github.list_issues({…})).items"]),
    ),
    (
        "[1].forEach(number => { const i = await github.get_issue({ number }); })",
        Told(&[
            "line 1",
            "await stands at the top level or in a function that is async",
        ]),
    ),
    (
        "const r = await github.get_issue({ number: 1 });\nreturn r.content[0].text;",
        Told(&["line 2", "the tool's value itself, not {content"]),
    ),
    (
        "const r = await github.list_issues();\nreturn r.map(i => i.number);",
        Told(&["line 2", "a tool may give an object that holds the array"]),
    ),
    (
        "await github.create_issue('My title')",
        Told(&[
            "takes one object with named arguments, not a string",
            "github.create_issue({title: string, labels?: string[]})",
        ]),
    ),
    (
        "await github.create_issue('a', 'b')",
        Told(&["takes one object with named arguments, not several values"]),
    ),
    (
        "await github.create_issue({ title: 5 })",
        Told(&[
            "title: 5 is not of type \"string\"",
            "github.create_issue({title: string",
        ]),
    ),
    (
        "await github.create_issue()",
        Told(&["\"title\" is a required property"]),
    ),
    (
        "await github.delete_issue({ number: 1 })",
        Told(&["github has no tool \"delete_issue\""]),
    ),
    (
        "await githb.create_issue({ title: 'x' })",
        Told(&["githb is not defined", "did you mean github?"]),
    ),
    (
        "const res = await fetch('https://example.com');\nreturn res.json()",
        Told(&["fetch is not defined", "there is no network"]),
    ),
    (
        "const fs = require('fs');\nreturn fs.readFileSync('/x', 'utf8')",
        Told(&["require is not defined", "no modules and no files"]),
    ),
    (
        "import { github } from './servers';\nreturn await github.list_issues()",
        Told(&["there are no modules"]),
    ),
    (
        "return process.env.HOME",
        Told(&["process is not defined", "args"]),
    ),
    (
        "const items: any[] = (await github.list_issues()).items;\nreturn items.length",
        Result("10"),
    ),
    (
        "interface Issue { number: number }\nconst issue = (await github.get_issue({ number: 1 })) as Issue;\nreturn issue.number",
        Result("1"),
    ),
    (
        "type Weather = { city: string; celsius: number };\nasync function main(cities: string[]): Promise<Weather[]> {\n  return Promise.all(cities.map(async (city: string): Promise<Weather> => weather.forecast({ city })));\n}\nconst all = await main(['Oslo', 'Bern']);\nconst by = new Map<string, number>(all.map((one): [string, number] => [one.city, one.celsius]));\nreturn by.get('Oslo')!;",
        Result("4"),
    ),
    (
        "enum State { Open, Closed }\nreturn State.Open",
        Told(&["line 1", "TypeScript"]),
    ),
    ("def main():\n    return 1", Told(&["Python"])),
    (
        "await github.get_issue({ number: 13 })",
        Told(&["github.get_issue: issue 13 not found", "line 1"]),
    ),
    (
        "const r = await mcp.callTool('github', 'list_issues', {})",
        Told(&["mcp is not defined", "server.tool({…})"]),
    ),
    (
        "const r = await create_issue({ title: 'x' })",
        Told(&["create_issue is not defined", "github.create_issue({…})"]),
    ),
    (
        "const id = setInterval(() => {}, 10)",
        Told(&["setInterval is not defined", "await sleep(ms)"]),
    ),
    (
        "const n = await text.plain();\nreturn JSON.parse(n).x",
        Told(&["SyntaxError", "text that is JSON is parsed already"]),
    ),
];

#[tokio::test]
async fn most_work_and_the_rest_are_told_what_to_change() {
    let mode = mode(Limits::default());
    let world = World::default();
    let mut wrong = Vec::new();
    for (script, gets) in SCRIPTS {
        let outcome = run_in(&mode, &world, script).await;
        let text = outcome.text();
        let fits = match gets {
            Result(result) => outcome.ok && outcome.result.get() == *result,
            Told(parts) => !outcome.ok && parts.iter().all(|part| text.contains(part)),
        };
        if !fits {
            wrong.push(format!("{script}\n  gave: {text}"));
        }
    }
    let working = SCRIPTS
        .iter()
        .filter(|(_, gets)| matches!(gets, Result(_)))
        .count();
    assert!(SCRIPTS.len() >= 40 && working * 2 > SCRIPTS.len());
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        SCRIPTS.len(),
        wrong.join("\n\n")
    );
}
