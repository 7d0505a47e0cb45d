//! When a job runs: five fields as Kubernetes reads them, in UTC.

use std::{
    fmt::{Display, Formatter},
    ops::Deref,
};

use jiff::{SignedDuration, ToSpan, civil::Date};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Schedule {
    text: String,
    /// The first minute of a day on which it runs at all.
    first: i64,
    days: Field,
    months: Field,
    weekdays: Field,
}

/// The values of a field, as bits, and whether it leaves them open.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Field {
    values: u64,
    open: bool,
}

/// A field's name, its bounds, and words for them from the least on.
struct Kind {
    name: &'static str,
    least: u32,
    most: u32,
    words: &'static [&'static str],
}

const MINUTES: Kind = Kind { name: "minute", least: 0, most: 59, words: &[] };
const HOURS: Kind = Kind { name: "hour", least: 0, most: 23, words: &[] };
const DAYS: Kind = Kind { name: "day of the month", least: 1, most: 31, words: &[] };
const MONTHS: Kind = Kind {
    name: "month",
    least: 1,
    most: 12,
    words: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
const WEEKDAYS: Kind = Kind {
    name: "day of the week",
    least: 0,
    most: 6,
    words: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
};

impl Kind {
    fn field(&self, text: &str) -> Result<Field, String> {
        let mut field = Field { values: 0, open: false };
        for part in text.split(',') {
            self.add(part, &mut field)
                .map_err(|wanted| format!("{part:?} is no {}: write {wanted}", self.name))?;
        }
        Ok(field)
    }

    /// One of `*` (or `?`, the same to Kubernetes), `A`, `A-B`, each perhaps with `/STEP`.
    fn add(&self, part: &str, field: &mut Field) -> Result<(), String> {
        let (range, step) =
            part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        let step = step.map_or(Some(1), whole).filter(|step| *step > 0);
        let step = step.ok_or("a step of 1 or more")?;
        let (low, high) = if ["*", "?"].contains(&range) {
            field.open |= step == 1;
            (self.least, self.most)
        } else if let Some((low, high)) = range.split_once('-') {
            (self.value(low)?, self.value(high)?)
        } else {
            let low = self.value(range)?;
            (low, if part.contains('/') { self.most } else { low })
        };
        if low > high {
            return Err("the lesser end of a range first".to_owned());
        }
        let mut value = low;
        while value <= high {
            field.values |= 1 << value;
            value = value.saturating_add(step);
        }
        Ok(())
    }

    fn value(&self, text: &str) -> Result<u32, String> {
        let word = self.words.iter().position(|word| text.eq_ignore_ascii_case(word));
        let word = word.and_then(|at| u32::try_from(at).ok()).map(|at| at + self.least);
        let value = word.or_else(|| whole(text));
        value.filter(|value| (self.least..=self.most).contains(value)).ok_or_else(|| {
            let (least, most) = (self.least, self.most);
            match self.words {
                // cron elsewhere knows 7 as well.
                [sunday, .., saturday] if least == 0 => {
                    format!("0 to 6 ({sunday} to {saturday}), 0 for Sunday")
                }
                [january, .., december] => format!("{least} to {most} ({january} to {december})"),
                _ => format!("{least} to {most}"),
            }
        })
    }
}

fn whole(text: &str) -> Option<u32> {
    text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()))
}

impl Field {
    fn has(self, value: i8) -> bool {
        u32::try_from(value).is_ok_and(|value| self.values >> value & 1 == 1)
    }
}

/// All that a calendar has: after 28 years a day of the year is the same day of the week again.
fn days() -> impl Iterator<Item = Date> {
    Date::constant(2001, 1, 1).series(1.day()).take(28 * 366)
}

impl Schedule {
    /// As cron has it: where both kinds of days are restricted, either will do.
    fn runs_on(&self, date: Date) -> bool {
        let day = self.days.has(date.day());
        let weekday = self.weekdays.has(date.weekday().to_sunday_zero_offset());
        let open = self.days.open || self.weekdays.open;
        self.months.has(date.month()) && if open { day && weekday } else { day || weekday }
    }

    /// No less than what lies between two runs of any of them; each runs, or there would be none.
    pub fn period(all: &[&Self]) -> SignedDuration {
        let mut longest = 0;
        let mut last = None;
        for (day, date) in (0..).zip(days()) {
            let runs = all.iter().filter(|schedule| schedule.runs_on(date));
            let Some(first) = runs.map(|schedule| day * 24 * 60 + schedule.first).min() else {
                continue;
            };
            longest = longest.max(first - last.unwrap_or(first));
            last = Some(first);
        }
        SignedDuration::from_mins(longest)
    }
}

