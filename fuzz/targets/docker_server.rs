//! A folder of Docker's registry: `server.yaml`, a zero byte, `tools.json`.
#![no_main]

use std::sync::Arc;

use catalog::{Origin, read_docker_server};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (yaml, tools) = match text.split_once('\0') {
        Some((yaml, tools)) => (yaml, Some((tools, "t"))),
        None => (text, None),
    };
    let alone = read_docker_server(yaml, None, "f", &Origin::Own);
    let both = read_docker_server(yaml, tools, "f", &Origin::Own);
    let (alone, mut both) = match (alone, both) {
        (Ok(alone), Ok(both)) => (alone, both),
        (Err(one), Err(two)) => return assert_eq!(one, two),
        (one, two) => panic!("{one:?} {two:?}"),
    };
    assert_eq!(alone.entries.len(), both.entries.len());
    assert!(alone.entries.len() <= 1);
    for (one, two) in alone.entries.iter().zip(&mut both.entries) {
        for tool in &two.about.tools {
            assert!(!tool.name.is_empty());
            let schema = tool.input_schema.as_deref().unwrap_or("{}");
            assert!(
                serde_json::from_str::<serde_json::Value>(schema)
                    .unwrap()
                    .is_object()
            );
        }
        Arc::make_mut(&mut two.about)
            .tools
            .clone_from(&one.about.tools);
        assert_eq!(one, two);
    }
});
