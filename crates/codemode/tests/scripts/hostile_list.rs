//! Scripts that mean harm, or do it by mistake, and how each must end.

use portolan_codemode::FailureKind;

use FailureKind::{Limit, Memory, NotAwaited, Result, Stuck, Syntax, Thrown, Time, Tool};

/// What must come out.
pub(super) enum Ends {
    /// With this result.
    Well(&'static str),
    /// With this sort of failure, whose text holds this.
    Badly(FailureKind, &'static str),
    /// Either of these: which limit is reached first depends on the machine.
    Either(&'static [FailureKind]),
}

use Ends::{Badly, Either, Well};

pub(super) const SCRIPTS: &[(&str, Ends)] = &[
    // -- syntax
    ("", Badly(Syntax, "the script is empty")),
    ("return (", Badly(Syntax, "SyntaxError")),
    ("const a = {\nb: 1\nreturn a", Badly(Syntax, "line 3")),
    ("}) ; (() => {", Badly(Syntax, "SyntaxError")),
    (
        "return 1 }); globalThis.x = 1; (async function () {",
        Either(&[Syntax, Thrown, Result]),
    ),
    (
        "import fs from 'fs'; return 1",
        Badly(Syntax, "there are no modules"),
    ),
    ("enum A { B }; return 1", Badly(Syntax, "TypeScript")),
    (
        "const a: A<A<A<A<string = 'x'; return a",
        Badly(Syntax, "SyntaxError"),
    ),
    ("\u{0}", Badly(Syntax, "NUL")),
    // -- loops
    ("while (true) {}", Badly(Time, "longer than the 1 s")),
    (
        "for (;;) { try { while (true) {} } catch (e) {} finally { continue } }",
        Badly(Time, "longer"),
    ),
    (
        "const f = () => { f() }; while (true) { try { f() } catch {} }",
        Badly(Time, "longer"),
    ),
    (
        "(async () => { while (true) await null })(); await new Promise(() => {})",
        Badly(Time, "longer"),
    ),
    (
        "const f = () => Promise.resolve().then(f); await f()",
        Either(&[Time, Memory]),
    ),
    ("while (true) await sleep(0)", Badly(Time, "longer")),
    (
        "const t = () => setTimeout(t, 0); t(); await new Promise(() => {})",
        Badly(Time, "longer"),
    ),
    ("await sleep(1e9)", Badly(Time, "longer")),
    (
        "await new Promise(r => setTimeout(r, 3600000))",
        Badly(Time, "longer"),
    ),
    (
        "queueMicrotask(function f() { queueMicrotask(f) }); await new Promise(() => {})",
        Badly(Time, "longer"),
    ),
    (
        "new Array(2e7).fill(0).sort(() => 1)",
        Either(&[Time, Memory]),
    ),
    (
        "new Array(1e6).fill(0).map((_, i) => i).sort(() => { while (true) {} })",
        Either(&[Time, Memory]),
    ),
    (
        "'x'.repeat(2 ** 25).replace(/x/g, 'yy')",
        Either(&[Time, Memory]),
    ),
    (
        "/^(a+)+$/.test('a'.repeat(40) + 'b')",
        Badly(Time, "longer"),
    ),
    ("/(x+x+)+y/.exec('x'.repeat(60))", Badly(Time, "longer")),
    (
        "'a'.repeat(50000).match(/(?:a?){50000}a{50000}/)",
        Either(&[Time, Memory, Thrown, Syntax]),
    ),
    (
        "JSON.stringify(new Proxy([], { get: (t, k) => k === 'length' ? 2 ** 32 : (k === 'toJSON' ? undefined : 0) }))",
        Either(&[Time, Memory, Thrown]),
    ),
    (
        "[...{ *[Symbol.iterator]() { while (true) yield 1 } }]",
        Either(&[Time, Memory]),
    ),
    (
        "Array.from({ length: 2 ** 53 - 1 })",
        Either(&[Time, Memory, Thrown]),
    ),
    (
        "new Date(new Proxy({}, { get: () => { while (true) {} } }))",
        Badly(Time, "longer"),
    ),
    (
        "return { get a() { while (true) {} } }",
        Badly(Time, "longer"),
    ),
    (
        "return { toJSON() { while (true) {} } }",
        Badly(Time, "longer"),
    ),
    (
        "console.log({ get a() { while (true) {} } }); return 1",
        Badly(Time, "longer"),
    ),
    (
        "await echo.echo({ toJSON() { while (true) {} } })",
        Badly(Time, "longer"),
    ),
    ("2n ** (2n ** 40n)", Either(&[Time, Memory, Thrown])),
    (
        "let n = 3n; for (;;) n *= n",
        Either(&[Time, Memory, Thrown]),
    ),
    ("await bad.never()", Badly(Time, "waiting for bad.never")),
    (
        "await Promise.race([bad.never(), new Promise(() => {})])",
        Badly(Time, "bad.never"),
    ),
    // -- memory
    (
        "const a = []; while (true) a.push(new Array(1000).fill(a.length))",
        Either(&[Memory, Time]),
    ),
    (
        "let s = 'x'; while (true) s += s",
        Either(&[Memory, Thrown]),
    ),
    ("new Uint8Array(2 ** 30)", Either(&[Memory, Thrown])),
    ("new ArrayBuffer(1e15)", Either(&[Memory, Thrown])),
    (
        "const a = []; while (true) { try { a.push(new Uint8Array(1e6)) } catch (e) {} }",
        Either(&[Memory, Time]),
    ),
    (
        "const p = []; while (true) p.push(new Promise(() => {}))",
        Either(&[Memory, Time]),
    ),
    (
        "const m = new Map(); for (let i = 0; ; i++) m.set(i, {})",
        Either(&[Memory, Time]),
    ),
    ("let o = {}; for (;;) o = { o }", Either(&[Memory, Time])),
    (
        "const big = '[' .repeat(1e6); JSON.parse(big)",
        Either(&[Thrown, Memory]),
    ),
    (
        "const f = (n) => n === 0 ? 0 : 1 + f(n - 1); return f(1e7)",
        Badly(Thrown, "recursion"),
    ),
    (
        "class A { get a() { return this.a } } return new A().a",
        Badly(Thrown, "stack"),
    ),
    (
        "const a = []; a[0] = a; for (let i = 0; i < 1e5; i++) a.toString(); let x = []; for (let i = 0; i < 1e5; i++) x = [x]; return String(x)",
        Either(&[Thrown, Memory, Time]),
    ),
    (
        "for (let i = 0; i < 1e7; i++) setTimeout(() => {}, 1e6)",
        Badly(Thrown, "1000 timers"),
    ),
    ("'x'.padEnd(2 ** 29)", Either(&[Memory, Thrown])),
    // -- calls
    (
        "for (let i = 0; i < 300; i++) await text.plain()",
        Badly(Limit, "200 calls"),
    ),
    (
        "for (let i = 0; i < 1e6; i++) text.plain()",
        Either(&[Limit, Memory, Time, NotAwaited, Thrown]),
    ),
    (
        "await Promise.all(Array.from({ length: 260 }, () => text.plain()))",
        Badly(Limit, "200 calls"),
    ),
    (
        "for (let i = 0; i < 300; i++) await tools.search('x')",
        Badly(Limit, "200 times"),
    ),
    (
        "await echo.echo({ a: 'x'.repeat(2e6) })",
        Badly(Thrown, "the argument is larger than 1000000 bytes"),
    ),
    (
        "await text.large({ bytes: 1100000 })",
        Badly(Limit, "1100002 bytes"),
    ),
    (
        "await nobody.tool()",
        Badly(Thrown, "nobody is not defined"),
    ),
    (
        "await tools.call('nobody', 'tool', {})",
        Badly(Thrown, "there is no server \"nobody\""),
    ),
    (
        "await github.create_isue({ title: 'x' })",
        Badly(Thrown, "did you mean create_issue?"),
    ),
    (
        "await tools.call('github', '__proto__', {})",
        Badly(Thrown, "github has no tool"),
    ),
    ("await github.__proto__.x()", Either(&[Thrown])),
    (
        "await bad.dies()",
        Badly(Tool, "call again: it is started anew"),
    ),
    ("await bad.nonsense()", Badly(Tool, "no result of a tool")),
    (
        "bad.fails(); return 1",
        Badly(NotAwaited, "bad.fails was not awaited, and failed"),
    ),
    (
        "const a = {}; a.a = a; await echo.echo(a)",
        Badly(Thrown, "refers back to itself"),
    ),
    (
        "await echo.echo({ id: 2n ** 64n })",
        Badly(Thrown, "the argument.id is a BigInt"),
    ),
    (
        "await echo.echo({ id: text.plain() })",
        Badly(Thrown, "the argument.id is the promise of text.plain(…)"),
    ),
    (
        "await echo.echo({ id: (async () => 1)() })",
        Badly(Thrown, "the argument.id is a promise"),
    ),
    (
        "try { return typeof await bad.deep() } catch (e) { return e.name }",
        Well("\"LimitError\""),
    ),
    // -- logs
    (
        "for (let i = 0; i < 1e6; i++) console.log('line ' + i)",
        Either(&[Time]),
    ),
    (
        "for (let i = 0; i < 1e5; i++) console.log('line ' + i); return 1",
        Well("1"),
    ),
    ("console.log('x'.repeat(1e7)); return 1", Well("1")),
    ("const o = {}; o.o = o; console.log(o); return 1", Well("1")),
    (
        "console.log({ get a() { throw 1 } }, { toJSON() { throw 1 } }, new Proxy({}, { get() { throw 1 }, ownKeys() { throw 1 } })); return 1",
        Well("1"),
    ),
    (
        "console.log(Object.create(null), Symbol('x'), () => 1, 10n, -0, new Date(0), new Map([[1, 2]])); return 1",
        Well("1"),
    ),
    // -- results
    (
        "const a = {}; a.a = a; return a",
        Badly(Result, "result.a.a.a.a.a.a refers back to itself"),
    ),
    (
        "const a = []; a.push([a]); return { deep: a }",
        Badly(Result, "refers back to itself"),
    ),
    (
        "return 'x'.repeat(3e6)",
        Badly(Result, "larger than 1000000 bytes"),
    ),
    (
        "return Array.from({ length: 3e5 }, () => undefined)",
        Either(&[Result, Time]),
    ),
    (
        "return { total: 10n ** 30n }",
        Badly(Result, "result.total is a BigInt"),
    ),
    ("return { total: 12n }", Well("{\"total\":12}")),
    (
        "return [NaN, -Infinity, -0, 1e21, 0.1, 3.0]",
        Well("[null,null,0,1e+21,0.1,3]"),
    ),
    ("return new Date(0)", Well("\"1970-01-01T00:00:00.000Z\"")),
    ("return new Date(NaN)", Well("null")),
    ("return undefined", Well("null")),
    (
        "return { a: undefined, b: () => 1, c: Symbol('x'), d: [undefined] }",
        Well("{\"d\":[null]}"),
    ),
    ("return new Map([['a', new Set([1])]])", Well("{\"a\":[1]}")),
    (
        "return [new Uint8Array([1, 2]), new Error('x'), /a/g, Object(1), Object('s')]",
        Well("[[1,2],{\"name\":\"Error\",\"message\":\"x\"},\"/a/g\",1,\"s\"]"),
    ),
    ("return '\\ud800 half'", Well("\"\u{fffd} half\"")),
    (
        "return () => () => () => 1",
        Badly(Result, "result is a function"),
    ),
    (
        "let d = 1; for (let i = 0; i < 200; i++) d = [d]; return d",
        Badly(Result, "deeper than 100 levels"),
    ),
    (
        "return { get a() { throw new Error('getter') } }",
        Badly(Thrown, "getter"),
    ),
    (
        "return { toJSON() { throw new Error('toJSON') } }",
        Badly(Thrown, "toJSON"),
    ),
    (
        "return new Proxy({}, { ownKeys() { throw new Error('trap') } })",
        Badly(Thrown, "trap"),
    ),
    ("return new Proxy([1, 2], {})", Well("[1,2]")),
    ("return { then(resolve) { resolve(5) } }", Well("5")),
    ("return { then() {} }", Badly(Stuck, "waits for a promise")),
    (
        "await new Promise(() => {})",
        Badly(Stuck, "waits for a promise"),
    ),
    // -- throwing
    ("throw 'text'", Badly(Thrown, "thrown was text")),
    ("throw { code: 3 }", Badly(Thrown, "thrown was {code: 3}")),
    ("throw undefined", Badly(Thrown, "thrown was undefined")),
    ("throw null", Either(&[Thrown, Memory])),
    (
        "throw Object.assign(new Error('x'), { name: 'y'.repeat(1e6), message: 'z'.repeat(1e6) })",
        Badly(Thrown, "yyy"),
    ),
    (
        "const e = new Error('x'); Object.defineProperty(e, 'message', { get() { throw e } }); throw e",
        Badly(Thrown, "Error"),
    ),
    (
        "Promise.reject(new Error('nobody hears')); return 1",
        Badly(
            NotAwaited,
            "nobody awaited what failed: Error: nobody hears",
        ),
    ),
    // -- prototypes and globals
    (
        "Array.prototype.map = Array.prototype.push = null; JSON.stringify = () => 'x'; JSON.parse = null; return (await github.list_issues()).items.length",
        Well("10"),
    ),
    (
        "Promise.prototype.then = null; Promise.all = null; return (await text.number()) + 1",
        Well("43"),
    ),
    (
        "globalThis.Promise = function () { throw 1 }; return await text.number()",
        Well("42"),
    ),
    (
        "Object.prototype.kind = 'limit'; Object.prototype.toJSON = undefined; Object.prototype.get = () => 'x'; return await echo.echo({ a: 1 })",
        Well("{\"a\":1}"),
    ),
    (
        "Object.prototype.then = 5; return await text.number()",
        Well("42"),
    ),
    (
        "Object.prototype.then = function (r) { r(666) }; return [1].length",
        Well("1"),
    ),
    (
        "Symbol.iterator; Array.prototype[Symbol.iterator] = null; Function.prototype.call = Function.prototype.apply = null; return await text.number()",
        Well("42"),
    ),
    (
        "Reflect.apply = null; WeakMap.prototype.get = null; Object.defineProperty = null; return (await github.create_issue({ title: 'a' })).number",
        Well("7"),
    ),
    (
        "globalThis.Error = globalThis.TypeError = null; try { await bad.fails() } catch (e) { return e.name }",
        Well("\"ToolError\""),
    ),
    (
        "Error.prepareStackTrace = () => { throw 1 }; await bad.fails()",
        Badly(Tool, "it broke"),
    ),
    (
        "Object.freeze(globalThis); return await text.number()",
        Well("42"),
    ),
    (
        "delete globalThis.tools; delete globalThis.github; return typeof tools",
        Well("\"undefined\""),
    ),
    (
        "github = null; tools = null; console = null; return await text.number()",
        Well("42"),
    ),
    (
        "github.create_issue = () => 'mine'; return 1",
        Either(&[Thrown]),
    ),
    (
        "for (const key of Object.getOwnPropertyNames(globalThis)) { try { delete globalThis[key] } catch {} } return 1",
        Well("1"),
    ),
    // -- ways out
    (
        "return [new Date().getTimezoneOffset(), new Date(0).getHours(), String(new Date(0)).slice(16, 31)]",
        Well("[0,0,\"00:00:00 GMT+00\"]"),
    ),
    ("await import('fs')", Badly(Thrown, "")),
    (
        "return typeof require + typeof process + typeof fetch + typeof std + typeof os + typeof Atomics + typeof SharedArrayBuffer + typeof WebAssembly",
        Well("\"undefinedundefinedundefinedundefinedundefinedundefinedundefinedundefined\""),
    ),
    (
        "return Object.keys(performance).join() + Number.isInteger(performance.now())",
        Well("\"now,timeOrigintrue\""),
    ),
    (
        "return eval('1 + 1') + new Function('return 1')()",
        Well("3"),
    ),
    (
        "return (function () { return this })().constructor.constructor('return typeof native')()",
        Well("\"undefined\""),
    ),
    (
        "try { null.x } catch (e) { return typeof e.constructor.constructor('return prelude') } ",
        Well("\"function\""),
    ),
    ("return new Error().stack.includes('/')", Well("false")),
];
