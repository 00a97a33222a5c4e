//! The text of a script, as models hand it in.
//!
//! Owns what is forgiven before anything is run: a fence of Markdown around it, `export` before a declaration. Lines and
//! columns stay what they were, because what goes is replaced by blanks. Refuses what is too long or empty.

use std::borrow::Cow;

use crate::limits::SCRIPT_BYTES_MAX;

/// Why a text is no script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ScriptError {
    /// There is none.
    #[error("the script is empty")]
    Empty,
    /// There is too much of it.
    #[error(
        "the script has {bytes} bytes, and may have {SCRIPT_BYTES_MAX}: large data comes from tools, not from its text"
    )]
    TooLong {
        /// How much there is.
        bytes: usize,
    },
    /// An engine takes this for the end.
    #[error("the script has a NUL character in line {line}")]
    Nul {
        /// Where it is.
        line: usize,
    },
}

/// The script in this text.
///
/// # Errors
/// If there is none, or too much.
pub(crate) fn prepare(text: &str) -> Result<String, ScriptError> {
    if text.len() > SCRIPT_BYTES_MAX {
        return Err(ScriptError::TooLong { bytes: text.len() });
    }
    if let Some(at) = text.find('\0') {
        let line = text[..at].matches('\n').count() + 1;
        return Err(ScriptError::Nul { line });
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines: Vec<Cow<'_, str>> = unfenced(text).into_iter().map(unexported).collect();
    // Only where a program begins, which this need not become.
    if let Some(first) = lines.first_mut()
        && first.starts_with("#!")
    {
        *first = Cow::Borrowed("");
    }
    let script = lines.join("\n");
    if script.trim().is_empty() {
        return Err(ScriptError::Empty);
    }
    Ok(script)
}

/// The lines, those outside of a fence empty. Text around a fence is talk, unless there are several fences.
fn unfenced(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text
        .split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line))
        .collect();
    let is_fence = |line: &&str| {
        let line = line.trim();
        line.starts_with("```")
            && line
                .trim_start_matches('`')
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric())
    };
    let fences: Vec<usize> = (0..lines.len())
        .filter(|at| is_fence(&lines[*at]))
        .collect();
    let (open, close) = match fences[..] {
        [open, close] => (open, close),
        // An end was cut off.
        [open] if lines[..open].iter().all(|line| line.trim().is_empty()) => (open, lines.len()),
        _ => return lines,
    };
    // A fence in a template literal has the script before it.
    let before = lines[..open]
        .iter()
        .map(|line| line.trim())
        .find(|line| !line.is_empty());
    if before.is_some_and(looks_like_code) {
        return lines;
    }
    for (at, line) in lines.iter_mut().enumerate() {
        if at <= open || at >= close {
            *line = "";
        }
    }
    lines
}

fn looks_like_code(line: &str) -> bool {
    [
        "const ",
        "let ",
        "var ",
        "async ",
        "function ",
        "return",
        "await ",
        "//",
        "/*",
        "(",
        "import ",
        "module.",
    ]
    .iter()
    .any(|start| line.starts_with(start))
        || line.ends_with([';', '{', '('])
}

/// `export` means nothing here: what follows it does.
fn unexported(line: &str) -> Cow<'_, str> {
    for word in ["export default ", "export "] {
        if let Some(rest) = line.strip_prefix(word)
            && (word == "export default "
                || ["async ", "function", "const ", "let ", "var ", "class "]
                    .iter()
                    .any(|next| rest.trim_start().starts_with(next)))
        {
            return Cow::Owned(format!("{}{rest}", " ".repeat(word.len())));
        }
    }
    Cow::Borrowed(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_goes_and_lines_stay() {
        assert_eq!(prepare("```js\nreturn 1\n```"), Ok("\nreturn 1\n".into()));
        assert_eq!(
            prepare("Here is the script:\n\n```javascript\nreturn 1;\n```\nIt returns one.\n"),
            Ok("\n\n\nreturn 1;\n\n\n".into())
        );
        assert_eq!(prepare("```\nreturn 1"), Ok("\nreturn 1".into()));
    }

    #[test]
    fn a_fence_inside_of_the_script_stays() {
        let script = "const body = `\n```js\nx\n```\n`;\nreturn body;";
        assert_eq!(prepare(script).as_deref(), Ok(script));
    }

    #[test]
    fn exports_are_blanks() {
        assert_eq!(
            prepare("export default async function () {}"),
            Ok("               async function () {}".into())
        );
        assert_eq!(
            prepare("export const a = 1;"),
            Ok("       const a = 1;".into())
        );
        assert_eq!(prepare("export_it();").as_deref(), Ok("export_it();"));
    }

    #[test]
    fn what_is_no_script_says_so() {
        assert_eq!(prepare(" \n"), Err(ScriptError::Empty));
        assert_eq!(prepare("```js\n```"), Err(ScriptError::Empty));
        assert_eq!(prepare("1\n\0"), Err(ScriptError::Nul { line: 2 }));
        let long = " ".repeat(SCRIPT_BYTES_MAX + 1);
        assert_eq!(
            prepare(&long),
            Err(ScriptError::TooLong { bytes: long.len() })
        );
    }

    #[test]
    fn line_ends_of_windows_go() {
        assert_eq!(prepare("a();\r\nb();").as_deref(), Ok("a();\nb();"));
    }
}
