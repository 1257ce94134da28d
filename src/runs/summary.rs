//! `plan.json`: the summary of a plan as JSON that people can read, and back.

use super::Error;
use super::accounts::{CashbackFigures, PointsFigures};
use super::folder::DAY;
use super::merge::contradiction;
use crate::domain::coupon::PoolUse;
use crate::domain::plan::{Counts, Origin, Summary};
use crate::domain::{Allotment, Channel, Exposure, RankChange, RankIndex, Rate, SkipReason};
use chrono::{DateTime, NaiveDate, SecondsFormat};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The format that is written, and the newest that is understood.
pub(super) const FORMAT: u64 = 1;

/// Why a text is no plan.json that this program understands.
pub(super) enum Refusal {
    Newer(u64),
    Broken(String),
}

#[derive(Deserialize)]
struct Head {
    format: u64,
}

#[derive(Serialize, Deserialize)]
struct PlanFile {
    format: u64,
    job: String,
    as_of: String,
    closing: String,
    next_closing: String,
    keep_by: Option<String>,
    review: Option<String>,
    previous: Option<String>,
    planned_at: String,
    digest: String,
    key_id: String,
    rules: String,
    #[serde(default)]
    origin: Option<OriginFile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    program: Option<String>,
    inputs: Vec<Named>,
    templates: Vec<Named>,
    files: Vec<Named>,
    read: Read,
    customers: u64,
    holdout: u64,
    nameless: u64,
    #[serde(default)]
    pools: Vec<PoolFile>,
    #[serde(default)]
    offer_exposure: i64,
    #[serde(default)]
    points: Option<PointsFigures>,
    #[serde(default)]
    cashback: Option<CashbackFigures>,
    ranks: Vec<RankSize>,
    no_rank: u64,
    moves: Vec<Move>,
    changes: Vec<Change>,
    matched: u64,
    mails: u64,
    skipped: u64,
    campaigns: Vec<CampaignCounts>,
    brakes: Vec<Brake>,
    warnings: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Named {
    name: String,
    digest: String,
}

/// Paths with `/`, relative to the plan's folder.
#[derive(Serialize, Deserialize)]
struct OriginFile {
    job: String,
    runs: String,
}

#[derive(Serialize, Deserialize)]
struct Read {
    lines: u64,
    lines_before_previous: u64,
    lines_excluded: u64,
    guests: u64,
    bad_rows: u64,
    bad_row_notes: Vec<String>,
    newest: Option<String>,
    customers_excluded: u64,
}

#[derive(Serialize, Deserialize)]
struct RankSize {
    rank: String,
    customers: u64,
}

#[derive(Serialize, Deserialize)]
struct Move {
    before: Option<String>,
    now: Option<String>,
    customers: u64,
}

#[derive(Serialize, Deserialize)]
struct Change {
    change: String,
    customers: u64,
}

/// Mails by rank in the order of the ladder, the last place is no rank.
#[derive(Serialize, Deserialize)]
struct CampaignCounts {
    campaign: String,
    mails: Vec<u64>,
    /// Plans of earlier versions do not tell: all were mails.
    #[serde(default)]
    channels: Vec<ByChannel>,
    skipped: Vec<Skips>,
    #[serde(default)]
    exposure: Option<Cost>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    places: Option<Parts>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    budget: Option<Parts>,
}

/// What there is of something on one occasion: places, or money in minor units.
#[derive(Serialize, Deserialize)]
struct Parts {
    most: u64,
    before: u64,
    now: u64,
}

impl Parts {
    fn of(Allotment { most, before, now }: Allotment) -> Self {
        Self { most, before, now }
    }

    fn allotment(&self) -> Allotment {
        Allotment { most: self.most, before: self.before, now: self.now }
    }
}

/// What a campaign's offers cost, minor units: when all are used, and what is expected of it. The rest is null where no earlier run
/// tells how many are used.
#[derive(Serialize, Deserialize)]
struct Cost {
    face: i64,
    expected: Option<i64>,
    expected_low: Option<i64>,
    expected_high: Option<i64>,
    issued_before: Option<u64>,
    redeemed_before: Option<u64>,
}

impl Cost {
    fn of(exposure: &Exposure) -> Self {
        let expected = |at: usize| exposure.expected().map(|interval| interval[at]);
        Self {
            face: exposure.face,
            expected: expected(1),
            expected_low: expected(0),
            expected_high: expected(2),
            issued_before: exposure.used.map(|rate| rate.issued),
            redeemed_before: exposure.used.map(|rate| rate.redeemed),
        }
    }

