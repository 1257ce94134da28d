//! DMARC (RFC 7489): what receivers do with mails whose From domain nobody vouches for, and whether somebody vouches for ours.

use super::super::Signs;
use super::ask::Resolver;
use super::{tag, tags};
use crate::domain::health::{Check, Topic};
use crate::domain::job::Language;

/// The records that hold for a domain.
pub struct Policy {
    /// Whose records they are: the domain's own, or those of the one it was registered as.
    domain: String,
    records: Vec<Vec<(String, String)>>,
}

/// The records of a domain, or of the registered one above it.
pub fn of(domain: &str, resolver: &Resolver) -> Result<Policy, String> {
    for place in [domain, registered(domain)] {
        let texts = resolver.texts(&format!("_dmarc.{place}"))?;
        let records: Vec<_> = texts.iter().map(|text| tags(text)).filter(|tags| tags.first().is_some_and(is_version)).collect();
        if !records.is_empty() {
            return Ok(Policy { domain: place.to_owned(), records });
        }
    }
    Ok(Policy { domain: domain.to_owned(), records: Vec::new() })
}

fn is_version((name, value): &(String, String)) -> bool {
    name == "v" && value == "DMARC1"
}

/// The domain that somebody registered: `shop.co.jp` for `mail.shop.co.jp`.
fn registered(domain: &str) -> &str {
    psl::domain_str(domain).unwrap_or(domain)
}

pub fn check(from: &str, policy: &Policy, language: Language) -> Check {
    let place = format!("_dmarc.{}", policy.domain);
    let record = match policy.records.as_slice() {
        [] => {
            return Check::bad(
                Topic::Dmarc,
                language.pick(format!("_dmarc.{from}: レコードなし"), format!("_dmarc.{from}: there is no record")),
                language.pick(
                    "まず v=DMARC1; p=none; rua=mailto:… を TXT に書いてください。Gmail は大量に送る差出人に求めています",
                    "begin with a TXT record v=DMARC1; p=none; rua=mailto:…, which Gmail wants from all who send much",
                ),
            );
        }
        [record] => record,
        several => {
            let seen = language.pick(format!("{place}: {} 件", several.len()), format!("{place}: {} records", several.len()));
            return Check::bad(
                Topic::Dmarc,
                seen,
                language.pick("受信側はどれも無視します。一つにしてください", "receivers take none of several: leave one"),
            );
        }
    };
    let own = tag(record, "sp").filter(|_| policy.domain != from);
    let wanted = own.or(tag(record, "p")).map(str::to_ascii_lowercase);
    match wanted.as_deref() {
        Some(wanted @ ("reject" | "quarantine")) => Check::good(Topic::Dmarc, format!("{place}: p={wanted}")),
        Some("none") => Check::hint(
            Topic::Dmarc,
            format!("{place}: p=none"),
            language.pick(
                "なりすましは止まりません。レポートに問題がなければ p=quarantine へ進めてください",
                "it stops nobody who writes in your name: go on to p=quarantine when the reports look well",
            ),
        ),
        _ => Check::bad(
            Topic::Dmarc,
            format!("{place}: p=?"),
            language.pick("p= を書いてください", "write p=none, p=quarantine or p=reject"),
        ),
    }
}

/// Whether SPF or DKIM speaks for the domain that readers see.
pub fn alignment(from: &str, envelope: &str, signers: &[Signs], policy: &Policy, language: Language) -> Check {
    let record = policy.records.first().map(Vec::as_slice).unwrap_or_default();
    let agrees = |domain: &str, mode: &str| {
        let strict = tag(record, mode).is_some_and(|mode| mode.eq_ignore_ascii_case("s"));
        domain.eq_ignore_ascii_case(from)
            || (!strict && registered(&domain.to_ascii_lowercase()).eq_ignore_ascii_case(registered(&from.to_ascii_lowercase())))
    };
    let spf = agrees(envelope, "aspf");
    let signer = signers.iter().find(|key| agrees(&key.domain, "adkim"));
    let word = |is_so: bool| if is_so { "=" } else { "≠" };
    let mut seen = format!("From {from} {} return path {envelope}", word(spf));
    for key in signers {
        seen += &format!(", {} DKIM {}", word(agrees(&key.domain, "adkim")), key.domain);
    }
    match (spf, signer) {
        (_, Some(_)) => Check::good(Topic::Alignment, seen),
        (true, None) => Check::hint(
            Topic::Alignment,
            seen,
            language.pick(
                format!("転送されたメールは SPF だけでは通りません。メールサーバーか [mail.smtp] dkim で d={from} の署名を付けてください"),
                format!("SPF alone does not outlive forwarding: let the relay, or dkim in [mail.smtp], sign with d={from}"),
            ),
        ),
        (false, None) => Check::bad(
            Topic::Alignment,
            seen,
            language.pick(
                format!("誰も {from} を保証していません。return_path を同じドメインにするか、d={from} で署名してください"),
                format!("nobody vouches for {from}: take a return path of that domain, or sign with d={from}"),
            ),
        ),
    }
}
