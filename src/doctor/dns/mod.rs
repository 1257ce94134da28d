//! What the DNS says of a sender: SPF, DKIM, DMARC, whether their domains agree, and where answers go.

mod ask;
mod policy;
mod spf;

use super::{Sender, Signs};
use crate::domain::health::{Check, Topic};
use crate::domain::job::Language;
use ask::Resolver;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Asks for all records that receivers will ask for. `server` is asked instead of this machine's name servers.
#[must_use]
pub fn look_up(sender: &Sender, server: Option<&str>, language: Language) -> Vec<Check> {
    let failed = |why: String| {
        let advice = language.pick(
            "ネームサーバーに聞けません。ネットワークか --dns を確かめてください",
            "no name server can be asked: see the network, or name one with --dns",
        );
        vec![Check::bad(Topic::Dns, why, advice)]
    };
    let resolver = match Resolver::of(server) {
        Ok(resolver) => resolver,
        Err(why) => return failed(why),
    };
    checks(sender, &resolver, language).unwrap_or_else(failed)
}

fn checks(sender: &Sender, resolver: &Resolver, language: Language) -> Result<Vec<Check>, String> {
    let mut found = Vec::new();
    let envelopes: &[String] = sender.envelope.as_ref().map_or(sender.from.as_slice(), std::slice::from_ref);
    for domain in envelopes {
        found.push(spf::check(domain, resolver, language)?);
    }
    for key in &sender.signers {
        found.push(dkim(key, resolver, language)?);
    }
    if sender.signers.is_empty() {
        let domains = sender.from.join(", ");
        found.push(Check::hint(
            Topic::Dkim,
            language.pick("このジョブは署名しません", "this job does not sign"),
            language.pick(
                format!("メールサーバーが d={domains} で署名することを、rankmail test で届いたメールのヘッダーで確かめてください"),
                format!("see in the header of a mail of `rankmail test` that the relay signs with d={domains}"),
            ),
        ));
    }
    for from in &sender.from {
        let policy = policy::of(from, resolver)?;
        found.push(policy::check(from, &policy, language));
        let envelope = sender.envelope.as_deref().unwrap_or(from);
        found.push(policy::alignment(from, envelope, &sender.signers, &policy, language));
    }
    let mut domains: Vec<&String> = sender.from.iter().chain(envelopes).collect();
    domains.sort_unstable();
    domains.dedup();
    for domain in domains {
        found.push(exchanges(domain, resolver, language)?);
    }
    Ok(found)
}

/// The tags of a record (`v=DKIM1; k=rsa; p=…`), with names in small letters.
fn tags(record: &str) -> Vec<(String, String)> {
    let tag = |part: &str| part.split_once('=').map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()));
    record.split(';').filter_map(tag).collect()
}

fn tag<'a>(tags: &'a [(String, String)], name: &str) -> Option<&'a str> {
    tags.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// The public key in the DNS, and whether it is ours.
fn dkim(key: &Signs, resolver: &Resolver, language: Language) -> Result<Check, String> {
    let name = format!("{}._domainkey.{}", key.selector, key.domain);
    let records: Vec<_> = resolver.texts(&name)?.iter().map(|text| tags(text)).filter(|tags| tag(tags, "p").is_some()).collect();
    let bad = |ja: &str, en: &str, advice_ja: &str, advice_en: &str| {
        Check::bad(Topic::Dkim, format!("{name}: {}", language.pick(ja, en)), language.pick(advice_ja, advice_en))
    };
    let write = ("公開鍵を TXT に書いてください: v=DKIM1; p=…", "write the public key as a TXT record: v=DKIM1; p=…");
    let tags = match records.as_slice() {
        [] => return Ok(bad("鍵なし", "there is no key", write.0, write.1)),
        [tags] => tags,
        _ => return Ok(bad("鍵が複数", "several keys", "一つのセレクターに鍵は一つです", "one selector has one key")),
    };
    let (kind, public) = (tag(tags, "k").unwrap_or("rsa").to_ascii_lowercase(), tag(tags, "p").unwrap_or_default());
    if public.is_empty() {
        return Ok(bad("失効しています", "it is revoked (p= is empty)", write.0, write.1));
    }
    let Some((our_kind, ours)) = &key.public else {
        let seen = language.pick(format!("{name}: {kind}"), format!("{name}: {kind}; this rankmail cannot read our key"));
        return Ok(Check::hint(
            Topic::Dkim,
            seen,
            language.pick("`--features dkim` を付けて作ると鍵を比べます", "built with `--features dkim`, it compares the keys"),
        ));
    };
    let text: String = public.split_ascii_whitespace().collect();
    let theirs = STANDARD.decode(text).unwrap_or_default();
    let same = if kind == "rsa" { theirs.ends_with(ours) } else { theirs == *ours };
    if kind != *our_kind || !same {
        return Ok(bad(
            "別の鍵",
            "another key than ours",
            "署名はどこでも無効になります。key_file の公開鍵に書き直してください",
            "no signature will hold: write the public half of `key_file` there",
        ));
    }
    if tag(tags, "t").is_some_and(|flags| flags.split(':').any(|flag| flag.trim() == "y")) {
        let advice = language.pick("試験中の印（t=y）を外してください", "take out t=y, which says that it is only a test");
        return Ok(Check::hint(Topic::Dkim, format!("{name}: {kind}, t=y"), advice));
    }
    Ok(Check::good(Topic::Dkim, language.pick(format!("{name}: {kind}、鍵は一致"), format!("{name}: {kind}, our key"))))
}

/// Where answers and bounces go.
fn exchanges(domain: &str, resolver: &Resolver, language: Language) -> Result<Check, String> {
    let hosts = resolver.exchanges(domain)?;
    let nobody = (
        "返信もエラーメールも戻れず、受け取りを断る相手もいます。MX を設定してください",
        "no answer and no bounce can come back, and some receivers refuse such senders: set an MX record",
    );
    let advice = language.pick(nobody.0, nobody.1);
    if hosts.iter().any(|host| host.trim_end_matches('.').is_empty()) {
        return Ok(Check::bad(Topic::Mx, language.pick(format!("{domain}: 受け取らない指定"), format!("{domain} takes no mail")), advice));
    }
    if !hosts.is_empty() {
        return Ok(Check::good(Topic::Mx, format!("{domain}: {}", hosts.join(", "))));
    }
    if resolver.has_address(domain)? {
        let seen = language.pick(format!("{domain}: MX なし（アドレスのみ）"), format!("{domain}: an address, and no MX record"));
        return Ok(Check::hint(Topic::Mx, seen, advice));
    }
    Ok(Check::bad(Topic::Mx, language.pick(format!("{domain}: なし"), format!("{domain}: none")), advice))
}
