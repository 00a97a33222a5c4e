//! rankers
use crate::analyse::FIELDS;
use crate::index::Index;
use crate::plan::Need;
use crate::postings::ServerPosting;
use crate::text::words;
use crate::tune::t;

pub(crate) fn cosine_weight(p: &ServerPosting) -> f32 {
    let w = [3.0, 3.0, 2.0, 1.0, 1.0, 0.5, t("ck", 1.0)];
    let x: f32 = p.counts.iter().zip(w).map(|(c, w)| f32::from(*c) * w).sum();
    (1.0 + x).ln()
}

pub(crate) fn idf(n: usize, df: usize) -> f32 {
    (1.0 + (n as f32 - df as f32 + 0.5) / (df as f32 + 0.5)).ln()
}

pub(crate) fn rank(index: &Index, text: &str, needs: &[Need], limit: usize) -> Vec<(String, f32)> {
    let n = index.len();
    let slots = index.servers.len();
    let w: [f32; FIELDS] = [t("wname", 3.0), t("wtitle", 3.0), t("wdesc", 3.0), t("wtag", 1.0), t("wtn", 1.5), t("wtt", 0.6), t("wk", 1.0)];
    let b: [f32; FIELDS] = [0.3, 0.3, t("bdesc", 0.75), 0.3, t("btn", 0.6), t("btt", 0.75), t("bk",0.3)];
    let k1 = t("k1", 1.2);
    let avg: Vec<f32> = index.lengths.iter().map(|l| (*l as f32 / n as f32).max(0.1)).collect();
    // A, C, name
    let mut a = vec![0.0f32; slots];
    let mut c = vec![0.0f32; slots];
    let mut d = vec![0.0f32; slots];
    let mut e = vec![0.0f32; slots];
    let mut best = vec![(0.0f32, 0.0f32, 0.0f32, 0.0f32); slots];
    let mut touched: Vec<u32> = Vec::new();
    // tools
    let mut base = Vec::with_capacity(slots + 1);
    let mut total = 0usize;
    for s in &index.servers {
        base.push(total);
        total += s.as_ref().map_or(0, |s| s.tools.len());
    }
    let mut tool = vec![0.0f32; total];
    let mut tbest = vec![0.0f32; total];
    let mut ttouched: Vec<usize> = Vec::new();
    let tavg = (index.tool_length as f32 / index.tool_count.max(1) as f32).max(0.1);
    let tn = index.tool_count as usize;
    let mut matrix: Vec<Vec<(u32, f32)>> = Vec::new();
    let qpow = t("qpow", 0.0);
    for need in needs {
        // idf of the need: that of the best term
        let own = need.terms[0];
        let _ = own;
        let mut cap = f32::MAX;
        if t("cap", 0.0) > 0.0 {
            if need.terms[0].1 >= 1.0 {
                cap = idf(n, index.postings[need.terms[0].0 as usize].servers.len());
            }
        }
        for (id, weight) in &need.terms {
            let postings = &index.postings[*id as usize];
            let i = idf(n, postings.servers.len()).min(cap);
            for p in &postings.servers {
                let server = index.servers[p.slot as usize].as_ref().expect("slot");
                let mut x = 0.0;
                for f in 0..FIELDS {
                    if p.counts[f] > 0 {
                        x += w[f] * f32::from(p.counts[f]) / (1.0 - b[f] + b[f] * server.lengths[f] as f32 / avg[f]);
                    }
                }
                let score = weight * i * x / (k1 + x) * i.powf(qpow);
                let cos = weight * i * cosine_weight(p) / server.norm;
                let best = &mut best[p.slot as usize];
                if best.0 == 0.0 { touched.push(p.slot); }
                best.0 = best.0.max(score);
                best.1 = best.1.max(cos);
                let heads = (t("dk", 0.5) * f32::from(p.counts[6].min(1))).max(f32::from(p.counts[0].min(1)).max(f32::from(p.counts[1].min(1))).max(t("dtn", 0.5) * f32::from(p.counts[4].min(1))).max(t("dtag", 0.5) * f32::from(p.counts[3].min(1))));
                best.2 = best.2.max(weight * i * heads);
                best.3 = best.3.max(*weight * i);
            }
            let ti = idf(tn, postings.tools.len());
            for p in &postings.tools {
                let at = base[p.slot as usize] + p.tool as usize;
                let server = index.servers[p.slot as usize].as_ref().expect("slot");
                let len = server.tools[p.tool as usize].1 as f32;
                let tf = t("tnw", 3.0) * f32::from(p.name) + f32::from(p.text);
                let x = tf / (1.0 - 0.5 + 0.5 * len / tavg);
                let score = weight * ti * x / (t("tk1", 1.2) + x);
                if tbest[at] == 0.0 { ttouched.push(at); }
                tbest[at] = tbest[at].max(score);
            }
        }
        let mut row = Vec::new();
        for slot in touched.drain(..) {
            let best = std::mem::take(&mut best[slot as usize]);
            a[slot as usize] += need.weight * best.0;
            c[slot as usize] += need.weight * best.1;
            d[slot as usize] += need.weight * best.2;
            e[slot as usize] += need.weight * best.3;
            row.push((slot, need.weight * best.0));
        }
        matrix.push(row);
        for at in ttouched.drain(..) {
            tool[at] += need.weight * std::mem::take(&mut tbest[at]);
        }
    }
    // B: best tool
    let mut bt = vec![0.0f32; slots];
    for (slot, server) in index.servers.iter().enumerate() {
        if let Some(server) = server {
            let range = base[slot]..base[slot] + server.tools.len();
            let best = tool[range].iter().copied().fold(0.0, f32::max);
            bt[slot] = best * t("bmix", 0.5) + a[slot] * t("amix", 1.0);
        }
    }
    // names
    let spoken: Vec<String> = words(text).into_iter().map(|w| w.whole).collect();
    let mut fused = vec![0.0f32; slots];
    let k = t("rrf", 60.0);
    for (scores, weight) in [(&a, t("fa", 1.0)), (&bt, t("fb", 0.5)), (&c, t("fc", 0.7)), (&d, t("fd", 0.0)), (&e, t("fe", 0.0))] {
        let mut order: Vec<u32> = (0..slots as u32).filter(|s| scores[*s as usize] > 0.0).collect();
        order.sort_by(|x, y| scores[*y as usize].total_cmp(&scores[*x as usize]).then_with(|| name(index, *x).cmp(name(index, *y))));
        let top = order.first().map_or(1.0, |s| scores[*s as usize]);
        for (r, s) in order.iter().enumerate() {
            if t("lin", 0.0) > 0.0 {
                fused[*s as usize] += weight * scores[*s as usize] / top;
            } else {
                fused[*s as usize] += weight / (k + r as f32);
            }
        }
    }
    let _ = spoken;
    let mut order: Vec<u32> = (0..slots as u32).filter(|s| fused[*s as usize] > 0.0).collect();
    order.sort_by(|x, y| fused[*y as usize].total_cmp(&fused[*x as usize]).then_with(|| name(index, *x).cmp(name(index, *y))));
    // coverage
    let cover = t("cover", 0.0);
    if cover > 0.0 {
        order.truncate(60);
        let sum: f32 = order.first().map_or(1.0, |s| a[*s as usize]).max(0.001);
        let mut left = vec![1.0f32; needs.len()];
        let mut contributions = vec![vec![0.0f32; needs.len()]; order.len()];
        for (g, row) in matrix.iter().enumerate() {
            for (slot, v) in row {
                if let Some(i) = order.iter().position(|s| s == slot) { contributions[i][g] = *v; }
            }
        }
        let mut picked = Vec::new();
        let mut rest: Vec<usize> = (0..order.len()).collect();
        let top = fused[order.first().copied().unwrap_or(0) as usize].max(1e-9);
        while !rest.is_empty() && picked.len() < limit {
            let mut bestv = (f32::MIN, 0);
            for (pos, i) in rest.iter().enumerate() {
                let lost: f32 = contributions[*i].iter().zip(&left).map(|(v, l)| v * (1.0 - l)).sum();
                let v = fused[order[*i] as usize] / top - cover * lost / sum;
                if v > bestv.0 { bestv = (v, pos); }
            }
            let i = rest.remove(bestv.1);
            let max: f32 = contributions[i].iter().copied().fold(0.0, f32::max).max(1e-6);
            for (l, v) in left.iter_mut().zip(&contributions[i]) { *l *= 1.0 - t("cdecay", 0.5) * (v / max).min(1.0); }
            picked.push(order[i]);
        }
        order = picked;
    }
    order.truncate(limit);
    order.into_iter().map(|s| (name(index, s).to_owned(), fused[s as usize])).collect()
}

fn name(index: &Index, slot: u32) -> &str {
    index.servers[slot as usize].as_ref().map_or("", |s| s.name.as_str())
}
