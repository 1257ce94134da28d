//! What `rankmail doctor` finds: one line for each thing it looked at.

use super::job::Language;

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Health {
    Good,
    /// Worth a look; mails go out and arrive.
    Hint,
    /// Mails will not go out, not arrive, or do harm.
    Bad,
}

impl Health {
    /// The word in `--json`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Hint => "hint",
            Self::Bad => "bad",
        }
    }
}

/// What is looked at, in the order in which it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    Relay,
    Tls,
    SignIn,
    Mails,
    Headers,
    Size,
    Clip,
    Text,
    Images,
    ImageOnly,
    Subject,
    NoReply,
    Links,
    OptOut,
    Dns,
    Spf,
    Dkim,
    Dmarc,
    Alignment,
    Mx,
}

impl Topic {
    pub const ALL: [Self; 20] = [
        Self::Relay,
        Self::Tls,
        Self::SignIn,
        Self::Mails,
        Self::Headers,
        Self::Size,
        Self::Clip,
        Self::Text,
        Self::Images,
        Self::ImageOnly,
        Self::Subject,
        Self::NoReply,
        Self::Links,
        Self::OptOut,
        Self::Dns,
        Self::Spf,
        Self::Dkim,
        Self::Dmarc,
        Self::Alignment,
        Self::Mx,
    ];

    /// The word in `--json`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::Tls => "tls",
            Self::SignIn => "sign_in",
            Self::Mails => "mails",
            Self::Headers => "headers",
            Self::Size => "size",
            Self::Clip => "clip",
            Self::Text => "text",
            Self::Images => "images",
            Self::ImageOnly => "image_only",
            Self::Subject => "subject",
            Self::NoReply => "noreply",
            Self::Links => "links",
            Self::OptOut => "opt_out",
            Self::Dns => "dns",
            Self::Spf => "spf",
            Self::Dkim => "dkim",
            Self::Dmarc => "dmarc",
            Self::Alignment => "alignment",
            Self::Mx => "mx",
        }
    }

    /// The name that people read.
    #[must_use]
    pub fn title(self, language: Language) -> &'static str {
        let (ja, en) = match self {
            Self::Relay => ("メールサーバー", "relay"),
            Self::Tls => ("TLS", "TLS"),
            Self::SignIn => ("ログイン", "sign-in"),
            Self::Mails => ("メール", "mails"),
            Self::Headers => ("ヘッダー", "headers"),
            Self::Size => ("大きさ", "size"),
            Self::Clip => ("Gmail の省略", "clipping"),
            Self::Text => ("テキスト部", "plain text"),
            Self::Images => ("画像の alt", "image alt"),
            Self::ImageOnly => ("画像だけ", "image-only"),
            Self::Subject => ("件名", "subject"),
            Self::NoReply => ("noreply", "noreply"),
            Self::Links => ("リンク", "links"),
            Self::OptOut => ("配信停止ページ", "opt-out page"),
            Self::Dns => ("DNS", "DNS"),
            Self::Spf => ("SPF", "SPF"),
            Self::Dkim => ("DKIM", "DKIM"),
            Self::Dmarc => ("DMARC", "DMARC"),
            Self::Alignment => ("ドメインの一致", "alignment"),
            Self::Mx => ("MX", "MX"),
        };
        language.pick(ja, en)
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub topic: Topic,
    pub health: Health,
    pub seen: String,
    /// What to do; empty where all is well.
    pub advice: String,
}

impl Check {
    #[must_use]
    pub fn good(topic: Topic, seen: impl Into<String>) -> Self {
        Self { topic, health: Health::Good, seen: seen.into(), advice: String::new() }
    }

    #[must_use]
    pub fn hint(topic: Topic, seen: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { topic, health: Health::Hint, seen: seen.into(), advice: advice.into() }
    }

    #[must_use]
    pub fn bad(topic: Topic, seen: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { topic, health: Health::Bad, seen: seen.into(), advice: advice.into() }
    }
}
