//! What a refusal means: of the address, of this one mail, or of the moment.

use crate::domain::BounceKind;

/// Words of a refusal. In this order, since `550 5.1.1 … User unknown; rejecting` is about the user.
const WORDS: [(BounceKind, &[&str]); 3] = [
    (
        BounceKind::Soft,
        &[
            "mailbox full",
            "mailbox is full",
            "mailbox size",
            "over quota",
            "overquota",
            "quota exceeded",
            "exceeded storage",
            "exceeds quota",
            "insufficient system storage",
            "too many messages in",
            "try again later",
            "temporarily",
            "いっぱい",
            "一杯",
            "満杯",
            "容量を超え",
            "容量超過",
            "容量オーバー",
            "一時的",
        ],
    ),
    (
        BounceKind::Hard,
        &[
            "user unknown",
            "unknown user",
            "unknown or illegal user",
            "no such user",
            "no such recipient",
            "no such mailbox",
            "no mailbox here",
            "does not exist",
            "doesn't exist",
            "not exist",
            "invalid recipient",
            "invalid mailbox",
            "recipient not found",
            "user not found",
            "mailbox not found",
            "mailbox unavailable",
            "addresses were unknown",
            "address unknown",
            "unknown address",
            "unknown recipient",
            "account has been disabled",
            "account is disabled",
            "mailbox disabled",
            "mailbox is disabled",
            // yahoo.co.jp and its kin: "This user doesn't have a yahoo.co.jp account".
            "user doesn't have a",
            "account that you tried to reach",
            "unrouteable address",
            "domain name not found",
            "host not found",
            "domain not found",
            "null mx",
            "bad destination mailbox",
            "宛先不明",
            "あて先不明",
            "宛て先不明",
            "見つかりません",
            "存在しません",
            "存在しない",
            "該当するユーザ",
            "使われておりません",
            "使用されていない",
        ],
    ),
    (
        BounceKind::Blocked,
        &[
            "spam",
            "blocked",
            "block list",
            "blocklist",
            "blacklist",
            "denylist",
            "reputation",
            "policy",
            "not authorized",
            "access denied",
            "dmarc",
            "dkim",
            "spf ",
            "spf:",
            "content rejected",
            "message rejected",
            "refused by recipient",
            "受信拒否",
            "受信を拒否",
            "拒否設定",
            "拒否され",
            "拒否しました",
            "迷惑メール",
            "フィルタ",
        ],
    ),
];

/// Words of a refusal of whoever sends or hands over, which say nothing of the address, whatever does not exist there.
const SENDER: [&str; 22] = [
    "sender address rejected",
    "sender address verification",
    "sender verify",
    "sender verification",
    "sender rejected",
    "sender denied",
    "sender domain",
    "sender ip",
    "sending ip",
    "your ip address",
    "invalid sender",
    "unknown sender",
    "sender unknown",
    "relay access denied",
    "relaying denied",
    "relay not permitted",
    "unable to relay",
    "allow list",
    "allowlist",
    "whitelist",
    "client host rejected",
    "helo command rejected",
];

/// What is known of a refusal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The reply code of a mail server, such as 550.
    pub code: Option<u16>,
    /// The enhanced code (RFC 3463), such as 5.1.1.
    pub status: Option<[u16; 3]>,
    pub words: String,
}

impl Evidence {
    /// What the words of a server hold: its codes may stand in them.
    #[must_use]
    pub fn of_words(code: Option<u16>, words: &str) -> Self {
        let mut evidence = Self { code, status: None, words: words.to_owned() };
        for word in words.split(|letter: char| !letter.is_ascii_digit() && letter != '.') {
            evidence.status = evidence.status.or_else(|| status(word));
            let number = word.parse::<u16>().ok().filter(|code| (400..600).contains(code) && word.len() == 3);
            evidence.code = evidence.code.or(number);
        }
        evidence
    }
}

/// An enhanced status code: class 2, 4 or 5, then two numbers.
pub(super) fn status(word: &str) -> Option<[u16; 3]> {
    let mut numbers = word.trim().trim_end_matches('.').split('.').map(|number| number.parse::<u16>().ok());
    let found = [numbers.next()??, numbers.next()??, numbers.next()??];
    (numbers.next().is_none() && matches!(found, [2 | 4 | 5, 0..=7, 0..=99])).then_some(found)
}

