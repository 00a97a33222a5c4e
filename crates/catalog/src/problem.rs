//! What a person is told about a file. Owns its one-line form; knows nothing of terminals.

use std::fmt;

/// Something in a file, a variable or a flag that a person should mend: what, where, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub level: Level,
    /// The file, variable or flag.
    pub source: String,
    /// Line, counted from 1; 0 where there are no lines.
    pub line: usize,
    /// Column in characters, counted from 1; 0 where there are no lines.
    pub column: usize,
    /// What is wrong, lower-case, without a full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// How bad a [`Problem`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What was written has its effect; a person should know of something nevertheless.
    Warning,
    /// What was written has no effect: the server is not loaded, the setting keeps its former value.
    Error,
}

impl Problem {
    /// An error that has no line.
    pub fn error(source: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            level: Level::Error,
            source: source.into(),
            line: 0,
            column: 0,
            message: message.into(),
            hint: None,
        }
    }

    /// A warning that has no line.
    pub fn warning(source: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            level: Level::Warning,
            ..Self::error(source, message)
        }
    }

    /// The same problem at a line and column (from 1).
    #[must_use]
    pub fn at(self, (line, column): (usize, usize)) -> Self {
        Self {
            line,
            column,
            ..self
        }
    }

    /// The same problem with advice.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    /// Whether what was written has no effect.
    pub fn is_error(&self) -> bool {
        self.level == Level::Error
    }
}

/// `file:line:column: message (hint)`, on one line.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_says_where_what_and_how() {
        let problem = Problem::error("mcp.json", "`args` must be a list")
            .at((3, 7))
            .hint("write [\"-y\"]");
        assert_eq!(
            problem.to_string(),
            "mcp.json:3:7: `args` must be a list (write [\"-y\"])"
        );
        assert_eq!(
            Problem::warning("--port", "not used").to_string(),
            "--port: not used"
        );
    }
}
