//! Whether a statement can leave something behind in its session, told from its text.

use crate::functions::{HARMLESS, KEYWORDS};
use crate::tokens::{Token, tokens};

/// Statements that by themselves leave nothing behind.
const PLAIN: &[&str] = &["select", "insert", "update", "delete", "with", "values", "merge"];

/// What a statement may do to the session that runs it.
#[derive(Debug, Clone, Copy)]
pub struct Effects {
    /// It may change what outlives it: anything may but a plain query that makes no table and calls
    /// only what is known to be harmless. A function of the database's own may do anything.
    pub lasting: bool,
    /// It may have the session refuse writes: it sets something, or begins a transaction.
    pub forbids_writes: bool,
    /// It begins a transaction that later ones belong to.
    pub begins_transaction: bool,
}

impl Effects {
    /// `None` for a copy from or to the client, which wants another way for its data than parameters
    /// and rows.
    pub fn of(sql: &str) -> Option<Self> {
        let mut tokens = tokens(sql);
        // PostgreSQL takes nothing before a statement for nothing.
        let empty = tokens.iter().take_while(|token| **token == Token::Other(';')).count();
        tokens.drain(..empty);
        let plain = is_plain(&tokens);
        let certain = plain && !tokens.contains(&Token::Doubtful);
        let first = |word| tokens.first().is_some_and(|first| is_word(first, word));
        let has = |word| tokens.iter().any(|token| is_word(token, word));
        if first("copy") && (has("stdin") || has("stdout")) {
            return None;
        }
        Some(Self {
            lasting: !certain || makes_a_table(&tokens) || calls_the_unknown(&tokens),
            forbids_writes: !plain || has("set_config"),
            begins_transaction: first("begin") || first("start"),
        })
    }
}

fn is_plain(tokens: &[Token]) -> bool {
    let first = tokens.iter().find(|token| **token != Token::Other('('));
    matches!(first, Some(Token::Word(first)) if is_one_of(PLAIN, first))
}

/// `INTO` that belongs to no `INSERT` and no `MERGE`: `SELECT … INTO TEMP t`.
fn makes_a_table(tokens: &[Token]) -> bool {
    tokens.iter().enumerate().any(|(at, token)| {
        let before = at.checked_sub(1).and_then(|before| tokens.get(before));
        is_word(token, "into")
            && !before.is_some_and(|before| is_word(before, "insert") || is_word(before, "merge"))
    })
}

fn calls_the_unknown(tokens: &[Token]) -> bool {
    tokens.windows(2).enumerate().any(|(at, pair)| {
        let [name, Token::Other('(')] = pair else { return false };
        let start = start_of_name(tokens, at);
        let (qualified, before) = (start < at, start.checked_sub(1).and_then(|at| tokens.get(at)));
        // `INSERT INTO t (a)`, `ON CONFLICT`, `WITH a (b) AS`, `AS a (b)`: a name, and columns.
        let is_named = before.is_some_and(|before| {
            ["into", "as", "with", "recursive"].iter().any(|word| is_word(before, word))
        });
        match name {
            _ if is_named => false,
            Token::Word(word) => {
                qualified || !(is_syntax(word, before) || is_one_of(HARMLESS, word))
            }
            Token::Quoted => true,
            Token::Other(_) | Token::Doubtful => false,
        }
    })
}

/// Whether a word before a parenthesis calls nothing. A function may have some of their names; then
/// what is before it is something else.
fn is_syntax(word: &str, before: Option<&Token>) -> bool {
    let follows = |words: &[&str]| {
        before.is_some_and(|before| words.iter().any(|word| is_word(before, word)))
    };
    match word.to_ascii_lowercase().as_str() {
        "filter" | "over" => before == Some(&Token::Other(')')),
        "by" => follows(&["group", "order", "partition"]),
        "cube" | "rollup" => follows(&["by"]),
        "conflict" => follows(&["on"]),
        "materialized" => follows(&["as", "not"]),
        "sets" => follows(&["grouping"]),
        "varying" => follows(&["character"]),
        word => KEYWORDS.contains(&word),
    }
}

/// Where `schema.name` begins.
fn start_of_name(tokens: &[Token], mut at: usize) -> usize {
    while at >= 2 && tokens[at - 1] == Token::Other('.') {
        at -= 2;
    }
    at
}

fn is_word(token: &Token, wanted: &str) -> bool {
    matches!(token, Token::Word(word) if word.eq_ignore_ascii_case(wanted))
}

