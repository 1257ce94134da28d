//! `[mail]`, `[mail.smtp]` and `[brakes]`.

use super::super::file::{BrakesFile, MailFile, SmtpFile};
use super::super::report::{At, Report};
use super::super::words;
use super::super::written::{Key, Scalar, Span};
use crate::domain::Currency;
use crate::domain::job::{Brakes, MailSettings, OnInDoubt, SmtpSettings};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;

pub fn settings(key: &Key<MailFile>, top: Span, folder: &Path, report: &mut Report) -> Option<MailSettings> {
    if matches!(key, Key::Absent) {
        report.missing(top, "[mail]", "add [mail] with from and unsubscribe");
    }
    let At { span, value: file } = report.get(key, "mail")?;
    if matches!(file.from, Key::Absent) {
        report.missing(span, "from", "write from = \"Shop <hello@shop.example>\"");
    }
    let from = mailbox(&file.from, "from", report);
    let reply_to = mailbox(&file.reply_to, "reply_to", report);
    let help = "write unsubscribe = \"https://shop.example/u/{token}\"; every mail must have a way out";
    let unsubscribe = report.needed(&file.unsubscribe, span, "unsubscribe", help);
    if let Some(At { span, value }) = unsubscribe {
        let host = value.strip_prefix("https://").map(|rest| rest.split('/').next().unwrap_or(rest));
        if host.is_none_or(str::is_empty) {
            report.add(span, "`unsubscribe` is not an https address", "mail programs call it by themselves, over https only", help);
        } else if value.contains(|letter: char| letter.is_whitespace() || !letter.is_ascii() || "<>\"".contains(letter)) {
            report.add(span, "`unsubscribe` cannot stand in a header", "only plain letters, no blanks", "encode other letters as %XX");
        }
    }
    let list_id = report.line(&file.list_id, "list_id");
    if let Some(At { span, value }) = list_id
        && !is_domain(value)
    {
        report.add(
            span,
            format!("`list_id` cannot be {}", words::quote(value)),
            "not like a domain",
            "write it like \"monthly.shop.example\"",
        );
    }
    let test_to = report.lines(&file.test_to, "test_to").unwrap_or_default();
    for At { span, value } in &test_to {
        address(*span, value, "test_to", report);
    }
    let outbox = report.line(&file.outbox, "outbox").map(|path| folder.join(path.value));
    Some(MailSettings {
        from: from?,
        reply_to,
        unsubscribe: unsubscribe?.value.to_owned(),
        list_id: list_id.map(|list| list.value.to_owned()),
        test_to: test_to.into_iter().map(|to| to.value.to_owned()).collect(),
        outbox,
    })
}

/// `Name <address>`, or an address.
pub fn mailbox(key: &Key<String>, name: &str, report: &mut Report) -> Option<String> {
    let At { span, value } = report.line(key, name)?;
    let address_part = match value.split_once('<') {
        None => value.trim(),
        Some((display, rest)) => {
            let display = display.trim();
            let quoted = display.len() > 1 && display.starts_with('"') && display.ends_with('"');
            let inner = if quoted { display.get(1..display.len() - 1).unwrap_or_default() } else { display };
            // Outside quotes these letters mean something in a header; inside, only the quote itself does.
            let special = if quoted { &['"', '\\'][..] } else { &['"', '\\', '(', ')', ',', ':', ';', '>', '@', '[', ']'][..] };
            if inner.contains(special) {
                let help = "put the name into quotes: '\"Shop, Kyoto\" <hello@shop.example>'";
                report.add(span, format!("the name in `{name}` has letters that mean something in a header"), "in front of the <", help);
                return None;
            }
            let Some(inside) = rest.trim_end().strip_suffix('>') else {
                report.add(span, format!("`{name}` is not an address"), "the > is missing", "write it like \"Shop <hello@shop.example>\"");
                return None;
            };
            inside
        }
    };
    address(span, address_part, name, report).then(|| value.to_owned())
}

/// Whether a text is a plain mail address; if not, that is a problem.
fn address(span: Span, text: &str, name: &str, report: &mut Report) -> bool {
    let sound = text.rsplit_once('@').is_some_and(|(local, domain)| {
        let atom = |part: &str| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte))
        };
        local.len() <= 64 && local.split('.').all(atom) && is_domain(domain)
    });
    if !sound {
        let help = "write it like \"hello@shop.example\"; a domain with other letters is written in its xn-- form";
        report.add(span, format!("`{name}` is not an address: {}", words::quote(text)), "not a mail address", help);
    }
    sound
}

/// Labels of letters, digits and hyphens between dots; two of them at least.
fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(label)
}

