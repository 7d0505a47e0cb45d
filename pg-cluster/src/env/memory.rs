//! What PostgreSQL may take of a member's memory, against the limit beyond which it is killed with
//! all of its connections.

use super::Env;

/// Bytes that a connection takes of its own at least.
const CONNECTION: u64 = 2 << 20;
/// Sorts and hashes of so many queries at once are provided for, and so many vacuums of large tables.
const QUERIES: u64 = 4;
const VACUUMS: u64 = 2;
/// PostgreSQL's own values where the file has none.
const DEFAULTS: [(&str, u64); 3] =
    [("shared_buffers", 128 << 20), ("work_mem", 4 << 20), ("maintenance_work_mem", 64 << 20)];

impl Env {
    /// What is more than a limit allows, and what to write.
    pub fn memory_advice(&self) -> Option<String> {
        let value = |name: &str| {
            let default = DEFAULTS.iter().find(|(own, _)| *own == name).map_or(0, |(_, it)| *it);
            self.parameters.size(name).unwrap_or(default)
        };
        let (buffers, connections) = (value("shared_buffers"), self.parameters.max_connections());
        let (work, maintenance) = (value("work_mem"), value("maintenance_work_mem"));
        let needed = buffers
            .saturating_add(connections.saturating_mul(CONNECTION))
            .saturating_add(QUERIES.saturating_mul(work))
            .saturating_add(VACUUMS.saturating_mul(maintenance));
        let sets = [("main", &self.main), ("replica", &self.replica)];
        let tight = sets.into_iter().find_map(|(name, set)| {
            let limit = set.resources.limits.memory.as_ref()?.bytes();
            (set.count.get() > 0 && needed > limit).then_some((name, limit))
        })?;
        let mb = |bytes: u64| bytes >> 20;
        Some(format!(
            "PostgreSQL may take {} MB (shared_buffers {}, {connections} connections of 2, {QUERIES} times work_mem {}, {VACUUMS} \
             times maintenance_work_mem {}), and {}'s limit is {} MB, beyond which its container is killed with all that it does: write less of \
             these, or a larger resources.limits.memory",
            mb(needed),
            mb(buffers),
            mb(work),
            mb(maintenance),
            tight.0,
            mb(tight.1)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advice(more: &str) -> Option<String> {
        let text = format!("name = \"a\"\nimage = \"a:1\"\n{more}");
        Env::parse(&text, "dev").unwrap().memory_advice()
    }

    #[test]
    fn what_does_not_fit_the_limit_is_added_up() {
        // 128 + 130 × 2 + 4 × 4 + 2 × 64 MB
        let tight = advice("parameters.max_connections = 130").unwrap();
        assert!(
            tight.contains("may take 532 MB") && tight.contains("main's limit is 512"),
            "{tight}"
        );
        for fits in [
            "",
            "parameters.shared_buffers = \"64MB\"",
            "main.resources.limits = { memory = \"1Gi\" }\nreplica.resources.limits = { memory = \"1Gi\" }",
            "main.resources.limits = {}\nreplica.resources.limits = {}",
            "parameters.shared_buffers = 16384",
        ] {
            assert_eq!(advice(fits), None, "{fits}");
        }
        let wide = "main.resources.limits = { memory = \"4Gi\" }\nreplica.resources.limits = { memory = \"2Gi\" }";
        let wide = advice(&format!("{wide}\nparameters.work_mem = \"1GB\"")).unwrap();
        assert!(wide.contains("4 times work_mem 1024") && wide.contains("main's"), "{wide}");
        for (written, read) in [
            ("shared_buffers = 1048576", "shared_buffers 8192"),
            ("work_mem = \"1.5GB\"", "work_mem 1536"),
        ] {
            let advice = advice(&format!("parameters.{written}")).unwrap();
            assert!(advice.contains(read), "{advice}");
        }
    }
}
