//! From needs to servers in order.
//!
//! Three rankings look at the same postings: BM25F over the fields, the cosine of the whole texts, and what stands in name and
//! title. Each is measured by its own best server, then they are added.

use crate::index::{Index, Resolved};
use crate::postings::{Slot, Weight};
use crate::weigh::rarity;
use crate::weights;

/// What a server is worth in each of the three rankings.
pub(crate) type Rankings = [f32; 3];

/// The servers that match, with scores from 0 to 1; in the order of their places.
pub(crate) fn rank(
    index: &Index,
    needs: &[Resolved],
    admits: &dyn Fn(Slot) -> bool,
) -> Vec<(Slot, f32)> {
    let mut sums: Vec<Rankings> = vec![[0.0; 3]; index.places()];
    let mut best: Vec<Rankings> = vec![[0.0; 3]; index.places()];
    let mut touched: Vec<Slot> = Vec::new();
    for need in needs {
        for (term, how_well) in &need.terms {
            let postings = index.postings(*term);
            let worth = how_well * rarity(index.len(), postings.servers.len());
            for posting in &postings.servers {
                let best = &mut best[posting.slot as usize];
                if best[0] == 0.0 {
                    touched.push(posting.slot);
                }
                raise(best, worth, &posting.weight);
            }
        }
        for slot in touched.drain(..) {
            let best = std::mem::take(&mut best[slot as usize]);
            add(&mut sums[slot as usize], need.weight, best);
        }
    }
    let matching = sums.into_iter().zip(0..).filter(|(sums, _)| sums[0] > 0.0);
    let admitted = matching.map(|(sums, slot)| (slot, sums));
    fuse(admitted.filter(|(slot, _)| admits(*slot)).collect())
}

/// One need counts once, for the term that stands for it best.
pub(crate) fn raise(best: &mut Rankings, worth: f32, weight: &Weight) {
    let weights = [weight.bm25, weight.cosine, weight.head];
    for (best, weight) in best.iter_mut().zip(weights) {
        *best = best.max(worth * weight);
    }
}

/// Adds what a need is worth.
pub(crate) fn add(sums: &mut Rankings, weight: f32, best: Rankings) {
    for (sum, best) in sums.iter_mut().zip(best) {
        *sum += weight * best;
    }
}

/// Makes one score of three.
pub(crate) fn fuse<K>(sums: Vec<(K, Rankings)>) -> Vec<(K, f32)> {
    let mut tops: Rankings = [f32::MIN_POSITIVE; 3];
    for (_, sums) in &sums {
        for (top, sum) in tops.iter_mut().zip(sums) {
            *top = top.max(*sum);
        }
    }
    let all: f32 = weights::FUSED.iter().sum();
    let fused = sums.into_iter().map(|(key, sums)| {
        let shares = sums.iter().zip(tops).zip(weights::FUSED);
        let score: f32 = shares.map(|((sum, top), weight)| weight * sum / top).sum();
        (key, score / all)
    });
    let fused: Vec<(K, f32)> = fused.collect();
    let best = fused.iter().map(|(_, score)| *score).fold(0.0, f32::max);
    fused
        .into_iter()
        .filter(|(_, score)| *score >= weights::MATCH_MIN * best)
        .collect()
}
