//! From the text of `--yq` to steps.

use serde_json::Value;

use super::{Condition, Query, Step};
use crate::limits::{QUERY_BYTES_MAX, QUERY_DEPTH_MAX};

/// The whole text, or what is wrong with it and what to do instead.
pub(super) fn query(text: &str) -> Result<Query, String> {
    let mut parser = Parser { rest: text };
    let read = match text.len() > QUERY_BYTES_MAX {
        true => Err(format!("it is longer than {QUERY_BYTES_MAX} bytes")),
        false => parser.pipe(0),
    };
    let read = read.and_then(|query| match parser.rest {
        "" => Ok(query),
        rest => Err(format!("`{}` is not understood here", start(rest))),
    });
    read.map_err(|why| {
        format!(
            "{why}; there are `.a.b`, `[]`, `[0]`, `length`, `keys`, `select(.a == \"x\")` and `|`. For all of yq: … --format json | yq '{text}'"
        )
    })
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    /// Steps joined by `|`.
    fn pipe(&mut self, depth: usize) -> Result<Query, String> {
        let mut steps = Vec::new();
        loop {
            self.one(depth, &mut steps)?;
            if !self.eat("|") {
                return Ok(Query(steps));
            }
        }
    }

    fn one(&mut self, depth: usize, steps: &mut Vec<Step>) -> Result<(), String> {
        self.space();
        if self.rest.starts_with('.') {
            return self.path(steps);
        }
        match self.word() {
            "length" => steps.push(Step::Length),
            "keys" => steps.push(Step::Keys),
            "select" if depth < QUERY_DEPTH_MAX && self.eat("(") => {
                steps.push(Step::Select(self.condition(depth + 1)?));
                if !self.eat(")") {
                    return Err("a `)` is missing".to_owned());
                }
                self.path(steps)?;
            }
            "" => return Err(format!("`{}` is not understood here", start(self.rest))),
            word => return Err(format!("`{word}` is not understood here")),
        }
        Ok(())
    }

    /// `.a."b c"[0][]`
    fn path(&mut self, steps: &mut Vec<Step>) -> Result<(), String> {
        loop {
            if let Some(rest) = self.rest.strip_prefix('.') {
                self.rest = rest;
                if self.rest.starts_with('"') {
                    steps.push(Step::Member(self.text()?));
                    continue;
                }
                let name = self.word();
                if !name.is_empty() {
                    steps.push(Step::Member(name.to_owned()));
                }
                continue;
            }
            let Some(rest) = self.rest.strip_prefix('[') else {
                return Ok(());
            };
            let (inside, rest) = rest.split_once(']').ok_or("a `]` is missing")?;
            self.rest = rest;
            let inside = inside.trim();
            steps.push(match (inside, inside.parse()) {
                ("", _) => Step::Each,
                (_, Ok(at)) => Step::At(at),
                (text, Err(_)) => match serde_json::from_str(text) {
                    Ok(Value::String(name)) => Step::Member(name),
                    _ => return Err(format!("`[{text}]` is not understood here")),
                },
            });
        }
    }

    /// `.a == "x"`, `.a != 3`, `.a`
    fn condition(&mut self, depth: usize) -> Result<Condition, String> {
        let of = self.pipe(depth)?;
        let is = match (self.eat("=="), self.eat("!=")) {
            (true, _) => true,
            (_, true) => false,
            _ => return Ok(Condition { of, is: None }),
        };
        self.space();
        let wanted = match self.rest.starts_with('"') {
            true => Value::String(self.text()?),
            false => {
                let end = self.rest.find([')', ' ']).unwrap_or(self.rest.len());
                let (word, rest) = self.rest.split_at(end);
                self.rest = rest;
                serde_json::from_str(word)
                    .map_err(|_| format!("`{word}` is no text, number, true, false or null"))?
            }
        };
        Ok(Condition {
            of,
            is: Some((is, wanted)),
        })
    }

    /// A text in double quotes.
    fn text(&mut self) -> Result<String, String> {
        let mut found = serde_json::Deserializer::from_str(self.rest).into_iter::<String>();
        match found.next() {
            Some(Ok(text)) => {
                self.rest = &self.rest[found.byte_offset()..];
                Ok(text)
            }
            _ => Err("a text in double quotes does not end".to_owned()),
        }
    }

    fn word(&mut self) -> &'a str {
        let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn eat(&mut self, token: &str) -> bool {
        self.space();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                self.space();
                true
            }
            None => false,
        }
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }
}

/// As much as a line has room for.
fn start(text: &str) -> String {
    text.chars().take(20).collect()
}