    fn exposure(&self) -> Exposure {
        let used = self.issued_before.zip(self.redeemed_before).map(|(issued, redeemed)| Rate { issued, redeemed });
        Exposure { face: self.face, used }
    }
}

#[derive(Serialize, Deserialize)]
struct ByChannel {
    channel: String,
    mails: u64,
}

#[derive(Serialize, Deserialize)]
struct PoolFile {
    campaign: String,
    free: u64,
    given: u64,
    missing: u64,
}

#[derive(Serialize, Deserialize)]
struct Skips {
    reason: String,
    pairs: u64,
}

#[derive(Serialize, Deserialize)]
struct Brake {
    name: String,
    seen: String,
}

/// The text of plan.json.
///
/// # Errors
/// `Contradiction` when counts name a rank that is not there, or a time is outside of what a calendar holds.
pub(super) fn text(summary: &Summary) -> Result<String, Error> {
    let file = to_file(summary).map_err(contradiction)?;
    let mut text = serde_json::to_string_pretty(&file).map_err(|error| contradiction(error.to_string()))?;
    text.push('\n');
    Ok(text)
}

/// The summary that a plan.json holds.
pub(super) fn read(text: &str) -> Result<Summary, Refusal> {
    let broken = |error: serde_json::Error| Refusal::Broken(error.to_string());
    let head: Head = serde_json::from_str(text).map_err(broken)?;
    if head.format > FORMAT {
        return Err(Refusal::Newer(head.format));
    }
    from_file(serde_json::from_str(text).map_err(broken)?).map_err(Refusal::Broken)
}

fn to_file(summary: &Summary) -> Result<PlanFile, String> {
    let counts = &summary.counts;
    let rank = |rank: Option<RankIndex>| -> Result<Option<String>, String> {
        let Some(rank) = rank else { return Ok(None) };
        summary.ranks.get(usize::from(rank)).cloned().map(Some).ok_or_else(|| format!("there is no rank number {rank}"))
    };
    let moves = counts.moves.iter().map(|&(before, now, customers)| Ok(Move { before: rank(before)?, now: rank(now)?, customers }));
    if counts.rank_sizes.len() != summary.ranks.len() {
        return Err("ranks and their sizes differ in number".into());
    }
    if counts.mails_by_rank.len() != summary.campaigns.len()
        || counts.skips.len() != summary.campaigns.len()
        || counts.channels.len() != summary.campaigns.len()
    {
        return Err("campaigns and their figures differ in number".into());
    }
    let campaigns = summary.campaigns.iter().zip(&counts.mails_by_rank).zip(&counts.channels).zip(&counts.skips).enumerate();
    Ok(PlanFile {
        format: FORMAT,
        job: summary.job.clone(),
        as_of: day_text(summary.as_of),
        closing: day_text(summary.closing),
        next_closing: day_text(summary.next_closing),
        keep_by: summary.keep_by.map(day_text),
        review: summary.review.map(day_text),
        previous: summary.previous.map(day_text),
        planned_at: instant_text(summary.planned_at)?,
        digest: summary.digest.clone(),
        key_id: summary.key_id.clone(),
        rules: summary.rules.clone(),
        origin: summary.origin.as_ref().map(|origin| OriginFile { job: slashed(&origin.job), runs: slashed(&origin.runs) }),
        program: summary.program.clone(),
        inputs: to_named(&summary.inputs),
        templates: to_named(&summary.templates),
        files: to_named(&summary.files),
        read: Read {
            lines: counts.lines,
            lines_before_previous: counts.lines_before_previous,
            lines_excluded: counts.lines_excluded,
            guests: counts.guests,
            bad_rows: counts.bad_rows,
            bad_row_notes: counts.bad_row_notes.clone(),
            newest: counts.newest.map(instant_text).transpose()?,
            customers_excluded: counts.customers_excluded,
        },
        customers: counts.customers,
        holdout: counts.holdout,
        nameless: counts.nameless,
        pools: counts.pools.iter().map(|used| pool_file(used, &summary.campaigns)).collect::<Result<_, String>>()?,
        offer_exposure: counts.offer_exposure,
        points: counts.points.map(PointsFigures::of),
        cashback: counts.cashback.map(CashbackFigures::of),
        ranks: summary.ranks.iter().zip(&counts.rank_sizes).map(|(rank, &customers)| RankSize { rank: rank.clone(), customers }).collect(),
        no_rank: counts.no_rank,
        moves: moves.collect::<Result<_, String>>()?,
        changes: counts.changes.iter().map(|&(change, customers)| Change { change: change.word().into(), customers }).collect(),
        matched: counts.matched,
        mails: counts.mails,
        skipped: counts.skipped,
        campaigns: campaigns
            .map(|(at, (((campaign, mails), channels), skips))| CampaignCounts {
                campaign: campaign.clone(),
                mails: mails.clone(),
                channels: channels.iter().map(|&(channel, mails)| ByChannel { channel: channel.word().into(), mails }).collect(),
                skipped: skips.iter().map(|&(reason, pairs)| Skips { reason: reason.word().into(), pairs }).collect(),
                exposure: counts.exposure.get(at).map(Cost::of),
                places: counts.places.get(at).copied().flatten().map(Parts::of),
                budget: counts.budgets.get(at).copied().flatten().map(Parts::of),
            })
            .collect(),
        brakes: summary.brakes.iter().map(|(name, seen)| Brake { name: name.clone(), seen: seen.clone() }).collect(),
        warnings: summary.warnings.clone(),
    })
}

fn slashed(path: &Path) -> String {
    let parts: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

fn from_file(file: PlanFile) -> Result<Summary, String> {
    let ranks: Vec<String> = file.ranks.iter().map(|rank| rank.rank.clone()).collect();
    let counts = counts_of(&file, &ranks)?;
    Ok(Summary {
        as_of: day(&file.as_of)?,
        closing: day(&file.closing)?,
        next_closing: day(&file.next_closing)?,
        keep_by: file.keep_by.as_deref().map(day).transpose()?,
        review: file.review.as_deref().map(day).transpose()?,
        previous: file.previous.as_deref().map(day).transpose()?,
        planned_at: instant(&file.planned_at)?,
        campaigns: file.campaigns.into_iter().map(|campaign| campaign.campaign).collect(),
        job: file.job,
        digest: file.digest,
        inputs: from_named(file.inputs),
        rules: file.rules,
        origin: file.origin.map(|origin| Origin { job: origin.job.into(), runs: origin.runs.into() }),
        program: file.program,
        templates: from_named(file.templates),
        key_id: file.key_id,
        files: from_named(file.files),
        ranks,
        counts,
        brakes: file.brakes.into_iter().map(|brake| (brake.name, brake.seen)).collect(),
        warnings: file.warnings,
    })
}

fn counts_of(file: &PlanFile, ranks: &[String]) -> Result<Counts, String> {
    let rank = |name: &Option<String>| -> Result<Option<RankIndex>, String> {
        let Some(name) = name else { return Ok(None) };
        let at = ranks.iter().position(|rank| rank == name).and_then(|at| RankIndex::try_from(at).ok());
        at.map(Some).ok_or_else(|| format!("a move names the rank `{name}`, which is not listed"))
    };
    let change = |word: &str| RankChange::from_word(word).ok_or_else(|| format!("`{word}` is no rank change"));
    let channel = |word: &str| Channel::from_word(word).ok_or_else(|| format!("`{word}` is no channel"));
    let channels =
        file.campaigns.iter().map(|campaign| campaign.channels.iter().map(|each| Ok((channel(&each.channel)?, each.mails))).collect());
    let reason = |word: &str| SkipReason::from_word(word).ok_or_else(|| format!("`{word}` is no reason to skip"));
    if let Some(short) = file.campaigns.iter().find(|campaign| campaign.mails.len() != ranks.len() + 1) {
        return Err(format!("campaign `{}` does not count mails for each rank and for no rank", short.campaign));
    }
    let skips = file.campaigns.iter().map(|campaign| campaign.skipped.iter().map(|skip| Ok((reason(&skip.reason)?, skip.pairs))).collect());
    Ok(Counts {
        customers: file.customers,
        customers_excluded: file.read.customers_excluded,
        lines: file.read.lines,
        lines_before_previous: file.read.lines_before_previous,
        lines_excluded: file.read.lines_excluded,
        guests: file.read.guests,
        bad_rows: file.read.bad_rows,
        bad_row_notes: file.read.bad_row_notes.clone(),
        newest: file.read.newest.as_deref().map(instant).transpose()?,
        rank_sizes: file.ranks.iter().map(|rank| rank.customers).collect(),
        no_rank: file.no_rank,
        moves: file.moves.iter().map(|each| Ok((rank(&each.before)?, rank(&each.now)?, each.customers))).collect::<Result<_, String>>()?,
        changes: file.changes.iter().map(|each| Ok((change(&each.change)?, each.customers))).collect::<Result<_, String>>()?,
        matched: file.matched,
        mails: file.mails,
        skipped: file.skipped,
        mails_by_rank: file.campaigns.iter().map(|campaign| campaign.mails.clone()).collect(),
        channels: channels.collect::<Result<_, String>>()?,
        skips: skips.collect::<Result<_, String>>()?,
        nameless: file.nameless,
        pools: file.pools.iter().map(|used| pool_use(used, &file.campaigns)).collect::<Result<_, String>>()?,
        offer_exposure: file.offer_exposure,
        exposure: file.campaigns.iter().map_while(|campaign| campaign.exposure.as_ref().map(Cost::exposure)).collect(),
        places: file.campaigns.iter().map(|campaign| campaign.places.as_ref().map(Parts::allotment)).collect(),
        budgets: file.campaigns.iter().map(|campaign| campaign.budget.as_ref().map(Parts::allotment)).collect(),
        holdout: file.holdout,
        points: file.points.as_ref().map(PointsFigures::totals),
        cashback: file.cashback.as_ref().map(CashbackFigures::totals),
    })
}

fn pool_file(used: &PoolUse, campaigns: &[String]) -> Result<PoolFile, String> {
    let campaign = campaigns.get(used.campaign).ok_or_else(|| format!("there is no campaign number {}", used.campaign))?;
    Ok(PoolFile { campaign: campaign.clone(), free: used.free, given: used.given, missing: used.missing })
}

fn pool_use(file: &PoolFile, campaigns: &[CampaignCounts]) -> Result<PoolUse, String> {
    let campaign = campaigns.iter().position(|known| known.campaign == file.campaign);
    let campaign = campaign.ok_or_else(|| format!("a pool is of the campaign `{}`, which is not listed", file.campaign))?;
    Ok(PoolUse { campaign, free: file.free, given: file.given, missing: file.missing })
}

fn to_named(pairs: &[(String, String)]) -> Vec<Named> {
    pairs.iter().map(|(name, digest)| Named { name: name.clone(), digest: digest.clone() }).collect()
}

fn from_named(named: Vec<Named>) -> Vec<(String, String)> {
    named.into_iter().map(|each| (each.name, each.digest)).collect()
}

fn day_text(day: NaiveDate) -> String {
    day.format(DAY).to_string()
}

fn day(text: &str) -> Result<NaiveDate, String> {
    NaiveDate::parse_from_str(text, DAY).map_err(|_| format!("`{text}` is no day"))
}

fn instant_text(instant: i64) -> Result<String, String> {
    let time = DateTime::from_timestamp_micros(instant).ok_or_else(|| format!("{instant} is no time"))?;
    Ok(time.to_rfc3339_opts(SecondsFormat::Micros, true))
}

fn instant(text: &str) -> Result<i64, String> {
    DateTime::parse_from_rfc3339(text).map(|time| time.timestamp_micros()).map_err(|_| format!("`{text}` is no time"))
}
