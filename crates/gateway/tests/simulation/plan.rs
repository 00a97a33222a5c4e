//! What a server is going to do about one request: drawn when the request comes, from its mark alone.

use std::collections::VecDeque;
use std::time::Duration;

use wire::{Era, method};

use super::mark::Mark;
use super::rng::Rng;

/// One thing that a server does about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    Progress,
    /// Progress under a token that nobody gave.
    Nonsense,
    Log,
    /// Asks so many questions at once, and goes on when all are answered.
    Ask(usize),
    /// The same, and takes them back after a while.
    AskInVain(usize),
    /// Stateless: answers that it needs so many things to go on.
    Require(usize),
    Answer,
    AnswerTwice,
    /// Answers a request that nobody sent, then the right one.
    AnswerAstray,
    Error,
    ToolError,
    Die,
    /// Nothing more.
    Forget,
}

/// What a request lets its server do.
pub(crate) struct Chances {
    pub(crate) era: Era,
    pub(crate) has_token: bool,
    /// Something can be asked of the client.
    pub(crate) can_ask: bool,
    /// How often the client has answered what was required.
    pub(crate) round: usize,
}

/// The moves, each after a while.
pub(crate) fn of(seed: u64, mark: Mark, asked: &str, may: &Chances) -> VecDeque<(Duration, Move)> {
    let mut fate = Rng::of(seed, &format!("rounds of {mark}"));
    let may_require = matches!(
        asked,
        method::TOOLS_CALL | method::PROMPTS_GET | method::RESOURCES_READ
    );
    let rounds = if may.can_ask && may_require {
        fate.weighted(&[(50, 0), (30, 1), (15, 2), (5, 3)])
    } else {
        0
    };
    let mut rng = Rng::of(seed, &format!("round {} of {mark}", may.round));
    let mut moves = VecDeque::new();
    let is_slow = rng.chance(8);
    let mut add = |rng: &mut Rng, one: Move| {
        let wait = if is_slow {
            rng.ms(500..4000)
        } else {
            rng.ms(0..150)
        };
        moves.push_back((wait, one));
    };
    let mut rounds_left = rounds;
    for _ in 0..rng.below(4) {
        let one = rng.weighted(&[(4, Move::Progress), (2, Move::Log), (1, Move::Nonsense)]);
        if one != Move::Progress || may.has_token {
            add(&mut rng, one);
        }
        if may.era == Era::Handshake && rounds_left > 0 {
            rounds_left -= 1;
            let count = rng.weighted(&[(7, 1), (3, 2)]);
            let one = if rng.chance(15) {
                Move::AskInVain(count)
            } else {
                Move::Ask(count)
            };
            add(&mut rng, one);
        }
    }
    let last = match may.era {
        Era::Stateless if may.round < rounds => Move::Require(rng.within(0..3)),
        _ => rng.weighted(&[
            (70, Move::Answer),
            (6, Move::AnswerTwice),
            (4, Move::AnswerAstray),
            (6, Move::Error),
            (4, Move::ToolError),
            (2, Move::Die),
            (5, Move::Forget),
        ]),
    };
    add(&mut rng, last);
    moves
}
