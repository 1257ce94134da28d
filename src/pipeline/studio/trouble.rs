//! Errors as a page says them: in its language, with what to do.

use super::super::error::Error;
use crate::domain::job::Language;
use std::borrow::Cow;
use std::io::ErrorKind;

/// An error for a page. What comes from deep inside is in English; on a Japanese page a sentence stands before it, and it is the detail.
#[must_use]
pub fn told(error: &Error, language: Language) -> String {
    if let Error::Several(errors) = error {
        return errors.iter().map(|error| told(error, language)).collect::<Vec<_>>().join("\n\n");
    }
    let detail = error.to_string();
    if language == Language::En || is_japanese(&detail) {
        return detail;
    }
    let detail = match error {
        Error::File { path, source } => reason(source.kind()).map_or(detail, |reason| format!("{}: {reason}", path.display())),
        _ => translated(&detail),
    };
    format!("{}\n\n{detail}", sentence(error))
}

/// What is most often wrong with a file, for a Japanese page.
fn reason(kind: ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::NotFound => "ファイルまたはフォルダーが見つかりません",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => "読み書きする権限がありません",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "ディスクに空きがありません",
        _ => return None,
    })
}

/// The same where it stands in a message, as the system or the ledger's library says it.
fn translated(detail: &str) -> String {
    const LOCKED: &str = "ほかのプログラムが使用中です";
    const FULL: &str = "ディスクに空きがありません";
    let mut told = Cow::Borrowed(detail);
    for (words, ja) in [("database is locked", LOCKED), ("database or disk is full", FULL)] {
        if told.contains(words) {
            told = told.replace(words, ja).into();
        }
    }
    // `No such file or directory (os error 2)`, in whatever words the system has for it: the number tells.
    while let Some((before, number, behind)) = system_error(&told) {
        let Some(ja) = reason(std::io::Error::from_raw_os_error(number).kind()) else { break };
        let words = std::io::Error::from_raw_os_error(number).to_string();
        let Some(before) = words.split(" (os error").next().and_then(|words| before.strip_suffix(words)) else { break };
        told = format!("{before}{ja}{behind}").into();
    }
    told.into_owned()
}

/// What stands before and behind ` (os error N)`, and the number.
fn system_error(text: &str) -> Option<(&str, i32, &str)> {
    let (before, rest) = text.split_once(" (os error ")?;
    let (number, behind) = rest.split_once(')')?;
    Some((before, number.parse().ok()?, behind))
}

/// What is wrong and what to do, by the part that found it.
fn sentence(error: &Error) -> &'static str {
    match error {
        Error::Job(_) => "ジョブファイルに誤りがあります。次の箇所を直して、ページを開き直してください。",
        Error::Templates(_) | Error::Render(_) => "テンプレートに誤りがあります。次の箇所を直してください。",
        Error::Compose(_) => "メールを組み立てられません。次の値を直してください。",
        Error::Schedule(_) => "予定（[schedule]）を読めません。ジョブファイルの次の箇所を直してください。",
        Error::Keys(_) => "鍵を読めません。次のファイルを確かめてください。",
        Error::Import(_) | Error::Purchases(_) | Error::Features(_) | Error::Tables(_) => {
            "購買データまたはリストを読めません。次のファイルを確かめてください。"
        }
        Error::Folder(_) | Error::Runs(_) | Error::Report(_) => {
            "計画のフォルダーに問題があります。バックアップから戻すか、送信の前であれば計画を作り直してください。"
        }
        Error::Ledger(_) => "台帳を読み書きできません。ファイルの権限とディスクの空きを確かめてください。",
        Error::Piles(_) | Error::Audience(_) | Error::Outbox(_) | Error::File { .. } => {
            "ファイルを読み書きできません。権限とディスクの空きを確かめて、もう一度開いてください。"
        }
        Error::Delivery(_) | Error::Server(_) => "メールサーバーへ送れません。ジョブの [mail.smtp] とサーバーを確かめてください。",
        Error::Data(_) => "データに合わないところがあります。次の理由を確かめてください。",
        Error::Usage(_) | Error::Several(_) | Error::Unapproved { .. } | Error::Brake { .. } => {
            "できませんでした。次の理由を確かめてください。"
        }
    }
}

/// Our own sentences have hiragana outside of what they quote.
fn is_japanese(text: &str) -> bool {
    let quoted = text.split('`').step_by(2);
    quoted.flat_map(str::chars).any(|letter| ('ぁ'..='ん').contains(&letter))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{self, ErrorKind};

    #[test]
    fn what_is_most_often_wrong_with_a_file_is_said_in_japanese() {
        for (kind, ja) in [
            (ErrorKind::NotFound, "見つかりません"),
            (ErrorKind::PermissionDenied, "権限がありません"),
            (ErrorKind::ReadOnlyFilesystem, "権限がありません"),
            (ErrorKind::StorageFull, "空きがありません"),
        ] {
            let source = io::Error::from(kind);
            let words = source.to_string();
            let error = Error::File { path: "runs/plan.json".into(), source };
            let said = told(&error, Language::Ja);
            assert!(said.contains("runs/plan.json") && said.contains(ja) && !said.contains(&words), "{said}");
        }
        // As the system and SQLite say it, wherever in a message.
        for (code, ja) in [(2, "見つかりません"), (13, "権限がありません"), (28, "空きがありません"), (30, "権限がありません")]
        {
            let error = Error::Folder(format!("runs/x/values.parquet: {}", io::Error::from_raw_os_error(code)));
            let said = told(&error, Language::Ja);
            assert!(said.contains("runs/x/values.parquet") && said.contains(ja) && !said.contains("os error"), "{said}");
        }
        for (why, ja) in [("database is locked", "使用中"), ("database or disk is full", "空きがありません")] {
            let said = told(&Error::Ledger(crate::ledger::Error::Read { why: why.to_owned() }), Language::Ja);
            assert!(said.contains(ja) && !said.contains(why), "{said}");
        }
    }

    #[test]
    fn a_japanese_page_says_in_japanese_what_to_do() {
        let english = Error::Folder("the plan `みせ` has no mail in row 7".to_owned());
        let said = told(&english, Language::Ja);
        assert!(said.starts_with("計画のフォルダーに問題があります") && said.ends_with("no mail in row 7"), "{said}");
        assert_eq!(told(&english, Language::En), english.to_string());
        let japanese = Error::Usage("名前を書いてください".to_owned());
        assert_eq!(told(&japanese, Language::Ja), japanese.to_string());
        let both = told(&Error::Several(vec![english, japanese]), Language::Ja);
        assert!(both.matches("計画のフォルダー").count() == 1 && both.ends_with("名前を書いてください"), "{both}");
    }
}
