//! The notices about a key's expiry.

use super::time::{DAY, Timestamp};

/// How many days before a key's expiry its notices are recorded and shown; 0 means that the key has
/// expired.
pub const NOTICES: [i64; 3] = [14, 3, 0];

/// The notice that is due at `now` for a key that expires at `at`: the smallest number of days in
/// [`NOTICES`] within which it expires. `None` if it expires later than that.
pub fn notice(at: Timestamp, now: Timestamp) -> Option<i64> {
    NOTICES.into_iter().filter(|days| at.since(now) <= days * DAY).min()
}

/// Whole days from `now` until `at`, rounded up; 0 once it is past.
pub fn days_left(at: Timestamp, now: Timestamp) -> i64 {
    let millis = at.since(now).max(0);
    millis.div_euclid(DAY) + i64::from(millis.rem_euclid(DAY) > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_come_at_14_3_and_0_days() {
        let at = Timestamp::from_millis(1_795_000_000_000);
        for (before, expected) in [
            (14 * DAY + 1, None),
            (14 * DAY, Some(14)),
            (3 * DAY + 1, Some(14)),
            (3 * DAY, Some(3)),
            (1, Some(3)),
            (0, Some(0)),
            (-DAY, Some(0)),
        ] {
            assert_eq!(notice(at, at.plus(-before)), expected, "{before} ms before");
        }
    }

    #[test]
    fn days_are_rounded_up() {
        let at = Timestamp::from_millis(1_795_000_000_000);
        assert_eq!(days_left(at, at.plus(-DAY)), 1);
        assert_eq!(days_left(at, at.plus(-DAY - 1)), 2);
        assert_eq!(days_left(at, at.plus(-1)), 1);
        assert_eq!(days_left(at, at), 0);
        assert_eq!(days_left(at, at.plus(DAY)), 0);
    }
}
