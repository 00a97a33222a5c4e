//! TypeScript as JavaScript: types become blanks, so that lines and columns stay what they were.
//!
//! Asked only of what is no JavaScript. Finds types where nothing else can stand (after the name of a variable or parameter,
//! after `as`, between a name and its call, in statements that are types alone), and leaves the rest: what it does not know
//! stays, and is the error that it was. Types are not checked. Refuses `enum`, `namespace` and decorators, which are code.

mod tokens;

use std::ops::Range;

use tokens::{Kind, Token, tokens};

/// Levels of a type.
const DEPTH_MAX: usize = 64;
/// Defaults of parameters of functions in defaults of parameters.
const DEFAULTS_MAX: usize = 4;

/// The script without its types; none if none were found.
pub fn blanked(script: &str) -> Option<String> {
    let mut types = Types {
        script,
        tokens: tokens(script)?,
        found: Vec::new(),
        depth: 0,
    };
    let mut at = 0;
    while at < types.tokens.len() {
        at = types.look(at).max(at + 1);
    }
    if types.found.is_empty() {
        return None;
    }
    let mut text = String::with_capacity(script.len());
    let mut found = types.found.iter().peekable();
    for (at, letter) in script.char_indices() {
        while found.next_if(|range| range.end <= at).is_some() {}
        let is_type = found.peek().is_some_and(|range| range.contains(&at));
        text.push(if is_type && letter != '\n' {
            ' '
        } else {
            letter
        });
    }
    Some(text)
}

struct Types<'a> {
    script: &'a str,
    tokens: Vec<Token>,
    /// Of the script, in its order.
    found: Vec<Range<usize>>,
    depth: usize,
}

