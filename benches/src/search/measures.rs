//! How good an answer is.

use std::time::Duration;

use crate::sets::Request;

/// Where recall is measured.
const AT: [usize; 3] = [1, 5, 10];

/// Of one answer; each from 0 to 1.
pub(crate) struct Measured {
    /// The share of the needs that the first 1, 5, 10 servers meet.
    pub recall: [f64; 3],
    /// One over the place of the first right one; 0 if it is not among the first ten.
    pub reciprocal: f64,
    /// Discounted cumulative gain of the first ten, by the best possible.
    pub ndcg: f64,
}

/// Measures one answer.
pub(crate) fn measure(request: &Request, names: &[&str]) -> Measured {
    let is_right = |name: &&str| request.relevant.iter().any(|right| right == *name);
    let met = |at: usize| {
        let first = &names[..at.min(names.len())];
        let met = request
            .need
            .iter()
            .filter(|need| need.iter().any(|one| first.contains(&one.as_str())));
        met.count() as f64 / request.need.len().max(1) as f64
    };
    let gain = |place: usize| 1.0 / (place as f64 + 2.0).log2();
    let first_ten = &names[..names.len().min(10)];
    let found: f64 = first_ten
        .iter()
        .enumerate()
        .filter(|(_, name)| is_right(name))
        .map(|(place, _)| gain(place))
        .sum();
    let possible: f64 = (0..request.relevant.len().min(10)).map(gain).sum();
    Measured {
        recall: AT.map(met),
        reciprocal: first_ten
            .iter()
            .position(is_right)
            .map_or(0.0, |place| 1.0 / (place as f64 + 1.0)),
        ndcg: if possible > 0.0 {
            found / possible
        } else {
            0.0
        },
    }
}

/// Of many answers.
#[derive(Default)]
pub(crate) struct Measures {
    recall: [f64; 3],
    reciprocal: f64,
    ndcg: f64,
    times: Vec<Duration>,
}

impl Measures {
    pub(crate) fn add(&mut self, measured: &Measured, took: Duration) {
        for (sum, recall) in self.recall.iter_mut().zip(measured.recall) {
            *sum += recall;
        }
        self.reciprocal += measured.reciprocal;
        self.ndcg += measured.ndcg;
        self.times.push(took);
    }

    /// The cells of a row: how many, then the means in percent, then the median time.
    pub(crate) fn row(&mut self) -> String {
        let number = self.times.len().max(1) as f64;
        let means = self.recall.iter().chain([&self.reciprocal, &self.ndcg]);
        let means: Vec<String> = means
            .map(|sum| format!("{:.1}", 100.0 * sum / number))
            .collect();
        let p50 = quantile(&mut self.times, 0.5).as_secs_f64() * 1_000.0;
        format!("{number} | {} | {p50:.3} |", means.join(" | "))
    }
}

/// The smallest time that this share of all does not exceed.
pub(crate) fn quantile(times: &mut [Duration], share: f64) -> Duration {
    times.sort_unstable();
    let at = (times.len() as f64 * share).ceil() as usize;
    times.get(at.saturating_sub(1)).copied().unwrap_or_default()
}
