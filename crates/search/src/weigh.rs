//! The formulas: what a term weighs in a server and in a tool, and what being rare is worth.

use crate::analyse::{Analysed, AnalysedTool, Counts, Field};
use crate::postings::Weight;
use crate::weights::{self, FIELD};

/// What each term of a server weighs in it, in the order of its terms.
pub(crate) fn server(analysed: &Analysed) -> Vec<Weight> {
    let raw = |counts: &Counts| -> f32 {
        let counted = counts.iter().zip(&FIELD);
        let sum: f32 = counted.map(|(c, f)| f32::from(*c) * f.cosine).sum();
        (1.0 + sum).ln()
    };
    let raw: Vec<f32> = analysed
        .terms
        .iter()
        .map(|(_, counts)| raw(counts))
        .collect();
    // In whole numbers, so that the sum does not depend on the order of the terms.
    let squares: u64 = raw.iter().map(|raw| (raw * raw * 65_536.0) as u64).sum();
    let length = (squares as f32 / 65_536.0).sqrt().max(f32::MIN_POSITIVE);
    let weights = analysed
        .terms
        .iter()
        .zip(raw)
        .map(|((_, counts), raw)| Weight {
            bm25: bm25(counts, analysed),
            cosine: raw / length,
            head: head(counts),
        });
    weights.collect()
}

/// Robertson, Zaragoza: The Probabilistic Relevance Framework (2009), section 3.6: the weighted sum of what the fields say,
/// each by its length, then the saturation.
fn bm25(counts: &Counts, analysed: &Analysed) -> f32 {
    let fields = counts.iter().zip(&analysed.lengths).zip(&FIELD);
    let sum: f32 = fields
        .filter(|((count, _), _)| **count > 0)
        .map(|((count, length), field)| {
            let longer = *length as f32 / field.usual;
            field.weight * f32::from(*count) / (1.0 - field.slope + field.slope * longer)
        })
        .sum();
    sum / (weights::SATURATION + sum)
}

fn head(counts: &Counts) -> f32 {
    if counts[Field::Name as usize] > 0 || counts[Field::Title as usize] > 0 {
        1.0
    } else if counts[Field::Known as usize] > 0 {
        weights::KNOWN_HEAD
    } else {
        0.0
    }
}

/// What a term that occurs so often weighs in a tool.
pub(crate) fn tool(count: f32, tool: &AnalysedTool) -> f32 {
    let count = count / (0.5 + 0.5 * tool.length as f32 / weights::TOOL_USUAL);
    count / (weights::SATURATION + count)
}

/// What it is worth that a term occurs in `with` of `all`: always more than 0.
pub(crate) fn rarity(all: usize, with: usize) -> f32 {
    let (all, with) = (all as f32, with as f32);
    (1.0 + (all - with + 0.5) / (with + 0.5)).ln()
}
