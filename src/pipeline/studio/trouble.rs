//! Errors as a page says them: in its language, with what to do.

use super::super::error::Error;
use crate::domain::job::Language;

/// An error for a page. What comes from deep inside is in English; on a Japanese page a sentence stands before it, and it is the detail.
#[must_use]
pub fn told(error: &Error, language: Language) -> String {
    if let Error::Several(errors) = error {
        return errors.iter().map(|error| told(error, language)).collect::<Vec<_>>().join("\n\n");
    }
    let detail = error.to_string();
    if language == Language::En || is_japanese(&detail) { detail } else { format!("{}\n\n{detail}", sentence(error)) }
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
