//! Digests: the one that names a plan, and the one of a job's rules.

use super::Error;
use super::folder::{CUSTOMERS, DAY, MAILS, SKIPPED, VALUES};
use crate::domain::plan::Summary;
use toml::{Table, Value};

/// The tables whose figures go into the plan's digest, in this order.
pub(super) const TABLES: [&str; 4] = [CUSTOMERS, MAILS, VALUES, SKIPPED];

/// A hash over a list of fields. Each field has its length before it, so that no two lists look alike.
struct Fields(blake3::Hasher);

impl Fields {
    fn new(purpose: &str) -> Self {
        let mut fields = Self(blake3::Hasher::new());
        fields.add(purpose);
        fields
    }

    fn add(&mut self, field: impl AsRef<[u8]>) {
        let bytes = field.as_ref();
        self.count(bytes.len());
        self.0.update(bytes);
    }

    fn count(&mut self, number: usize) {
        self.0.update(&(number as u64).to_le_bytes());
    }

    fn pairs(&mut self, pairs: &[(String, String)]) {
        self.count(pairs.len());
        for (name, digest) in pairs {
            self.add(name);
            self.add(digest);
        }
    }

    fn finish(&self) -> String {
        self.0.finalize().to_hex().to_string()
    }
}

/// The digest of bytes, as 64 hex digits.
pub(super) fn of_bytes(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// The digest that names a plan: its mails, whom it skips, the ranks and the review that it announces, and the rules, templates and key
/// that made them. The time of planning, places on disk, counts and warnings play no part; neither do the input files, since the same
/// purchases in other files or in another order of rows make the same plan.
pub(super) fn of_plan(format: u64, summary: &Summary) -> String {
    let mut fields = Fields::new("rankmail plan");
    fields.add(format.to_le_bytes());
    fields.add(&summary.job);
    for day in [Some(summary.as_of), Some(summary.closing), summary.keep_by] {
        fields.add(day.map(|day| day.format(DAY).to_string()).unwrap_or_default());
    }
    fields.add(&summary.rules);
    fields.pairs(&summary.templates);
    fields.add(&summary.key_id);
    for table in TABLES {
        let digest = summary.files.iter().find(|(name, _)| name == table).map_or("", |(_, digest)| digest.as_str());
        fields.add(digest);
    }
    fields.finish()
}

/// The digest of a job's rules: the job file without `[mail.smtp]`, `[stop]`, `[bounces]`, `[brakes]` and `[coupons]`, whatever its comments, blanks and order
/// of keys.
///
/// # Errors
/// `Toml` when the text is no TOML.
pub fn rules_digest(job_text: &str) -> Result<String, Error> {
    let mut job: Table = job_text.parse().map_err(|error: toml::de::Error| Error::Toml { problem: error.message().to_owned() })?;
    job.remove("stop");
    job.remove("bounces");
    job.remove("brakes");
    job.remove("coupons");
    if let Some(Value::Table(mail)) = job.get_mut("mail") {
        mail.remove("smtp");
    }
    let mut fields = Fields::new("rankmail rules");
    add_table(&mut fields, &job);
    Ok(fields.finish())
}

fn add_table(fields: &mut Fields, table: &Table) {
    let mut entries: Vec<(&String, &Value)> = table.iter().collect();
    entries.sort_unstable_by_key(|(name, _)| *name);
    fields.add("table");
    fields.count(entries.len());
    for (name, value) in entries {
        fields.add(name);
        add_value(fields, value);
    }
}

fn add_value(fields: &mut Fields, value: &Value) {
    match value {
        Value::Table(table) => add_table(fields, table),
        Value::Array(items) => {
            fields.add("list");
            fields.count(items.len());
            for item in items {
                add_value(fields, item);
            }
        }
        Value::String(text) => {
            fields.add("text");
            fields.add(text);
        }
        Value::Integer(number) => {
            fields.add("integer");
            fields.add(number.to_le_bytes());
        }
        Value::Float(number) => {
            fields.add("float");
            fields.add(number.to_bits().to_le_bytes());
        }
        Value::Boolean(truth) => fields.add(if *truth { "true" } else { "false" }),
        Value::Datetime(time) => {
            fields.add("time");
            fields.add(time.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: &str = "name = 'm'\n[mail]\nfrom = 'a@b.example'\n[mail.smtp]\nurl = 'smtp://127.0.0.1'\n[[rank]]\nname = 'A'\n[[rank]]\nname = 'B'\n[brakes]\nstale = 'off'\n";

    #[test]
    fn layout_and_what_send_reads_anew_play_no_part() {
        let same = "# A comment.\n[[rank]]\nname = \"A\"\n\n[[rank]]\nname = \"B\"\n[mail]\nfrom   = \"a@b.example\"\n";
        let same = format!("name = 'm'\n{same}[stop]\nfiles = ['x.csv']\n[coupons]\nregister = true\n[bounces]\nsoft = {{ times = 5 }}\n");
        assert_eq!(rules_digest(JOB).unwrap(), rules_digest(&same).unwrap());
    }

    #[test]
    fn every_rule_plays_a_part() {
        let digest = rules_digest(JOB).unwrap();
        assert_eq!(digest.len(), 64);
        for (old, new) in [("'B'", "'C'"), ("name = 'm'", "name = 'n'"), ("from", "reply_to"), ("'m'\n", "'m'\nx = 1\n")] {
            assert_ne!(digest, rules_digest(&JOB.replacen(old, new, 1)).unwrap(), "{old} became {new}");
        }
        let swapped = JOB.replace("'A'", "'?'").replace("'B'", "'A'").replace("'?'", "'B'");
        assert_ne!(digest, rules_digest(&swapped).unwrap(), "the order of ranks is a rule");
        assert_ne!(rules_digest("x = 1").unwrap(), rules_digest("x = 1.0").unwrap());
    }

    #[test]
    fn broken_text_is_an_error() {
        assert!(matches!(rules_digest("name = "), Err(Error::Toml { .. })));
    }
}
