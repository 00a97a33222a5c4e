//! Which rules can apply to what is called: told from the names that they give, so that the others are not looked at. Says too
//! many rather than too few: each that it says is still asked.

use std::collections::HashMap;

use super::compiled::Compiled;
use crate::facts::{Asked, Facts};

/// See the module.
pub(super) struct Index {
    server: Names,
    /// For calls alone.
    tool: Names,
}

/// One bit for each rule.
type Bits = Box<[u64]>;

/// The rules by one of their lists of patterns.
struct Names {
    /// Those that say nothing, or have a pattern that may begin with anything.
    any: Bits,
    /// Those with a pattern that begins so and has a star or question mark further on.
    begun: HashMap<u8, Bits>,
    /// Those with a pattern that is a name, in small letters.
    whole: HashMap<String, Bits>,
}

impl Index {
    pub(super) fn of(rules: &[Compiled]) -> Self {
        Self {
            server: Names::of(rules.iter().map(|one| &one.rule.server[..])),
            tool: Names::of(rules.iter().map(|one| &one.rule.tool[..])),
        }
    }

    /// The places of the rules that can apply, in their order.
    pub(super) fn candidates(&self, facts: &Facts<'_>) -> impl Iterator<Item = usize> {
        let server = self.server.of_name(&facts.server.name);
        let tool = match facts.asked {
            Asked::Tool { name, .. } => Some(self.tool.of_name(name)),
            _ => None,
        };
        (0..self.server.any.len()).flat_map(move |word| {
            let bits = server.word(word) & tool.as_ref().map_or(u64::MAX, |tool| tool.word(word));
            ones(bits).map(move |bit| word * 64 + bit)
        })
    }
}

/// The places of the bits that are set, from the lowest.
fn ones(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = bits.trailing_zeros();
        bits &= bits.checked_sub(1)?;
        Some(lowest as usize)
    })
}

/// What is said of one name.
struct Found<'n>([Option<&'n Bits>; 3]);

impl Found<'_> {
    fn word(&self, at: usize) -> u64 {
        let found = self.0.iter().flatten();
        found.fold(0, |all, bits| all | bits[at])
    }
}

impl Names {
    fn of<'r>(rules: impl ExactSizeIterator<Item = &'r [String]>) -> Self {
        let none = || vec![0_u64; rules.len().div_ceil(64)].into_boxed_slice();
        let mut names = Self {
            any: none(),
            begun: HashMap::new(),
            whole: HashMap::new(),
        };
        let none = none();
        for (at, patterns) in rules.enumerate() {
            let mark = |bits: &mut Bits| bits[at / 64] |= 1 << (at % 64);
            if patterns.is_empty() {
                mark(&mut names.any);
            }
            for pattern in patterns {
                mark(match pattern.as_bytes().first() {
                    None | Some(b'*' | b'?') => &mut names.any,
                    Some(first) if pattern.contains(['*', '?']) => {
                        let first = first.to_ascii_lowercase();
                        names.begun.entry(first).or_insert_with(|| none.clone())
                    }
                    Some(_) => {
                        let name = pattern.to_ascii_lowercase();
                        names.whole.entry(name).or_insert_with(|| none.clone())
                    }
                });
            }
        }
        names
    }

    fn of_name(&self, name: &str) -> Found<'_> {
        let first = name.as_bytes().first().map(u8::to_ascii_lowercase);
        let whole = || match name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            true => self.whole.get(&name.to_ascii_lowercase()),
            false => self.whole.get(name),
        };
        Found([
            Some(&self.any),
            first.and_then(|first| self.begun.get(&first)),
            (!self.whole.is_empty()).then(whole).flatten(),
        ])
    }
}
