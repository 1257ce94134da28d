//! Loads the template folder, and finds everything that is wrong with it at once.

use super::branches::{Branch, Marks};
use super::files::{self, Folder, TemplateFile};
use super::names::Names;
use super::needed::Needed;
use super::problem::{Problem, Severity};
use super::stencils::Stencils;
use super::{Error, RenderError, check, escape, filters, nesting, parts, shown};
use crate::domain::finding::Shown;
use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::OnceLock;
use tera::Tera;

/// The templates of a job, ready to render.
pub struct Templates {
    pub(super) tera: Tera,
    /// Sources by file name, to show the line that failed.
    pub(super) sources: HashMap<String, String>,
    pub(super) campaigns: HashMap<String, Campaign>,
    /// What the mails of each file have in common.
    pub(super) stencils: Stencils,
    pub(super) inliner: Option<css_inline::CSSInliner<'static>>,
    /// The shop of the first mail, and what Tera is given for it.
    pub(super) shop: OnceLock<(Vec<(String, String)>, tera::Value)>,
    /// Where `tera` has marked copies of the sources: those, and the marks.
    pub(super) marks: Option<(Marks, HashMap<String, String>)>,
    digests: Vec<(String, String)>,
    warnings: Vec<Problem>,
}

/// How templates are loaded that somebody works on.
#[derive(Debug, Clone, Copy, Default)]
pub struct Working<'a> {
    /// A file and the text that it is to have, whatever is on the disk.
    pub edited: Option<(&'a str, &'a str)>,
}

/// The files of one campaign.
#[derive(Debug, Default)]
pub(super) struct Campaign {
    pub set: Set,
    /// The same for each variant, with the campaign's where it has none of its own.
    pub variants: HashMap<String, Set>,
    /// Its own files, and those that they reach.
    pub files: BTreeSet<String>,
    /// Every path that its templates, layout and components use.
    pub paths: BTreeSet<String>,
    /// The same as a tree.
    pub needed: Needed,
}

/// The parts of a campaign's mails.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Set {
    pub usual: Parts,
    /// Parts that stand in for a rank, with the usual ones where it has none of its own.
    pub ranks: HashMap<String, Parts>,
}

/// File names of one mail's parts.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Parts {
    /// A mail always has a subject and an HTML part.
    pub subject: Option<String>,
    pub preheader: Option<String>,
    pub html: Option<String>,
    pub text: Option<String>,
}

impl std::fmt::Debug for Templates {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Templates").field("files", &self.digests).finish_non_exhaustive()
    }
}

impl Templates {
    /// Reads the templates of these campaigns from one root, for a ladder of these ranks.
    ///
    /// # Errors
    /// [`Error::Folder`] when the root cannot be read, else [`Error::Problems`] with all problems, if one of them is an error.
    pub fn load(root: &Path, campaigns: &[String], ranks: &[String], names: &Names) -> Result<Self, Error> {
        let is_needed = root.exists() || campaigns.iter().any(|name| !names.without_mail.contains(name));
        let folder = if is_needed { files::read(root, campaigns, names)? } else { Folder::default() };
        Self::of(folder, campaigns, ranks, names, false)
    }

    /// The same for somebody who works on them: they tell which of their branches were reached, and end in time ([`within`](super::within)).
    ///
    /// # Errors
    /// As for `load`.
    pub fn load_working(root: &Path, working: Working, campaigns: &[String], ranks: &[String], names: &Names) -> Result<Self, Error> {
        let mut folder = files::read(root, campaigns, names)?;
        if let Some((name, text)) = working.edited {
            folder.put(name, text, campaigns);
        }
        Self::of(folder, campaigns, ranks, names, true)
    }

    /// The same for templates that lie in no folder: names relative to a root, and contents. Other campaigns' files are passed over.
    ///
    /// # Errors
    /// As for `load`.
    pub fn given(sources: &[(String, Vec<u8>)], campaigns: &[String], ranks: &[String], names: &Names) -> Result<Self, Error> {
        Self::of(files::given(sources, campaigns), campaigns, ranks, names, false)
    }

