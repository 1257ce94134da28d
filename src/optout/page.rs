//! The pages, in the shop's language.

use super::http::Response;
use crate::domain::job::Language;

/// What the pages say of the shop.
#[derive(Debug, Clone)]
pub struct Site {
    pub name: String,
    /// Where somebody can ask whose link does not work.
    pub contact: String,
    pub language: Language,
}

impl Site {
    /// A page with the button. Looking at it changes nothing.
    pub fn asks(&self) -> Response {
        let title = self.language.pick("配信停止", "Unsubscribe");
        let words = self.language.pick(
            format!("下のボタンを押すと、{}からのお知らせは、メールのほか郵便・LINE・お電話も止まります。", escaped(&self.name)),
            format!(
                "Press the button, and {} sends you no more of these mails, nor letters or LINE messages, and does not call.",
                escaped(&self.name)
            ),
        );
        let button = self.language.pick("配信を停止する", "Unsubscribe");
        let form = format!(
            "<form method=\"post\"><input type=\"hidden\" name=\"List-Unsubscribe\" value=\"One-Click\"><button type=\"submit\">{button}</button></form>"
        );
        self.page(200, title, &words, &form)
    }

    /// The opt-out is on the disk.
    pub fn stopped(&self) -> Response {
        let title = self.language.pick("配信を停止しました", "You are unsubscribed");
        let words = self.language.pick(
            format!("{}からのお知らせは、メール・郵便・LINE・お電話とも今後お届けしません。", escaped(&self.name)),
            format!("{} sends you no more of these mails, nor letters or LINE messages, and does not call.", escaped(&self.name)),
        );
        self.page(200, title, &words, "")
    }

    /// A link that is none of ours, whatever is wrong with it.
    pub fn unknown(&self) -> Response {
        let title = self.language.pick("このリンクは使えません", "This link does not work");
        let words = self.language.pick(
            format!(
                "メールに書かれたリンクの全体を開いてください。うまくいかないときは、お手数ですが {} までご連絡ください。",
                escaped(&self.contact)
            ),
            format!("Open the whole link as it stands in the mail. If that does not help, please write to {}.", escaped(&self.contact)),
        );
        self.page(404, title, &words, "")
    }

    /// Anything else: what was asked cannot be done, or not now.
    pub fn refused(&self, status: u16) -> Response {
        let title = self.language.pick("処理できませんでした", "That did not work");
        let words = self.language.pick(
            format!("しばらくしてからもう一度お試しください。うまくいかないときは {} までご連絡ください。", escaped(&self.contact)),
            format!("Please try again later. If that does not help, please write to {}.", escaped(&self.contact)),
        );
        self.page(status, title, &words, "")
    }

    fn page(&self, status: u16, title: &str, words: &str, form: &str) -> Response {
        let language = self.language.pick("ja", "en");
        let shop = escaped(&self.name);
        let body = format!(
            "<!DOCTYPE html>\n<html lang=\"{language}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
             <title>{title} · {shop}</title>\n<style>body{{font:1.1rem/1.7 system-ui,sans-serif;max-width:32rem;margin:4rem auto;padding:0 1rem;color:#222}}\
             button{{font:inherit;padding:.7rem 1.5rem;border:0;border-radius:.4rem;background:#1a5fb4;color:#fff}}</style></head>\n\
             <body><h1>{title}</h1><p>{words}</p>{form}<p>{shop}</p></body></html>\n"
        );
        Response { status, body }
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_speak_the_shops_language_and_hold_its_words_as_words() {
        for (language, word) in [(Language::Ja, "配信を停止する"), (Language::En, "Unsubscribe</button>")] {
            let site = Site { name: "<b>Tom & \"Co\"</b>".into(), contact: "a@b.example".into(), language };
            let asks = site.asks();
            assert!(asks.body.contains(word) && asks.body.contains("&lt;b&gt;Tom &amp; &quot;Co&quot;&lt;/b&gt;"), "{}", asks.body);
            assert!(!asks.body.contains("<b>") && asks.body.contains("method=\"post\""), "{}", asks.body);
            assert!(site.unknown().body.contains("a@b.example"));
            assert!(!site.stopped().body.contains("<form"));
        }
    }
}
