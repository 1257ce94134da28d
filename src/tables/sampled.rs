//! Some ids of a list, spread over all of it, before the list is read in earnest.

use super::customers::Recipe;
use super::dealt::KEY;
use super::error::Error;
use super::table::{self, IDS, Wanted, id};
use std::path::Path;

/// Ids of about so many rows.
const MOST: usize = 1 << 14;

/// The ids of about 16,000 rows of the customer list, as far from each other as can be; of all rows where there are fewer.
///
/// # Errors
/// As for `customers`, as far as the column of ids tells.
pub fn some_ids(recipe: &Recipe, base: &Path) -> Result<Vec<String>, Error> {
    let source = &recipe.source;
    let wanted = Wanted { key: KEY, zone: recipe.zone, only: Some(&[&source.customer]) };
    let mut ids: Vec<String> = Vec::new();
    // How many rows are in the list shows in the end: when there are too many ids, each second one goes.
    let (mut rows, mut step) = (0_usize, 1);
    table::read_through(&source.path, base, wanted, &mut |columns, stretch| {
        let Some(at) = columns.iter().position(|column| column.name == source.customer) else { return };
        let kind = columns[at].kind;
        for value in &stretch.values[at] {
            if rows.is_multiple_of(step)
                && let Some(id) = id(value, kind, &stretch.places).filter(|id| IDS.contains(&kind) && !id.is_empty())
            {
                ids.push(recipe.merges.present(&id).to_owned());
            }
            rows += 1;
        }
        while ids.len() > 2 * MOST {
            let mut at = 0;
            ids.retain(|_| {
                at += 1;
                at % 2 == 1
            });
            step *= 2;
        }
    })?;
    Ok(ids)
}
