// What a script sees, over what the worker gives (`native`). Everything used later is taken out of reach first, so
// that a script that changes prototypes or globals harms itself only. Evaluated before any script, once per worker.
(function (native) {
  "use strict";
  const { apply, defineProperty } = Reflect;
  const { prototype: promises } = Promise;
  const { then, catch: caught, finally: after } = promises;
  const { freeze, fromEntries, keys, setPrototypeOf } = Object;
  const ThePromise = Promise, TheProxy = Proxy, TheError = Error, TheTypeError = TypeError, TheString = String;
  const promiseAll = Promise.all;
  const all = (list) => apply(promiseAll, ThePromise, [list]);
  const isArray = Array.isArray, from = Array.from;
  const parse = JSON.parse;
  const now = Date.now;
  const { get: callOf, set: rememberCall } = WeakMap.prototype;
  const calls = new WeakMap();
  const stateOf = (value) => apply(callOf, calls, [value]);
  const label = (value) => stateOf(value)?.called;

  class ToolError extends Error {}
  class LimitError extends Error {}
  // Handlers of proxies inherit nothing: what is put on Object.prototype later must not become a trap.
  const bare = (handler) => setPrototypeOf(handler, null);
  const hide = (target, key, value) =>
    defineProperty(target, key, { __proto__: null, value, writable: true, configurable: true, enumerable: false });
  hide(ToolError.prototype, "name", "ToolError");
  hide(LimitError.prototype, "name", "LimitError");

  // An error as it comes back, with the place of the call: the engine has no stack across an await.
  function failure(site, { kind, message, hint, server, tool }) {
    const error = kind === "limit" ? new LimitError(message) : new ToolError(message);
    if (server !== undefined) { error.server = server; error.tool = tool; }
    if (hint) error.hint = hint;
    hide(error, "stack", site);
    hide(error, "kind", kind);
    return error;
  }

  function missingAwait(called, key) {
    const what = typeof key === "symbol" ? "used as a value" : `asked for "${TheString(key)}"`;
    return new TheTypeError(`${called}(…) is a promise and was ${what}: write "await" before the call, as in `
      + (typeof key === "symbol" ? `await ${called}({…})` : `(await ${called}({…})).${TheString(key)}`));
  }

  // A promise that knows which call it is of, and says so to whoever takes it for the result.
  function promiseOf(called, begin) {
    const site = new TheError().stack;
    const state = { called, used: false };
    const promise = new ThePromise((resolve, reject) => {
      begin(resolve, (why) => reject(failure(site, why)), state);
    });
    const handler = {
      get(target, key) {
        if (key === "then" || key === "catch" || key === "finally") {
          state.used = true;
          native.used(state.id);
          const method = key === "then" ? then : key === "catch" ? caught : after;
          return (...args) => apply(method, target, args);
        }
        if (key === "constructor") return ThePromise;
        if (key === Symbol.toStringTag) return "Promise";
        throw missingAwait(called, key);
      },
      has(target, key) { throw missingAwait(called, key); },
      ownKeys() { throw missingAwait(called, "keys"); },
      set(target, key) { throw missingAwait(called, key); },
    };
    const proxy = new TheProxy(promise, bare(handler));
    apply(rememberCall, calls, [proxy, state]);
    return proxy;
  }

  function call(server, tool, called, args) {
    let given = args.length > 1 ? args : args[0];
    if (given === undefined || given === null) given = {};
    return promiseOf(called, (resolve, reject, state) => {
      state.id = native.call(server, tool, given, resolve, reject);
    });
  }

  function lookup(what, called, args) {
    return promiseOf(called, (resolve, reject, state) => {
      state.id = native.lookup(what, args, resolve, reject);
    });
  }

  const QUIET = freeze({ __proto__: null, then: 1, toJSON: 1, constructor: 1, toString: 1, valueOf: 1, prototype: 1, inspect: 1 });

  function namespace(server, ident, idents) {
    const known = { __proto__: null };
    const find = (key) => {
      if (known[key]) return known[key];
      const tool = native.tool(server, key, QUIET[key] === 1);
      if (tool < 0) return undefined;
      const called = native.label(server, tool);
      return known[key] = hideName((...args) => call(server, tool, called, args), key);
    };
    return new TheProxy({}, bare({
      get: (_, key) => typeof key === "string" ? find(key) : undefined,
      has: (_, key) => typeof key === "string" && native.tool(server, key, true) >= 0,
      ownKeys: () => from(idents()),
      getOwnPropertyDescriptor: (_, key) => typeof key === "string" && native.tool(server, key, true) >= 0
        ? { __proto__: null, value: find(key), enumerable: true, configurable: true, writable: false } : undefined,
      set: (_, key) => { throw new TheTypeError(`${ident}.${TheString(key)} cannot be set: it is a tool`); },
    }));
  }
  function hideName(fn, name) { hide(fn, "name", name); return fn; }

  const sleep = (ms) => new ThePromise((resolve) => { native.sleep(+ms || 0, () => resolve(undefined)); });
  let full = false;
  const log = (level) => hideName((...args) => { if (!full) full = native.log(level, args); }, level);
  const consoleLike = {
    log: log("log"), info: log("log"), debug: log("log"), trace: log("log"), dir: log("log"), table: log("log"),
    warn: log("warn"), error: log("error"), group: log("log"), groupEnd() {}, groupCollapsed: log("log"),
    assert: (fine, ...args) => { if (!fine) native.log("error", ["assertion failed:", ...args]); },
    time() {}, timeEnd() {}, timeLog() {}, count() {}, countReset() {},
  };

  const module = { exports: {} };
  const emptyExports = module.exports;
  const globals = globalThis;
  const give = (name, value) =>
    defineProperty(globals, name, { __proto__: null, value, writable: true, configurable: true, enumerable: false });
  for (const name of ["Atomics", "SharedArrayBuffer", "performance", "gc"]) delete globals[name];
  give("performance", { now: () => now(), timeOrigin: 0 });
  hide(Math, "random", hideName(() => native.random(), "random"));
  give("console", consoleLike);
  give("sleep", sleep);
  give("setTimeout", (fn, ms, ...args) => native.sleep(+ms || 0, () => { fn(...args); }));
  give("clearTimeout", (id) => { native.wake(+id || 0); });
  give("structuredClone", (value) => native.clone(value));
  give("ToolError", ToolError);
  give("LimitError", LimitError);
  give("module", module);
  give("exports", module.exports);
  JSON.parse = function (text, reviver) {
    // A call gives values, not text: whoever parses one has what he wants already.
    if (typeof text === "object" && text !== null) {
      const called = label(text);
      if (called) throw missingAwait(called, Symbol.toPrimitive);
      return text;
    }
    return parse(text, reviver);
  };
  hideName(JSON.parse, "parse");

  // What loses a race is not waited for.
  for (const name of ["race", "any"]) {
    const method = Promise[name];
    hide(Promise, name, hideName(function (list) {
      const entries = from(list);
      for (let index = 0; index < entries.length; index++) {
        const state = stateOf(entries[index]);
        if (state) native.raced(state.id);
      }
      return apply(method, this, [entries]);
    }, name));
  }

  function begin(servers, args) {
    give("args", args);
    const spaces = { __proto__: null };
    for (let index = 0; index < servers.length; index++) {
      const ident = servers[index];
      spaces[ident] = namespace(index, ident, () => native.idents(index));
      give(ident, spaces[ident]);
    }
    const members = {
      __proto__: null,
      call: (server, tool, given, ...rest) => {
        if (typeof tool !== "string" && typeof server === "string") {
          given = tool; tool = undefined;
        }
        const [at, which] = native.find(TheString(server), tool);
        return call(at, which, native.label(at, which), [given, ...rest]);
      },
      search: (query, options) =>
        lookup("search", "tools.search", { query: TheString(query ?? ""), limit: +(options?.limit ?? options ?? 10) || 10 }),
      describe: (path) => lookup("describe", "tools.describe", { path: TheString(path) }),
      kept: (handle, range) =>
        lookup("kept", "tools.kept", { handle: TheString(handle), from: range?.from ?? null, to: range?.to ?? null }),
    };
    give("tools", new TheProxy({}, bare({
      get: (_, key) => {
        if (typeof key !== "string") return undefined;
        const member = members[key] ?? spaces[key];
        if (member || QUIET[key] === 1) return member;
        return spaces[servers[native.server(key)]];
      },
      has: (_, key) => key in members || key in spaces,
      ownKeys: () => [...keys(members), ...servers],
      getOwnPropertyDescriptor: (_, key) => key in members || key in spaces
        ? { __proto__: null, value: members[key] ?? spaces[key], enumerable: true, configurable: true, writable: false } : undefined,
      set: (_, key) => { throw new TheTypeError(`tools.${TheString(key)} cannot be set`); },
    })));
  }

  // The zone of local times is read once, and in a worker cannot be: it is UTC everywhere.
  new Date().getTimezoneOffset();

  const isPromise = (value) => native.isPromise(value) || label(value) !== undefined;

  // From what the script's last statement gave to its result.
  async function finish(box, args) {
    let value = box;
    if (value === undefined || (value === module.exports && value !== emptyExports)) {
      const exported = module.exports;
      if (typeof exported === "function") value = exported;
      else if (exported !== emptyExports || keys(exported).length > 0) {
        value = exported?.default ?? exported?.main ?? exported?.run ?? exported;
      } else if (native.callsMade() === 0) {
        // A function that was declared and never called is what should have run.
        const main = globals.main ?? globals.run;
        if (typeof main === "function") value = main;
      }
    }
    value = await value;
    for (let turn = 0; typeof value === "function" && turn < 2; turn++) value = await value(args);
    if (isArray(value)) {
      for (let index = 0; index < value.length; index++) {
        if (isPromise(value[index])) {
          native.note("the result held promises, which were awaited: write await Promise.all([…])");
          return await all(value);
        }
      }
    } else if (native.isPlain(value)) {
      let noted = false;
      for (const key of keys(value)) {
        if (!isPromise(value[key])) continue;
        if (!noted) native.note(`"${key}" of the result was a promise, which was awaited: write await before it`);
        noted = true;
        value[key] = await value[key];
      }
    }
    return value;
  }

  // Objects that are no plain ones, as plain ones.
  const kinds = [
    [Map, (map) => fromEntries(map)],
    [Set, (set) => from(set)],
    [Error, (error) => ({ name: error.name, message: error.message, ...error })],
    [Number, (value) => +value],
    [String, (value) => `${value}`],
    [Boolean, (value) => value.valueOf()],
    [RegExp, (value) => `${value}`],
    [ArrayBuffer, (value) => from(new Uint8Array(value))],
    [Object.getPrototypeOf(Int8Array), (value) => from(value)],
  ];
  const kindsLength = kinds.length;
  function plain(value) {
    for (let index = 0; index < kindsLength; index++) {
      const kind = kinds[index];
      if (value instanceof kind[0]) return kind[1](value);
    }
    return value;
  }
  const smallest = BigInt(Number.MAX_SAFE_INTEGER), toNumber = Number;
  const { toString: sourceOf } = Function.prototype;
  const { slice } = String.prototype;
  const wellFormed = String.prototype.toWellFormed;
  return {
    begin, finish, plain, label,
    numberOfBig: (big) => (big >= -smallest && big <= smallest ? toNumber(big) : undefined),
    source: (fn) => (typeof fn === "function" ? apply(sourceOf, fn, []) : ""),
    head: (text, length) => apply(slice, text, [0, length]),
    wellFormed: (text) => apply(wellFormed, text, []),
    ObjectPrototype: Object.prototype,
  };
})
