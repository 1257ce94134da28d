//! Tables for a terminal, where a Japanese letter is two columns wide.

use anstyle::Style;
use unicode_width::UnicodeWidthStr;

/// A text with blanks behind it up to a width.
#[must_use]
pub fn flush_left(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

/// A text with blanks before it up to a width.
#[must_use]
pub fn flush_right(text: &str, width: usize) -> String {
    format!("{}{text}", " ".repeat(width.saturating_sub(text.width())))
}

/// The width of the widest of some texts.
#[must_use]
pub fn widest<'a>(texts: impl IntoIterator<Item = &'a str>) -> usize {
    texts.into_iter().map(UnicodeWidthStr::width).max().unwrap_or_default()
}

/// Rows of cells; the first column is flush left, the others right.
#[derive(Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
    /// A line is drawn before these rows.
    rules: Vec<usize>,
}

impl Table {
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    pub fn rule(&mut self) {
        self.rules.push(self.rows.len());
    }

    /// The table as text, the head in bold.
    #[must_use]
    pub fn draw(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let widths: Vec<usize> =
            (0..columns).map(|at| self.rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.width()).max().unwrap_or(0)).collect();
        let bold = Style::new().bold();
        let faint = Style::new().dimmed();
        let mut out = String::new();
        for (nth, row) in self.rows.iter().enumerate() {
            if self.rules.contains(&nth) {
                let line: usize = widths.iter().map(|width| width + 2).sum();
                out += &format!("  {faint}{}{faint:#}\n", "─".repeat(line.saturating_sub(2)));
            }
            let mut line = String::new();
            for (at, cell) in row.iter().enumerate() {
                let pad = " ".repeat(widths[at].saturating_sub(cell.width()));
                let cell = if cell == "0" { format!("{faint}·{faint:#}") } else { cell.clone() };
                line += &if at == 0 { format!("  {cell}{pad}") } else { format!("  {pad}{cell}") };
            }
            let line = line.trim_end();
            out += &if nth == 0 { format!("{bold}{line}{bold:#}\n") } else { format!("{line}\n") };
        }
        out
    }
}
