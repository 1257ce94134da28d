//! What a campaign says of the others: whose mail takes its place, whose mail makes its discount smaller.

use super::super::file::CampaignFile;
use super::super::report::{At, Report};
use super::super::words;
use super::super::written::{Key, Span};
use super::{codes, kinds};
use crate::domain::OfferRule;
use crate::domain::campaign::Reduction;
use crate::domain::offer::{Deal, OfferKind};

/// The names of a job's campaigns as one of them sees them; none where a name is missing.
pub struct Others<'a> {
    pub own: Option<At<&'a str>>,
    pub earlier: &'a [Option<At<&'a str>>],
    pub later: &'a [Option<At<&'a str>>],
}

impl Others<'_> {
    /// The places of the earlier campaigns that `not_with` names.
    pub fn not_with(&self, file: &CampaignFile, report: &mut Report) -> Vec<usize> {
        let mut places = Vec::new();
        for At { span, value } in report.lines(&file.not_with, "not_with").unwrap_or_default() {
            if let Some(at) = self.place(value, span, "not_with", report)
                && !places.contains(&at)
            {
                places.push(at);
            }
        }
        places
    }

    /// The earlier campaigns that `reduced_by` names, and how much they take away.
    pub fn reduced_by(&self, file: &CampaignFile, offer: Option<&OfferRule>, report: &mut Report) -> Vec<Reduction> {
        let Some(At { span, value: entries }) = report.get(&file.reduced_by, "reduced_by") else { return Vec::new() };
        if matches!(file.offer, Key::Absent) || offer.is_some_and(|offer| !can_shrink(&offer.kind)) {
            let help = "it belongs to a coupon of a percentage or an amount, a bundle or a set with `percent`";
            report.add(span, "`reduced_by` has no discount to make smaller", "of what?", help);
        }
        let excluded = file.not_with.value().map(|_| report.lines(&file.not_with, "not_with").unwrap_or_default()).unwrap_or_default();
        let mut reductions = Vec::new();
        for entry in &entries.0 {
            let by = self.place(&entry.name, entry.span, "reduced_by", report);
            if let Some(other) = excluded.iter().find(|other| other.value == entry.name) {
                let message = format!("`{}` is in `not_with` and in `reduced_by`", words::plain(&entry.name));
                report.add(entry.span, message, "smaller, or not at all?", "take it out of one of them");
                report.also(other.span, "and here");
            }
            let Some(value) = report.get(&entry.value, &entry.name) else { continue };
            match kinds::percent_of(value.value) {
                Ok(Some(percent)) => {
                    if let Some(rule) = offer.filter(|_| percent < 100.0) {
                        codes::whole_or_nothing(file, rule, At { span: value.span, value: &format!("{percent}%") }, report);
                    }
                    reductions.extend(by.map(|by| Reduction { by, off: hundredths(percent) }));
                }
                Ok(None) => report.add(value.span, "0% makes nothing smaller", "nothing off", "take it out"),
                Err(why) => report.add(value.span, format!("`reduced_by` cannot be: {why}"), "percent off", "write it like \"50%\""),
            }
        }
        reductions
    }

    /// The place of an earlier campaign; another name is a problem.
    fn place(&self, value: &str, span: Span, key: &str, report: &mut Report) -> Option<usize> {
        let is = |other: &Option<At<&str>>| other.is_some_and(|other| other.value == value);
        let shown = words::plain(value);
        if let Some(at) = self.earlier.iter().position(is) {
            return Some(at);
        }
        if self.own.is_some_and(|own| own.value == value) {
            report.add(span, format!("`{key}` of `{shown}` names itself"), "this campaign", "name an earlier campaign");
        } else if let Some(other) = self.later.iter().flatten().find(|other| other.value == value) {
            let help = format!("it can name earlier campaigns only; move `{shown}` up, or put this one into its `{key}`");
            report.add(span, format!("`{key}` names `{shown}`, which comes later"), "a later campaign", help);
            report.also(other.span, "here");
        } else {
            let help = match words::nearest(value, self.earlier.iter().flatten().map(|other| other.value)) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => "write the name of a campaign that stands above this one".to_owned(),
            };
            report.add(span, format!("there is no campaign {}", words::quote(value)), "not a campaign of this job", help);
        }
        None
    }
}

/// Whether there is a discount in it that can be a part of what it was.
fn can_shrink(kind: &OfferKind) -> bool {
    kind.is_discount() && !matches!(kind, OfferKind::Set { deal: Deal::Price(_), .. })
}

/// A percentage above 0 up to 100 in hundredths of a percent, at least one.
fn hundredths(percent: f64) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is above 0 and at most 10,000")]
    let hundredths = (percent * 100.0).round().max(1.0) as u32;
    hundredths
}
