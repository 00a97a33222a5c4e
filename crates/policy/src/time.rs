//! The time of a decision as conditions see it, in UTC.

/// Hour, minute, day of the week (1: Monday to 7: Sunday) and date of seconds since 1970.
pub(crate) struct Moment {
    pub(crate) hour: i64,
    pub(crate) minute: i64,
    pub(crate) weekday: i64,
    /// `YYYY-MM-DD`.
    pub(crate) date: String,
}

impl Moment {
    pub(crate) fn of(unix_s: i64) -> Self {
        let (days, second) = (unix_s.div_euclid(86_400), unix_s.rem_euclid(86_400));
        let (year, month, day) = civil(days);
        Self {
            hour: second / 3_600,
            minute: second / 60 % 60,
            // The first of January 1970 was a Thursday.
            weekday: (days + 3).rem_euclid(7) + 1,
            date: format!("{year:04}-{month:02}-{day:02}"),
        }
    }
}

/// Year, month and day of days since 1970, in the Gregorian calendar.
fn civil(days: i64) -> (i64, i64, i64) {
    // Counted in eras of 400 years that begin with March, so that the leap day is the last of a year.
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, (month + 2) % 12 + 1);
    (era * 400 + year + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_that_everybody_can_look_up() {
        let of = |unix_s| {
            let m = Moment::of(unix_s);
            (m.date, m.weekday, m.hour, m.minute)
        };
        assert_eq!(of(0), ("1970-01-01".to_owned(), 4, 0, 0));
        assert_eq!(of(951_782_400), ("2000-02-29".to_owned(), 2, 0, 0));
        assert_eq!(of(1_767_225_599), ("2025-12-31".to_owned(), 3, 23, 59));
        assert_eq!(of(-1), ("1969-12-31".to_owned(), 3, 23, 59));
        assert_eq!(of(4_107_542_400), ("2100-03-01".to_owned(), 1, 0, 0));
    }
}
