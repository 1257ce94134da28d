//! Some ids of a list, spread over all of it, before the list is read in earnest.

use super::customers::Recipe;
use super::dealt::KEY;
use super::error::Error;
use super::table::{self, IDS, Wanted, id};
use std::hash::BuildHasher;
use std::path::Path;

/// Ids of about so many rows.
const MOST: usize = 1 << 14;
/// More of an id than tells its place in the order.
const LONGEST: usize = 64;

/// The beginnings of the ids of some 16,000 to 33,000 rows of the customer list, spread over all of it; of all rows where there are fewer.
///
/// # Errors
/// As for `customers`, as far as the column of ids tells.
pub fn some_ids(recipe: &Recipe, base: &Path) -> Result<Vec<String>, Error> {
    let source = &recipe.source;
    let wanted = Wanted { key: KEY, zone: recipe.zone, only: Some(&[&source.customer]) };
    // How many rows are in the list shows in the end: when there are too many ids, half of them go. Which do follows from their rows,
    // and from those in such a way that no form that comes in each second or tenth row is always among them.
    let mut ids: Vec<(u64, String)> = Vec::new();
    let (mut row, mut most) = (0_u64, u64::MAX);
    table::read_through(&source.path, base, wanted, &mut |columns, stretch| {
        let Some(at) = columns.iter().position(|column| column.name == source.customer) else { return };
        let kind = columns[at].kind;
        for value in &stretch.values[at] {
            row += 1;
            let lot = foldhash::fast::FixedState::default().hash_one(row);
            if lot <= most
                && let Some(id) = id(value, kind, &stretch.places).filter(|id| IDS.contains(&kind) && !id.is_empty())
            {
                let id = recipe.merges.present(&id);
                ids.push((lot, id[..id.floor_char_boundary(LONGEST)].to_owned()));
            }
        }
        while ids.len() > 2 * MOST {
            most /= 2;
            ids.retain(|(lot, _)| *lot <= most);
        }
    })?;
    Ok(ids.into_iter().map(|(_, id)| id).collect())
}
