//! The command line as it is typed.

use super::memory;
use crate::pipeline::ColumnType;
use chrono::NaiveDate;
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Ranks customers by their purchases, chooses each rank's mails, and sends each of them once.
#[derive(Debug, Parser)]
#[command(name = "rankmail", version, arg_required_else_help = true)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub common: Common,
}

/// What every command takes.
#[derive(Debug, ClapArgs)]
pub struct Common {
    /// The day of the run: purchases before it count (default: today in the job's time zone)
    #[arg(long, global = true, value_name = "DATE")]
    pub as_of: Option<NaiveDate>,
    /// The folder of plans and ledger, instead of the job's
    #[arg(long, global = true, value_name = "DIR")]
    pub runs: Option<PathBuf>,
    /// Send by SMTP to this server, instead of the job's destination: smtp://127.0.0.1:2525
    #[arg(long, global = true, value_name = "URL")]
    pub smtp: Option<String>,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// Override one brake, once (may be repeated)
    #[arg(long, global = true, value_name = "NAME", value_parser = ["audience", "stale", "history", "late", "old-plan", "future", "names", "consent", "failures", "budget", "codes", "too-few-codes", "trial"])]
    pub accept: Vec<String>,
    /// How many threads compute (default: all cores)
    #[arg(long, global = true, value_name = "N")]
    pub threads: Option<usize>,
    /// How much memory purchases may take before they go to the disk, such as 2GB (default: half of the machine's)
    #[arg(long, global = true, value_name = "SIZE", value_parser = memory::size)]
    pub memory: Option<u64>,
    /// Print errors only
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Print more
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check a job file and its templates: every problem at once
    Check {
        /// The job file
        #[arg(required_unless_present = "schema")]
        job: Option<PathBuf>,
        /// Open the data too
        #[arg(long)]
        data: bool,
        /// Print the JSON Schema of job files
        #[arg(long)]
        schema: bool,
    },
    /// Turn a CSV of purchases (UTF-8 or CP932) into Parquet, and list what could not be read
    Import {
        csv: PathBuf,
        /// The folder that NAME.parquet goes into
        #[arg(long, value_name = "FOLDER")]
        to: PathBuf,
        /// Write over a file that holds something else
        #[arg(long)]
        force: bool,
        /// Say what a column holds: number, date, dmy (dates such as 25/12/2026), mdy or text (may be repeated)
        #[arg(long = "type", value_name = "COLUMN=TYPE", value_parser = column_type)]
        types: Vec<(String, ColumnType)>,
        /// The same as --type COLUMN=text (may be repeated)
        #[arg(long, value_name = "COLUMN")]
        text: Vec<String>,
        /// The share of rows that may be left out, such as 1% (default: 0.1%, and ten rows in any case)
        #[arg(long, value_name = "SHARE")]
        max_bad_rows: Option<String>,
    },
    /// Compute the features of all customers and write them as Parquet
    Features {
        job: PathBuf,
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Plan who gets which mail, and send nothing
    Plan {
        job: PathBuf,
        /// Plan into this folder
        #[arg(long, value_name = "DIR")]
        into: Option<PathBuf>,
    },
    /// Show the mails one customer gets
    Show {
        job: PathBuf,
        #[arg(long, value_name = "ID")]
        customer: String,
        #[arg(long, value_name = "NAME")]
        campaign: Option<String>,
        /// Print the HTML part
        #[arg(long, conflicts_with = "eml")]
        html: bool,
        /// Print the whole mail as it will be sent
        #[arg(long)]
        eml: bool,
    },
    /// Explain one customer's rank and what became of every campaign
    Explain {
        job: PathBuf,
        #[arg(long, value_name = "ID")]
        customer: String,
    },
    /// Show which products are bought together, and how much more often than by chance
    Pairs {
        job: PathBuf,
        /// The fewest orders that hold both, or their share
        #[arg(long, value_name = "N|SHARE", default_value = "5")]
        support: String,
    },
    /// Play the past months again, with today's rules and with changed ones; nothing is planned
    Whatif {
        job: PathBuf,
        /// Set a key of the job anew, such as rank.AA.at_least.spend=30000 (may be repeated)
        #[arg(long, value_name = "PATH=VALUE")]
        set: Vec<String>,
        /// How many months, this one the last
        #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=120))]
        months: u32,
        /// Draw a picture into this HTML file
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Compare two plans: who gets something else, and why
    Diff {
        /// A plan folder; with --job its date is enough
        #[arg(value_name = "PLAN_A")]
        before: PathBuf,
        #[arg(value_name = "PLAN_B")]
        after: PathBuf,
        /// The job file, where the plans cannot tell where it is
        #[arg(long, value_name = "JOB")]
        job: Option<PathBuf>,
        /// List everybody, not only the first of each cause
        #[arg(long)]
        all: bool,
    },
    /// Look at all that is between a plan and the inbox: mail server, mails, opt-out page, DNS; nothing is sent
    Doctor {
        job: PathBuf,
        /// Ask this name server instead of the machine's: 192.0.2.1 or 192.0.2.1:53
        #[arg(long, value_name = "ADDR")]
        dns: Option<String>,
    },
    /// Open local pages on the plan: who gets what, their mails, the templates; nothing is sent
    Studio {
        job: PathBuf,
        #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8026")]
        listen: String,
    },
    /// Send samples of the plan to a colleague
    Test {
        job: PathBuf,
        /// To this address, one of the job's test_to where it has some (default: all of those)
        #[arg(long, value_name = "ADDRESS")]
        to: Option<String>,
    },
    /// Send the unfinished plan, each mail once
    Send {
        job: PathBuf,
        #[command(flatten)]
        sending: Sending,
    },
    /// Plan, stop on brakes, send
    Run {
        job: PathBuf,
        /// For timers: run what is due now, if anything
        #[arg(long, conflicts_with = "as_of")]
        if_due: bool,
        #[command(flatten)]
        sending: Sending,
    },
    /// Write a list for other hands: ranks for the cart, or a campaign's people for a printer, LINE, callers, an ad platform
    Export {
        job: PathBuf,
        /// Everybody's rank, as of the last adopted run
        #[arg(long, conflicts_with_all = ["campaign", "kind"])]
        ranks: bool,
        /// The people of this campaign in the newest plan
        #[arg(long, value_name = "NAME", requires = "kind", required_unless_present = "ranks")]
        campaign: Option<String>,
        /// For whom the list is
        #[arg(long = "as", value_enum, value_name = "KIND", requires = "campaign")]
        kind: Option<Kind>,
        /// Write to this file, for its owner only (default: standard output)
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Show what became of the mails of a run
    Status { job: PathBuf },
    /// Settle mails in doubt, of the last adopted run or that of --as-of: they have arrived, or go again
    Resolve {
        job: PathBuf,
        /// This mail
        #[arg(long, value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
        mail: Option<String>,
        /// All that are in doubt
        #[arg(long)]
        all: bool,
        #[arg(long = "as", value_enum, value_name = "WHAT")]
        verdict: Verdict,
    },
    /// Call off mails that have not left, of the last adopted run or that of --as-of: all, or some of them
    Cancel {
        job: PathBuf,
        #[command(flatten)]
        pick: Picked,
    },
    /// Stop a campaign in the last adopted run or that of --as-of, also while it is being sent
    Stop {
        job: PathBuf,
        #[arg(long, value_name = "NAME")]
        campaign: String,
        /// Let it go on: what was held is planned again
        #[arg(long)]
        resume: bool,
    },
    /// Opt-outs: the page behind the link in every mail, and lists that go in and out
    Optout {
        #[command(subcommand)]
        what: Optout,
    },
    /// Read mails that came back, and stop the addresses to which nothing can be sent
    Bounces {
        job: PathBuf,
        /// A Maildir, an mbox, a folder of mails or one mail
        mailbox: PathBuf,
    },
    /// Forget a customer: take what tells of them out of ledger, plans, outbox and lists of the job, and never mail them again
    Forget {
        job: PathBuf,
        #[arg(long, value_name = "ID", required_unless_present = "old", conflicts_with = "old")]
        customer: Option<String>,
        /// Take everybody out of the runs that are older than the job's keep_runs
        #[arg(long)]
        old: bool,
    },
    /// Write the rows of all mails of all jobs as Parquet
    Ledger {
        job: PathBuf,
        #[arg(long, value_name = "FILE")]
        export: PathBuf,
    },
    /// Show what became of the coupon codes of earlier runs, or write a plan's own codes for the cart
    Coupons {
        job: PathBuf,
        /// Write the codes that rankmail made for the newest plan (or that of --as-of) as CSV, for the cart to know them
        #[arg(long, value_name = "FILE", conflicts_with = "list")]
        for_cart: Option<PathBuf>,
        /// List every redeemed code too
        #[arg(long)]
        list: bool,
    },
    /// Show when the job is due, or write a timer for it
    Schedule {
        job: PathBuf,
        #[arg(long, value_enum)]
        emit: Option<Emit>,
    },
}

impl Command {
    /// Whether an interruption is noted and the work in hand brought to its end: mails that are on their way, or a reader's request.
    pub fn ends_in_order(&self) -> bool {
        matches!(self, Self::Send { .. } | Self::Run { .. } | Self::Studio { .. } | Self::Optout { what: Optout::Serve { .. } })
    }
}

/// Some of the mails of a run.
#[derive(Debug, ClapArgs)]
#[group(multiple = false)]
pub struct Picked {
    /// Only those of this campaign
    #[arg(long, value_name = "NAME")]
    pub campaign: Option<String>,
    /// Only those of this customer
    #[arg(long, value_name = "ID")]
    pub customer: Option<String>,
    /// Only this one
    #[arg(long, value_name = "ID")]
    pub mail: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Verdict {
    /// It has arrived
    Sent,
    /// It has not: send it again
    Again,
}

#[derive(Debug, Subcommand)]
pub enum Optout {
    /// Serve the opt-out page over HTTP, for a web server with TLS in front of it
    Serve {
        job: PathBuf,
        #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8025")]
        listen: String,
    },
    /// Take over those whom a CSV names: a customer id or a mail address in the first column of each row
    Import { job: PathBuf, csv: PathBuf },
    /// Write all opt-outs as CSV
    Export {
        job: PathBuf,
        /// Write to this file, for its owner only (default: standard output)
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

/// What sending commands take.
#[derive(Debug, ClapArgs)]
pub struct Sending {
    /// Stop after this many mails
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
    /// Only if the plan's digest begins with this
    #[arg(long, value_name = "PREFIX")]
    pub digest: Option<String>,
    /// Leave mails that must wait for a later call
    #[arg(long)]
    pub no_wait: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Kind {
    /// A printer: postal code, address, name, honorific
    Post,
    /// LINE Official Account Manager: one user id on each line
    Line,
    /// Callers: telephone numbers and what there is to talk about
    Call,
    /// Google Ads, Customer Match: hashed mail addresses
    Google,
    /// Meta, custom audiences: hashed mail addresses
    Meta,
    /// Gift orders: who, what, where to
    Gifts,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Emit {
    Systemd,
    Cron,
}

/// What a column is said to hold. A column's name may hold an equals sign; a type does not.
fn column_type(text: &str) -> Result<(String, ColumnType), String> {
    let (column, name) = text.rsplit_once('=').unwrap_or((text, ""));
    let kind = match name {
        "number" => ColumnType::Number,
        "date" => ColumnType::Date,
        "dmy" => ColumnType::DayFirst,
        "mdy" => ColumnType::MonthFirst,
        "text" => ColumnType::Text,
        _ => return Err("write COLUMN=number, COLUMN=date, COLUMN=dmy, COLUMN=mdy or COLUMN=text".to_owned()),
    };
    Ok((column.to_owned(), kind))
}
