//! The project that a file belongs to: what it needs beside itself to run.

use std::path::{Path, PathBuf};

use super::bounds::Bounds;

const MARKERS: &[&str] = &["package.json", "pyproject.toml", "node_modules"];

/// The nearest folder above a file that says it is a project, if it may be shown. For a file of an installed package
/// it is the folder that holds the outermost `node_modules`, since what the package needs is installed beside it.
pub(super) fn of(file: &Path, bounds: &Bounds) -> Option<PathBuf> {
    let nearest = file
        .ancestors()
        .skip(1)
        .find(|folder| MARKERS.iter().any(|marker| folder.join(marker).exists()))?;
    let modules = nearest
        .ancestors()
        .filter(|folder| folder.ends_with("node_modules"))
        .last();
    let candidates = match modules {
        Some(modules) => [modules.parent(), Some(modules)],
        None => [Some(nearest), None],
    };
    candidates
        .into_iter()
        .flatten()
        .find(|folder| bounds.admit(folder))
        .map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_nearest_marker_counts_but_never_a_home() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().canonicalize().unwrap();
        for folder in [
            "app/dist",
            "app/sub/src",
            "loose",
            ".npm/_npx/1/node_modules/a/node_modules/b",
        ] {
            fs::create_dir_all(home.join(folder)).unwrap();
        }
        for file in [
            "app/package.json",
            "app/sub/pyproject.toml",
            "package.json",
            ".npm/_npx/1/node_modules/a/package.json",
            ".npm/_npx/1/node_modules/a/node_modules/b/package.json",
        ] {
            fs::write(home.join(file), "").unwrap();
        }
        let bounds = Bounds::new(Some(&home));
        let of = |file: &str| of(&home.join(file), &bounds);
        assert_eq!(of("app/dist/index.js"), Some(home.join("app")));
        assert_eq!(of("app/sub/src/main.py"), Some(home.join("app/sub")));
        assert_eq!(
            of(".npm/_npx/1/node_modules/a/node_modules/b/index.js"),
            Some(home.join(".npm/_npx/1"))
        );
        assert_eq!(of("loose/x.py"), None);

        fs::create_dir_all(home.join("node_modules/c")).unwrap();
        fs::write(home.join("node_modules/c/package.json"), "").unwrap();
        assert_eq!(
            of("node_modules/c/index.js"),
            Some(home.join("node_modules"))
        );
    }
}
