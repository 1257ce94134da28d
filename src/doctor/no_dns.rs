//! In place of `dns` where rankmail was built without it: says where to look instead.

use super::Sender;
use crate::domain::health::{Check, Topic};
use crate::domain::job::Language;

/// One hint: nothing was asked.
#[must_use]
pub fn look_up(sender: &Sender, _: Option<&str>, language: Language) -> Vec<Check> {
    let mut names: Vec<String> = sender.from.iter().flat_map(|domain| [format!("TXT _dmarc.{domain}"), format!("MX {domain}")]).collect();
    let envelopes = sender.envelope.as_ref().map_or(sender.from.as_slice(), std::slice::from_ref);
    names.splice(0..0, envelopes.iter().map(|domain| format!("TXT {domain}")));
    names.extend(sender.signers.iter().map(|key| format!("TXT {}._domainkey.{}", key.selector, key.domain)));
    let seen = language.pick(
        "この rankmail は DNS を調べられません（SPF・DKIM・DMARC・MX は未確認）",
        "this rankmail cannot ask the DNS: SPF, DKIM, DMARC and MX were not looked at",
    );
    let names = names.join(", ");
    let advice = language.pick(
        format!("`--features dns` を付けて作るか、ご自分で確かめてください: {names}"),
        format!("build it with `--features dns`, or look yourself: {names}"),
    );
    vec![Check::hint(Topic::Dns, seen, advice)]
}
