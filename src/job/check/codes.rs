//! Codes that a cart knows by themselves: such a code is worth one thing, whoever types it.

use super::super::file::{CampaignFile, OfferFile};
use super::super::report::{At, Report};
use super::super::words;
use crate::domain::campaign::{Campaign, RankRange};
use crate::domain::coupon::folded;
use crate::domain::offer::{CodeSource, Discount, OfferKind, On};
use crate::domain::{OfferRule, RankIndex};

const HELP: &str = "write one value, make a campaign for each of them, or leave `code` out: then each mail has a code of its own";

/// A code that rankmail does not make cannot be worth something else for another rank, or after another mail.
pub fn one_value(campaign: &CampaignFile, rule: &OfferRule, range: Option<&RankRange>, report: &mut Report) {
    let (OfferKind::Coupon { discount, over, code, .. }, Some(file)) = (&rule.kind, campaign.offer.value()) else { return };
    let which = match code {
        CodeSource::Own => return,
        CodeSource::Fixed(code) => format!("the code {}", words::quote(code)),
        CodeSource::Pool(_) => "the codes of a file".to_owned(),
    };
    let Some(code) = file.code.span() else { return };
    if *discount == Discount::Cashback
        && let Some(span) = file.amount.span()
    {
        let message = format!("cashback differs by customer, and the cart knows {which} with one value only");
        report.add(span, message, "an amount for each", "leave `code` out: then each mail has a code of its own");
        report.also(code, "the code");
        return;
    }
    let mut differ = |key: Option<super::Span>, name: &str| {
        if let Some(span) = key {
            report.add(span, format!("`{name}` differs by rank, and the cart knows {which} with one value only"), "several values", HELP);
            report.also(code, "the code");
        }
    };
    let worth = worth(rule, discount, over, range);
    if worth.iter().any(|(value, _)| *value != worth[0].0) {
        differ(file.percent.span().or(file.amount.span()), if file.percent.span().is_some() { "percent" } else { "amount" });
    }
    if worth.iter().any(|(_, over)| *over != worth[0].1) {
        differ(file.over.span(), "over");
    }
}

/// The same for what earlier mails take away. All of it may be taken: then the mail goes without the code.
pub fn whole_or_nothing(campaign: &CampaignFile, rule: &OfferRule, off: At<&str>, report: &mut Report) {
    if matches!(rule.code(), Some(CodeSource::Fixed(_) | CodeSource::Pool(_))) {
        let message = format!("`reduced_by` takes {} off a discount that the cart knows by its code", words::plain(off.value));
        let help = "leave `code` out: then each mail has a code of its own; or write \"100%\", which leaves the code out of the mail, or use `not_with`";
        report.add(off.span, message, "the cart would give all of it", help);
        if let Some(code) = campaign.offer.value().and_then(|offer| offer.code.span()) {
            report.also(code, "the code");
        }
    }
}

/// Two campaigns may give out one code, or the codes of one file, as long as they are worth the same.
pub fn one_meaning(campaigns: &[(&OfferFile, &Campaign)], report: &mut Report) {
    for (at, (file, campaign)) in campaigns.iter().enumerate() {
        let Some((source, meaning)) = meaning(campaign) else { continue };
        let differs = |other: &Campaign| self::meaning(other).is_some_and(|(known, other)| is_same(known, source) && other != meaning);
        let other = campaigns[..at].iter().find(|(_, other)| differs(other));
        if let (Some((first, other)), Some(span)) = (other, file.code.span()) {
            let name = words::plain(&other.name);
            let (message, label, help) = match source {
                CodeSource::Own => continue,
                CodeSource::Pool(path) => (
                    format!("the codes of {} are another discount in the campaign `{name}`", words::quote(path)),
                    "one file, two meanings",
                    "the cart knows each code once: give one of the two a file of its own",
                ),
                CodeSource::Fixed(code) => (
                    format!("the code {} is another discount in the campaign `{name}`", words::quote(code)),
                    "one code, two meanings",
                    "the cart knows a code once: give one of the two a code of its own",
                ),
            };
            report.add(span, message, label, help);
            report.also(first.code.span().unwrap_or(span), "here it is another");
        }
    }
}

/// Whether two campaigns take their codes from the same.
fn is_same(one: &CodeSource, other: &CodeSource) -> bool {
    match (one, other) {
        (CodeSource::Fixed(one), CodeSource::Fixed(other)) => folded(one) == folded(other),
        (CodeSource::Pool(one), CodeSource::Pool(other)) => one == other,
        _ => false,
    }
}

/// What a rank gets: the bits of a percentage, or minor units, and the amount an order must be over. They are compared, never counted with.
type Worth = (u64, Option<i64>);

/// What the cart must know of a code: whether it is a percentage, how much it is, and on what.
type Meaning<'a> = (bool, Vec<Worth>, Option<&'a On>);

/// What each rank that gets the offer gets.
fn worth(rule: &OfferRule, discount: &Discount, over: &[Option<i64>], range: Option<&RankRange>) -> Vec<Worth> {
    let Some(RankRange::Ranks(ranks)) = range else { return Vec::new() };
    let ranks: &[RankIndex] = rule.ranks.as_ref().unwrap_or(ranks);
    let of = |rank: &RankIndex| {
        let at = usize::from(*rank);
        let value = match discount {
            Discount::Percent(values) => values.get(at).copied().flatten().map(f64::to_bits),
            Discount::Amount(values) => values.get(at).copied().flatten().map(i64::unsigned_abs),
            // It is refused with such a code.
            Discount::Cashback => None,
        };
        value.map(|value| (value, over.get(at).copied().flatten()))
    };
    ranks.iter().filter_map(of).collect()
}

/// The code of a campaign that rankmail does not make, and what the cart must know of it.
fn meaning(campaign: &Campaign) -> Option<(&CodeSource, Meaning<'_>)> {
    let rule = campaign.offer.as_ref()?;
    let OfferKind::Coupon { discount, over, on, code } = &rule.kind else { return None };
    if *code == CodeSource::Own {
        return None;
    }
    let mut worth = worth(rule, discount, over, Some(&campaign.ranks));
    worth.truncate(1);
    Some((code, (matches!(discount, Discount::Percent(_)), worth, on.as_ref())))
}
