use portolan_search::*;
use serde_json::Value;
use std::collections::BTreeMap;
fn s(v: &Value, k: &str) -> String {
    v[k].as_str().unwrap_or("").to_owned()
}
fn main() {
    let root = std::env::args().nth(1).unwrap();
    let verbose = std::env::args().nth(2); // set:half
    let mut line = String::new();
    for set in [
        "docker-registry",
        "metatool",
        "livemcpbench",
        "mcpproxy-golden",
    ] {
        let docs: Vec<Document> = std::fs::read_to_string(format!("{root}/{set}/corpus.jsonl"))
            .unwrap()
            .lines()
            .map(|l| {
                let v: Value = serde_json::from_str(l).unwrap();
                let mut tags: Vec<String> = v["tags"]
                    .as_array()
                    .map(|a| a.iter().map(|x| x.as_str().unwrap().to_owned()).collect())
                    .unwrap_or_default();
                if !s(&v, "category").is_empty() {
                    tags.push(s(&v, "category"))
                }
                Document {
                    name: s(&v, "id"),
                    title: if s(&v, "name") == s(&v, "id") {
                        s(&v, "title")
                    } else {
                        format!("{} {}", s(&v, "name"), s(&v, "title"))
                    },
                    description: s(&v, "description"),
                    tags,
                    kind: s(&v, "type"),
                    facts: vec![],
                    tools: v["tools"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|t| Tool {
                            name: s(t, "name"),
                            description: s(t, "description"),
                        })
                        .collect(),
                }
            })
            .collect();
        let index = Index::build(docs);
        let mut acc: BTreeMap<String, (f64, f64, f64, f64)> = BTreeMap::new();
        for l in std::fs::read_to_string(format!("{root}/{set}/queries.dev.jsonl"))
            .unwrap()
            .lines()
        {
            let v: Value = serde_json::from_str(l).unwrap();
            let id = s(&v, "id");
            let h = id.bytes().fold(14695981039346656037u64, |h, b| {
                (h ^ b as u64).wrapping_mul(1099511628211)
            });
            let half = if h.count_ones() & 1 == 0 { "A" } else { "B" };
            let kind = s(&v, "kind");
            let r: Vec<(String, f32)> = index
                .search(&s(&v, "query"), 10, |_| true)
                .hits
                .into_iter()
                .map(|h| (h.name, h.score))
                .collect();
            let need: Vec<Vec<String>> = v["need"]
                .as_array()
                .unwrap()
                .iter()
                .map(|n| {
                    n.as_array()
                        .unwrap()
                        .iter()
                        .map(|x| x.as_str().unwrap().to_owned())
                        .collect()
                })
                .collect();
            let at = |k: usize| {
                need.iter()
                    .filter(|n| r.iter().take(k).any(|(x, _)| n.contains(x)))
                    .count() as f64
                    / need.len() as f64
            };
            let mrr = r
                .iter()
                .position(|(x, _)| need.iter().any(|n| n.contains(x)))
                .map_or(0.0, |p| 1.0 / (p + 1) as f64);
            let zh = matches!(kind.as_str(), "zh" | "ja" | "es" | "de" | "fr" | "ru");
            let mut keys = vec![format!("{half}:all"), "*:all".into()];
            if set == "docker-registry" {
                keys.push(format!("k:{kind}"));
                if !zh {
                    keys.push(format!("{half}:main"));
                    keys.push("*:main".into());
                }
            }
            for k in keys {
                let e = acc.entry(k).or_default();
                e.0 += 1.0;
                e.1 += at(1);
                e.2 += at(5);
                e.3 += mrr;
            }
            if let Some(f) = &verbose {
                let (fs, fh) = f.split_once(':').unwrap();
                if set.starts_with(fs) && half == fh && at(5) < 1.0 {
                    println!(
                        "{kind} | {} | need {} | got {}",
                        s(&v, "query"),
                        need.iter()
                            .map(|n| n.join(","))
                            .collect::<Vec<_>>()
                            .join(" ; "),
                        r.iter()
                            .take(6)
                            .map(|x| x.0.clone())
                            .collect::<Vec<_>>()
                            .join(", ")
                    );
                }
            }
        }
        print!("{set:15}");
        for (k, e) in &acc {
            print!(
                " {k}({}) {:.1}/{:.1}",
                e.0,
                100.0 * e.1 / e.0,
                100.0 * e.2 / e.0
            );
            if k.starts_with("*:") {
                line += &format!("{:.1} ", 100.0 * e.2 / e.0)
            }
        }
        println!();
    }
    println!("R5: {line}");
}
