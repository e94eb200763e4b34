//! The bounds that every store holds, and what a query means in terms of key ranges.

use crate::{
    Batch, Change, MAX_BATCH_BYTES, MAX_BATCH_CHANGES, MAX_KEY_BYTES, MAX_READ_RECORDS,
    MAX_VALUE_BYTES, Query, Record, StoreError, Table,
};

impl Batch {
    /// Adds writing a record.
    pub fn put(&mut self, table: Table, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.changes.push(Change::Put(
            table,
            Record {
                key: key.into(),
                value: value.into(),
            },
        ));
    }

    /// Adds removing a record.
    pub fn delete(&mut self, table: Table, key: impl Into<Vec<u8>>) {
        self.changes.push(Change::Delete(table, key.into()));
    }

    /// Whether every bound is kept; the first thing that every store does with a batch.
    pub fn check(&self) -> Result<(), StoreError> {
        let size = |change: &Change| match change {
            Change::Put(_, record) => (record.key.len(), record.value.len()),
            Change::Delete(_, key) => (key.len(), 0),
            Change::Clear => (1, 0),
        };
        let sizes = || self.changes.iter().map(size);
        let each = sizes().all(|(key, value)| key_fits(key) && value <= MAX_VALUE_BYTES);
        let few = self.changes.len() <= MAX_BATCH_CHANGES;
        if few && each && sizes().map(|(key, value)| key + value).sum::<usize>() <= MAX_BATCH_BYTES
        {
            Ok(())
        } else {
            Err(StoreError::OutOfBounds)
        }
    }
}

fn key_fits(length: usize) -> bool {
    (1..=MAX_KEY_BYTES).contains(&length)
}

/// The keys a query means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Keys {
    /// The lowest key, and whether it is left out.
    pub lower: Option<(Vec<u8>, bool)>,
    /// Above all of them, itself not one.
    pub upper: Option<Vec<u8>>,
}

impl Query {
    /// The first records of a table, at most [`MAX_READ_RECORDS`]. Narrow it down by changing its fields.
    pub fn all(table: Table) -> Self {
        Self {
            table,
            prefix: Vec::new(),
            below: None,
            above: None,
            descending: false,
            limit: MAX_READ_RECORDS,
        }
    }

    /// Whether every bound is kept; the first thing that every store does with a query.
    pub fn check(&self) -> Result<(), StoreError> {
        let keys = [Some(&self.prefix), self.below.as_ref(), self.above.as_ref()];
        let keys_fit = keys
            .into_iter()
            .flatten()
            .all(|key| key.len() <= MAX_KEY_BYTES);
        if keys_fit && (1..=MAX_READ_RECORDS).contains(&self.limit) {
            Ok(())
        } else {
            Err(StoreError::OutOfBounds)
        }
    }

    /// The range of keys that prefix, `below` and `above` leave; `None` if they leave none.
    pub(crate) fn keys(&self) -> Option<Keys> {
        let prefix = (!self.prefix.is_empty()).then(|| (self.prefix.clone(), false));
        let above = self.above.clone().map(|key| (key, true));
        // Of two lowest keys the higher counts; of the same key twice, the one that leaves it out.
        let lower = [prefix, above].into_iter().flatten().max();
        let upper = [after(&self.prefix), self.below.clone()]
            .into_iter()
            .flatten()
            .min();
        let is_empty = match (&lower, &upper) {
            (Some((lower, _)), Some(upper)) => lower >= upper,
            // No key lies below the empty one.
            (None, Some(upper)) => upper.is_empty(),
            (_, None) => false,
        };
        (!is_empty).then_some(Keys { lower, upper })
    }
}

/// The lowest key above every key with this prefix; `None` if there is no such key.
fn after(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte < u8::MAX)?;
    let mut after = prefix.get(..=last)?.to_vec();
    *after.last_mut()? += 1;
    Some(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_after_a_prefix() {
        assert_eq!(after(&[]), None);
        assert_eq!(after(&[255]), None);
        assert_eq!(after(&[255, 255]), None);
        assert_eq!(after(&[0]), Some(vec![1]));
        assert_eq!(after(&[1, 255]), Some(vec![2]));
        assert_eq!(after(&[1, 254, 255]), Some(vec![1, 255]));
    }

    #[test]
    fn the_narrower_bound_counts() {
        let keys = |prefix: &[u8], above: &[u8], below: &[u8]| {
            let query = Query {
                prefix: prefix.to_vec(),
                above: Some(above.to_vec()),
                below: Some(below.to_vec()),
                ..Query::all(Table::Own)
            };
            query.keys()
        };
        let range = |lower: &[u8], open, upper: &[u8]| {
            Some(Keys {
                lower: Some((lower.to_vec(), open)),
                upper: Some(upper.to_vec()),
            })
        };
        assert_eq!(keys(&[5], &[1], &[9]), range(&[5], false, &[6]));
        assert_eq!(keys(&[5], &[5], &[5, 7]), range(&[5], true, &[5, 7]));
        assert_eq!(keys(&[5], &[5, 3], &[5, 7]), range(&[5, 3], true, &[5, 7]));
        assert_eq!(keys(&[5], &[6], &[9]), None);
        assert_eq!(keys(&[], &[5], &[5]), None);
        assert_eq!(keys(&[5], &[1], &[5]), None);
        let nothing = Query {
            below: Some(Vec::new()),
            ..Query::all(Table::Own)
        };
        assert_eq!(nothing.keys(), None);
        assert_eq!(
            Query::all(Table::Own).keys(),
            Some(Keys {
                lower: None,
                upper: None
            })
        );
    }
}
