//! Renders one mail's parts from its values.

use super::limits;
use super::needed::Needed;
use super::reading::Reading;
use super::space;
use super::stencils;
use super::templates::{Campaign, Parts, Templates};
use super::{Content, plain};
use crate::domain::{DayText, Value};
use serde::ser::{Serialize, SerializeStruct, Serializer};
use std::borrow::Cow;
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
        let files = self.campaigns.get(campaign).ok_or_else(|| of_file(campaign, "these templates hold no such campaign".into()))?;
        self.mail(parts((campaign, files), variant, rank)?, self.context(values, &files.needed, shop))
    }

    /// What of the values is needed, as Tera wants it. The shop is the same in most mails, so it is kept.
    fn context(&self, values: &Value, needed: &Needed, shop: &[(String, String)]) -> Context {
        let mut context = Context::new();
        if let Value::Record(fields) = values {
            for (name, value) in fields.iter().filter(|(_, value)| !matches!(value, Value::Null)) {
                if let Some(needed) = needed.field(name) {
                    context.insert_value(name.clone(), Used(value, needed).to_tera());
                }
            }
        }
        let field = |(name, value): &(String, String)| (tera::value::Key::from(name.clone()), tera::Value::from(value.as_str()));
        let as_map = || tera::Value::from(shop.iter().map(field).collect::<tera::Map>());
        let (kept, known) = self.shop.get_or_init(|| (shop.to_vec(), as_map()));
        context.insert_value("shop", if kept == shop { known.clone() } else { as_map() });
        context
    }

    fn mail(&self, parts: &Parts, mut context: Context) -> Result<Content, RenderError> {
        let subject = match &parts.subject {
            Some(name) => self.line(name, &context)?,
            None => String::new(),
        };
        if let Some(name) = parts.subject.as_ref().filter(|_| subject.is_empty()) {
            return Err(of_file(name, "the subject is empty for this customer".into()));
        }
        let preheader = match &parts.preheader {
            Some(name) => Some(self.line(name, &context)?).filter(|text| !text.is_empty()),
            None => None,
        };
        context.insert_value("subject", tera::Value::from(subject.as_str()));
        if let Some(preheader) = &preheader {
            context.insert_value("preheader", tera::Value::from(preheader.as_str()));
        }
        let mut html = match &parts.html {
            Some(name) => self.part(name, &context)?,
            None => String::new(),
        };
        let (text, is_mirror) = match (&parts.text, &parts.html) {
            (Some(name), _) => (plain::tidy(&self.part(name, &context)?), false),
            (None, Some(name)) => self.text(name, &html, preheader.as_deref(), context)?,
            (None, None) => (plain::tidy(""), false),
        };
        if let (Some(inliner), Some(name)) = (&self.inliner, &parts.html) {
            html = inliner.inline(&html).map_err(|error| of_file(name, format!("its styles cannot be moved inline: {error}")))?;
        }
        // What the rules of styles make of the HTML was not read.
        let is_mirror = is_mirror && self.inliner.is_none();
        Ok(Content { subject, preheader, html, text, is_mirror })
    }

    /// The text of an HTML part, and whether it shows nothing but what that shows.
    fn text(&self, name: &str, html: &str, preheader: Option<&str>, mut context: Context) -> Result<(String, bool), RenderError> {
        // Most often nothing else is hidden.
        let is_in = |hidden: &str, preheader: &str| hidden.ends_with(preheader) || hidden.contains(preheader);
        let is_hidden = |reading: &Reading| preheader.is_none_or(|preheader| is_in(&reading.hidden, preheader));
        match self.stencils.read(name, html) {
            Some(reading) if is_hidden(&reading) => return Ok((reading.text, reading.is_mirror)),
            _ if preheader.is_none() => return Ok((long_text(name, html)?, false)),
            _ => {}
        }
        // What an inbox shows after the subject would stand visibly at the top of the text.
        context.remove("preheader");
        let html = self.part(name, &context)?;
        let text = stencils::whole(&html).map_or_else(|| long_text(name, &html), |reading| Ok(reading.text))?;
        Ok((text, false))
    }

    /// One file, rendered to a line.
    fn line(&self, name: &str, context: &Context) -> Result<String, RenderError> {
        let part = self.part(name, context)?;
        let line = one_line(&part);
        space::keep(part);
        Ok(line)
    }

    /// One file, rendered.
    fn part(&self, name: &str, context: &Context) -> Result<String, RenderError> {
        space::with(|bytes| {
            let mut out = Limited { bytes };
            self.tera.render_to(name, context, &mut out).map_err(|error| self.explain(name, &error))?;
            let text = simdutf8::basic::from_utf8(bytes).map_err(|_| of_file(name, "it rendered to something that is not UTF-8".into()))?;
            let mut part = space::text();
            part.push_str(text);
            Ok(part)
        })
    }

    /// Tera's error with its place, in words for a marketer.
    fn explain(&self, name: &str, error: &tera::Error) -> RenderError {
        match error.kind() {
            ErrorKind::RenderingError(report) => {
                let span = report.span();
                let file = report.filename();
                let marked = self.marks.as_ref().and_then(|(marks, texts)| Some((marks, texts.get(file)?)));
                let source = marked.map(|(_, text)| text).or_else(|| self.sources.get(file)).map(String::as_str).unwrap_or_default();
                let marks = marked.map_or(0, |(marks, text)| marks.before(file, text, span.range.start));
                if let Some(reason) = limits::reason(report.message()) {
                    // Of its own marks there is nothing to be shown.
                    let column = (span.start_col + 1).saturating_sub(marks);
                    return RenderError { file: file.to_owned(), line: span.start_line, column, message: reason.to_owned() };
                }
                let written = path_around(source, &span.range);
                let message = missing(report.message(), written).unwrap_or_else(|| format!("{}, at `{written}`", report.message()));
                let before =
                    written.chars().count().saturating_sub(source.get(span.range.clone()).unwrap_or_default().trim().chars().count());
                let column = (span.start_col + 1).saturating_sub(before + marks);
                RenderError { file: file.to_owned(), line: span.start_line, column, message }
            }
            ErrorKind::Io(_) => {
                let large = || format!("it renders to more than {} KiB", LARGEST >> 10);
                of_file(name, limits::over().map_or_else(large, str::to_owned))
            }
            _ => of_file(name, error.to_string()),
        }
    }
}

