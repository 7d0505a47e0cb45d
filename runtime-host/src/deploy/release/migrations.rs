//! Migrations in ConfigMaps: plain SQL, and as many ConfigMaps as that needs.

use std::collections::BTreeMap;

/// Bytes of names and SQL in one ConfigMap, which holds 1 MiB with all that is around them.
const PART: usize = 1_000_000;

/// SQL by file name.
pub type Files = BTreeMap<String, String>;

/// The contents of the ConfigMaps. The error names a file that fits into none.
pub fn split(files: Files) -> Result<Vec<Files>, String> {
    let mut parts = vec![Files::new()];
    let mut size = 0;
    for (name, sql) in files {
        let bytes = name.len() + sql.len();
        if bytes > PART {
            return Err(format!(
                "the migration {name} has {bytes} bytes, and a ConfigMap holds {PART}: make several \
                 of it"
            ));
        }
        size += bytes;
        if size > PART {
            parts.push(Files::new());
            size = bytes;
        }
        if let Some(last) = parts.last_mut() {
            last.insert(name, sql);
        }
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(sizes: &[usize]) -> Files {
        let file =
            |(number, size): (usize, &usize)| (format!("V{number}__x.sql"), "x".repeat(*size));
        sizes.iter().enumerate().map(file).collect()
    }

    #[test]
    fn all_that_fits_is_together_and_nothing_is_lost() {
        for (sizes, parts) in [
            (vec![], 1),
            (vec![10, 20], 1),
            (vec![600_000, 600_000, 300_000], 2),
            (vec![900_000, 900_000, 900_000], 3),
        ] {
            let split = split(files(&sizes)).unwrap();
            assert_eq!(split.len(), parts, "{sizes:?}");
            assert_eq!(split.into_iter().flatten().collect::<Files>(), files(&sizes));
        }
    }

    #[test]
    fn what_fits_into_none_is_named() {
        assert!(split(files(&[1, 1_000_001])).unwrap_err().contains("V1__x.sql"));
    }
}
