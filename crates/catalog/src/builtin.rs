//! The catalog inside this program. Owns which files it consists of; they are of our own form and are read when the first
//! question comes, never at a start. Next: `builtin/*.yaml`.

use std::sync::LazyLock;

use crate::{Catalog, Origin, read_catalog};

/// One file per field of work.
const FILES: &[(&str, &str)] = &[
    ("ai.yaml", include_str!("../builtin/ai.yaml")),
    ("business.yaml", include_str!("../builtin/business.yaml")),
    ("cloud.yaml", include_str!("../builtin/cloud.yaml")),
    ("data.yaml", include_str!("../builtin/data.yaml")),
    (
        "development.yaml",
        include_str!("../builtin/development.yaml"),
    ),
    (
        "operations.yaml",
        include_str!("../builtin/operations.yaml"),
    ),
    ("reference.yaml", include_str!("../builtin/reference.yaml")),
    ("web.yaml", include_str!("../builtin/web.yaml")),
    ("work.yaml", include_str!("../builtin/work.yaml")),
];

/// The built-in catalog.
pub fn builtin() -> &'static Catalog {
    static CATALOG: LazyLock<Catalog> = LazyLock::new(read);
    &CATALOG
}

fn read() -> Catalog {
    let mut all = Catalog {
        name: "built-in".to_owned(),
        title: Some("Well-known servers".to_owned()),
        origin: Origin::Builtin,
        ..Catalog::default()
    };
    for (file, text) in FILES {
        match read_catalog(text, "built-in", file, &Origin::Builtin) {
            Ok(catalog) => {
                all.entries.extend(catalog.entries);
                all.problems.extend(catalog.problems);
            }
            Err(problem) => all.problems.push(problem),
        }
    }
    all.entries.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

#[cfg(test)]
mod tests;
