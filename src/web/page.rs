//! A page: one of the templates in `pages/`, what it shows, and the frame around it.

use super::state::State;
use super::words;
use crate::domain::job::Language;
use crate::pipeline::studio::{FLOW, Standing, told};
use crate::pipeline::{Error, Studio};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use serde::Serialize;
use tera::{Context, Tera};

/// Microseconds.
const DAY: i64 = 86_400_000_000;
/// A plan that is so many days old is said to be.
const OLD: i64 = 7;

/// The templates of all pages.
const FILES: &[(&str, &str)] = &[
    ("attempt.html", include_str!("pages/attempt.html")),
    ("attempt_progress.html", include_str!("pages/attempt_progress.html")),
    ("changed.html", include_str!("pages/changed.html")),
    ("editor.html", include_str!("pages/editor.html")),
    ("approve.html", include_str!("pages/approve.html")),
    ("changes.html", include_str!("pages/changes.html")),
    ("changes_progress.html", include_str!("pages/changes_progress.html")),
    ("failing.html", include_str!("pages/failing.html")),
    ("flow.html", FLOW),
    ("frame.html", include_str!("pages/frame.html")),
    ("links.html", include_str!("pages/links.html")),
    ("audience.html", include_str!("pages/audience.html")),
    ("people.html", include_str!("pages/people.html")),
    ("person.html", include_str!("pages/person.html")),
    ("mail.html", include_str!("pages/mail.html")),
    ("preview.html", include_str!("pages/preview.html")),
    ("saved.html", include_str!("pages/saved.html")),
    ("refusal.html", include_str!("pages/refusal.html")),
    ("shown.html", include_str!("pages/shown.html")),
    ("templates.html", include_str!("pages/templates.html")),
];

/// Reads the pages' templates.
pub fn read_all() -> Result<Tera, tera::Error> {
    let mut pages = Tera::default();
    pages.add_raw_templates(FILES.iter().copied())?;
    Ok(pages)
}

/// Text as one part of a path.
pub fn urlencoded(part: &str) -> String {
    url::form_urlencoded::byte_serialize(part.as_bytes()).collect::<String>().replace('+', "%20")
}

/// A path with a query, to be put behind `{{ base }}`.
pub fn way(path: &str, query: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// Where in the navigation a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    Audience,
    Templates,
    Changes,
    Approve,
}

/// A page that is ready to be shown.
pub struct Page {
    file: &'static str,
    tab: Option<Tab>,
    title: String,
    status: StatusCode,
    context: Context,
    /// A piece of a page has no frame.
    is_piece: bool,
    /// Where a browser says it is, if that is not what it asked for.
    address: Option<String>,
}

impl Page {
    pub fn new(file: &'static str, tab: Option<Tab>, title: impl Into<String>) -> Self {
        Self { file, tab, title: title.into(), status: StatusCode::OK, context: Context::new(), is_piece: false, address: None }
    }

    /// A part of a page that is put into one that is there already.
    pub fn piece(file: &'static str) -> Self {
        Self { is_piece: true, ..Self::new(file, None, String::new()) }
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: &impl Serialize) -> Self {
        self.context.insert(name, value);
        self
    }

    /// The address that a browser shows once this page was put into another one.
    #[must_use]
    pub fn at(mut self, way: String) -> Self {
        self.address = Some(way);
        self
    }

    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    pub(super) fn shown(mut self, state: &State, studio: &Studio) -> Response {
        let language = studio.job.language;
        self.context.insert("base", &state.base);
        self.context.insert("language", language.pick("ja", "en"));
        self.context.insert("news", &*state.news.borrow());
        if !self.is_piece {
            self.context.insert("frame", &Frame::of(&self, state, studio));
        }
        match state.pages.render(self.file, &self.context) {
            Ok(text) => {
                let mut response = (self.status, Html(text)).into_response();
                let address = self.address.map(|way| format!("{}{way}", state.base)).and_then(|way| HeaderValue::try_from(way).ok());
                response.headers_mut().extend(address.map(|address| (HeaderName::from_static("hx-push-url"), address)));
                response
            }
            Err(error) => {
                let fault = language.pick(
                    "このページを作れません。rankmail の不具合ですので、お知らせください",
                    "this is a fault of rankmail, please report it",
                );
                (StatusCode::INTERNAL_SERVER_ERROR, format!("{fault}: {}: {error}", self.file)).into_response()
            }
        }
    }
}

