//! JSON text in the format people asked for. Works on the text, so that numbers keep their digits and
//! members their order. Refuses text that is not JSON. Read `format/yaml.rs` next.

mod yaml;

use wire::{Object, ObjectError, elements};

use crate::limits::JSON_DEPTH_MAX;

/// How lists and objects are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    // Comments, not documentation: a line per value in the help of every command would hide its own flags.
    // Tables and sentences; some of Docker's commands call them a list.
    #[default]
    #[value(alias = "list")]
    Human,
    // Indented.
    Json,
    Yaml,
}

/// JSON text, indented or as YAML.
pub(crate) fn render(raw: &str, format: Format) -> Result<String, Unprintable> {
    match format {
        Format::Human | Format::Json => {
            let mut out = String::with_capacity(raw.len() * 2);
            indent(raw.trim(), 0, &mut out)?;
            out.push('\n');
            Ok(out)
        }
        Format::Yaml => yaml::render(raw),
    }
}

/// Why JSON text cannot be printed in another format.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unprintable {
    /// Not JSON.
    #[error("the JSON is malformed")]
    Malformed(#[from] ObjectError),
    /// Not a JSON string.
    #[error("a JSON string is malformed")]
    Text(#[from] serde_json::Error),
    /// Nested too deep.
    #[error("the JSON is nested deeper than {JSON_DEPTH_MAX} levels")]
    Deep,
}

fn indent(raw: &str, depth: usize, out: &mut String) -> Result<(), Unprintable> {
    if depth > JSON_DEPTH_MAX {
        return Err(Unprintable::Deep);
    }
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    if raw.starts_with('{') {
        out.push('{');
        for (at, (key, value)) in Object::parse(raw)?.iter().enumerate() {
            out.push_str(if at > 0 { "," } else { "" });
            line(out, depth + 1);
            out.push_str(&wire::quote(key));
            out.push_str(": ");
            indent(value, depth + 1, out)?;
        }
        if !out.ends_with('{') {
            line(out, depth);
        }
        out.push('}');
    } else if raw.starts_with('[') {
        out.push('[');
        for (at, value) in elements(raw)?.into_iter().enumerate() {
            out.push_str(if at > 0 { "," } else { "" });
            line(out, depth + 1);
            indent(value, depth + 1, out)?;
        }
        if !out.ends_with('[') {
            line(out, depth);
        }
        out.push(']');
    } else {
        out.push_str(raw);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
