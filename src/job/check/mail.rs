//! `[mail]`, `[mail.smtp]` and `[brakes]`.

use super::super::file::{BouncesFile, BrakesFile, DomainFile, MailFile, SmtpFile};
use super::super::report::{At, Report};
use super::super::words;
use super::super::written::{Entries, Entry, Key, Many, Or, Scalar, Span};
use super::dkim;
use crate::domain::Currency;
use crate::domain::bounce::SoftRule;
use crate::domain::job::{AuthWay, Brakes, MailSettings, OnInDoubt, PasswordSource, SmtpSettings};
use crate::domain::pace::{DomainPace, Pace};
use crate::domain::server::{MailServer, Security, UrlFault};
use std::path::Path;

/// How long the token of a return path is.
const BOUNCE_TOKEN: usize = 48;

/// `[mail]`. `has_stops` says that there are stop lists, which the shop's own opt-out page needs.
pub fn settings(key: &Key<MailFile>, top: Span, folder: &Path, has_stops: bool, report: &mut Report) -> Option<MailSettings> {
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
        } else if !value.contains("{token}") && !has_stops {
            let help = "let the shop's page write who opts out into a file and name it: [stop] files = [\"stop/*.csv\"]; or put {token} into the address and run `rankmail optout serve`";
            report.add(
                span,
                "nobody would hear of an opt-out: `unsubscribe` has no {token}, and there is no [stop] list",
                "a page of the shop's own",
                help,
            );
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
pub fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(label)
}

/// `from` is the address that mails come from, where the job has one.
pub fn smtp(key: Option<&Key<SmtpFile>>, from: Option<&str>, folder: &Path, report: &mut Report) -> Option<SmtpSettings> {
    let At { value: file, .. } = report.get(key?, "smtp")?;
    let allow_plaintext = report.get(&file.allow_plaintext, "allow_plaintext").is_some_and(|at| *at.value);
    let password = password(file, folder, report);
    let url = report.line(&file.url, "url");
    if let Some(url) = url {
        server(url, allow_plaintext, password.is_some(), report);
    }
    let ways = [("plain", AuthWay::Plain), ("login", AuthWay::Login), ("xoauth2", AuthWay::XOauth2)];
    let auth = report.word(&file.auth, "auth", &ways);
    let ca_file = report.line(&file.ca_file, "ca_file").map(|path| folder.join(path.value));
    let return_path = report.line(&file.return_path, "return_path");
    if let Some(path) = return_path {
        // As long as with a token in it.
        let token = "0".repeat(BOUNCE_TOKEN);
        let whole = path.value.replace("{token}", &token);
        let is_address = address(path.span, &whole, "return_path", report);
        // Reports are searched for whole runs of letters and digits.
        let is_touched = |run: &str| run.contains(&token) && run != token;
        if is_address && whole.split(|letter: char| !letter.is_ascii_alphanumeric()).any(is_touched) {
            let help = "put a character that is no letter or digit on both sides, as in \"bounce+{token}@shop.example\"";
            report.add(path.span, "`return_path` has a letter or digit beside {token}", "no bounce would be told by it", help);
        }
    }
    let connections = report.whole(&file.connections, "connections", 1, 256).unwrap_or(8);
    let pace = pace(&file.rate, report);
    let per_domain = per_domain(&file.per_domain, report);
    let send_between = report.line(&file.send_between, "send_between").and_then(|At { span, value }| {
        let window = words::day_window(value);
        if window.is_none() {
            let help = "write it like \"09:00..20:00\"; it may go over midnight";
            report.add(span, format!("`send_between` cannot be {}", words::quote(value)), "not a part of a day", help);
        }
        window
    });
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
        password,
        auth,
        ca_file,
        allow_plaintext,
        return_path: return_path.map(|path| path.value.to_owned()),
        connections: usize::try_from(connections).unwrap_or(8),
        pace,
        per_domain,
        send_between,
        on_in_doubt: on_in_doubt.unwrap_or(OnInDoubt::Hold),
        retry_every_seconds: every,
        retry_for_seconds: lasting,
        dkim: dkim::keys(file, from, folder, report),
    })
}

/// Where the password is.
fn password(file: &SmtpFile, folder: &Path, report: &mut Report) -> Option<PasswordSource> {
    let variable = report.line(&file.password_env, "password_env");
    let path = report.line(&file.password_file, "password_file");
    match (variable, path) {
        (Some(_), Some(At { span, .. })) => {
            report.add(span, "[mail.smtp] has both `password_env` and `password_file`", "only one of them is read", "take one of them out");
            None
        }
        (Some(At { span, value }), None) => {
            if !words::is_variable(value) {
                let help = "write the variable's name, such as \"RANKMAIL_SMTP_PASSWORD\", not the password itself";
                report.add(span, "`password_env` is not the name of an environment variable", "letters, digits and _ only", help);
            }
            Some(PasswordSource::Env(value.to_owned()))
        }
        (None, Some(path)) => Some(PasswordSource::File(folder.join(path.value))),
        (None, None) => None,
    }
}

