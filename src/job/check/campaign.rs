//! `[contact]` and `[[campaign]]`: names, ranges of ranks, and how often.

use super::super::file::{CampaignFile, ContactFile};
use super::super::report::{At, Report};
use super::super::words;
use super::super::written::{Key, Span};
use super::others::Others;
use super::{Around, channel, codes, limits, mail, never, offer, points, variants, when};
use crate::domain::campaign::{Contact, Discounts, Holdout, Once, RankRange};
use crate::domain::{Campaign, RankIndex};

/// Bought categories are bits of one number.
const MOST_CATEGORIES: usize = 64;

pub fn contact(key: &Key<ContactFile>, job: &str, around: &Around<'_>, report: &mut Report) -> Contact {
    let Some(At { value: file, .. }) = report.get(key, "contact") else { return Contact::default() };
    let max_per_run = report.whole(&file.max_per_run, "max_per_run", 1, 1_000).and_then(|most| u32::try_from(most).ok());
    let min_days_between = report.whole(&file.min_days_between, "min_days_between", 0, 3_660).unwrap_or(0);
    let irregular = report.word(&file.irregular_addresses, "irregular_addresses", &[("send", true), ("skip", false)]);
    let holdout = report.get(&file.holdout, "holdout").and_then(|At { span, value: file }| {
        if matches!(file.share, Key::Absent) {
            report.missing(span, "share", "write share = \"5%\"");
        }
        let share = report.share(&file.share, "share");
        let not = report.lines(&file.not, "not").map_or_else(Vec::new, |names| ranks_of(&names, around, report));
        let salt = report.line(&file.salt, "salt").map_or(job, |salt| salt.value).to_owned();
        Some(Holdout { share: share?.value, not, salt })
    });
    let min_days_between = u32::try_from(min_days_between).unwrap_or(0);
    let discounts = discounts(&file.discounts, report).unwrap_or_default();
    Contact { max_per_run, min_days_between, holdout, send_irregular: irregular.unwrap_or(false), discounts }
}

fn discounts(key: &Key<String>, report: &mut Report) -> Option<Discounts> {
    report.word(key, "discounts", &[("one", Discounts::One), ("stack", Discounts::Stack)])
}

pub fn all(key: &Key<Vec<Key<CampaignFile>>>, around: &Around<'_>, report: &mut Report) -> Vec<Campaign> {
    let Some(At { value: list, .. }) = report.get(key, "campaign") else { return Vec::new() };
    let names: Vec<Option<At<&str>>> = list.iter().map(named).collect();
    let mut categories = Vec::new();
    let mut campaigns = Vec::new();
    let mut offers = Vec::new();
    for (at, item) in list.iter().enumerate() {
        let Some(At { span, value: file }) = report.get(item, "campaign") else { continue };
        super::name(&file.name, span, report);
        let earlier = names.get(..at).unwrap_or_default();
        let own = names.get(at).copied().flatten();
        if let Some(own) = own
            && let Some(first) = earlier.iter().flatten().find(|first| first.value == own.value)
        {
            let message = format!("two campaigns are named `{}`", words::plain(own.value));
            report.add(own.span, message, "again", "give each campaign a name of its own; it names the folder of its templates");
            report.also(first.span, "first here");
        }
        let others = Others { own, earlier, later: names.get(at + 1..).unwrap_or_default() };
        if let Some(campaign) = one(file, span, &others, around, &mut categories, report) {
            offers.push(file.offer.value());
            campaigns.push(campaign);
        }
    }
    let with_offers: Vec<_> = offers.into_iter().zip(&campaigns).filter_map(|(offer, campaign)| Some((offer?, campaign))).collect();
    codes::one_meaning(&with_offers, report);
    campaigns
}

/// The name of a campaign, whatever else is wrong with it.
fn named(item: &Key<CampaignFile>) -> Option<At<&str>> {
    match &item.value()?.name {
        Key::Is(span, name) => Some(At { span: *span, value: name.as_str() }),
        _ => None,
    }
}

