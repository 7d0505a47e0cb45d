//! When a job runs: five fields, as Kubernetes reads them.

use jiff::{
    SignedDuration,
    civil::{self, Date},
};
use serde::{Deserialize, Serialize};

use super::values::checked_string;

// When a job runs, as cron writes it.
checked_string!(Schedule, check);

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// One of the five: its name, its first and last number, and the names of these.
struct Field(&'static str, u8, u8, &'static [&'static str]);

const FIELDS: [Field; 5] = [
    Field("minute", 0, 59, &[]),
    Field("hour", 0, 23, &[]),
    Field("day of the month", 1, 31, &[]),
    Field("month", 1, 12, &MONTHS),
    Field("day of the week", 0, 6, &DAYS),
];

/// The numbers that a field names, and whether it leaves the choice to the other fields.
struct Chosen {
    numbers: Vec<u8>,
    any: bool,
}

impl Field {
    fn read(&self, text: &str) -> Result<Chosen, String> {
        let mut chosen = Chosen { numbers: Vec::new(), any: false };
        for part in text.split(',') {
            let (range, step) = part.split_once('/').unwrap_or((part, "1"));
            let by: u8 = number(step).filter(|by| *by > 0).ok_or_else(|| self.wrong(part))?;
            let (low, high) = match range.split_once('-') {
                Some((low, high)) => (self.number(low, part)?, self.number(high, part)?),
                None if range == "*" => {
                    chosen.any |= by == 1;
                    (self.1, self.2)
                }
                // With a step, from there on.
                None => {
                    let low = self.number(range, part)?;
                    (low, if part.contains('/') { self.2 } else { low })
                }
            };
            if low > high {
                return Err(self.wrong(part));
            }
            chosen.numbers.extend((low..=high).step_by(by.into()));
        }
        Ok(chosen)
    }

    fn number(&self, text: &str, part: &str) -> Result<u8, String> {
        let named = self.3.iter().position(|name| name.eq_ignore_ascii_case(text));
        let named = named.and_then(|at| u8::try_from(at).ok()).map(|at| at + self.1);
        let number = named.or_else(|| number(text));
        number.filter(|n| (self.1..=self.2).contains(n)).ok_or_else(|| self.wrong(part))
    }

    fn wrong(&self, part: &str) -> String {
        let Self(name, low, high, _) = self;
        let sunday = if *high == 6 { " (0 for Sunday)" } else { "" };
        format!(
            "`{part}` is no {name}: write {low} to {high}{sunday}, a range such as {low}-{high}, or *"
        )
    }
}

fn number(text: &str) -> Option<u8> {
    text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()))
}

/// What the five fields say.
struct Times {
    /// The first and the last minute of a day on which it runs.
    minutes: (i64, i64),
    days: Chosen,
    months: Vec<u8>,
    weekdays: Chosen,
}

impl Times {
    fn read(text: &str) -> Result<Self, String> {
        let fields: Vec<_> = text.split_whitespace().collect();
        let &[minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err(
                "write five fields as cron does, such as \"0 1 * * 0\" for one o'clock (UTC) on Sundays"
                    .to_owned(),
            );
        };
        let [minutes, hours, days, months, weekdays] = &FIELDS;
        let (minutes, hours) = (minutes.read(minute)?.numbers, hours.read(hour)?.numbers);
        let minute = |hour: Option<&u8>, minute: Option<&u8>| {
            60 * hour.map_or(0, |it| i64::from(*it)) + minute.map_or(0, |it| i64::from(*it))
        };
        Ok(Self {
            minutes: (
                minute(hours.iter().min(), minutes.iter().min()),
                minute(hours.iter().max(), minutes.iter().max()),
            ),
            days: days.read(day)?,
            months: months.read(month)?.numbers,
            weekdays: weekdays.read(weekday)?,
        })
    }

    /// Two fields name days: where both do, either is enough.
    fn runs_on(&self, date: Date) -> bool {
        let has = |all: &[u8], number: i8| all.iter().any(|it| i16::from(*it) == i16::from(number));
        let day = has(&self.days.numbers, date.day());
        let weekday = has(&self.weekdays.numbers, date.weekday().to_sunday_zero_offset());
        let either = !self.days.any && !self.weekdays.any;
        has(&self.months, date.month()) && if either { day || weekday } else { day && weekday }
    }
}

