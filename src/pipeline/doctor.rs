//! A look at everything between a plan and the inbox: the relay, the mails, the opt-out page, the DNS. Nothing is sent.

use super::destination::{self, Destination, Server};
use super::error::Error;
use super::progress::Watch;
use super::{head, inputs, letters, plan, run, sample, trial};
use crate::delivery::{self, Signer};
use crate::doctor::{self, OptOutPage, Sample, Sender, Signs};
use crate::domain::delivery::RunTrouble;
use crate::domain::health::{Check, Topic};
use crate::domain::money::many;
use crate::domain::{Campaign, Channel, Job, RankIndex, RankRange};
use crate::{keys, ledger, message, runs, tables};
use chrono::{DateTime, NaiveDate};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// A certificate that ends within so many days is told.
const CERTIFICATE_DAYS: i64 = 21;
const DAY: i64 = 24 * 60 * 60;
/// What an id begins with that no customer has; a token made of it is a good one, and stops nobody.
const NOBODY: &str = "rankmail doctor";

/// What is looked at, and by what. The clock is handed in.
pub struct Request<'a> {
    pub job: &'a Job,
    pub as_of: NaiveDate,
    pub server: Server<'a>,
    /// The name server to ask, instead of this machine's.
    pub dns: Option<&'a str>,
    /// Microseconds UTC.
    pub now: i64,
    pub watch: &'a Watch<'a>,
}

/// Looks at all of it. What cannot be looked at is a finding, not an error.
pub fn doctor(request: &Request) -> Result<Vec<Check>, Error> {
    let destination = Destination::of(request.job, request.server, destination::outbox(request.job));
    let (mut checks, most) = relay(request, destination.as_ref());
    let signers: &[Signer] = match &destination {
        Ok(Destination::Smtp { signers, .. }) => signers,
        _ => &[],
    };
    checks.extend(mails(request, most));
    checks.push(page(request)?);
    checks.extend(doctor::look_up(&sender(request.job, signers)?, request.dns, request.job.language));
    Ok(checks)
}

/// The way to the server, and how long a mail it takes.
fn relay(request: &Request, destination: Result<&Destination, &Error>) -> (Vec<Check>, Option<u64>) {
    let language = request.job.language;
    let target = match destination {
        Ok(Destination::Smtp { target, .. }) => target,
        Ok(Destination::Outbox(folder)) => {
            let advice = language.pick("送るには [mail.smtp] に url を書いてください", "to send them, write a url in [mail.smtp]");
            let seen = language.pick("なし。メールは送信箱のファイルになります", "none: mails become files in the outbox");
            return (vec![Check::hint(Topic::Relay, format!("{seen} ({})", folder.display()), advice)], None);
        }
        Err(error) => return (vec![Check::bad(Topic::Relay, error.to_string(), "")], None),
    };
    let advice =
        language.pick("docs/sending.md の「When it does not work」をご覧ください", "see “When it does not work” in docs/sending.md");
    let showing = match delivery::look(target) {
        Ok(showing) => showing,
        Err(
            RunTrouble::Unreachable { reply }
            | RunTrouble::Waiting { reply }
            | RunTrouble::Refused { reply }
            | RunTrouble::Outbox { reply }
            | RunTrouble::Stopped { reply },
        ) => return (vec![Check::bad(Topic::Relay, format!("{}: {reply}", target.server), advice)], None),
    };
    let size = match showing.size {
        Some(0) | None => String::new(),
        Some(size) => format!(", SIZE {size}"),
    };
    let auth = if showing.auth.is_empty() { String::new() } else { format!(", AUTH {}", showing.auth.join(" ")) };
    let seen = format!("{}{}{size}{auth}", target.server, if showing.pipelining { ", PIPELINING" } else { "" });
    let relay = if showing.pipelining {
        Check::good(Topic::Relay, seen)
    } else {
        let slow = language.pick("PIPELINING がなく、送信が遅くなります", "it offers no PIPELINING, which makes sending slower");
        Check::hint(Topic::Relay, seen, slow)
    };
    let mut checks = vec![relay, tls(request, showing.tls.as_ref())];
    if let Some(user) = target.server.user.as_ref().filter(|_| showing.signed_in) {
        checks.push(Check::good(Topic::SignIn, user));
    }
    (checks, showing.size)
}

