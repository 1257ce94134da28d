//! `dkim` in `[mail.smtp]`.

use super::super::file::{DkimFile, SmtpFile};
use super::super::report::{At, Report};
use super::super::words;
use super::super::written::{Key, Span};
use super::mail::is_domain;
use crate::domain::job::DkimKey;
use std::path::Path;

/// The keys that sign mails of `from`, the address that readers see.
pub fn keys(file: &SmtpFile, from: Option<&str>, folder: &Path, report: &mut Report) -> Vec<DkimKey> {
    let Some(At { span, value: list }) = report.get(&file.dkim, "dkim") else { return Vec::new() };
    if cfg!(not(feature = "dkim")) {
        report.add(span, "this rankmail cannot sign mails", "needs DKIM", "build it with `--features dkim`, or let the relay sign");
    }
    let from = from.and_then(|from| from.trim_end_matches('>').rsplit_once('@')).map(|(_, domain)| domain);
    let mut keys: Vec<DkimKey> = Vec::new();
    for item in list {
        let Some(At { span, value }) = report.get(item, "dkim") else { continue };
        let Some(key) = one(span, value, from, folder, report) else { continue };
        if keys.iter().any(|other| (&other.selector, &other.domain) == (&key.selector, &key.domain)) {
            report.add(span, format!("`dkim` names the selector {} twice", words::quote(&key.selector)), "a second one", "take it out");
        }
        keys.push(key);
    }
    keys
}

fn one(span: Span, file: &DkimFile, from: Option<&str>, folder: &Path, report: &mut Report) -> Option<DkimKey> {
    let selector = report.needed(&file.selector, span, "selector", "write selector = \"s1\", under which the DNS has the public key");
    let path = report.needed(&file.key_file, span, "key_file", "write key_file = \"dkim.pem\", the private key");
    let selector = selector.filter(|At { span, value }| {
        // A selector may have dots, and one label is enough.
        let sound = is_domain(&format!("{value}.x"));
        if !sound {
            report.add(*span, format!("`selector` cannot be {}", words::quote(value)), "not a name in the DNS", "write it like \"s1\"");
        }
        sound
    });
    let domain = match &file.domain {
        Key::Absent => from?.to_owned(),
        key => {
            let At { span, value } = report.line(key, "domain")?;
            let from = from?;
            if !aligned(value, from) {
                let help = format!("write the domain of `from`, {}, or leave it out", words::plain(from));
                report.add(span, "this key signs for another domain than the mails come from", "helps no mail of this job", help);
            }
            value.to_owned()
        }
    };
    Some(DkimKey { domain: domain.to_lowercase(), selector: selector?.value.to_owned(), file: folder.join(path?.value) })
}

/// Whether a signature of a domain says something about an address of another: it is the same or above it.
fn aligned(domain: &str, from: &str) -> bool {
    let (domain, from) = (domain.to_lowercase(), from.to_lowercase());
    is_domain(&domain) && (from == domain || from.strip_suffix(domain.as_str()).is_some_and(|rest| rest.ends_with('.')))
}
