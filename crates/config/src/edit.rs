//! Changes single settings of the person's `config.toml` and leaves every other byte as it is.

use std::fs;
use std::io;
use std::path::PathBuf;

use catalog::Problem;
use toml_edit::{DocumentMut, Item, Table, value};

use crate::Dirs;
use crate::files::{private_dir, write_atomic};
use crate::load::read;

/// Sets a switch of section `[gateway]`; the file that it stands in.
///
/// # Errors
/// The file is no TOML, which is then left alone, or cannot be written.
pub fn set_in_file(dirs: &Dirs, name: &str, on: bool) -> Result<PathBuf, Problem> {
    let file = dirs.config_file();
    let source = file.display().to_string();
    let text = match file.exists() {
        true => read(&file).map_err(|(problem, _)| problem)?,
        false => String::new(),
    };
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
        Problem::error(&*source, error.message().to_owned())
    })?;
    let gateway = document
        .entry("gateway")
        .or_insert(Item::Table(Table::new()));
    let Some(gateway) = gateway.as_table_like_mut() else {
        return Err(Problem::error(source, "`gateway` must be a table"));
    };
    match gateway.get_mut(name).and_then(Item::as_value_mut) {
        // What is written around it stays.
        Some(known) => {
            let around = known.decor().clone();
            *known = on.into();
            *known.decor_mut() = around;
        }
        None => {
            gateway.insert(name, value(on));
        }
    }
    let failed = |error: io::Error| Problem::error(&*source, format!("cannot be written: {error}"));
    private_dir(&dirs.config).map_err(failed)?;
    // Who linked the file from elsewhere wants that one changed.
    let target = fs::canonicalize(&file).unwrap_or_else(|_| file.clone());
    write_atomic(&target, document.to_string().as_bytes(), 0o600).map_err(failed)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_else_stays_as_it_was() {
        let home = tempfile::tempdir().unwrap();
        let dirs = Dirs::under(home.path());
        let text = || fs::read_to_string(dirs.config_file()).unwrap();
        set_in_file(&dirs, "dynamic_tools", false).unwrap();
        assert_eq!(text(), "[gateway]\ndynamic_tools = false\n");
        let own = "# mine\r\n[gateway] # here\r\nport = 1   # one\r\ndynamic_tools   =  false # why\r\n\r\n[servers.x]\r\ncommand = 'y'\r\n";
        fs::write(dirs.config_file(), own).unwrap();
        set_in_file(&dirs, "dynamic_tools", true).unwrap();
        assert_eq!(text(), own.replace("false", "true").replace("\r\n", "\n"));
        fs::write(dirs.config_file(), "gateway = 1").unwrap();
        assert!(set_in_file(&dirs, "dynamic_tools", true).is_err());
        fs::write(dirs.config_file(), "[gateway").unwrap();
        assert!(set_in_file(&dirs, "dynamic_tools", true).is_err());
        assert_eq!(text(), "[gateway");
    }
}
