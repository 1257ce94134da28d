//! Filters of Tera's that can make very much of little, with an end: what they write is the same up to there.

use super::limits::{self, LARGEST};
use std::borrow::Cow;
use tera::{Error, Kwargs, State, StringInput, Tera, TeraResult, Value};

/// Puts them in the place of Tera's own.
pub(super) fn register(tera: &mut Tera) {
    tera.register_filter("replace", replace);
    tera.register_filter("join", join);
    tera.register_filter("indent", indent);
    tera.register_filter("unique", unique);
}

fn too_large(filter: &str) -> Error {
    Error::message(format!("`{filter}` makes more than {} KiB of this text", LARGEST >> 10))
}

/// A text as it is, or escaped, as Tera's filters do it where one of two is safe.
fn written<'t>(text: &'t StringInput, is_safe: bool, state: &State) -> TeraResult<Cow<'t, str>> {
    if is_safe { text.rendered(state) } else { Ok(Cow::Borrowed(text.as_str())) }
}

fn made(text: String, is_safe: bool) -> Value {
    if is_safe { Value::safe_string(&text) } else { Value::from(text) }
}

#[expect(clippy::needless_pass_by_value, reason = "Tera hands them over")]
fn replace(value: StringInput, options: Kwargs, state: &State) -> TeraResult<Value> {
    let (from, to) = (options.must_get::<&str>("from")?, options.must_get::<StringInput>("to")?);
    let is_safe = state.autoescaping_enabled() && (value.is_safe() || to.is_safe());
    let (text, to) = (written(&value, is_safe, state)?, written(&to, is_safe, state)?);
    let more = text.matches(from).count().saturating_mul(to.len().saturating_sub(from.len()));
    if text.len().saturating_add(more) > LARGEST {
        return Err(too_large("replace"));
    }
    Ok(made(text.replace(from, &to), is_safe))
}

#[expect(clippy::needless_pass_by_value, reason = "Tera hands them over")]
fn join(members: &[Value], options: Kwargs, state: &State) -> TeraResult<Value> {
    let between = options.get::<StringInput>("sep")?;
    let has_safe = || members.iter().any(|member| member.is_string() && member.is_safe());
    let is_safe = state.autoescaping_enabled() && (between.as_ref().is_some_and(StringInput::is_safe) || has_safe());
    let between = between.as_ref().map_or(Ok(Cow::Borrowed("")), |between| written(between, is_safe, state))?;
    let mut text = String::new();
    for (at, member) in members.iter().enumerate() {
        // What is written of it is about as long as that.
        let length = limits::weigh(member, LARGEST).map_err(|_| too_large("join"))?;
        if text.len() + between.len() + length > 2 * LARGEST {
            return Err(too_large("join"));
        }
        if at > 0 {
            text.push_str(&between);
        }
        if !is_safe {
            text.push_str(&member.to_string());
        } else if !member.is_undefined() {
            text.push_str(&state.escape_if_needed(member)?);
        }
        if text.len() > LARGEST {
            return Err(too_large("join"));
        }
    }
    Ok(made(text, is_safe))
}

#[expect(clippy::needless_pass_by_value, reason = "Tera hands them over")]
fn indent(value: StringInput, options: Kwargs, state: &State) -> TeraResult<Value> {
    let width = options.get::<usize>("width")?.unwrap_or(4).min(1_000);
    let sign = options.get::<StringInput>("indentation")?;
    let (first, blank) = (options.get::<bool>("first")?.unwrap_or(false), options.get::<bool>("blank")?.unwrap_or(false));
    if sign.as_ref().is_some_and(|sign| sign.as_str().chars().count() != 1) {
        return Err(Error::message("The `indentation` argument must contain exactly one character"));
    }
    let is_safe = state.autoescaping_enabled() && (value.is_safe() || sign.as_ref().is_some_and(StringInput::is_safe));
    let text = written(&value, is_safe, state)?;
    let before = sign.as_ref().map_or(Ok(Cow::Borrowed(" ")), |sign| written(sign, is_safe, state))?.repeat(width);
    if text.len().saturating_add(text.lines().count().saturating_mul(before.len())) > LARGEST {
        return Err(too_large("indent"));
    }
    let mut indented = String::with_capacity(text.len() * 2);
    for (at, line) in text.lines().enumerate() {
        if at > 0 {
            indented.push('\n');
        }
        let is_moved = if at == 0 { first } else { blank || !line.is_empty() };
        if is_moved {
            indented.push_str(&before);
        }
        indented.push_str(line);
    }
    if text.ends_with('\n') {
        indented.push('\n');
    }
    Ok(made(indented, is_safe))
}

/// Each member is compared with all before it, which takes long for very many.
fn unique(members: &[Value], _: Kwargs, _: &State) -> TeraResult<Vec<Value>> {
    let mut kept: Vec<Value> = Vec::new();
    for member in members {
        limits::look()?;
        if !kept.contains(member) {
            kept.push(member.clone());
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_do_what_teras_do_and_have_an_end() {
        let (mut own, teras) = (Tera::default(), Tera::default());
        register(&mut own);
        for text in [
            "{{ \"a<b>&c\" | replace(from=\"b\", to=\"<i>\") }}",
            "{{ \"a<b>\" | safe | replace(from=\"b\", to=\"<i>\") }}",
            "{{ \"a<b>\" | replace(from=\"<\", to=\"&lt;\" | safe) }}",
            "{{ \"aaa\" | replace(from=\"\", to=\"-\") }}{{ \"\" | replace(from=\"a\", to=\"b\") }}",
            "{{ [1, \"<a>\", [2, \"b\"], true] | join(sep=\" <> \") }}|{{ [\"a\"] | join }}|{{ [] | join(sep=\",\") }}",
            "{{ [\"<a>\" | safe, \"<b>\", nothing?.at] | join(sep=\"<>\") }}{{ [\"<a>\"] | join(sep=\"<br>\" | safe) }}",
            "{{ \"<a>\n\nb\n\" | indent }}|{{ \"<a>\n\nb\" | safe | indent(width=2, first=true, blank=true) }}|{{ \"\" | indent(first=true) }}",
            "{{ \"a\nb\r\nc\" | indent(width=3, indentation=\">\") }}{{ \"\n\n\" | indent(blank=true) }}",
            "{{ [1, 2, 1, \"a\", \"a\", [1], [1]] | unique }}",
        ] {
            for name in ["a.html", "a.txt"] {
                let written = |tera: &Tera| {
                    let mut tera = tera.clone();
                    tera.add_raw_template(name, text).unwrap();
                    tera.render(name, &tera::Context::new()).unwrap()
                };
                assert_eq!(written(&own), written(&teras), "{name} {text}");
            }
        }
        let (many, long) = ("a".repeat(1_100), "b".repeat(1_000));
        for text in [
            format!("{{{{ \"{many}\" | replace(from=\"a\", to=\"{long}\") }}}}"),
            format!("{{{{ range(end=1100) | join(sep=\"{long}\") }}}}"),
            format!("{{{{ \"{}\" | indent(width=1000, blank=true) }}}}", "\n".repeat(1_100)),
        ] {
            own.add_raw_template("a.txt", &text).unwrap();
            let error = own.render("a.txt", &tera::Context::new()).unwrap_err();
            assert!(format!("{error:?}").contains("1024 KiB"), "{error:?}");
        }
    }
}
