//! What the editor says of other customers than the one that is shown, and of values that the plan does not have.

use super::editor::Tried;
use super::page::way;
use crate::domain::job::Language;
use crate::domain::money::grouped;
use crate::pipeline::studio::Failing;
use serde::Serialize;

/// That others' mails of the campaign cannot be made.
#[derive(Serialize)]
pub(super) struct Others {
    told: String,
    /// The first of them, each with the way to the same page with them.
    first: Vec<(String, String)>,
    has_more: bool,
    campaign: String,
    /// What is wrong, where that is not told of the mail that is shown.
    problem: Option<String>,
}

impl Others {
    pub(super) fn of(failing: Failing, tried: &Tried, language: Language) -> Self {
        let (count, of) = (grouped(failing.count as u64), grouped(failing.of as u64));
        let campaign = tried.campaign.as_str();
        let link = |customer: &String| (way("", &[("customer", customer), ("campaign", campaign)]), customer.clone());
        Self {
            told: language.pick(
                format!("試した {of} 人のうち {count} 人で失敗します"),
                format!("It fails for {count} of the {of} that it was tried on"),
            ),
            first: failing.first.iter().map(link).collect(),
            has_more: failing.count > failing.first.len(),
            campaign: campaign.to_owned(),
            problem: failing.told,
        }
    }
}

/// That the plan has to be made again before these values are there.
pub(super) fn unplanned(names: &[&str], language: Language) -> Option<String> {
    let all = names.join(", ");
    (!names.is_empty()).then(|| {
        language.pick(
            format!(
                "{all} の値は、まだこの計画にありません。計画を作ったときのテンプレートが使っていなかったためです。ファイルを保存して計画を作り直すと、ここでも見られます。"
            ),
            format!(
                "The plan has no {all} yet, since no template of this campaign used it when the plan was made. Save the file and plan again \
                 to see it here."
            ),
        )
    })
}