/// The files of a mail.
fn parts<'t>((name, files): (&str, &'t Campaign), variant: Option<&str>, rank: Option<&str>) -> Result<&'t Parts, RenderError> {
    let Some(set) = variant.map_or(Some(&files.set), |variant| files.variants.get(variant)) else {
        return Err(of_file(name, format!("these templates hold no variant `{}` of it", variant.unwrap_or_default())));
    };
    Ok(rank.and_then(|rank| set.ranks.get(rank)).unwrap_or(&set.usual))
}

/// The text of an HTML part to which no short way leads.
fn long_text(name: &str, html: &str) -> Result<String, RenderError> {
    plain::from_html(html).map(|text| plain::tidy(&text)).map_err(|message| of_file(name, message))
}

fn of_file(file: &str, message: String) -> RenderError {
    RenderError { file: file.to_owned(), line: 0, column: 0, message }
}

/// A buffer that refuses to grow beyond the limit, so that a loop in a template cannot fill the memory.
struct Limited<'s> {
    bytes: &'s mut Vec<u8>,
}

impl Write for Limited<'_> {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + part.len() > LARGEST || limits::over().is_some() {
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

/// What of a value is needed. A null within a record is left out of it: then to write it is an error, and `{% if %}` and `or` may still
/// ask for it. (Tera writes an undefined value that is in a map as nothing.)
struct Used<'v>(&'v Value, &'v Needed);

