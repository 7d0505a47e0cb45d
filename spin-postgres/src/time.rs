//! PostgreSQL's dates and times, which count from 2000-01-01.

use chrono::{DateTime, Datelike as _, Days, NaiveDate, NaiveDateTime, NaiveTime, Timelike as _};

/// (year, month, day)
pub type Date = (i32, u8, u8);
/// (hour, minute, second, nanosecond)
pub type Time = (u8, u8, u8, u32);
/// (year, month, day, hour, minute, second, nanosecond)
pub type Datetime = (i32, u8, u8, u8, u8, u8, u32);

const MICROS_PER_SECOND: i64 = 1_000_000;
/// A time of PostgreSQL's, and none of chrono's.
const END_OF_DAY: Time = (24, 0, 0, 0);
/// 2000-01-01T00:00:00Z in seconds since 1970.
const EPOCH_UNIX: i64 = 946_684_800;
const EPOCH: NaiveDateTime = match DateTime::from_timestamp(EPOCH_UNIX, 0) {
    Some(epoch) => epoch.naive_utc(),
    None => NaiveDateTime::MIN, // not reached: the number above is in range
};

pub fn days((year, month, day): Date) -> Result<i32, String> {
    let date = date(year, month, day)?;
    i32::try_from((date - EPOCH.date()).num_days()).map_err(|_| "the date is out of range".into())
}

pub fn date_from_days(days: i32) -> Result<Date, String> {
    // PostgreSQL's own markers for `infinity` and `-infinity`.
    let distance = Days::new(days.unsigned_abs().into());
    let date = match days {
        i32::MAX | i32::MIN => None,
        0.. => EPOCH.date().checked_add_days(distance),
        _ => EPOCH.date().checked_sub_days(distance),
    };
    let date = date.ok_or("the date is infinite or out of range")?;
    Ok((date.year(), small(date.month()), small(date.day())))
}

pub fn micros_of_day((hour, minute, second, nanos): Time) -> Result<i64, String> {
    if (hour, minute, second, nanos) == END_OF_DAY {
        return Ok(24 * 3600 * MICROS_PER_SECOND);
    }
    let time = time(hour, minute, second, nanos)?;
    Ok(i64::from(time.num_seconds_from_midnight()) * MICROS_PER_SECOND
        + i64::from(time.nanosecond() / 1000))
}

pub fn time_from_micros(micros: i64) -> Result<Time, String> {
    let seconds = micros / MICROS_PER_SECOND;
    let hour = u8::try_from(seconds / 3600).map_err(|_| "the time is out of range")?;
    let nanos =
        u32::try_from(micros % MICROS_PER_SECOND * 1000).map_err(|error| error.to_string())?;
    // By hand, because of the end of the day.
    Ok((hour, part(seconds / 60 % 60), part(seconds % 60), nanos))
}

pub fn micros((year, month, day, hour, minute, second, nanos): Datetime) -> Result<i64, String> {
    let datetime = date(year, month, day)?.and_time(time(hour, minute, second, nanos)?);
    (datetime - EPOCH).num_microseconds().ok_or_else(|| "the time is out of range".into())
}

pub fn datetime_from_micros(micros: i64) -> Result<Datetime, String> {
    let datetime = match micros {
        i64::MAX | i64::MIN => None,
        micros => EPOCH.checked_add_signed(chrono::Duration::microseconds(micros)),
    };
    let value = datetime.ok_or("the timestamp is infinite or out of range")?;
    Ok((
        value.year(),
        small(value.month()),
        small(value.day()),
        small(value.hour()),
        small(value.minute()),
        small(value.second()),
        value.nanosecond(),
    ))
}

/// From seconds since 1970 to microseconds since 2000.
pub fn micros_of_unix(seconds: i64) -> Result<i64, String> {
    seconds
        .checked_sub(EPOCH_UNIX)
        .and_then(|seconds| seconds.checked_mul(MICROS_PER_SECOND))
        .ok_or_else(|| "the timestamp is out of range".into())
}

fn date(year: i32, month: u8, day: u8) -> Result<NaiveDate, String> {
    NaiveDate::from_ymd_opt(year, month.into(), day.into())
        .ok_or_else(|| format!("there is no date {year}-{month:02}-{day:02}"))
}

fn time(hour: u8, minute: u8, second: u8, nanos: u32) -> Result<NaiveTime, String> {
    NaiveTime::from_hms_nano_opt(hour.into(), minute.into(), second.into(), nanos)
        .ok_or_else(|| format!("there is no time {hour:02}:{minute:02}:{second:02}.{nanos:09}"))
}

/// Months, days, hours, minutes and seconds all fit.
fn small(value: u32) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

fn part(value: i64) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_epoch_is_2000() {
        assert_eq!(days((2000, 1, 1)), Ok(0));
        assert_eq!(date_from_days(-1), Ok((1999, 12, 31)));
        assert_eq!(micros((2000, 1, 1, 0, 0, 1, 0)), Ok(1_000_000));
        assert_eq!(micros_of_unix(EPOCH_UNIX), Ok(0));
        assert_eq!(micros_of_unix(0), micros((1970, 1, 1, 0, 0, 0, 0)));
    }

    #[test]
    fn the_end_of_a_day_is_a_time() {
        assert_eq!(time_from_micros(86_400_000_000), Ok(END_OF_DAY));
        assert_eq!(micros_of_day(END_OF_DAY), Ok(86_400_000_000));
    }

    #[test]
    fn what_does_not_exist_is_an_error() {
        assert!(days((2023, 2, 29)).is_err());
        assert!(micros_of_day((24, 0, 0, 1)).is_err());
        assert!(micros_of_unix(i64::MIN).is_err());
        assert!(date_from_days(i32::MAX).is_err());
        assert!(datetime_from_micros(i64::MIN).is_err());
        assert!(time_from_micros(-1).is_err());
    }

    proptest! {
        #[test]
        fn dates_survive(number in -700_000..10_000_000) {
            prop_assert_eq!(days(date_from_days(number).unwrap()), Ok(number));
        }

        #[test]
        fn times_survive(number in 0..=86_400_000_000_i64) {
            prop_assert_eq!(micros_of_day(time_from_micros(number).unwrap()), Ok(number));
        }

        #[test]
        fn timestamps_survive(number in -60_000_000_000_000_000..60_000_000_000_000_000_i64) {
            prop_assert_eq!(micros(datetime_from_micros(number).unwrap()), Ok(number));
        }

        #[test]
        fn nothing_panics(days in any::<i32>(), micros in any::<i64>()) {
            let _ = date_from_days(days);
            let _ = time_from_micros(micros);
            let _ = datetime_from_micros(micros);
        }
    }
}