fn is_one_of(list: &[&str], word: &str) -> bool {
    list.iter().any(|own| own.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_copy_to_or_from_the_client_is_told_from_others() {
        for sql in
            ["COPY t FROM STDIN", "copy (select 1) to stdout (format csv)", "; ;COPY t TO STDOUT"]
        {
            assert!(Effects::of(sql).is_none(), "{sql}");
        }
        for sql in ["COPY t FROM '/tmp/stdin'", "SELECT 'copy' FROM stdin"] {
            assert!(Effects::of(sql).is_some(), "{sql}");
        }
    }

    #[test]
    fn plain_statements_leave_nothing_behind() {
        for sql in [
            "SELECT 1",
            "  -- a comment\n select * from t",
            "/* a */ (SELECT 1) UNION (SELECT 2)",
            "WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a",
            "WITH a (x) AS (SELECT 1) SELECT count(*) FILTER (WHERE x > 1) FROM a",
            "insert into t values ('begin')",
            "INSERT INTO t (a, b) VALUES ($1, lower($2)) ON CONFLICT (a) DO UPDATE SET b = excluded.b RETURNING a",
            "INSERT INTO s.t (a) VALUES (1)",
            "Update t SET a = 1 WHERE b IN (1, 2)",
            "SELECT 'set_config(1)', \"into\", $$ pg_advisory_lock(1) $$ FROM t /* f() /* g() */ */",
            r"SELECT E'\'', 'a' ~ '\d', '\\', E'\\'",
            "SELECT a::varchar(10), CAST(b AS numeric(5, 2)) FROM t AS u (a, b)",
            "SELECT sum(a) FILTER (WHERE b) OVER (PARTITION BY (c) ORDER BY (d)) FROM t",
            "SELECT a, count(*) FROM t GROUP BY ROLLUP (a)",
            "WITH a AS NOT MATERIALIZED (SELECT 1) SELECT a::character varying (5) FROM a",
            ";SELECT $1, $x$ f(1) $x$, a$b FROM t -- f(1)\r\nWHERE a = $2",
        ] {
            assert!(!Effects::of(sql).unwrap().lasting, "{sql}");
        }
    }

    #[test]
    fn everything_else_has_the_session_reset() {
        for sql in [
            "BEGIN",
            "/* x */ start transaction",
            "SET statement_timeout = 1",
            "SELECT set_config('a.b', 'c', false)",
            "SELECT PG_ADVISORY_LOCK(1)",
            "SELECT 1 AS a INTO TEMP leak",
            "SELECT 1 AS a /* x */ INTO leak",
            "WITH a AS (SELECT 1) SELECT * INTO leak FROM a",
            "SELECT make_a_temporary_table()",
            "SELECT * FROM public.count ( 1 )",
            "SELECT \"anything\"(1)",
            "INSERT INTO t (a) SELECT dblink_connect('x')",
            r"SELECT '\', f('a')",
            r"SELECT '\', set_config('a.b', 'c', false) -- '",
            r"SELECT E'a''b\', set_config('a.b', 'c', false) -- '",
            r"SELECT E'\\', set_config('a.b', 'c', false) -- '",
            r"SELECT E'\'', set_config('a.b', 'c', false) -- '",
            "SELECT 1 AS a$$, set_config('a.b', 'c', false) AS b$$",
            "SELECT 1 AS a$x$, set_config('a.b', 'c', false) AS b$x$",
            "SELECT 1 --\r, set_config('a.b', 'c', false)",
            "SELECT U&\"s\\0065t_config\"('a.b', 'c', false)",
            "SELECT pg_catalog . set_config('a.b', 'c', false)",
            "SELECT 1 FROM ROWS FROM (make_something())",
            "SELECT filter(1), 2",
            "SELECT a FROM over (1)",
            "SELECT 1 FROM t WHERE Cube(a) = 1",
            "SELECT conflict (1), materialized(2)",
            "SELECT set_config/* x */('a.b', 'c', false)",
            "LISTEN x",
            "PREPARE p AS SELECT 1",
            "",
            "/* a /* nested */ BEGIN",
            "selected",
            "DO $$ begin perform 1; end $$",
        ] {
            assert!(Effects::of(sql).unwrap().lasting, "{sql}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(sql in any::<String>()) {
            let _ = Effects::of(&sql);
        }

        #[test]
        fn no_sql_like_text_breaks_it(sql in "[a-z$'\"/*()\\-\\n ;.\u{e4}\\\\]{0,60}") {
            let _ = Effects::of(&sql);
        }
    }
}