impl Used<'_> {
    /// Tera makes each map once of what serde tells it, and twice of a map that it is given.
    fn to_tera(&self) -> tera::Value {
        tera::Value::try_from_serializable(self).unwrap_or_else(|_| tera::Value::undefined())
    }
}

impl Serialize for Used<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let Self(value, needed) = self;
        match value {
            Value::Null => tera::Value::undefined().serialize(out),
            Value::Bool(truth) => out.serialize_bool(*truth),
            Value::Int(number) => out.serialize_i64(*number),
            Value::Float(number) => out.serialize_f64(*number),
            Value::Text(text) => out.serialize_str(text),
            Value::Date(day) => match DayText::of(*day) {
                Some(text) => out.serialize_str(text.as_str()),
                None => out.collect_str(day),
            },
            Value::List(items) => out.collect_seq(items.iter().map(|item| Used(item, needed))),
            Value::Record(fields) => {
                let there = fields.iter().filter(|(_, field)| !matches!(field, Value::Null));
                let most = needed.fields().unwrap_or(fields.len());
                let used = there.filter_map(|(name, field)| Some((name, Used(field, needed.field(name)?))));
                // Names of our own stay where they are.
                if used.clone().all(|(name, _)| matches!(name, Cow::Borrowed(_))) {
                    let mut map = out.serialize_struct("record", most)?;
                    for (name, part) in used {
                        if let Cow::Borrowed(name) = name {
                            map.serialize_field(name, &part)?;
                        }
                    }
                    return map.end();
                }
                out.collect_map(used)
            }
        }
    }
}