impl TryFrom<String> for Schedule {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let fields: Vec<_> = text.split_ascii_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err(format!(
                "`{text}` is no schedule: write five fields as cron does, such as \"0 1 * * 0\" for one o'clock (UTC) on Sundays"
            ));
        };
        let field = |kind: &Kind, field| {
            kind.field(field).map_err(|why| format!("`{text}` is no schedule: {why}"))
        };
        let (minutes, hours) = (field(&MINUTES, minute)?, field(&HOURS, hour)?);
        let first = hours.values.trailing_zeros() * 60 + minutes.values.trailing_zeros();
        let schedule = Self {
            first: first.into(),
            days: field(&DAYS, day)?,
            months: field(&MONTHS, month)?,
            weekdays: field(&WEEKDAYS, weekday)?,
            text: text.clone(),
        };
        if !days().any(|date| schedule.runs_on(date)) {
            return Err(format!("`{text}` never comes: write a day that its months have"));
        }
        Ok(schedule)
    }
}

impl From<Schedule> for String {
    fn from(schedule: Schedule) -> Self {
        schedule.text
    }
}

impl Deref for Schedule {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl Display for Schedule {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Schedule, String> {
        text.to_owned().try_into()
    }

    #[test]
    fn a_schedule_is_one_that_kubernetes_takes() {
        for (text, advice) in [
            ("0 25 * * *", "is no hour: write 0 to 23"),
            ("60 1 * * *", "is no minute: write 0 to 59"),
            ("0 1 * * 7", "0 for Sunday"),
            ("0 1 * * 1-7", "0 for Sunday"),
            ("0 1 32 * *", "write 1 to 31"),
            ("0 1 0 * *", "write 1 to 31"),
            ("0 1 * 13 *", "write 1 to 12 (jan to dec)"),
            ("*/0 1 * * *", "a step of 1 or more"),
            ("1/ 1 * * *", "a step of 1 or more"),
            ("*/a 1 * * *", "a step of 1 or more"),
            ("5-1 1 * * *", "the lesser end"),
            ("a b c d e", "is no minute"),
            ("0 1 L * *", "is no day of the month"),
            ("1, 1 * * *", "\"\" is no minute"),
            ("-1 1 * * *", "is no minute"),
            ("+1 1 * * *", "is no minute"),
            ("99999999999999999999 1 * * *", "is no minute"),
            ("0 0 31 2 *", "never comes"),
            ("0 0 31 4,6,9,11 *", "never comes"),
            ("daily", "five fields"),
            ("0 1 * *", "five fields"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(advice), "{text}: {error}");
        }
        for text in [
            "0 1 * * 0",
            "*/15 0-6/2,12 1,15 JAN-mar Sun",
            "5/10 * * * mon-fri",
            "0 0 29 2 *",
            "0 1 ? * 6",
        ] {
            assert_eq!(read(text).map(String::from), Ok(text.to_owned()));
        }
    }

    #[test]
    fn a_period_is_what_lies_between_two_runs_at_most() {
        for (schedules, hours) in [
            (&["0 1 * * *"][..], 24),
            (&["*/5 * * * *"], 24),
            (&["0 3 * * 3"], 7 * 24),
            (&["0 1 * * 1,2"], 6 * 24),
            (&["0 1 * * 1-2"], 6 * 24),
            (&["0 1 * * mon,tue"], 6 * 24),
            (&["0 1 * * */6"], 6 * 24),
            (&["0 1 */2 * *"], 2 * 24),
            (&["0 1 1 * *"], 31 * 24),
            // The first of a month, or a Sunday.
            (&["0 1 1 * 0"], 7 * 24),
            (&["0 1 1 1 *"], 366 * 24),
            (&["0 0 29 2 *"], (3 * 365 + 366) * 24),
            (&["0 1 * * 6,0", "0 1 * * 6"], 6 * 24),
            (&["0 1 * * 0", "0 1 * * 1-6"], 24),
            (&["0 1 * * 0", "0 23 * * 1-6"], 46),
            (&["0 1 * * 0", "0 1 * * 0"], 7 * 24),
        ] {
            let read: Vec<_> = schedules.iter().map(|text| read(text).unwrap()).collect();
            let all: Vec<_> = read.iter().collect();
            assert_eq!(Schedule::period(&all), SignedDuration::from_hours(hours), "{schedules:?}");
        }
    }
}
