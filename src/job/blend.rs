//! The rules of one job with the campaigns of another, to see which of the two changed what.

use super::Error;
use std::path::Path;
use toml::Table;

/// The text of a job that has everything of `rules` but its campaigns, which are those of `campaigns`. `path` is where the job file is
/// or was.
///
/// # Errors
/// One of the texts is no TOML.
pub fn blend(path: &Path, rules: &str, campaigns: &str) -> Result<String, Error> {
    let table =
        |text: &str| text.parse::<Table>().map_err(|error| Error::Unreadable { path: path.to_owned(), reason: error.message().to_owned() });
    let (mut blend, mut other) = (table(rules)?, table(campaigns)?);
    blend.remove("campaign");
    if let Some(campaigns) = other.remove("campaign") {
        blend.insert("campaign".to_owned(), campaigns);
    }
    Ok(blend.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn campaigns_come_from_the_second_text_and_all_else_from_the_first() {
        let rules = "name = 'a'\n[[campaign]]\nname = 'old'\nwhen = { month = 1 }\n[mail]\nfrom = 'x'\n";
        let campaigns = "name = 'b'\n[[campaign]]\nname = 'new'\n[[campaign]]\nname = 'newer'\n";
        let blend: Table = blend(Path::new("job.toml"), rules, campaigns).unwrap().parse().unwrap();
        assert_eq!(blend, "name = 'a'\nmail = { from = 'x' }\ncampaign = [{ name = 'new' }, { name = 'newer' }]\n".parse().unwrap());
        assert!(super::blend(Path::new("job.toml"), "=", "").is_err());
    }
}
