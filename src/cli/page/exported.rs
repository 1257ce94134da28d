//! What is said of a list that was written.

use super::super::words::pick;
use super::{good, warning};
use crate::domain::Job;
use crate::domain::list::ListKind;
use crate::domain::money::{grouped, many};
use crate::pipeline::{Exported, Wanted};
use std::path::Path;

pub fn exported(job: &Job, wanted: Wanted<'_>, exported: &Exported, out: Option<&Path>) -> String {
    let language = job.language;
    let what = match wanted {
        Wanted::Ranks => pick(language, "ランク", "ranks").to_owned(),
        Wanted::People { campaign, kind } => format!("{campaign} ({})", told(job, kind)),
    };
    let place = out.map_or_else(String::new, |path| format!(" → {}", path.display()));
    let rows = language.pick(format!("{} 件", grouped(exported.rows)), many(exported.rows, "row", "rows"));
    let mut text = good(&format!("{what} · {}: {rows}{place}", exported.as_of));
    for (count, ja, en) in [
        (exported.stopped, "配信停止・取消などで載せていない方", "left out: stopped by now, or set aside"),
        (
            exported.passed_over,
            "この一覧に載せるものがない方（同意・宛先・贈り物なし、または重複）",
            "left out: nothing to list (no consent, no gift, or there twice)",
        ),
    ] {
        if count > 0 {
            text += &format!("  {} {}\n", grouped(count), pick(language, ja, en));
        }
    }
    if exported.nowhere > 0 {
        let count = grouped(exported.nowhere);
        text += &warning(&language.pick(format!("住所のない贈り物: {count}"), format!("{count} gifts have no postal address")));
    }
    if !exported.adopted {
        text += &warning(&language.pick(
            format!("{} の計画はまだ実行していません。内容は変わることがあります", exported.as_of),
            format!("the plan of {} is not adopted yet: it may still change, and the ledger does not know of it", exported.as_of),
        ));
    }
    text
}

fn told(job: &Job, kind: ListKind) -> &'static str {
    let (ja, en) = match kind {
        ListKind::Post => ("郵送", "post"),
        ListKind::Line => ("LINE", "LINE"),
        ListKind::Call => ("電話", "call"),
        ListKind::Google => ("Google 広告", "Google Ads"),
        ListKind::Meta => ("Meta 広告", "Meta"),
        ListKind::Gifts => ("贈り物", "gifts"),
    };
    pick(job.language, ja, en)
}
