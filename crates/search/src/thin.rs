//! The order in which matches are shown: servers asked for by name first, near-duplicates thinned out.

use crate::limits;
use crate::weights;

/// Weights of terms in units of 1/4096: whole numbers add up to the same whatever their order.
pub(crate) const UNIT: f32 = 4096.0;

/// A match that waits for its place.
pub(crate) struct Candidate<'a> {
    pub name: &'a str,
    pub score: f32,
    /// It was asked for by name: its place among those that were.
    pub named: Option<usize>,
}

/// The first `most` candidates, in order. `alike` is the cosine of two candidates, by their numbers, in units of [`UNIT`]².
pub(crate) fn thin(
    candidates: &[Candidate<'_>],
    most: usize,
    alike: &dyn Fn(usize, usize) -> u64,
) -> Vec<usize> {
    let mut waiting: Vec<usize> = (0..candidates.len()).collect();
    waiting.sort_by(|a, b| {
        let (a, b) = (&candidates[*a], &candidates[*b]);
        let unnamed = |c: &Candidate<'_>| c.named.unwrap_or(usize::MAX);
        (unnamed(a).cmp(&unnamed(b)))
            .then_with(|| b.score.total_cmp(&a.score))
            .then_with(|| a.name.cmp(b.name))
    });
    waiting.truncate(most.saturating_mul(limits::POOL_FACTOR));
    let mut shares: Vec<f32> = waiting.iter().map(|c| candidates[*c].score).collect();
    let mut chosen = Vec::with_capacity(most.min(waiting.len()));
    let duplicate = (f64::from(weights::DUPLICATE_MIN) * f64::from(UNIT * UNIT)) as u64;
    while chosen.len() < most && !waiting.is_empty() {
        let named = candidates[waiting[0]].named.is_some();
        // The first of the best: `waiting` is in order, so ties stay in it.
        let at = if named { 0 } else { first_of_best(&shares) };
        let choice = waiting.remove(at);
        shares.remove(at);
        for (other, share) in waiting.iter().zip(&mut shares) {
            if alike(choice, *other) >= duplicate {
                *share *= weights::DUPLICATE;
            }
        }
        chosen.push(choice);
    }
    chosen
}

fn first_of_best(shares: &[f32]) -> usize {
    let mut best = 0;
    for (at, share) in shares.iter().enumerate() {
        if *share > shares[best] {
            best = at;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAME: u64 = 1 << 24;

    fn order(
        candidates: &[(&str, f32, Option<usize>)],
        most: usize,
        alike: &dyn Fn(usize, usize) -> u64,
    ) -> String {
        let candidates: Vec<Candidate<'_>> = candidates
            .iter()
            .map(|(name, score, named)| Candidate {
                name,
                score: *score,
                named: *named,
            })
            .collect();
        let order = thin(&candidates, most, alike);
        order.into_iter().map(|c| candidates[c].name).collect()
    }

    #[test]
    fn by_score_then_by_name() {
        let candidates = [("b", 0.5, None), ("c", 0.9, None), ("a", 0.5, None)];
        assert_eq!(order(&candidates, 9, &|_, _| 0), "cab");
        assert_eq!(order(&candidates, 1, &|_, _| 0), "c");
        assert_eq!(order(&candidates, 0, &|_, _| 0), "");
        assert_eq!(order(&[], 3, &|_, _| 0), "");
    }

    #[test]
    fn what_was_asked_for_by_name_comes_first() {
        let candidates = [("b", 0.5, Some(1)), ("c", 0.9, None), ("a", 0.1, Some(0))];
        assert_eq!(order(&candidates, 9, &|_, _| SAME), "abc");
    }

    #[test]
    fn near_duplicates_make_room() {
        let weather = |n: usize| n < 3;
        let alike = |a: usize, b: usize| if weather(a) && weather(b) { SAME } else { 0 };
        let candidates = [
            ("a", 1.0, None),
            ("b", 0.9, None),
            ("c", 0.9, None),
            ("x", 0.8, None),
            ("y", 0.3, None),
        ];
        assert_eq!(order(&candidates, 9, &alike), "axbcy");
    }
}