    fn of(folder: Folder, campaigns: &[String], ranks: &[String], names: &Names, is_marked: bool) -> Result<Self, Error> {
        let Folder { files, campaigns: present, mut problems } = folder;
        let by_mail = |name: &&String| !names.without_mail.contains(name);
        for name in campaigns.iter().filter(|name| !present.contains(name)).filter(by_mail) {
            let help = format!("make a folder `{name}` with `subject.txt` and `body.html`");
            problems.push(Problem::of_file(name, format!("the campaign `{name}` has no templates"), Some(help)));
        }
        let mut found_parts = HashMap::new();
        for name in campaigns {
            found_parts.insert(name.clone(), parts::gather(name, names.variants_of(name), &files, ranks, &mut problems));
        }
        for name in present.iter().filter(by_mail) {
            parts::need_all(name, &found_parts[name], &mut problems);
        }
        let deep = nesting::too_deep(&files);
        if !deep.is_empty() {
            // Nobody goes on reading: the others are told once that is mended.
            problems.extend(deep);
            problems.sort_by(in_order);
            return Err(Error::Problems(problems));
        }
        let found = check::scan_all(&files, names, &mut problems);
        let mut tera = Tera::default();
        tera.set_escape_fn(escape::html);
        filters::register(&mut tera, &names.currency, names.language);
        check::parse_each(&tera, &files, &mut problems);
        if !problems.iter().any(|problem| problem.severity == Severity::Error) {
            let sources: Vec<(&str, &str)> = files.iter().map(|file| (file.name.as_str(), file.text.as_str())).collect();
            match tera.add_raw_templates(sources) {
                Ok(()) => check::check_calls(&tera, &files, &found, &mut problems),
                Err(error) => problems.extend(check::explain(&error, &files)),
            }
        }
        problems.sort_by(in_order);
        if problems.iter().any(|problem| problem.severity == Severity::Error) {
            return Err(Error::Problems(problems));
        }
        for (name, campaign) in &mut found_parts {
            (campaign.files, campaign.paths) = check::reach(name, &found);
            campaign.needed = Needed::of(&campaign.paths);
        }
        problems.extend(campaigns.iter().filter(by_mail).filter_map(|name| parts::twins(name, found_parts.get(name)?, &files)));
        let digests = files.iter().map(|file| (file.name.clone(), file.digest.clone())).collect();
        let marks = is_marked.then(|| mark(&mut tera, &files)).transpose()?;
        let stencils = Stencils::of(files.iter().map(|file| &file.name));
        let sources = files.into_iter().map(|file| (file.name, file.text)).collect();
        Ok(Self {
            marks,
            tera,
            sources,
            stencils,
            campaigns: found_parts,
            inliner: None,
            shop: OnceLock::new(),
            digests,
            warnings: problems,
        })
    }

    /// Moves the rules of `<style>` elements into the elements of each rendered mail (`inline_css = true` in the job).
    #[must_use]
    pub fn inline_css(mut self, wanted: bool) -> Self {
        let options = css_inline::CSSInliner::options().load_remote_stylesheets(false).keep_at_rules(true);
        self.inliner = wanted.then(|| options.build());
        self
    }

    /// Each file that was read, relative to the root, with its BLAKE3 as 64 hex digits; sorted by name.
    #[must_use]
    pub fn files(&self) -> &[(String, String)] {
        &self.digests
    }

    /// Each file that was read, relative to the root, with its text; sorted by name.
    #[must_use]
    pub fn sources(&self) -> Vec<(String, Vec<u8>)> {
        let text = |name: &String| self.sources.get(name).map(|text| text.as_bytes().to_vec()).unwrap_or_default();
        self.digests.iter().map(|(name, _)| (name.clone(), text(name))).collect()
    }

    /// The branches that nothing has reached that was rendered so far.
    #[must_use]
    pub fn unreached(&self) -> Vec<Branch> {
        self.marks.as_ref().map(|(marks, _)| marks.unreached()).unwrap_or_default()
    }

    /// An error of rendering with its place, as people look at it.
    #[must_use]
    pub fn problem(&self, error: &RenderError) -> Problem {
        match self.sources.get(&error.file).filter(|_| error.line > 0) {
            Some(source) => Problem::at_place(&error.file, source, (error.line, error.column), error.message.clone()),
            None => Problem::of_file(&error.file, error.message.clone(), None),
        }
    }

    /// What is worth a look but stops nothing, such as a folder that belongs to no campaign of the job.
    #[must_use]
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// Whether a campaign's templates, its layout or a component that it calls use a name, or a part of it, or all that it is in.
    #[must_use]
    pub fn uses(&self, campaign: &str, name: &str) -> bool {
        let within = |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        let paths = self.campaigns.get(campaign).map(|campaign| &campaign.paths);
        paths.is_some_and(|paths| paths.iter().any(|path| within(path, name) || within(name, path)))
    }

    /// The prices and links that a campaign's mails may show, its layout and components included, file by file.
    #[must_use]
    pub fn shows(&self, campaign: &str) -> Vec<Shown> {
        let files = self.campaigns.get(campaign).map(|campaign| &campaign.files);
        let sources = files.into_iter().flatten().filter_map(|name| Some((name, self.sources.get(name)?)));
        sources.flat_map(|(name, source)| shown::shown(name, source)).collect()
    }

    /// Whether any campaign's mail tells of the last order's items or store, which cost a second look at the purchases.
    #[must_use]
    pub fn uses_last_order(&self) -> bool {
        self.campaigns.keys().any(|name| self.uses(name, "last_order.items") || self.uses(name, "last_order.store"))
    }
}

/// By file and place.
fn in_order(a: &Problem, b: &Problem) -> Ordering {
    (&a.file, a.line, a.column, a.severity).cmp(&(&b.file, b.line, b.column, b.severity))
}

/// Gives Tera marked copies of files that it has read.
fn mark(tera: &mut Tera, files: &[TemplateFile]) -> Result<(Marks, HashMap<String, String>), Error> {
    let (marks, texts) = Marks::put(files);
    marks.register(tera);
    match tera.add_raw_templates(texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect::<Vec<_>>()) {
        Ok(()) => Ok((marks, texts)),
        Err(error) => Err(Error::Problems(check::explain(&error, files))),
    }
}
