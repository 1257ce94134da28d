//! The variants of a campaign: names of folders, and shares that are all of its people together.

use super::super::report::{At, Report};
use super::super::words;
use super::super::written::{Entries, Key, Scalar};
use super::kinds;
use crate::domain::campaign::Variant;

pub fn all(key: &Key<Entries<Scalar>>, report: &mut Report) -> Vec<Variant> {
    let Some(At { span, value: entries }) = report.get(key, "variants") else { return Vec::new() };
    let before = report.found.len();
    let mut variants = Vec::new();
    let mut sum = 0.0;
    for entry in &entries.0 {
        if !words::is_name(&entry.name) {
            let help = "use at most 64 of a-z, 0-9, _ and -; it names a folder of templates";
            report.add(entry.span, format!("a variant cannot be named {}", words::quote(&entry.name)), "not a plain name", help);
        }
        let Some(value) = report.get(&entry.value, &entry.name) else { continue };
        match kinds::percent_of(value.value) {
            Ok(Some(percent)) => {
                sum += percent;
                variants.push(Variant { name: entry.name.clone(), share: percent / 100.0 });
            }
            Ok(None) => report.add(value.span, "a variant of 0% is for nobody", "nobody", "take it out"),
            Err(why) => report.add(value.span, format!("the share of a variant cannot be: {why}"), "a share", "write it like \"50%\""),
        }
    }
    if before == report.found.len() && (sum - 100.0).abs() > 1e-6 {
        let message = format!("the shares of `variants` are {}% together", (sum * 1e4).round() / 1e4);
        report.add(span, message, "not 100%", "let them be 100% together: { a = \"50%\", b = \"50%\" }");
    }
    if let ([only], true) = (variants.as_slice(), before == report.found.len()) {
        let message = format!("`variants` has only `{}`", only.name);
        report.add(span, message, "nothing to compare it with", "add another one, or take `variants` out");
    }
    variants
}
