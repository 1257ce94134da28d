//! `channel` and `cost_each` of a campaign: how it reaches people, and what that costs.

use super::super::file::CampaignFile;
use super::super::report::{At, Report};
use super::super::words;
use super::super::written::{Entries, Many, Or, Scalar, Span};
use super::{Around, Lack};
use crate::domain::Channel;

/// The channels in the order in which they are tried; mail where none is written.
pub fn channels(file: &CampaignFile, around: &Around<'_>, report: &mut Report) -> Vec<Channel> {
    let Some(written) = report.lines(&file.channel, "channel") else { return vec![Channel::Mail] };
    let mut channels: Vec<Channel> = Vec::new();
    for At { span, value } in written {
        let Some(channel) = Channel::from_word(value) else {
            let help = words::choice(value, Channel::ALL.iter().map(|channel| channel.word()));
            report.add(span, format!("`channel` cannot be {}", words::quote(value)), "not a channel", help);
            continue;
        };
        if channels.contains(&channel) {
            report.add(span, format!("`channel` names \"{value}\" twice"), "again", "name each channel once");
            continue;
        }
        let needs = [
            (Channel::Post, Lack::PostalAddress, "postal_address"),
            (Channel::Line, Lack::LineId, "line_id"),
            (Channel::Call, Lack::Phone, "phone"),
        ];
        if let Some((.., role)) = needs.iter().find(|(needing, lack, _)| *needing == channel && around.lacks.contains(lack)) {
            let help = format!("map `{role}` in [customers.columns], or take the channel out");
            report.add(span, format!("nobody can be reached by \"{value}\": no column is the `{role}`"), "for whom?", help);
        }
        channels.push(channel);
    }
    channels
}

/// What one mail, letter, message or call costs, in minor units: one amount for all channels of the campaign, or one for each.
pub fn costs(file: &CampaignFile, channels: &[Channel], around: &Around<'_>, report: &mut Report) -> Vec<(Channel, i64)> {
    let Some(At { span, value }) = report.get(&file.cost_each, "cost_each") else { return Vec::new() };
    match value {
        Or::Plain(Many::One(only)) => {
            let cost = amount(only, span, around, report);
            channels.iter().filter_map(|channel| Some((*channel, cost?))).collect()
        }
        Or::Plain(Many::List(_)) => {
            let help = "write one amount, or one for each channel: { post = 120, call = 300 }";
            report.add(span, "`cost_each` cannot be a list", "a list", help);
            Vec::new()
        }
        Or::Table(Entries(entries)) => {
            let mut costs = Vec::new();
            for entry in entries {
                let channel = channels.iter().find(|channel| channel.word() == entry.name);
                if channel.is_none() {
                    let help = words::choice(&entry.name, channels.iter().map(|channel| channel.word()));
                    let message = format!("`cost_each` names `{}`, by which the campaign goes to nobody", words::plain(&entry.name));
                    report.add(entry.span, message, "not a channel of this campaign", help);
                }
                let Some(At { span, value }) = report.get(&entry.value, "cost_each") else { continue };
                costs.extend(channel.copied().zip(amount(value, span, around, report)));
            }
            costs
        }
    }
}

fn amount(value: &Scalar, span: Span, around: &Around<'_>, report: &mut Report) -> Option<i64> {
    words::money(value, &around.currency)
        .map_err(|why| report.add(span, format!("`cost_each` is not an amount: {why}"), "in major units", "write it like 120"))
        .ok()
}
