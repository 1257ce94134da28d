//! A mail in its frame: the copy that is shown, which can do nothing, and what is to be said of it.

use super::page::Refusal;
use crate::domain::job::Language;
use crate::pipeline::studio::{LEADS, quiet};
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};

/// A mail's HTML as a document of its own, which can run nothing, send nothing and, unless it is asked for, load nothing.
pub(super) fn framed(html: &str, dark: bool, remote: bool) -> Response {
    let pictures = if remote { "data: https: http:" } else { "data:" };
    let policy = format!(
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src {pictures}; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'self'"
    );
    let (html, _) = quiet(html);
    let html = if html.contains(LEADS) { before_all(&html, &looks_of_links()) } else { html.into_owned() };
    let html = if dark { in_the_dark(&html) } else { html };
    let headers = [(header::CONTENT_SECURITY_POLICY, policy), (header::REFERRER_POLICY, "no-referrer".to_owned())];
    (headers, Html(html)).into_response()
}

/// How a browser shows links, for those of the copy, which are none to it: whatever the mail's own styles say goes before.
fn looks_of_links() -> String {
    format!(
        "<style>@namespace \"http://www.w3.org/1999/xhtml\";@layer rankmail{{a[{LEADS}]{{color:LinkText;text-decoration:underline;cursor:pointer}}}}</style>"
    )
}

/// The copy of a mail that a program in dark mode would show: its rules for the dark hold, those for the light do not. The browser's own
/// mode cannot be asked for, since it is the reader's; so the questions in this copy are answered. The mail that is sent stays as it is.
fn in_the_dark(html: &str) -> String {
    let mut out = String::new();
    // The mail's own declaration would take this one back.
    let mut rest = html;
    while let Some(at) = rest.find("prefers-color-scheme") {
        let (before, question) = rest.split_at(at);
        let behind = question.get("prefers-color-scheme".len()..).unwrap_or_default();
        let answer = asked(behind).and_then(|(word, behind)| match word {
            "dark" => Some(("min-width: 0", behind)),
            "light" => Some(("max-width: 0", behind)),
            _ => None,
        });
        out.push_str(before);
        let (holds, behind) = answer.unwrap_or(("prefers-color-scheme", behind));
        out.push_str(holds);
        rest = behind;
    }
    out.push_str(rest);
    before_all(&out, "<meta name=\"color-scheme\" content=\"dark\">")
}

/// A document with something before whatever else is in its head.
fn before_all(html: &str, first: &str) -> String {
    // A document type must stand first, or the browser falls back to the rules of 1998.
    let kind = html.trim_start();
    let is_kind = kind.get(..9).is_some_and(|begin| begin.eq_ignore_ascii_case("<!doctype"));
    let behind_kind = || kind.find('>').filter(|_| is_kind).map(|end| html.len() - kind.len() + end + 1);
    let at = html.find("<head>").map(|at| at + "<head>".len()).or_else(behind_kind).unwrap_or(0);
    let (before, behind) = html.split_at(at);
    format!("{before}{first}{behind}")
}

/// Why there is no mail, in the frame where it would be.
pub(super) fn framed_refusal(refusal: &Refusal, language: Language) -> Response {
    let told = refusal.told(language).replace('&', "&amp;").replace('<', "&lt;");
    (refusal.status, framed(&format!("<!DOCTYPE html><p>{told}</p>"), false, false)).into_response()
}

/// What the copy in the frame does not show as an inbox would, for people.
pub(super) fn notes(html: &str, dark: bool, language: Language) -> Vec<String> {
    let (_, left_out) = quiet(html);
    let left_out = (!left_out.is_empty()).then(|| {
        let names = left_out.join(", ");
        language.pick(
            format!(
                "ここでの表示からは、外部に接続する要素を除いています: {names}。メールそのものは変わりません（ソースで確認できます）。"
            ),
            format!("Left out of what is shown here, since it calls elsewhere: {names}. The mail itself has it; see its source."),
        )
    });
    let no_dark = (dark && !html.is_empty() && !has_rules_for_the_dark(html)).then(|| {
        language.pick(
            "このメールにはダークモード用の指定（prefers-color-scheme: dark）がありません。下は色の指定がない部分だけが暗くなった表示です。色を自動で反転するメールソフトもあります。".to_owned(),
            "This mail has no rules of its own for dark mode (prefers-color-scheme: dark): below, only what has no colour is dark. Some programs turn \
             its colours round by themselves.".to_owned(),
        )
    });
    left_out.into_iter().chain(no_dark).collect()
}

fn has_rules_for_the_dark(html: &str) -> bool {
    html.split("prefers-color-scheme").skip(1).any(|behind| asked(behind).is_some_and(|(word, _)| word == "dark"))
}

/// Which colours are asked for behind the name of the question, and what stands behind that.
fn asked(behind: &str) -> Option<(&str, &str)> {
    let asked = behind.trim_start().strip_prefix(':')?.trim_start();
    let word = asked.split(')').next()?;
    Some((word.trim(), asked.get(word.len()..)?))
}

#[cfg(test)]
mod tests {
    use super::in_the_dark;

    #[test]
    fn rules_for_the_dark_hold_in_the_copy() {
        let mail = "<!DOCTYPE html><html><head><style>@media (prefers-color-scheme: dark) { p { color: #fff } } \
                    @media screen and (prefers-color-scheme:light){}</style></head><p>prefers-color-scheme, of course</p></html>";
        let dark = in_the_dark(mail);
        assert!(dark.starts_with("<!DOCTYPE html><html><head><meta name=\"color-scheme\" content=\"dark\"><style>"), "{dark}");
        assert!(dark.contains("@media (min-width: 0) {") && dark.contains("and (max-width: 0){"), "{dark}");
        assert!(dark.contains("<p>prefers-color-scheme, of course</p>"), "{dark}");
        assert!(in_the_dark("<p>x</p>").ends_with("<p>x</p>"));
        assert!(in_the_dark("\n<!doctype html>\n<p>x</p>").starts_with("\n<!doctype html><meta name"));
    }
}