impl Types<'_> {
    fn text(&self, at: usize) -> &str {
        let range = self.tokens.get(at).map(|token| token.range.clone());
        range.map_or("", |range| &self.script[range])
    }

    fn is(&self, at: usize, text: &str) -> bool {
        let kind = self.tokens.get(at).map(|token| token.kind);
        matches!(kind, Some(Kind::Word | Kind::Sign)) && self.text(at) == text
    }

    fn is_word(&self, at: usize) -> bool {
        self.tokens
            .get(at)
            .is_some_and(|token| token.kind == Kind::Word)
    }

    fn begins_line(&self, at: usize) -> bool {
        self.tokens.get(at).is_none_or(|token| token.begins_line)
    }

    /// After the bracket that closes this one.
    fn past(&self, open: usize) -> Option<usize> {
        Some(self.tokens.get(open)?.closes? + 1)
    }

    fn blank(&mut self, from: usize, to: usize) {
        if let (Some(first), Some(last)) = (self.tokens.get(from), self.tokens.get(to - 1)) {
            let range = first.range.start..last.range.end;
            self.found.push(range);
        }
    }

    /// What stands before, if it is what an expression may end with.
    fn ends_expression(&self, at: usize) -> bool {
        let Some(before) = at.checked_sub(1).and_then(|at| self.tokens.get(at)) else {
            return false;
        };
        match before.kind {
            Kind::Word => !KEYWORDS.contains(&self.text(at - 1)),
            Kind::Literal => true,
            Kind::Sign => matches!(self.text(at - 1), ")" | "]" | "}"),
        }
    }

    fn begins_statement(&self, at: usize) -> bool {
        at == 0 || self.begins_line(at) || matches!(self.text(at - 1), ";" | "{" | "}")
    }

    /// Finds what begins here; where to look on.
    fn look(&mut self, at: usize) -> usize {
        let before = self.found.len();
        let next = match self.text(at) {
            _ if self.is_literal(at) => None,
            "const" | "let" | "var" => self.variable(at + 1),
            "function" => self.function(at + 1),
            "catch" if self.is(at + 1, "(") => self.parameters(at + 1),
            "interface" if self.begins_statement(at) => self.interface(at),
            "type" if self.begins_statement(at) => self.alias(at),
            "as" | "satisfies" if self.ends_expression(at) && !self.begins_line(at) => {
                let end = self.any(at + 1, 0);
                end.inspect(|end| self.blank(at, *end))
            }
            "(" => self.arrow(at),
            "<" => self.arguments(at),
            "!" if self.ends_expression(at) && !self.begins_line(at) => {
                let next = self.text(at + 1);
                let fits = [".", "[", ")", "]", "}", ",", ";", "?."].contains(&next);
                (fits || self.begins_line(at + 1)).then(|| {
                    self.blank(at, at + 1);
                    at + 1
                })
            }
            _ => None,
        };
        next.unwrap_or_else(|| {
            // It was something else, of which only the beginning looked like it.
            self.found.truncate(before);
            at + 1
        })
    }

    fn is_literal(&self, at: usize) -> bool {
        self.tokens
            .get(at)
            .is_some_and(|token| token.kind == Kind::Literal)
    }

    /// `name: T`, `{…}: T` or `[…]: T`.
    fn variable(&mut self, at: usize) -> Option<usize> {
        let after = match self.text(at) {
            "{" | "[" => self.past(at)?,
            _ if self.is_word(at) => at + 1,
            _ => return None,
        };
        let colon = if self.is(after, "!") {
            after + 1
        } else {
            after
        };
        if !self.is(colon, ":") {
            return None;
        }
        let end = self.any(colon + 1, 0)?;
        let is_whole =
            matches!(self.text(end), "=" | ";" | "," | "of" | "in") || self.begins_line(end);
        is_whole.then(|| {
            self.blank(after, end);
            end
        })
    }

    /// `name<T>(…): T {`, the name and the rest left out where they are.
    fn function(&mut self, at: usize) -> Option<usize> {
        let mut at = if self.is(at, "*") { at + 1 } else { at };
        if self.is_word(at) {
            at += 1;
        }
        if self.is(at, "<") {
            let end = self.list(at, 0)?;
            self.blank(at, end);
            at = end;
        }
        let close = self.parameters(at)? + 1;
        if self.is(close, ":") {
            let end = self.any(close + 1, 0)?;
            if self.is(end, "{") {
                self.blank(close, end);
                return Some(end);
            }
        }
        Some(close)
    }

    /// `(…): T =>`, or `(…) =>`.
    fn arrow(&mut self, at: usize) -> Option<usize> {
        let close = self.past(at)?;
        let mut end = None;
        if self.is(close, ":")
            && !self.is(at.wrapping_sub(1), "?")
            && !self.ends_expression_before_arrow(at)
        {
            end = self.any(close + 1, 0).filter(|end| self.is(*end, "=>"));
        }
        if end.is_none() && !self.is(close, "=>") {
            return None;
        }
        self.parameters(at)?;
        if let Some(end) = end {
            self.blank(close, end);
        }
        Some(end.unwrap_or(close))
    }

    /// As [`Self::ends_expression`], but `async` begins an arrow function.
    fn ends_expression_before_arrow(&self, at: usize) -> bool {
        self.ends_expression(at) && !self.is(at - 1, "async")
    }

    /// Looks at what stands between. What begins too far inside is looked at by nobody.
    fn inside(&mut self, mut at: usize, end: usize) {
        if self.depth < DEFAULTS_MAX {
            self.depth += 1;
            while at < end {
                at = self.look(at).max(at + 1);
            }
            self.depth -= 1;
        }
    }

    /// What is a type in `(a: T, b?: U = x, ...c: V[])`. Gives where it closes.
    fn parameters(&mut self, open: usize) -> Option<usize> {
        if !self.is(open, "(") {
            return None;
        }
        let close = self.past(open)? - 1;
        let mut at = open + 1;
        while at < close {
            if self.is(at, "...") {
                at += 1;
            }
            let mut after = match self.text(at) {
                "{" | "[" => self.past(at)?,
                _ if self.is_word(at) => at + 1,
                _ => return None,
            };
            let from = after;
            if self.is(after, "?") {
                after += 1;
            }
            if self.is(after, ":") {
                after = self.any(after + 1, 0)?;
            }
            if after > from {
                self.blank(from, after);
            }
            // To the next one, over a default.
            while after < close && !self.is(after, ",") {
                let next = match self.text(after) {
                    "(" | "[" | "{" if !self.is_literal(after) => {
                        let past = self.past(after)?;
                        self.inside(after, past);
                        past
                    }
                    _ => after + 1,
                };
                after = next;
            }
            at = after + 1;
        }
        Some(close)
    }

    /// `interface X<T> extends Y {…}`
    fn interface(&mut self, at: usize) -> Option<usize> {
        if !self.is_word(at + 1) {
            return None;
        }
        let mut open = at + 2;
        while open < self.tokens.len() && !self.is(open, "{") {
            if !self.is_word(open) && !matches!(self.text(open), "<" | ">" | "," | ".") {
                return None;
            }
            open += 1;
        }
        let end = self.past(open)?;
        self.blank(at, end);
        Some(end)
    }

    /// `type X<T> = U;`
    fn alias(&mut self, at: usize) -> Option<usize> {
        let mut equals = at + 2;
        if !self.is_word(at + 1) {
            return None;
        }
        if self.is(equals, "<") {
            equals = self.list(equals, 0)?;
        }
        if !self.is(equals, "=") {
            return None;
        }
        let end = self.any(equals + 1, 0)?;
        let end = match self.is(end, ";") {
            true => end + 1,
            false if self.begins_line(end) => end,
            false => return None,
        };
        self.blank(at, end);
        Some(end)
    }

    /// `<T>` between a name and its call.
    fn arguments(&mut self, at: usize) -> Option<usize> {
        let before = self.tokens.get(at.checked_sub(1)?)?;
        let is_name = before.kind == Kind::Word && !KEYWORDS.contains(&self.text(at - 1));
        if !is_name || before.range.end != self.tokens[at].range.start {
            return None;
        }
        let end = self.list(at, 0)?;
        self.is(end, "(").then(|| {
            self.blank(at, end);
            end
        })
    }

    /// After `<A, B>`.
    fn list(&self, open: usize, depth: usize) -> Option<usize> {
        let mut at = open + 1;
        loop {
            at = self.any(at, depth + 1)?;
            if self.is(at, "extends") || self.is(at, "=") {
                at = self.any(at + 1, depth + 1)?;
            }
            match self.text(at) {
                "," if self.is(at + 1, ">") => return Some(at + 2),
                "," => at += 1,
                ">" => return Some(at + 1),
                _ => return None,
            }
        }
    }

    /// After a type.
    fn any(&self, at: usize, depth: usize) -> Option<usize> {
        let mut at = at;
        if self.is(at, "|") || self.is(at, "&") {
            at += 1;
        }
        loop {
            at = self.one(at, depth)?;
            if !self.is(at, "|") && !self.is(at, "&") {
                return Some(at);
            }
            at += 1;
        }
    }

    /// After a type that is no union.
    fn one(&self, at: usize, depth: usize) -> Option<usize> {
        if depth > DEPTH_MAX {
            return None;
        }
        let mut end = match self.text(at) {
            _ if self.is_literal(at) => at + 1,
            "keyof" | "typeof" | "readonly" | "unique" | "infer" if self.is_word(at + 1) => {
                return self.one(at + 1, depth + 1);
            }
            "-" if self.is_literal(at + 1) => at + 2,
            "(" => {
                let close = self.past(at)?;
                if self.is(close, "=>") {
                    return self.any(close + 1, depth + 1);
                }
                close
            }
            "{" | "[" => self.past(at)?,
            word if self.is_word(at) && !KEYWORDS.contains(&word) => {
                let mut end = at + 1;
                while self.is(end, ".") && self.is_word(end + 1) {
                    end += 2;
                }
                if self.is(end, "is") && !self.begins_line(end) {
                    return self.any(end + 1, depth + 1);
                }
                match self.is(end, "<") {
                    true => self.list(end, depth)?,
                    false => end,
                }
            }
            "null" | "void" | "undefined" | "true" | "false" | "this" | "const" => at + 1,
            _ => return None,
        };
        while self.is(end, "[") && !self.begins_line(end) {
            end = self.past(end)?;
        }
        Some(end)
    }
}

/// Words that are no names, nor the end of an expression.
const KEYWORDS: &[&str] = &[
    "await",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "default",
    "delete",
    "do",
    "else",
    "extends",
    "finally",
    "for",
    "function",
    "if",
    "import",
    "in",
    "instanceof",
    "let",
    "new",
    "of",
    "return",
    "switch",
    "throw",
    "try",
    "typeof",
    "var",
    "void",
    "while",
    "yield",
];

#[cfg(test)]
mod tests;
