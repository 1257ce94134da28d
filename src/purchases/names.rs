//! Whether the purchases know categories and products that a job names.

use super::{Error, Purchases, Request};
use arrow::array::AsArray;
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// Names of categories and of products.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    pub categories: HashSet<String>,
    pub products: HashSet<String>,
}

impl Names {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.categories.is_empty() && self.products.is_empty()
    }
}

impl Purchases {
    /// Those of the names that no line before `as_of` has. Where no such column is mapped, nothing is known of them, and none is missed.
    ///
    /// # Errors
    /// As for `read`.
    pub fn lacking(&self, as_of: i64, mut names: Names) -> Result<Names, Error> {
        if self.source.category.is_none() {
            names.categories.clear();
        }
        if self.source.product.is_none() {
            names.products.clear();
        }
        if names.is_empty() {
            return Ok(names);
        }
        let request = Request { as_of, category: true, details: !names.products.is_empty(), ..Request::default() };
        let left = Mutex::new(names.clone());
        self.read(&request, &|batch| {
            let mut seen = Names::default();
            for (column, wanted, seen) in
                [("category", &names.categories, &mut seen.categories), ("product", &names.products, &mut seen.products)]
            {
                let Some(values) = batch.column_by_name(column).and_then(|column| column.as_string_view_opt()) else { continue };
                for value in values.iter().flatten().filter(|value| wanted.contains(*value)) {
                    if !seen.contains(value) {
                        seen.insert(value.to_owned());
                    }
                }
            }
            if !seen.is_empty() {
                let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
                left.categories.retain(|name| !seen.categories.contains(name));
                left.products.retain(|name| !seen.products.contains(name));
            }
            Ok(())
        })?;
        Ok(left.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}
