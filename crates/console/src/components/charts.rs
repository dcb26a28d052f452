//! Charts of requests and errors over time, as SVG rendered by the server.

use maud::{Markup, html};

use super::text::grouped;

/// One bar of a [`bar_chart`].
#[derive(Clone, Debug)]
pub struct Bucket<'a> {
    /// The period that the bar covers: `22 Nov, 11:00`.
    pub label: &'a str,
    /// The text below the axis; empty for most bars.
    pub tick: &'a str,
    pub requests: u64,
    /// How many of `requests` failed.
    pub errors: u64,
}

/// A chart of requests over time.
#[derive(Clone, Debug)]
pub struct BarChart<'a> {
    pub id: &'a str,
    /// The caption: `Requests in the last 24 hours`.
    pub title: &'a str,
    pub buckets: &'a [Bucket<'a>],
}

/// The height of a bar for `value`, where `max` is drawn `height` high. A value above zero is at
/// least `min_height` high, so that it can be seen.
fn bar_height(value: u64, max: u64, height: u64, min_height: u64) -> u64 {
    if value == 0 {
        return 0;
    }
    let scaled = u128::from(value) * u128::from(height) / u128::from(max.max(1));
    u64::try_from(scaled).unwrap_or(height).clamp(min_height, height)
}

/// A small chart for a table cell: one bar, 4 px wide, for each pair of requests and errors.
pub fn sparkline(values: &[(u64, u64)]) -> Markup {
    const HEIGHT: u64 = 24;
    let max = values.iter().map(|(requests, _)| *requests).max().unwrap_or(0);
    let requests = values.iter().fold(0_u64, |sum, (requests, _)| sum.saturating_add(*requests));
    let errors = values.iter().fold(0_u64, |sum, (_, errors)| sum.saturating_add(*errors));
    let label = format!(
        "{} requests, {} errors, at most {} at once",
        grouped(&requests.to_string()),
        grouped(&errors.to_string()),
        grouped(&max.to_string())
    );
    html! {
        svg.sparkline width=(values.len() * 4) height=(HEIGHT) role="img" aria-label=(label) {
            @for (index, (requests, errors)) in values.iter().enumerate() {
                @let all = bar_height(*requests, max, HEIGHT, 2);
                @let bad = bar_height(*errors, max, HEIGHT, 2).min(all);
                @if all == 0 {
                    rect.none x=(index * 4) y=(HEIGHT - 1) width="3" height="1" {}
                } @else {
                    rect.ok x=(index * 4) y=(HEIGHT - all) width="3" height=(all - bad) {}
                    @if bad > 0 { rect.bad x=(index * 4) y=(HEIGHT - bad) width="3" height=(bad) {} }
                }
            }
        }
    }
}

/// A placeholder with the size of a sparkline of 24 bars, shown until the sparkline has loaded.
pub fn sparkline_skeleton() -> Markup {
    html! { span.skeleton.sparkline-skeleton aria-hidden="true" {} }
}

/// A large chart with axes and, for assistive technology, the same numbers as a table.
pub fn bar_chart(chart: &BarChart<'_>) -> Markup {
    const HEIGHT: u64 = 120;
    let max = chart.buckets.iter().map(|bucket| bucket.requests).max().unwrap_or(0);
    let top = nice_ceiling(max);
    html! {
        figure.chart id=(chart.id) {
            figcaption { (chart.title) }
            div.chart-plot {
                div.chart-scale aria-hidden="true" {
                    span { (grouped(&top.to_string())) }
                    span { @if top.is_multiple_of(2) { (grouped(&(top / 2).to_string())) } }
                    span { "0" }
                }
                svg viewBox={ "0 0 " (chart.buckets.len() * 10) " " (HEIGHT) }
                    preserveAspectRatio="none" aria-hidden="true"
                {
                    @for y in [0, HEIGHT / 2, HEIGHT] {
                        line.grid x1="0" x2=(chart.buckets.len() * 10) y1=(y) y2=(y) {}
                    }
                    @for (index, bucket) in chart.buckets.iter().enumerate() {
                        @let all = bar_height(bucket.requests, top, HEIGHT, 2);
                        @let bad = bar_height(bucket.errors, top, HEIGHT, 2).min(all);
                        g {
                            title {
                                (bucket.label) ": " (grouped(&bucket.requests.to_string()))
                                " requests, " (grouped(&bucket.errors.to_string())) " errors"
                            }
                            rect.hit x=(index * 10) y="0" width="10" height=(HEIGHT) {}
                            rect.ok x=(index * 10 + 1) y=(HEIGHT - all) width="8" height=(all - bad) {}
                            rect.bad x=(index * 10 + 1) y=(HEIGHT - bad) width="8" height=(bad) {}
                        }
                    }
                }
                div.chart-ticks aria-hidden="true" {
                    @for bucket in chart.buckets.iter().filter(|bucket| !bucket.tick.is_empty()) {
                        span { (bucket.tick) }
                    }
                }
            }
            table.visually-hidden {
                caption { (chart.title) }
                thead { tr { th scope="col" { "Time" } th scope="col" { "Requests" } th scope="col" { "Errors" } } }
                tbody {
                    @for bucket in chart.buckets {
                        tr { th scope="row" { (bucket.label) } td { (bucket.requests) } td { (bucket.errors) } }
                    }
                }
            }
        }
    }
}

/// The upper end of the axis: the smallest of 1, 2, 4, 6, 8, 10 times a power of ten that is not
/// below `max`, and at least 4.
fn nice_ceiling(max: u64) -> u64 {
    let max = max.max(4);
    let mut power = 1_u64;
    while max / power >= 10 {
        power *= 10;
    }
    [1, 2, 4, 6, 8, 10]
        .into_iter()
        .filter_map(|step| power.checked_mul(step))
        .find(|end| *end >= max)
        .unwrap_or(max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_at_a_round_number_not_below_any_bar() {
        for (max, end) in [(0, 4), (4, 4), (5, 6), (9, 10), (11, 20), (99, 100), (1_234, 2_000)] {
            assert_eq!(nice_ceiling(max), end);
        }
        assert!(nice_ceiling(u64::MAX) == u64::MAX);
    }

    #[test]
    fn one_error_among_a_million_requests_is_still_visible() {
        let markup = sparkline(&[(1_000_000, 1), (0, 0)]).into_string();
        assert!(
            markup.contains("class=\"bad\" x=\"0\" y=\"22\" width=\"3\" height=\"2\""),
            "{markup}"
        );
        assert!(markup.contains("aria-label=\"1,000,000 requests, 1 errors"), "{markup}");
    }

    #[test]
    fn a_charts_numbers_are_also_a_table_for_assistive_technology() {
        let buckets = [Bucket { label: "<now>", tick: "now", requests: 7, errors: 2 }];
        let chart = BarChart { id: "c", title: "Requests", buckets: &buckets };
        let markup = bar_chart(&chart).into_string();
        assert!(
            markup.contains("<th scope=\"row\">&lt;now&gt;</th><td>7</td><td>2</td>"),
            "{markup}"
        );
    }
}