/// What stands around every page.
#[derive(Serialize)]
struct Frame {
    title: String,
    shop: String,
    job: String,
    as_of: String,
    digest: String,
    mails: String,
    /// How old it is, where that is much.
    age: Option<String>,
    tabs: Vec<Link>,
    past: Option<Past>,
    t: words::Words,
}

#[derive(Serialize)]
struct Link {
    href: String,
    label: &'static str,
    is_here: bool,
}

/// That the plan that is shown is not the one to look at any more, and the button that opens another.
#[derive(Serialize)]
struct Past {
    text: String,
    button: &'static str,
}

impl Past {
    fn of(studio: &Studio) -> Option<Self> {
        let language = studio.job.language;
        let open = language.pick("新しい計画を開く", "Open the new plan");
        let (text, button) = match studio.standing() {
            Standing::Here => return None,
            Standing::Replaced => (language.pick("計画が作り直されています。", "The plan was made anew.").to_owned(), open),
            Standing::Older(newest) => {
                (language.pick(format!("{newest} の計画ができています。"), format!("There is a newer plan, of {newest}.")), open)
            }
            Standing::Gone => (studio.gone()?, language.pick("開き直す", "Open again")),
        };
        Some(Self { text, button })
    }
}

impl Frame {
    fn of(page: &Page, state: &State, studio: &Studio) -> Self {
        let (summary, language) = (studio.summary(), studio.job.language);
        let age = ((state.now)() - summary.planned_at) / DAY;
        let tab = |tab: Tab, path: &str, ja, en| Link {
            href: format!("{}{path}", state.base),
            label: language.pick(ja, en),
            is_here: page.tab == Some(tab),
        };
        Self {
            title: page.title.clone(),
            shop: studio.job.shop("name").to_owned(),
            job: summary.job.clone(),
            as_of: summary.as_of.to_string(),
            digest: summary.digest.chars().take(8).collect(),
            mails: words::mails(language, summary.counts.mails),
            age: (age >= OLD).then(|| language.pick(format!("{age} 日前の計画"), format!("{age} days old"))),
            tabs: vec![
                tab(Tab::Audience, "/", "宛先", "Audience"),
                tab(Tab::Templates, "/templates", "テンプレート", "Templates"),
                tab(Tab::Changes, "/changes", "変更点", "What changed"),
                tab(Tab::Approve, "/approve", "承認", "Approve"),
            ],
            past: Past::of(studio),
            t: words::frame(language),
        }
    }
}

/// Why a page cannot be shown: what, where and what to do.
pub struct Refusal {
    pub status: StatusCode,
    message: String,
    /// What was found, where that is not said yet.
    error: Option<Box<Error>>,
}

impl Refusal {
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), error: None }
    }

    /// There is no such page.
    pub fn nothing(language: Language) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            language.pick(
                "このページはありません。上のメニューから選び直してください。",
                "There is no such page. Choose another one from the menu above.",
            ),
        )
    }

    /// What is told of it.
    pub(super) fn told(&self, language: Language) -> String {
        self.error.as_ref().map_or_else(|| self.message.clone(), |error| told(error, language))
    }

    /// What cannot be read because the plan's folder is gone is told as that.
    pub(super) fn seen(self, studio: &Studio) -> Self {
        let gone = if self.status.is_server_error() { studio.gone() } else { None };
        gone.map_or(self, |gone| Self::new(StatusCode::GONE, gone))
    }

    pub(super) fn page(self, studio: &Studio) -> Page {
        let title = studio.job.language.pick("表示できません", "This cannot be shown");
        let told = self.told(studio.job.language);
        // A page that found no templates waits for them.
        let waits = studio.without_templates().is_some_and(|without| without == told);
        Page::new("refusal.html", None, title).status(self.status).with("message", &told).with("waits", &waits)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let status = match error.exit_code() {
            2 => StatusCode::BAD_REQUEST,
            3 => StatusCode::NOT_FOUND,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self { status, message: String::new(), error: Some(Box::new(error)) }
    }
}