/// What a refusal of a mail to this address means. What cannot be told is soft: one such mail stops nobody.
#[must_use]
pub fn judge(evidence: &Evidence, address: &str) -> BounceKind {
    let domain = address.rsplit('@').next().unwrap_or_default().to_lowercase();
    // docomo answers 550 also for what a user lets in, and 552 for a full mailbox; its words do not tell either.
    if domain == "docomo.ne.jp" || domain.ends_with(".docomo.ne.jp") {
        match evidence.code {
            Some(550) => return BounceKind::Blocked,
            Some(552) => return BounceKind::Soft,
            _ => {}
        }
    }
    let words = evidence.words.to_lowercase();
    let is_for_now = evidence.code.is_some_and(|code| (400..500).contains(&code));
    let said = || WORDS.into_iter().find(|(_, list)| list.iter().any(|phrase| words.contains(phrase))).map(|(kind, _)| kind);
    match evidence.status {
        Some([4, ..] | [_, 2, 2]) => BounceKind::Soft,
        Some([_, 1, 7 | 8]) => BounceKind::Blocked,
        _ if SENDER.iter().any(|phrase| words.contains(phrase)) => {
            if is_for_now {
                BounceKind::Soft
            } else {
                BounceKind::Blocked
            }
        }
        // Microsoft 365 says so of whoever is not in its directory.
        Some([5, 4, 1]) if words.contains("recipient address rejected") => BounceKind::Hard,
        Some([_, 1, 1 | 2 | 3 | 6 | 10] | [_, 2, 1]) => BounceKind::Hard,
        Some([_, 6 | 7, _]) => BounceKind::Blocked,
        _ if is_for_now => BounceKind::Soft,
        _ => said().unwrap_or(BounceKind::Soft),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use BounceKind::{Blocked, Hard, Soft};

    #[test]
    fn answers_of_servers_are_told_apart() {
        for (words, kind) in [
            ("550 5.1.1 The email account that you tried to reach does not exist", Hard),
            ("550 5.1.10 RESOLVER.ADR.RecipientNotFound", Hard),
            ("554 5.4.4 Host or domain name not found", Hard),
            ("550 5.5.0 Requested action not taken: mailbox unavailable", Hard),
            ("550 Unknown user taro@b.example", Hard),
            ("550 Invalid recipient: <taro@softbank.ne.jp>", Hard),
            ("550 5.2.1 The email account is disabled", Hard),
            ("552 5.2.2 The email account is over quota", Soft),
            ("452 4.2.2 mailbox full; user unknown soon", Soft),
            ("550 mailbox full", Soft),
            ("421 4.7.0 try again later", Soft),
            ("550", Soft),
            ("550 no", Soft),
            ("554 5.7.1 Service unavailable; client host blocked", Blocked),
            ("550 5.7.26 unauthenticated sender, DMARC", Blocked),
            ("554 Message rejected because of spam content", Blocked),
            ("550 5.6.0 bad content", Blocked),
            ("550 5.1.8 <b@shop>: Sender address rejected: Domain not found", Blocked),
            ("550 5.1.0 <b@shop>: Sender address rejected: User unknown in virtual mailbox table", Blocked),
            ("550 5.1.7 host not found", Blocked),
            ("450 4.1.8 <b@shop>: Sender address rejected: Domain not found", Soft),
            ("450 <b@shop>: Sender address rejected: Domain not found", Soft),
            ("550 No Such User Here Sender verify failed", Blocked),
            ("554 5.1.1 <taro@b.example>: Relay access denied", Blocked),
            ("550 sender IP does not exist in allow list", Blocked),
            ("550 5.4.1 Recipient address rejected: Access denied. AS(201806281)", Hard),
            ("550 5.4.1 no answer from host", Soft),
            ("554 5.7.1 <taro@b.example>: Recipient address rejected: Access denied", Blocked),
            ("554 delivery error: dd This user doesn't have a yahoo.co.jp account (taro@yahoo.co.jp) [0] - mta5.yahoo", Hard),
            ("554 delivery error: dd This mailbox is disabled (taro@yahoo.co.jp)", Hard),
        ] {
            assert_eq!(judge(&Evidence::of_words(None, words), "taro@b.example"), kind, "{words}");
        }
    }

    #[test]
    fn docomo_speaks_a_language_of_its_own() {
        for (words, kind) in [("550 Unknown user a@docomo.ne.jp", Blocked), ("552 5.1.1 a", Soft), ("554 5.1.1 a", Hard)] {
            let evidence = Evidence::of_words(None, words);
            assert_eq!(judge(&evidence, "a..b@Docomo.ne.jp"), kind, "{words}");
        }
        let unknown = Evidence::of_words(None, "550 Unknown user");
        assert_eq!(judge(&unknown, "a@notdocomo.ne.jp.example"), Hard);
    }

    #[test]
    fn codes_are_found_in_words_and_what_is_none_is_not() {
        let found = |words| {
            let evidence = Evidence::of_words(None, words);
            (evidence.code, evidence.status)
        };
        assert_eq!(found("550-5.1.1 a"), (Some(550), Some([5, 1, 1])));
        assert_eq!(found("host 192.0.2.1 said: 550 no"), (Some(550), None));
        assert_eq!(found("1550 5.1 5.9.1 3.1.1 5.1.1.1"), (None, None));
        assert_eq!(Evidence::of_words(Some(554), "550 5.1.1").code, Some(554), "what is known counts");
    }
}
