//! What stands above a mail's content, for the plan that tries it and for the letter that leaves.

use crate::domain::{Job, Value};
use crate::message;

/// The headers of a mail that is rendered with `values`. `date`: microseconds UTC.
pub fn head<'a>(job: &'a Job, campaign: &str, mail_id: &'a str, address: &'a str, values: &'a Value, date: i64) -> message::Head<'a> {
    let campaign = job.campaigns.iter().find(|known| known.name == campaign);
    message::Head {
        mail_id,
        from: campaign.and_then(|campaign| campaign.from.as_deref()).unwrap_or(&job.mail.from),
        reply_to: campaign.and_then(|campaign| campaign.reply_to.as_deref()).or(job.mail.reply_to.as_deref()),
        to_name: text(values, "customer", "name"),
        to_address: address,
        date,
        zone: job.zone,
        unsubscribe: text(values, "links", "unsubscribe"),
        one_click: job.mail.unsubscribe.contains("{token}"),
        list_id: job.mail.list_id.as_deref(),
    }
}

fn text<'v>(values: &'v Value, group: &str, name: &str) -> &'v str {
    match values.get(group).and_then(|group| group.get(name)) {
        Some(Value::Text(text)) => text,
        _ => "",
    }
}