/// The mail server's address. (A password in it is reported with the other secrets.)
fn server(url: At<&str>, allow_plaintext: bool, has_password: bool, report: &mut Report) {
    let At { span, value } = url;
    let help = "write \"smtps://USER@HOST:PORT\", \"smtp+starttls://USER@HOST:PORT\", or \"smtp://127.0.0.1:25\" for this machine";
    let server = match MailServer::parse(value) {
        Ok(server) => server,
        Err(UrlFault::Password) => return,
        Err(fault) => {
            let label = match fault {
                UrlFault::Scheme => "it begins with none of smtps://, smtp+starttls:// and smtp://",
                UrlFault::Port => "a port is a number from 1 to 65535",
                UrlFault::User => "the user cannot be",
                UrlFault::Host | UrlFault::Password => "the host cannot be",
            };
            report.add(span, "`url` is not the address of a mail server", label, help);
            return;
        }
    };
    if server.security == Security::Plain && !server.is_here() && !allow_plaintext {
        let help = "write smtps:// or smtp+starttls://; where nobody can read along, allow_plaintext = true";
        report.add(span, format!("mails would go unencrypted to {}", words::plain(&server.host)), "another machine", help);
    }
    if server.user.is_some() && !has_password {
        let help = "write password_env = \"RANKMAIL_SMTP_PASSWORD\", or password_file; never the password itself";
        report.add(span, "`url` has a user, and nothing says where the password is", "the user before the @", help);
    }
}

fn pace(key: &Key<String>, report: &mut Report) -> Option<Pace> {
    let At { span, value } = report.line(key, "rate")?;
    checked_pace(span, value, report)
}

fn checked_pace(span: Span, value: &str, report: &mut Report) -> Option<Pace> {
    let pace = words::pace(value);
    if pace.is_none() {
        let help = "write it like \"50/s\", \"600/min\" or \"1000/h\"";
        report.add(span, format!("`rate` cannot be {}", words::quote(value)), "not a number of mails in a time", help);
    }
    pace
}

fn per_domain(key: &Key<Entries<Or<DomainFile>>>, report: &mut Report) -> Vec<DomainPace> {
    let Some(At { value: entries, .. }) = report.get(key, "per_domain") else { return Vec::new() };
    let mut found: Vec<DomainPace> = Vec::new();
    for Entry { span, name, value } in &entries.0 {
        let domain = name.to_ascii_lowercase();
        if !is_domain(&domain) {
            report.add(
                *span,
                format!("{} is not a domain", words::quote(name)),
                "what stands behind the @",
                "write it like \"docomo.ne.jp\"",
            );
        } else if found.iter().any(|known| known.domain == domain) {
            report.add(*span, format!("{} stands there twice", words::quote(name)), "the second", "take one of them out");
        }
        let Some(At { span, value }) = report.get(value, "per_domain") else { continue };
        let (pace, connections) = match value {
            Or::Plain(Many::One(Scalar::Text(text))) => (checked_pace(span, text, report), None),
            Or::Plain(_) => {
                report.add(
                    span,
                    "`per_domain` must be a rate or a table",
                    "neither",
                    "write \"10/s\", or { rate = \"10/s\", connections = 2 }",
                );
                (None, None)
            }
            Or::Table(table) => (pace(&table.rate, report), report.whole(&table.connections, "connections", 1, 256)),
        };
        found.push(DomainPace { domain, pace, connections: connections.and_then(|count| usize::try_from(count).ok()) });
    }
    found
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

/// `[bounces]`.
pub fn bounces(key: &Key<BouncesFile>, report: &mut Report) -> SoftRule {
    let usual = SoftRule::default();
    let Some(At { value: file, .. }) = report.get(key, "bounces") else { return usual };
    let Some(At { value: soft, .. }) = report.get(&file.soft, "soft") else { return usual };
    let times = report.whole(&soft.times, "times", 1, 100).and_then(|times| u32::try_from(times).ok());
    let days = report.line(&soft.within, "within").and_then(|At { span, value }| {
        let days = words::seconds(value).filter(|seconds| seconds % 86_400 == 0).and_then(|seconds| u32::try_from(seconds / 86_400).ok());
        if !days.is_some_and(|days| (1..=3_650).contains(&days)) {
            report.add(span, format!("`within` cannot be {}", words::quote(value)), "not a number of days", "write it like \"90 days\"");
        }
        days
    });
    SoftRule { times: times.unwrap_or(usual.times), days: days.unwrap_or(usual.days) }
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
