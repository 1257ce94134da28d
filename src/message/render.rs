//! Renders one mail's parts from its values.

use super::templates::{Parts, Templates};
use super::{Content, plain};
use crate::domain::Value;
use std::io::{self, Write};
use tera::{Context, ErrorKind};

/// No rendered part may be larger, in bytes.
const LARGEST: usize = 1 << 20;

/// Why a mail cannot be rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct RenderError {
    /// Relative to the template folder.
    pub file: String,
    /// From 1; 0 where no line is to blame.
    pub line: usize,
    /// In characters, from 1; 0 where no line is to blame.
    pub column: usize,
    pub message: String,
}

impl Templates {
    /// Renders a campaign's mail for a variant and a rank: with their own files where there are some. What never goes by mail may lack any part. `values` are those of
    /// [`values`](super::values), also after a way through JSON; `shop` is the job's `[shop]`.
    ///
    /// # Errors
    /// A value that is missing or of the wrong kind, an empty subject, more than 1 MiB, or an unknown campaign.
    pub fn render(
        &self,
        campaign: &str,
        variant: Option<&str>,
        rank: Option<&str>,
        values: &Value,
        shop: &[(String, String)],
    ) -> Result<Content, RenderError> {
        self.mail(self.parts(campaign, variant, rank)?, self.context(values, shop), false)
    }

    /// The same, by a short way where earlier mails have shown one, and by the long way where `is_right` says that the short one went
    /// wrong; `None` where it says so of both.
    ///
    /// # Errors
    /// As for `render`.
    pub fn render_right(
        &self,
        campaign: &str,
        variant: Option<&str>,
        rank: Option<&str>,
        values: &Value,
        shop: &[(String, String)],
        is_right: impl Fn(&Content) -> bool,
    ) -> Result<Option<Content>, RenderError> {
        let parts = self.parts(campaign, variant, rank)?;
        let content = self.mail(parts, self.context(values, shop), true)?;
        if is_right(&content) {
            return Ok(Some(content));
        }
        Ok(Some(self.mail(parts, self.context(values, shop), false)?).filter(is_right))
    }

    /// The values as Tera wants them. The shop is the same in most mails, so it is kept.
    fn context(&self, values: &Value, shop: &[(String, String)]) -> Context {
        let mut context = Context::new();
        if let Value::Record(fields) = values {
            for (name, value) in fields.iter().filter(|(_, value)| *value != Value::Null) {
                context.insert_value(name.clone(), to_tera(value));
            }
        }
        let as_map = || {
            let fields = shop.iter().map(|(name, value)| (name.clone().into(), tera::Value::from(value.as_str())));
            tera::Value::from(fields.collect::<tera::Map>())
        };
        let (kept, map) = self.shop.get_or_init(|| (shop.to_vec(), as_map()));
        context.insert_value("shop", if kept == shop { map.clone() } else { as_map() });
        context
    }

    /// The files of a mail.
    fn parts(&self, campaign: &str, variant: Option<&str>, rank: Option<&str>) -> Result<&Parts, RenderError> {
        let Some(files) = self.campaigns.get(campaign) else {
            return Err(of_file(campaign, "these templates hold no such campaign".into()));
        };
        let Some(set) = variant.map_or(Some(&files.set), |variant| files.variants.get(variant)) else {
            return Err(of_file(campaign, format!("these templates hold no variant `{}` of it", variant.unwrap_or_default())));
        };
        Ok(rank.and_then(|rank| set.ranks.get(rank)).unwrap_or(&set.usual))
    }

    fn mail(&self, parts: &Parts, mut context: Context, short: bool) -> Result<Content, RenderError> {
        let subject = match &parts.subject {
            Some(name) => one_line(&self.part(name, &context)?),
            None => String::new(),
        };
        if let Some(name) = parts.subject.as_ref().filter(|_| subject.is_empty()) {
            return Err(of_file(name, "the subject is empty for this customer".into()));
        }
        let preheader = match &parts.preheader {
            Some(name) => Some(one_line(&self.part(name, &context)?)).filter(|text| !text.is_empty()),
            None => None,
        };
        context.insert_value("subject", tera::Value::from(subject.as_str()));
        if let Some(preheader) = &preheader {
            context.insert_value("preheader", tera::Value::from(preheader.as_str()));
        }
        let (html, text) = self.bodies(parts, context, short)?;
        Ok(Content { subject, preheader, html, text })
    }

    /// The HTML part and the text part; either is empty where the campaign has no such template.
    fn bodies(&self, parts: &Parts, mut context: Context, short: bool) -> Result<(String, String), RenderError> {
        let mut html = match &parts.html {
            Some(name) => self.part(name, &context)?,
            None => String::new(),
        };
        let text = match (&parts.text, &parts.html) {
            (Some(name), _) => plain::tidy(&self.part(name, &context)?),
            (None, Some(name)) if context.remove("preheader").is_some() => {
                // The hidden line would stand visibly at the top of the text, so the text is made from a mail without it.
                self.text(name, &self.part(name, &context)?, short)?
            }
            (None, Some(name)) => self.text(name, &html, short)?,
            (None, None) => plain::tidy(""),
        };
        if let (Some(inliner), Some(name)) = (&self.inliner, &parts.html) {
            html = inliner.inline(&html).map_err(|error| of_file(name, format!("its styles cannot be moved inline: {error}")))?;
        }
        Ok((html, text))
    }