fn tls(request: &Request, tls: Option<&delivery::Tls>) -> Check {
    let language = request.job.language;
    let Some(tls) = tls else {
        let seen = language.pick("なし（この接続は誰でも読めます）", "none: whoever is between reads along");
        return Check::hint(
            Topic::Tls,
            seen,
            language.pick("smtps:// か smtp+starttls:// にしてください", "take smtps:// or smtp+starttls://"),
        );
    };
    let end = tls.ends.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    let day = end.map_or_else(|| "?".to_owned(), |end| end.with_timezone(&request.job.zone.0).date_naive().to_string());
    let seen =
        language.pick(format!("TLS {}、証明書の期限 {day}", tls.version), format!("TLS {}, the certificate ends on {day}", tls.version));
    let left = tls.ends.map_or(i64::MAX, |ends| ends.saturating_sub(request.now / 1_000_000) / DAY);
    if left > CERTIFICATE_DAYS {
        return Check::good(Topic::Tls, seen);
    }
    let advice = language.pick(
        format!("あと {left} 日で、それを過ぎると何も送れません。サーバーの証明書を更新してください"),
        format!(
            "{left} {} left, and nothing is sent after them: have the server's certificate renewed",
            if left == 1 { "day is" } else { "days are" }
        ),
    );
    Check::hint(Topic::Tls, seen, advice)
}

/// The mails of the plan, and of campaigns that have none in it, one to an invented customer.
fn mails(request: &Request, most: Option<u64>) -> Vec<Check> {
    let job = request.job;
    let language = job.language;
    let (mut samples, known, seen) = match of_plan(request) {
        Ok((samples, known, seen)) => (samples, known, Check::good(Topic::Mails, seen)),
        Err(error) => {
            let advice = language.pick("架空の顧客の値で確かめました", "looked at with the values of an invented customer instead");
            (Vec::new(), BTreeSet::new(), Check::hint(Topic::Mails, error.to_string(), advice))
        }
    };
    let mut checks = vec![seen];
    match invented(request, &known) {
        Ok((more, failed)) => {
            samples.extend(more);
            if !failed.is_empty() {
                let advice = language.pick("rankmail plan で確かめてください", "see them in a plan that has them");
                checks.push(Check::hint(Topic::Mails, failed.join("; "), advice));
            }
        }
        Err(error) => checks.push(Check::bad(Topic::Mails, error.to_string(), "")),
    }
    if samples.is_empty() {
        return checks;
    }
    let displays = ["name", "address", "contact", "url"].map(|key| job.shop(key).to_owned());
    checks.extend(doctor::letters(&samples, &doctor::Shop { displays: displays.to_vec() }, most, language));
    checks
}

/// The first mail of each campaign, variant and rank and the hardest ones; the campaigns that they are of; and which plan it was.
fn of_plan(request: &Request) -> Result<(Vec<Sample>, BTreeSet<String>, String), Error> {
    let (job, as_of) = (request.job, request.as_of);
    let is_there = runs::plans(&job.runs, &job.name)?.contains(&as_of);
    let passing = Passing(passing(job));
    let (planned, opened) = if is_there {
        run::open_plan(job, as_of)?
    } else {
        // A key that is not there is for the first real plan to make.
        keys::load(&job.keys, false)?;
        plan(&plan::Request { job, as_of, planned_at: request.now, into: Some(&passing.0), watch: request.watch })?;
        let opened = runs::open(&passing.0)?;
        (inputs::planned_job(job, &opened)?, opened)
    };
    let writer = letters::Writer::open(&planned, &opened)?;
    let mut samples = Vec::new();
    let mut known = BTreeSet::new();
    for (name, mail) in trial::samples(&opened)? {
        let content = writer.render(&[&mail])?;
        for content in &content {
            samples.push(Sample { name: name.clone(), bytes: writer.compose(&mail, content, request.now)?.bytes });
        }
        known.insert(mail.campaign);
    }
    let count = samples.len();
    let seen = match (is_there, job.language) {
        (true, language) => language.pick(
            format!("{as_of} の計画から {count} 通（直したあとは計画し直すと反映）"),
            format!(
                "{} of the plan of {as_of}; what was changed since shows when it is planned again",
                many(count as u64, "mail", "mails")
            ),
        ),
        (false, language) => language.pick(format!("{as_of} に送るメールから {count} 通"), format!("{count} of the mails of {as_of}")),
    };
    Ok((samples, known, seen))
}

/// Where a plan lies that is made only to be looked at. It tells of customers, so whoever forgets one removes what a killed process left.
pub fn passing(job: &Job) -> PathBuf {
    job.runs.join(&job.name).join(".doctor")
}

/// A plan that is made only to be looked at, and goes.
struct Passing(PathBuf);

