//! Lengths of time as people write them: a whole number and s, m, h or d.

use domain::time::Span;

/// Reads a length of time such as `90s` or `14d`; none when it is not one. Nine digits are beyond every bound there is.
pub(crate) fn parse(text: &str) -> Option<Span> {
    let unit = match text.chars().next_back()? {
        's' => Span::secs(1),
        'm' => Span::mins(1),
        'h' => Span::hours(1),
        'd' => Span::days(1),
        _ => return None,
    };
    let digits = &text[..text.len() - 1];
    let plain = (1..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse::<i64>().ok().map(|count| Span(count * unit.0))).flatten()
}

/// Reads a flag's length of time.
pub(crate) fn flag(text: &str) -> Result<Span, String> {
    parse(text).ok_or_else(|| "write a whole number and s, m, h or d, such as 90d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_reads_back_as_it_was_written() {
        for text in ["0s", "90s", "7m", "14d", "3660d"] {
            assert_eq!(parse(text).map(|span| span.to_string()).as_deref(), Some(text));
        }
        for text in ["", "d", "1", "1w", "-1d", "1.5h", "1000000000s", "1é", "é"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