/// A leap year, and as many more as have another of them twice.
const FROM: Date = civil::date(2024, 1, 1);
const DAYS_SEEN: i64 = 9 * 366;
const MINUTES_OF_A_DAY: i64 = 24 * 60;

/// The longest between two runs of any of these, and no less than a day; none if they never run.
fn longest(all: &[Times]) -> Option<SignedDuration> {
    let mut last: Option<i64> = None;
    let mut longest = MINUTES_OF_A_DAY;
    for (day, date) in (0..DAYS_SEEN).zip(FROM.series(jiff::Span::new().days(1))) {
        let today: Vec<_> = all.iter().filter(|times| times.runs_on(date)).collect();
        let first = today.iter().map(|times| times.minutes.0).min();
        if let (Some(last), Some(first)) = (last, first) {
            longest = longest.max(day * MINUTES_OF_A_DAY + first - last);
        }
        let end = today.iter().map(|times| day * MINUTES_OF_A_DAY + times.minutes.1).max();
        last = end.or(last);
    }
    last.map(|_| SignedDuration::from_mins(longest))
}

fn check(text: &str) -> Result<(), String> {
    let refused = |why: String| format!("`{text}` is no schedule: {why}");
    let times = Times::read(text).map_err(refused)?;
    match longest(&[times]) {
        Some(_) => Ok(()),
        None => Err(refused("no month has such a day; write another one".to_owned())),
    }
}

/// The longest that lies between two runs of any of these schedules.
pub fn period(schedules: &[&Schedule]) -> SignedDuration {
    let times: Vec<_> = schedules.iter().filter_map(|text| Times::read(text).ok()).collect();
    // None is made that never runs.
    longest(&times).unwrap_or_else(|| SignedDuration::from_mins(DAYS_SEEN * MINUTES_OF_A_DAY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_what_kubernetes_reads() {
        for text in [
            "0 1 * * 0",
            "*/15 0-6,22 1,15 jan-mar MON-Fri",
            "5/10 1 * * sun",
            "59 23 31 12 6",
            "0 0 29 2 *",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
        for (text, advice) in [
            ("daily", "five fields"),
            ("0 1 * *", "five fields"),
            ("0 25 * * *", "`25` is no hour: write 0 to 23"),
            ("60 1 * * *", "no minute"),
            ("0 1 * * 7", "0 to 6 (0 for Sunday)"),
            ("0 1 * * 1-7", "0 to 6 (0 for Sunday)"),
            ("0 1 32 * *", "1 to 31"),
            ("0 1 0 * *", "1 to 31"),
            ("0 1 * 13 *", "1 to 12"),
            ("*/0 1 * * *", "no minute"),
            ("5-1 1 * * *", "no minute"),
            ("a b c d e", "no minute"),
            ("0 1 L * *", "no day of the month"),
            ("1, 1 * * *", "no minute"),
            ("1/ 1 * * *", "no minute"),
            ("-1 1 * * *", "no minute"),
            ("+1 1 * * *", "no minute"),
            ("99999999999999999999 1 * * *", "no minute"),
            ("0 0 31 2 *", "no month has such a day"),
        ] {
            let error = check(text).unwrap_err();
            assert!(error.contains(advice), "{text}: {error}");
        }
    }

    #[test]
    fn the_longest_between_two_runs_is_known() {
        let hours = |all: &[&str]| {
            let all: Vec<_> = all.iter().map(|text| Schedule((*text).to_owned())).collect();
            period(&all.iter().collect::<Vec<_>>()).as_hours()
        };
        let day = 24;
        for (text, days) in [
            ("0 1 * * *", 1),
            ("*/5 * * * *", 1),
            ("0 1 * * 1,2", 6),
            ("0 1 * * mon,tue", 6),
            ("0 1 * * 6,0", 6),
            ("0 1 * * */6", 6),
            ("0 1 * * 6", 7),
            ("0 1 * * 1-6", 2),
            ("0 1 1 * *", 31),
            ("0 1 1,15 * 3", 7),
            ("0 1 1 1 *", 366),
            ("0 0 29 2 *", 4 * 365 + 1),
        ] {
            assert_eq!(hours(&[text]), days * day, "{text}");
        }
        assert_eq!(hours(&["0 1 * * 0", "0 1 * * 1-6"]), day);
        assert_eq!(hours(&["0 1 * * 0", "0 23 * * 1-6"]), day + 22);
        assert_eq!(hours(&["0 1 * * 0", "0 1 * * 0"]), 7 * day);
    }
}
