//! The mails of a plan, and rankmail's way from their values to what is proven.

use rankmail::domain::plan::MailRow;
use rankmail::domain::{Currency, Value, job::Language};
use rankmail::{message, runs};
use std::error::Error;
use std::path::Path;

/// A mail whose values are parsed.
pub struct Mail {
    pub row: MailRow,
    pub values: Value,
}

/// What `{{ shop.name }}` and so on stand for.
pub type Shop = Vec<(String, String)>;

/// The shop of a plan, as its job has it.
pub fn shop(job: &str) -> Result<Shop, toml::de::Error> {
    let job: toml::Table = job.parse()?;
    let shop = job.get("shop").and_then(toml::Value::as_table);
    let texts = shop.into_iter().flatten().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
    Ok(texts.collect())
}

pub fn mail(row: MailRow) -> Result<Mail, runs::Error> {
    Ok(Mail { values: runs::values_read(&row.values)?, row })
}

/// rankmail's own templates, for the campaigns and ranks of these mails.
pub fn own<'m>(
    root: &Path,
    mails: &(impl Iterator<Item = &'m Mail> + Clone),
    shop: &[(String, String)],
) -> Result<message::Templates, Box<dyn Error>> {
    let all = |name: fn(&Mail) -> Option<&String>| {
        let mut names: Vec<String> = mails.clone().filter_map(name).cloned().collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    let campaigns = all(|mail| Some(&mail.row.campaign));
    let variants = all(|mail| mail.row.variant.as_ref());
    let names = message::Names {
        customer: None,
        shop: shop.iter().map(|(key, _)| key.clone()).collect(),
        without_mail: Vec::new(),
        elsewhere: Vec::new(),
        variants: campaigns.iter().map(|campaign| (campaign.clone(), variants.clone())).collect(),
        currency: Currency { code: "JPY".into(), digits: 0 },
        language: Language::Ja,
    };
    Ok(message::Templates::load(root, &campaigns, &all(|mail| mail.row.rank.as_ref()), &names)?)
}

/// Renders a mail as `plan` and `send` do, and gives how long it is when it is what was planned.
pub fn prove(templates: &message::Templates, mail: &Mail, shop: &[(String, String)], law: &message::Law) -> Result<usize, String> {
    let row = &mail.row;
    let content = templates.render(&row.campaign, row.variant.as_deref(), row.rank.as_deref(), &mail.values, shop);
    let content = content.map_err(|error| error.to_string())?;
    let link = match mail.values.get("links").and_then(|links| links.get("unsubscribe")) {
        Some(Value::Text(link)) => link,
        _ => "",
    };
    law.holds(&content, link)?;
    if message::hash(&row.address, &content) != row.content_hash {
        return Err(format!("{} is not what was planned", row.mail_id));
    }
    Ok(content.subject.len() + content.html.len() + content.text.len())
}
