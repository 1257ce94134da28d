//! The terminal: reads arguments, calls the pipeline, prints. Nothing else of the program prints.

mod args;
mod clock;
mod commands;
mod json;
mod memory;
mod operator;
mod page;
mod studio;
mod table;
mod watch;
mod words;

use crate::pipeline::{Error, is_watched};
use anstyle::{AnsiColor, Style};
use args::{Args, Command, Common};
use clap::Parser;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// What each thread that computes has for what calls itself, in bytes: a template may lie deep.
const STACK: usize = 8 << 20;

/// What the signals have said so far.
pub struct Signals {
    pub interrupted: Arc<AtomicBool>,
    last: Arc<AtomicUsize>,
}

impl Signals {
    /// Listens to Ctrl-C and SIGTERM for a command that has something to bring to its end; any other they end at once. The second one ends
    /// the process at once, as if nobody listened.
    fn of(command: &Command) -> std::io::Result<Self> {
        let interrupted = Arc::new(AtomicBool::new(false));
        let last = Arc::new(AtomicUsize::new(0));
        if !command.ends_in_order() {
            return Ok(Self { interrupted, last });
        }
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            signal_hook::flag::register_conditional_default(signal, Arc::clone(&interrupted))?;
            signal_hook::flag::register(signal, Arc::clone(&interrupted))?;
            signal_hook::flag::register_usize(signal, Arc::clone(&last), usize::try_from(signal).unwrap_or_default())?;
        }
        Ok(Self { interrupted, last })
    }

    /// 130 or 143 after an interruption.
    fn exit_code(&self) -> u8 {
        u8::try_from(128 + self.last.load(Ordering::SeqCst)).unwrap_or(130)
    }
}

/// The mail server's URL in the environment.
fn smtp_url() -> Option<String> {
    std::env::var("RANKMAIL_SMTP_URL").ok()
}

/// Runs the program and returns its exit code.
#[must_use]
pub fn run() -> u8 {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            // Nobody is left to tell when the terminal is gone.
            let _ = error.print();
            return code;
        }
    };
    // Without a number there are as many as processors. A pool that is there already is one that somebody else made for this process.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(args.common.threads.unwrap_or_default()).stack_size(STACK).build_global();
    keep_readers_quiet();
    let signals = match Signals::of(&args.command) {
        Ok(signals) => signals,
        Err(error) => {
            complain(&args.common, &Error::Usage(format!("cannot listen to signals: {error}")));
            return 2;
        }
    };
    match commands::dispatch(&args, &signals) {
        Ok(Done::Clean) => 0,
        Ok(Done::Unfinished) => 1,
        Ok(Done::Interrupted) => signals.exit_code(),
        Err(error) => {
            complain(&args.common, &error);
            error.exit_code()
        }
    }
}

/// A panic of the Parquet reader becomes an error with the file's name; its own words would only confuse.
fn keep_readers_quiet() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !is_watched() {
            usual(panic);
        }
    }));
}

/// How a command ended that did not fail.
pub enum Done {
    Clean,
    /// Some mails failed, wait or are in doubt.
    Unfinished,
    Interrupted,
}

/// Prints to standard output. A reader that went away (`rankmail … | head`) is no error.
pub fn say(text: &str) {
    let mut out = anstream::stdout();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

/// Prints to standard error.
pub fn note(text: &str) {
    let _ = anstream::stderr().write_all(text.as_bytes());
}

fn complain(common: &Common, error: &Error) {
    if common.json {
        say(&json::error(error));
        return;
    }
    let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
    let text = error.to_string();
    // Problems with a place in a file come with their own heading.
    if text.starts_with("error") || text.starts_with("warning") {
        note(&format!("{}\n", text.trim_end()));
    } else {
        note(&format!("{red}error:{red:#} {}\n", text.trim_end()));
    }
}
