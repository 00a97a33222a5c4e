//! Tables: columns as wide as their cells. Where a terminal ends, the last one is cut with an ellipsis, or goes
//! on below where every word of it counts.

use super::line::{Label, Line, char_width, clean, width};

const GAP: usize = 2;
const LAST_MIN: usize = 12;

/// A table under construction.
pub(crate) struct Table {
    heads: Vec<&'static str>,
    is_whole: bool,
    rows: Vec<Vec<(Label, String)>>,
}

impl Table {
    /// A table with these columns.
    pub(crate) fn new(heads: &[&'static str]) -> Self {
        Self {
            heads: heads.to_vec(),
            is_whole: false,
            rows: Vec::new(),
        }
    }

    /// The last column is never cut.
    pub(crate) fn whole(self) -> Self {
        Self {
            is_whole: true,
            ..self
        }
    }

    /// Adds a row; cells beyond the columns are left out, missing ones are empty.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = (Label, String)>) {
        let one_line = |(label, text): (Label, String)| {
            let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
            (label, clean(&text, false).into_owned())
        };
        self.rows.push(
            cells
                .into_iter()
                .map(one_line)
                .take(self.heads.len())
                .collect(),
        );
    }

    /// The head and the rows, cut to so many columns.
    pub(crate) fn lines(&self, columns: Option<usize>) -> Vec<Line> {
        let mut widths: Vec<usize> = self.heads.iter().map(|h| width(h)).collect();
        for row in &self.rows {
            for (cell, max) in row.iter().zip(&mut widths) {
                *max = (*max).max(width(&cell.1));
            }
        }
        if let (Some(columns), Some((last, others))) = (columns, widths.split_last_mut()) {
            let taken: usize = others.iter().map(|w| w + GAP).sum();
            *last = (*last).min(columns.saturating_sub(taken).max(LAST_MIN));
        }
        let head: Vec<_> = self
            .heads
            .iter()
            .map(|h| (Label::Heading, (*h).to_owned()))
            .collect();
        let rows = std::iter::once(&head).chain(&self.rows);
        match self.is_whole {
            false => rows.map(|row| line(row, &widths, false)).collect(),
            true => rows
                .flat_map(|row| wrapped(row, &widths))
                .map(|row| line(&row, &widths, true))
                .collect(),
        }
    }
}

/// The row, and as many more as its last cell needs.
fn wrapped(row: &[(Label, String)], widths: &[usize]) -> Vec<Vec<(Label, String)>> {
    let (Some(((label, text), others)), Some(room)) = (row.split_last(), widths.last()) else {
        return Vec::new();
    };
    let blank: Vec<_> = others.iter().map(|(l, _)| (*l, String::new())).collect();
    let mut parts = vec![String::new()];
    for word in text.split(' ') {
        match parts.last_mut() {
            Some(part) if part.is_empty() => part.push_str(word),
            Some(part) if width(part) + 1 + width(word) <= *room => {
                part.push(' ');
                part.push_str(word);
            }
            _ => parts.push(word.to_owned()),
        }
    }
    let rows = parts.into_iter().enumerate().map(|(at, part)| {
        let mut row = if at == 0 {
            others.to_vec()
        } else {
            blank.clone()
        };
        row.push((*label, part));
        row
    });
    rows.collect()
}

fn line(row: &[(Label, String)], widths: &[usize], is_whole: bool) -> Line {
    let mut line = Line::new();
    for (at, (label, text)) in row.iter().enumerate() {
        let room = widths[at];
        let text = if is_whole {
            text.clone()
        } else {
            cut(text, room)
        };
        let pad = if at + 1 < row.len() {
            room.saturating_sub(width(&text)) + GAP
        } else {
            0
        };
        line = line.put(*label, text).text(" ".repeat(pad));
    }
    line
}

fn cut(text: &str, room: usize) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 0;
    for c in text.chars() {
        if used + char_width(c) + 1 > room {
            break;
        }
        used += char_width(c);
        kept.push(c);
    }
    kept.push('…');
    kept
}