/// Text as one trimmed line: breaks and control characters become spaces, spaces do not pile up.
fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split(|character| character == ' ' || breaks(character)).filter(|word| !word.is_empty()) {
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
    use super::super::Names;
    use super::*;
    use crate::domain::Currency;
    use crate::domain::job::Language;

    #[test]
    fn a_subject_is_one_line() {
        assert_eq!(one_line("  a\r\nBcc: b\u{2028}\u{7f} c\n"), "a Bcc: b c");
        assert_eq!(one_line("全角　の空白"), "全角　の空白");
    }

    /// A mail of this HTML with the preheader `Look: A & B`. Templates that are given all that there is make the same of it.
    fn mail(html: &str) -> Content {
        let names = Names {
            customer: None,
            shop: Vec::new(),
            without_mail: Vec::new(),
            elsewhere: Vec::new(),
            variants: Vec::new(),
            currency: Currency { code: "JPY".into(), digits: 0 },
            language: Language::Ja,
        };
        let files = [("letter/subject.txt", "Hello"), ("letter/preheader.txt", "Look: {{ customer.name }}"), ("letter/body.html", html)];
        let files = files.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()));
        let mut templates = Templates::given(&files, &["letter".to_owned()], &[], &names).unwrap_or_else(|error| panic!("{error}"));
        let text = |name: &'static str, text: &str| (name.into(), Value::Text(text.into()));
        let tags = Value::List(vec![Value::Text("tea".into()), Value::Text("cup".into())]);
        let customer = Value::Record(vec![text("name", "A & B"), text("tel.home", "075"), text("city", "京都"), ("tags".into(), tags)]);
        let order = Value::Record(vec![text("date", "2026-11-01"), text("store", "Gion")]);
        let metrics = Value::Record(vec![("orders".into(), Value::Int(3))]);
        let values = Value::Record(vec![("customer".into(), customer), ("last_order".into(), order), ("metrics".into(), metrics)]);
        let needed = templates.render("letter", None, None, &values, &[]).unwrap_or_else(|error| panic!("{html}: {error}"));
        templates.campaigns.get_mut("letter").unwrap().needed = Needed::Whole;
        assert_eq!(templates.render("letter", None, None, &values, &[]), Ok(needed.clone()), "{html}");
        needed
    }

    #[test]
    fn a_preheader_that_is_hidden_is_not_in_the_text() {
        let hidden = "<div style=\"Display: none\">{{ preheader }}</div><p>Dear</p><p style=\"display:none\">no</p>";
        let seen = mail(hidden);
        assert!(seen.html.contains("Look: A &amp; B") && seen.is_mirror);
        assert_eq!(seen.text, "Dear\n");
        // The long way, for a `<p>` in a `<p>`; a preheader that is shown; one that is hidden in another way.
        for (html, wanted) in [
            ("<div style='display:none'>{{ preheader or '' }}</div><p>Dear<p>you</p><p style='display:none'>no</p>", "Dear\n\nyou\n"),
            ("{% if preheader %}<p>{{ preheader }}</p>{% endif %}<p>Dear</p><p style='display:none'>no</p>", "Dear\n"),
            ("<p style='max-height:0'>{{ preheader or '' }}</p><p>Dear</p>", "Dear\n"),
        ] {
            let content = mail(html);
            assert_eq!((content.text.as_str(), content.is_mirror), (wanted, false), "{html}");
        }
        // One that is shown and hidden as well is there to be read.
        assert_eq!(mail("<p style='display:none'>{{ preheader }}</p><p>{{ preheader }}</p>").text, "Look: A & B\n");
    }

    #[test]
    fn whatever_a_template_uses_is_there() {
        for (html, wanted) in [
            (r#"<p>{{ customer.city }}{{ customer["tel.home"] }}</p>"#, "京都075\n"),
            ("{% set one = customer %}<p>{{ one.city }}</p>", "京都\n"),
            (r#"<p>{{ customer["city"] }}{% if customer.name %}!{% endif %}</p>"#, "京都!\n"),
            ("<p>{% for key, value in customer %}{{ key }};{% endfor %}</p>", "name;tel.home;city;tags;\n"),
            (r#"<p>{% if customer.tags?[0] == "tea" %}TEA{% else %}NONE{% endif %}</p>"#, "TEA\n"),
            (r#"<p>{{ customer.tags[1:] | join(sep="/") }}{{ customer.tags[0] }}</p>"#, "cuptea\n"),
            (r#"<p>{{ [customer.tags[0]] | join(sep="/") }}</p>"#, "tea\n"),
            (r#"<p>{% for key in ["city"] %}{{ customer[key] }}{% endfor %}</p>"#, "京都\n"),
            ("<p>{{ customer.city[0:1] }}</p>", "京\n"),
            (
                r#"{% if metrics.orders > 9 %}{% set last_order = "x" %}{% endif %}<p>{% if last_order %}R{% else %}NONE{% endif %}</p>"#,
                "R\n",
            ),
            (r#"{% for k in [] %}{% set_global last_order = "x" %}{% endfor %}<p>{{ last_order.store }}</p>"#, "Gion\n"),
            ("{% for customer in customer.tags %}{{ customer }}{% endfor %}<p>{{ customer.city }}</p>", "teacup\n\n京都\n"),
            (r#"<p>{{ [tag for tag in customer.tags if tag != "tea"] | join(sep="/") }}{{ customer.fax or "-" }}</p>"#, "cup-\n"),
            (r#"<p>{{ customer?.tags?[1] or "-" }}{{ last_order | length }}</p>"#, "cup2\n"),
            ("{% component one(who) %}{{ who.city }}{% endcomponent one %}<p>{{ <one who={customer}/> }}</p>", "京都\n"),
            ("{% component one(@customer) %}{{ customer.city }}{% endcomponent one %}<p>{{ <one/> }}</p>", "京都\n"),
        ] {
            assert_eq!(mail(html).text, wanted, "{html}");
        }
    }

    #[test]
    fn the_buffer_has_an_end() {
        let mut bytes = Vec::new();
        let mut out = Limited { bytes: &mut bytes };
        assert!(out.write_all(&vec![b'a'; LARGEST]).is_ok());
        assert!(out.write_all(b"a").is_err());
    }
}