    /// The text of an HTML part.
    fn text(&self, name: &str, html: &str, short: bool) -> Result<String, RenderError> {
        let long = |html: &str| plain::from_html(html).map(|text| plain::tidy(&text)).map_err(|message| of_file(name, message));
        if short { self.moulds.text(name, html, long) } else { long(html) }
    }

    /// One file, rendered.
    fn part(&self, name: &str, context: &Context) -> Result<String, RenderError> {
        let mut out = Limited { bytes: Vec::with_capacity(8_192) };
        self.tera.render_to(name, context, &mut out).map_err(|error| self.explain(name, &error))?;
        String::from_utf8(out.bytes).map_err(|_| of_file(name, "it rendered to something that is not UTF-8".into()))
    }

    /// Tera's error with its place, in words for a marketer.
    fn explain(&self, name: &str, error: &tera::Error) -> RenderError {
        match error.kind() {
            ErrorKind::RenderingError(report) => {
                let span = report.span();
                let source = self.sources.get(report.filename()).map(String::as_str).unwrap_or_default();
                let written = path_around(source, &span.range);
                let message = missing(report.message(), written).unwrap_or_else(|| format!("{}, at `{written}`", report.message()));
                let before =
                    written.chars().count().saturating_sub(source.get(span.range.clone()).unwrap_or_default().trim().chars().count());
                let column = (span.start_col + 1).saturating_sub(before);
                RenderError { file: report.filename().to_owned(), line: span.start_line, column, message }
            }
            ErrorKind::Io(_) => of_file(name, format!("it renders to more than {} KiB", LARGEST >> 10)),
            _ => of_file(name, error.to_string()),
        }
    }
}

fn of_file(file: &str, message: String) -> RenderError {
    RenderError { file: file.to_owned(), line: 0, column: 0, message }
}

/// A buffer that refuses to grow beyond the limit, so that a loop in a template cannot fill the memory.
struct Limited {
    bytes: Vec<u8>,
}

impl Write for Limited {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + part.len() > LARGEST {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        self.bytes.extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The words for a value that is not there; `None` when the error is another.
fn missing(message: &str, written: &str) -> Option<String> {
    let named = |kind: &str| message.strip_prefix(kind)?.split('`').next();
    let unnamed = message.starts_with("Tried to render a variable that is undefined");
    match named("Field `") {
        Some(field) if !written.ends_with(field) => {
            Some(format!("`{written}` has no value here, so there is no `{field}` in it; put `{{% if {written} %}}` around it"))
        }
        None if !unnamed && named("Variable `").is_none() => None,
        _ if !written.contains('.') => Some(format!("`{written}` has no value here; put `{{% if {written} %}}` around it")),
        _ => Some(format!("`{written}` has no value here; write `{{{{ {written} or \"…\" }}}}`, or put `{{% if {written} %}}` around it")),
    }
}

/// The dotted path of which a span is a part: Tera points at its last name only.
fn path_around<'s>(source: &'s str, span: &std::ops::Range<usize>) -> &'s str {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.?".contains(byte);
    let before = source.as_bytes().get(..span.start).unwrap_or_default();
    let start = span.start - before.iter().rev().take_while(|byte| part(byte)).count();
    source.get(start..span.end).unwrap_or_default().trim()
}

/// A null within a record is left out of it: then to write it is an error, and `{% if %}` and `or` may still ask for it. (Tera writes
/// an undefined value that is in a map as nothing.)
fn to_tera(value: &Value) -> tera::Value {
    match value {
        Value::Null => tera::Value::undefined(),
        Value::Bool(truth) => tera::Value::from(*truth),
        Value::Int(number) => tera::Value::from(*number),
        Value::Float(number) => tera::Value::from(*number),
        Value::Text(text) => tera::Value::from(text.as_str()),
        Value::Date(day) => tera::Value::from(day.to_string()),
        Value::List(items) => tera::Value::from(items.iter().map(to_tera).collect::<Vec<_>>()),
        Value::Record(fields) => {
            let there = fields.iter().filter(|(_, field)| *field != Value::Null);
            let fields: tera::Map = there.map(|(name, field)| (name.clone().into(), to_tera(field))).collect();
            tera::Value::from(fields)
        }
    }
}

/// Text as one trimmed line: breaks and control characters become spaces, spaces do not pile up.
fn one_line(text: &str) -> String {
    let spaced: String = text.chars().map(|character| if breaks(character) { ' ' } else { character }).collect();
    let mut out = String::with_capacity(spaced.len());
    for word in spaced.split(' ').filter(|word| !word.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// Control characters, and the two of Unicode that break lines.
fn breaks(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_one_line() {
        assert_eq!(one_line("  a\r\nBcc: b\u{2028}\u{7f} c\n"), "a Bcc: b c");
        assert_eq!(one_line("全角　の空白"), "全角　の空白");
    }

    #[test]
    fn the_buffer_has_an_end() {
        let mut out = Limited { bytes: Vec::new() };
        assert!(out.write_all(&vec![b'a'; LARGEST]).is_ok());
        assert!(out.write_all(b"a").is_err());
    }
}
