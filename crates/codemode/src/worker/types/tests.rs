use proptest::prelude::*;

use super::*;

/// With what is left out as it is written here, one blank for one or many.
fn left(script: &str) -> String {
    let text = blanked(script).unwrap_or_else(|| script.to_owned());
    assert_eq!(text.chars().count(), script.chars().count());
    let places = |text: &str| -> Vec<usize> {
        let letters = text.chars().enumerate();
        letters
            .filter(|(_, letter)| *letter == '\n')
            .map(|(at, _)| at)
            .collect()
    };
    assert_eq!(places(&text), places(script));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn types_become_blanks() {
    for (script, expected) in [
        ("const a: string = 'x'", "const a = 'x'"),
        ("let a: Array<Map<string, number[]>> = []", "let a = []"),
        ("let a!: number;", "let a ;"),
        (
            "const { a, b }: { a: string; b?: number } = c",
            "const { a, b } = c",
        ),
        (
            "for (const a of b as string[]) {}",
            "for (const a of b ) {}",
        ),
        (
            "const f = (a: number, b?: string, ...c: any[]): void => {}",
            "const f = (a , b , ...c ) => {}",
        ),
        (
            "const f = async (a: A = { b: 1 }): Promise<B> => a",
            "const f = async (a = { b: 1 }) => a",
        ),
        ("b.map((x: any) => x.y)", "b.map((x ) => x.y)"),
        (
            "b.map(({ x }: A, [y]: B) => x + y)",
            "b.map(({ x } , [y] ) => x + y)",
        ),
        (
            "function f<T extends A>(a: T, b: () => void): a is B { return a }",
            "function f (a , b ) { return a }",
        ),
        (
            "async function* g(this_: X): AsyncGenerator<Y> {}",
            "async function* g(this_ ) {}",
        ),
        (
            "interface A<T> extends B.C { a: string;\n b(): void }\nreturn 1",
            "return 1",
        ),
        ("type A = { a: string } | null;\nreturn 1", "return 1"),
        ("type A =\n  | 'a'\n  | 'b'\nreturn 1", "return 1"),
        (
            "type F = (a: string) => Promise<void>; return 1",
            "return 1",
        ),
        (
            "const a = b as unknown as Record<string, { c: number }>;",
            "const a = b ;",
        ),
        ("const a = { b: 1 } as const", "const a = { b: 1 }"),
        ("const a = b satisfies C", "const a = b"),
        ("return a!.b![0]!", "return a .b [0]"),
        ("new Map<string, number>()", "new Map ()"),
        ("f<A, B<C>>(x)", "f (x)"),
        (
            "try { a } catch (e: any) { b }",
            "try { a } catch (e ) { b }",
        ),
        ("let a: typeof b.c, d", "let a , d"),
        ("let a: readonly string[] | undefined", "let a"),
        (
            "const a: (string | number)[] = [], b = 1",
            "const a = [], b = 1",
        ),
        (
            "const f = (a: number) => (b: string): C => a",
            "const f = (a ) => (b ) => a",
        ),
        (
            "f((a: A) => { const b: B = 1; return b as C })",
            "f((a ) => { const b = 1; return b })",
        ),
    ] {
        assert_eq!(left(script), expected, "{script}");
    }
}

#[test]
fn what_only_looks_like_types_stays() {
    for script in [
        "const a = b ? c : d",
        "const a = b ? (c) : d => e",
        "const a = b ? f(c) : d",
        "const a = { b: c, d: (e) => f, 'g': h }",
        "const a = '(b: string) => c', d = `x: ${e as_f}: y`, g = /a: string/",
        "switch (a) { case (b): c; default: d }",
        "a: for (const b of c) break a",
        "if (a < b && c > (d)) e",
        "a < b\n(c)",
        "const as = 1; const b = as",
        "const type = 1; return type",
        "type = 3",
        "a\n!b",
        "a != b; a !== b; !a; !!a",
        "// const a: string\n/* let b: C */ d",
        "return !(a)",
        "x ? y! : z",
    ] {
        let expected = script.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(left(script), expected, "{script}");
    }
}

#[test]
fn what_does_not_close_is_left_alone() {
    for script in [
        "const a: (string = 1",
        "let a: string = 'x",
        "`${`",
        "/* a",
        "a)",
        "[(])",
        "",
    ] {
        assert_eq!(blanked(script), None, "{script}");
    }
    let deep = format!("let a: {}b{} = 1", "A<".repeat(5000), ">".repeat(5000));
    assert_eq!(blanked(&deep), None);
    let deep = format!("let a: {} b = 1", "keyof ".repeat(50_000));
    assert_eq!(blanked(&deep), None);
    let deep = format!("f({}", "(a: b) => ".repeat(20_000));
    assert_eq!(blanked(&deep), None);
    blanked(&"(".repeat(50_000));
    blanked(&format!("{}{}", "(".repeat(50_000), ")".repeat(50_000)));
    blanked(&format!(
        "{}1{}",
        "function f(a = ".repeat(20_000),
        ") {}".repeat(20_000)
    ));
}

proptest! {
    #[test]
    fn any_text_keeps_its_places(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "const ", "a", ": ", "string", "(", ")", "{", "}", "[", "]", "<", ">", " => ", "as ", "!", "\n", ", ", "= ",
                "function ", "type ", "interface ", "'é'", "`${b}`", "/", " | ", "?", "async ", ".", ";", "ä", "1",
            ]),
            0..40,
        )
    ) {
        left(&parts.concat());
    }
}
