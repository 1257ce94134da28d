//! The words of the pages of templates.

use super::words::{Words, words};
use crate::domain::job::Language;

pub(super) fn table(language: Language) -> Words {
    words(
        language,
        &[
            ("folder", "フォルダー", "Folder"),
            ("campaigns", "キャンペーン", "Campaigns"),
            ("shared", "共通の部品", "What mails share"),
            ("absent", "（なし）", "(none yet)"),
            ("strange", "（リンクなどのため使いません）", "(a link or the like, not used)"),
            ("try", "全員で試す", "Try on all"),
            ("files", "ファイル", "Files"),
            ("text", "文面", "Text"),
            ("keys", "Tab で字下げ。Esc のあとの Tab で次の項目へ移ります。", "Tab indents; after Esc it goes on to the next field."),
            ("save", "保存", "Save"),
            ("saved", "保存しました。送るには計画を作り直してください。", "Saved. Plan again for it to be sent."),
            ("values", "使える値と、この顧客での例", "Values there are, and what they are for this customer"),
            ("nothing", "なし", "nothing"),
            ("insert", "文面に入れる", "Put it into the text"),
            ("customer", "顧客", "Customer"),
            ("campaign", "キャンペーン", "Campaign"),
            ("on", "この顧客で見る", "Look at it with"),
            ("show", "表示", "Show"),
            ("wrong", "テンプレートに誤りがあります。", "The template has an error."),
            ("person", "この顧客のページ", "This customer's page"),
            ("preview", "プレビュー", "Preview"),
            ("dark", "ダークモード", "Dark mode"),
            ("remote", "外部の画像", "Pictures from elsewhere"),
            (
                "nobody",
                "この計画では、このテンプレートのメールを受け取る人がいません。",
                "Nobody gets a mail of this template in this plan.",
            ),
            ("planned", "計画どおりのメールです。", "This is the mail that is planned."),
            (
                "differs",
                "計画のメールと異なります。送るには計画を作り直してください。",
                "It differs from the planned mail; plan again for it to be sent.",
            ),
            ("mend", "印の箇所を直してください。", "Mend the place that is marked."),
            ("last_good", "下は最後に作成できたものです。", "Below is the last one that could be made."),
            (
                "gone",
                "スタジオから応答がありません。文面はこのページに残っています。閉じずに、端末で studio が動いているか確認してください。",
                "The studio does not answer. Your text is still on this page: leave it open, and see whether the studio runs in its terminal.",
            ),
            (
                "too_long",
                "保存できません: テンプレートは 1024 KiB までです。文面はこのページに残っています。",
                "It cannot be saved: no template may be larger than 1024 KiB. Your text is still on this page.",
            ),
            (
                "meanwhile",
                "このファイルはほかで変更されました。保存すると両方を見比べられます。",
                "This file was changed elsewhere; saving shows both.",
            ),
            (
                "taken_over",
                "ほかのプログラムがこのファイルを保存しました。左はその新しい文面です。",
                "Another program has saved this file; its text stands here now.",
            ),
            (
                "no_file",
                "ファイルはもうありません。元に戻してから保存することも、あなたの文面で作り直すこともできます。",
                "The file is not there any more. Put it back and save again, or make it anew with your text.",
            ),
            ("make_mine", "あなたの文面で作り直す", "Make the file anew with your text"),
            (
                "choose",
                "Ctrl+S では上書きしません。両方を見比べ、どちらかのボタンを押してください。",
                "Ctrl+S does not save over the other text: look at both, and press one of the two buttons.",
            ),
            ("others", "ほかの顧客でも試す", "Try it on other customers"),
            ("wide", "パソコン 600 px", "Computer, 600 px"),
            ("narrow", "スマートフォン 375 px", "Telephone, 375 px"),
            ("text_part", "テキスト部", "Text part"),
            ("planned_mail", "計画のメール", "The planned mail"),
            ("theirs", "いまのファイル", "The file as it is now"),
            ("mine", "あなたの文面", "Your text"),
            ("take_theirs", "いまのファイルで続ける", "Go on with the file as it is"),
            ("save_mine", "あなたの文面で上書き", "Save yours over it"),
            (
                "both_gone",
                "開いてから保存までの間に、ファイルがなくなりました。何も書き込んでいません。",
                "The file was removed since you opened it. Nothing was written.",
            ),
            (
                "both",
                "開いてから保存までの間に、ファイルが変更されました。何も書き込んでいません。",
                "The file was changed since you opened it. Nothing was written.",
            ),
        ],
    )
}
