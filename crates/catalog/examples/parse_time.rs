fn main() {
    let t = std::time::Instant::now();
    let n = portolan_catalog::builtin().entries.len();
    println!("first builtin(): {n} entries in {:?}", t.elapsed());
    for _ in 0..3 {
        let t = std::time::Instant::now();
        let _ = portolan_catalog::builtin().clone();
        println!("clone: {:?}", t.elapsed());
    }
    for path in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&path).unwrap();
        let mut best = std::time::Duration::MAX;
        let mut n = 0;
        for _ in 0..10 {
            let t = std::time::Instant::now();
            n = portolan_catalog::read_catalog(&text, "n", &path, &portolan_catalog::Origin::Own)
                .unwrap()
                .entries
                .len();
            best = best.min(t.elapsed());
        }
        println!("{path}: {} bytes, {n} entries in {best:?}", text.len());
    }
    let e = portolan_catalog::builtin()
        .entries
        .iter()
        .find(|e| e.name == "filesystem")
        .unwrap();
    let config = serde_json::json!({"paths": ["/a"]});
    let config = config.as_object().unwrap();
    let t = std::time::Instant::now();
    for _ in 0..1000 {
        let _ = e.resolve(config, &|_| None).unwrap();
    }
    println!("resolve: {:?}", t.elapsed() / 1000);
    let all = portolan_catalog::builtin();
    let t = std::time::Instant::now();
    for e in &all.entries {
        let _ = std::hint::black_box(e.missing(config, &|_| false));
    }
    println!(
        "missing: {:?} per entry",
        t.elapsed() / all.entries.len() as u32
    );
    let t = std::time::Instant::now();
    for e in &all.entries {
        let _ = std::hint::black_box(e.privileged_keys());
    }
    println!(
        "privileged_keys: {:?} per entry",
        t.elapsed() / all.entries.len() as u32
    );
    println!(
        "Entry is {} bytes",
        std::mem::size_of::<portolan_catalog::Entry>()
    );
}