fn one(
    file: &CampaignFile,
    table: Span,
    others: &Others<'_>,
    around: &Around<'_>,
    categories: &mut Vec<String>,
    report: &mut Report,
) -> Option<Campaign> {
    if matches!(file.ranks, Key::Absent) {
        report.missing(table, "ranks", "write ranks = \"AA and up\", a rank, \"AA to AAA\", a list, or \"none\" for people without a rank");
    }
    let ranks = report.lines(&file.ranks, "ranks").and_then(|texts| range(&texts, around, report));
    let when = report.get(&file.when, "when").map(|at| when::conditions(at.value, around, categories, report)).unwrap_or_default();
    let wheres = when::wheres(&file.wheres, around, report);
    if categories.len() > MOST_CATEGORIES {
        let message = format!("`bought` and `not_bought` name more than {MOST_CATEGORIES} categories in this job");
        report.add(file.when.span().unwrap_or(table), message, "too many here", "name fewer, or make a second job with the rest");
        categories.truncate(MOST_CATEGORIES);
    }
    let once = once(&file.once, report);
    let sells = report.get(&file.sells, "sells").is_none_or(|at| *at.value);
    let offer = report.get(&file.offer, "offer").and_then(|at| offer::rule(at, sells, ranks.as_ref(), around, report));
    let not_with = others.not_with(file, report);
    let reduced_by = others.reduced_by(file, offer.as_ref(), report);
    if let Some(rule) = &offer {
        codes::one_value(file, rule, ranks.as_ref(), report);
    }
    let discounts = discounts(&file.discounts, report);
    let share = limits::share(&file.share, report);
    let variants = variants::all(&file.variants, report);
    let holdout = report.get(&file.holdout, "holdout").is_none_or(|at| *at.value);
    let counts_towards_limit = report.get(&file.counts_towards_limit, "counts_towards_limit").is_none_or(|at| *at.value);
    let send = report.line(&file.send, "send").and_then(|At { span, value }| {
        let found = words::send_on(value);
        if found.is_none() {
            let help = "write a day of the month and a time, such as \"10th 11:07\"";
            report.add(span, format!("`send` cannot be {}", words::quote(value)), "not a day and a time", help);
        }
        found
    });
    let from = mail::mailbox(&file.from, "from", report);
    let reply_to = mail::mailbox(&file.reply_to, "reply_to", report);
    let allow = super::allow(&file.allow, report);
    let channels = channel::channels(file, around, report);
    let costs = channel::costs(file, &channels, around, report);
    let budget = limits::budget(&file.budget, &around.currency, report);
    let ranks = ranks?;
    if offer.is_some() || matches!(file.offer, Key::Absent) {
        limits::have_costs(file, offer.as_ref(), &ranks, &costs, around, report);
    }
    never::check(file, &ranks, &when, around, report);
    offer::in_time(file, &when, offer.as_ref(), report);
    points::once_for_each_review(file, offer.as_ref(), report);
    let name = file.name.value()?.clone();
    Some(Campaign {
        name,
        ranks,
        when,
        wheres,
        once,
        sells,
        not_with,
        reduced_by,
        discounts,
        share,
        variants,
        offer,
        holdout,
        counts_towards_limit,
        send,
        from,
        reply_to,
        allow,
        channels,
        costs,
        budget,
    })
}

/// The place of a rank; a name that no rank has is a problem. Nothing is said when the ranks themselves are wrong.
pub fn rank(name: &str, span: Span, around: &Around<'_>, report: &mut Report) -> Option<RankIndex> {
    let names = around.names.as_ref()?;
    let found = names.iter().position(|known| known == name).and_then(|at| RankIndex::try_from(at).ok());
    if found.is_none() {
        let help = words::choice(name, names.iter().map(String::as_str));
        report.add(span, format!("there is no rank {}", words::quote(name)), "not a rank of this job", help);
    }
    found
}

/// The places of a list of names, ascending and without doubles.
pub fn ranks_of(names: &[At<&str>], around: &Around<'_>, report: &mut Report) -> Vec<RankIndex> {
    let mut ranks: Vec<_> = names.iter().filter_map(|name| rank(name.value, name.span, around, report)).collect();
    ranks.sort_unstable();
    ranks.dedup();
    ranks
}

/// A range of ranks: names, "AA and up", "AA and below", "AA to AAA", a list of those, or "none".
pub fn range(texts: &[At<&str>], around: &Around<'_>, report: &mut Report) -> Option<RankRange> {
    let names = around.names.as_ref()?;
    let top = RankIndex::try_from(names.len().checked_sub(1)?).ok()?;
    let mut ranks = Vec::new();
    let mut sound = true;
    for &At { span, value } in texts {
        let mut find = |name: &str| rank(name.trim(), span, around, report);
        let part = if value == "none" && texts.len() == 1 {
            return Some(RankRange::NoRank);
        } else if value == "none" {
            let help = "make a campaign of its own for people without a rank: ranks = \"none\"";
            report.add(span, "\"none\" cannot stand beside ranks", "people without a rank", help);
            None
        } else if names.iter().any(|name| name == value) {
            find(value).map(|only| (only, only))
        } else if let Some(low) = value.strip_suffix(" and up") {
            find(low).map(|low| (low, top))
        } else if let Some(high) = value.strip_suffix(" and below") {
            find(high).map(|high| (0, high))
        } else if let Some((low, high)) = value.split_once(" to ") {
            find(low).zip(find(high))
        } else {
            find(value).map(|only| (only, only))
        };
        match part {
            Some((low, high)) if low > high => {
                let help = "write the lower rank first";
                report.add(span, format!("{} runs downwards, so no rank is in it", words::quote(value)), "no rank is in here", help);
                sound = false;
            }
            Some((low, high)) => ranks.extend(low..=high),
            None => sound = false,
        }
    }
    ranks.sort_unstable();
    ranks.dedup();
    sound.then_some(RankRange::Ranks(ranks))
}

fn once(key: &Key<String>, report: &mut Report) -> Once {
    let Some(At { span, value }) = report.line(key, "once") else { return Once::Occasion };
    match value {
        "month" => Once::Month,
        "year" => Once::Year,
        "ever" => Once::Ever,
        "every run" => Once::EveryRun,
        _ => match words::counted(value) {
            Some((months, "month")) if (1..=1_200).contains(&months) => Once::Months(months),
            _ => {
                let help = "write \"month\", \"year\", \"ever\", \"every run\" or \"3 months\"; left out, it is once for each occasion";
                report.add(span, format!("`once` cannot be {}", words::quote(value)), "not a way to count", help);
                Once::Occasion
            }
        },
    }
}
