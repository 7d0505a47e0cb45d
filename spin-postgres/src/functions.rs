//! Whether a statement can leave something behind in its session, told from its text.

/// Statements that by themselves leave nothing behind.
const PLAIN: &[&str] = &["select", "insert", "update", "delete", "with", "values", "merge"];

/// Words that may stand before a parenthesis and call nothing.
const KEYWORDS: &[&str] = &[
    "all",
    "and",
    "any",
    "array",
    "as",
    "between",
    "bit",
    "by",
    "case",
    "char",
    "conflict",
    "cube",
    "decimal",
    "distinct",
    "else",
    "except",
    "exists",
    "filter",
    "from",
    "grouping",
    "having",
    "in",
    "intersect",
    "into",
    "is",
    "join",
    "lateral",
    "like",
    "limit",
    "materialized",
    "not",
    "numeric",
    "offset",
    "on",
    "or",
    "over",
    "partition",
    "rollup",
    "select",
    "sets",
    "some",
    "set",
    "then",
    "time",
    "timestamp",
    "timestamptz",
    "union",
    "using",
    "values",
    "varbit",
    "varchar",
    "varying",
    "when",
    "where",
    "within",
    "returning",
];

/// Functions of PostgreSQL's own that change nothing outside of their statement.
const HARMLESS: &[&str] = &[
    "abs",
    "age",
    "array_agg",
    "array_append",
    "array_length",
    "array_position",
    "array_remove",
    "array_to_string",
    "avg",
    "bit_length",
    "bool_and",
    "bool_or",
    "btrim",
    "cardinality",
    "cast",
    "ceil",
    "char_length",
    "chr",
    "coalesce",
    "concat",
    "concat_ws",
    "convert_to",
    "count",
    "date_part",
    "date_trunc",
    "decode",
    "dense_rank",
    "encode",
    "every",
    "extract",
    "first_value",
    "floor",
    "format",
    "gen_random_uuid",
    "generate_series",
    "greatest",
    "initcap",
    "json_agg",
    "json_array_length",
    "json_build_array",
    "json_build_object",
    "json_object_agg",
    "json_populate_record",
    "json_populate_recordset",
    "json_to_record",
    "json_to_recordset",
    "jsonb_agg",
    "jsonb_array_elements",
    "jsonb_array_elements_text",
    "jsonb_array_length",
    "jsonb_build_array",
    "jsonb_build_object",
    "jsonb_each",
    "jsonb_each_text",
    "jsonb_object_agg",
    "jsonb_populate_record",
    "jsonb_populate_recordset",
    "jsonb_set",
    "jsonb_strip_nulls",
    "jsonb_to_record",
    "jsonb_to_recordset",
    "lag",
    "last_value",
    "lead",
    "least",
    "left",
    "length",
    "ln",
    "lower",
    "lpad",
    "ltrim",
    "make_date",
    "make_interval",
    "max",
    "md5",
    "min",
    "mod",
    "now",
    "normalize",
    "ntile",
    "nullif",
    "octet_length",
    "overlay",
    "percent_rank",
    "pg_current_snapshot",
    "pg_current_xact_id_if_assigned",
    "pg_get_serial_sequence",
    "pg_is_in_recovery",
    "pg_last_wal_receive_lsn",
    "pg_last_wal_replay_lsn",
    "pg_sequence_last_value",
    "pg_snapshot_xmax",
    "pg_snapshot_xmin",
    "pg_xact_status",
    "position",
    "power",
    "random",
    "rank",
    "regexp_match",
    "regexp_replace",
    "repeat",
    "replace",
    "reverse",
    "right",
    "round",
    "row",
    "row_number",
    "row_to_json",
    "rpad",
    "rtrim",
    "sha256",
    "split_part",
    "sqrt",
    "string_agg",
    "substring",
    "sum",
    "to_char",
    "to_json",
    "to_jsonb",
    "starts_with",
    "strpos",
    "to_date",
    "to_number",
    "to_timestamp",
    "trim",
    "trunc",
    "unnest",
    "upper",
];

/// A word, a quoted name, or a character of its own.
#[derive(Debug, PartialEq)]
enum Token<'a> {
    Word(&'a str),
    Quoted,
    Other(char),
}

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
        let tokens = tokens(sql);
        let plain = is_plain(&tokens);
        // A backslash escapes a quote in some texts, and in others it does not: nothing is certain.
        let certain = plain && !sql.contains('\\');
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
                qualified || !(is_one_of(KEYWORDS, word) || is_one_of(HARMLESS, word))
            }
            Token::Quoted => true,
            Token::Other(_) => false,
        }
    })
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

/// The words and signs of a statement, without its comments, texts and white space.
fn tokens(sql: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let length = if let Some(comment) = rest.strip_prefix("--") {
            comment.find('\n').map_or(rest.len(), |end| end + 2)
        } else if rest.starts_with("/*") {
            comment_length(rest)
        } else if first == '\'' || first == '"' {
            if first == '"' {
                tokens.push(Token::Quoted);
            }
            quoted_length(rest, first)
        } else if let Some(length) = dollar_length(rest) {
            length
        } else if is_of_word(first) {
            let length = rest.find(|c| !is_of_word(c)).unwrap_or(rest.len());
            tokens.push(Token::Word(&rest[..length]));
            length
        } else {
            if !first.is_whitespace() {
                tokens.push(Token::Other(first));
            }
            first.len_utf8()
        };
        rest = &rest[length.min(rest.len())..];
    }
    tokens
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || !c.is_ascii()
}

/// Comments nest.
fn comment_length(text: &str) -> usize {
    let (mut depth, mut at) = (0_u32, 0);
    let bytes = text.as_bytes();
    while at < bytes.len() {
        match bytes[at..].get(..2) {
            Some(b"/*") => (depth, at) = (depth + 1, at + 2),
            Some(b"*/") => {
                (depth, at) = (depth - 1, at + 2);
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    bytes.len()
}

fn quoted_length(text: &str, quote: char) -> usize {
    text[1..].find(quote).map_or(text.len(), |end| end + 2)
}

/// `$tag$ … $tag$`.
fn dollar_length(text: &str) -> Option<usize> {
    let (tag, body) = text.strip_prefix('$')?.split_once('$')?;
    let sound = tag.chars().all(is_of_word) && !tag.starts_with(|c: char| c.is_ascii_digit());
    if !sound {
        return None;
    }
    let end = format!("${tag}$");
    let length = body.find(&end).map_or(body.len(), |at| at + end.len());
    Some(tag.len() + 2 + length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_copy_to_or_from_the_client_is_told_from_others() {
        for sql in ["COPY t FROM STDIN", "copy (select 1) to stdout (format csv)"] {
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
            "SELECT a::varchar(10), CAST(b AS numeric(5, 2)) FROM t AS u (a, b)",
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
            r"SELECT E'\'', set_config('a.b', 'c', false) -- '",
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
        fn no_sql_like_text_breaks_it(sql in "[a-z$'\"/*()\\-\\n ;.\u{e4}]{0,60}") {
            let _ = Effects::of(&sql);
        }
    }
}
