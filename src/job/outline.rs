//! What of a job that has problems is still certain enough to look at its templates.

use super::file::{CampaignFile, JobFile};
use super::written::{Key, Many};
use super::{currency, words};
use crate::domain::job::{Language, Outline};
use serde::Deserialize;
use std::path::Path;

/// The outline of a job file. `None` when one of its parts is not certain: what is said of templates would be a guess then.
pub fn outline(path: &Path) -> Option<Outline> {
    let text = super::read(path).ok()?;
    let file = JobFile::deserialize(toml::de::Deserializer::parse(&text).ok()?).ok()?;
    // The ranks of another job are known to that job only.
    if file.ranks.value().is_some_and(|ranks| ranks.of.span().is_some()) {
        return None;
    }
    let ranks = file.rank.value()?.iter().map(|rank| rank.value()?.name.value().cloned()).collect::<Option<Vec<_>>>()?;
    let campaigns = match file.campaign.span() {
        None => Vec::new(),
        Some(_) => file.campaign.value()?.iter().map(|campaign| campaign.value()?.name.value().cloned()).collect::<Option<Vec<_>>>()?,
    };
    if !campaigns.iter().all(|name| words::is_name(name)) {
        return None;
    }
    let by_mail = |campaign: &CampaignFile| match campaign.channel.value() {
        None => true,
        Some(Many::One(channel)) => channel == "mail",
        Some(Many::List(list)) => list.iter().any(|channel| channel.value().is_some_and(|channel| channel == "mail")),
    };
    let listed = file.campaign.value().into_iter().flatten().filter_map(Key::value);
    let without_mail = listed.filter(|campaign| !by_mail(campaign)).filter_map(|campaign| campaign.name.value().cloned()).collect();
    let listed = file.campaign.value().into_iter().flatten().filter_map(Key::value);
    let variants = listed.filter_map(|campaign| {
        let names = campaign.variants.value()?.0.iter().map(|variant| variant.name.clone()).collect();
        Some((campaign.name.value()?.clone(), names))
    });
    let variants = variants.collect();
    let templates = match file.templates.span() {
        None => "templates",
        Some(_) => file.templates.value()?.as_str(),
    };
    let language = match file.language.span() {
        Some(_) if file.language.value()? == "ja" => Language::Ja,
        _ => Language::En,
    };
    Some(Outline {
        templates: path.parent().unwrap_or(Path::new("")).join(templates),
        campaigns,
        without_mail,
        variants,
        ranks,
        shop: file.shop.value()?.0.0.iter().map(|entry| entry.name.clone()).collect(),
        currency: currency::find(file.currency.value()?)?,
        language,
    })
}