impl Drop for Passing {
    fn drop(&mut self) {
        // It tells of customers. Where it cannot be removed, the folder of runs that it lies in is as private.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// One mail of each campaign that is not `known`, for each of its ranks and variants; and what could not be rendered.
fn invented(request: &Request, known: &BTreeSet<String>) -> Result<(Vec<Sample>, Vec<String>), Error> {
    let job = request.job;
    let columns = job.customers.as_ref().and_then(|source| tables::customer_columns(source, inputs::base(job)).ok()).unwrap_or_default();
    let templates = inputs::templates(job, None)?;
    let (mut samples, mut failed) = (Vec::new(), Vec::new());
    for campaign in job.campaigns.iter().filter(|campaign| campaign.goes_by(Channel::Mail) && !known.contains(&campaign.name)) {
        for (rank, variant) in kinds(campaign) {
            let values = sample(campaign, &job.ladder, rank, request.as_of, &columns);
            let rank = rank.and_then(|rank| job.ladder.ranks.get(usize::from(rank))).map(|rank| rank.name.as_str());
            let name = trial::told(&campaign.name, variant, rank);
            let content = match templates.render(&campaign.name, variant, rank, &values, &job.shop) {
                Ok(content) => content,
                Err(error) => {
                    failed.push(format!("{name}: {error}"));
                    continue;
                }
            };
            let head = head::head(job, &campaign.name, "rankmail-doctor", "hanako@example.jp", &values, request.now);
            match message::compose(&head, &content) {
                Ok(bytes) => samples.push(Sample { name, bytes }),
                Err(error) => failed.push(format!("{name}: {error}")),
            }
        }
    }
    Ok((samples, failed))
}

/// The ranks and variants of a campaign.
fn kinds(campaign: &Campaign) -> Vec<(Option<RankIndex>, Option<&str>)> {
    let ranks: Vec<Option<RankIndex>> = match &campaign.ranks {
        RankRange::NoRank => vec![None],
        RankRange::Ranks(ranks) => ranks.iter().copied().map(Some).collect(),
    };
    let mut variants: Vec<Option<&str>> = campaign.variants.iter().map(|variant| Some(variant.name.as_str())).collect();
    if variants.is_empty() {
        variants.push(None);
    }
    ranks.into_iter().flat_map(|rank| variants.clone().into_iter().map(move |variant| (rank, variant))).collect()
}

/// The opt-out page, tried with tokens that are nobody's; and whether looking at it opted anybody out.
fn page(request: &Request) -> Result<Check, Error> {
    let job = request.job;
    let language = job.language;
    let trusted = match delivery::trusted(None) {
        Ok(trusted) => trusted,
        Err(error) => return Ok(Check::bad(Topic::OptOut, error.to_string(), "")),
    };
    // An id of this look only: an opt-out that is in the ledger already would not be written down again.
    let nobody = format!("{NOBODY} {}", request.now);
    let token = keys::load(&job.keys, false).ok().map(|key| keys::token(&key, &nobody));
    let path = job.runs.join("ledger.sqlite");
    let opted_out = || -> Result<bool, Error> {
        let ledger = ledger::Ledger::open_existing(&path)?;
        let found = ledger.map(|ledger| ledger.opt_outs()).transpose()?.unwrap_or_default();
        Ok(found.iter().any(|one| one.customer_id.as_deref() == Some(nobody.as_str())))
    };
    let page = OptOutPage { url: &job.mail.unsubscribe, nobody: token.as_deref(), unknown: letters::UNKNOWN, trusted: &trusted };
    let check = doctor::opt_out(&page, language);
    if opted_out()? {
        ledger::Ledger::open(&path)?.take_back(&nobody)?;
        let seen = language.pick("開いただけで配信停止になりました", "opening it opted out");
        let advice = language.pick(
            "リンクを先に開く迷惑メール対策が、本人の知らないうちに配信停止します。GET では何も変えないでください",
            "filters open links before people do, and opt them out unasked: a GET must change nothing",
        );
        return Ok(Check::bad(Topic::OptOut, format!("{}; {seen}", check.seen), advice));
    }
    Ok(check)
}

/// Whose names the DNS is asked about.
fn sender(job: &Job, signers: &[Signer]) -> Result<Sender, Error> {
    let written = std::iter::once(job.mail.from.as_str()).chain(job.campaigns.iter().filter_map(|campaign| campaign.from.as_deref()));
    let mut from = Vec::new();
    for written in written {
        let domain = domain(&message::address_of(written)?);
        if !from.contains(&domain) {
            from.push(domain);
        }
    }
    let smtp = job.smtp.as_ref();
    let signs = smtp.into_iter().flat_map(|smtp| &smtp.dkim).map(|key| {
        let signer = signers.iter().find(|signer| signer.place() == (&key.domain, &key.selector));
        Signs { domain: key.domain.clone(), selector: key.selector.clone(), public: signer.and_then(Signer::public) }
    });
    Ok(Sender { from, envelope: smtp.and_then(|smtp| smtp.return_path.as_deref()).map(domain), signers: signs.collect() })
}

fn domain(address: &str) -> String {
    address.rsplit('@').next().unwrap_or_default().to_lowercase()
}
