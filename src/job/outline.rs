//! What of a job that has problems is still certain enough to look at its templates.

use super::file::{CampaignFile, JobFile};
use super::words;
use super::written::{Key, Many};
use crate::domain::currency;
use crate::domain::job::{Language, Outline};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// How many files beside a job are looked at.
const MOST_BESIDE: usize = 256;

/// The outline of a job file. `None` when one of its parts is not certain: what is said of templates would be a guess then.
pub fn outline(path: &Path) -> Option<Outline> {
    let file = read(path)?;
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
    let language = match file.language.span() {
        Some(_) if file.language.value()? == "ja" => Language::Ja,
        _ => Language::En,
    };
    Some(Outline {
        templates: templates(&file, path)?,
        campaigns,
        without_mail,
        variants,
        ranks,
        shop: file.shop.value()?.0.0.iter().map(|entry| entry.name.clone()).collect(),
        currency: currency::find(file.currency.value()?)?,
        language,
    })
}

/// The campaigns of the other jobs that lie beside this one and have the same folder of templates.
pub fn campaigns_beside(path: &Path, root: &Path) -> Vec<String> {
    let same = |one: &Path, other: &Path| one.canonicalize().ok().is_some_and(|one| other.canonicalize().is_ok_and(|other| one == other));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(entries) = folder.read_dir() else { return Vec::new() };
    let files = entries.take(MOST_BESIDE).flatten().map(|entry| entry.path());
    let jobs = files.filter(|other| other.extension().is_some_and(|ending| ending == "toml") && other.is_file() && !same(other, path));
    let campaigns = jobs.filter_map(|other| {
        let file = read(&other)?;
        let campaigns = file.campaign.value().filter(|_| templates(&file, &other).is_some_and(|other| same(&other, root)))?;
        Some(campaigns.iter().filter_map(|campaign| campaign.value()?.name.value().cloned()).collect::<Vec<_>>())
    });
    campaigns.flatten().collect()
}

fn read(path: &Path) -> Option<JobFile> {
    let text = super::read(path).ok()?;
    JobFile::deserialize(toml::de::Deserializer::parse(&text).ok()?).ok()
}

/// The folder of templates that a job file names.
fn templates(file: &JobFile, path: &Path) -> Option<PathBuf> {
    let name = match file.templates.span() {
        None => "templates",
        Some(_) => file.templates.value()?.as_str(),
    };
    Some(path.parent().unwrap_or(Path::new("")).join(name))
}