pub fn smtp(key: Option<&Key<SmtpFile>>, report: &mut Report) -> Option<SmtpSettings> {
    let At { value: file, .. } = report.get(key?, "smtp")?;
    let url = report.line(&file.url, "url");
    if let Some(url) = url {
        loopback(url, report);
    }
    let return_path = report.line(&file.return_path, "return_path");
    if let Some(path) = return_path {
        address(path.span, path.value, "return_path", report);
    }
    let connections = report.whole(&file.connections, "connections", 1, 256).unwrap_or(8);
    let on_in_doubt = report.word(&file.on_in_doubt, "on_in_doubt", &[("hold", OnInDoubt::Hold), ("resend", OnInDoubt::Resend)]);
    let (mut every, mut lasting) = (300, 172_800);
    if let Some(At { span, value: retry }) = report.get(&file.retry, "retry") {
        every = time(&retry.every, "every", report).unwrap_or(every);
        lasting = time(&retry.lasting, "for", report).unwrap_or(lasting);
        if every > lasting {
            report.add(span, "`retry` gives up before it tries again", "`every` is longer than `for`", "let `for` be the longer one");
        }
    }
    Some(SmtpSettings {
        url: url.map(|url| url.value.to_owned()),
        return_path: return_path.map(|path| path.value.to_owned()),
        connections: usize::try_from(connections).unwrap_or(8),
        on_in_doubt: on_in_doubt.unwrap_or(OnInDoubt::Hold),
        retry_every_seconds: every,
        retry_for_seconds: lasting,
    })
}

/// Until there is TLS and AUTH, mails only go to a server on this machine. (A password in the URL is reported with the other secrets.)
fn loopback(url: At<&str>, report: &mut Report) {
    let At { span, value } = url;
    let help = "plain smtp:// to this machine only, as yet: \"smtp://127.0.0.1:25\"";
    let Some(rest) = value.strip_prefix("smtp://") else {
        if value.starts_with("smtps://") || value.starts_with("smtp+starttls://") {
            report.add(span, "TLS to the mail server is not supported yet", "not supported yet", help);
        } else {
            report.add(span, "`url` is not the address of a mail server", "it does not begin with smtp://", help);
        }
        return;
    };
    if rest.contains('@') {
        report.add(span, "signing in at the mail server is not supported yet", "it has a user in it", help);
        return;
    }
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (host, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (host, port.strip_prefix(':').or(port.is_empty().then_some("25"))),
        None => rest.split_once(':').map_or((rest, Some("25")), |(host, port)| (host, Some(port))),
    };
    if port.and_then(|port| port.parse::<u16>().ok()).is_none_or(|port| port == 0) {
        report.add(span, "`url` has a port that cannot be", "after the last colon", "a port is a number from 1 to 65535");
    }
    let here = host == "localhost"
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || host.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback());
    if !here {
        report.add(
            span,
            format!("a mail server on another machine ({}) is not supported yet", words::plain(host)),
            "not supported yet",
            help,
        );
    }
}

fn time(key: &Key<String>, name: &str, report: &mut Report) -> Option<u64> {
    let At { span, value } = report.line(key, name)?;
    let seconds = words::seconds(value).filter(|seconds| (1..=31_536_000).contains(seconds));
    if seconds.is_none() {
        let help = "write it like \"5 minutes\", \"2 hours\" or \"2 days\", at most a year";
        report.add(span, format!("`{name}` cannot be {}", words::quote(value)), "not a length of time", help);
    }
    seconds
}

pub fn brakes(key: &Key<BrakesFile>, currency: &Currency, report: &mut Report) -> Brakes {
    let mut brakes = Brakes::default();
    let Some(At { value: file, .. }) = report.get(key, "brakes") else { return brakes };
    match file.budget.value() {
        Some(Scalar::Text(off)) if off == "off" => {}
        _ => brakes.budget = super::limits::budget(&file.budget, currency, report),
    }
    let shares = [
        (&file.audience, "audience", &mut brakes.audience),
        (&file.history, "history", &mut brakes.history),
        (&file.names, "names", &mut brakes.names),
        (&file.failures, "failures", &mut brakes.failures),
    ];
    for (key, name, brake) in shares {
        match key.value().map(String::as_str) {
            Some("off") => *brake = None,
            _ => *brake = report.share(key, name).map_or(*brake, |share| Some(share.value)),
        }
    }
    let spans = [
        (&file.stale, "stale", 86_400, "\"3 days\"", &mut brakes.stale_days),
        (&file.late, "late", 3_600, "\"12 hours\"", &mut brakes.late_hours),
        (&file.old_plan, "old_plan", 86_400, "\"7 days\"", &mut brakes.old_plan_days),
        (&file.future, "future", 86_400, "\"7 days\"", &mut brakes.future_days),
    ];
    for (key, name, unit, example, brake) in spans {
        let Some(At { span, value }) = report.line(key, name) else { continue };
        if value == "off" {
            *brake = None;
            continue;
        }
        let whole = words::seconds(value).filter(|seconds| seconds % unit == 0).and_then(|seconds| u32::try_from(seconds / unit).ok());
        match whole {
            Some(count) => *brake = Some(count),
            None => report.add(
                span,
                format!("`{name}` cannot be {}", words::quote(value)),
                "not a length of time",
                format!("write {example}, or \"off\""),
            ),
        }
    }
    // Who says that old purchases are meant does not want to hear that the date is far from them.
    if brakes.stale_days.is_none() && file.future.span().is_none() {
        brakes.future_days = None;
    }
    brakes
}
