//! SPF (RFC 7208): who may send with a domain in the return path.

use super::ask::Resolver;
use crate::domain::health::{Check, Topic};
use crate::domain::job::Language;

/// Receivers give up after so many questions to the DNS (RFC 7208 §4.6.4).
const MOST: usize = 10;

/// The SPF record of a domain, and whether receivers can make something of it.
pub fn check(domain: &str, resolver: &Resolver, language: Language) -> Result<Check, String> {
    let records = records(domain, resolver)?;
    let record = match records.as_slice() {
        [] => {
            return Ok(Check::bad(
                Topic::Spf,
                language.pick(format!("{domain}: レコードなし"), format!("{domain}: there is no record")),
                language.pick(
                    "メールサーバーの案内にある include を TXT に書いてください: v=spf1 include:… ~all",
                    "write a TXT record with what your relay tells you: v=spf1 include:… ~all",
                ),
            ));
        }
        [record] => record,
        several => {
            return Ok(Check::bad(
                Topic::Spf,
                language.pick(format!("{domain}: {} 件", several.len()), format!("{domain}: {} records", several.len())),
                language.pick("受信側はどれも無視します。一つにまとめてください", "receivers take none of several: put them into one"),
            ));
        }
    };
    let seen = format!("{domain}: {record}");
    let mut questions = 0;
    if let Err(lost) = count(record, resolver, &mut questions)? {
        let advice = language.pick(
            format!("`{lost}` に SPF がないため、全体が無効になります。外すか直してください"),
            format!("`{lost}` has no SPF record, which makes the whole record void: take it out or mend it"),
        );
        return Ok(Check::bad(Topic::Spf, seen, advice));
    }
    if questions > MOST {
        let advice = language.pick(
            format!("DNS の参照が {MOST} 回を超え（{questions} 回）、受信側は無効とみなします。include を減らしてください"),
            format!("it takes more than {MOST} questions to the DNS ({questions}), so receivers hold it void: use fewer includes"),
        );
        return Ok(Check::bad(Topic::Spf, seen, advice));
    }
    Ok(match end(record) {
        Some("all" | "+all") => Check::bad(
            Topic::Spf,
            seen,
            language.pick("誰でも送れる指定です。~all か -all にしてください", "it lets everybody send: end it with ~all or -all"),
        ),
        Some("-all" | "~all") => Check::good(Topic::Spf, seen),
        Some(other) if other.starts_with("redirect=") => Check::good(Topic::Spf, seen),
        _ => Check::hint(
            Topic::Spf,
            seen,
            language.pick("最後を ~all か -all にしてください", "end it with ~all or -all, else it says nothing of others"),
        ),
    })
}

fn records(domain: &str, resolver: &Resolver) -> Result<Vec<String>, String> {
    let is_spf = |text: &String| text.split(' ').next().is_some_and(|word| word.eq_ignore_ascii_case("v=spf1"));
    Ok(resolver.texts(domain)?.into_iter().filter(is_spf).collect())
}

/// The term that speaks of everybody else.
fn end(record: &str) -> Option<&str> {
    let mut terms = record.split_ascii_whitespace().skip(1);
    terms.find(|term| term.trim_start_matches(['+', '-', '~', '?']).eq_ignore_ascii_case("all") || term.starts_with("redirect="))
}

/// Counts the questions that a record costs, with what it includes. The inner error names an include that leads nowhere.
fn count(record: &str, resolver: &Resolver, questions: &mut usize) -> Result<Result<(), String>, String> {
    for term in record.split_ascii_whitespace().skip(1) {
        let term = term.trim_start_matches(['+', '-', '~', '?']).to_ascii_lowercase();
        let (kind, target) = term.split_once([':', '=', '/']).unwrap_or((&term, ""));
        if !["include", "redirect", "a", "mx", "ptr", "exists"].contains(&kind) {
            continue;
        }
        *questions += 1;
        // Names with macros are another one for each mail; and enough is enough.
        if !["include", "redirect"].contains(&kind) || target.contains('%') || *questions > MOST {
            continue;
        }
        match records(target, resolver)?.as_slice() {
            [inner] => {
                if let Err(lost) = count(inner, resolver, questions)? {
                    return Ok(Err(lost));
                }
            }
            _ => return Ok(Err(target.to_owned())),
        }
    }
    Ok(Ok(()))
}
