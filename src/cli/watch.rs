//! The progress bar: on a terminal, for anything that takes more than a second.

use super::words::pick;
use crate::domain::job::Language;
use crate::pipeline::Step;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Shows one bar at a time, each for one step.
pub struct Bars {
    language: Language,
    shown: bool,
    current: Mutex<Option<(Step, ProgressBar, Instant)>>,
}

impl Bars {
    /// Bars are shown on a terminal only, and never with `--quiet` or `--json`.
    #[must_use]
    pub fn new(language: Language, wanted: bool) -> Self {
        Self { language, shown: wanted && std::io::stderr().is_terminal(), current: Mutex::new(None) }
    }

    /// Hears of a step's progress.
    pub fn watch(&self, step: Step, done: u64, total: u64) {
        if !self.shown {
            return;
        }
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_none_or(|(shown, ..)| *shown != step) {
            if let Some((_, bar, _)) = current.take() {
                bar.finish_and_clear();
            }
            *current = Some((step, self.bar(step), Instant::now()));
        }
        if let Some((_, bar, since)) = current.as_ref() {
            if bar.is_hidden() && since.elapsed() > Duration::from_secs(1) {
                bar.set_draw_target(ProgressDrawTarget::stderr());
            }
            bar.set_length(total);
            bar.set_position(done.max(bar.position()));
        }
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        if let Some((_, bar, _)) = self.current.lock().unwrap_or_else(PoisonError::into_inner).take() {
            bar.finish_and_clear();
        }
    }

    fn bar(&self, step: Step) -> ProgressBar {
        let word = match step {
            Step::Read => pick(self.language, "購買データ", "purchases"),
            Step::Render => pick(self.language, "メール作成", "mails"),
            Step::Send => pick(self.language, "送信", "sending"),
            Step::Wait => pick(self.language, "再送待ち（秒）", "waiting to try again (seconds)"),
        };
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let template = match step {
            Step::Wait => "  {msg} {wide_bar} {human_pos}/{human_len}",
            _ => "  {msg} {wide_bar} {human_pos}/{human_len} {eta}",
        };
        let style = ProgressStyle::with_template(template);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(word);
        bar
    }
}
